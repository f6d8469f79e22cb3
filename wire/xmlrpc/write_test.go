package xmlrpc_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/xmlrpc"
)

func member(name string, v xmlrpc.Value) xmlrpc.Member { return xmlrpc.Member{Name: name, Value: v} }

var everything = xmlrpc.Struct(
	member("s", xmlrpc.String("<a> & \"b\"\té\n")),
	member("i", xmlrpc.Int(-7)),
	member("t", xmlrpc.Bool(true)),
	member("d", xmlrpc.Double(1e21)),
	member("x", xmlrpc.Base64([]byte{0, 255, '\r'})),
	member("at", xmlrpc.Date(time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC))),
	member("list", xmlrpc.Array(xmlrpc.String(""), xmlrpc.Array(), xmlrpc.Struct())),
	member("a & b", xmlrpc.Bool(false)),
)

func TestWritesTheLowestDialect(t *testing.T) {
	t.Parallel()
	got, err := xmlrpc.AppendCall([]byte("before "), xmlrpc.Call{Method: "a.b", Params: []xmlrpc.Value{everything}}, xmlrpc.Dialect{})
	if err != nil {
		t.Fatal(err)
	}
	const want = `before <?xml version="1.0" encoding="UTF-8"?><methodCall><methodName>a.b</methodName><params><param><value><struct>` +
		`<member><name>s</name><value><string>&lt;a&gt; &amp; "b"` + "\té\n" + `</string></value></member>` +
		`<member><name>i</name><value><i4>-7</i4></value></member>` +
		`<member><name>t</name><value><boolean>1</boolean></value></member>` +
		`<member><name>d</name><value><double>1000000000000000000000</double></value></member>` +
		`<member><name>x</name><value><base64>AP8N</base64></value></member>` +
		`<member><name>at</name><value><dateTime.iso8601>20200102T03:04:05</dateTime.iso8601></value></member>` +
		`<member><name>list</name><value><array><data><value><string></string></value><value><array><data></data></array></value><value><struct></struct></value></data></array></value></member>` +
		`<member><name>a &amp; b</name><value><boolean>0</boolean></value></member>` +
		`</struct></value></param></params></methodCall>`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	c, err := xmlrpc.ParseCall(got[len("before "):], xmlrpc.Limits{})
	if err != nil || c.Method != "a.b" || len(c.Params) != 1 || !c.Params[0].Equal(everything) {
		t.Errorf("read again: %+v, %v", c, err)
	}
}

// What no peer is known to understand is never written by chance.
func TestWritesNothingElse(t *testing.T) {
	t.Parallel()
	zoned, err := xmlrpc.ParseCall(with(`<value><dateTime.iso8601>20200102T03:04:05+02:00</dateTime.iso8601></value>`), xmlrpc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]xmlrpc.Value{
		"nil": {}, "i8": xmlrpc.Long(5), "infinity": xmlrpc.Double(math.Inf(1)), "no number": xmlrpc.Double(math.NaN()),
		"control character": xmlrpc.String("a\x00b"), "no UTF-8": xmlrpc.String("\xff"), "date with a zone": zoned.Params[0],
		"name": xmlrpc.Struct(member("\x01", xmlrpc.Int(1))), "two names": xmlrpc.Struct(member("a", xmlrpc.Int(1)), member("a", xmlrpc.Int(1))),
		"year of five digits": xmlrpc.Date(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)),
	} {
		before := []byte("before")
		got, err := xmlrpc.AppendAnswer(before, xmlrpc.Struct(member("outer", xmlrpc.Array(v))), xmlrpc.Dialect{})
		var e *wire.Error
		if !errors.As(err, &e) || !strings.HasPrefix(e.Path, "outer") || string(got) != "before" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := xmlrpc.AppendCall(nil, xmlrpc.Call{Method: "a</methodName>"}, xmlrpc.Dialect{}); err == nil {
		t.Error("a method with markup in its name was written")
	}
}

func TestWritesExtensions(t *testing.T) {
	t.Parallel()
	v := xmlrpc.Array(xmlrpc.Value{}, xmlrpc.Long(5), xmlrpc.String("s"))
	for _, tt := range []struct {
		d    xmlrpc.Dialect
		want string
	}{
		{xmlrpc.Dialect{Nil: xmlrpc.Plain, Long: xmlrpc.Plain, Bare: true},
			`<methodResponse><params><param><value><array><data><value><nil/></value><value><i8>5</i8></value><value>s</value></data></array></value></param></params></methodResponse>`},
		{xmlrpc.Dialect{Nil: xmlrpc.Apache, Long: xmlrpc.Apache},
			`<methodResponse xmlns:ex="http://ws.apache.org/xmlrpc/namespaces/extensions"><params><param><value><array><data><value><ex:nil/></value><value><ex:i8>5</ex:i8></value><value><string>s</string></value></data></array></value></param></params></methodResponse>`},
	} {
		got, err := xmlrpc.AppendAnswer(nil, v, tt.d)
		if want := `<?xml version="1.0" encoding="UTF-8"?>` + tt.want; err != nil || string(got) != want {
			t.Errorf("got\n%s, %v\nwant\n%s", got, err, want)
		}
		if again, err := xmlrpc.ParseAnswer(got, xmlrpc.Limits{}); err != nil || !again.Equal(v) {
			t.Errorf("read again: %+v, %v", again, err)
		}
	}
}

func TestWritesFaults(t *testing.T) {
	t.Parallel()
	got := xmlrpc.AppendFault(nil, xmlrpc.Fault{Code: xmlrpc.NoSuchMethod, Text: "no <x>\x00"}, xmlrpc.Dialect{})
	_, err := xmlrpc.ParseAnswer(got, xmlrpc.Limits{})
	var f *xmlrpc.Fault
	if !errors.As(err, &f) || f.Code != -32601 || f.Text != "no <x>\uFFFD" {
		t.Errorf("%s: %v", got, err)
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	s := xmlrpc.Struct(member("b", xmlrpc.Int(1)), member("a", xmlrpc.Array(xmlrpc.String("x"))))
	if got := s.Sorted(); got[0].Name != "a" || got[1].Name != "b" {
		t.Errorf("sorted %v", got)
	}
	if _, there := s.Member("c").Text(); there || !s.Member("c").IsNil() || s.Len() != 2 {
		t.Error("a member that is not there")
	}
	less := s.Without("a")
	if less.Len() != 1 || s.Len() != 2 || !less.Member("a").IsNil() {
		t.Errorf("without: %+v", less)
	}
	more := less.With("c", xmlrpc.Bool(true))
	if yes, ok := more.Member("c").Bool(); !yes || !ok || less.Len() != 1 {
		t.Errorf("with: %+v", more)
	}
	if !s.Clone().Equal(s) || s.Equal(less) || xmlrpc.Int(1).Equal(xmlrpc.Long(1)) {
		t.Error("equality")
	}
	var names []string
	for name, v := range s.Members() {
		names = append(names, name+":"+v.Kind().String())
	}
	if got := strings.Join(names, " "); got != "b:int a:array" {
		t.Errorf("members %s", got)
	}
	for v := range xmlrpc.Array(xmlrpc.Double(2)).Items() {
		if f, ok := v.Double(); !ok || f != 2 {
			t.Errorf("item %v", v)
		}
	}
}
