package site_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/cod/site"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

// TestFaults: a slapd that refuses to write, has no room, lost our schema, or takes its time. What is
// asked waits, with the cause for operators to see, and is carried out when the server
// is well again; nobody is told of a failure, and nothing is there twice.
func TestFaults(t *testing.T) {
	t.Parallel()
	story := func(t *testing.T, url string, s *setup.Slapd, ill, well func()) {
		dir := dial(t, ldapdir.Config{URL: url, BindDN: s.BindDN, Password: s.Password, Timeout: 30 * time.Second})
		st, seen := start(t, dir, instant(), func(c *site.Config) { c.COD.RetryFirst, c.COD.RetryMost = 20, 500 })
		done := func(seq, n int) {
			t.Helper()
			for i := range n {
				u := fmt.Sprint("u", i)
				until(t, fmt.Sprintf("%s is done with #%d: %+v", u, seq, st.Snapshot()), func() bool { d, ok := seen.last(u); return ok && d.Sequence == seq })
				seen.expect(t, u, seq, 0)
			}
		}
		st.Run(action("u0", "web", actors.Setup, 1))
		done(1, 1)
		ill()
		const units = 12
		for i := range units {
			st.Run(action(fmt.Sprint("u", i), "web", actors.Setup, 2))
		}
		until(t, "the fault shows", func() bool {
			snap := st.Snapshot()
			return snap.Counts.Unavailable > 0 || snap.Counts.Answering > time.Second || strings.Contains(snap.Problem, "lacks schema")
		})
		well()
		done(2, units)
		if c := st.Snapshot().View.Conflicts; len(c) > 0 {
			t.Errorf("it takes for somebody's doing: %+v", c)
		}
		addrs := map[string]bool{}
		for _, c := range st.Snapshot().View.Clusters {
			for _, n := range c.Nodes {
				if addrs[n.Address] {
					t.Errorf("%s is there twice", n.Address)
				}
				addrs[n.Address] = true
			}
		}
		if len(addrs) != units {
			t.Errorf("%d nodes, not %d", len(addrs), units)
		}
	}
	t.Run("read-only", func(t *testing.T) {
		t.Parallel()
		s := setup.StartSlapd(t, "overlay syncprov")
		story(t, s.URL, s, func() { s.Configure("readonly on") }, func() { s.Configure() })
	})
	t.Run("full", func(t *testing.T) {
		t.Parallel()
		s := setup.StartSlapd(t, "overlay syncprov")
		story(t, s.URL, s, func() { s.Configure("maxsize 40960") }, func() { s.Configure() })
	})
	t.Run("schema missing", func(t *testing.T) {
		t.Parallel()
		s := setup.StartSlapd(t, "overlay syncprov")
		story(t, s.URL, s, func() { s.Schema(ldapschema.DHCP, ldapschema.DNS, ldapschema.Automount, ldapschema.PublicKey) }, func() { s.Schema() })
	})
	t.Run("schema not loaded yet", func(t *testing.T) {
		t.Parallel()
		s := setup.StartSlapd(t, "overlay syncprov")
		s.Schema(ldapschema.DNS, ldapschema.PublicKey)
		dir := dial(t, ldapdir.Config{URL: s.URL, BindDN: s.BindDN, Password: s.Password})
		st, seen := start(t, dir, instant(), func(c *site.Config) { c.COD.RetryFirst, c.COD.RetryMost = 20, 500 })
		st.Run(action("u1", "web", actors.Setup, 1))
		until(t, "the site says what is lacking, and what to do", func() bool {
			p := st.Snapshot().Problem
			return strings.Contains(p, string(ldapschema.DHCP)+": no ") && strings.Contains(p, string(ldapschema.COD)+": no ") && strings.Contains(p, "leasehold cod schema") && !strings.Contains(p, "\n")
		})
		if left, err := dir.List(t.Context(), base); err != nil || len(left) != 0 {
			t.Errorf("it wrote before it could write everything: %v, %v", left, err)
		}
		s.Schema()
		until(t, "the node is there", func() bool { d, ok := seen.last("u1"); return ok && d.Code == 0 })
	})
	t.Run("slow", func(t *testing.T) {
		t.Parallel()
		s := setup.StartSlapd(t, "overlay syncprov")
		var delay atomic.Int64
		url := "ldap://" + dawdle(t, strings.TrimPrefix(s.URL, "ldap://"), &delay)
		story(t, url, s, func() { delay.Store(int64(5 * time.Second)) }, func() { delay.Store(0) })
	})
}

// dawdle passes connections on, and lets what the server says wait.
func dawdle(t *testing.T, to string, delay *atomic.Int64) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			go func() {
				_, _ = io.Copy(out, in)
				out.Close()
			}()
			go func() {
				defer in.Close()
				buf := make([]byte, 64<<10)
				for {
					n, err := out.Read(buf)
					if n > 0 {
						time.Sleep(time.Duration(delay.Load()))
						if _, err := in.Write(buf[:n]); err != nil {
							return
						}
					}
					if err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}
