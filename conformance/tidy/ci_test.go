package tidy

import (
	"go/ast"
	"regexp"
	"strings"
	"testing"
)

// integration wants .ci/run to stop at the first failure, to say that it is CI
// and to run what people run.
func integration(r *repo) (out []finding) {
	const run = ".ci/run"
	f := r.files[run]
	if f == nil {
		return []finding{{run, 0, "is missing"}}
	}
	lines := strings.Split(f.text, "\n")
	for _, want := range []string{"#!/usr/bin/env bash", "set -euo pipefail", "export CI=true", "make test"} {
		found := false
		for _, l := range lines {
			found = found || strings.TrimSpace(l) == want
		}
		if !found {
			out = append(out, finding{run, 0, "has no line " + want})
		}
	}
	if m := r.files["Makefile"]; m == nil || !regexp.MustCompile(`(?m)^\t\$\(GO\) test .*\./\.\.\.`).MatchString(m.text) {
		out = append(out, finding{"Makefile", 0, "make test does not test every package"})
	}
	return out
}

var raceList = regexp.MustCompile(`(?m)^RACE\s*:=((?:.*\\\n)*.*)$`)

// raced wants every package that starts goroutines to be in the Makefile's list
// of what the race detector watches, and every folder of that list to exist.
func raced(r *repo) (out []finding) {
	m := r.files["Makefile"]
	if m == nil {
		return []finding{{"Makefile", 0, "is missing"}}
	}
	list := raceList.FindStringSubmatch(m.text)
	if list == nil {
		return []finding{{"Makefile", 0, "has no list RACE"}}
	}
	patterns := strings.Fields(strings.ReplaceAll(list[1], "\\\n", " "))
	covered := map[string]bool{}
	for _, pat := range patterns {
		dir, ok := strings.CutSuffix(strings.TrimPrefix(pat, "./"), "/...")
		some := false
		for _, p := range r.packages {
			if p.dir == dir || ok && strings.HasPrefix(p.dir, dir+"/") {
				covered[p.dir], some = true, true
			}
		}
		if !some {
			out = append(out, finding{"Makefile", 0, "RACE names " + pat + ", and there is no such package"})
		}
	}
	for _, p := range r.packages {
		if f, n := goStatement(p); n != nil && !covered[p.dir] {
			out = append(out, f.find(n.Pos(), "starts a goroutine, but RACE in the Makefile does not name ./%s", p.dir))
		}
	}
	return out
}

// goStatement is the first go statement in the code of a package.
func goStatement(p *pkg) (in *file, at ast.Node) {
	for _, f := range p.code() {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if g, ok := n.(*ast.GoStmt); ok && at == nil {
				in, at = f, g
			}
			return at == nil
		})
	}
	return in, at
}

func TestIntegrationBites(t *testing.T) {
	t.Parallel()
	const make = "test:\n\t$(GO) vet ./...\n\t$(GO) test -x ./...\n"
	bites(t, integration, tree{
		".ci/run":  "#!/usr/bin/env bash\nset -euo pipefail\nexport CI=true\nmake test\n",
		"Makefile": make,
	})
	bites(t, integration, tree{".ci/run": "#!/usr/bin/env bash\nset -eu\n# make test\n"},
		".ci/run: has no line set -euo pipefail",
		".ci/run: has no line export CI=true",
		".ci/run: has no line make test",
		"Makefile: make test does not test every package")
	bites(t, integration, tree{"Makefile": make}, ".ci/run: is missing")
}

func TestRacedBites(t *testing.T) {
	t.Parallel()
	bites(t, raced, tree{
		"Makefile":    "RACE := ./a/... \\\n\t./old/... ./c\nX := ./d\n",
		"a/b/b.go":    "package b\nfunc f() { go f() }\n",
		"c/c.go":      "package c\nfunc f() { go f() }\n",
		"c/d/d.go":    "package d\nfunc g() {}\nfunc f() { go f() }\n",
		"e/e.go":      "package e\n",
		"e/x_test.go": "package e\nfunc f() { go f() }\n",
	},
		"Makefile: RACE names ./old/..., and there is no such package",
		"c/d/d.go:3: starts a goroutine, but RACE in the Makefile does not name ./c/d")
	bites(t, raced, tree{"Makefile": "test:\n"}, "Makefile: has no list RACE")
	bites(t, raced, tree{}, "Makefile: is missing")
}
