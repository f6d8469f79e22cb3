package tidy

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

const module = "github.com/leasehold/leasehold"

// repo is the repository, read once.
type repo struct {
	files    map[string]*file // by path from the root, with slashes
	paths    []string         // sorted
	packages []*pkg           // sorted by dir
	broken   []finding        // what is not Go; these files are in no package
}

// file is one file. Go files outside testdata are parsed.
type file struct {
	path string
	mode fs.FileMode
	text string
	fset *token.FileSet
	ast  *ast.File // nil unless parsed
}

func (f *file) test() bool { return strings.HasSuffix(f.path, "_test.go") }

// pkg is one folder with Go files.
type pkg struct {
	dir   string // from the root; "" is the root itself
	files []*file
}

// code is the files that are compiled into programs.
func (p *pkg) code() []*file {
	return slices.DeleteFunc(slices.Clone(p.files), (*file).test)
}

// tests is the test files.
func (p *pkg) tests() []*file {
	return slices.DeleteFunc(slices.Clone(p.files), func(f *file) bool { return !f.test() })
}

// finding is one thing to mend.
type finding struct {
	path string
	line int // 0 when the whole file or folder is meant
	text string
}

func (f finding) String() string {
	if f.line == 0 {
		return f.path + ": " + f.text
	}
	return fmt.Sprintf("%s:%d: %s", f.path, f.line, f.text)
}

func (f *file) find(pos token.Pos, format string, args ...any) finding {
	return finding{f.path, f.fset.Position(pos).Line, fmt.Sprintf(format, args...)}
}

// skipped folders are not part of the source.
var skipped = []string{".git", "bin", "dist", "state", "node_modules"}

// read takes in a whole tree.
func read(root fs.FS) (*repo, error) {
	r := &repo{files: map[string]*file{}}
	byDir := map[string]*pkg{}
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(skipped, p):
			return fs.SkipDir
		case d.IsDir() || !d.Type().IsRegular():
			return nil
		}
		data, err := fs.ReadFile(root, p)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		f := &file{path: p, mode: info.Mode(), text: string(data)}
		r.files[p] = f
		r.paths = append(r.paths, p)
		if path.Ext(p) != ".go" || inTestdata(p) {
			return nil
		}
		f.fset = token.NewFileSet()
		if f.ast, err = parser.ParseFile(f.fset, p, data, parser.ParseComments|parser.SkipObjectResolution); err != nil {
			r.broken = append(r.broken, finding{p, 0, "does not parse: " + err.Error()})
			return nil
		}
		dir := strings.TrimSuffix(path.Dir(p), ".")
		if byDir[dir] == nil {
			byDir[dir] = &pkg{dir: dir}
			r.packages = append(r.packages, byDir[dir])
		}
		byDir[dir].files = append(byDir[dir].files, f)
		return nil
	})
	slices.SortFunc(r.packages, func(a, b *pkg) int { return cmp.Compare(a.dir, b.dir) })
	return r, err
}

func inTestdata(p string) bool { return strings.Contains("/"+p, "/testdata/") }

// importOf is what spec imports: the folder when that is in this module, the
// import path otherwise.
func importOf(spec *ast.ImportSpec) (what string, own bool) {
	p, _ := strconv.Unquote(spec.Path.Value)
	if p == module {
		return "", true
	}
	if in, ok := strings.CutPrefix(p, module+"/"); ok {
		return in, true
	}
	return p, false
}

// checks is all of them, in the order doc.go tells.
var checks = []struct {
	name string
	run  func(*repo) []finding
}{
	{"syntax", func(r *repo) []finding { return r.broken }},
	{"imports", func(r *repo) []finding { return importPolicy(r, policy) }},
	{"smallness", smallness},
	{"purity", func(r *repo) []finding { return purity(r, policy) }},
	{"package comments", packageComments},
	{"exported names", exportedNames},
	{"documents", documents},
	{"testdata", testdata},
	{"loose forms", loose},
	{"scripts", scripts},
	{"lengths", lengths},
	{"words", words},
	{"format", format},
	{"continuous integration", integration},
	{"race detector", raced},
}

// TestRepository runs every check on this repository.
func TestRepository(t *testing.T) {
	t.Parallel()
	r, err := read(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.packages) < 5 {
		t.Fatalf("only %d packages found: this is not the repository", len(r.packages))
	}
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, f := range sorted(c.run(r)) {
				t.Error(f)
			}
		})
	}
}

func sorted(fs []finding) []finding {
	slices.SortStableFunc(fs, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.line, b.line))
	})
	return fs
}

// tree is a repository made up for a test: path to text. A path that ends in *
// is an executable file.
type tree map[string]string

// bites runs a check on a tree and compares what it finds.
func bites(t *testing.T, run func(*repo) []finding, in tree, want ...string) {
	t.Helper()
	m := fstest.MapFS{}
	for p, text := range in {
		mode := fs.FileMode(0o644)
		if strings.HasSuffix(p, "*") {
			p, mode = strings.TrimSuffix(p, "*"), 0o755
		}
		m[p] = &fstest.MapFile{Data: []byte(text), Mode: mode}
	}
	r, err := read(m)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range sorted(run(r)) {
		got = append(got, f.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("found\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestSyntaxBites(t *testing.T) {
	t.Parallel()
	bites(t, func(r *repo) []finding { return r.broken }, tree{
		"a/a.go":          "package a\nfunc {",
		"a/testdata/b.go": "anything",
		"bin/c.go":        "anything",
	}, "a/a.go: does not parse: a/a.go:2:6: expected 'IDENT', found '{'")
}
