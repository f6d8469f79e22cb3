package ldapdir

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

var errClosed = errors.New("directory is closed")

// A pool keeps connections that rest, and bounds how many there are in all.
type pool struct {
	cfg    Config
	target target
	slots  chan struct{} // one token for each connection in use

	mu     sync.Mutex
	idle   []*conn // the last used is at the end
	closed bool
	done   chan struct{} // closed by close
}

// A conn is a bound connection. reused says that it has served before, so that a
// failure may be its age's fault and not the server's.
type conn struct {
	*ldap.Conn
	since  time.Time // when it last served
	reused bool
}

func newPool(cfg Config, t target) *pool {
	return &pool{cfg: cfg, target: t, slots: make(chan struct{}, cfg.Connections), done: make(chan struct{})}
}

// get returns a connection that works as far as one can tell, an idle one first.
// Whoever gets one gives it back.
func (p *pool) get(ctx context.Context) (*conn, error) {
	select {
	case <-p.done:
		return nil, errClosed
	default:
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.done:
		return nil, errClosed
	}
	c, err := p.take(ctx)
	if err != nil {
		<-p.slots
		return nil, err
	}
	return c, nil
}

func (p *pool) take(ctx context.Context) (*conn, error) {
	for {
		c := p.pop()
		if c == nil {
			return p.dial(ctx)
		}
		if c.IsClosing() {
			continue // the server hung up on it while it rested
		}
		if time.Since(c.since) > p.cfg.Idle && p.probe(ctx, c) != nil {
			c.Close()
			continue
		}
		return c, nil
	}
}

func (p *pool) pop() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	c := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return c
}

// put gives a connection back; a broken one is closed instead.
func (p *pool) put(c *conn, broken bool) {
	p.mu.Lock()
	keep := !broken && !p.closed && !c.IsClosing()
	if keep {
		c.since, c.reused = time.Now(), true
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	if !keep {
		c.Close()
	}
	<-p.slots
}

// connect opens a connection, protected as the configuration says.
func (p *pool) connect(ctx context.Context) (net.Conn, error) {
	raw, err := (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext(ctx, "tcp", p.target.addr)
	if err != nil {
		return nil, err
	}
	if p.cfg.StartTLS {
		stop := context.AfterFunc(ctx, func() { raw.Close() })
		err := startTLS(raw)
		stop()
		if err != nil {
			raw.Close()
			return nil, err
		}
	}
	if !p.target.secure && !p.cfg.StartTLS {
		return raw, nil
	}
	t := tls.Client(raw, p.tlsConfig())
	if err := t.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return t, nil
}

// startTLS asks the server to go on in TLS (RFC 4511 4.14). It says nothing more before
// that has begun, so that nothing is read too far.
func startTLS(raw net.Conn) error {
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationExtendedRequest, nil, "StartTLS")
	op.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 0, "1.3.6.1.4.1.1466.20037", "name"))
	s := &stream{Conn: raw, r: bufio.NewReader(raw)}
	if err := s.ask(op); err != nil {
		return err
	}
	if s.r.Buffered() > 0 {
		return errors.New("the server says something unprotected after its consent to TLS")
	}
	return nil
}

// dial makes a connection and binds it.
func (p *pool) dial(ctx context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	raw, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: ldap.NewConn(raw, p.target.secure || p.cfg.StartTLS)}
	c.Start()
	c.SetTimeout(p.cfg.Timeout)
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if p.cfg.BindDN != "" {
		if err := c.Bind(string(p.cfg.BindDN), p.cfg.Password); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

func (p *pool) tlsConfig() *tls.Config {
	c := &tls.Config{}
	if p.cfg.TLS != nil {
		c = p.cfg.TLS.Clone()
	}
	if c.ServerName == "" {
		c.ServerName = p.target.host
	}
	return c
}

// probe asks for nothing from the root, which every server answers.
func (p *pool) probe(ctx context.Context, c *conn) error {
	defer context.AfterFunc(ctx, func() { c.Close() })()
	_, err := c.Search(ldap.NewSearchRequest("", ldap.ScopeBaseObject, ldap.NeverDerefAliases,
		1, int(p.cfg.Timeout/time.Second), false, "(objectClass=*)", []string{"1.1"}, nil))
	return err
}

// close ends all resting connections; those in use end when they are given back.
func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	if !p.closed {
		p.closed = true
		close(p.done)
	}
	p.mu.Unlock()
	for _, c := range idle {
		c.Close()
	}
}
