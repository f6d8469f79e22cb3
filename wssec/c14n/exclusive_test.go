package c14n_test

import (
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec/c14n"
)

const (
	soapNS = "http://schemas.xmlsoap.org/soap/envelope/"
	dsNS   = "http://www.w3.org/2000/09/xmldsig#"
)

func parse(t testing.TB, src string) xmltree.Node {
	t.Helper()
	d, err := xmltree.Parse([]byte(src), xmltree.Limits{})
	if err != nil {
		t.Fatalf("%v\n%.200s", err, src)
	}
	return d.Root()
}

func load(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// find is the first element of that name in document order.
func find(root xmltree.Node, space, local string) xmltree.Node {
	for i := range root.Document().Len() {
		if n := root.Document().At(i); n.Is(space, local) {
			return n
		}
	}
	return xmltree.Node{}
}

// TestVectors compares with the octets that the legacy stack itself digested
// (wssec.md WT1).
func TestVectors(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"query-request", "redeem-request", "redeem-response"} {
		root := parse(t, load(t, name+".xml"))
		body := root.Child(soapNS, "Body")
		got := c14n.Exclusive(nil, body, nil)
		if want := load(t, name+".body.c14n"); string(got) != want {
			t.Errorf("%s body:\n got %s\nwant %s", name, got, want)
		}
		digest := sha1.Sum(got)
		if want := find(root, dsNS, "DigestValue").Text(); base64.StdEncoding.EncodeToString(digest[:]) != want {
			t.Errorf("%s: digest %x, want %s", name, digest, want)
		}
		got = c14n.Exclusive(nil, find(root, dsNS, "SignedInfo"), nil)
		if want := load(t, name+".signedinfo.c14n"); string(got) != want {
			t.Errorf("%s SignedInfo:\n got %s\nwant %s", name, got, want)
		}
	}
}

// The cases follow the rules of the two recommendations and what implementations
// in the field get wrong. The element called x is canonicalised.
var cases = []struct {
	name, src, list, want string
	oracle                bool // goxmldsig gets it right too
}{
	{"empty element", `<x/>`, "", `<x></x>`, true},
	{"only used prefixes", `<a xmlns:p="urn:p" xmlns:q="urn:q" xmlns="urn:d"><p:x><p:b/></p:x></a>`, "",
		`<p:x xmlns:p="urn:p"><p:b></p:b></p:x>`, true},
	{"prefix used deeper", `<a xmlns:p="urn:p"><x><p:b/><p:b/></x></a>`, "",
		`<x><p:b xmlns:p="urn:p"></p:b><p:b xmlns:p="urn:p"></p:b></x>`, true},
	{"prefix used by an attribute", `<a xmlns:p="urn:p"><x p:b="1"><c p:b="2"/></x></a>`, "",
		`<x xmlns:p="urn:p" p:b="1"><c p:b="2"></c></x>`, true},
	{"prefix in values is not use", `<a xmlns:p="urn:p"><x t="p:b">p:c</x></a>`, "", `<x t="p:b">p:c</x>`, true},
	{"default namespace", `<a xmlns="urn:d"><x><b/></x></a>`, "", `<x xmlns="urn:d"><b></b></x>`, true},
	{"default taken away", `<x xmlns="urn:d"><b xmlns=""><c/></b></x>`, "", `<x xmlns="urn:d"><b xmlns=""><c></c></b></x>`, true},
	{"redundant xmlns empty", `<p:x xmlns:p="urn:p"><b xmlns=""><c xmlns=""/></b></p:x>`, "",
		`<p:x xmlns:p="urn:p"><b><c></c></b></p:x>`, false},
	{"xmlns empty below an unused default", `<p:x xmlns:p="urn:p" xmlns="urn:d"><b xmlns=""/></p:x>`, "",
		`<p:x xmlns:p="urn:p"><b></b></p:x>`, false},
	{"prefix bound again", `<p:x xmlns:p="urn:1"><p:b xmlns:p="urn:2"><p:c xmlns:p="urn:1"/></p:b><p:d/></p:x>`, "",
		`<p:x xmlns:p="urn:1"><p:b xmlns:p="urn:2"><p:c xmlns:p="urn:1"></p:c></p:b><p:d></p:d></p:x>`, true},
	{"prefix bound again to the same", `<p:x xmlns:p="urn:1"><p:b xmlns:p="urn:1"/></p:x>`, "",
		`<p:x xmlns:p="urn:1"><p:b></p:b></p:x>`, true},
	{"declarations sorted by prefix", `<b:x xmlns:b="urn:1" xmlns:a="urn:2" xmlns="urn:3" a:c="1"><d/></b:x>`, "#default",
		`<b:x xmlns="urn:3" xmlns:a="urn:2" xmlns:b="urn:1" a:c="1"><d></d></b:x>`, false},
	{"attributes sorted by namespace", `<x xmlns:p="urn:b" xmlns:q="urn:a" p:a="1" q:z="2" z="3" a="4"/>`, "",
		`<x xmlns:p="urn:b" xmlns:q="urn:a" a="4" z="3" q:z="2" p:a="1"></x>`, false},
	{"xml attributes", `<a xml:lang="en" xml:space="preserve"><x xml:id="i" b="1"/></a>`, "", `<x b="1" xml:id="i"></x>`, true},
	{"text escapes", "<x>&lt;&gt;&amp;\"'&#13;\t\n</x>", "", "<x>&lt;&gt;&amp;\"'&#xD;\t\n</x>", true},
	{"attribute escapes", `<x a="&lt;>&amp;&quot;'&#9;&#10;&#13;"/>`, "", `<x a="&lt;>&amp;&quot;'&#x9;&#xA;&#xD;"></x>`, true},
	{"attribute white space", "<x a='1\t2\n3\r\n4'/>", "", `<x a="1 2 3 4"></x>`, false},
	{"namespace escapes", `<p:x xmlns:p="urn:a&amp;b&quot;&lt;"/>`, "", `<p:x xmlns:p="urn:a&amp;b&quot;&lt;"></p:x>`, true},
	{"cdata", "<x>a<![CDATA[<&>]]>b</x>", "", `<x>a&lt;&amp;&gt;b</x>`, true},
	{"line ends", "<x>\r\n\r</x>", "", "<x>\n\n</x>", true},
	{"outside astral plane", "<x>é€😀&#x1F600;</x>", "", "<x>é€😀😀</x>", true},
	{"cdata of nothing between elements", "<x><b>1</b><![CDATA[]]><b>2</b><![CDATA[]]></x>", "", "<x><b>1</b><b>2</b></x>", true},
	{"cdata of nothing beside text", "<x><b><![CDATA[]]>1</b><c>1<![CDATA[]]></c><d><![CDATA[]]></d></x>", "", "<x><b>1</b><c>1</c><d></d></x>", true},
	{"white space in tags", "<x><b >1</b><b>1</b ><b\n></b><b />\n</x>", "", "<x><b>1</b><b>1</b><b></b><b></b>\n</x>", true},
	{"attributes in order", `<x><b a="1" c="2">1</b><b c="1" a="2">2</b><b a="1"  c="2"/><b a="1" c="2" >3</b></x>`, "",
		`<x><b a="1" c="2">1</b><b a="2" c="1">2</b><b a="1" c="2"></b><b a="1" c="2">3</b></x>`, true},
	{"attributes spelled in other ways", `<x><b a='1'>1</b><b a ="1">2</b><b a= "1">3</b><b a="&lt;">4</b><b a="&#65;">5</b><b a=">é">6</b><b a='"'>7</b></x>`, "",
		`<x><b a="1">1</b><b a="1">2</b><b a="1">3</b><b a="&lt;">4</b><b a="A">5</b><b a=">é">6</b><b a="&quot;">7</b></x>`, true},
	{"attributes and declarations", `<x xmlns:p="urn:p"><b p:a="1">1</b><b a="1" xmlns:q="urn:q">2</b><b a="1" xmlns="urn:d">3</b><b a="1" p:b="2">4</b></x>`, "",
		`<x><b xmlns:p="urn:p" p:a="1">1</b><b a="1">2</b><b xmlns="urn:d" a="1">3</b><b xmlns:p="urn:p" a="1" p:b="2">4</b></x>`, true},
	{"references spelled in other ways", "<x><b>&lt;&amp;&gt;&#xD;</b><b>&#60;</b><b>&#xd;</b><b>></b><b>&quot;</b></x>", "",
		"<x><b>&lt;&amp;&gt;&#xD;</b><b>&lt;</b><b>&#xD;</b><b>&gt;</b><b>\"</b></x>", true},
	{"prefix hidden and back", `<p:x xmlns:p="urn:1"><p:b>1</p:b><c xmlns:p="urn:2"><p:d>2</p:d></c><p:b>3</p:b></p:x>`, "",
		`<p:x xmlns:p="urn:1"><p:b>1</p:b><c><p:d xmlns:p="urn:2">2</p:d></c><p:b>3</p:b></p:x>`, true},
	{"list: declared though unused", `<a xmlns:p="urn:p" xmlns:q="urn:q"><x><b/></x></a>`, "p zz",
		`<x xmlns:p="urn:p"><b></b></x>`, true},
	{"list: declared where it changes", `<a xmlns:p="urn:p"><x><b xmlns:p="urn:2"><c/></b></x></a>`, "p",
		`<x xmlns:p="urn:p"><b xmlns:p="urn:2"><c></c></b></x>`, false},
	{"list: default", `<a xmlns="urn:d" xmlns:p="urn:p"><p:x><p:b xmlns=""/></p:x></a>`, "#default",
		`<p:x xmlns="urn:d" xmlns:p="urn:p"><p:b xmlns=""></p:b></p:x>`, false},
	{"list: no default to declare", `<p:x xmlns:p="urn:p"><b/></p:x>`, "#default", `<p:x xmlns:p="urn:p"><b></b></p:x>`, true},
	{"list: xml is never declared", `<x xml:lang="en"/>`, "xml", `<x xml:lang="en"></x>`, true},
	{"list: given twice", `<a xmlns:p="urn:p"><x/></a>`, "p p", `<x xmlns:p="urn:p"></x>`, false},
}

func apex(t testing.TB, src string) xmltree.Node {
	root := parse(t, src)
	for i := range root.Document().Len() {
		if n := root.Document().At(i); n.Local() == "x" {
			return n
		}
	}
	t.Fatal("no element x")
	return root
}

func TestExclusive(t *testing.T) {
	t.Parallel()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := apex(t, tt.src)
			got := string(c14n.Exclusive([]byte("kept"), n, strings.Fields(tt.list)))
			if got != "kept"+tt.want {
				t.Errorf("%s\n got %s\nwant %s", tt.src, got, tt.want)
			}
			if n.Parent().Valid() {
				return // the oracle needs the element detached
			}
			oracle, err := goxmldsig(tt.src, tt.list)
			if err != nil {
				t.Fatal(err)
			}
			if tt.oracle && oracle != tt.want {
				t.Errorf("goxmldsig disagrees: %s", oracle)
			}
		})
	}
	if got := string(c14n.Exclusive([]byte("kept"), xmltree.Node{}, nil)); got != "kept" {
		t.Errorf("of nothing: %q", got)
	}
	if got := string(c14n.Exclusive(nil, parse(t, "<a>&lt;</a>").Document().At(1), nil)); got != "&lt;" {
		t.Errorf("of text: %q", got)
	}
}

// A namespace declared once and used everywhere must not flood memory.
func TestBounded(t *testing.T) {
	t.Parallel()
	src := `<a xmlns:p="urn:` + strings.Repeat("x", 200) + `">` + strings.Repeat("<p:b/>", 10_000) + "</a>"
	root := parse(t, src)
	full := c14n.Exclusive(nil, root, nil)
	if len(full) < 30*len(src) {
		t.Fatalf("the document no longer grows: %d octets from %d", len(full), len(src))
	}
	out, err := c14n.Bounded([]byte("kept"), root, nil, 4*len(src))
	if !errors.Is(err, c14n.ErrTooLong) || len(out) > 5*len(src) {
		t.Errorf("%d octets, %v", len(out), err)
	}
	if out, err := c14n.Bounded([]byte("kept"), root, nil, len(full)); err != nil || string(out) != "kept"+string(full) {
		t.Errorf("at the limit: %v", err)
	}
	if _, err := c14n.Bounded(nil, root, nil, len(full)-1); err == nil {
		t.Error("one below the length was enough")
	}
	long := parse(t, "<a>"+strings.Repeat("x", 1000)+"</a>")
	if out, err := c14n.Bounded(nil, long, nil, 100); err == nil || len(out) > 100 {
		t.Errorf("a long text: %d octets, %v", len(out), err)
	}
}

func goxmldsig(src, list string) (string, error) {
	doc := etree.NewDocument()
	if err := doc.ReadFromString(src); err != nil {
		return "", err
	}
	out, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList(list).Canonicalize(doc.Root())
	return string(out), err
}

// TestOracle canonicalises whole messages of peers here and with goxmldsig. The
// files are those without the constructions goxmldsig is known to get wrong.
func TestOracle(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"query-request.xml", "redeem-request.xml", "redeem-response.xml", "wss4j-sha256-rsa2048-3k.xml"} {
		src := load(t, name)
		want, err := goxmldsig(src, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := string(c14n.Exclusive(nil, parse(t, src), nil)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

// Canonical form is a fixpoint of parsing and canonicalising, at every element.
func TestFixpoint(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob("testdata/*.xml")
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		fixpoint(t, src)
	}
}

func fixpoint(t *testing.T, src []byte) {
	d, err := xmltree.Parse(src, xmltree.Limits{})
	if err != nil {
		return
	}
	once := c14n.Exclusive(nil, d.Root(), nil)
	again, err := xmltree.Parse(once, xmltree.Limits{Bytes: 64 << 20, Text: 64 << 20, Namespaces: 1 << 10})
	if err != nil {
		t.Fatalf("canonical form does not parse: %v\n%s", err, once)
	}
	if twice := c14n.Exclusive(nil, again.Root(), nil); string(twice) != string(once) {
		t.Fatalf("not a fixpoint:\n%s\n%s", once, twice)
	}
	if a, b := content(d.Root()), content(again.Root()); a != b {
		t.Fatalf("content changed:\n%s\n%s", a, b)
	}
}

// content is what decoders see: expanded names, values and texts.
func content(n xmltree.Node) string {
	var b strings.Builder
	for i := n.Index(); i < n.End(); i++ {
		e := n.Document().At(i)
		if e.IsText() {
			b.WriteString(e.Data()) // runs of text may be joined by the round trip
			continue
		}
		fmt.Fprintf(&b, "\x01{%s}%s", e.Space(), e.Local())
		names := map[string]string{}
		count := 0
		for a := range e.Attrs() {
			names[a.Space+" "+a.Local] = a.Value
			count++
		}
		fmt.Fprintf(&b, "%d%v%q\x02", count, names, e.Text())
	}
	return b.String()
}

func FuzzExclusive(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.xml")
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	for _, tt := range cases {
		f.Add([]byte(tt.src))
	}
	f.Fuzz(fixpoint)
}

func BenchmarkExclusive3K(b *testing.B) {
	body := parse(b, load(b, "wss4j-sha256-rsa2048-3k.xml")).Child(soapNS, "Body")
	out := c14n.Exclusive(nil, body, nil)
	b.SetBytes(int64(len(out)))
	b.ReportAllocs()
	for b.Loop() {
		out = c14n.Exclusive(out[:0], body, nil)
	}
}

// BenchmarkDeclarations shows that cost stays linear: the time per element must
// not grow with their number (wssec.md A20).
func BenchmarkDeclarations(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 40_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var src strings.Builder
			src.WriteString("<a")
			for i := range 60 {
				fmt.Fprintf(&src, ` xmlns:p%d="urn:%d"`, i, i)
			}
			src.WriteString(">")
			for i := range n {
				fmt.Fprintf(&src, `<p%d:b p%d:c="1"/>`, i%60, (i+1)%60)
			}
			src.WriteString("</a>")
			root := parse(b, src.String())
			var out []byte
			for b.Loop() {
				out = c14n.Exclusive(out[:0], root, []string{"p1", "p2", "#default"})
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/element")
			b.ReportMetric(float64(len(out))/float64(src.Len()), "out/in")
		})
	}
}
