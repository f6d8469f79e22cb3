package scripted_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/noop"
	"github.com/leasehold/leasehold/handlers/drivers/scripted"
	"github.com/leasehold/leasehold/handlers/drivertest"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/localrun"
	"github.com/leasehold/leasehold/handlers/script"
)

const site = `
version: 1
variables:
  dir: {from: test.dir}
  text: {from: config.text, default: "a 'b' $$HOME"}
actions:
  setup:
    steps:
      - {unless: [test, -d, "${dir}/home"], run: [mkdir, "${dir}/home"]}
      - {unless: [test, -e, "${dir}/mark"], run: [touch, "${dir}/mark"]}
      - shell: printf '%s' "$TEXT" > "$DIR/home/text"
        env: {TEXT: "${text}", DIR: "${dir}"}
      - {run: [cat, "${dir}/home/text"], save: unit.text}
  teardown:
    steps:
      - run: [rm, -rf, "${dir}/home", "${dir}/mark"]
  modify.restart:
    steps:
      - {fail: "as told by ${modify.subcommand}", code: 17, when: defined config.fail}
      - {run: [touch, "${dir}/restarted-${unit.modify.sequencenum}"]}
`

func parse(t *testing.T, text string) *script.Script {
	t.Helper()
	s, err := script.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func params(dir string) handlers.Params {
	return handlers.Params{handlers.ParamUnit: "u1", "test.dir": dir}
}

func exists(names ...string) bool {
	_, err := os.Stat(filepath.Join(names...))
	return err == nil
}

func TestSuite(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, func(t *testing.T) drivertest.World {
		dir := t.TempDir()
		d := scripted.New(scripted.Config{Script: parse(t, site)})
		t.Cleanup(func() { d.Close() })
		return drivertest.World{Driver: d, Params: params(dir), On: localrun.Runner{},
			Up: func() bool {
				text, _ := os.ReadFile(filepath.Join(dir, "home/text"))
				return string(text) == "a 'b' $HOME" && exists(dir, "mark")
			},
			Clean: func() bool { return !exists(dir, "home") && !exists(dir, "mark") }}
	})
}

// The key of a success is kept with its result, over restarts, and what failed is not.
func TestResults(t *testing.T) {
	t.Parallel()
	dir, kept := t.TempDir(), t.TempDir()
	text := "version: 1\nactions:\n  setup:\n    - shell: 'echo x >> \"$F\"; wc -l < \"$F\"; test ! -e \"$F.fail\"'\n      env: {F: \"${test.dir}/n\"}\n      save: unit.lines\n" +
		"  modify: [{shell: 'echo x >> \"$F\"; exit 9', env: {F: \"${test.dir}/n\"}}]\n"
	lines := func() int { data, _ := os.ReadFile(dir + "/n"); return strings.Count(string(data), "\n") }
	call := func(sequence string, modify bool) (handlers.Result, error) {
		t.Helper()
		results, err := scripted.OpenResults(kept)
		if err != nil {
			t.Fatal(err)
		}
		d := scripted.New(scripted.Config{Script: parse(t, text), Results: results})
		defer d.Close()
		p := params(dir)
		p[handlers.ParamSequence] = sequence
		if modify {
			return d.Modify(t.Context(), localrun.Runner{}, p)
		}
		return d.Setup(t.Context(), localrun.Runner{}, p)
	}
	for range 3 {
		if r, err := call("1", false); err != nil || !r.Done || r.Properties["unit.lines"] != "1" || lines() != 1 {
			t.Fatal(r, err, lines())
		}
	}
	if r, err := call("2", false); err != nil || r.Properties["unit.lines"] != "2" {
		t.Fatal(r, err)
	}
	for range 2 {
		if _, err := call("3", true); handlers.CodeOf(err) != 9 || lines() != 3 {
			t.Fatal(err, lines())
		}
	}
	if err := os.WriteFile(dir+"/n.fail", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		if _, err := call("4", false); err == nil || lines() != 4+n {
			t.Fatal(err, lines())
		}
	}
	// A file that was half written, and a folder that cannot be written.
	files, _ := filepath.Glob(kept + "/*")
	if len(files) != 1 {
		t.Fatal(files)
	}
	if err := errors.Join(os.WriteFile(files[0], []byte(`{"unit":"u1","key"`), 0o600), os.Remove(dir+"/n.fail")); err != nil {
		t.Fatal(err)
	}
	if r, err := call("4", false); err != nil || r.Properties["unit.lines"] != "6" {
		t.Fatal(r, err)
	}
	if err := errors.Join(os.Remove(files[0]), os.Mkdir(files[0], 0o700)); err != nil {
		t.Fatal(err)
	}
	if r, err := call("5", false); err == nil {
		t.Error("a result that cannot be kept was told", r)
	}
}

// What goes on for longer than a call's turn is found again by the next call; what is
// wanted no more ends.
func TestTurns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := scripted.New(scripted.Config{Turn: time.Millisecond, Script: parse(t, `
version: 1
actions:
  setup:
    - {name: waits, run: [sh, -c, "echo x >> $$0/began; until test -e $$0/go; do sleep 0.05; done", "${test.dir}"]}
    - {run: [touch, "${test.dir}/done"]}
  teardown: [{run: [rm, -f, "${test.dir}/done"]}]
`)})
	defer d.Close()
	p := params(dir)
	until := func(call func(context.Context, run.Runner, handlers.Params) (handlers.Result, error)) (handlers.Result, error) {
		for {
			r, err := call(t.Context(), localrun.Runner{}, p)
			if err != nil || r.Done {
				return r, err
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	p[handlers.ParamSequence] = "1"
	began := func() string { data, _ := os.ReadFile(dir + "/began"); return string(data) }
	for n := 0; began() == ""; n++ {
		if r, err := d.Setup(t.Context(), localrun.Runner{}, p); err != nil || r.Done || r.Note != "waits" && n > 1000 {
			t.Fatal(r, err)
		}
	}
	p[handlers.ParamSequence] = "2"
	if r, err := until(d.Teardown); err != nil || !r.Done {
		t.Fatal(r, err)
	}
	if err := os.WriteFile(dir+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if exists(dir, "done") {
		t.Error("the setup went on")
	}
	p[handlers.ParamSequence] = "3"
	if r, err := until(d.Setup); err != nil || !r.Done || !exists(dir, "done") {
		t.Fatal(r, err)
	}
	if began() != "x\nx\n" {
		t.Errorf("began %q", began())
	}
	ctx, stop := context.WithCancel(t.Context())
	_ = os.Remove(dir + "/go")
	p[handlers.ParamSequence] = "4"
	if r, err := d.Setup(ctx, localrun.Runner{}, p); err != nil || r.Done {
		t.Fatal(r, err)
	}
	stop()
	if _, err := d.Setup(ctx, localrun.Runner{}, p); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Steps run where they say, with limits, and what they print is logged but for secrets.
func TestPlaces(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var log []string
	d := scripted.New(scripted.Config{Lines: 4, Local: localrun.Runner{}, Script: parse(t, `
version: 1
variables:
  word: {from: config.word, secret: true}
actions:
  setup:
    - {on: local, shell: "echo \"$W\"; echo \"$W\" >&2", env: {W: "${word}"}}
    - echo: the word is ${word}
    - {parallel: [{run: ["true"], on: local}, {run: ["true"], on: local}]}
    - {driver: noop}
    - {on: machine, run: [id], ignore: true}
    - {on: local, run: [printf, "1\n2\n3\n"]}
  join:
    - {driver: noop, properties: {handler.fail.always: setup}}
  modify.a: [{run: [id], on: ssh}]
  modify.b: [{agent: x, action: y}]
  modify.c: [{run: [sleep, "600"], on: local, timeout: 50ms}]
  modify.d: {timeout: 50ms, steps: [{run: [sleep, "600"], on: local}]}
  modify.e: [{driver: none}]
  modify.f: [{run: [id], on: nodeagent}]
  suspend: [{fail: asleep, code: 5}]
`), Log: func(l scripted.Line) {
		mu.Lock()
		defer mu.Unlock()
		log = append(log, fmt.Sprintf("%s %s %d %s", l.Unit, l.Action, l.At, l.Text))
	}, Drivers: func(name string) (handlers.Info, bool) {
		return noop.New(noop.Config{}).Info(), name == "noop"
	}})
	defer d.Close()
	p := params("")
	p["config.word"] = "sesame"
	if r, err := d.Setup(t.Context(), run.Nowhere{}, p); err != nil || !r.Done {
		t.Fatal(r, err)
	}
	all := strings.Join(log, "\n")
	if want := "u1 setup 7 ***\nu1 setup 7 ***\nu1 setup 8 the word is ***\nu1 setup 11 failed, and the script goes on: run: no machine to run commands on: id\nu1 setup 0 more than 4 lines; the others are not kept"; all != want {
		t.Errorf("logged\n%s\nwant\n%s", all, want)
	}
	p[handlers.ParamAction] = "join"
	if _, err := d.Setup(t.Context(), run.Nowhere{}, p); err == nil || !strings.Contains(err.Error(), "failed as told") {
		t.Error(err)
	}
	for sub, says := range map[string]string{"a": "not reached by ssh", "b": "has no node agent", "c": "the step took longer than 50ms",
		"d": "the action took longer than 50ms", "e": `there is no driver "none"`, "f": "not reached by nodeagent", "suspend": "asleep", "g": "has no action modify.g"} {
		p[handlers.ParamSubcommand] = "modify." + sub
		if _, err := d.Modify(t.Context(), run.Nowhere{}, p); err == nil || !strings.Contains(err.Error(), says) || handlers.CodeOf(err) == 0 {
			t.Errorf("%s: %v, want %q", sub, err, says)
		}
	}
}

func TestModifyAndManual(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := scripted.New(scripted.Config{Script: parse(t, site)})
	defer d.Close()
	p := params(dir)
	p[handlers.ParamSubcommand], p[handlers.ParamModify] = "modify.restart", "3"
	if r, err := handlers.Modify(t.Context(), d, localrun.Runner{}, p); err != nil || !r.Done || !exists(dir, "restarted-3") {
		t.Error(r, err)
	}
	p["config.fail"] = "yes"
	if _, err := handlers.Modify(t.Context(), d, localrun.Runner{}, p); handlers.CodeOf(err) != 17 || !strings.Contains(err.Error(), "as told by modify.restart") {
		t.Error(err)
	}
	if m := d.Info().Manual(); !strings.Contains(m, "test.dir (required)") || !strings.Contains(m, "config.text (a 'b' $$HOME)") {
		t.Error(m)
	}
	if _, err := handlers.NewCatalogue(d.Info()); err != nil {
		t.Error(err)
	}
}

// What a script has both actions for it declares, behind what the site says too, and each is
// carried out; what only the action modify could do it does not declare.
func TestCan(t *testing.T) {
	t.Parallel()
	for actions, want := range map[string]string{
		"setup: []":                 "",
		"modify: []":                "",
		"probe: []":                 "probe",
		"suspend: []":               "",
		"suspend: []\n  resume: []": "suspend resume",
		"suspend: []\n  modify.resume: []\n  checkpoint: []\n  restore: []\n  modify.pause: []\n  modify.resize: []": "suspend resume checkpoint restore resize",
	} {
		s, err := script.Parse("s.yaml", []byte("version: 1\nactions:\n  "+actions+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		d := scripted.New(scripted.Config{Script: s})
		defer d.Close()
		for _, d := range []handlers.Driver{d, d.Info().Guarded(map[string]string{"a": "b"})} {
			if got := strings.Join(handlers.Capabilities(d), " "); got != want {
				t.Errorf("with %q it can %q, want %q", actions, got, want)
			}
		}
	}
	s, err := script.Parse("s.yaml", []byte("version: 1\nactions:\n  suspend: [{set: {unit.was: suspended}}]\n  resume: [{set: {unit.was: resumed}}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	d := scripted.New(scripted.Config{Script: s})
	defer d.Close()
	for sub, was := range map[string]string{handlers.Suspend: "suspended", handlers.Resume: "resumed"} {
		res, err := handlers.Modify(t.Context(), d, nil, handlers.Params{handlers.ParamUnit: "u", handlers.ParamSubcommand: "modify." + sub})
		if err != nil || !res.Done || res.Properties["unit.was"] != was {
			t.Errorf("%s: %+v, %v", sub, res, err)
		}
	}
	if _, err := handlers.Modify(t.Context(), d, nil, handlers.Params{handlers.ParamUnit: "u", handlers.ParamSubcommand: "modify.probe"}); handlers.CodeOf(err) != handlers.ExitUnknown {
		t.Errorf("what it cannot: %v", err)
	}
}
