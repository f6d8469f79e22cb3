package tidy

import (
	"go/ast"
	"path"
	"slices"
	"strconv"
	"testing"
)

// impure is what a package of the pure section may not import, with the reason.
// A star stands for one folder.
var impure = []struct{ path, why string }{
	{"crypto/rand", "chance is handed in"},
	{"database/*", "records are effects"},
	{"io/ioutil", "files are the world"},
	{"log", "what happened is returned"},
	{"log/*", "what happened is returned"},
	{"math/rand", "chance is handed in"},
	{"math/rand/v2", "chance is handed in"},
	{"net", "use net/netip; sockets are the world"},
	{"net/http", "sockets are the world"},
	{"net/*/*", "sockets are the world"},
	{"os", "files and processes are the world"},
	{"os/*", "files and processes are the world"},
	{"path/filepath", "files are the world"},
	{"plugin", "code is linked, not loaded"},
	{"runtime", "a step does not know its machine"},
	{"runtime/*", "a step does not know its machine"},
	{"sync", "one goroutine calls: there is nothing to lock"},
	{"sync/atomic", "one goroutine calls: there is nothing to lock"},
	{"syscall", "files and processes are the world"},
	{"testing", "tests belong in test files"},
	{"unsafe", "nothing here is worth it"},
}

// worldly is modules from elsewhere that touch the world.
var worldly = []string{"bbolt", "cobra", "go-ldap", "logrus", "pgx", "xmlrpc"}

// clocks is calls that read or start a clock.
var clocks = map[string][]string{
	"time": {
		"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker",
		"Local", "LoadLocation", // what they give differs from machine to machine
	},
	"context": {"WithTimeout", "WithTimeoutCause", "WithDeadline", "WithDeadlineCause"},
}

// purity checks the packages of the sections pure and seeded. A seeded package
// is pure but for the generator of random numbers it makes from its seed.
func purity(r *repo, text string) []finding {
	rules, _ := parsePolicy(text)
	var out []finding
	for _, p := range r.packages {
		rule := ruleFor(rules, p.dir)
		if rule == nil || rule.section != "pure" && rule.section != "seeded" {
			continue
		}
		for _, f := range p.code() {
			out = append(out, impureImports(f, rule)...)
			out = append(out, impureCode(f)...)
		}
	}
	for _, rule := range rules {
		for _, e := range rule.except {
			if !rule.used["!"+e] {
				out = append(out, finding{"policy", rule.line, rule.dir + " needs no exception for " + e})
			}
		}
	}
	return out
}

func impureImports(f *file, rule *rule) (out []finding) {
	for _, spec := range f.ast.Imports {
		what, own := importOf(spec)
		if own || rule.section == "seeded" && what == "math/rand/v2" {
			continue
		}
		if slices.Contains(rule.except, what) {
			rule.used["!"+what] = true
			continue
		}
		for _, no := range impure {
			if ok, _ := path.Match(no.path, what); ok {
				out = append(out, f.find(spec.Pos(), "a pure package imports %s: %s", what, no.why))
			}
		}
		for _, m := range worldly {
			if what == elsewhere[m] {
				out = append(out, f.find(spec.Pos(), "a pure package imports %s", what))
			}
		}
	}
	return out
}

// impureCode finds go statements, and uses of a clock: calls as well as values
// such as a field set to time.Now.
func impureCode(f *file) (out []finding) {
	names := map[string]string{} // the name a package goes by in this file, to its path
	for _, spec := range f.ast.Imports {
		what, _ := strconv.Unquote(spec.Path.Value)
		if clocks[what] == nil {
			continue
		}
		name := path.Base(what)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if name == "." {
			out = append(out, f.find(spec.Pos(), "a pure package imports %s without its name", what))
		}
		names[name] = what
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			out = append(out, f.find(n.Pos(), "a pure package starts a goroutine"))
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if !ok {
				return true
			}
			for _, bad := range clocks[names[x.Name]] {
				if n.Sel.Name == bad {
					out = append(out, f.find(n.Pos(), "a pure package uses %s.%s", names[x.Name], bad))
				}
			}
		}
		return true
	})
	return out
}

func TestPurityBites(t *testing.T) {
	t.Parallel()
	run := func(r *repo) []finding {
		return purity(r, "[pure]\nactors: ! sync log\nactors/policy/*:\n[seeded]\nsim:\n[world]\nactors/host:\n")
	}
	bites(t, run, tree{
		"actors/ok.go":     "package actors\nimport (\n\"log\"\n\"sync\"\n\"net/netip\"\n\"time\"\n\"context\"\n)\nvar A time.Duration\nvar B netip.Addr\nvar C context.Context\nvar D = time.UnixMilli(0)\n",
		"actors/a_test.go": "package actors\nimport \"os\"\n",
		"actors/host/h.go": "package host\nimport (\n\"os\"\n\"time\"\n)\nfunc f() { go time.Now() }\n",
		"sim/s.go":         "package sim\nimport \"math/rand/v2\"\n",
	})
	bites(t, run, tree{
		"actors/a.go":          "package actors\nimport (\n\"net\"\n\"os/exec\"\n\"github.com/sirupsen/logrus\"\nclock \"time\"\n)\nvar now = clock.Now\nfunc f(){\nclock.Sleep(1)\ngo f()\n}\n",
		"actors/policy/x/x.go": "package x\nimport (\n\"math/rand/v2\"\n. \"context\"\n\"time\"\n)\nfunc f(time T) { _ = time.Duration }\nfunc g() { <-time.After(1) }\n",
		"sim/s.go":             "package sim\nimport (\n\"math/rand/v2\"\n\"math/rand\"\n\"net/http/httptest\"\n)\n",
	},
		"actors/a.go:3: a pure package imports net: use net/netip; sockets are the world",
		"actors/a.go:4: a pure package imports os/exec: files and processes are the world",
		"actors/a.go:5: a pure package imports github.com/sirupsen/logrus",
		"actors/a.go:8: a pure package uses time.Now",
		"actors/a.go:10: a pure package uses time.Sleep",
		"actors/a.go:11: a pure package starts a goroutine",
		"actors/policy/x/x.go:3: a pure package imports math/rand/v2: chance is handed in",
		"actors/policy/x/x.go:4: a pure package imports context without its name",
		"actors/policy/x/x.go:8: a pure package uses time.After",
		"policy:2: actors needs no exception for sync",
		"policy:2: actors needs no exception for log",
		"sim/s.go:4: a pure package imports math/rand: chance is handed in",
		"sim/s.go:5: a pure package imports net/http/httptest: sockets are the world",
	)
}
