package inspect

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What other implementations signed is found signed, and what they canonicalised
// comes out the same.
func TestParts(t *testing.T) {
	t.Parallel()
	m, err := Parse(read(t, "redeem-request.xml"))
	if err != nil {
		t.Fatal(err)
	}
	if string(m.Parts[0].Canonical()) != string(read(t, "redeem-request.body.c14n")) || m.Parts[0].Name != "Body" {
		t.Error("the canonical Body differs")
	}
	if string(m.Signature.Canonical()) != string(read(t, "redeem-request.signedinfo.c14n")) || m.Signature.SignedInfo != len(m.Signature.Canonical()) {
		t.Error("the canonical SignedInfo differs")
	}
	if m.GUID != "33333333-3333-4333-8333-333333333333" || m.Name != "sm" {
		t.Errorf("from %q %q", m.GUID, m.Name)
	}
}

// Whatever form of token, transform and key other stacks sign with, it is found to
// hold; inclusive canonical form alone is not known here.
func TestEveryStack(t *testing.T) {
	t.Parallel()
	const dir = "../../../wssec/testdata/wss4j/"
	files, err := filepath.Glob(dir + "*.xml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	whole, err := Parse(read(t, "../"+dir+"zeep-bst-rsa2048.xml"))
	if err != nil {
		t.Fatal(err)
	}
	named, err := whole.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		m, err := Parse(read(t, "../"+file))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		cert, err := m.Certificate()
		if err != nil {
			cert = named // the message has only its name
		}
		m.Verify(cert.PublicKey)
		want := strings.Contains(file, "inclc14n")
		if (len(m.Problems) > 0) != want || m.Signature.Holds == want || !m.Parts[0].Signed {
			t.Errorf("%s: holds %v, signed %v, problems %q", file, m.Signature.Holds, m.Parts[0].Signed, m.Problems)
		}
		if m.SignedWith(named.PublicKey) != cert.Equal(named) && !want {
			t.Errorf("%s: the wrong key verifies", file)
		}
	}
}

// What was recorded on the wire, chunks, packages and all, is the message that was
// sent.
func TestStripRecorded(t *testing.T) {
	t.Parallel()
	const soap, endpoint = "../../../../wssec/testdata/soap/", "../../../../actors/endpoint/testdata/"
	want := strings.TrimSpace(string(read(t, soap+"request-signed.envelope.xml")))
	chunked := read(t, endpoint+"recorded/request-signed.http")
	if got := strings.TrimSpace(string(Strip(chunked))); got != want {
		t.Errorf("chunked and packed:\n%.300s", got)
	}
	mime := read(t, endpoint+"redeem-request.mime")
	for name, data := range map[string][]byte{
		"package": mime, "answer": read(t, soap+"response-signed.http"), "request without a length": read(t, soap+"request-signed-independent.http"), "unsigned": read(t, endpoint+"recorded/request-nosign.http"),
	} {
		if m, err := Parse(Strip(data)); err != nil || (m.Signature == nil) != (name == "unsigned") {
			t.Errorf("%s: %v", name, err)
		} else if len(m.Problems) > 0 && name != "unsigned" {
			t.Errorf("%s: %q", name, m.Problems)
		}
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		signed  string // parts
		problem string // the first, or none
	}{
		"redeem-request.xml":                {"Body", ""},
		"pos-sha256-body-authtoken-bst.xml": {"Body BinarySecurityToken AuthToken", ""},
		"wss4j-sha256-rsa2048-3k.xml":       {"Body", ""},
		"neg-body-tampered.xml":             {"", "digest is"},
		"neg-duplicate-id.xml":              {"", "2 elements have this id"},
		"neg-xsw-header-wrap.xml":           {"", "elsewhere in the message"},
		"xsw-wrapped.xml":                   {"", "reference"},
		"neg-only-header-signed.xml":        {"AuthToken", "Body is not signed"},
		"neg-no-security.xml":               {"", "no signature"},
		"wss4j-ski-rsa2048-3k.xml":          {"Body", "no security token"},
	} {
		m, err := Parse(read(t, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		cert, err := m.Certificate()
		if err == nil {
			if held := m.SignedWith(cert.PublicKey); m.Signature != nil && !held {
				t.Errorf("%s: the signature value does not hold", name)
			}
			m.Verify(cert.PublicKey)
		} else if len(m.Problems) == 0 {
			m.Problems = append(m.Problems, err.Error())
		}
		var signed []string
		for _, p := range m.Parts {
			if p.Signed {
				signed = append(signed, p.Name)
			}
		}
		if got := strings.Join(signed, " "); got != tt.signed {
			t.Errorf("%s: signed are %q, want %q", name, got, tt.signed)
		}
		if all := strings.Join(m.Problems, "; "); (all == "") != (tt.problem == "") || !strings.Contains(all, tt.problem) {
			t.Errorf("%s: problems %q, want %q", name, all, tt.problem)
		}
	}
}

// Changing any octet of the signature or of what it covers is noticed.
func TestSignatureValue(t *testing.T) {
	t.Parallel()
	text := string(read(t, "redeem-request.xml"))
	other, err := Parse(read(t, "wss4j-sha256-rsa2048-3k.xml"))
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := other.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	m, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	m.Verify(stranger.PublicKey)
	if m.Signature.Holds || len(m.Problems) != 1 {
		t.Errorf("with a stranger's key: %q", m.Problems)
	}
	for _, tt := range []struct{ old, new, says string }{
		{"rsa-sha1", "rsa-md5", "not known"}, {"xmldsig#sha1", "xmldsig#md5", "not known"},
		{"xml-exc-c14n#", "xml-c14n11", ""}, {`URI="#id-`, `URI="http://x/id-`, "outside"}, {`URI="#id-`, `URI="#jd-`, "no element"},
	} {
		changed := strings.Replace(text, tt.old, tt.new, 1)
		m, err := Parse([]byte(changed))
		if err != nil || changed == text {
			t.Fatal(err, tt.old)
		}
		cert, err := m.Certificate()
		if err != nil {
			t.Fatal(err)
		}
		m.Verify(cert.PublicKey)
		if all := strings.Join(m.Problems, "; "); all == "" || !strings.Contains(all, tt.says) {
			t.Errorf("%s for %s: %q", tt.new, tt.old, all)
		}
	}
}

func TestStripAndParse(t *testing.T) {
	t.Parallel()
	text := "<?xml version='1.0'?><Envelope xmlns=\"" + soapNS + "\"><Body><x/></Body></Envelope>"
	for _, head := range []string{"", "POST /x HTTP/1.1\r\nHost: y\r\n\r\n", "HTTP/1.1 200 OK\nA: b\n\n"} {
		if m, err := Parse(Strip([]byte(head + text))); err != nil || len(m.Parts) != 1 {
			t.Errorf("%q: %v", head, err)
		}
	}
	for _, bad := range []string{"", "x", "<a/>", `<Envelope xmlns="` + soapNS + `"/>`, text + text} {
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%q was parsed", bad)
		}
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	a := read(t, "redeem-request.xml")
	for name, tt := range map[string]struct {
		a, b       string
		same       bool
		part, show string
	}{
		"itself":             {string(a), string(a), true, "Body", ""},
		"tampered":           {string(a), string(read(t, "neg-body-tampered.xml")), false, "Body", "units"},
		"other spelling":     {"<a b='1' c='2'/>", "<a  c=\"2\" b=\"1\"></a>", true, "Document", ""},
		"one is longer":      {"<a><b/></a>", "<a></a>", false, "Document", "<b>"},
		"on the second line": {"<a>\nx</a>", "<a>\ny</a>", false, "Document", "x"},
	} {
		d, err := Diff([]byte(tt.a), []byte(tt.b))
		if err != nil || d.Same != tt.same || d.Part != tt.part || !strings.Contains(d.A, tt.show) || !tt.same && d.A == d.B {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
	if d, _ := Diff([]byte("<a>\nx</a>"), []byte("<a>\ny</a>")); d.Line != 2 || d.Offset != 4 {
		t.Errorf("place %+v", d)
	}
	for _, bad := range []string{"", "<a>"} {
		if _, err := Diff([]byte(bad), a); err == nil {
			t.Errorf("%q compared", bad)
		}
		if _, err := Diff(a, []byte(bad)); err == nil {
			t.Errorf("%q compared", bad)
		}
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.xml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		f.Add(read(f, filepath.Base(name)))
	}
	f.Add([]byte("POST / HTTP/1.1\r\n\r\n<a/>"))
	key := func() any {
		m, err := Parse(read(f, "redeem-request.xml"))
		if err != nil {
			f.Fatal(err)
		}
		c, err := m.Certificate()
		if err != nil {
			f.Fatal(err)
		}
		return c.PublicKey
	}()
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(Strip(data))
		if err != nil {
			return
		}
		if cert, err := m.Certificate(); err == nil {
			m.SignedWith(cert.PublicKey)
		}
		m.Verify(key)
		if m.Signature != nil && m.Signature.Holds && m.Signature.Problem != "" {
			t.Errorf("holds, with a problem: %+v", m.Signature)
		}
	})
}
