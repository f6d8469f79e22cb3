package tidy

import (
	"path"
	"regexp"
	"strings"
	"testing"
)

// divergences is where people read what is tolerated.
const divergences = "conformance/doc/divergences.md"

var looseRow = regexp.MustCompile("(?m)^\\| `([a-z0-9/-]+/testdata/loose/[a-z0-9.-]+)` \\|")

// loose wants a row in the divergences for every file in a folder testdata/loose: what
// peers get wrong and we read all the same. A row without its file is a claim that
// nothing tests.
func loose(r *repo) (out []finding) {
	rows := map[string]bool{}
	if doc := r.files[divergences]; doc != nil {
		for _, m := range looseRow.FindAllStringSubmatch(doc.text, -1) {
			if rows[m[1]] {
				out = append(out, finding{divergences, 0, m[1] + " has two rows"})
			}
			if rows[m[1]] = true; r.files[m[1]] == nil {
				out = append(out, finding{divergences, 0, "there is no " + m[1]})
			}
		}
	}
	for _, p := range r.paths {
		if strings.HasSuffix(path.Dir(p), "testdata/loose") && !rows[p] {
			out = append(out, finding{p, 0, "has no row in " + divergences})
		}
	}
	return out
}

func TestLooseBites(t *testing.T) {
	t.Parallel()
	bites(t, loose, tree{
		divergences:                   "| file | what |\n| `a/testdata/loose/x.xml` | this |\n| `a/testdata/loose/y.xml` | that |\n| `a/testdata/loose/x.xml` | again |\n",
		"a/testdata/loose/x.xml":      "",
		"a/b/testdata/loose/z.mime":   "",
		"a/b/testdata/strict/ok.mime": "",
	},
		"a/b/testdata/loose/z.mime: has no row in "+divergences,
		divergences+": there is no a/testdata/loose/y.xml",
		divergences+": a/testdata/loose/x.xml has two rows")
}
