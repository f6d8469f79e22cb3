package scale

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/endpoint"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/actors/remote"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wssec/keys"
	"github.com/leasehold/leasehold/wssec/ticket"
)

// wired carries messages as signed SOAP under the strict profile, each actor with an
// endpoint and connections of its own.
type wired struct {
	w   *World
	end map[actors.ActorID]*wireEnd
}

// wireEnd is what one actor has towards the network.
type wireEnd struct {
	id     keys.Identity
	reg    *registry.Registry
	remote *remote.Remote
	server *http.Server
}

func (w *World) openWire() error {
	c := &wired{w: w, end: map[actors.ActorID]*wireEnd{}}
	w.carry = c
	listeners := map[actors.ActorID]net.Listener{}
	for _, p := range w.cast {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		listeners[p.self.ID] = l
		p.self.URL = "http://" + l.Addr().String() + endpoint.Root + p.self.Name
		id, err := identity(p.self)
		if err != nil {
			return err
		}
		c.end[p.self.ID] = &wireEnd{id: id}
	}
	for _, p := range w.cast {
		if err := c.connect(p, listeners[p.self.ID]); err != nil {
			return err
		}
	}
	return nil
}

func (c *wired) connect(p *player, l net.Listener) error {
	e := c.end[p.self.ID]
	var peers []registry.Peer
	for _, o := range c.w.cast {
		if o != p {
			peers = append(peers, registry.Peer{Location: o.self, Role: o.role, Certs: []*x509.Certificate{c.end[o.self.ID].id.Cert}})
		}
	}
	var err error
	if e.reg, err = registry.New(p.self.ID, peers); err != nil {
		return err
	}
	e.remote, err = remote.New(remote.Config{Self: e.id, Location: p.self, Registry: e.reg,
		Failed: func(f actors.SendFailed) { c.w.fail(fmt.Errorf("%v to %s: %s", f.Message.Op, f.Message.To, f.Note)) },
		Trace: func(a remote.Attempt) {
			if a.Err != nil {
				c.w.fail(a.Err)
			}
			if a.Final {
				c.w.finish(1)
			}
		}})
	if err != nil {
		return err
	}
	end, err := endpoint.New(endpoint.Config{Self: e.id, Location: p.self, Role: p.role, Registry: e.reg,
		Ask: func(ctx context.Context, ev actors.Event) error {
			c.w.busy.Add(1)
			return p.host.Ask(ctx, ev)
		}})
	if err != nil {
		return err
	}
	e.server = &http.Server{Handler: end, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := e.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			c.w.fail(err)
		}
	}()
	return nil
}

func (c *wired) send(from *player, m actors.Message) {
	c.w.busy.Add(1)
	c.end[from.self.ID].remote.Send(m)
}

// grant is the broker's stock as its site signed it.
func (c *wired) grant(t actors.Ticket) (actors.Ticket, error) {
	site, holder := c.end[t.Issuer], c.end[t.Holder]
	t.Text = ""
	t, err := remote.Grant(t, site.id, holder.id.Cert, ticket.SHA256Chain)
	if err != nil {
		return t, err
	}
	chain, err := ticket.SHA256Chain.Verify(t.Text, holder.reg.SiteKeys)
	if err != nil {
		return t, err
	}
	stock := translate.FromChain(chain, t.Text)
	stock.Authority = t.Authority
	return stock, nil
}

func (c *wired) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var err error
	for _, e := range c.end {
		if e.remote != nil {
			err = errors.Join(err, e.remote.Close(ctx))
		}
	}
	for _, e := range c.end {
		if e.server != nil {
			err = errors.Join(err, e.server.Close())
		}
	}
	return err
}

// identity makes a key for an actor, as `leasehold init` does.
func identity(l actors.Location) (keys.Identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return keys.Identity{}, err
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: string(l.ID)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		return keys.Identity{}, err
	}
	cert, err := x509.ParseCertificate(der)
	return keys.Identity{GUID: string(l.ID), Name: l.Name, Key: key, Cert: cert}, err
}
