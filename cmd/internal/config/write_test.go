package config

import (
	"bytes"
	"os"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/leasehold/leasehold/actors"
)

func TestYAML(t *testing.T) {
	t.Parallel()
	c := full(t)
	got := c.YAML()
	if *update {
		if err := os.WriteFile("testdata/written.yaml", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/written.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("written:\n%s\nwant:\n%s", got, want)
	}
	again, err := Parse("written.yaml", got)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again, c) {
		t.Errorf("read back as\n%+v\nwant\n%+v", again, c)
	}
}

// TestYAMLByHand: what init makes, with every default left out, is accepted.
func TestYAMLByHand(t *testing.T) {
	t.Parallel()
	c := Config{
		Directory: &Directory{Base: "dc=example,dc=org"},
		Actors: []Actor{{
			Name: "site1", GUID: "0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0001", Role: actors.RoleAuthority,
			Pools: []Pool{{Type: "site1.node"}},
		}},
		Peers: []Peer{{
			Name: "b", GUID: "0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0002", Role: actors.RoleBroker,
			URL: "http://b.example.org", Certificates: []string{"b.pem"},
		}},
	}
	got, err := Parse("init.yaml", c.YAML())
	if err != nil {
		t.Fatalf("%v\n%s", err, c.YAML())
	}
	if got.Listen.Address != defaultAddress || got.Clock.Length != 1000 || !got.Directory.Embedded() ||
		got.Actors[0].Policy != "firstfit" || got.Peers[0].Allow != nil {
		t.Errorf("read back as %+v", got)
	}
}

// TestQuote: any text that may be a value at all comes back as itself.
func TestQuote(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(
		rapid.StringMatching(`[ -~]{1,20}`),
		rapid.StringMatching(`[a-zé世#:{}\[\],&*!|>'"%@-]{1,8}`),
		rapid.SampledFrom([]string{"yes", "No", "null", "~", "1e3", "0x10", "=", "<<", ": ", "- a", "2030-01-01", "a: b", "a #b"}),
	)
	rapid.Check(t, func(t *rapid.T) {
		s := text.Draw(t, "text")
		c, err := Parse("q.yaml", []byte("version: 1\nactors: []\nstate: "+quote(s)+"\nadmin: {x: "+quote(s)+"}\n"))
		if err == nil {
			t.Fatal("no problem in a file without actors")
		}
		if c.State != s {
			t.Fatalf("%s was read as %q (%v)", quote(s), c.State, err)
		}
	})
}

// FuzzParse: no text makes Parse panic or say nothing about its refusal, and
// whatever it accepts is written and read back as the same configuration.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"testdata/full.yaml", "testdata/written.yaml"} {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, tt := range problems {
		f.Add([]byte(tt.text()))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("f.yaml", data)
		if err != nil {
			ps, ok := err.(Problems)
			if !ok || len(ps) == 0 || ps[0].Text == "" {
				t.Fatalf("refused with %#v", err)
			}
			return
		}
		again, err := Parse("again.yaml", c.YAML())
		if err != nil {
			t.Fatalf("accepted, but not as written:\n%s\n%v", c.YAML(), err)
		}
		if !reflect.DeepEqual(again, c) {
			t.Fatalf("%+v\nbecame\n%+v", c, again)
		}
	})
}
