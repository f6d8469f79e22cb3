package embedded

import (
	"bytes"
	"errors"
	"net"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

// A script is a connection whose other side has said all it will say, and waits for
// the answers before it leaves.
type script struct {
	net.Conn // what is not below is not called
	in       *bytes.Reader
	atEnd    func()
	out      bytes.Buffer
}

func (s *script) Read(p []byte) (int, error) {
	n, err := s.in.Read(p)
	if err != nil {
		s.atEnd()
	}
	return n, err
}

func (s *script) Write(p []byte) (int, error)      { return s.out.Write(p) }
func (s *script) Close() error                     { return nil }
func (s *script) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// FuzzServer throws octets at a connection: whatever comes, the server answers in
// well-formed messages or hangs up, and goes on serving.
func FuzzServer(f *testing.F) {
	f.Add(request(1, simple("cn=root", "secret")))
	f.Add(request(1, simple("cn=root", "wrong")))
	for _, filter := range []string{"(objectClass=*)", "(&(cn=a*b*c)(!(|(dc=test)(o>=x)(o<=y)(o~=z))))", "(cn:caseExactMatch:=x)"} {
		f.Add(request(2, searchFor(f, "dc=test", 2, filter)))
	}
	f.Add(append(request(1, searchFor(f, "", 0, "(objectClass=*)")), request(2, searchFor(f, "cn=Subschema", 0, "(cn=*)"))...))
	list := ber.NewSequence("")
	list.AppendChild(attrOf("objectClass", "organizationalUnit"))
	f.Add(request(3, app(opAddRequest, octets("ou=a,dc=test"), list)))
	f.Add(append(request(1, simple("cn=root", "secret")), request(3, app(opAddRequest, octets("ou=a,dc=test"), list))...))
	mod := ber.NewSequence("")
	mod.AppendChild(num(3, ber.TagEnumerated))
	mod.AppendChild(attrOf("uidNumber", "1"))
	mods := ber.NewSequence("")
	mods.AppendChild(mod)
	f.Add(request(4, app(opModifyRequest, octets("dc=test"), mods)))
	f.Add(append(request(1, simple("cn=root", "secret")), request(5, app(opModifyDNRequest, octets("ou=a,dc=test"), octets("ou=b"),
		ber.NewLDAPBoolean(ber.ClassUniversal, ber.TypePrimitive, ber.TagBoolean, true, "")))...))
	ava := ber.NewSequence("")
	ava.AppendChild(octets("dc"))
	ava.AppendChild(octets("test"))
	f.Add(request(6, app(opCompareRequest, octets("dc=test"), ava)))
	paged := ber.NewSequence("")
	paged.AppendChild(num(1, ber.TagInteger))
	paged.AppendChild(octets("dc=test\x00"))
	f.Add(request(7, searchFor(f, "dc=test", 1, "(objectClass=*)"), responseControl(controlPaged, paged)))
	who := octets(extendedWhoAmI)
	who.ClassType, who.Tag = ber.ClassContext, 0
	f.Add(request(8, app(opExtendedRequest, who)))
	abandon := num(7, ber.TagInteger)
	abandon.ClassType, abandon.Tag = ber.ClassApplication, opAbandonRequest
	f.Add(request(9, abandon))
	f.Add([]byte{0x30, 0x84, 0x00, 0x00, 0x00, 0x01})
	s := testServer(f, func(c *Config) { c.Listen, c.PDU = "", 1<<16 })
	s.engine.db.NoSync = true
	f.Fuzz(func(t *testing.T, in []byte) {
		conn := &script{in: bytes.NewReader(in)}
		c := newClient(s, conn)
		conn.atEnd = c.busy.Wait
		c.serve()
		out := conn.out.Bytes()
		for len(out) > 0 {
			p, err := ber.ReadPacket(bytes.NewReader(out))
			if err != nil || len(p.Children) < 2 {
				t.Fatalf("answer %x: %v", out, err)
			}
			out = out[len(p.Bytes()):]
		}
		if _, err := s.Local("").Read(t.Context(), "dc=test"); err != nil && !errors.Is(err, directory.ErrNotFound) {
			t.Fatal(err)
		}
	})
}

func FuzzDecodeEntry(f *testing.F) {
	f.Add(encodeEntry(ldapschema.Entry{DN: "dc=test"}))
	f.Add(encodeEntry(ldapschema.Entry{DN: "dc=test", Attrs: []ldapschema.Attr{{Name: "dc", Values: []string{"test"}}, {Name: "o"}}}))
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, in []byte) {
		e, err := decodeEntry(in)
		if err != nil {
			return
		}
		again, err := decodeEntry(encodeEntry(e))
		if err != nil || again.LDIF() != e.LDIF() {
			t.Fatalf("%x: %v", in, err)
		}
	})
}
