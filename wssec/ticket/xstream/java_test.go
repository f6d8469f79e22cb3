package xstream

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What a Java virtual machine (OpenJDK 17) does with dates and hash tables, one
// fact a line: the library's date patterns applied to instants and texts, and
// the key order of a Properties and a Hashtable filled in the order given.
func javaFacts(t *testing.T, kind string, each func(t *testing.T, f []string)) {
	t.Helper()
	data, err := os.ReadFile("testdata/java.tsv")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		if f := strings.Split(strings.TrimSuffix(line, "\n"), "\t"); f[0] == kind {
			n++
			each(t, f[1:])
		}
	}
	if n < 30 {
		t.Errorf("only %d facts of kind %s", n, kind)
	}
}

// TT4.
func TestDatesAsJavaWritesThem(t *testing.T) {
	t.Parallel()
	javaFacts(t, "date", func(t *testing.T, f []string) {
		ms, err := strconv.ParseInt(f[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if got := FormatDate(ms); got != f[1] {
			t.Errorf("FormatDate(%d) = %q, Java writes %q", ms, got, f[1])
		}
		if got, err := ParseDate(f[1]); err != nil || got != ms {
			t.Errorf("ParseDate(%q) = %d, %v; want %d", f[1], got, err, ms)
		}
	})
}

// TT4: every spelling legacy readers fall back to, and what they refuse.
func TestDatesAsJavaReadsThem(t *testing.T) {
	t.Parallel()
	stricter := []string{ // Java ignores the minutes after an offset in hours, and has more zones
		"2026-02-01T00:00:00+0130", "2026-02-01T00:00-01:30", "2026-02-01 00:00:00.5 CEST",
	}
	javaFacts(t, "parse", func(t *testing.T, f []string) {
		got, err := ParseDate(f[0])
		want := f[1]
		if slices.Contains(stricter, f[0]) {
			want = "null"
		}
		switch {
		case want == "null" && err == nil:
			t.Errorf("ParseDate(%q) = %d, want a refusal", f[0], got)
		case want != "null" && (err != nil || strconv.FormatInt(got, 10) != want):
			t.Errorf("ParseDate(%q) = %d, %v; Java reads %s", f[0], got, err, want)
		}
	})
	for _, s := range []string{"", "UTC", "2026-02-01 00:00:00.0 UTC ", " 2026-02-01 00:00:00.0 UTC", "2026-02-01 00:00:00.0  UTC",
		"2026-02-01 00:00:00.0 UTC.", "9999999999-02-01 00:00:00.0 UTC", "999999999-02-01 00:00:00.0 UTC", "-1-02-01 00:00:00.0 UTC",
		"2026-13-01 00:00:00.0 UTC", "2026-02-01 BC 00:00:00 UTC", "2026-02-01 00:00:00.0 +2460", "292278994-08-17 07:12:55.807 PST",
		"292269055-12-02 BC 16:47:04.191 UTC", "292269055-12-02 BC 16:47:04.192 GMT+01:00"} {
		if got, err := ParseDate(s); err == nil {
			t.Errorf("ParseDate(%q) = %d, want a refusal", s, got)
		}
	}
}

func FuzzParseDate(f *testing.F) {
	for _, s := range []string{"2026-02-01 00:00:00.5 UTC", "0001-01-01 BC 00:00:00.0 UTC", "2026-02-01T00:00Z", "1582-10-04 23:59:59.999 UTC",
		"292278994-08-17 07:12:55.807 UTC", "2026-02-01 13:00:00.7 PM", "2026-02-01 00:00:00EST", "2026-02-01 00:00:00.5 GMT-01:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ms, err := ParseDate(s)
		if err != nil {
			return
		}
		if again, err := ParseDate(FormatDate(ms)); err != nil || again != ms {
			t.Errorf("%q is %d, written %q, read %d, %v", s, ms, FormatDate(ms), again, err)
		}
	})
}

func TestOrdersAsJavaHasThem(t *testing.T) {
	t.Parallel()
	javaFacts(t, "order", func(t *testing.T, f []string) {
		list := func(s string) (out []Property) {
			for _, name := range strings.Fields(s) {
				out = append(out, Property{Name: name})
			}
			return out
		}
		in := list(f[0])
		if got := concurrentMap(in); !slices.Equal(got, list(f[1])) {
			t.Errorf("Properties filled %q\n got %v\nwant %s", f[0], got, f[1])
		}
		if got := hashtable(in); !slices.Equal(got, list(f[2])) {
			t.Errorf("Hashtable filled %q\n got %v\nwant %s", f[0], got, f[2])
		}
		p := &Properties{List: in}
		if o := p.Orders(); o[0].Order != Received || len(in) == 1 && len(o) != 1 || len(o) > 4 {
			t.Errorf("orders of %q: %v", f[0], o)
		}
	})
	if o := (*Properties)(nil).Orders(); len(o) != 1 {
		t.Errorf("orders of no table: %v", o)
	}
}

func TestPermutations(t *testing.T) {
	t.Parallel()
	p := &Properties{List: []Property{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "d"}}}
	seen := map[string]bool{}
	if p.Permutations(func(l []Property) bool { seen[l[0].Name+l[1].Name+l[2].Name+l[3].Name] = true; return false }) || len(seen) != 24 {
		t.Errorf("%d permutations", len(seen))
	}
	if p.List[0].Name != "a" || !p.Permutations(func(l []Property) bool { return l[3].Name == "a" }) {
		t.Error("the list was changed, or a wanted order not found")
	}
}
