package ldapdir

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// A stream is a bound connection on which one search goes on for ever. Whoever wants the
// answers reads them himself, as they come. go-ldap takes every answer apart into a tree
// of packets and hands it from goroutine to goroutine; to a watcher, who is told of each
// change there is, his own among them, that cost more than all else that he did.
type stream struct {
	net.Conn
	r    *bufio.Reader
	last int64  // number of the last request
	buf  []byte // the answer being read; used again
}

// maxAnswer is the longest answer that is read, in octets: several times what slapd
// takes as one request by default (sockbuf_max_incoming_auth).
const maxAnswer = 32 << 20

// The tags of what a server says on a stream (RFC 4511 4.5.2, 4.4, 4.13): all are of
// class application and constructed.
const (
	tagEntry        = 0x40 | 0x20 | ldap.ApplicationSearchResultEntry
	tagDone         = 0x40 | 0x20 | ldap.ApplicationSearchResultDone
	tagReference    = 0x40 | 0x20 | ldap.ApplicationSearchResultReference
	tagIntermediate = 0x40 | 0x20 | ldap.ApplicationIntermediateResponse
)

// stream connects and binds.
func (p *pool) stream(ctx context.Context) (*stream, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	raw, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	s := &stream{Conn: raw, r: bufio.NewReaderSize(raw, 64<<10)}
	defer context.AfterFunc(ctx, func() { raw.Close() })()
	if p.cfg.BindDN != "" {
		bind := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationBindRequest, nil, "bind")
		bind.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, 3, "version"))
		bind.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, string(p.cfg.BindDN), "name"))
		bind.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 0, p.cfg.Password, "password"))
		if err := s.ask(bind); err != nil {
			raw.Close()
			return nil, err
		}
	}
	return s, nil
}

// send sends a request.
func (s *stream) send(op *ber.Packet, controls ...ldap.Control) error {
	s.last++
	p := ber.NewSequence("request")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, s.last, "number"))
	p.AppendChild(op)
	if len(controls) > 0 {
		all := ber.Encode(ber.ClassContext, ber.TypeConstructed, 0, nil, "controls")
		for _, c := range controls {
			all.AppendChild(c.Encode())
		}
		p.AppendChild(all)
	}
	_, err := s.Write(p.Bytes())
	return err
}

// ask sends a request that has one answer, and reads whether that is success.
func (s *stream) ask(op *ber.Packet) error {
	if err := s.send(op); err != nil {
		return err
	}
	if err := s.read(); err != nil {
		return err
	}
	p, err := ber.DecodePacketErr(s.buf)
	if err != nil {
		return err
	}
	return ldap.GetLDAPError(p)
}

// read reads the next answer into buf, whole: the outermost element of one.
func (s *stream) read() error {
	head, err := s.r.Peek(2)
	if err != nil {
		return err
	}
	size, long := int(head[1]), 0
	if size >= 0x80 {
		if long = size - 0x80; long == 0 || long > 4 {
			return errNoMessage
		}
		if head, err = s.r.Peek(2 + long); err != nil {
			return err
		}
		size = 0
		for _, b := range head[2:] {
			size = size<<8 | int(b)
		}
	}
	if head[0] != 0x30 {
		return errNoMessage
	}
	if size += 2 + long; size < 0 || size > maxAnswer {
		return fmt.Errorf("the server's answer has %d octets; no more than %d are read", size, maxAnswer)
	}
	if cap(s.buf) < size || cap(s.buf) > 1<<20 { // one that is so large is rare, and not kept
		s.buf = make([]byte, size)
	}
	s.buf = s.buf[:size]
	_, err = io.ReadFull(s.r, s.buf)
	return err
}

var errNoMessage = errors.New("the server's answer is no LDAP message")

// next reads the next answer to the last request: the tag of what it says, what that
// says, and the controls beside it, if there are any.
func (s *stream) next() (tag byte, content, controls string, err error) {
	if err := s.read(); err != nil {
		return 0, "", "", err
	}
	// One string holds all that is kept of an answer.
	_, message, _, err := element(string(s.buf))
	if err != nil {
		return 0, "", "", err
	}
	kind, number, rest, err := element(message)
	if err != nil || kind != byte(ber.TagInteger) {
		return 0, "", "", errNoMessage
	}
	if tag, content, rest, err = element(rest); err != nil {
		return 0, "", "", err
	}
	if rest != "" {
		if kind, controls, _, err = element(rest); err != nil || kind != 0xa0 {
			return 0, "", "", errNoMessage
		}
	}
	switch n, ok := integer(number); {
	case ok && n == 0: // the server's own word, such as that it goes (RFC 4511 4.4)
		return 0, "", "", errors.Join(errors.New("the server ends the connection"), s.result())
	case !ok || n != s.last:
		return 0, "", "", fmt.Errorf("an answer to request %d, which was not asked", n)
	}
	return tag, content, controls, nil
}

// result is the error that the answer just read states.
func (s *stream) result() error {
	p, err := ber.DecodePacketErr(s.buf)
	if err != nil {
		return err
	}
	return ldap.GetLDAPError(p)
}

// element takes the first element off some BER, of the kind that LDAP uses (RFC 4511
// 5.1): tags of one octet and definite lengths.
func element(b string) (tag byte, content, rest string, err error) {
	if len(b) < 2 || b[0]&0x1f == 0x1f {
		return 0, "", "", errNoMessage
	}
	size, at := int(b[1]), 2
	if size >= 0x80 {
		long := size - 0x80
		if long == 0 || long > 4 || len(b) < 2+long {
			return 0, "", "", errNoMessage
		}
		size = 0
		for at = 2; at < 2+long; at++ {
			size = size<<8 | int(b[at])
		}
	}
	if size < 0 || size > len(b)-at {
		return 0, "", "", errNoMessage
	}
	return b[0], b[at : at+size], b[at+size:], nil
}

// integer reads the content of an integer of a message's number's size, which is never
// negative.
func integer(b string) (n int64, ok bool) {
	if b == "" || len(b) > 5 || b[0] >= 0x80 {
		return 0, false
	}
	for i := range len(b) {
		n = n<<8 | int64(b[i])
	}
	return n, true
}
