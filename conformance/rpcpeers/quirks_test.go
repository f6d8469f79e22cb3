package rpcpeers

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wire/xmlrpc/client"
)

// What each client writes that is its own way, and how it arrives. The zero Value is nil;
// "refused" and "sent" are what the client says of it.
var quirks = []struct {
	peer, note string
	want       xmlrpc.Value
	says       string
}{
	{"python", "zeros", xmlrpc.String("007"), ""},
	{"python", "latin", xmlrpc.String("caf\u00e9"), ""},
	{"python", "long", xmlrpc.Value{}, "long refused"},
	{"python", "nil", xmlrpc.Value{}, "nil refused"},
	{"python", "date", xmlrpc.Value{}, ""},
	{"python", "multicall", xmlrpc.Value{}, "multicall ['bool', 'dict']"},
	{"apache", "zeros", xmlrpc.String("007"), "zeros sent"},
	{"apache", "latin", xmlrpc.String("caf\u00e9"), ""},
	{"apache", "long", xmlrpc.Value{}, "long refused"},
	{"apache", "nil", xmlrpc.Value{}, "nil refused"},
	{"apache", "date", xmlrpc.Value{}, "date sent"},
	{"apache-extensions", "long", xmlrpc.Long(3000000000), "long sent"},
	{"apache-extensions", "nil", xmlrpc.Value{}, "nil sent"},
	{"rpcxml", "zeros", xmlrpc.Int(7), ""},
	{"rpcxml", "long", xmlrpc.Long(3000000000), ""},
	{"rpcxml", "nil", xmlrpc.Value{}, ""},
	{"lite", "zeros", xmlrpc.Int(7), ""},
	{"lite", "latin", xmlrpc.Base64([]byte("caf\xe9")), ""},
	{"lite", "long", xmlrpc.Long(3000000000), ""},
	{"lite", "nil", xmlrpc.String(""), ""},
	{"ruby", "zeros", xmlrpc.String("007"), ""},
	{"ruby", "latin", xmlrpc.String("caf\u00e9"), ""},
	{"ruby", "long", xmlrpc.Value{}, "long refused"},
	{"ruby", "nil", xmlrpc.Value{}, "nil refused"},
	{"php", "zeros", xmlrpc.String("007"), ""},
	{"php", "latin", xmlrpc.String("caf\u00c3\u00a9"), ""}, // encoded twice, each octet a reference
	{"php", "long", xmlrpc.Int(-1294967296), ""},           // wrapped around, without a word
	{"php", "nil", xmlrpc.String(""), ""},
	{"xmlrpc-c", "zeros", xmlrpc.String("007"), ""},
	{"xmlrpc-c", "latin", xmlrpc.String("caf\u00e9"), ""},
	{"xmlrpc-c", "long", xmlrpc.Long(3000000000), ""},
	{"xmlrpc-c", "nil", xmlrpc.Value{}, ""},
	{"npm", "zeros", xmlrpc.String("007"), ""},
	{"npm", "latin", xmlrpc.String("caf\u00e9"), ""},
	{"npm", "long", xmlrpc.Long(3000000000), ""},
	{"npm", "nil", xmlrpc.Value{}, ""},
	{"npm", "empty", xmlrpc.String(""), ""},
}

// What is its own way on the wire: patterns of what each client sends.
var spellings = []struct{ peer, what, pattern string }{
	{"python", "asks for gzip", `Accept-Encoding: gzip`},
	{"python", "base64 in lines", `<base64>\nAP8NCg==\n</base64>`},
	{"python", "date without a zone", `<dateTime.iso8601>20200102T03:04:05</dateTime.iso8601>`},
	{"apache", "strings without an element", `<value>007</value>`},
	{"apache", "integers as i4", `<i4>-7</i4>`},
	{"apache", "date without a zone", `<dateTime.iso8601>\d{8}T\d\d:\d\d:\d\d</dateTime.iso8601>`},
	{"apache-extensions", "longs in its namespace", `<ex:i8>3000000000</ex:i8>`},
	{"apache-extensions", "null in its namespace", `<ex:nil/>`},
	{"rpcxml", "date with a zone", `<dateTime.iso8601>20200102T03:04:05Z</dateTime.iso8601>`},
	{"rpcxml", "asks for deflate", `Accept-Encoding: deflate`},
	{"rpcxml", "007 is a number", `<int>007</int>`},
	{"rpcxml", "i8", `<i8>3000000000</i8>`},
	{"rpcxml", "nil", `<nil */>`},
	{"lite", "007 is a number", `<int>007</int>`},
	{"lite", "an accent is octets", `base64">Y2Fm6Q==<|<base64>Y2Fm6Q==`},
	{"lite", "undef is an empty value", `<value */>|<value></value>`},
	{"lite", "an int of more than 32 bits", `<int>3000000000</int>`},
	{"lite", "accepts anything", `Accept: .*multipart/\*`},
	{"ruby", "integers as i4", `<i4>-7</i4>`},
	{"ruby", "base64 ends a line", `<base64>AP8NCg==\n</base64>`},
	{"ruby", "charset of the body", `Content-Type: text/xml; charset=utf-8`},
	{"php", "an octet a reference", `&#195;&#169;`},
	{"php", "3000000000 wraps around", `<int>-1294967296</int>`},
	{"php", "null is an empty string", `<string/>`},
	{"php", "base64 ends a line", `<base64>AP8NCg==(\s|&#10;)+</base64>`},
	{"xmlrpc-c", "i8", `<i8>3000000000</i8>`},
	{"xmlrpc-c", "nil", `<nil/>`},
	{"xmlrpc-c", "base64 in lines", `<base64>\r\nAP8NCg==\r\n</base64>`},
	{"npm", "an int of more than 32 bits", `<int>3000000000</int>`},
	{"npm", "an empty string", `<string/>`},
	{"npm", "nil", `<nil/>`},
}

// Every client reads our answers and faults, and what it sends arrives.
func TestClients(t *testing.T) {
	t.Parallel()
	for _, p := range peers {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			o := serve(t)
			out := run(t, p, o.url)
			o.mu.Lock()
			defer o.mu.Unlock()
			for _, want := range []string{"same 1\n", "fault 42 (RPC failed at server.  )?on purpose\n", `none -32601 (RPC failed at server.  )?no method test\.none\n`, "methods True\n"} {
				if !regexp.MustCompile(want).MatchString(out) {
					t.Errorf("it does not say %q:\n%s\nit gave back %+v", want, out, o.last)
				}
			}
			for _, s := range spellings {
				if s.peer == p.name && !regexp.MustCompile(s.pattern).Match(o.raw.Bytes()) {
					t.Errorf("%s: it does not write %s:\n%s", s.what, s.pattern, o.raw.String())
				}
			}
			for _, q := range quirks {
				if q.peer != p.name {
					continue
				}
				got, noted := o.notes[q.note]
				if !strings.Contains(out, q.says) {
					t.Errorf("%s: it does not say %q:\n%s", q.note, q.says, out)
				}
				switch {
				case q.note == "date":
					if at, zoned, ok := got.Date(); !ok || zoned || at.Year() != 2020 && at.Year() != 1970 {
						t.Errorf("date: %+v", got)
					}
				case strings.HasSuffix(q.says, " refused") && p.name != "python" && noted, q.note != "multicall" && !strings.HasSuffix(q.says, " refused") && !noted:
					t.Errorf("%s: noted is %v", q.note, noted)
				case !got.Equal(q.want):
					t.Errorf("%s: %v %+v, want %v %+v", q.note, got.Kind(), got, q.want.Kind(), q.want)
				}
			}
		})
	}
}

// Our client at every server: values come back as they went, faults are faults.
func TestServers(t *testing.T) {
	t.Parallel()
	for _, p := range peers {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			url := start(t, p)
			c := client.New(client.Config{Limit: patience})
			defer c.CloseIdle()
			call := func(method string, params ...xmlrpc.Value) (xmlrpc.Value, error) {
				a, err := c.Call(t.Context(), url, xmlrpc.Call{Method: method, Params: params})
				return a.Value, err
			}
			long, all := xmlrpc.String(strings.Repeat("long \u00e9 ", 5000)), types
			if p.name == "lite" { // it dies of characters beyond ISO-8859-1, and makes those outside ASCII octets
				if v, err := call("peer.echo", types.Member("u")); err == nil {
					t.Errorf("a wide string came back as %+v", v)
				}
				if v, err := call("peer.echo", xmlrpc.String("caf\u00e9")); err != nil || !v.Equal(xmlrpc.Base64([]byte("caf\xe9"))) {
					t.Errorf("an accent came back as %+v, %v", v, err)
				}
				long, all = xmlrpc.String(strings.Repeat("long ", 5000)), types.Without("u")
			}
			if p.name == "rpcxml" { // methods are handed octets as text, and it writes them back raw
				if v, err := call("peer.echo", types); !errors.As(err, new(*xmlrpc.Error)) {
					t.Errorf("octets in a struct came back as %+v, %v", v, err)
				}
				all = types.Without("x")
			}
			for _, v := range append([]xmlrpc.Value{all, xmlrpc.Array(), long}, every(all)...) {
				if got, err := call("peer.echo", v); err != nil || !alike(v, got) {
					t.Errorf("%v %.200s came back as %v %.200s, %v", v.Kind(), fmt.Sprint(v), got.Kind(), fmt.Sprint(got), err)
				}
			}
			var f *xmlrpc.Fault
			if v, err := call("peer.fault"); !errors.As(err, &f) || f.Code != 42 || !strings.Contains(f.Text, "on purpose") {
				t.Errorf("fault: %+v, %v", v, err)
			}
			f = nil
			if v, err := call("peer.nothing"); !errors.As(err, &f) {
				var status *client.StatusError // npm's server says so with 404
				if p.name != "npm" || !errors.As(err, &status) || status.Code != 404 {
					t.Errorf("unknown method: %+v, %v", v, err)
				}
			}
		})
	}
}

// every are the members of a struct.
func every(v xmlrpc.Value) (out []xmlrpc.Value) {
	for _, m := range v.Members() {
		out = append(out, m)
	}
	return out
}

// Numbers over 32 bits and nil go to a server that reads them as Apache's extensions, and
// come back; in no other spelling does it take them.
func TestExtensions(t *testing.T) {
	t.Parallel()
	for _, p := range peers {
		if !strings.HasPrefix(p.name, "apache") {
			continue
		}
		url, on := start(t, p), p.name == "apache-extensions"
		for _, form := range []xmlrpc.Spelling{xmlrpc.Apache, xmlrpc.Plain} {
			c := client.New(client.Config{Limit: patience, Dialect: xmlrpc.Dialect{Nil: form, Long: form}})
			for _, v := range []xmlrpc.Value{xmlrpc.Long(3000000000), {}} {
				got, err := c.Call(t.Context(), url, xmlrpc.Call{Method: "peer.echo", Params: []xmlrpc.Value{v}})
				if ok := err == nil && got.Value.Equal(v); ok != (on && form == xmlrpc.Apache) {
					t.Errorf("%s: %v in form %v comes back as %+v, %v", p.name, v.Kind(), form, got.Value, err)
				}
			}
			c.CloseIdle()
		}
	}
}

// Each row of the table of the peers' ways names what shows it, and everything that is
// shown stands in a row.
func TestTable(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../doc/peers.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{} // lines of the tables, by peer
	for _, q := range quirks {
		shown[q.peer+": "+q.note] = false
	}
	for _, s := range spellings {
		shown[s.peer+": "+s.what] = false
	}
	known := map[string]bool{"TestExtensions": true}
	for _, p := range peers {
		known["TestClients/"+p.name], known["TestServers/"+p.name] = true, true
	}
	_, table, _ := strings.Cut(string(data), "| shown by |\n|---|---|---|---|\n")
	rows := 0
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 4 {
			break
		}
		rows++
		test, list, _ := strings.Cut(strings.TrimSpace(cells[3]), " [")
		if !known[test] {
			t.Errorf("%s: nothing is called %q", cells[0], test)
		}
		_, peer, _ := strings.Cut(test, "/")
		for _, what := range strings.Split(strings.TrimSuffix(list, "]"), ", ") {
			if what == "" {
				continue
			}
			if _, ok := shown[peer+": "+what]; !ok {
				t.Errorf("%s: nothing shows %q", cells[0], what)
			}
			shown[peer+": "+what] = true
		}
	}
	if rows < len(peers) {
		t.Errorf("%d rows", rows)
	}
	for what, ok := range shown {
		if !ok {
			t.Errorf("no row says it: %s", what)
		}
	}
}
