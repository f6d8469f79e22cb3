package tidy

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

// packageComments wants exactly one package comment in each package that has
// code, and that it starts as Go's tools expect.
func packageComments(r *repo) (out []finding) {
	for _, p := range r.packages {
		var with []*file
		for _, f := range p.code() {
			if f.ast.Doc.Text() != "" {
				with = append(with, f)
			}
		}
		switch {
		case len(p.code()) == 0:
			out = append(out, finding{p.dir, 0, "has tests but no package: add a doc.go"})
		case len(with) == 0:
			out = append(out, finding{p.dir, 0, "package has no comment"})
		default:
			for _, f := range with[1:] {
				out = append(out, f.find(f.ast.Package, "second package comment; the first is in %s", with[0].path))
			}
			want := "Package " + with[0].ast.Name.Name + " "
			text := with[0].ast.Doc.Text()
			if with[0].ast.Name.Name == "main" {
				want = "Command " + p.dir[strings.LastIndex(p.dir, "/")+1:] + " "
			}
			if !strings.HasPrefix(strings.ReplaceAll(text, "\n", " "), want) {
				out = append(out, with[0].find(with[0].ast.Package, "package comment does not start with %q", want))
			}
		}
	}
	return out
}

// exportedNames wants a comment on every exported type, function, method of an
// exported type, constant and variable. One comment may serve a group in
// parentheses.
func exportedNames(r *repo) (out []finding) {
	for _, p := range r.packages {
		for _, f := range p.code() {
			for _, d := range f.ast.Decls {
				switch d := d.(type) {
				case *ast.FuncDecl:
					if name, ok := exportedFunc(d); ok && d.Doc.Text() == "" {
						out = append(out, f.find(d.Pos(), "%s has no comment", name))
					}
				case *ast.GenDecl:
					out = append(out, f.undocumented(d)...)
				}
			}
		}
	}
	return out
}

// exportedFunc is the name of a function or method people can call, as in
// Host.Serve.
func exportedFunc(d *ast.FuncDecl) (string, bool) {
	if d.Recv == nil {
		return d.Name.Name, d.Name.IsExported()
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name + "." + d.Name.Name, x.IsExported() && d.Name.IsExported()
		default:
			return "", false
		}
	}
}

func (f *file) undocumented(d *ast.GenDecl) (out []finding) {
	if d.Tok == token.IMPORT {
		return nil
	}
	group := d.Doc.Text() != ""
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			// A group of types is not documented by the words above it.
			if s.Name.IsExported() && s.Doc.Text() == "" && s.Comment.Text() == "" && !(group && !d.Lparen.IsValid()) {
				out = append(out, f.find(s.Pos(), "%s has no comment", s.Name.Name))
			}
		case *ast.ValueSpec:
			for _, n := range s.Names {
				if n.IsExported() && !group && s.Doc.Text() == "" && s.Comment.Text() == "" {
					out = append(out, f.find(n.Pos(), "%s has no comment", n.Name))
				}
			}
		}
	}
	return out
}

func TestPackageCommentsBite(t *testing.T) {
	t.Parallel()
	bites(t, packageComments, tree{
		"a/a.go":      "// Package a is fine.\npackage a\n",
		"a/b.go":      "package a\n",
		"a/a_test.go": "// What a test says does not count.\npackage a\n",
		"cmd/x/m.go":  "/*\nCommand x is fine.\n*/\npackage main\n",
	})
	bites(t, packageComments, tree{
		"a/a.go":      "// Package a is one.\npackage a\n",
		"a/b.go":      "// Package a is two.\npackage a\n",
		"b/b.go":      "package b\n",
		"c/c.go":      "// Helpers for this and that.\npackage c\n",
		"cmd/x/m.go":  "// Package main is x.\npackage main\n",
		"d/d_test.go": "package d\n",
	},
		"a/b.go:2: second package comment; the first is in a/a.go",
		"b: package has no comment",
		`c/c.go:2: package comment does not start with "Package c "`,
		`cmd/x/m.go:2: package comment does not start with "Command x "`,
		"d: has tests but no package: add a doc.go",
	)
}

func TestExportedNamesBite(t *testing.T) {
	t.Parallel()
	bites(t, exportedNames, tree{
		"a/a.go": `package a
// T is a type.
type T struct{}
// M does it.
func (t *T) M() {}
func (u u) Exported() {}
type u struct{}
// Kinds.
const (
	A = iota
	B
)
var (
	// C is one.
	C = 1
	D = 2 // another
	e = 3
)
type (
	// G is generic.
	G[X any] struct{}
	H int // a number
)
`,
		"a/a_test.go": "package a\nfunc TestX() {}\n",
	})
	var names []string
	for i, n := range []string{"T", "T.M", "F", "A", "C", "G", "G.M"} {
		names = append(names, fmt.Sprintf("a/a.go:%d: %s has no comment", i+2, n))
	}
	bites(t, exportedNames, tree{
		"a/a.go": `package a
type T struct{}
func (t *T) M() {}
func F() {}
const A = 1
var b, C = 2, 3
type G[X any] struct{}
func (G[X]) M() {}
`}, names...)
}
