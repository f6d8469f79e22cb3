package embedded

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/cod/directory"
)

const (
	pduTime   = 30 * time.Second // for the rest of a request, once it has begun
	writeTime = 30 * time.Second // for a client to take an answer

	forever = 100 * 365 * 24 * time.Hour
)

// A client is one connection. Its reader takes one request after another; searches
// run beside each other, writes go to the writer, and answers come when they are
// ready. Binding and StartTLS wait until nothing else is under way.
type client struct {
	srv  *Server
	log  logrus.FieldLogger
	conn net.Conn
	in   *bufio.Reader
	who  identity // changed only while nothing is under way

	slots    chan struct{} // one token for each request under way
	busy     sync.WaitGroup
	watching atomic.Int32 // watches under way

	mu     sync.Mutex // guards what follows
	out    *bufio.Writer
	failed error // of writing; nothing more is tried then
	cancel map[int64]context.CancelFunc
}

func newClient(s *Server, conn net.Conn) *client {
	return &client{
		srv: s, log: s.cfg.Log.WithField("client", conn.RemoteAddr().String()), conn: conn,
		in: bufio.NewReader(conn), out: bufio.NewWriter(conn),
		slots: make(chan struct{}, s.cfg.Pending), cancel: map[int64]context.CancelFunc{},
	}
}

// serve reads requests until the client leaves, breaks the protocol or is told to
// go; then it waits for what is under way.
func (c *client) serve() {
	ctx, stop := context.WithCancel(context.Background())
	defer func() { c.conn.Close() }()
	defer c.busy.Wait()
	defer stop() // what still runs for this client is of no use to anybody
	for {
		m, err := c.next()
		switch {
		case errors.Is(err, errProtocol):
			c.log.WithError(err).Warn("connection closed")
			c.notice(directory.ProtocolError, err.Error())
			return
		case err != nil:
			if c.srv.ctx.Err() != nil { // the server is closing: finish first, then say so
				c.busy.Wait()
				c.notice(directory.Unavailable, "server is closing")
			}
			return
		case m.tag == opUnbindRequest:
			return
		}
		if !c.handle(ctx, m) {
			return
		}
	}
}

// next reads one request. A client may be silent between requests for long, but
// not in the middle of one.
func (c *client) next() (message, error) {
	patience := c.srv.cfg.Idle
	if c.watching.Load() > 0 {
		patience = forever // it listens
	}
	c.srv.deadline(c.conn, patience)
	pdu, err := readPDU(c.in, c.srv.cfg.PDU, func() { c.srv.deadline(c.conn, pduTime) })
	if err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		return message{}, err
	}
	return parseMessage(pdu)
}

// handle starts one request; false ends the connection.
func (c *client) handle(ctx context.Context, m message) bool {
	switch m.tag {
	case opAbandonRequest:
		c.abandon(m)
		return true
	case opBindRequest:
		c.busy.Wait()
		return c.answer(m, c.bind(m), nil) == nil
	case opExtendedRequest:
		return c.extended(m)
	}
	tag := responseTag(m.tag)
	if tag < 0 {
		c.notice(directory.ProtocolError, "unknown operation")
		return false
	}
	ctx, cancel := context.WithCancel(ctx)
	if !c.begin(m.id, cancel) {
		cancel()
		return c.answer(m, result(tag, directory.ProtocolError, "", "message id is in use"), nil) == nil
	}
	finish := func(op *ber.Packet, controls []*ber.Packet) {
		if ctx.Err() == nil || m.tag != opSearchRequest { // an abandoned search gets no answer
			c.answer(m, op, controls) // a failure is found by the reader
		}
		c.end(m.id)
	}
	switch m.tag {
	case opSearchRequest:
		watch := m.asksSync()
		if watch {
			c.watching.Add(1)
		}
		go func() {
			op, controls := c.search(ctx, m)
			if watch {
				c.watching.Add(-1)
			}
			finish(op, controls)
		}()
	case opCompareRequest:
		finish(resultOf(tag, c.compare(m)), nil)
	default:
		out := c.update(m)
		go func() {
			o := <-out
			finish(o.op, o.controls)
		}()
	}
	return true
}

// begin takes a slot and notes how to abandon the request.
func (c *client) begin(id int64, cancel context.CancelFunc) bool {
	c.slots <- struct{}{}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel[id] != nil {
		<-c.slots
		return false
	}
	c.cancel[id] = cancel
	c.busy.Add(1)
	return true
}

func (c *client) end(id int64) {
	c.mu.Lock()
	cancel := c.cancel[id]
	delete(c.cancel, id)
	c.mu.Unlock()
	cancel()
	<-c.slots
	c.busy.Done()
}

// abandon stops a search; a write is past stopping (RFC 4511 4.11).
func (c *client) abandon(m message) {
	if m.op.TagType != ber.TypePrimitive || m.op.Data.Len() > 8 {
		return
	}
	id, err := ber.ParseInt64(m.op.Data.Bytes())
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if cancel := c.cancel[id]; cancel != nil {
		cancel()
	}
}

// extended answers an extended request (RFC 4511 4.12); false ends the connection.
func (c *client) extended(m message) bool {
	refuse := func(code directory.Code, why string) bool {
		return c.answer(m, result(opExtendedResponse, code, "", why), nil) == nil
	}
	f, err := parts(m.op, 1, 2)
	if err != nil || !isContext(f[0], 0, ber.TypePrimitive) {
		return refuse(directory.ProtocolError, "malformed extended request")
	}
	if _, err := m.controlsFor(); err != nil {
		return c.answer(m, resultOf(opExtendedResponse, err), nil) == nil
	}
	switch oid := f[0].Data.String(); {
	case oid == extendedWhoAmI:
		c.busy.Wait()
		op := result(opExtendedResponse, directory.Success, "", "")
		id := ""
		if c.who.dn != "" {
			id = "dn:" + string(c.who.dn)
		}
		value := octets(id)
		value.ClassType, value.Tag = ber.ClassContext, 11
		op.AppendChild(value)
		return c.answer(m, op, nil) == nil
	case oid == extendedStartTLS && c.srv.cfg.TLS != nil:
		c.busy.Wait()
		return c.startTLS(m)
	}
	return refuse(directory.ProtocolError, "unknown extended request")
}

// answer sends the last message about a request.
func (c *client) answer(m message, op *ber.Packet, controls []*ber.Packet) error {
	if err := c.send(envelope(m.id, op, controls...)); err != nil {
		return err
	}
	return c.flush()
}

// notice tells the client that the connection ends, and why (RFC 4511 4.4.1).
func (c *client) notice(code directory.Code, why string) {
	op := result(opExtendedResponse, code, "", why)
	name := octets("1.3.6.1.4.1.1466.20036")
	name.ClassType, name.Tag = ber.ClassContext, 10
	op.AppendChild(name)
	if c.send(envelope(0, op)) == nil {
		c.flush() // the connection is closed whether or not it is heard
	}
}

// send queues one message.
func (c *client) send(p *ber.Packet) error {
	b := p.Bytes()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed == nil {
		c.conn.SetWriteDeadline(time.Now().Add(writeTime))
		_, c.failed = c.out.Write(b)
	}
	return c.failed
}

func (c *client) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed == nil {
		c.conn.SetWriteDeadline(time.Now().Add(writeTime))
		c.failed = c.out.Flush()
	}
	if c.failed != nil {
		c.conn.Close() // so that the reader notices
	}
	return c.failed
}
