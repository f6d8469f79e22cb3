package tidy

import (
	"bytes"
	goformat "go/format"
	"path"
	"regexp"
	"strings"
	"testing"
)

// maxLines is where a file certainly holds two ideas.
const maxLines = 700

// lengths finds files that are too long to read.
func lengths(r *repo) (out []finding) {
	for _, p := range r.paths {
		if n := strings.Count(r.files[p].text, "\n"); ours(p) && n > maxLines {
			out = append(out, finding{p, n, "longer than 700 lines: split it"})
		}
	}
	return out
}

// ours reports whether people wrote the file to be read.
func ours(p string) bool {
	switch path.Ext(p) {
	case ".go", ".md", ".sh", ".yml", ".yaml", ".html", ".css", ".js":
		return !inTestdata(p)
	}
	return p == "Makefile" || p == ".ci/run"
}

// unfinished is words of unfinished work. They are put together here so that
// this file does not find itself.
var unfinished = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b|(?i:not` + ` implemented|not` + ` yet implemented)|panic\("un` + `implemented`)

// words finds unfinished work.
func words(r *repo) (out []finding) {
	for _, p := range r.paths {
		if !ours(p) {
			continue
		}
		for i, line := range strings.Split(r.files[p].text, "\n") {
			if w := unfinished.FindString(line); w != "" {
				out = append(out, finding{p, i + 1, "says " + w + ": finish it, or leave it out and say so in the changelog"})
			}
		}
	}
	return out
}

// format finds files that gofmt would change.
func format(r *repo) (out []finding) {
	for _, p := range r.packages {
		for _, f := range p.files {
			got, err := goformat.Source([]byte(f.text))
			if err != nil || !bytes.Equal(got, []byte(f.text)) {
				out = append(out, finding{f.path, 0, "gofmt would change it"})
			}
		}
	}
	return out
}

func TestLengthsBite(t *testing.T) {
	t.Parallel()
	bites(t, lengths, tree{
		"a/a.go":            strings.Repeat("\n", 699) + "package a\n",
		"a/b.go":            "package a\n" + strings.Repeat("\n", 700),
		"a/testdata/x.yaml": strings.Repeat("\n", 900),
		"LICENSE":           strings.Repeat("\n", 900),
	}, "a/b.go:701: longer than 700 lines: split it")
}

func TestWordsBite(t *testing.T) {
	t.Parallel()
	const hint = ": finish it, or leave it out and say so in the changelog"
	bites(t, words, tree{
		"a/a.go":   "package a\n\n// TO" + "DO: later\nfunc f() { panic(\"un" + "implemented\") }\n",
		"Makefile": "a:\n\tmktemp /tmp/XXXXXX # XX" + "X\n",
		"x.md":     "Not" + " implemented.\nmethodology\n",
	},
		"Makefile:2: says XX"+"X"+hint,
		"a/a.go:3: says TO"+"DO"+hint,
		"a/a.go:4: says panic(\"un"+"implemented"+hint,
		"x.md:1: says Not"+" implemented"+hint,
	)
}

func TestFormatBites(t *testing.T) {
	t.Parallel()
	bites(t, format, tree{
		"a/a.go": "package a\n\nvar x = 1\n",
		"a/b.go": "package a\nvar  y = 1\n",
	}, "a/b.go: gofmt would change it")
}
