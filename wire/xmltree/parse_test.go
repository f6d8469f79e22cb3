package xmltree_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/wire/xmltree"
)

func parse(t testing.TB, src string) *xmltree.Document {
	t.Helper()
	d, err := xmltree.Parse([]byte(src), xmltree.Limits{})
	if err != nil {
		t.Fatalf("Parse(%q): %v", src, err)
	}
	return d
}

// dump writes what a reader of the tree sees, in one line.
func dump(n xmltree.Node) string {
	if n.IsText() {
		return fmt.Sprintf("%q", n.Data())
	}
	var b strings.Builder
	name := func(prefix, space, local string) {
		if prefix != "" {
			b.WriteString(prefix + "=")
		}
		if space != "" {
			b.WriteString("{" + space + "}")
		}
		b.WriteString(local)
	}
	b.WriteByte('(')
	name(n.Prefix(), n.Space(), n.Local())
	for a := range n.Attrs() {
		b.WriteByte(' ')
		name(a.Prefix, a.Space, a.Local)
		fmt.Fprintf(&b, ":%q", a.Value)
	}
	d := n.Document()
	for i := n.Index() + 1; i < n.End(); i = d.At(i).End() {
		b.WriteString(" " + dump(d.At(i)))
	}
	return b.String() + ")"
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, src, want string }{
		{"empty element", `<a/>`, `(a)`},
		{"open and close", `<a ></a >`, `(a)`},
		{"byte order mark", "\uFEFF<a/>", `(a)`},
		{"declaration", `<?xml version="1.0"?><a/>`, `(a)`},
		{"full declaration", "<?xml version = '1.0' encoding='utf-8' standalone='yes' ?>\n<a/>\n", `(a)`},
		{"text", "<a>x<b/>y</a>", `(a "x" (b) "y")`},
		{"five entities", `<a>&lt;&gt;&amp;&quot;&apos;</a>`, `(a "<>&\"'")`},
		{"character references", `<a>&#65;&#x42;&#x1F600;&#13;&#x000000041;</a>`, `(a "AB😀\rA")`},
		{"line ends", "<a>1\r\n2\r3\n4\r\r\n5</a>", `(a "1\n2\n3\n4\n\n5")`},
		{"cdata", "<a>x<![CDATA[<&amp;]]]]><![CDATA[>\r\n]]>y</a>", `(a "x" "<&amp;]]" ">\n" "y")`},
		{"empty cdata", "<a><![CDATA[]]></a>", `(a)`},
		{"closing bracket reference", "<a>]]&gt;</a>", `(a "]]>")`},
		{"attribute quotes", `<a b='"' c="'"/>`, `(a b:"\"" c:"'")`},
		{"attribute white space", "<a b=' \t1\n2\r\n3\r4 '/>", `(a b:"  1 2 3 4 ")`},
		{"attribute references", "<a b='&#9;&#10;&#13;&lt;'/>", `(a b:"\t\n\r<")`},
		{"greater-than in attribute", "<a b='>'/>", `(a b:">")`},
		{"default namespace", `<a xmlns="urn:a" b="1"><c xmlns=""/><d/></a>`, `({urn:a}a b:"1" (c) ({urn:a}d))`},
		{"prefixes", `<p:a xmlns:p="urn:p" p:b="1" b="2"/>`, `(p={urn:p}a p={urn:p}b:"1" b:"2")`},
		{"declared after use", `<p:a p:b="1" xmlns:p="urn:p"/>`, `(p={urn:p}a p={urn:p}b:"1")`},
		{"hidden prefix", `<p:a xmlns:p="urn:1"><p:a xmlns:p="urn:2"/><p:a/></p:a>`, `(p={urn:1}a (p={urn:2}a) (p={urn:1}a))`},
		{"xml prefix", `<a xml:lang="en"/>`, `(a xml={http://www.w3.org/XML/1998/namespace}lang:"en")`},
		{"xml declared", `<a xmlns:xml="http://www.w3.org/XML/1998/namespace" xml:lang="en"/>`, `(a xml={http://www.w3.org/XML/1998/namespace}lang:"en")`},
		{"unprefixed takes no default", `<a xmlns="urn:a" xmlns:p="urn:a" b="1" p:b="2"/>`, `({urn:a}a b:"1" p={urn:a}b:"2")`},
		{"other alphabets", `<é·ñ/>`, `(é·ñ)`},
		{"last character", "<a>\uFFFD\U0010FFFF</a>", `(a "�\U0010ffff")`},
		{"delete is a character", "<a>\x7f</a>", `(a "\x7f")`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := dump(parse(t, tt.src).Root()); got != tt.want {
				t.Errorf("%q\n got %s\nwant %s", tt.src, got, tt.want)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		src    string
		offset int
		what   string
	}{
		{``, 0, "no root element"},
		{` x`, 1, "no root element"},
		{`<a/>x`, 4, "text after the root element"},
		{`<a/>&#32;`, 4, "text after the root element"},
		{`<a/><b/>`, 4, "second root element"},
		{`<a/></a>`, 4, "second root element"},
		{`</a>`, 0, "end tag outside"},
		{`<`, 0, "document ends in markup"},
		{`<a>`, 3, "element not closed"},
		{`<a`, 2, "white space before an attribute"},
		{`<a `, 3, "name expected"},
		{`<a/`, 3, "tag not ended"},
		{`<a/ >`, 3, "tag not ended"},
		{`<a></b>`, 3, "end tag of another element"},
		{`<a></ab>`, 3, "end tag of another element"},
		{`<a></a b="1">`, 3, "end tag of another element"},
		{`<a><b></a></b>`, 6, "end tag of another element"},
		{`<p:a xmlns:p="urn:p" xmlns:q="urn:p"></q:a>`, 37, "end tag of another element"},
		{`< a/>`, 1, "name expected"},
		{`<1/>`, 1, "name expected"},
		{`<-a/>`, 1, "name expected"},
		{"<\u00b7/>", 1, "name expected"},
		{"<\u00d7/>", 1, "name expected"},
		{`<:a/>`, 1, "name expected"},
		{`<a:/>`, 3, "name expected"},
		{`<a::b xmlns:a="urn:a"/>`, 3, "name expected"},
		{`<a:b:c xmlns:a="urn:a"/>`, 4, "white space before an attribute"},
		{`<a:1 xmlns:a="urn:a"/>`, 3, "name expected"},
		{`<a b="1"c="2"/>`, 8, "white space before an attribute"},
		{`<a b/>`, 4, "attribute without a value"},
		{`<a b=1/>`, 5, "attribute value not quoted"},
		{`<a b="1/>`, 6, "attribute value not ended"},
		{`<a b="<"/>`, 6, "'<' in an attribute value"},
		{`<a b="1" b="1"/>`, 9, "attribute given twice"},
		{`<a xmlns:p="urn:p" xmlns:q="urn:p" p:b="1" q:b="1"/>`, 43, "attribute given twice"},
		{`<a xmlns="urn:a" xmlns="urn:a"/>`, 17, "prefix declared twice"},
		{`<a xmlns:p="urn:p" xmlns:p="urn:p"/>`, 19, "prefix declared twice"},
		{`<p:a/>`, 1, "prefix not declared"},
		{`<a p:b="1"/>`, 3, "prefix not declared"},
		{`<a><b xmlns:p="urn:p"/><p:c/></a>`, 24, "prefix not declared"},
		{`<xmlns:a/>`, 1, "prefix not declared"},
		{`<a xmlns:p=""/>`, 3, "prefix declared as nothing"},
		{`<a xmlns:xmlns="urn:a"/>`, 3, "declaration of the prefix xmlns"},
		{`<a xmlns:xml="urn:a"/>`, 3, "belong to each other"},
		{`<a xmlns:p="http://www.w3.org/XML/1998/namespace"/>`, 3, "belong to each other"},
		{`<a xmlns="http://www.w3.org/XML/1998/namespace"/>`, 3, "belong to each other"},
		{`<a xmlns:p="http://www.w3.org/2000/xmlns/"/>`, 3, "declaration of the namespace of xmlns"},
		{`<a xmlns="http://www.w3.org/2000/&#x78;mlns/"/>`, 3, "declaration of the namespace of xmlns"},
		{`<!DOCTYPE a><a/>`, 0, "document type declaration"},
		{`<a><!DOCTYPE a></a>`, 3, "document type declaration"},
		{`<a/><!DOCTYPE a>`, 4, "document type declaration"},
		{`<!-- --><a/>`, 0, "comment"},
		{`<a><!-- --></a>`, 3, "comment"},
		{`<a/><!-- -->`, 4, "comment"},
		{`<?x?><a/>`, 0, "processing instruction"},
		{`<a><?x?></a>`, 3, "processing instruction"},
		{`<a/><?x?>`, 4, "processing instruction"},
		{` <?xml version="1.0"?><a/>`, 1, "processing instruction"},
		{`<?xml version="1.0"?><?xml version="1.0"?><a/>`, 21, "processing instruction"},
		{`<?xmlversion="1.0"?><a/>`, 0, "processing instruction"},
		{`<?xml version="1.1"?><a/>`, 0, "version other than 1.0"},
		{`<?xml encoding="UTF-8"?><a/>`, 0, "version other than 1.0"},
		{`<?xml version="1.0" encoding="ISO-8859-1"?><a/>`, 0, "encoding other than UTF-8"},
		{`<?xml version="1.0"encoding="UTF-8"?><a/>`, 0, "something unknown"},
		{`<?xml version="1.0" standalone="yes" encoding="UTF-8"?><a/>`, 0, "something unknown"},
		{`<?xml version="1.0" standalone="maybe"?><a/>`, 0, "bad standalone"},
		{`<?xml version="1.0"`, 0, "XML declaration not ended"},
		{`<a>]]></a>`, 3, "]]> in text"},
		{`<a><![CDATA[x</a>`, 3, "CDATA section not ended"},
		{`<![CDATA[x]]><a/>`, 0, "unknown markup"},
		{`<a/><![CDATA[x]]>`, 4, "unknown markup"},
		{`<a><!ENTITY x "y"></a>`, 3, "unknown markup"},
		{`<a>&x;</a>`, 3, "reference to something unknown"},
		{`<a>&amp</a>`, 3, "reference to something unknown"},
		{`<a>x&</a>`, 4, "reference to something unknown"},
		{`<a>&;</a>`, 3, "reference to something unknown"},
		{`<a>&#;</a>`, 3, "reference to something unknown"},
		{`<a>&#x;</a>`, 3, "reference to something unknown"},
		{`<a>&#xG;</a>`, 3, "reference to something unknown"},
		{`<a>&#X41;</a>`, 3, "reference to something unknown"},
		{`<a>&#-1;</a>`, 3, "reference to something unknown"},
		{`<a>&#0;</a>`, 3, "reference to something unknown"},
		{`<a>&#xFFFE;</a>`, 3, "reference to something unknown"},
		{`<a>&#xD800;</a>`, 3, "reference to something unknown"},
		{`<a>&#x110000;</a>`, 3, "reference to something unknown"},
		{`<a>&#99999999999999999999;</a>`, 3, "reference to something unknown"},
		{`<a b="&x;"/>`, 6, "reference to something unknown"},
		{"<a>\x00</a>", 3, "character that XML does not have"},
		{"<a>0123456789\x1f</a>", 13, "character that XML does not have"},
		{"<a>\xff</a>", 3, "character that XML does not have"},
		{"<\xff/>", 1, "character that XML does not have"},
		{"<a\xff/>", 2, "character that XML does not have"},
		{"<a b\xdf='1'/>", 4, "character that XML does not have"},
		{"<a xmlns:\xdf='u'/>", 9, "character that XML does not have"},
		{"<a b='\xdf'/>", 6, "character that XML does not have"},
		{"<a b='\x0b'/>", 6, "character that XML does not have"},
		{"<a><![CDATA[\xdf]]></a>", 12, "character that XML does not have"},
		{"<a><![CDATA[12345678\x0c]]></a>", 20, "character that XML does not have"},
		{"<a>12345678\xed\xa0\x80</a>", 11, "character that XML does not have"},
		{"<a>\xc0\x80</a>", 3, "character that XML does not have"},
		{"<a>\xed\xa0\x80</a>", 3, "character that XML does not have"},
		{"<a>\uFFFE</a>", 3, "character that XML does not have"},
		{"\xfe\xff\x00<\x00a\x00/\x00>", 0, "character that XML does not have"},
	} {
		t.Run(tt.src, func(t *testing.T) {
			t.Parallel()
			d, err := xmltree.Parse([]byte(tt.src), xmltree.Limits{})
			var syntax *xmltree.SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("Parse(%q) = %v, %v", tt.src, d, err)
			}
			if syntax.Offset != tt.offset || !strings.Contains(err.Error(), tt.what) {
				t.Errorf("Parse(%q): %v; want %q at %d", tt.src, err, tt.what, tt.offset)
			}
		})
	}
}

// Each limit admits exactly what it says and names itself one above.
func TestLimits(t *testing.T) {
	t.Parallel()
	many := func(f string, n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(f, "%", fmt.Sprint(i)))
		}
		return b.String()
	}
	for _, tt := range []struct {
		name string
		make func(n int) string
		lim  xmltree.Limits
		max  int
	}{
		{"bytes", func(n int) string { return "<a/>" + strings.Repeat(" ", n-4) }, xmltree.Limits{Bytes: 9}, 9},
		{"depth", func(n int) string { return strings.Repeat("<a>", n) + strings.Repeat("</a>", n) }, xmltree.Limits{Depth: 7}, 7},
		{"depth", func(n int) string { return strings.Repeat("<a>", n-1) + "<a/>" + strings.Repeat("</a>", n-1) }, xmltree.Limits{}, 64},
		{"elements", func(n int) string { return "<a>" + strings.Repeat("<b/>", n-1) + "</a>" }, xmltree.Limits{Elements: 9}, 9},
		{"elements", func(n int) string { return "<a>" + strings.Repeat("<b/>", n-1) + "</a>" }, xmltree.Limits{}, 50_000},
		{"attributes", func(n int) string { return "<a" + many(` b%="1"`, n) + "/>" }, xmltree.Limits{Attributes: 3}, 3},
		{"attributes", func(n int) string { return `<a xmlns="urn:a"` + many(` b%="1"`, n) + "/>" }, xmltree.Limits{}, 64},
		{"namespaces", func(n int) string { return "<a" + many(` xmlns:b%="urn:b"`, n) + "/>" }, xmltree.Limits{}, 64},
		{"namespaces", func(n int) string {
			return many(`<a xmlns:b="urn:%">`, n) + strings.Repeat("</a>", n)
		}, xmltree.Limits{Namespaces: 5}, 5},
		{"name", func(n int) string { return "<" + strings.Repeat("a", n) + "/>" }, xmltree.Limits{}, 256},
		{"name", func(n int) string { return `<a xmlns:p="urn:p" p:` + strings.Repeat("a", n-2) + `=""/>` }, xmltree.Limits{Name: 20}, 20},
		{"name", func(n int) string {
			return "<a xmlns:" + strings.Repeat("p", n) + `="urn:p"><` + strings.Repeat("p", n) + ":b/></a>"
		}, xmltree.Limits{Name: 1000}, 255},
		{"name", func(n int) string { return `<a xmlns="` + strings.Repeat("u", n) + `"/>` }, xmltree.Limits{}, 256},
		{"text", func(n int) string { return "<a>" + strings.Repeat("x", n) + "</a>" }, xmltree.Limits{Text: 9}, 9},
		{"text", func(n int) string { return "<a>xxx<![CDATA[" + strings.Repeat("x", n-3) + "]]></a>" }, xmltree.Limits{Text: 9}, 9},
		{"text", func(n int) string { return `<a b="` + strings.Repeat("x", n) + `"/>` }, xmltree.Limits{Text: 9}, 9},
		{"text", func(n int) string { return "<a>" + strings.Repeat("x", n) + "</a>" }, xmltree.Limits{}, 2 << 20},
	} {
		t.Run(fmt.Sprint(tt.name, " ", tt.max), func(t *testing.T) {
			t.Parallel()
			if _, err := xmltree.Parse([]byte(tt.make(tt.max)), tt.lim); err != nil {
				t.Errorf("at the limit: %v", err)
			}
			_, err := xmltree.Parse([]byte(tt.make(tt.max+1)), tt.lim)
			var limit *xmltree.LimitError
			if !errors.As(err, &limit) || limit.Limit != tt.name || limit.Max != tt.max {
				t.Errorf("one above the limit: %v", err)
			}
		})
	}
}

// A run of text is counted between tags, so siblings do not add up.
func TestTextLimitStartsAgain(t *testing.T) {
	t.Parallel()
	if _, err := xmltree.Parse([]byte("<a>12345<b>12345</b>12345<b/>12345</a>"), xmltree.Limits{Text: 5}); err != nil {
		t.Error(err)
	}
}

func TestNode(t *testing.T) {
	t.Parallel()
	d := parse(t, `<e:Envelope xmlns:e="urn:e"><e:Body e:id="7" id="8">a<x>no</x>b<![CDATA[c]]></e:Body><e:Body/></e:Envelope>`)
	root := d.Root()
	body := root.Child("urn:e", "Body")
	if !body.Is("urn:e", "Body") || body.Is("", "Body") || body.Is("urn:e", "body") {
		t.Error("Is")
	}
	if body.Prefix() != "e" || body.Name() != "e:Body" || body.Parent() != root || root.Parent().Valid() {
		t.Error("names and parents")
	}
	if v, ok := body.Attr("urn:e", "id"); v != "7" || !ok {
		t.Errorf("qualified id = %q, %v", v, ok)
	}
	if v, ok := body.Attr("", "id"); v != "8" || !ok {
		t.Errorf("id = %q, %v", v, ok)
	}
	if v, ok := body.Attr("urn:x", "id"); v != "" || ok {
		t.Errorf("foreign id = %q, %v", v, ok)
	}
	if got := body.Text(); got != "abc" {
		t.Errorf("Text = %q", got)
	}
	if got := string(body.Child("", "x").Source()); got != "<x>no</x>" {
		t.Errorf("Source = %q", got)
	}
	if uri, ok := body.Child("", "x").Lookup("e"); uri != "urn:e" || !ok {
		t.Errorf("Lookup = %q, %v", uri, ok)
	}
	var bodies []xmltree.Node
	for c := range root.Children() {
		bodies = append(bodies, c)
	}
	if len(bodies) != 2 || bodies[0] != body || bodies[1] == body {
		t.Errorf("Children = %v", bodies)
	}
	for range root.Children() {
		break // must not panic
	}
}

// What the canonicaliser and the search for ids ask of a document.
func TestForms(t *testing.T) {
	t.Parallel()
	src := `<a xmlns:p="urn:p"><b c="1">x</b><p:d e='2' p:f="3"/><g>&lt;<h>&#60;</h></g>y</a>`
	d := parse(t, src)
	got := ""
	for i := range d.Len() {
		n := d.At(i)
		start, stop := n.Span()
		first, last := n.Inside()
		got += fmt.Sprintf("%s%q %v %v %q; ", n.Name(), d.Octets(start, stop)[:1], n.Plain(), n.Whole(), d.Octets(first, last))
	}
	if want := `a"<" false false ""; b"<" true true "x"; "x" true false ""; p:d"<" false false ""; ` +
		`g"<" true false "&lt;<h>&#60;</h>"; "&" true false ""; h"<" true false "&#60;"; "&" false false ""; "y" true false ""; `; got != want {
		t.Errorf(" got %s\nwant %s", got, want)
	}
	got = ""
	for n, a := range d.Attrs() {
		got += n.Name() + " " + a.Prefix + ":" + a.Local + "=" + a.Value + "; "
	}
	if want := "b :c=1; p:d :e=2; p:d p:f=3; "; got != want {
		t.Errorf("attributes %s, want %s", got, want)
	}
	if !d.Declares("urn:p") || d.Declares("urn:q") || d.Declares("p") {
		t.Error("Declares")
	}
	if b, h := d.At(1), d.At(6); b.Binding() != h.Binding() || d.At(3).Binding() == b.Binding() || d.At(2).Binding() >= 0 {
		t.Error("Binding")
	}
}

func TestZeroNode(t *testing.T) {
	t.Parallel()
	var n xmltree.Node
	n = n.Child("", "a").Child("", "b")
	_, attr := n.Attr("", "a")
	_, bound := n.Lookup("xml")
	for range n.Attrs() {
		t.Error("attributes of nothing")
	}
	for range n.Declared() {
		t.Error("declarations of nothing")
	}
	if n.Valid() || n.Is("", "") || n.IsText() || attr || bound || n.Parent().Valid() ||
		n.Text()+n.Data()+n.Name()+n.Prefix()+n.Local()+n.Space() != "" || n.Source() != nil || n.End() != 0 || n.Plain() || n.Whole() || n.Binding() >= 0 {
		t.Error("the zero Node is something")
	}
	if (*xmltree.Document)(nil).Root().Valid() {
		t.Error("a nil Document has a root")
	}
}

// Parse must not be affected by what its caller does with the source later.
func TestSourceIsCopied(t *testing.T) {
	t.Parallel()
	src := []byte("<a>yes</a>")
	d, err := xmltree.Parse(src, xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	copy(src, "<b>no!</b>")
	copy(d.Root().Source(), "<c>")
	if got := dump(d.Root()); got != `(a "yes")` {
		t.Errorf("document became %s", got)
	}
}

// Messages of real peers parse.
func TestVectors(t *testing.T) {
	t.Parallel()
	for file, src := range vectors(t) {
		if !parse(t, src).Root().Is("http://schemas.xmlsoap.org/soap/envelope/", "Envelope") {
			t.Errorf("%s: not an envelope", file)
		}
	}
}

func vectors(t testing.TB) map[string]string {
	files, _ := filepath.Glob("testdata/*.xml")
	if len(files) == 0 {
		t.Fatal("no vectors")
	}
	all := map[string]string{}
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[f] = string(src)
	}
	return all
}

func FuzzParse(f *testing.F) {
	for _, src := range vectors(f) {
		f.Add([]byte(src))
	}
	f.Add([]byte("\uFEFF<?xml version='1.0'?><a b='&#9;\t'>x<![CDATA[]]]]><![CDATA[>]]>\r\n&#13;</a>"))
	f.Add([]byte(`<p:a xmlns:p="urn:p" xml:lang="x"><b xmlns=""/><b xmlns="urn:b"/></p:a>`))
	f.Fuzz(func(t *testing.T, src []byte) {
		d, err := xmltree.Parse(src, xmltree.Limits{})
		if err != nil {
			var syntax *xmltree.SyntaxError
			var limit *xmltree.LimitError
			if !errors.As(err, &syntax) && !errors.As(err, &limit) {
				t.Fatalf("%T", err)
			}
			return
		}
		_ = dump(d.Root())
		// The root's own octets are a document with the same content.
		again, err := xmltree.Parse(d.Root().Source(), xmltree.Limits{})
		if err != nil {
			t.Fatalf("root element alone: %v", err)
		}
		if a, b := dump(d.Root()), dump(again.Root()); a != b {
			t.Fatalf("%s\n%s", a, b)
		}
	})
}

func BenchmarkParse3K(b *testing.B) {
	src, err := os.ReadFile("testdata/signed-3k.xml")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := xmltree.Parse(src, xmltree.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// The cost of a document full of declarations must stay in proportion.
func BenchmarkParseHostile(b *testing.B) {
	var src strings.Builder
	src.WriteString("<a>")
	for range 40_000 {
		src.WriteString("<b")
		for j := range 6 {
			fmt.Fprintf(&src, " xmlns:n%d='u'", j)
		}
		src.WriteString("/>")
	}
	src.WriteString("</a>")
	b.SetBytes(int64(src.Len()))
	for b.Loop() {
		if _, err := xmltree.Parse([]byte(src.String()), xmltree.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
