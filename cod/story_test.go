package cod_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/ldapschema"
)

var update = flag.Bool("update", false, "write the golden files anew")

// configOf is the site that a story is played at.
func configOf(file string) cod.Config {
	if strings.HasPrefix(filepath.Base(file), "virtual-") {
		return virtualConfig()
	}
	return siteConfig()
}

// TestStories plays the scripts in testdata/stories. Each command is followed by
// what it led to: operations asked for (>), answers that were not simply "done"
// (<), reports (!). The difference of these files is the change in behaviour.
func TestStories(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/stories/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories", err)
	}
	for _, file := range files {
		config := configOf(file)
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, newWorld(t, config), string(script))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(script) {
				t.Errorf("the story goes otherwise now:\n%s", firstDifference(string(script), got))
			}
			if again := play(t, newWorld(t, config), string(script)); again != got {
				t.Error("the same history gave another answer")
			}
		})
	}
}

// play carries out the commands of a script, and writes it with what they lead to.
func play(t *testing.T, w *world, script string) string {
	w.log.Reset()
	var out strings.Builder
	told := false
	for line := range strings.SplitSeq(strings.TrimRight(script, "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, "    "), line == "" && told:
			continue
		case line == "", strings.HasPrefix(line, "#"):
			if told {
				out.WriteString("\n")
			}
			told = false
			out.WriteString(line + "\n")
			continue
		}
		if told {
			out.WriteString("\n")
		}
		out.WriteString(line + "\n")
		w.log.Reset()
		command(t, w, strings.Fields(line))
		for l := range strings.Lines(w.log.String()) {
			out.WriteString("    " + l)
		}
		told = true
	}
	return out.String()
}

// command carries out one command.
func command(t *testing.T, w *world, f []string) {
	arg := func(i int) string {
		if i >= len(f) {
			t.Fatalf("%v: too few words", f)
		}
		return f[i]
	}
	switch f[0] {
	case "setup", "teardown", "modify": // unit slice sequence [name=value ...]
		seq, err := strconv.Atoi(arg(3))
		if err != nil {
			t.Fatal(err)
		}
		a := setup(arg(1), arg(2), seq)
		switch f[0] {
		case "teardown":
			a.Verb = actors.Teardown
		case "modify":
			a.Verb = actors.ModifyUnit
		}
		a.Properties, a.Unit.Properties = actors.Properties{}, actors.Properties{}
		for _, p := range f[4:] {
			name, value, _ := strings.Cut(p, "=")
			switch {
			case name == "end":
				d, err := time.ParseDuration(value)
				if err != nil {
					t.Fatal(err)
				}
				a.Term.End = a.Term.Start + actors.Millis(d.Milliseconds())
			case name == "type":
				a.Type = actors.ResourceType(value)
			case strings.HasPrefix(name, "ticket."): // which the lessee may contradict
				a.Ticket = a.Ticket.Merged(actors.Properties{name[len("ticket."):]: value})
			case strings.HasPrefix(name, "has."): // of the piece of inventory
				a.Unit.Properties[name[len("has."):]] = value
			case name == "mac":
				a.Unit.Properties[name] = value
			default:
				a.Properties[name] = value
			}
		}
		w.step(cod.Do{Action: a})
	case "settle":
		w.settle()
	case "answer": // one operation
		w.answer(0)
	case "pass":
		d, err := time.ParseDuration(arg(1))
		if err != nil {
			t.Fatal(err)
		}
		w.pass(d)
	case "driver":
		drive(t, w, arg(1), f[2:])
	case "directory":
		w.away, w.bar = arg(1) == "away", ""
		if arg(1) == "refuses" {
			w.bar = arg(2)
		}
	case "operator":
		operator(t, w, f[1:])
	case "forget":
		w.step(cod.Forget{Unit: actors.UnitID(arg(1))})
	case "crash":
		w.load()
	case "show": // one entry
		e, ok := w.entry(arg(1))
		if !ok {
			w.logf("there is none")
			return
		}
		w.log.WriteString(e.LDIF())
	case "tree": // the entries that bear our mark
		for _, e := range w.tree() {
			if e.Has("codOwner") {
				w.logf("%s", short(e.DN))
			}
		}
	case "properties": // of the last report
		p := w.done[len(w.done)-1].Properties
		for _, k := range p.Keys() {
			w.logf("%s = %s", k, p[k])
		}
	case "hosts":
		for _, h := range w.m.View().Hosts {
			w.logf("%s %s %v of %v left %v", h.Name, h.State, h.Room, h.Size, h.Units)
		}
	case "view":
		for _, c := range w.m.View().Clusters {
			w.logf("%s %s %s %v", c.Domain, c.Block, c.Phase, c.Logins)
			for _, n := range c.Nodes {
				w.logf("  %d %s %s %s%s%s", n.ID, n.Name, n.Address, n.State, quoted(n.Waiting), quoted(n.Trouble))
			}
		}
		for _, n := range w.m.View().Waiting {
			w.logf("%s %s%s%s", n.Unit, n.State, quoted(n.Waiting), quoted(n.Trouble))
		}
	default:
		t.Fatalf("unknown command %q", f[0])
	}
}

// drive sets how the driver answers from now on.
func drive(t *testing.T, w *world, how string, rest []string) {
	switch how {
	case "works":
		w.drive = nil
	case "fails":
		w.drive = func(cod.Drive) (handlers.Result, error) {
			return handlers.Result{}, errors.New(strings.Join(rest, " "))
		}
	case "waits":
		d, err := time.ParseDuration(rest[0])
		if err != nil {
			t.Fatal(err)
		}
		w.drive = func(cod.Drive) (handlers.Result, error) { return handlers.Result{After: d, Note: "copying"}, nil }
	case "finds":
		p := map[string]string{}
		for _, r := range rest {
			k, v, _ := strings.Cut(r, "=")
			p[k] = v
		}
		w.drive = func(cod.Drive) (handlers.Result, error) { return handlers.Result{Done: true, Properties: p}, nil }
	default:
		t.Fatalf("the driver cannot %q", how)
	}
}

// operator changes the directory as people do.
func operator(t *testing.T, w *world, f []string) {
	dn := ldapschema.DN(f[1]) + "," + siteBase
	switch f[0] {
	case "sets": // dn attribute value
		w.do(ldapschema.Change{Kind: ldapschema.Modify, DN: dn, Mods: []ldapschema.Mod{{Op: ldapschema.ModReplace, Attr: f[2], Values: []string{strings.Join(f[3:], " ")}}}})
	case "adds": // dn class ... name=value ...
		b := ldapschema.New(dn, "top")
		for _, p := range f[2:] {
			if k, v, ok := strings.Cut(p, "="); ok {
				b.Set(k, v)
			} else {
				b.Class(p)
			}
		}
		e, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		w.do(ldapschema.AddEntry(e))
	case "removes":
		w.do(ldapschema.DeleteEntry(dn))
	default:
		t.Fatalf("operators do not %q", f[0])
	}
}

// firstDifference shows where two texts part.
func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d\nwas: %s\nnow: %s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines became %d", len(a), len(b))
}

// TestEveryMoveHasAStory: the table allows nothing that no story shows.
func TestEveryMoveHasAStory(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob("testdata/stories/*.txt")
	seen := map[[2]cod.State]bool{}
	for _, file := range files {
		script, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, configOf(file))
		play(t, w, string(script))
		for _, mv := range w.moved {
			seen[[2]cod.State{mv.From, mv.To}] = true
		}
	}
	for _, row := range cod.Moves() {
		for _, to := range row.To {
			if !seen[[2]cod.State{row.State, to}] {
				t.Errorf("no story moves a node from %v to %v", row.State, to)
			}
		}
	}
	if *update {
		if err := os.WriteFile("testdata/life.mmd", []byte(cod.Life()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile("testdata/life.mmd"); err != nil || string(want) != cod.Life() {
		t.Error("testdata/life.mmd is not the picture of the table", err)
	}
}
