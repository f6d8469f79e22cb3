package script

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/handlers/run"
)

func must(t *testing.T, text string) *Script {
	t.Helper()
	s, err := Parse("x.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// play runs an action against answers by command; "" is code 0. It gives what happened, a
// line each.
func play(t *testing.T, s *Script, action string, given map[string]string, answer func(op Op) Outcome) (lines []string, res Result) {
	t.Helper()
	r, err := s.Begin(action, given)
	if err != nil {
		return nil, Result{Code: -1, Note: err.Error()}
	}
	for {
		ops, said := r.Next()
		for _, x := range said {
			lines = append(lines, "say "+x.Text)
		}
		for _, op := range ops {
			line := op.Cmd.String()
			if op.Kind != KindRun {
				line = fmt.Sprint(op.Kind, " ", op.Driver, " ", op.Verb, " ", op.Params)
			}
			if op.Asks {
				line = "ask " + line
			}
			if op.Wait > 0 {
				line = fmt.Sprint("wait ", op.Wait, " ", line)
			}
			lines = append(lines, line)
		}
		for _, op := range ops {
			o := Outcome{}
			if answer != nil {
				o = answer(op)
			}
			r.Done(op.ID, o)
		}
		if res, over := r.Over(); over {
			if _, rest := r.Next(); len(rest) > 0 {
				for _, x := range rest {
					lines = append(lines, "say "+x.Text)
				}
			}
			return lines, res
		}
	}
}

const actions = "version: 1\nactions:\n  setup:\n    steps:\n"

// steps makes a script of one action.
func steps(lines string) string {
	return actions + "      " + strings.ReplaceAll(strings.TrimSpace(lines), "\n", "\n      ") + "\n"
}

func TestRun(t *testing.T) {
	t.Parallel()
	given := map[string]string{"unit.id": "u1", "unit.resourceType": "site.vm", "n": "3", "evil": "'; rm -rf / #"}
	for _, c := range []struct {
		name, steps string
		answer      map[string]string // command, to "code output"; "-" cannot be carried out
		want        []string
		note        string
	}{
		{name: "arguments are never spliced", steps: `- run: [echo, "x ${evil.x:-}${unit.id}", "$$5"]`, want: []string{`echo "x u1" $5`}},
		{name: "when", steps: "- {run: [a], when: unit.resourceType == 'site.vm' and not defined unit.no}\n- {run: [b], when: defined unit.no}\n- {run: [c], when: \"unit.id matches 'u[0-9]' and (unit.a or 2 < 10)\"}",
			want: []string{"a", "c"}},
		{name: "unless", steps: "- {run: [make], unless: [test, a]}\n- {run: [make2], unless: [test, b]}", answer: map[string]string{"test a": "0", "test b": "1"},
			want: []string{"ask test a", "ask test b", "make2"}},
		{name: "retries wait longer and longer", steps: `- {run: [a], retry: {times: 4, pause: 1s, factor: 3, most: 5s}}`, answer: map[string]string{"a": "7 no luck"},
			want: []string{"a", "wait 1s a", "wait 3s a", "wait 5s a", "wait 5s a"}, note: "run a: ends with 7: no luck"},
		{name: "ok", steps: `- {run: [a], ok: [0, 7]}` + "\n- run: [b]", answer: map[string]string{"a": "7"}, want: []string{"a", "b"}},
		{name: "any", steps: `- {run: [a], ok: any, save: {c: code}}` + "\n- run: [b, \"${c}\"]", answer: map[string]string{"a": "7"}, want: []string{"a", "b 7"}},
		{name: "a failure ends it", steps: "- run: [a]\n- run: [b]", answer: map[string]string{"a": "1 out"}, want: []string{"a"}, note: "run a: ends with 1: out"},
		{name: "unless one ignores it", steps: "- {run: [a], ignore: true}\n- run: [b]", answer: map[string]string{"a": "1 out"},
			want: []string{"a", "say failed, and the script goes on: ends with 1: out", "b"}},
		{name: "or a block does", steps: "- ignore: true\n  steps:\n  - run: [a]\n  - run: [never]\n- run: [b]", answer: map[string]string{"a": "1"},
			want: []string{"a", "say failed, and the script goes on: run a: ends with 1", "b"}},
		{name: "side by side", steps: "- parallel:\n  - run: [a]\n  - steps:\n    - run: [b]\n    - run: [c]\n- run: [d]", want: []string{"a", "b", "c", "d"}},
		{name: "of two that fail side by side the first is told", steps: "- parallel:\n  - run: [a]\n  - run: [b]\n- run: [c]", answer: map[string]string{"a": "1", "b": "2"},
			want: []string{"a", "b"}, note: "run a: ends with 1"},
		{name: "set and save", steps: "- set: {x: \"<${unit.id}>\"}\n- {run: [get], save: y}\n- {run: [c, \"${x}${y}\"], save: {unit.got: stdout, code: code}}\n- echo: ${unit.got} ${code}",
			answer: map[string]string{"get": "0 out\n", "c <u1>out": "0 fin"}, want: []string{"get", "c <u1>out", "say fin 0"}},
		{name: "fail", steps: `- {fail: "no ${unit.id}", code: 17}`, note: "fail no ${unit.id}: no u1"},
		{name: "an absent property", steps: `- {name: s, run: [a, "${unit.absent}"]}`, note: "s: there is no unit.absent"},
		{name: "lost", steps: `- {name: s, run: [a], retry: {times: 1}}`, answer: map[string]string{"a": "-"}, want: []string{"a", "wait 1s a"}, note: "s: lost"},
		{name: "drivers", steps: "- {driver: useradd, verb: teardown, properties: {login: \"${unit.id}\"}}\n- {agent: ID, action: test}",
			want: []string{"driver useradd teardown map[login:u1]", "agent ID test map[]"}},
		{name: "numbers only", steps: "- {run: [a], when: unit.id < 3}", note: `run a: when "u1" < "3" compares what are not two numbers`},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines, res := play(t, must(t, steps(c.steps)), "setup", given, func(op Op) Outcome {
				text := c.answer[op.Cmd.String()]
				if text == "-" {
					return Outcome{Err: "lost"}
				}
				var o Outcome
				first, rest, _ := strings.Cut(text, " ")
				fmt.Sscan(first, &o.Code)
				o.Stdout = rest
				return o
			})
			if got, want := strings.Join(lines, "\n"), strings.Join(c.want, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if res.Note != c.note || (res.Code == 0) != (c.note == "") {
				t.Errorf("%+v, want %q", res, c.note)
			}
		})
	}
}

// A value that would end a shell's quotes is still only a value.
func TestShell(t *testing.T) {
	t.Parallel()
	s := must(t, "version: 1\nvariables:\n  key: {from: k, secret: true}\n  twice: \"${key}${key}\"\nactions:\n  setup:\n"+
		"    - shell: |\n        printf '%s' \"$KEY\"; read x || echo end\n      env: {KEY: \"${key}\"}\n    - echo: it is ${twice}\n    - {set: {unit.secret: \"${key}\"}}\n    - fail: ${key}!\n")
	key := "it's `id` $HOME \"\n; exit 9 #\\"
	lines, res := play(t, s, "setup", map[string]string{"k": key}, func(op Op) Outcome {
		if strings.Contains(op.Cmd.String(), "exit 9") {
			t.Error("the value is an argument")
		}
		if want := "set -eu\nKEY='it'\\''s `id` $HOME \"\n; exit 9 #\\'; export KEY\nprintf"; !strings.HasPrefix(op.Cmd.Stdin, want) {
			t.Errorf("%q", op.Cmd.Stdin)
		}
		return Outcome{}
	})
	if text := strings.Join(lines, "\n") + res.Note + res.Properties["unit.secret"]; strings.Contains(text, "it's") || strings.Contains(text, "exit 9") {
		t.Errorf("the secret shows: %s, %+v", lines, res)
	}
}

func TestCallsAndProblems(t *testing.T) {
	t.Parallel()
	s := must(t, "version: 1\nactions:\n  setup:\n    - call: .both\n    - run: [end]\n  .both: [{run: [a]}, {call: .one}]\n  .one: [{run: [b]}]\n  leave: []\n")
	if lines, res := play(t, s, "setup", nil, nil); strings.Join(lines, " ") != "a b end" || res.Code != 0 {
		t.Error(lines, res)
	}
	if lines, res := play(t, s, "leave", nil, nil); len(lines) != 0 || res.Code != 0 {
		t.Error(lines, res)
	}
	if _, res := play(t, s, "probe", nil, nil); !strings.Contains(res.Note, "no such action") {
		t.Error(res)
	}
	// Calls that multiply come to an end.
	var b strings.Builder
	b.WriteString("version: 1\nactions:\n  setup: [{call: .a0}]\n")
	for n := range 40 {
		fmt.Fprintf(&b, "  .a%d: [{call: .a%d}, {call: .a%d}]\n", n, n+1, n+1)
	}
	b.WriteString("  .a40: [{run: [x]}]\n")
	if _, res := play(t, must(t, b.String()), "setup", nil, nil); !strings.Contains(res.Note, "operations") {
		t.Error(res)
	}
}

// What a driver is asked for follows from the action, in what it calls too.
func TestVerbs(t *testing.T) {
	t.Parallel()
	for action, want := range map[string]string{"setup": "setup", "join": "setup", "teardown": "teardown", "leave": "teardown", "modify": "modify",
		"modify.restart": "modify", "suspend": "suspend", "resume": "resume", "checkpoint": "checkpoint", "restore": "restore", "probe": "probe"} {
		s := must(t, "version: 1\nactions:\n  "+action+": [{driver: a}, {call: .also}]\n  .also: [{driver: b}, {driver: c, verb: setup}]\n")
		lines, res := play(t, s, action, nil, nil)
		if got := strings.Join(lines, " "); got != "driver a "+want+" map[] driver b "+want+" map[] driver c setup map[]" || res.Code != 0 {
			t.Errorf("%s: %s, %+v", action, got, res)
		}
	}
}

// Each file of testdata/bad has its problems, all of them, beside it.
func TestProblems(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/bad.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/bad.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Parse("bad.yaml", data)
	if err == nil || err.Error()+"\n" != string(want) {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	for text, says := range map[string]string{
		"":                        "the file is empty",
		"a: b: c":                 "not YAML",
		"[1]":                     "must be a block of keys, not a list",
		"version: 1\n---\na: 1":   "second document",
		"version: 2\nactions: {}": "version \"2\"",
		"version: 1\nactions:\n  setup: [" + strings.Repeat("{steps: [", 40) + strings.Repeat("]}", 40) + "]":        "nested deeper",
		"a: &a [1,1,1,1,1,1,1,1,1,1]\nversion: 1\nactions: {setup: [" + strings.Repeat("{run: [x]},", 15_000) + "]}": "more than 20000",
		strings.Repeat("#", MaxBytes+1): "more than the limit",
	} {
		if _, err := Parse("x", []byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.60q: %v, want %q", text, err, says)
		}
	}
}

func TestRetryBefore(t *testing.T) {
	t.Parallel()
	r := Retry{Times: 100, Pause: time.Second, Factor: 100, Most: time.Hour}
	if r.Before(1) != 0 || r.Before(2) != time.Second || r.Before(3) != 100*time.Second || r.Before(100) != time.Hour {
		t.Error(r.Before(1), r.Before(2), r.Before(3), r.Before(100))
	}
}

// Whatever a file says, reading it ends and a script that was read can be played.
func FuzzParse(f *testing.F) {
	f.Add([]byte(steps("- {run: [a, \"${unit.id}\"], unless: [b], when: \"a.b == 'c'\", retry: {times: 2}}")))
	f.Add([]byte(steps("- parallel: [{echo: x}, {steps: [{fail: y}], ignore: true}]\n- shell: id\n  env: {A: \"${x.y:-z}\"}")))
	f.Add([]byte("version: 1\nvariables: {a: {from: b, secret: true}}\nactions:\n  setup: [{call: .x}]\n  .x: &x [{set: {a: b}}, {driver: d, save: {unit.a: b}}]\n"))
	if data, err := os.ReadFile("testdata/bad.yaml"); err == nil {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("x", data)
		if err != nil {
			return
		}
		for _, a := range s.Actions {
			r, err := s.Begin(a.Name, map[string]string{"unit.id": "u"})
			if err != nil {
				continue
			}
			for n := 0; ; n++ {
				ops, _ := r.Next()
				for i, op := range ops {
					if op.Kind == KindRun && len(op.Cmd.Args) == 0 {
						t.Fatal("a command without a program")
					}
					_ = run.Cmd(op.Cmd).String()
					r.Done(op.ID, Outcome{Code: (n + i) % 3, Stdout: "x"})
				}
				if _, over := r.Over(); over {
					break
				}
				if len(ops) == 0 {
					t.Fatal("nothing under way, and not over")
				}
			}
		}
	})
}
