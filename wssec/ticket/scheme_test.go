package ticket

import (
	"errors"
	"strings"
	"testing"
)

func TestSchemeNames(t *testing.T) {
	t.Parallel()
	for _, s := range []Scheme{SHA256Chain, Sharp, SharpLenient} {
		if got, err := ParseScheme(s.String()); err != nil || got != s {
			t.Errorf("%v: %v, %v", s, got, err)
		}
	}
	for _, name := range []string{"", "md5", "Scheme(0)"} {
		if _, err := ParseScheme(name); err == nil {
			t.Errorf("%q is a scheme", name)
		}
	}
	if Scheme(9).String() != "Scheme(9)" {
		t.Error(Scheme(9).String())
	}
}

func TestSchemeOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Scheme{
		newWorld(t).chain(t):                                   SHA256Chain,
		rsaWorld(t).legacyChain(t):                             Sharp,
		"<?xml version='1.0'?>\n<sharpTicket>":                 Sharp,
		"<orca.shirako.common.delegation.SharpResourceTicket>": Sharp,
		"<ticket>": 0, "": 0, "<": 0, "<sharpTicketX>": 0,
	} {
		if got := SchemeOf(text); got != want {
			t.Errorf("%.60q: %v, want %v", text, got, want)
		}
	}
}

// A chain has one scheme: nobody is talked into another by a text.
func TestSchemesDoNotMix(t *testing.T) {
	t.Parallel()
	ours, theirs := newWorld(t), rsaWorld(t)
	if _, err := SHA256Chain.Verify(theirs.legacyChain(t), theirs.roots); !errors.Is(err, ErrMalformed) {
		t.Errorf("legacy text as ours: %v", err)
	}
	for _, s := range []Scheme{Sharp, SharpLenient} {
		if _, err := s.Verify(ours.chain(t), ours.roots); !errors.Is(err, ErrKey) {
			t.Errorf("our text as %v: %v", s, err)
		}
		if _, err := s.Verify(strings.Replace(theirs.legacyChain(t), "<sharpTicket>", `<sharpTicket scheme="`+scheme+`">`, 1), theirs.roots); err != nil {
			t.Errorf("an attribute legacy readers ignore: %v", err)
		}
	}
	deeper := leafRecord()
	deeper.GUID, deeper.Issuer, deeper.Holder = "deeper", smGUID, evilGUID
	if _, err := Sharp.Delegate(ours.chain(t), deeper, ours.sm.key, ours.evil.cert); !errors.Is(err, ErrScheme) {
		t.Errorf("legacy record on our chain: %v", err)
	}
	if _, err := SHA256Chain.Delegate(theirs.legacyChain(t), deeper, theirs.sm.key, theirs.evil.cert); !errors.Is(err, ErrScheme) {
		t.Errorf("our record on a legacy chain: %v", err)
	}
	var none Scheme
	if _, err := none.Verify(ours.chain(t), ours.roots); !errors.Is(err, ErrScheme) {
		t.Error(err)
	}
	if _, err := none.Root(rootRecord(), ours.site.key, ours.site.cert); !errors.Is(err, ErrScheme) {
		t.Error(err)
	}
	if _, err := none.Delegate(ours.chain(t), deeper, ours.sm.key, ours.evil.cert); !errors.Is(err, ErrScheme) {
		t.Error(err)
	}
	if _, err := none.Extend(ours.chain(t), deeper, ours.sm.key); !errors.Is(err, ErrScheme) {
		t.Error(err)
	}
	if _, err := Sharp.Root(rootRecord(), ours.site.key, ours.site.cert); !errors.Is(err, ErrKey) {
		t.Errorf("legacy root with an ECDSA key: %v", err)
	}
}

// TT11, first half: an extension is a new ticket on the same ancestors.
func TestExtend(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		scheme Scheme
		w      world
		text   string
	}{
		{SHA256Chain, newWorld(t), newWorld(t).chain(t)},
		{Sharp, rsaWorld(t), rsaWorld(t).legacyChain(t)},
		{SharpLenient, rsaWorld(t), rsaWorld(t).legacyChain(t)},
	} {
		longer := leafRecord()
		longer.GUID, longer.NewStart, longer.End, longer.Units = "longer", longer.End+1, longer.End+3600000, 2
		text, err := tt.scheme.Extend(tt.text, longer, tt.w.broker.key)
		if err != nil {
			t.Errorf("%v: %v", tt.scheme, err)
			continue
		}
		before, err := tt.scheme.Verify(tt.text, tt.w.roots)
		if err != nil {
			t.Fatal(err)
		}
		after, err := tt.scheme.Verify(text, tt.w.roots)
		if err != nil || after.ID(1) != before.ID(1) || after.Text(1) != before.Text(1) || after.Newest().GUID != "longer" || len(after.Records()) != 3 {
			t.Errorf("%v: %+v, %v", tt.scheme, after.Records(), err)
		}
		for name, change := range map[string]func(*Record){
			"earlier end":     func(r *Record) { r.End = leafRecord().End },
			"other start":     func(r *Record) { r.Start-- },
			"same new start":  func(r *Record) { r.NewStart = leafRecord().NewStart },
			"other holder":    func(r *Record) { r.Holder = evilGUID },
			"other issuer":    func(r *Record) { r.Issuer = siteGUID },
			"same guid":       func(r *Record) { r.GUID = leafRecord().GUID },
			"other type":      func(r *Record) { r.Type = "x" },
			"over the parent": func(r *Record) { r.Units = 101 },
		} {
			r := longer
			change(&r)
			if _, err := tt.scheme.Extend(tt.text, r, tt.w.broker.key); err == nil {
				t.Errorf("%v: extended with %s", tt.scheme, name)
			}
		}
		if _, err := tt.scheme.Extend(tt.text, longer, tt.w.evil.key); err == nil {
			t.Errorf("%v: extended by a stranger", tt.scheme)
		}
		if _, err := tt.scheme.Extend(before.Text(2), longer, tt.w.site.key); !errors.Is(err, ErrLink) {
			t.Errorf("%v: root extended: %v", tt.scheme, err)
		}
		if _, err := tt.scheme.Extend("<x/>", longer, tt.w.site.key); !errors.Is(err, ErrMalformed) {
			t.Errorf("%v: nothing extended: %v", tt.scheme, err)
		}
	}
}
