package cod_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/memdir"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/ldapschema"
)

// siteBase is the top of every tree in these tests.
const siteBase ldapschema.DN = "dc=site,dc=test"

// siteConfig is a small site: room for three slices of six nodes each.
func siteConfig() cod.Config {
	return cod.Config{
		Owner: "site1", Base: siteBase, Domain: "site.test", Network: netip.MustParsePrefix("10.99.0.0/27"), BlockBits: 29,
		UIDs: cod.Range{First: 30000, Last: 30009}, GIDs: cod.Range{First: 30000, Last: 30009},
		Public: []netip.Prefix{netip.MustParsePrefix("192.0.2.8/31")},
	}
}

// virtualConfig is the same with virtual machines on two hosts, and on those that slice
// id-Xen leases.
func virtualConfig() cod.Config {
	c := siteConfig()
	c.Virtual = cod.VirtualConfig{
		Types: []actors.ResourceType{"vm"}, Unit: calendar.Vector{100, 256}, Slices: []actors.SliceID{"id-Xen"}, Leased: calendar.Vector{800, 2048},
		Hosts: []cod.VirtualHost{{Name: "dom0a", Size: calendar.Vector{400, 1024}}, {Name: "dom0b", Size: calendar.Vector{200, 1024}}},
	}
	c.Ladder = cod.LadderConfig{Warn: 10 * 60_000, Grace: 60 * 60_000, Most: 48 * 60 * 60_000, Can: []string{handlers.Suspend, handlers.Checkpoint}}
	return c
}

// pending is an operation whose answer is still to come.
type pending struct {
	write *cod.Write
	read  *cod.Read
	drive *cod.Drive
}

func (p pending) String() string {
	switch {
	case p.write != nil:
		var s []string
		for _, c := range p.write.Changes {
			s = append(s, describe(c))
		}
		return strings.Join(s, "\n")
	case p.read != nil:
		return "read " + short(p.read.DN)
	}
	s := fmt.Sprintf("drive %v %s %s", p.drive.Verb, p.drive.Unit.ID, p.drive.Params["unit.hostname"])
	if at := p.drive.Unit.Properties[handlers.ParamMachine]; at != "" {
		s += " on " + at
		for _, name := range []string{handlers.ResourceMemory, handlers.ResourceVCPUs, handlers.ResourceCPUCap, handlers.ResourceCPUWeight} {
			s += " " + p.drive.Params.Get(name, "-")
		}
	}
	if to := p.drive.Params["modify.move.host"]; to != "" {
		s += " moves to " + to
	}
	switch n := p.drive.Params[handlers.ParamModify]; {
	case n == "end" || n == "resume":
		s += " " + p.drive.Params.Subcommand() + " of " + p.drive.Params[handlers.ParamUnit]
	case p.drive.Params[handlers.ParamKeep] != "":
		s += " keeping"
	}
	return s
}

// describe is one change on one line.
func describe(c ldapschema.Change) string {
	s := c.Kind.String() + " " + short(c.DN)
	for _, m := range c.Mods {
		s += fmt.Sprintf(" %v:%s=%s", m.Op, m.Attr, strings.Join(m.Values, "|"))
	}
	return s
}

// short leaves the base out of a name.
func short(dn ldapschema.DN) string { return strings.TrimSuffix(string(dn), ","+string(siteBase)) }

// world is a machine, the directory it writes and the driver it drives. Nothing
// happens by itself: operations wait in line until they are answered.
type world struct {
	t     failer
	cfg   cod.Config
	m     *cod.Machine
	dir   *memdir.Dir
	now   actors.Millis
	line  []pending
	wake  actors.Millis
	done  []actors.ActionDone
	moved []cod.Transition
	log   strings.Builder
	away  bool   // the directory does not answer
	bar   string // refused: changes of names that contain this
	drive func(cod.Drive) (handlers.Result, error)
	up    map[actors.UnitID]bool // what the driver set up
	busy  map[actors.UnitID]int  // driver calls under way

	watched bool        // the machine is told what happens to the directory
	told    []cod.Event // what it has not been told yet
	loads   int64
}

// failer is what a world needs of a test; rapid's tests have it too.
type failer interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func newWorld(t failer, cfg cod.Config) *world {
	dir, err := memdir.New(cfg.Base)
	if err != nil {
		t.Fatal(err)
	}
	base, err := cod.Base(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range base {
		if err := dir.Apply(context.Background(), ldapschema.AddEntry(e)); err != nil {
			t.Fatal(err)
		}
	}
	w := &world{t: t, cfg: cfg, dir: dir, now: 1_800_000_000_000, wake: actors.Forever, up: map[actors.UnitID]bool{}, busy: map[actors.UnitID]int{}}
	w.load()
	return w
}

// load starts another machine on the directory as it is. Operations under way are
// forgotten, as in a crash.
func (w *world) load() {
	m, err := cod.New(w.cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.m, w.line, w.busy, w.told = m, nil, map[actors.UnitID]int{}, nil
	if w.watched {
		w.loads++
		m.Claim(w.loads)
	}
	for _, note := range m.Load(w.tree()) {
		w.logf("note %s", note)
	}
	if w.watched {
		w.step(cod.Synced{})
	}
	w.step(cod.Tick{})
}

func (w *world) logf(format string, a ...any) { fmt.Fprintf(&w.log, format+"\n", a...) }

// tree is all entries of the directory.
func (w *world) tree() []ldapschema.Entry {
	all, err := w.dir.List(context.Background(), w.cfg.Base)
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// ldif is the whole tree as text.
func (w *world) ldif() string {
	var b strings.Builder
	for _, e := range w.tree() {
		b.WriteString(e.LDIF() + "\n")
	}
	return b.String()
}

// step gives the machine one event and puts what it asks for in line.
func (w *world) step(ev cod.Event) {
	fx := w.m.Step(w.now, ev)
	for _, mv := range fx.Moved {
		w.moved = append(w.moved, mv)
		w.logf("~ %s %v>%v", mv.Unit, mv.From, mv.To)
	}
	for _, wn := range fx.Warn {
		w.logf("? warn %s %q", wn.Unit, wn.Note)
	}
	for i := range fx.Write {
		w.ask(pending{write: &fx.Write[i]})
	}
	for i := range fx.Read {
		w.ask(pending{read: &fx.Read[i]})
	}
	for i := range fx.Drive {
		d := &fx.Drive[i]
		if w.busy[d.Unit.ID]++; w.busy[d.Unit.ID] > 1 {
			w.t.Fatalf("two driver calls at once on %s", d.Unit.ID)
		}
		w.ask(pending{drive: d})
	}
	for _, d := range fx.Report {
		w.done = append(w.done, d)
		w.logf("! report %v %s #%d code=%d%s", d.Verb, d.Unit, d.Sequence, d.Code, quoted(d.Note))
	}
	w.wake = fx.Wake
}

func quoted(s string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf(" %q", s)
}

func (w *world) ask(p pending) {
	w.line = append(w.line, p)
	w.logf("> %s", strings.ReplaceAll(p.String(), "\n", "\n> "))
}

// answer carries out the i-th operation in line and tells the machine.
func (w *world) answer(i int) {
	p := w.line[i]
	w.line = slices.Delete(slices.Clone(w.line), i, i+1)
	switch {
	case p.write != nil:
		ev := cod.Written{Token: p.write.Token}
		for _, c := range p.write.Changes {
			var err error
			if ev.Outcome, err = w.apply(c); err != nil {
				ev.Note = err.Error()
				w.logf("< %s: %v", describe(c), ev.Outcome)
				break
			}
			ev.Applied++
		}
		w.step(ev)
	case p.read != nil:
		ev := cod.Found{Token: p.read.Token, Outcome: cod.Unavailable}
		if !w.away {
			e, err := w.dir.Read(context.Background(), p.read.DN)
			ev.Entry, ev.Outcome = e, outcome(err)
		}
		if ev.Outcome != cod.Done {
			w.logf("< read: %v", ev.Outcome)
		}
		w.step(ev)
	default:
		w.busy[p.drive.Unit.ID]--
		ev := cod.Driven{Token: p.drive.Token, Result: handlers.Result{Done: true}}
		if w.drive != nil {
			var err error
			if ev.Result, err = w.drive(*p.drive); err != nil {
				ev.Failed, ev.Code = err.Error(), handlers.CodeOf(err)
			}
		}
		if ev.Result.Done && ev.Failed == "" {
			w.up[p.drive.Unit.ID] = p.drive.Verb != actors.Teardown
		}
		w.step(ev)
	}
}

// apply carries one change out, unless the test says otherwise.
func (w *world) apply(c ldapschema.Change) (cod.Outcome, error) {
	switch {
	case w.away:
		return cod.Unavailable, errors.New("away")
	case w.bar != "" && strings.Contains(string(c.DN), w.bar):
		return cod.Refused, errors.New("barred")
	}
	err := w.dir.Apply(context.Background(), c)
	if err == nil {
		w.note(c.DN)
	}
	return outcome(err), err
}

// note puts it in line that something happened to an entry.
func (w *world) note(dn ldapschema.DN) {
	if !w.watched {
		return
	}
	if e, err := w.dir.Read(context.Background(), dn); err == nil {
		w.told = append(w.told, cod.Seen{Entry: e})
	} else {
		w.told = append(w.told, cod.Lost{DN: dn})
	}
}

// rename is an operator's.
func (w *world) rename(dn, rdn ldapschema.DN) {
	if !w.away && w.dir.Rename(context.Background(), dn, rdn) == nil {
		w.note(rdn + "," + dn.Parent())
		w.note(dn)
	}
}

// tell tells the machine the next n things that happened to the directory.
func (w *world) tell(n int) {
	for range min(n, len(w.told)) {
		ev := w.told[0]
		w.told = w.told[1:]
		switch ev := ev.(type) {
		case cod.Seen:
			w.logf("= seen %s", short(ev.Entry.DN))
		case cod.Lost:
			w.logf("= lost %s", short(ev.DN))
		}
		w.step(ev)
	}
}

// outcome is what the machine hears of an error.
func outcome(err error) cod.Outcome {
	for kind, o := range map[error]cod.Outcome{
		directory.ErrExists: cod.Exists, directory.ErrNotFound: cod.Missing,
		directory.ErrConflict: cod.Conflict, directory.ErrUnavailable: cod.Unavailable,
	} {
		if errors.Is(err, kind) {
			return o
		}
	}
	if err != nil {
		return cod.Refused
	}
	return cod.Done
}

// settle answers everything in line until nothing is left.
func (w *world) settle() {
	for n := 0; len(w.line)+len(w.told) > 0; n++ {
		if n > 10000 {
			w.t.Fatalf("does not settle:\n%s", tail(w.log.String()))
		}
		if w.tell(1); len(w.line) > 0 {
			w.answer(0)
		}
	}
}

// pass lets time pass, settling at each wake-up on the way.
func (w *world) pass(d time.Duration) {
	end := w.now + actors.Millis(d.Milliseconds())
	for w.settle(); w.wake <= end; w.settle() {
		w.now = max(w.now, w.wake)
		w.step(cod.Tick{})
	}
	w.now = end
}

// rest passes time until nothing is due any more.
func (w *world) rest() {
	for range 100 {
		if w.settle(); w.wake == actors.Forever {
			return
		}
		w.now = max(w.now, w.wake)
		w.step(cod.Tick{})
	}
	w.t.Fatalf("never rests:\n%s", tail(w.log.String()))
}

func tail(s string) string { return s[max(0, len(s)-keepLog):] }

var keepLog = 4000

// do is an operator's own change.
func (w *world) do(c ldapschema.Change) {
	w.t.Helper()
	if err := w.dir.Apply(context.Background(), c); err != nil {
		w.t.Fatal(err)
	}
	w.note(c.DN)
}

// entry is one entry of the directory, by its name below the base.
func (w *world) entry(name string) (ldapschema.Entry, bool) {
	e, err := w.dir.Read(context.Background(), ldapschema.DN(name)+","+siteBase)
	return e, err == nil
}

// setup is an action of a lease.
func setup(unit, slice string, seq int) actors.Action {
	return actors.Action{
		Reservation: actors.ReservationID("r-" + unit), Slice: actors.Slice{ID: actors.SliceID("id-" + slice), Name: slice}, Type: "node",
		Term: actors.NewTerm(1_800_000_000_000, 1_800_003_600_000), Verb: actors.Setup, Sequence: seq,
		Unit: actors.Unit{ID: actors.UnitID(unit), Host: "h-" + unit},
	}
}

// teardown is the action that ends it.
func teardown(unit, slice string, seq int) actors.Action {
	a := setup(unit, slice, seq)
	a.Verb = actors.Teardown
	return a
}
