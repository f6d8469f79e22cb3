package script

import (
	"iter"
	"maps"
	"slices"
	"strings"
)

func mapKeys[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }

// check looks at what only the whole file shows: names that nothing has, calls that never
// end, and secrets where everybody could read them.
func (r *reader) check() {
	s := r.script
	known := map[string]bool{}
	for _, v := range s.Variables {
		known[v.Name] = true
	}
	var actions []string
	for _, a := range s.Actions {
		actions = append(actions, a.Name)
		each(a.Steps, func(st *Step) {
			for _, n := range st.Save {
				known[n.Name] = true
			}
			if st.Kind == KindSet {
				for _, n := range st.Env {
					known[n.Name] = true
				}
			}
		})
	}
	names := slices.Sorted(maps.Keys(known))
	uses := func(line int, name string) {
		// A name with a dot is a property, of which the file cannot know.
		if !known[name] && !strings.Contains(name, ".") {
			r.bad(line, "there is no variable %q%s", name, meant(name, names))
		}
	}
	text := func(line int, t Text) { t.names(func(n string, _ bool) { uses(line, n) }) }
	for i, v := range s.Variables {
		v.Default.names(func(n string, _ bool) {
			uses(v.Line, n)
			if at := slices.IndexFunc(s.Variables, func(o Variable) bool { return o.Name == n }); at >= i {
				r.bad(v.Line, "%s uses %s, which comes after it", v.Name, n)
			}
		})
	}
	secret := r.tainted()
	hidden := func(line int, where string, t Text) {
		t.names(func(n string, _ bool) {
			if secret[n] {
				r.bad(line, "%s is secret, and everybody on a machine reads %s; give it as stdin, or as env to shell", n, where)
			}
		})
	}
	for _, a := range s.Actions {
		each(a.Steps, func(st *Step) {
			for _, n := range st.When.vars {
				uses(st.Line, n)
			}
			for _, t := range slices.Concat(st.Args, st.Unless) {
				text(st.Line, t)
				hidden(st.Line, "the arguments of programs", t)
			}
			text(st.Line, st.Stdin)
			text(st.Line, st.Text)
			for _, n := range st.Env {
				text(n.Line, n.Value)
			}
			if st.Kind == KindCall && s.Action(st.Call) == nil {
				r.bad(st.Line, "there is no action %q to call%s", st.Call, meant(st.Call, actions))
			}
		})
	}
	r.rounds()
}

// each visits every step, outer ones first.
func each(steps []Step, do func(*Step)) {
	for i := range steps {
		do(&steps[i])
		each(steps[i].Steps, do)
	}
}

// tainted are the secret variables and those that are made of them.
func (r *reader) tainted() map[string]bool {
	secret := map[string]bool{}
	for more := true; more; {
		more = false
		mark := func(name string, of Text) {
			of.names(func(n string, _ bool) {
				if secret[n] && !secret[name] {
					secret[name], more = true, true
				}
			})
		}
		for _, v := range r.script.Variables {
			if v.Secret && !secret[v.Name] {
				secret[v.Name], more = true, true
			}
			mark(v.Name, v.Default)
		}
		for _, a := range r.script.Actions {
			each(a.Steps, func(st *Step) {
				if st.Kind == KindSet {
					for _, n := range st.Env {
						mark(n.Name, n.Value)
					}
				}
			})
		}
	}
	for i := range r.script.Variables {
		v := &r.script.Variables[i]
		v.Secret = secret[v.Name]
	}
	return secret
}

// rounds finds actions that call themselves, through others or not.
func (r *reader) rounds() {
	const (
		under = iota + 1
		done
	)
	state := map[string]int{}
	var visit func(a *Action)
	visit = func(a *Action) {
		state[a.Name] = under
		each(a.Steps, func(st *Step) {
			if st.Kind != KindCall {
				return
			}
			next := r.script.Action(st.Call)
			switch {
			case next == nil:
			case state[next.Name] == under:
				r.bad(st.Line, "%s calls %s, which is never done: it is being called already", a.Name, next.Name)
			case state[next.Name] == 0:
				visit(next)
			}
		})
		state[a.Name] = done
	}
	for i := range r.script.Actions {
		if a := &r.script.Actions[i]; state[a.Name] == 0 {
			visit(a)
		}
	}
}
