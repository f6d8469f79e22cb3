package tidy

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

/*
A file below a testdata folder is in use when a test file of the package above
that folder, or of a package further up,

  - says its name, or its name without the ending, in a string;
  - says a folder it lies in, such as "testdata/recorded";
  - builds a name it fits, such as "testdata/" + name + ".xml",
    filepath.Join("testdata", name+".xml") or a pattern with stars;
  - walks the whole folder: ReadDir, WalkDir, DirFS or Glob of "testdata";
  - says the first part of its name in one string and joins the rest on, as in
    name + ".golden.xml";
  - has the fuzz target that a file below fuzz belongs to.

A README.md that tells where the others come from is in use by people.
*/

// testdata finds files that no test needs.
func testdata(r *repo) (out []finding) {
	for _, p := range r.paths {
		above, rel, ok := strings.Cut("/"+p, "/testdata/")
		if !ok || path.Base(p) == "README.md" {
			continue
		}
		if strings.HasPrefix(rel, "rapid/") {
			out = append(out, finding{p, 0, "left over from a failed property: mend it, then remove the file"})
			continue
		}
		used := false
		for dir := strings.TrimPrefix(above, "/"); !used; dir = parent(dir) {
			used = r.usedBy(dir, strings.TrimPrefix(p, dir+"/"))
			if dir == "" {
				break
			}
		}
		if !used {
			out = append(out, finding{p, 0, "no test needs this file"})
		}
	}
	return out
}

func parent(dir string) string { return dir[:max(strings.LastIndexByte(dir, '/'), 0)] }

// usedBy reports whether a test of the package in dir needs the file at rel,
// a path from there.
func (r *repo) usedBy(dir, rel string) bool {
	i := slices.IndexFunc(r.packages, func(p *pkg) bool { return p.dir == dir })
	if i < 0 {
		return false
	}
	for _, f := range r.packages[i].tests() {
		if f.needs(rel) {
			return true
		}
	}
	return false
}

func (f *file) needs(rel string) (used bool) {
	parts := strings.Split(rel, "/")
	base := parts[len(parts)-1]
	stem := strings.TrimSuffix(base, path.Ext(base))
	if n := len(parts); n >= 3 && parts[n-3] == "fuzz" {
		return slices.ContainsFunc(f.ast.Decls, func(d ast.Decl) bool {
			fn, ok := d.(*ast.FuncDecl)
			return ok && fn.Name.Name == parts[n-2]
		})
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if used {
			return false
		}
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BasicLit:
			s, _ := strconv.Unquote(n.Value)
			used = n.Kind == token.STRING && names(s, rel, base, stem)
		case *ast.BinaryExpr:
			used = fits(shape(n), rel) || f.joined(shape(n), base)
		case *ast.CallExpr:
			used = fits(shape(n), rel) || walks(n, rel)
		}
		return true
	})
	return used
}

// joined reports whether base is a string of f and the known end of a shape.
func (f *file) joined(shape, base string) (used bool) {
	end, ok := strings.CutPrefix(shape, "*")
	start, fits := strings.CutSuffix(base, end)
	if !ok || !fits || start == "" || !strings.HasPrefix(end, ".") {
		return false
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			s, _ := strconv.Unquote(lit.Value)
			used = used || s == start
		}
		return !used
	})
	return used
}

// names reports whether the string s means the file: its name, its stem, its
// path, a folder it is in, or a pattern it matches.
func names(s, rel, base, stem string) bool {
	if s == "" {
		return false
	}
	if s == base || s == stem || strings.HasSuffix(s, "/"+base) {
		return true
	}
	dir := strings.TrimSuffix(s, "/")
	if path.Base(dir) != "testdata" && len(dir) > 2 && strings.Contains("/"+path.Dir(rel)+"/", "/"+dir+"/") {
		return true
	}
	if strings.ContainsAny(s, "*?[") && strings.Contains(s, ".") {
		ok, _ := path.Match(s, rel)
		under, _ := path.Match(s, base)
		return ok || under
	}
	return false
}

// walkers read whole folders.
var walkers = []string{"ReadDir", "WalkDir", "Walk", "DirFS", "Glob"}

func walks(call *ast.CallExpr, rel string) bool {
	name := ""
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		name = f.Sel.Name
	case *ast.Ident:
		name = f.Name
	}
	if !slices.Contains(walkers, name) {
		return false
	}
	for _, a := range call.Args {
		if s := shape(a); s == "testdata" || strings.HasSuffix(s, "/testdata") {
			return true
		}
	}
	return false
}

// shape is what is known of a string before the program runs; * stands for the
// rest.
func shape(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, _ := strconv.Unquote(e.Value)
		return s
	case *ast.ParenExpr:
		return shape(e.X)
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return shape(e.X) + shape(e.Y)
		}
	case *ast.CallExpr:
		sel, ok := e.Fun.(*ast.SelectorExpr)
		if !ok || len(e.Args) == 0 {
			break
		}
		switch sel.Sel.Name {
		case "Join":
			var parts []string
			for _, a := range e.Args {
				parts = append(parts, shape(a))
			}
			return path.Join(parts...)
		case "Sprintf":
			return verb.ReplaceAllString(shape(e.Args[0]), "*")
		}
	}
	return "*"
}

var verb = regexp.MustCompile(`%[-+# 0]*[0-9]*(\.[0-9]+)?[a-zA-Z]`)

// fits reports whether a shape that says something about the file's name is one
// it has. A folder and a star alone say nothing.
func fits(shape, rel string) bool {
	if !strings.Contains(shape, "testdata") || strings.Trim(path.Base(shape), "*") == "" {
		return false
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(shape), `\*`, `.*`)
	ok, _ := regexp.MatchString("^"+pattern+"$", rel)
	return ok
}

// scripts wants every shell script, and whatever else starts with #!, to be
// executable and named by some other file.
func scripts(r *repo) (out []finding) {
	for _, p := range r.paths {
		f := r.files[p]
		if !strings.HasPrefix(f.text, "#!/") && path.Ext(p) != ".sh" || inTestdata(p) {
			continue
		}
		if f.mode.Perm()&0o111 == 0 {
			out = append(out, finding{p, 0, "script is not executable"})
		}
		if !strings.HasPrefix(f.text, "#!/") {
			out = append(out, finding{p, 1, "script does not name its interpreter"})
		}
		called := p == ".ci/run" || slices.ContainsFunc(r.paths, func(q string) bool {
			return q != p && strings.Contains(r.files[q].text, path.Base(p))
		})
		if !called {
			out = append(out, finding{p, 0, "nothing names this script"})
		}
	}
	return out
}

func TestTestdataBites(t *testing.T) {
	t.Parallel()
	const test = `package a
import ("os"; "path/filepath"; "fmt")
func FuzzX() {}
var _ = "one.xml"
var _ = []string{"two", "testdata/recorded"}
func f(name string) {
	os.ReadFile("testdata/" + name + ".golden")
	os.ReadFile(filepath.Join("testdata", "sub", name+".xml"))
	fmt.Sprintf("testdata/case-%02d.txt", 3)
	os.ReadFile("testdata/" + name)
	filepath.Glob("testdata/glob/*.pem")
	load(name + ".body.out")
	load("half")
	load(name + "es")
	load("fil")
}
`
	bites(t, testdata, tree{
		"a/a_test.go":              test,
		"a/testdata/one.xml":       "", // by name
		"a/testdata/two.yaml":      "", // by stem
		"a/testdata/recorded/x/y":  "", // by folder
		"a/testdata/z.golden":      "", // by shape
		"a/testdata/sub/q.xml":     "", // by shape
		"a/testdata/case-01.txt":   "", // by shape
		"a/testdata/glob/k.pem":    "", // by pattern
		"a/testdata/half.body.out": "", // by two parts
		"a/testdata/README.md":     "",
		"a/testdata/fuzz/FuzzX/1":  "", // by target
		"c/c_test.go":              "package c\nimport \"os\"\nvar _ = os.ReadDir(\"testdata\")\n",
		"c/testdata/any":           "", // by a walk
		"b/c/testdata/any":         "", // from a package further up that walks
		"b/b_test.go":              "package b\nimport \"os\"\nvar _ = os.DirFS(\"c/testdata\")\n",
	})
	bites(t, testdata, tree{
		"a/a_test.go":               test,
		"a/a.go":                    "package a\nvar _ = \"code.txt\"\n",
		"a/testdata/code.txt":       "",
		"a/testdata/three.xml":      "",
		"a/testdata/third.body.out": "",
		"a/testdata/glob/k.key":     "",
		"a/testdata/fuzz/FuzzY/1":   "",
		"a/testdata/rapid/T/t.fail": "",
		"a/testdata/files":          "",
		"d/testdata/x":              "",
		"e/e_test.go":               "package e\nimport \"os\"\nvar _ = os.Open(\"testdata\")\n",
		"e/testdata/x":              "",
	},
		"a/testdata/code.txt: no test needs this file",
		"a/testdata/files: no test needs this file",
		"a/testdata/fuzz/FuzzY/1: no test needs this file",
		"a/testdata/glob/k.key: no test needs this file",
		"a/testdata/rapid/T/t.fail: left over from a failed property: mend it, then remove the file",
		"a/testdata/third.body.out: no test needs this file",
		"a/testdata/three.xml: no test needs this file",
		"d/testdata/x: no test needs this file",
		"e/testdata/x: no test needs this file",
	)
}

func TestScriptsBite(t *testing.T) {
	t.Parallel()
	bites(t, scripts, tree{
		"x/do.sh*":  "#!/bin/sh\n",
		".ci/run*":  "#!/bin/sh\n",
		"Makefile":  "a:\n\tx/do.sh\n",
		"a/a.go":    "package a\n",
		"README.md": "",
	})
	bites(t, scripts, tree{
		"x/do.sh": "echo\n",
		".ci/run": "#!/bin/sh\n",
	},
		".ci/run: script is not executable",
		"x/do.sh: script is not executable",
		"x/do.sh: nothing names this script",
		"x/do.sh:1: script does not name its interpreter",
	)
}
