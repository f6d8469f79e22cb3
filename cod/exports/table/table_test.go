package table_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/cod/exports/table"
	"github.com/leasehold/leasehold/ldapschema"
)

func TestRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ path, server, clients, want string }{
		{"/export/alpha", "nfs1", "10.99.1.0/24", "{/export/alpha 10.99.1.0/24} true <nil>"},
		{"/export/alpha", "NFS1", "10.99.1.0/24", "{/export/alpha 10.99.1.0/24} true <nil>"},
		{"/export/alpha", "nfs2", "10.99.1.0/24", "{ } false <nil>"},
		{"/export", "nfs1", "10.99.1.0/24", `{ } false "/export" is no folder below /export`},
		{"/exports/x", "nfs1", "10.99.1.0/24", `{ } false "/exports/x" is no folder below /export`},
		{"/export/../etc", "nfs1", "10.99.1.0/24", `{ } false "/export/../etc" is no folder below /export`},
		{"/export/a *(rw)", "nfs1", "10.99.1.0/24", `{ } false "/export/a *(rw)" is no folder below /export`},
		{"/export/a\n/", "nfs1", "10.99.1.0/24", `{ } false "/export/a\n/" is no folder below /export`},
		{"", "nfs1", "10.99.1.0/24", `{ } false "" is no folder below /export`},
		{"/export/alpha", "nfs1", "", "{ } false /export/alpha: no network that may mount it"},
	} {
		x := ldapschema.ExportRecord{Name: "home", Server: c.server, Path: c.path}
		x.Clients, _ = netip.ParsePrefix(c.clients)
		e, ok, err := table.Read(x, []string{"nfs0", "nfs1"}, "/export")
		if got := fmt.Sprint(e, ok, err); got != c.want {
			t.Errorf("%+v: %s, want %s", c, got, c.want)
		}
	}
	if _, ok, err := table.Read(ldapschema.ExportRecord{Server: "x", Path: "/a", Clients: netip.MustParsePrefix("10.0.0.0/8")}, nil, "/"); !ok || err != nil {
		t.Errorf("of any server, anywhere: %v %v", ok, err)
	}
}

// TestWritten: what servers read, to the letter. That they understand it is shown by
// conformance/site.
func TestWritten(t *testing.T) {
	t.Parallel()
	list := table.Sort([]table.Export{{"/export/b", "10.0.2.0/24"}, {"/export/a", "10.0.1.0/24"}, {"/export/b", "10.0.1.0/24"}, {"/export/a", "10.0.1.0/24"}})
	if got, want := table.Linux(list), table.Header+`/export/a	10.0.1.0/24(rw,sync,no_subtree_check,root_squash)
/export/b	10.0.1.0/24(rw,sync,no_subtree_check,root_squash)
/export/b	10.0.2.0/24(rw,sync,no_subtree_check,root_squash)
`; got != want {
		t.Errorf("exports(5):\n%s", got)
	}
	if got, want := table.Ganesha(list[1:]), table.Header+`EXPORT {
  Export_Id = 7594;
  Path = /export/b;
  Pseudo = /export/b;
  Protocols = 4;
  Transports = TCP;
  SecType = sys;
  Squash = Root_Squash;
  Access_Type = None;
  FSAL { Name = VFS; }
  CLIENT { Clients = 10.0.1.0/24; Access_Type = RW; }
  CLIENT { Clients = 10.0.2.0/24; Access_Type = RW; }
}
`; got != want {
		t.Errorf("ganesha.conf:\n%s", got)
	}
	if table.Linux(nil) != table.Header || table.Ganesha(nil) != table.Header {
		t.Error("no exports are more than a header")
	}
}

// TestNumbers: each export has another number, and keeps it beside others.
func TestNumbers(t *testing.T) {
	t.Parallel()
	var list []table.Export
	for n := range 3000 {
		list = append(list, table.Export{Path: fmt.Sprintf("/export/%d", n), Clients: "10.0.0.0/8"})
	}
	numbers := func(list []table.Export) map[string]string {
		out, seen := map[string]string{}, map[string]bool{}
		id := ""
		for line := range strings.Lines(table.Ganesha(table.Sort(list))) {
			if n, ok := strings.CutPrefix(line, "  Export_Id = "); ok {
				if id = n; seen[n] {
					t.Errorf("%s twice", n)
				}
				seen[n] = true
			} else if p, ok := strings.CutPrefix(line, "  Path = "); ok {
				out[strings.TrimSuffix(p, ";\n")] = id
			}
		}
		return out
	}
	all, few := numbers(list), numbers(list[:3])
	for path, n := range few {
		if all[path] != n {
			t.Errorf("%s has the number %s, and %s beside others", path, n, all[path])
		}
	}
}
