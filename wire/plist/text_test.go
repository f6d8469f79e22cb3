package plist_test

import (
	"bufio"
	"encoding/json"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/plist"
)

// testdata/java.jsonl holds texts, some made by hand and some by chance, with
// what java.util.Properties (OpenJDK 17) reads from each and how it stores that
// again, in the order of the keys.
func TestJava(t *testing.T) {
	f, err := os.Open("testdata/java.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for lines := bufio.NewScanner(f); lines.Scan(); n++ {
		var want struct {
			Text, Stored string
			Refused      string // "bad" escape, or "lone" surrogate, which Java accepts
			Pairs        map[string]string
		}
		if err := json.Unmarshal(lines.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		got, err := plist.ParseText(want.Text, plist.Limits{})
		if (err != nil) != (want.Refused != "") {
			t.Errorf("%q: error %v, Java says %q", want.Text, err, want.Refused)
			continue
		}
		if err != nil {
			continue
		}
		if !maps.Equal(got, want.Pairs) {
			t.Errorf("%q: got %q, Java reads %q", want.Text, got, want.Pairs)
		}
		if stored, err := plist.Text(got); err != nil || stored != want.Stored {
			t.Errorf("%q: wrote %q, %v, Java stores %q", want.Text, stored, err, want.Stored)
		}
	}
	if n < 300 {
		t.Errorf("only %d texts", n)
	}
}

// The worked example of wire contract 4.5: what nesting does to escapes.
func TestNesting(t *testing.T) {
	notice := "line 1\na=b"
	inner, err := plist.Text(map[string]string{"orca.shirako.util.Notice.noticeString": notice})
	if err != nil {
		t.Fatal(err)
	}
	if want := `orca.shirako.util.Notice.noticeString=line 1\na\=b` + "\n"; inner != want {
		t.Errorf("inner %q, want %q", inner, want)
	}
	outer, err := plist.Text(map[string]string{"unit.notices": inner})
	if err != nil {
		t.Fatal(err)
	}
	if want := `unit.notices=orca.shirako.util.Notice.noticeString\=line 1\\na\\\=b\n` + "\n"; outer != want {
		t.Errorf("outer %q, want %q", outer, want)
	}
	m, err := plist.ParseText(outer, plist.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if m, err = plist.ParseText(m["unit.notices"], plist.Limits{}); err != nil || m["orca.shirako.util.Notice.noticeString"] != notice {
		t.Errorf("read back %q, %v", m, err)
	}
}

func TestTextLimits(t *testing.T) {
	lim := plist.Limits{Bytes: 20, Keys: 2, Key: 4}
	for _, tt := range []struct{ text, want string }{
		{"abcd=1\nefgh=2\n", ""},
		{"abcd=" + strings.Repeat("x", 15), ""},
		{"abcd=" + strings.Repeat("x", 16), "21 octets is over the limit of 20"},
		{"abcde=1", "abcde: key is over the limit of 4 octets"},
		{`abc\u00e9=1`, "over the limit of 4 octets"},
		{"a\nb\nc\n", "more than the limit of 2 entries"},
		{"a\na\na\n", "more than the limit of 2 entries"},
		{"#x\n\n!y\na\nb\n", ""},
		{"a=\xff", "not valid UTF-8"},
		{`a=\ud83d`, `a: escape "\\ud83d" is half of a surrogate pair`},
		{`a=\ude00`, "half of a surrogate pair"},
		{`a=\u12`, `a: malformed escape "\\u12"`},
		{`\u12=a`, `malformed escape "\\u12"`},
	} {
		_, err := plist.ParseText(tt.text, lim)
		check(t, tt.text, err, tt.want)
	}
	if _, err := plist.ParseText(strings.Repeat("a\n", wire.MaxProperties), plist.Limits{}); err != nil {
		t.Error(err)
	}
	if _, err := plist.Text(map[string]string{"k\xff": ""}); err == nil {
		t.Error("a key that is not UTF-8 was written")
	}
	if got, err := plist.Text(nil); got != "" || err != nil {
		t.Errorf("the empty map is %q, %v", got, err)
	}
}

// FuzzParseText: whatever reads writes, and reads again to the same; and what
// was written once is written the same for ever.
func FuzzParseText(f *testing.F) {
	f.Add("a=b\\\n  c\n# d\n\\u00e9 : \\uD83D\\uDE00")
	for _, s := range texts(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := plist.ParseText(text, plist.Limits{})
		if err != nil {
			return
		}
		written, err := plist.Text(m)
		if err != nil {
			t.Fatal(err)
		}
		again, err := plist.ParseText(written, plist.Limits{Bytes: 1 << 30})
		if err != nil || !maps.Equal(again, m) {
			t.Fatalf("%q became %q, %v", m, again, err)
		}
	})
}

func check(t *testing.T, what string, err error, want string) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("%.80q: error %v, want %q", what, err, want)
	}
	if _, ok := err.(*wire.Error); err != nil && !ok {
		t.Errorf("%.80q: error is a %T", what, err)
	}
}
