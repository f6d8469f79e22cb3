package xstream

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func read(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func parse(t testing.TB, text string) *Ticket {
	t.Helper()
	tk, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return tk
}

// TT1: what legacy classes wrote comes out as it went in.
func TestLegacyTextsComeBack(t *testing.T) {
	t.Parallel()
	for name, form := range map[string]Form{
		"simple-root": Simple, "simple-exported": Simple, "simple-sm": Simple, "simple-bins": Simple,
		"simple-forever": Simple, "simple-null-item": Simple, "signed-root": Signed, "signed-exported": Signed,
		"signed-sm": Signed, "sharp-root": Sharp, "sharp-exported": Sharp, "sharp-sm": Sharp,
		"sharp-sm-extended": Sharp, "sharp-FORGED-sm": Sharp, "ticket": Sharp,
	} {
		text := read(t, "legacy/"+name+".xml")
		tk := parse(t, text)
		if got := string(tk.Append(nil)); got != text {
			t.Errorf("%s: written otherwise:\n%s", name, got)
		}
		if tk.Form != form {
			t.Errorf("%s: form %v", name, tk.Form)
		}
	}
}

// TT2, first half: the octets under each signature.
func TestSignedBytes(t *testing.T) {
	t.Parallel()
	for ticket, records := range map[string]int{"signed-sm": 1, "sharp-sm": 3} {
		tk := parse(t, read(t, "legacy/"+ticket+".xml"))
		for k := range records {
			want := read(t, "legacy/"+ticket+".delegation"+string(rune('0'+k))+".signedbytes.xml")
			if got := string(tk.Delegations[k].SignedBytes()); got != want {
				t.Errorf("%s, record %d:\n%s", ticket, k, got)
			}
		}
	}
}

// TT6: every variation that legacy readers take is read as the same ticket, and
// written in the one way.
func TestLooseTexts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/loose/*.xml")
	if err != nil || len(files) < 13 {
		t.Fatal(files, err)
	}
	root, bins := read(t, "legacy/sharp-root.xml"), read(t, "legacy/simple-bins.xml")
	for _, f := range files {
		name := filepath.Base(f)
		want := root
		if strings.Contains(name, "bins") {
			want = bins
		}
		text := read(t, "loose/"+name)
		if text == want {
			t.Errorf("%s is no variation", name)
		}
		tk, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if name == "base64-blanks.xml" { // line breaks around Base64 are read as line breaks in it
			tk.Certificate.Holder.Lines = false
		}
		if got := string(tk.Append(nil)); got != want {
			t.Errorf("%s: written as\n%s", name, got)
		}
	}
}

// XStream before 1.4.11 broke the Base64 of byte arrays into lines (E15).
func TestOlderBase64(t *testing.T) {
	t.Parallel()
	tk := parse(t, read(t, "legacy/sharp-sm.xml"))
	for c := tk.Certificate; c != nil; c = c.Issuer {
		c.Holder.Lines = true
		if c.Signature != nil {
			c.Signature.Lines = true
		}
	}
	text := string(tk.Append(nil))
	if strings.Count(text, "\n") < 30 {
		t.Fatal("nothing was broken into lines")
	}
	if got := string(parse(t, text).Append(nil)); got != text {
		t.Errorf("written otherwise:\n%s", got)
	}
}

// An independent writer's ticket: certificates on one line, records unsigned.
func TestIndependentTicket(t *testing.T) {
	t.Parallel()
	tk := parse(t, read(t, "legacy/ticket-independent.xml"))
	if len(tk.Delegations) != 3 || tk.Delegations[0].Signature != nil || tk.Certificate.Issuer.Issuer.Holder == nil {
		t.Errorf("read as %+v", tk)
	}
	if v, _ := tk.Delegations[0].Properties.Get("a"); v != "x\ny" {
		t.Errorf("property a is %q", v)
	}
	if string(parse(t, string(tk.Append(nil))).Append(nil)) != string(tk.Append(nil)) {
		t.Error("a second writing differs")
	}
}

// What a reader must not lose: absent is not empty.
func TestAbsentIsNotEmpty(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"<ticket/>",
		"<ticket>\n  <delegations/>\n</ticket>",
		"<sharpTicket>\n  <delegations/>\n  <certificate/>\n  <otherCertificates/>\n</sharpTicket>",
		"<sharpTicket>\n  <otherCertificates>\n    <null/>\n    <" + certificateItem + "/>\n  </otherCertificates>\n</sharpTicket>",
		delegation("<units>0</units>"),
		delegation("<term/>\n      <units>1</units>\n      <vector/>\n      <type/>\n      <properties/>\n      <sources/>\n      <bins/>"),
		delegation("<term>\n        <endTime>2026-01-01 00:00:00.0 UTC</endTime>\n      </term>\n      <units>-1</units>\n      <vector>\n        <vector/>\n      </vector>\n      <type type=\"\"/>"),
		delegation("<units>1</units>\n      <properties>\n        <property name=\"\" value=\"\"/>\n        <defaults/>\n      </properties>\n      <sources>\n        <null/>\n      </sources>\n      <bins>\n        <null/>\n      </bins>"),
		strings.ReplaceAll(delegation("<units>1</units>\n      <signature/>"), "delegation>", "signedDelegation>"),
	} {
		in = strings.Replace(in, "<signedDelegations>", "<delegations>", 1)
		if got := string(parse(t, in).Append(nil)); got != in {
			t.Errorf("%s\nwritten as\n%s", in, got)
		}
	}
}

func delegation(inside string) string {
	return "<ticket>\n  <delegations>\n    <delegation>\n      " + inside + "\n    </delegation>\n  </delegations>\n</ticket>"
}

// TT5.
func TestEscapes(t *testing.T) {
	t.Parallel()
	const all = "a&<>\"'\r\n\t\x00\x01\u007f\u0085\u00a0é\u2028\uffff\U0001F600z"
	const text = "a&amp;&lt;&gt;&quot;&apos;&#xd;\n\t&#x0;&#x1;&#x7f;&#x85;\u00a0é\u2028&#xffff;\U0001F600z"
	if got := string(escape(nil, all, false)); got != text {
		t.Errorf("text %q", got)
	}
	if got, want := string(escape(nil, all, true)), strings.Replace(text, "\n\t", "&#xa;&#x9;", 1); got != want {
		t.Errorf("attribute %q", got)
	}
	const legal = "a&<>\"'\r\n\t\u007f\u0085\u00a0é\u2028\U0001F600z"
	in := &Ticket{Form: Simple, Delegations: []*Delegation{{GUID: legal, Units: 1, Properties: &Properties{List: []Property{{legal, legal}}}}}}
	out := parse(t, string(in.Append(nil)))
	if v, ok := out.Delegations[0].Properties.Get(legal); !ok || v != legal || out.Delegations[0].GUID != legal {
		t.Errorf("read back as %+v", out.Delegations[0])
	}
	// The library writes what XML 1.0 cannot carry; nobody's parser need take it.
	in.Delegations[0].GUID = "a\x00"
	if _, err := Parse(string(in.Append(nil))); !errors.Is(err, ErrText) {
		t.Errorf("NUL: %v", err)
	}
}

// TT6, the rows that legacy readers refuse, TT13, and what only we refuse.
func TestRefused(t *testing.T) {
	t.Parallel()
	good := read(t, "legacy/sharp-sm.xml")
	swap := func(old, new string) func(string) string {
		return func(s string) string { return strings.Replace(s, old, new, 1) }
	}
	for name, tt := range map[string]struct {
		edit func(string) string
		says string
	}{
		"unknown element in the ticket":       {swap("<delegations>", "<factory/><delegations>"), "unknown element"},
		"unknown element in a record":         {swap("<units>", "<x/><units>"), "unknown element"},
		"unknown element in a term":           {swap("<endTime>", "<cycleStart>0</cycleStart><endTime>"), "unknown element"},
		"unknown element in a certificate":    {swap("<certificate>", "<certificate><x/>"), "unknown element"},
		"unknown element in a signature":      {swap("<ts>", "<x/><ts>"), "unknown element"},
		"unknown element in an X.509 rep":     {swap("<data>", "<x/><data>"), "unknown element"},
		"element in a namespace":              {swap("<units>", `<units xmlns="urn:x">`), "unknown element"},
		"second units":                        {swap("<units>", "<units>1</units><units>"), "second element"},
		"ticket with a certificate":           {func(s string) string { return strings.ReplaceAll(s, "sharpTicket>", "ticket>") }, "unknown element"},
		"other root":                          {func(s string) string { return strings.ReplaceAll(s, "sharpTicket>", "list>") }, "no ticket"},
		"foreign item":                        {swap("<delegations>", "<delegations><string/>"), "no delegation"},
		"plain record with a signature":       {func(s string) string { return strings.ReplaceAll(s, "signedDelegation>", "delegation>") }, "unknown element"},
		"certificate without class":           {swap(` class="`+certificateClass+`" resolves-to="`+certificateRep+`"`, ""), "neither class"},
		"certificate of another class":        {swap(certificateRep, "java.lang.ProcessBuilder"), "neither class"},
		"escaped dollar":                      {swap("Certificate$", "Certificate_-"), "neither class"},
		"certificate of another type":         {swap("X.509", "PGP"), "another type"},
		"no data":                             {swap("<data>MII", "<dat>"), "not"},
		"data that is no Base64":              {swap("<data>MII", "<data>M!I"), "no Base64"},
		"empty units":                         {swap("<units>1<", "<units><"), "empty"},
		"units too large":                     {swap("<units>1<", "<units>4294967297<"), "32 bits"},
		"octal units":                         {swap("<units>1<", "<units>010<"), "32 bits"},
		"hexadecimal units":                   {swap("<units>1<", "<units>0x1<"), "32 bits"},
		"units with blanks":                   {swap("<units>1<", "<units> 1<"), "32 bits"},
		"date without zone":                   {swap("00:00:00.5 UTC", "00:00:00.5"), "no date"},
		"property value as text":              {swap(`value="ben.vlan"/>`, `>ben.vlan</property>`), "no property"},
		"property without name":               {swap(`name="type"`, `nam="type"`), "no property"},
		"property twice":                      {swap(`name="type"`, `name="label"`), "twice"},
		"property with content":               {swap(`value="ben.vlan"/>`, `value="ben.vlan">x</property>`), "with content"},
		"text between elements":               {swap("<units>", "x<units>"), "text between"},
		"element in a text":                   {swap("<units>1", "<units><a/>1"), "element in a text"},
		"doctype":                             {func(s string) string { return `<!DOCTYPE a [<!ENTITY b "c">]>` + s }, "document type"},
		"entity":                              {swap("<units>1", "<units>&b;"), "unknown"},
		"comment":                             {swap("<units>1", "<units><!-- -->1"), "comment"},
		"instruction":                         {swap("<units>1", "<units><?x?>1"), "instruction"},
		"class on the ticket":                 {swap("<sharpTicket>", `<sharpTicket class="java.lang.ProcessBuilder">`), "names no classes"},
		"class on the list":                   {swap("<delegations>", `<delegations class="java.util.PriorityQueue">`), "names no classes"},
		"class on a record":                   {swap("<signedDelegation>", `<signedDelegation class="javax.naming.ldap.Rdn">`), "names no classes"},
		"class on a text":                     {swap("<guid>", `<guid class="java.beans.EventHandler">`), "names no classes"},
		"class on a term":                     {swap("<term>", `<term class="orca.shirako.time.Term">`), "names no classes"},
		"class on a type":                     {swap("<type type", `<type class="x" type`), "names no classes"},
		"class on a property":                 {swap("<property name", `<property class="x" name`), "names no classes"},
		"class on a table":                    {swap("<properties>", `<properties class="x">`), "names no classes"},
		"class on the data":                   {swap("<data>", `<data class="x">`), "names no classes"},
		"resolves-to on a record":             {swap("<signedDelegation>", `<signedDelegation resolves-to="x">`), "names no classes"},
		"type in two places":                  {swap(`<type type="ben.vlan"/>`, `<type type="ben.vlan"><type>x</type></type>`), "two places"},
		"gadget instead of a field's content": {swap("<units>1</units>", "<units><dynamic-proxy><interface>x</interface></dynamic-proxy></units>"), "element in a text"},
		"nothing":                             {func(string) string { return "" }, "no root"},
		"half":                                {func(s string) string { return s[:len(s)/2] }, "not"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := tt.edit(good)
			if text == good {
				t.Fatal("the edit changed nothing")
			}
			if _, err := Parse(text); !errors.Is(err, ErrText) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want %q", err, tt.says)
			}
		})
	}
}

// A text with type as text is read, and the type is null as it is to Java.
func TestTypeAsText(t *testing.T) {
	t.Parallel()
	tk := parse(t, strings.Replace(read(t, "legacy/simple-root.xml"), `<type type="ben.vlan"/>`, "<type>ben.vlan</type>", 1))
	if ty := tk.Delegations[0].Type; ty == nil || !ty.Null {
		t.Errorf("type %+v", ty)
	}
}

// TT12: limits, each named.
func TestLimits(t *testing.T) {
	t.Parallel()
	record := "<delegation><units>1</units></delegation>"
	nest := func(n int) string {
		return "<sharpTicket>" + strings.Repeat("<certificate>", 1) + strings.Repeat("<issuerCertificate>", n) +
			strings.Repeat("</issuerCertificate>", n) + "</certificate></sharpTicket>"
	}
	table := func(n int) string {
		return "<ticket><delegations><delegation><properties>" + strings.Repeat("<defaults>", n) + strings.Repeat("</defaults>", n) +
			"</properties></delegation></delegations></ticket>"
	}
	var many strings.Builder
	for i := range MaxProperties + 1 {
		many.WriteString(`<property name="p` + strings.Repeat("i", i%7) + string(rune('a'+i%26)) + string(rune('A'+i/26)) + `" value=""/>`)
	}
	properties := func(s string) string {
		return "<ticket><delegations><delegation><properties>" + s + "</properties></delegation></delegations></ticket>"
	}
	for name, tt := range map[string]struct{ good, bad string }{
		"delegations":  {"<ticket><delegations>" + strings.Repeat(record, MaxLevels) + "</delegations></ticket>", "<ticket><delegations>" + strings.Repeat(record, MaxLevels+1) + "</delegations></ticket>"},
		"certificates": {nest(MaxLevels - 1), nest(MaxLevels)},
		"tables":       {table(3), table(4)},
		"octets":       {"<ticket>" + strings.Repeat(" ", MaxText-17) + "</ticket>", "<ticket>" + strings.Repeat(" ", MaxText-16) + "</ticket>"},
		"properties":   {properties(many.String()[:strings.LastIndex(many.String(), "<property")]), properties(many.String())},
		"elements":     {"", "<ticket><delegations>" + strings.Repeat("<x/>", maxElements) + "</delegations></ticket>"},
		"depth":        {"", strings.Repeat("<x>", 40) + strings.Repeat("</x>", 40)},
	} {
		if tt.good != "" {
			if _, err := Parse(tt.good); err != nil {
				t.Errorf("%s at the limit: %v", name, err)
			}
		}
		if _, err := Parse(tt.bad); !errors.Is(err, ErrLimit) {
			t.Errorf("%s over the limit: %v", name, err)
		}
	}
}

// TT12: the cost of a hostile text stays in proportion to its length.
func FuzzParse(f *testing.F) {
	for _, dir := range []string{"legacy", "loose"} {
		files, err := filepath.Glob("testdata/" + dir + "/*.xml")
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(b))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		tk, err := Parse(text)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20+uint64(200*len(text)) {
			t.Errorf("%d octets for a text of %d", used, len(text))
		}
		if err != nil {
			if !errors.Is(err, ErrText) && !errors.Is(err, ErrLimit) {
				t.Errorf("error without a cause: %v", err)
			}
			return
		}
		once := string(tk.Append(nil))
		again, err := Parse(once)
		if err != nil {
			if len(once) > MaxText {
				return
			}
			t.Fatalf("%q was written as %q: %v", text, once, err)
		}
		if twice := string(again.Append(nil)); twice != once {
			t.Errorf("%q was written as %q, then as %q", text, once, twice)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	text := read(b, "legacy/sharp-sm.xml")
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
