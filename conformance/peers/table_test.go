package peers

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTable: every row of the tables of the peers of SOAP names the tests that show it, and
// there are tests of these names.
func TestTable(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	test := regexp.MustCompile(`(?m)^func Test(\w+)\(t \*testing\.T\)`)
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range test.FindAllSubmatch(source, -1) {
			known[string(name[1])] = true
		}
	}
	data, err := os.ReadFile("../doc/peers.md")
	if err != nil {
		t.Fatal(err)
	}
	soap, _, _ := strings.Cut(string(data), "\n# The peers of XML-RPC\n")
	sections := strings.Split(soap, "| what | consequence for us | test |\n|---|---|---|\n")[1:]
	rows := map[string]int{} // by test
	for _, section := range sections {
		for line := range strings.Lines(section) {
			if !strings.HasPrefix(line, "|") {
				break
			}
			cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
			if len(cells) != 3 {
				t.Errorf("%d cells: %s", len(cells), line)
				continue
			}
			for _, name := range strings.Split(cells[2], ",") {
				if name = strings.TrimSpace(name); !known[name] {
					t.Errorf("%s: no test is called %q", strings.TrimSpace(cells[0]), name)
				}
				rows[name]++
			}
		}
	}
	if len(sections) != 5 || len(rows) < 15 {
		t.Errorf("%d tables that name %d tests", len(sections), len(rows))
	}
}
