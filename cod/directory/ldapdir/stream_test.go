package ldapdir

import (
	"bufio"
	"bytes"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

func octets(s string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, s, "")
}

// constructed is an element that holds others.
func constructed(class ber.Class, tag ber.Tag, inside ...*ber.Packet) *ber.Packet {
	p := ber.Encode(class, ber.TypeConstructed, tag, nil, "")
	for _, c := range inside {
		p.AppendChild(c)
	}
	return p
}

func sequence(inside ...*ber.Packet) *ber.Packet {
	return constructed(ber.ClassUniversal, ber.TagSequence, inside...)
}

const aUUID = "\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef"

// answer is an entry as a server tells it to a watcher.
func answer(number int64, state int64, id string, critical bool, e ldapschema.Entry) *ber.Packet {
	var attrs []*ber.Packet
	for _, a := range e.Attrs {
		var values []*ber.Packet
		for _, v := range a.Values {
			values = append(values, octets(v))
		}
		attrs = append(attrs, sequence(octets(a.Name), constructed(ber.ClassUniversal, ber.TagSet, values...)))
	}
	value := sequence(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, state, ""), octets(id), octets("rid=000"))
	control := sequence(octets(ldap.ControlTypeSyncState))
	if critical {
		control.AppendChild(ber.NewBoolean(ber.ClassUniversal, ber.TypePrimitive, ber.TagBoolean, true, ""))
	}
	control.AppendChild(octets(string(value.Bytes())))
	return sequence(
		ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, number, ""),
		constructed(ber.ClassApplication, ldap.ApplicationSearchResultEntry, octets(string(e.DN)), sequence(attrs...)),
		constructed(ber.ClassContext, 0, sequence(octets("1.2.3")), control),
	)
}

// over is a stream on which a server has said this, in answer to request 1.
func over(said []byte) *stream {
	return &stream{r: bufio.NewReader(bytes.NewReader(said)), last: 1}
}

// TestTold: what a server says of an entry is read as it is.
func TestTold(t *testing.T) {
	t.Parallel()
	e := ldapschema.Entry{DN: "cn=a,dc=b", Attrs: []ldapschema.Attr{
		{Name: "sn", Values: []string{"z", "", strings.Repeat("long ", 100)}}, {Name: "MODIFIERSNAME", Values: []string{"cn=op"}},
		{Name: "modifyTimestamp", Values: []string{"20260102030405Z"}}, {Name: "empty"}, {Name: "cn", Values: []string{"a"}},
	}}
	want := ldapschema.Entry{DN: e.DN, Attrs: []ldapschema.Attr{e.Attrs[4], e.Attrs[0]}}.Canonical()
	for _, critical := range []bool{false, true} {
		s := over(answer(1, 1, aUUID, critical, e).Bytes())
		tag, content, controls, err := s.next()
		if err != nil || tag != tagEntry {
			t.Fatal(tag, err)
		}
		ev, err := told(content, controls)
		if err != nil || ev.Kind != directory.Present || ev.ID != "01234567-89ab-cdef-0123-456789abcdef" || ev.Writer != "cn=op" || ev.At.Year() != 2026 || !reflect.DeepEqual(ev.Entry, want) {
			t.Errorf("%+v %v", ev, err)
		}
	}
	for state, kind := range map[int64]directory.EventKind{0: 0, 2: directory.Present, 3: directory.Gone} {
		_, content, controls, err := over(answer(1, state, aUUID, false, e).Bytes()).next()
		if err != nil {
			t.Fatal(err)
		}
		if ev, err := told(content, controls); err != nil || ev.Kind != kind {
			t.Errorf("state %d: %+v %v", state, ev, err)
		}
	}
}

// TestStreamRefuses: what is no answer ends the watch, with a reason.
func TestStreamRefuses(t *testing.T) {
	t.Parallel()
	e := ldapschema.Entry{DN: "cn=a", Attrs: []ldapschema.Attr{{Name: "cn", Values: []string{"a"}}}}
	good := answer(1, 1, aUUID, false, e).Bytes()
	bye := sequence(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, 0, ""),
		constructed(ber.ClassApplication, ldap.ApplicationExtendedResponse,
			ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, 52, ""), octets(""), octets("going down"))).Bytes()
	read := func(said []byte) error {
		tag, content, controls, err := over(said).next()
		if err == nil && tag == tagEntry {
			_, err = told(content, controls)
		}
		return err
	}
	if err := read(good); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		said []byte
		want string
	}{
		{"nothing", nil, "EOF"},
		{"no sequence", []byte("HTTP/1.1 200 OK"), "no LDAP message"},
		{"no definite length", append([]byte{0x30, 0x80}, good[2:]...), "no LDAP message"},
		{"too long", []byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 0}, "no more than"},
		{"cut short", good[:len(good)-1], "EOF"},
		{"empty", []byte{0x30, 0}, "no LDAP message"},
		{"another's", answer(2, 1, aUUID, false, e).Bytes(), "request 2"},
		{"the end", bye, "going down"},
		{"no state", sequence(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, 1, ""),
			constructed(ber.ClassApplication, ldap.ApplicationSearchResultEntry, octets("cn=a"), sequence())).Bytes(), "RFC 4533"},
		{"bad identity", answer(1, 1, "short", false, e).Bytes(), "cannot be read"},
	} {
		if err := read(c.said); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestStartTLSStrict: what a server says in the clear after its consent is nobody's word.
func TestStartTLSStrict(t *testing.T) {
	t.Parallel()
	consent := sequence(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, 1, ""),
		constructed(ber.ClassApplication, ldap.ApplicationExtendedResponse,
			ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, 0, ""), octets(""), octets(""))).Bytes()
	for _, more := range []string{"", "more"} {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			if _, err := theirs.Read(make([]byte, 1000)); err == nil {
				_, _ = theirs.Write(append(slices.Clone(consent), more...))
			}
		}()
		if err := startTLS(ours); (err == nil) != (more == "") {
			t.Errorf("after %q: %v", more, err)
		}
		ours.Close()
	}
}

// FuzzStream: whatever a server says, it is read as go-ldap's BER reader reads it, or
// refused.
func FuzzStream(f *testing.F) {
	e := ldapschema.Entry{DN: "cn=a,dc=b", Attrs: []ldapschema.Attr{{Name: "cn", Values: []string{"a", "b"}}, {Name: "modifiersName", Values: []string{"cn=c"}}}}
	f.Add(answer(1, 1, aUUID, true, e).Bytes())
	f.Add(answer(1, 3, aUUID, false, ldapschema.Entry{DN: "cn=a"}).Bytes())
	done := constructed(ber.ClassContext, 2, octets("rid=000"), ber.NewBoolean(ber.ClassUniversal, ber.TypePrimitive, ber.TagBoolean, true, ""))
	f.Add(sequence(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, 1, ""),
		constructed(ber.ClassApplication, ldap.ApplicationIntermediateResponse,
			ber.NewString(ber.ClassContext, ber.TypePrimitive, 0, ldap.ControlTypeSyncInfo, ""),
			ber.NewString(ber.ClassContext, ber.TypePrimitive, 1, string(done.Bytes()), ""))).Bytes())
	f.Add([]byte{0x30, 0x84, 0, 0, 0, 5, 2, 1, 1, 0x65, 0})
	f.Fuzz(func(t *testing.T, said []byte) {
		s := over(said)
		tag, content, controls, err := s.next()
		if err != nil {
			return
		}
		p, err := ber.DecodePacketErr(s.buf)
		if err != nil || len(p.Children) < 2 || p.Children[1].ClassType != ber.ClassApplication {
			return // a stricter reader: it also looks into values of types that are not read here
		}
		if tag == tagIntermediate {
			_, _ = s.informed()
			return
		}
		if tag != tagEntry {
			return
		}
		ev, err := told(content, controls)
		if err != nil || ev.Kind != directory.Present {
			return
		}
		op := p.Children[1]
		if got := op.Children[0].Data.String(); got != string(ev.Entry.DN) {
			t.Fatalf("name %q, want %q", ev.Entry.DN, got)
		}
		values := 0
		for _, a := range ev.Entry.Attrs {
			values += len(a.Values)
		}
		want := 0
		for _, a := range op.Children[1].Children {
			if name := a.Children[0].Data.String(); len(a.Children) > 1 && !strings.EqualFold(name, writerAttr) && !strings.EqualFold(name, timeAttr) {
				want += len(a.Children[1].Children)
			}
		}
		if values != want {
			t.Fatalf("%d values, want %d", values, want)
		}
	})
}
