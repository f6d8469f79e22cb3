package handlers_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
)

// nothing is a driver with nothing to do.
type nothing struct{}

func (nothing) Setup(context.Context, run.Runner, handlers.Params) (handlers.Result, error) {
	return handlers.Result{Done: true}, nil
}
func (nothing) Teardown(context.Context, run.Runner, handlers.Params) (handlers.Result, error) {
	return handlers.Result{Done: true}, nil
}

func TestCatalogue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		infos []handlers.Info
		want  string // part of the error; empty means none
	}{
		{"empty", nil, ""},
		{"two", []handlers.Info{{Name: "a", Driver: nothing{}}, {Name: "b-2", Driver: nothing{}}}, ""},
		{"twice", []handlers.Info{{Name: "a", Driver: nothing{}}, {Name: "a", Driver: nothing{}}}, "twice"},
		{"no driver", []handlers.Info{{Name: "a"}}, "no driver"},
		{"no name", []handlers.Info{{Driver: nothing{}}}, "no name"},
		{"path", []handlers.Info{{Name: "../a", Driver: nothing{}}}, "no name"},
	} {
		_, err := handlers.NewCatalogue(c.infos...)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	cat, _ := handlers.NewCatalogue(handlers.Info{Name: "a", Driver: nothing{}}, handlers.Info{Name: "b", Driver: nothing{}})
	if i, ok := cat.Find("b"); !ok || i.Name != "b" {
		t.Error("b is not found")
	}
	if _, ok := cat.Find("c"); ok {
		t.Error("c is found")
	}
	if len(cat.All()) != 2 {
		t.Error("All is not the two drivers")
	}
}

func TestParams(t *testing.T) {
	t.Parallel()
	p := handlers.Params{"n": "12", "minus": "-1", "word": "many", "big": "99999999999", "half": "0.5", "nan": "NaN"}
	if d, err := p.Millis("n", 0); err != nil || d != 12*time.Millisecond {
		t.Error(d, err)
	}
	if d, err := p.Millis("absent", 3*time.Second); err != nil || d != 3*time.Second {
		t.Error(d, err)
	}
	for _, name := range []string{"minus", "word", "big", "half"} {
		if n, err := p.Count(name, 0); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("Count(%s) = %d, %v", name, n, err)
		}
	}
	if f, err := p.Share("half", 0); err != nil || f != 0.5 {
		t.Error(f, err)
	}
	for _, name := range []string{"minus", "word", "n", "nan"} {
		if f, err := p.Share(name, 0); err == nil {
			t.Errorf("Share(%s) = %v", name, f)
		}
	}
	if _, err := p.Need("absent"); err == nil {
		t.Error("an absent parameter was not missed")
	}
	if p.Get("absent", "x") != "x" || p.Get("n", "x") != "12" {
		t.Error("Get")
	}
}

func ExampleInfo_Manual() {
	i := handlers.Info{Name: "useradd", Doc: "Creates an account.", Params: []handlers.Param{
		{Name: "login", Doc: "the account", Need: true},
		{Name: "shell", Doc: "its login shell", Default: "/bin/sh"},
	}}
	fmt.Print(i.Manual())
	// Output:
	// useradd: Creates an account.
	//
	//   login (required)
	//       the account
	//
	//   shell (/bin/sh)
	//       its login shell
}

// TestGiven: what a lessee may not say reaches no driver.
func TestGiven(t *testing.T) {
	t.Parallel()
	p := handlers.Given(map[string]string{"xen.disk": "phy:/dev/sda,xvda,w", "xenial": "x", handlers.ParamMachine: "dom0b", handlers.ParamKeep: "yes", "a": "1"}, "xen.")
	if len(p) != 2 || p["a"] != "1" || p["xenial"] != "x" {
		t.Errorf("%v", p)
	}
}

// able can do some things.
type able struct{ nothing }

func (able) Pause(context.Context, run.Runner, handlers.Params) (handlers.Result, error) {
	return handlers.Result{Done: true, Note: "paused"}, nil
}

func (able) Unpause(_ context.Context, _ run.Runner, p handlers.Params) (handlers.Result, error) {
	return handlers.Result{Done: true, Note: p["secret"]}, nil
}

func (able) Resize(context.Context, run.Runner, handlers.Params) (handlers.Result, error) {
	return handlers.Result{Done: true}, nil
}

// TestCapabilities: what a driver has methods for it is asked for by its subcommands, also
// behind what the site says; anything else it refuses.
func TestCapabilities(t *testing.T) {
	t.Parallel()
	i := handlers.Info{Name: "a", Driver: able{}, Params: []handlers.Param{{Name: "secret", Site: true}}}
	for _, d := range []handlers.Driver{able{}, i.Guarded(map[string]string{"secret": "ours"})} {
		if got := strings.Join(handlers.Capabilities(d), " "); got != "pause unpause resize" {
			t.Errorf("%T can %s", d, got)
		}
		res, err := handlers.Modify(t.Context(), d, nil, handlers.Params{handlers.ParamSubcommand: "modify.pause"})
		if err != nil || res.Note != "paused" {
			t.Errorf("%+v, %v", res, err)
		}
		if _, err := handlers.Modify(t.Context(), d, nil, handlers.Params{handlers.ParamSubcommand: "modify.suspend"}); handlers.CodeOf(err) != handlers.ExitUnknown {
			t.Errorf("what it cannot: %v", err)
		}
	}
	res, err := handlers.Modify(t.Context(), i.Guarded(map[string]string{"secret": "ours"}), nil, handlers.Params{handlers.ParamSubcommand: "modify.unpause", "secret": "theirs"})
	if err != nil || res.Note != "ours" {
		t.Errorf("behind what the site says: %+v, %v", res, err)
	}
	if got := handlers.Capabilities(nothing{}); got != nil {
		t.Errorf("nothing can %v", got)
	}
}
