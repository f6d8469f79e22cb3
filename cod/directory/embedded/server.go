package embedded

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"github.com/leasehold/leasehold/cod/directory"
)

// A Server is a directory in a file, open to clients and to this process.
type Server struct {
	cfg      Config
	engine   *engine
	listener net.Listener // nil when nobody is served

	ctx  context.Context // ends when the server closes
	stop context.CancelFunc
	done sync.WaitGroup // the accepting goroutine and all connections

	mu      sync.Mutex
	clients map[*client]bool
}

// Open opens the data base, making it if need be, and starts to serve.
func Open(cfg Config) (*Server, error) {
	cfg, err := cfg.check()
	if err != nil {
		return nil, err
	}
	engine, err := openEngine(cfg)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, engine: engine, clients: map[*client]bool{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	if cfg.Listen != "" {
		if s.listener, err = net.Listen("tcp", cfg.Listen); err != nil {
			engine.close()
			return nil, err
		}
		s.done.Go(s.accept)
	}
	return s, nil
}

// URL is where clients find the server: "ldap://127.0.0.1:3890". Empty when nobody
// is served.
func (s *Server) URL() string {
	if s.listener == nil {
		return ""
	}
	return "ldap://" + s.listener.Addr().String()
}

// Close stops taking requests, finishes those that are under way, tells clients
// and closes the file. Closing again does nothing.
func (s *Server) Close() error {
	s.stop()
	if s.listener != nil {
		s.listener.Close()
	}
	s.each(func(c *client) { c.conn.SetReadDeadline(time.Now()) }) // wakes its reader, which then sees that we close
	patience := time.AfterFunc(closeTime, func() { s.each(func(c *client) { c.conn.Close() }) })
	s.done.Wait()
	patience.Stop()
	return s.engine.close()
}

// closeTime is how long Close waits for clients to take their last answers.
const closeTime = 5 * time.Second

func (s *Server) each(do func(*client)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.clients {
		do(c)
	}
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			if s.ctx.Err() != nil {
				return
			}
			// Out of descriptors, most likely: others have to leave first.
			s.cfg.Log.WithError(err).Error("accept failed")
			select {
			case <-s.ctx.Done():
				return
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		c := newClient(s, conn)
		if !s.admit(c) {
			s.done.Go(func() {
				c.notice(directory.Busy, "too many connections")
				conn.Close()
			})
			continue
		}
		s.done.Go(func() {
			defer s.leave(c)
			c.serve()
		})
	}
}

func (s *Server) admit(c *client) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.clients) >= s.cfg.Connections {
		return false
	}
	s.clients[c] = true
	return true
}

func (s *Server) leave(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, c)
}

// deadline gives a connection's reader so much time, or none when the server is
// closing. The lock keeps it from undoing what Close has set.
func (s *Server) deadline(conn net.Conn, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		d = 0
	}
	conn.SetReadDeadline(time.Now().Add(d))
}

// startTLS answers, and goes on in TLS (RFC 4511 4.14). Octets that came before
// the handshake could have been put in by anybody, so none may be waiting.
func (c *client) startTLS(m message) bool {
	if _, already := c.conn.(*tls.Conn); already || c.in.Buffered() > 0 {
		return c.answer(m, result(opExtendedResponse, directory.OperationsError, "", "TLS cannot start here"), nil) == nil
	}
	if c.answer(m, result(opExtendedResponse, directory.Success, "", ""), nil) != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(c.srv.ctx, pduTime)
	defer cancel()
	t := tls.Server(c.conn, c.srv.cfg.TLS)
	if err := t.HandshakeContext(ctx); err != nil {
		c.log.WithError(err).Warn("TLS failed")
		return false
	}
	c.srv.mu.Lock()
	c.conn = t
	c.srv.mu.Unlock()
	c.in, c.out = bufio.NewReader(t), bufio.NewWriter(t)
	c.who = identity{} // RFC 4513 4.2: what was said in the clear binds nobody
	return true
}
