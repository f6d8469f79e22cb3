package ldap_test

import (
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/actors/store/storetest"
)

// plain is a server behind a line that lets no control through: to its
// clients it knows RFC 4511 and nothing else.
type plain struct {
	t        *testing.T
	behind   string // host:port
	controls atomic.Int64
	critical atomic.Int64
	extended atomic.Int64
}

// listen is the URL of the plain server.
func (p *plain) listen() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return "ldap://" + l.Addr().String()
}

// serve carries one connection over. A control that is not critical is dropped, as
// by a server that does not know it; one that is gets its request ended.
func (p *plain) serve(c net.Conn) {
	defer c.Close()
	s, err := net.Dial("tcp", p.behind)
	if err != nil {
		return
	}
	defer s.Close()
	go func() {
		_, _ = io.Copy(c, s)
		c.Close()
	}()
	for {
		m, err := ber.ReadPacket(c)
		if err != nil || len(m.Children) < 2 {
			return
		}
		if m.Children[1].Tag == 23 { // an extended operation
			p.extended.Add(1)
			return
		}
		out := ber.NewSequence("LDAPMessage")
		out.AppendChild(m.Children[0])
		out.AppendChild(m.Children[1])
		if len(m.Children) > 2 {
			for _, ctl := range m.Children[2].Children {
				p.controls.Add(1)
				if len(ctl.Children) > 1 && ctl.Children[1].Tag == ber.TagBoolean && ctl.Children[1].Value == true {
					p.critical.Add(1)
					return
				}
			}
		}
		if _, err := s.Write(out.Bytes()); err != nil {
			return
		}
	}
}

// TestPlainServer passes the whole suite on a server without a single control or
// extended operation.
func TestPlainServer(t *testing.T) {
	t.Parallel()
	cfg, _ := onSlapd(t)
	p := &plain{t: t, behind: strings.TrimPrefix(cfg.Server.URL, "ldap://")}
	cfg.Server.URL = p.listen()
	t.Run("suite", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) func() store.Store {
			return func() store.Store {
				r := open(t, cfg)
				return whole{actor(t, r, t.Name()), r}
			}
		})
	})
	if p.controls.Load() == 0 {
		t.Error("no control was offered: the test shows nothing")
	}
	if p.critical.Load()+p.extended.Load() > 0 {
		t.Errorf("%d critical controls and %d extended operations were asked for", p.critical.Load(), p.extended.Load())
	}
	t.Logf("%d controls were offered and not missed", p.controls.Load())
}
