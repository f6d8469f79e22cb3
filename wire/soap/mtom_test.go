package soap_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/wire/soap"
)

// javaType is the content type that goes with testdata/mtom/redeem-request.mime.
const javaType = `multipart/related; boundary=MIMEBoundaryurn_uuid_889A1B47C878FF1A6F1795312421901; type="application/xop+xml"; ` +
	`start="<0.urn:uuid:889A1B47C878FF1A6F1795312421902@apache.org>"; start-info="text/xml"; charset=UTF-8`

func TestUnpackJava(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile("testdata/mtom/redeem-request.mime")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/mtom/redeem-request.xml")
	if err != nil {
		t.Fatal(err)
	}
	got, p, err := soap.Unpack(javaType, body)
	if err != nil || p != soap.MTOM || !bytes.Equal(bytes.TrimSpace(got), bytes.TrimSpace(want)) {
		t.Fatalf("%v %v: %d octets, want %d", err, p, len(got), len(want))
	}
}

func TestPack(t *testing.T) {
	t.Parallel()
	contentType, body := soap.Pack("0123ABCD", []byte("<e/>"))
	got, p, err := soap.Unpack(contentType, body)
	if err != nil || p != soap.MTOM || string(got) != "<e/>" {
		t.Errorf("%q %v %v", got, p, err)
	}
	plain, p, err := soap.Unpack(soap.PlainType, []byte("<e/>"))
	if err != nil || p != soap.Plain || string(plain) != "<e/>" {
		t.Errorf("%q %v %v", plain, p, err)
	}
}

// What differs from the packaging of the Java stack and is taken all the same has a
// file each: its Content-Type, an empty line, and the octets.
func TestLoosePackaging(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/loose/*.mime")
	if err != nil || len(files) != 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		head, body, _ := strings.Cut(string(data), "\r\n\r\n")
		got, p, err := soap.Unpack(strings.TrimPrefix(head, "Content-Type: "), []byte(body))
		if err != nil || p != soap.MTOM || string(got) != "<e/>" {
			t.Errorf("%s: %q, %v, %v", file, got, p, err)
		}
	}
}

// What other packagings get (wssec A19, A29).
func TestUnpack(t *testing.T) {
	t.Parallel()
	const (
		kind = `multipart/related; boundary=B; type="application/xop+xml"; start="<r>"; start-info="text/xml"`
		root = "--B\r\ncontent-type: application/xop+xml; charset=UTF-8; type=\"text/xml\";\r\ncontent-id: <r>\r\n\r\n<e/>"
		end  = "\r\n--B--\r\n"
	)
	change := func(s, old, new string) string {
		out := strings.Replace(s, old, new, 1)
		if out == s {
			t.Fatalf("no %q in %q", old, s)
		}
		return out
	}
	part := func(id, content string) string {
		return "\r\n--B\r\ncontent-id: " + id + "\r\n\r\n" + content
	}
	for _, tt := range []struct {
		name, kind, body string
		ok               bool
	}{
		{"good", kind, root + end, true},
		{"capitals", change(strings.ToUpper(kind), `"<R>"`, `"<r>"`), root + end, true},
		{"no start", change(kind, ` start="<r>";`, ""), root + end, true},
		{"no start-info", change(kind, `; start-info="text/xml"`, ""), root + end, true},
		{"quoted boundary", change(kind, "=B", `="B"`), root + end, true},
		{"empty line before", kind, "\r\n" + root + end, true},
		{"no last boundary", kind, root, true},
		{"empty part beside", kind, root + part("<x>", "") + end, true},
		{"root second", kind, change(root, "<r>", "<x>")[:len(root)-4] + "\r\n" + root + end, true},
		{"four parts", kind, root + part("<a>", "") + part("<b>", "") + part("<c>", "") + end, true},
		{"five parts", kind, root + part("<a>", "") + part("<b>", "") + part("<c>", "") + part("<d>", "") + end, false},
		{"another part", kind, root + part("<x>", "octets") + end, false},
		{"two root parts", kind, root + "\r\n" + root + end, false},
		{"two parts without id", change(kind, ` start="<r>";`, ""), change(root, "content-id: <r>\r\n", "") + "\r\n--B\r\n\r\n" + end, false},
		{"start of no part", change(kind, `"<r>"`, `"<q>"`), change(root, "<e/>", "") + end, false},
		{"wrong start", change(kind, `"<r>"`, `"<q>"`), root + end, false},
		{"SOAP 1.2", change(kind, `start-info="text/xml"`, `start-info="application/soap+xml"`), root + end, false},
		{"type of another", change(kind, `xop+xml`, `pdf`), root + end, false},
		{"no type", change(kind, ` type="application/xop+xml";`, ``), root + end, false},
		{"no boundary", change(kind, " boundary=B;", ""), root + end, false},
		{"boundary of 70", change(kind, "=B", "="+strings.Repeat("b", 70)), strings.ReplaceAll(root+end, "--B", "--"+strings.Repeat("b", 70)), true},
		{"boundary of 71", change(kind, "=B", "="+strings.Repeat("b", 71)), strings.ReplaceAll(root+end, "--B", "--"+strings.Repeat("b", 71)), false},
		{"boundary of strange characters", change(kind, "=B", "=\"B\x01\""), strings.ReplaceAll(root+end, "--B", "--B\x01"), false},
		{"parameter twice", kind + "; boundary=C", root + end, false},
		{"parameter without value", kind + "; x", root + end, false},
		{"quote not ended", change(kind, `"text/xml"`, `"text/xml`), root + end, false},
		{"something after a quote", change(kind, `"text/xml"`, `"text/xml"x`), root + end, false},
		{"Latin-1", kind + "; charset=iso-8859-1", root + end, false},
		{"Latin-1 part", kind, change(root, "UTF-8", "iso-8859-1") + end, false},
		{"part of another type", kind, change(root, "xop+xml", "soap+xml") + end, false},
		{"part for SOAP 1.2", kind, change(root, "text/xml", "application/soap+xml") + end, false},
		{"base64 part", kind, change(root, "content-id", "content-transfer-encoding: base64\r\ncontent-id") + end, false},
		{"preamble", kind, "hello\r\n" + root + end, false},
		{"epilogue", kind, root + end + "hello", false},
		{"line feeds alone", kind, strings.ReplaceAll(root+end, "\r\n", "\n"), false},
		{"boundary in the content", kind, change(root, "<e/>", "<e>\r\n--B--\r\n</e>") + end, false},
		{"folded header", kind, change(root, "charset", "\r\n charset") + end, false},
		{"header twice", kind, change(root, "content-id", "content-id: <q>\r\ncontent-id") + end, false},
		{"many headers", kind, change(root, "content-id", strings.Repeat("x", 3)+": y\r\n"+manyHeaders()+"content-id") + end, false},
		{"long header", kind, change(root, "content-id", "x: "+strings.Repeat("y", 1100)+"\r\ncontent-id") + end, false},
		{"header never ends", kind, "--B\r\ncontent-type: application/xop+xml", false},
		{"only a boundary", kind, "--B", false},
		{"only boundaries", kind, "--B--", false},
		{"nothing", kind, "", false},
		{"no content type", "", "<e/>", false},
		{"SOAP 1.2, plain", "application/soap+xml", "<e/>", false},
		{"form", "multipart/form-data; boundary=B", root + end, false},
		{"plain in Latin-1", "text/xml; charset=iso-8859-1", "<e/>", false},
		{"plain", "Text/XML ; Charset=utf-8;", "<e/>", true},
	} {
		got, _, err := soap.Unpack(tt.kind, []byte(tt.body))
		if (err == nil) != tt.ok || err == nil && string(got) != "<e/>" {
			t.Errorf("%s: %q %v", tt.name, got, err)
		}
		if err != nil && !errors.Is(err, soap.ErrPackaging) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func manyHeaders() string {
	var b strings.Builder
	for c := 'a'; c <= 'q'; c++ {
		b.WriteString(string(c) + ": 1\r\n")
	}
	return b.String()
}

// FuzzUnpack: whatever comes out was in the body.
func FuzzUnpack(f *testing.F) {
	body, err := os.ReadFile("testdata/mtom/redeem-request.mime")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(javaType, body)
	f.Add(soap.PlainType, []byte("<e/>"))
	kind, packed := soap.Pack("AB", []byte("<e/>"))
	f.Add(kind, packed)
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		got, p, err := soap.Unpack(kind, body)
		switch {
		case err != nil && !errors.Is(err, soap.ErrPackaging):
			t.Fatal(err)
		case err == nil && (p == 0 || !bytes.Contains(body, got)):
			t.Fatalf("%v: %q", p, got)
		}
	})
}
