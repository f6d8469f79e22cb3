package ldapschema

import (
	"fmt"
	"testing"
)

func TestParseDefinition(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"( 1.2.3 NAME 'a' SUP top AUXILIARY MUST ( cn $ sn ) )":                       "1.2.3 [a] AUXILIARY",
		"(1.2.3 NAME ( 'a' 'b' ) DESC 'x ( NAME y )' SYNTAX 1.2{3} )":                 "1.2.3 [a b] STRUCTURAL",
		"( 1.2.3 DESC 'nameless' ABSTRACT )":                                          "1.2.3 [] ABSTRACT",
		"( 1.2.3 NAME 'a' X-ORIGIN ( 'x' 'y' ) )":                                     "1.2.3 [a] STRUCTURAL",
		"( 1.2.3 NAME ( 'a' 'b' ) EQUALITY c SYNTAX 1 SINGLE-VALUE X-N 'AUXILIARY' )": "1.2.3 [a b] STRUCTURAL",
	} {
		d, err := ParseDefinition(text)
		if got := fmt.Sprint(d.OID, " ", d.Names, " ", d.Kind); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "x", "( )", "( 1.2.3 NAME 'a )", "1.2.3 NAME 'a'", fmt.Sprintf("( 1 %70000d )", 1)} {
		if d, err := ParseDefinition(bad); err == nil {
			t.Errorf("%.30q was read: %+v", bad, d)
		}
	}
	// All of ours are read as they were written.
	var all []Definition
	for _, a := range Attributes() {
		d, err := ParseDefinition(a.Definition())
		if err != nil || d.OID != a.OID || d.Names[0] != a.Name || len(d.Names) != 1+len(a.Aliases) {
			t.Errorf("%s: %+v, %v", a.Definition(), d, err)
		}
		all = append(all, d)
	}
	for _, c := range Classes() {
		d, err := ParseDefinition(c.Definition())
		if err != nil || d.OID != c.OID || d.Kind != c.Kind {
			t.Errorf("%s: %+v, %v", c.Definition(), d, err)
		}
		all = append(all, d)
	}
	if lacks := Lacking(all); lacks != nil {
		t.Errorf("of our own: %+v", lacks)
	}
}

func TestLacking(t *testing.T) {
	t.Parallel()
	lacks := Lacking([]Definition{{OID: "1.9", Names: []string{"automountkey"}}, {OID: "1.3.6.1.1.1.1.31", Names: []string{"automountMapName"}}}, Automount)
	if got := fmt.Sprint(lacks); got != "[{automount [automountInformation automountMap automount] [automountKey (1.9)]}]" {
		t.Error(got)
	}
}

func FuzzParseDefinition(f *testing.F) {
	f.Add("( 1.2.3 NAME ( 'a' 'b' ) SUP top AUXILIARY )")
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := ParseDefinition(text); err == nil && d.OID == "" {
			t.Errorf("%q has no number", text)
		}
	})
}
