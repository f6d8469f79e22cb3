package tidy

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// small is the program that runs on nodes, and the folders of this repository that may be
// in it. It links nothing from elsewhere but what checks SHA-1 for collisions.
var small = struct {
	dir    string
	own    []string
	others []string
}{
	dir: "cmd/leasehold-nodeagent",
	own: []string{"handlers/nodeagent", "handlers/nodeagent/*", "handlers/run", "wire", "wire/nodeagent", "wire/soap", "wire/xmlrpc",
		"wire/xmlrpc/server", "wire/xmltree", "wssec", "wssec/c14n", "wssec/dsig", "wssec/keys"},
	others: []string{"github.com/pjbgf/sha1cd"},
}

// smallness follows the imports of the small program, and finds those that it may not have.
func smallness(r *repo) (out []finding) {
	seen := map[string]bool{}
	var visit func(dir string)
	visit = func(dir string) {
		if seen[dir] {
			return
		}
		seen[dir] = true
		i := slices.IndexFunc(r.packages, func(p *pkg) bool { return p.dir == dir })
		if i < 0 {
			return
		}
		for _, f := range r.packages[i].code() {
			for _, spec := range f.ast.Imports {
				what, own := importOf(spec)
				fits := func(pattern string) bool { ok, _ := path.Match(pattern, what); return ok }
				switch {
				case own && slices.ContainsFunc(small.own, fits):
					visit(what)
				case own:
					out = append(out, f.find(spec.Pos(), "%s would be in the program that runs on nodes, through %s", what, dir))
				case strings.Contains(strings.Split(what, "/")[0], ".") && !slices.Contains(small.others, what):
					out = append(out, f.find(spec.Pos(), "%s would be in the program that runs on nodes", what))
				}
			}
		}
	}
	visit(small.dir)
	return out
}

func TestSmallnessBites(t *testing.T) {
	t.Parallel()
	const mod = `"` + module + `/`
	bites(t, smallness, tree{
		"cmd/leasehold-nodeagent/main.go":      "package main\nimport " + mod + "handlers/nodeagent\"\n",
		"cmd/leasehold-nodeagent/main_test.go": "package main\nimport " + mod + "cod\"\n",
		"handlers/nodeagent/a.go":              "package nodeagent\nimport (\n" + mod + "wire\"\n\"os\"\n)\n",
		"wire/w.go":                            "package wire\n",
		"cod/c.go":                             "package cod\n",
	})
	bites(t, smallness, tree{
		"cmd/leasehold-nodeagent/main.go": "package main\nimport " + mod + "handlers/nodeagent\"\n",
		"handlers/nodeagent/a.go":         "package nodeagent\nimport (\n" + mod + "wire\"\n" + mod + "actors\"\n)\n",
		"wire/w.go":                       "package wire\nimport \"example.org/x\"\n",
	},
		"handlers/nodeagent/a.go:4: actors would be in the program that runs on nodes, through handlers/nodeagent",
		"wire/w.go:2: example.org/x would be in the program that runs on nodes")
}
