package rpcpeers

import (
	"errors"
	"fmt"
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
