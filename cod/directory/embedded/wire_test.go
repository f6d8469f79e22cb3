package embedded

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/tree"
	"github.com/leasehold/leasehold/ldapschema"
)

func testServer(t testing.TB, change func(*Config)) *Server {
	t.Helper()
	cfg := Config{
		Path: filepath.Join(t.TempDir(), "directory.db"), Suffix: "dc=test", Listen: "127.0.0.1:0",
		RootDN: "cn=root", RootPassword: "secret", Anonymous: true,
	}
	if change != nil {
		change(&cfg)
	}
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	base, err := ldapschema.New("dc=test", "domain").Build()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Local("cn=root").Apply(context.Background(), ldapschema.AddEntry(base)); err != nil {
		t.Fatal(err)
	}
	return s
}

// A peer is a client that writes its own octets.
type peer struct {
	testing.TB
	conn net.Conn
}

func newPeer(t testing.TB, s *Server) peer {
	t.Helper()
	conn, err := net.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	return peer{t, conn}
}

func (p peer) write(b []byte) {
	p.Helper()
	if _, err := p.conn.Write(b); err != nil {
		p.Fatal(err)
	}
}

func (p peer) read() *ber.Packet {
	p.Helper()
	m, err := ber.ReadPacket(p.conn)
	if err != nil {
		p.Fatal(err)
	}
	return m
}

// result reads an answer to this message with this tag, and returns its code.
func (p peer) result(id int64, tag ber.Tag) directory.Code {
	p.Helper()
	m := p.read()
	if got := m.Children[0].Value; got != id || m.Children[1].Tag != tag {
		p.Fatalf("answer %v with tag %d, want %d and %d", got, m.Children[1].Tag, id, tag)
	}
	return directory.Code(m.Children[1].Children[0].Value.(int64))
}

// gone reads a notice of disconnection with this code and reason, and the end.
func (p peer) gone(code directory.Code, why string) {
	p.Helper()
	m := p.read()
	if got := m.Children[1].Children[0].Value; m.Children[0].Value != int64(0) || got != int64(code) {
		p.Errorf("notice says %v, want %v", got, code)
	}
	if got := m.Children[1].Children[2].Data.String(); !strings.Contains(got, why) {
		p.Errorf("notice says %q, want %q", got, why)
	}
	if _, err := p.conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		p.Errorf("the connection goes on: %v", err)
	}
}

func request(id int64, op *ber.Packet, controls ...*ber.Packet) []byte {
	return envelope(id, op, controls...).Bytes()
}

func app(tag ber.Tag, children ...*ber.Packet) *ber.Packet {
	p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, tag, nil, "")
	for _, c := range children {
		p.AppendChild(c)
	}
	return p
}

func num(n int64, tag ber.Tag) *ber.Packet {
	return ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, tag, n, "")
}

func simple(name, password string) *ber.Packet {
	pw := octets(password)
	pw.ClassType, pw.Tag = ber.ClassContext, 0
	return app(opBindRequest, num(3, ber.TagInteger), octets(name), pw)
}

func searchFor(t testing.TB, base string, scope int64, filter string) *ber.Packet {
	f, err := ldap.CompileFilter(filter)
	if err != nil {
		t.Fatal(err)
	}
	return app(opSearchRequest, octets(base), num(scope, ber.TagEnumerated), num(0, ber.TagEnumerated), num(0, ber.TagInteger), num(0, ber.TagInteger),
		ber.NewLDAPBoolean(ber.ClassUniversal, ber.TypePrimitive, ber.TagBoolean, false, ""), f, ber.NewSequence(""))
}

// TestBrokenProtocol: who does not speak LDAP is told so and sent away.
func TestBrokenProtocol(t *testing.T) {
	t.Parallel()
	s := testServer(t, func(c *Config) { c.PDU = 1000 })
	nested := func(depth int) []byte {
		var b []byte
		for range depth {
			n := len(b)
			if n < 0x80 {
				b = append([]byte{0x30, byte(n)}, b...)
			} else {
				b = append([]byte{0x30, 0x82, byte(n >> 8), byte(n)}, b...)
			}
		}
		return b
	}
	extra := envelope(1, simple("", ""))
	extra.AppendChild(octets(""))
	for _, c := range []struct {
		name string
		in   []byte
		why  string
	}{
		{"another protocol", []byte("GET / HTTP/1.1\r\n\r\n"), "starts with octet 0x30"},
		{"too large", []byte{0x30, 0x82, 0x03, 0xe9}, "the limit is 1000"},
		{"far too large", []byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, "the limit is 1000"},
		{"indefinite length", []byte{0x30, 0x80}, "length of 0 octets"},
		{"length of five octets", []byte{0x30, 0x85}, "length of 5 octets"},
		{"too deep", nested(70), "deeper than 64"},
		{"empty", []byte{0x30, 0x00}, "two or three parts"},
		{"element too long", []byte{0x30, 0x02, 0x02, 0x05}, "longer than what holds it"},
		{"high tag", []byte{0x30, 0x03, 0x1f, 0x81, 0x00}, "malformed element"},
		{"indefinite inside", []byte{0x30, 0x05, 0x02, 0x01, 0x01, 0x60, 0x80}, "malformed length"},
		{"no operation", request(1, num(1, ber.TagInteger)), "no operation"},
		{"message 0", request(0, simple("", "")), "message id 0"},
		{"unknown operation", request(1, app(25)), "unknown operation"},
		{"an answer", request(1, app(opBindResponse)), "unknown operation"},
		{"controls that are none", extra.Bytes(), "not controls"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPeer(t, s)
			p.write(c.in)
			p.gone(directory.ProtocolError, c.why)
		})
	}
}

// TestRefusedRequests: what is LDAP but wrong is refused, and the connection goes
// on.
func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	s := testServer(t, nil)
	p := newPeer(t, s)
	sasl := app(opBindRequest, num(3, ber.TagInteger), octets(""), ber.Encode(ber.ClassContext, ber.TypeConstructed, 3, nil, ""))
	v2 := app(opBindRequest, num(2, ber.TagInteger), octets(""), simple("", "").Children[2])
	delPlain := octets("dc=test")
	delPlain.ClassType, delPlain.Tag = ber.ClassApplication, opDelRequest
	badFilter := searchFor(t, "dc=test", 2, "(cn=*)")
	badScope := searchFor(t, "dc=test", 3, "(cn=*)")
	badFilter.Children[6].Tag = 12
	filter := app(opSearchRequest, badFilter.Children...)
	control := ber.NewSequence("")
	control.AppendChild(octets("1.2.3"))
	control.AppendChild(ber.NewLDAPBoolean(ber.ClassUniversal, ber.TypePrimitive, ber.TagBoolean, true, ""))
	twice := responseControl(controlPaged, func() *ber.Packet {
		v := ber.NewSequence("")
		v.AppendChild(num(1, ber.TagInteger))
		v.AppendChild(octets(""))
		return v
	}())
	ext := octets("1.2.3")
	ext.ClassType, ext.Tag = ber.ClassContext, 0
	tls := octets(extendedStartTLS)
	tls.ClassType, tls.Tag = ber.ClassContext, 0
	for i, c := range []struct {
		op       *ber.Packet
		controls []*ber.Packet
		tag      ber.Tag
		code     directory.Code
	}{
		{sasl, nil, opBindResponse, directory.AuthMethodNotSupported},
		{v2, nil, opBindResponse, directory.ProtocolError},
		{simple("nonsense", "x"), nil, opBindResponse, directory.InvalidDNSyntax},
		{simple("", "x"), nil, opBindResponse, directory.InvalidCredentials},
		{simple("cn=root", ""), nil, opBindResponse, directory.UnwillingToPerform},
		{simple("cn=root", "wrong"), nil, opBindResponse, directory.InvalidCredentials},
		{delPlain, nil, opDelResponse, directory.InsufficientAccess},
		{app(opAddRequest, octets("dc=x")), nil, opAddResponse, directory.ProtocolError},
		{app(opAddRequest, octets("dc=x"), octets("x")), nil, opAddResponse, directory.ProtocolError},
		{app(opModifyRequest), nil, opModifyResponse, directory.ProtocolError},
		{app(opModifyDNRequest, octets("dc=x"), octets("dc=y"), octets("")), nil, opModifyDNResponse, directory.ProtocolError},
		{app(opCompareRequest, octets("dc=x"), octets("")), nil, opCompareResponse, directory.ProtocolError},
		{app(opSearchRequest), nil, opSearchDone, directory.ProtocolError},
		{filter, nil, opSearchDone, directory.ProtocolError},
		{badScope, nil, opSearchDone, directory.ProtocolError},
		{searchFor(t, "dc=test", 2, "(cn=*)"), []*ber.Packet{control}, opSearchDone, directory.UnavailableCriticalExt},
		{searchFor(t, "dc=test", 2, "(cn=*)"), []*ber.Packet{twice, twice}, opSearchDone, directory.ProtocolError},
		{simple("", ""), []*ber.Packet{control}, opBindResponse, directory.UnavailableCriticalExt},
		{app(opExtendedRequest, ext), nil, opExtendedResponse, directory.ProtocolError},
		{app(opExtendedRequest, tls), nil, opExtendedResponse, directory.ProtocolError}, // no TLS configured
		{app(opExtendedRequest), nil, opExtendedResponse, directory.ProtocolError},
		{simple("cn=root", "secret"), nil, opBindResponse, directory.Success},
		{simple("", ""), nil, opBindResponse, directory.Success},
		{delPlain, nil, opDelResponse, directory.InsufficientAccess}, // nobody again
	} {
		p.write(request(int64(i+1), c.op, c.controls...))
		if got := p.result(int64(i+1), c.tag); got != c.code {
			t.Errorf("request %d: %v, want %v", i, got, c.code)
		}
	}
	p.write(request(99, app(opUnbindRequest)))
	if _, err := p.conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("after unbind: %v", err)
	}
}

func TestConfigRefused(t *testing.T) {
	t.Parallel()
	good := Config{Path: filepath.Join(t.TempDir(), "directory.db"), Suffix: "dc=test"}
	for name, spoil := range map[string]func(*Config){
		"no path":          func(c *Config) { c.Path = "" },
		"no such folder":   func(c *Config) { c.Path = filepath.Join(c.Path, "x", "y") },
		"no suffix":        func(c *Config) { c.Suffix = "" },
		"bad suffix":       func(c *Config) { c.Suffix = "test" },
		"bad root":         func(c *Config) { c.RootDN, c.RootPassword = "root", "x" },
		"no root password": func(c *Config) { c.RootDN = "cn=root" },
		"no root":          func(c *Config) { c.RootPassword = "x" },
		"bad writer":       func(c *Config) { c.Writers = []ldapschema.DN{"x"} },
		"bad address":      func(c *Config) { c.Listen = "127.0.0.1:none" },
	} {
		cfg := good
		spoil(&cfg)
		if s, err := Open(cfg); err == nil {
			s.Close()
			t.Errorf("%s: opened", name)
		}
	}
	s, err := Open(good)
	if err != nil {
		t.Fatal(err)
	}
	if s.URL() != "" {
		t.Errorf("a server for nobody is at %s", s.URL())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestPasswordMatches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		stored, password string
		want             bool
	}{
		{"plain", "plain", true}, {"plain", "Plain", false}, {"{plain", "{plain", true}, {"", "", true},
		{"{SSHA}YFcKc1HRn36NpWf0eZBKTOQcW0RzYWx0", "secret", false},
		{"{SSHA256}7NCPMhi4BGOCYMdMNqyCMXvQxAjMo8nk7bVNVVZBSX5zYWx0", "secret", false},
		{ssha256("secret", "salt"), "secret", true}, {ssha256("secret", "salt"), "Secret", false}, {ssha256("secret", ""), "secret", false},
		{"{SSHA}", "", false}, {"{SSHA}!!", "x", false}, {"{MD5}x", "x", false}, {"{MD5}x", "{MD5}x", false},
	} {
		if got := passwordMatches(c.stored, c.password); got != c.want {
			t.Errorf("%s and %s: %v", c.stored, c.password, got)
		}
	}
}

func ssha256(password, salt string) string {
	sum := sha256.Sum256([]byte(password + salt))
	return "{ssha256}" + base64.StdEncoding.EncodeToString(append(sum[:], salt...))
}

// TestSizeLimit: the server's own limit cuts searches of all but writers.
func TestSizeLimit(t *testing.T) {
	t.Parallel()
	s := testServer(t, func(c *Config) { c.SizeLimit = 1 })
	e, err := ldapschema.OrganizationalUnit("dc=test", "a", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Local("").Apply(t.Context(), ldapschema.AddEntry(e)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, password string
		want           directory.Code
	}{{"", "", directory.SizeLimitExceeded}, {"cn=root", "secret", directory.Success}} {
		p := newPeer(t, s)
		p.write(append(request(1, simple(c.name, c.password)), request(2, searchFor(t, "dc=test", 2, "(objectClass=*)"))...))
		p.result(1, opBindResponse)
		m := p.read()
		for m.Children[1].Tag == opSearchEntry {
			m = p.read()
		}
		if got := m.Children[1].Children[0].Value; got != int64(c.want) {
			t.Errorf("%q: result %v, want %v", c.name, got, c.want)
		}
	}
}

// TestTooManyConnections: one more than allowed is told to try later.
func TestTooManyConnections(t *testing.T) {
	t.Parallel()
	s := testServer(t, func(c *Config) { c.Connections = 2 })
	for range 2 {
		p := newPeer(t, s)
		p.write(request(1, simple("", "")))
		p.result(1, opBindResponse)
	}
	newPeer(t, s).gone(directory.Busy, "too many")
}

// TestCloseTellsClients: a closing server answers what it has begun and says that
// it goes.
func TestCloseTellsClients(t *testing.T) {
	t.Parallel()
	s := testServer(t, nil)
	p := newPeer(t, s)
	p.write(request(1, simple("", "")))
	p.result(1, opBindResponse)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	p.gone(directory.Unavailable, "closing")
	if _, err := net.Dial("tcp", s.listener.Addr().String()); err == nil {
		t.Error("a closed server takes connections")
	}
	if err := s.Local("cn=root").Apply(t.Context(), ldapschema.DeleteEntry("dc=test")); !errors.Is(err, directory.ErrUnavailable) {
		t.Errorf("a write after closing: %v", err)
	}
}

// TestDeafClientHoldsUpNobody: a client that asks and never reads has its own
// connection to blame; others write and read.
func TestDeafClientHoldsUpNobody(t *testing.T) {
	t.Parallel()
	s := testServer(t, nil)
	deaf := newPeer(t, s)
	deaf.write(request(1, simple("cn=root", "secret")))
	deaf.result(1, opBindResponse)
	// It writes a value that grows and asks for the whole entry after each change.
	deaf.conn.(*net.TCPConn).SetReadBuffer(1)
	go func() {
		for i := int64(2); ; i++ {
			mod := ber.NewSequence("")
			mod.AppendChild(num(2, ber.TagEnumerated))
			mod.AppendChild(attrOf("description", strings.Repeat("x", 1000)))
			mods := ber.NewSequence("")
			mods.AppendChild(mod)
			if _, err := deaf.conn.Write(append(request(i, app(opModifyRequest, octets("dc=test"), mods)), request(i+1<<20, searchFor(t, "cn=Subschema", 0, "(cn=*)"))...)); err != nil {
				return // its connection was closed at the end of the test
			}
		}
	}()
	d := s.Local("cn=other")
	for range 200 {
		c := ldapschema.Change{Kind: ldapschema.Modify, DN: "dc=test", Mods: []ldapschema.Mod{{Op: ldapschema.ModReplace, Attr: "o", Values: []string{"x"}}}}
		if err := d.Apply(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	other := newPeer(t, s)
	other.write(request(1, searchFor(t, "dc=test", 0, "(dc=test)")))
	if got := other.read(); got.Children[1].Tag != opSearchEntry {
		t.Errorf("another client got %d", got.Children[1].Tag)
	}
	deaf.conn.Close()
}

func attrOf(name string, values ...string) *ber.Packet {
	set := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSet, nil, "")
	for _, v := range values {
		set.AppendChild(octets(v))
	}
	a := ber.NewSequence("")
	a.AppendChild(octets(name))
	a.AppendChild(set)
	return a
}

// TestPipelinedWrites: writes of one client are carried out in the order in which
// it sent them, without its waiting in between.
func TestPipelinedWrites(t *testing.T) {
	t.Parallel()
	s := testServer(t, nil)
	p := newPeer(t, s)
	out := request(1, simple("cn=root", "secret"))
	dn := "dc=test"
	const n = 40
	for i := range int64(n) {
		dn = "ou=x," + dn
		attrs := ber.NewSequence("")
		attrs.AppendChild(attrOf("objectClass", "organizationalUnit"))
		out = append(out, request(i+2, app(opAddRequest, octets(dn), attrs))...)
	}
	p.write(out)
	p.result(1, opBindResponse)
	for range n {
		m := p.read()
		if code := m.Children[1].Children[0].Value; code != int64(0) {
			t.Fatalf("message %v: %v", m.Children[0].Value, code)
		}
	}
}

// TestPages: a page holds as many entries as were asked for, whether they are found
// by walking the tree or in the index, and all pages together hold each once.
func TestPages(t *testing.T) {
	t.Parallel()
	s := testServer(t, nil)
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		e, err := ldapschema.New(ldapschema.DN("dc=test").Child("cn", name), "device").Set("cn", "common").Build()
		if err == nil {
			err = s.Local("cn=root").Apply(t.Context(), ldapschema.AddEntry(e))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	c, err := ldap.DialURL(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, filter := range []string{"(objectClass=device)", "(cn=common)"} {
		for _, scope := range []int{ldap.ScopeSingleLevel, ldap.ScopeWholeSubtree} {
			for size := 1; size <= 6; size++ {
				paging := ldap.NewControlPaging(uint32(size))
				var pages []int
				seen := map[string]bool{}
				for {
					res, err := c.Search(ldap.NewSearchRequest("dc=test", scope, 0, 0, 0, false, filter, []string{"1.1"}, []ldap.Control{paging}))
					if err != nil {
						t.Fatal(err)
					}
					for _, e := range res.Entries {
						seen[e.DN] = true
					}
					pages = append(pages, len(res.Entries))
					next := ldap.FindControl(res.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
					if len(next.Cookie) == 0 {
						break
					}
					paging.SetCookie(next.Cookie)
				}
				full := 0
				for _, n := range pages[:len(pages)-1] {
					if n == size {
						full++
					}
				}
				if len(seen) != 5 || full != len(pages)-1 || full != (5-1)/size {
					t.Errorf("%s, pages of %d: %v, %d entries", filter, size, pages, len(seen))
				}
			}
		}
	}
}

// TestAbandon: an abandoned search gets no answer, and its id is free again.
func TestAbandon(t *testing.T) {
	t.Parallel()
	s := testServer(t, nil)
	p := newPeer(t, s)
	abandon := num(7, ber.TagInteger)
	abandon.ClassType, abandon.Tag = ber.ClassApplication, opAbandonRequest
	// Whether the search is over by then is a matter of luck; either way exactly the
	// answers to what was not abandoned have to follow.
	p.write(bytes.Join([][]byte{request(7, searchFor(t, "dc=test", 2, "(objectClass=*)")), request(8, abandon), request(9, simple("", ""))}, nil))
	for {
		m := p.read()
		if m.Children[0].Value == int64(9) {
			break
		}
		if m.Children[0].Value != int64(7) {
			t.Fatalf("answer to %v", m.Children[0].Value)
		}
	}
	p.write(request(7, simple("", "")))
	p.result(7, opBindResponse)
}

// TestBatch: a refused write harms nobody in its batch; a failing data base fails
// the whole batch, and nothing of it is kept.
func TestBatch(t *testing.T) {
	t.Parallel()
	s := testServer(t, func(c *Config) { c.Listen = "" })
	add := func(name string) job {
		e, err := ldapschema.OrganizationalUnit("dc=test", name, "")
		if err != nil {
			t.Fatal(err)
		}
		return job{do: func(t tree.Tree) error { return t.Add(e) }}
	}
	broken := job{do: func(tree.Tree) error {
		return &directory.Error{Code: directory.Unavailable, Err: errors.New("disk on fire")}
	}}
	w := s.engine.writer
	// The writer's own goroutine is idle: nobody has handed it anything.
	results := w.commit([]job{add("a"), add("a"), add("b")})
	if results[0] != nil || !errors.Is(results[1], directory.ErrExists) || results[2] != nil {
		t.Errorf("refused in between: %v", results)
	}
	for _, err := range w.commit([]job{add("c"), broken, add("d")}) {
		if !errors.Is(err, directory.ErrUnavailable) {
			t.Errorf("with a broken data base: %v", err)
		}
	}
	got, err := s.Local("").List(t.Context(), "dc=test")
	if err != nil || len(got) != 3 {
		t.Errorf("%v %v", got, err)
	}
}

// TestSequenceNumbersGrow, whatever the clock does.
func TestSequenceNumbersGrow(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	s := testServer(t, func(c *Config) { c.Listen, c.Now = "", func() time.Time { return now } })
	last := ""
	step := func(c *csnClock) {
		t.Helper()
		csn, _ := c.next()
		if csn <= last || !ldapschema.CSN.Valid(csn) || len(csn) != 40 {
			t.Errorf("%s after %s", csn, last)
		}
		last = csn
	}
	c := s.engine.writer.clock
	step(c)
	step(c)
	now = now.Add(-time.Hour)
	step(c)
	now = now.Add(2 * time.Hour)
	step(c)
	if err := s.Local("").Apply(t.Context(), ldapschema.Change{Kind: ldapschema.Modify, DN: "dc=test", Mods: []ldapschema.Mod{{Op: ldapschema.ModReplace, Attr: "o", Values: []string{"x"}}}}); err != nil {
		t.Fatal(err)
	}
	last = c.last
	now = now.Add(-24 * time.Hour)
	step(newCSNClock(s.engine.db, s.cfg.Now)) // as after a restart
}
