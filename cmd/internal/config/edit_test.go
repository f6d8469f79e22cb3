package config

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
)

func newPeer() Peer {
	return Peer{Name: "fresh", GUID: "0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f00ff", Role: actors.RoleManager,
		URL: "http://fresh.example.net:8180/orca/services/fresh", Certificates: []string{"peers/fresh.pem"}, Allow: []actors.Op{actors.OpTicket}}
}

const (
	head = "# ours\nversion: 1 # one\n\nactors: # the actors\n  - {name: sm1, guid: 0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0003, role: manager}\n"

	first  = "- name: first # it\n  guid: 0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0010\n  role: broker\n  url: http://a.example.net\n  certificate: a.pem\n"
	second = "- name: second\n  guid: 0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0011\n  role: broker\n  url: http://b.example.net\n  certificate: b.pem\n  allow:\n    - ticket\n"
	fresh  = "- name: fresh\n  guid: 0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f00ff\n  role: manager\n  url: http://fresh.example.net:8180/orca/services/fresh\n  certificate: peers/fresh.pem\n  allow: [ticket]\n"
)

// in indents an entry.
func in(entry, by string) string {
	return by + strings.ReplaceAll(strings.TrimSuffix(entry, "\n"), "\n", "\n"+by) + "\n"
}

// A new peer comes at the end of the list and no other line changes; taking it
// out again gives the old file.
func TestAddAndRemovePeer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ before, after, again string }{
		"after others": {
			head + "peers:\n" + in(first, "  ") + "  # the second\n" + in(second, "  ") + "\n# the end\n",
			head + "peers:\n" + in(first, "  ") + "  # the second\n" + in(second, "  ") + in(fresh, "  ") + "\n# the end\n", "",
		},
		"not indented":        {head + "peers:\n" + first, head + "peers:\n" + first + fresh, ""},
		"indented more":       {head + "peers: # all\n" + in(first, "      "), head + "peers: # all\n" + in(first, "      ") + in(fresh, "      "), ""},
		"before other blocks": {"peers:\n" + in(first, "  ") + head, "peers:\n" + in(first, "  ") + in(fresh, "  ") + head, ""},
		"empty list":          {head + "peers: [] # none\n", head + "peers: # none\n" + in(fresh, "  "), ""},
		"empty list first":    {"peers: []\n" + head, "peers:\n" + in(fresh, "  ") + head, ""},
		"no line feed at the end": {
			head + "peers:\n" + strings.TrimSuffix(in(first, "  "), "\n"),
			head + "peers:\n" + in(first, "  ") + in(fresh, "  "), head + "peers:\n" + in(first, "  "),
		},
		"no list": {
			head, head + "\n# Actors elsewhere that ours may speak with. The key in the certificate is pinned.\npeers:\n" + in(fresh, "  "),
			head + "\n# Actors elsewhere that ours may speak with. The key in the certificate is pinned.\npeers: []\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := AddPeer("f", []byte(tt.before), newPeer())
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.after {
				t.Fatalf("got\n%s\nwant\n%s", got, tt.after)
			}
			if _, err := AddPeer("f", got, newPeer()); !errors.Is(err, ErrPeerExists) {
				t.Errorf("again: %v", err)
			}
			back, err := RemovePeer("f", got, "fresh")
			want := tt.before
			if tt.again != "" {
				want = tt.again
			}
			if err != nil || string(back) != want {
				t.Errorf("taken out: %v\n%s\nwant\n%s", err, back, want)
			}
		})
	}
}

func TestRemovePeerWithItsComment(t *testing.T) {
	t.Parallel()
	before := head + "peers:\n  # about the first\n  # two lines\n" + in(first, "  ") + "  # about the second\n" + in(second, "  ")
	got, err := RemovePeer("f", []byte(before), "first")
	if want := head + "peers:\n  # about the second\n" + in(second, "  "); err != nil || string(got) != want {
		t.Errorf("%v\n%s", err, got)
	}
	got, err = RemovePeer("f", []byte(before), "second")
	if want := head + "peers:\n  # about the first\n  # two lines\n" + in(first, "  "); err != nil || string(got) != want {
		t.Errorf("%v\n%s", err, got)
	}
}

// A peer that is written anew stays where it was, and nothing else changes.
func TestReplacePeer(t *testing.T) {
	t.Parallel()
	const rotated = "- name: first\n  guid: 0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0010\n  role: broker\n  url: http://a.example.net\n" +
		"  profile: strict\n  certificate:\n    - a.pem\n    - b.pem\n"
	for _, by := range []string{"", "  ", "      "} {
		before := head + "peers:\n" + in(first, by) + by + "# the second\n" + in(second, by) + "\n# the end\n"
		c, err := Parse("f", []byte(before))
		if err != nil {
			t.Fatal(err)
		}
		p := c.Peers[0]
		p.Certificates = append(p.Certificates, "b.pem")
		got, err := ReplacePeer("f", []byte(before), p)
		if want := head + "peers:\n" + in(rotated, by) + by + "# the second\n" + in(second, by) + "\n# the end\n"; err != nil || string(got) != want {
			t.Errorf("%v\n%s\nwant\n%s", err, got, want)
		}
		p.Name = "nobody"
		if _, err := ReplacePeer("f", []byte(before), p); !errors.Is(err, ErrNoPeer) {
			t.Errorf("nobody: %v", err)
		}
		p.Name, p.GUID = "first", c.Peers[1].GUID
		if _, err := ReplacePeer("f", []byte(before), p); err == nil {
			t.Error("the GUID of another")
		}
	}
}

func TestEditRefuses(t *testing.T) {
	t.Parallel()
	good := head + "peers:\n" + in(first, "  ")
	if _, err := RemovePeer("f", []byte(good), "nobody"); !errors.Is(err, ErrNoPeer) {
		t.Errorf("nobody: %v", err)
	}
	inline := head + "peers: [{name: first, guid: 0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0010, role: broker, url: http://a.example.net, certificate: a.pem}]\n"
	if _, err := AddPeer("f", []byte(inline), newPeer()); !errors.Is(err, ErrInline) {
		t.Errorf("add to one line: %v", err)
	}
	if _, err := RemovePeer("f", []byte(inline), "first"); !errors.Is(err, ErrInline) {
		t.Errorf("remove from one line: %v", err)
	}
	var problems Problems
	bad := newPeer()
	bad.URL = "ftp://x"
	if _, err := AddPeer("f", []byte(good), bad); !errors.As(err, &problems) || !strings.Contains(err.Error(), "url") {
		t.Errorf("bad peer: %v", err)
	}
	if _, err := AddPeer("f", []byte("version: 9\n"), newPeer()); !errors.As(err, &problems) {
		t.Errorf("bad file: %v", err)
	}
	needed := strings.Replace(good, "role: manager}", "role: manager, default_broker: first}", 1)
	if _, err := RemovePeer("f", []byte(needed), "first"); !errors.As(err, &problems) {
		t.Errorf("a peer that is needed: %v", err)
	}
}

func TestEditFullFile(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"testdata/full.yaml", "testdata/written.yaml"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := AddPeer(file, data, newPeer())
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if back, err := RemovePeer(file, got, "fresh"); err != nil || string(back) != string(data) {
			t.Errorf("%s: %v\n%s", file, err, back)
		}
	}
}

func FuzzEdit(f *testing.F) {
	for _, s := range []string{head, head + "peers: []\n", head + "peers:\n" + in(first, "  ") + in(second, "  "), "peers:\n" + first + head} {
		f.Add(s, "first")
	}
	f.Fuzz(func(t *testing.T, text, peer string) {
		if got, err := AddPeer("f", []byte(text), newPeer()); err == nil {
			if _, err := Parse("f", got); err != nil {
				t.Errorf("%q became %q: %v", text, got, err)
			}
		}
		if got, err := RemovePeer("f", []byte(text), peer); err == nil {
			c, err := Parse("f", got)
			if _, _, ok := c.Find(peer); err != nil || ok {
				t.Errorf("%q became %q: %v", text, got, err)
			}
		}
	})
}
