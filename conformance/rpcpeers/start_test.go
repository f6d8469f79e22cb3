package rpcpeers

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wire/xmlrpc/server"
)

// patience is how long a peer may take for anything, on the slowest machine.
const patience = 3 * time.Minute

// made is the folder of what setup.sh made.
var made = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("./setup.sh")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", errors.New("setup.sh: " + errs.String())
	}
	return strings.TrimSpace(string(out)), nil
})

// peer is a program in two roles. What is empty it cannot be.
type peer struct {
	name           string
	client, server func(made string) []string
}

func words(s ...string) func(string) []string {
	return func(made string) []string {
		out := make([]string, len(s))
		for i, w := range s {
			out[i] = strings.ReplaceAll(w, "MADE", made)
		}
		return out
	}
}

func java(args ...string) func(string) []string {
	return func(made string) []string {
		return append([]string{"java", "-Xshare:auto", "-cp", made + "/apache:" + made + "/lib/*", "Peer"}, args...)
	}
}

var peers = []peer{
	{"python", words("python3", "python/peer.py", "client"), words("python3", "python/peer.py", "server")},
	{"apache", java("client"), java("server")},
	{"apache-extensions", java("client", "URL", "ext"), java("server", "ext")},
	{"rpcxml", words("perl", "perl/rpcxml.pl", "client"), words("perl", "perl/rpcxml.pl", "server")},
	{"lite", words("perl", "perl/lite.pl", "client"), words("perl", "perl/lite.pl", "server")},
	{"ruby", words("ruby", "ruby/peer.rb", "client"), words("ruby", "ruby/peer.rb", "server")},
	{"php", words("php", "php/peer.php", "client"), nil}, // its server is started in another way
	{"xmlrpc-c", words("MADE/client"), words("MADE/server")},
	{"npm", words("node", "node/peer.js", "client"), words("node", "node/peer.js", "server")},
}

// command is a program with what it needs around it.
func command(t testing.TB, words []string) *exec.Cmd {
	t.Helper()
	dir, err := made()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(dir, "node/node_modules"), "TZ=UTC", "no_proxy=*")
	return cmd
}

// start starts a server of a peer and gives its address.
func start(t testing.TB, p peer) string {
	t.Helper()
	dir, err := made()
	if err != nil {
		t.Fatal(err)
	}
	if p.name == "php" {
		return startPHP(t)
	}
	cmd := command(t, p.server(dir))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, _ := bufio.NewReader(out).ReadString('\n')
	url, ready := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if !ready {
		_ = cmd.Wait()
		t.Fatalf("the server of %s says %q\n%s", p.name, line, errs.String())
	}
	return url
}

// startPHP starts PHP's own web server, which has to be told its port.
func startPHP(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	cmd := command(t, []string{"php", "-q", "-S", address, "php/peer.php"})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
			return "http://" + address + "/"
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// types is what clients fetch: every type that all peers read.
var types = xmlrpc.Struct(
	xmlrpc.Member{Name: "s", Value: xmlrpc.String("a <&> \"b\"")}, xmlrpc.Member{Name: "u", Value: xmlrpc.String("caf\u00e9 \u2603")},
	xmlrpc.Member{Name: "e", Value: xmlrpc.String("")}, xmlrpc.Member{Name: "i", Value: xmlrpc.Int(-7)}, xmlrpc.Member{Name: "t", Value: xmlrpc.Bool(true)},
	xmlrpc.Member{Name: "d", Value: xmlrpc.Double(-0.5)}, xmlrpc.Member{Name: "x", Value: xmlrpc.Base64([]byte{0, 255, 13, 10})},
	xmlrpc.Member{Name: "list", Value: xmlrpc.Array(xmlrpc.Int(1), xmlrpc.String("two"), xmlrpc.Array(xmlrpc.String("three")))},
	xmlrpc.Member{Name: "in", Value: xmlrpc.Struct(xmlrpc.Member{Name: "k <&>", Value: xmlrpc.String("v")})},
)

// alike reports whether two values say the same, types apart that some peers do not
// keep: booleans that come back as ints, and strings as octets.
func alike(a, b xmlrpc.Value) bool {
	if a.Kind() == b.Kind() && a.Kind() != xmlrpc.KindArray && a.Kind() != xmlrpc.KindStruct {
		return a.Equal(b)
	}
	if s, ok := a.Raw(); ok {
		u, ok := b.Raw()
		return ok && s == u
	}
	if yes, ok := a.Bool(); ok {
		n, _ := b.Int()
		return yes == (n == 1)
	}
	if f, ok := a.Double(); ok {
		g, ok := b.Double()
		s, text := b.Text()
		return ok && f == g || text && s == "-0.5"
	}
	if a.Kind() != b.Kind() || a.Len() != b.Len() {
		return false
	}
	if a.Kind() == xmlrpc.KindStruct {
		for name, v := range a.Members() {
			if !alike(v, b.Member(name)) {
				return false
			}
		}
		return true
	}
	var other []xmlrpc.Value
	for v := range b.Items() {
		other = append(other, v)
	}
	i := 0
	for v := range a.Items() {
		if !alike(v, other[i]) {
			return false
		}
		i++
	}
	return true
}

// ours is our server as clients see it, and what they noted.
type ours struct {
	url   string
	mu    sync.Mutex
	notes map[string]xmlrpc.Value
	last  xmlrpc.Value // what test.same was given
	raw   bytes.Buffer // all that they sent, lines of headers and bodies
}

func serve(t testing.TB) *ours {
	t.Helper()
	o := &ours{notes: map[string]xmlrpc.Value{}}
	text := xmlrpc.KindString
	s, err := server.New(server.Config{Methods: []server.Method{
		{Name: "test.types", Help: "Gives a value of every type.", Signatures: [][]xmlrpc.Kind{{xmlrpc.KindStruct}}, Do: func(context.Context, server.Call) (xmlrpc.Value, error) { return types, nil }},
		{Name: "test.same", Do: func(_ context.Context, c server.Call) (xmlrpc.Value, error) {
			o.mu.Lock()
			defer o.mu.Unlock()
			if len(c.Params) == 1 {
				o.last = c.Params[0].Clone()
			}
			return xmlrpc.Bool(len(c.Params) == 1 && alike(types, c.Params[0])), nil
		}},
		{Name: "test.note", Do: func(_ context.Context, c server.Call) (xmlrpc.Value, error) {
			if len(c.Params) != 2 {
				return xmlrpc.Value{}, &xmlrpc.Fault{Code: xmlrpc.WrongParams, Text: "two"}
			}
			name, _ := c.Params[0].Text()
			o.mu.Lock()
			defer o.mu.Unlock()
			o.notes[name] = c.Params[1].Clone()
			return xmlrpc.Bool(true), nil
		}},
		{Name: "test.fault", Signatures: [][]xmlrpc.Kind{{text}}, Do: func(context.Context, server.Call) (xmlrpc.Value, error) {
			return xmlrpc.Value{}, &xmlrpc.Fault{Code: 42, Text: "on purpose"}
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		o.mu.Lock()
		_ = r.Header.Write(&o.raw)
		fmt.Fprintf(&o.raw, "\r\n%s\r\n", body)
		o.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(h.Close)
	o.url = h.URL + "/RPC2"
	return o
}

// run runs a client of a peer against our server and gives what it says.
func run(t testing.TB, p peer, url string) string {
	t.Helper()
	dir, err := made()
	if err != nil {
		t.Fatal(err)
	}
	args := p.client(dir)
	placed := false
	for i := range args {
		if args[i] == "URL" {
			args[i], placed = url, true
		}
	}
	if !placed {
		args = append(args, url)
	}
	cmd := command(t, args)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", p.name, err, out, errs.String())
	}
	return string(out)
}
