package dsig_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/beevik/etree"
	goxmldsig "github.com/russellhaering/goxmldsig"

	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec/c14n"
	"github.com/leasehold/leasehold/wssec/dsig"
)

var policy = dsig.Policy{
	Signatures:    []string{dsig.RSASHA256, dsig.ECDSASHA256},
	Digests:       []string{dsig.SHA256},
	MinRSABits:    2048,
	MaxReferences: 4,
	MaxPrefixes:   16,
}

const limit = 1 << 20

func parse(t testing.TB, src string) xmltree.Node {
	t.Helper()
	d, err := xmltree.Parse([]byte(src), xmltree.Limits{})
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	return d.Root()
}

func all(root xmltree.Node, match func(xmltree.Node) bool) (found []xmltree.Node) {
	for i := range root.Document().Len() {
		if n := root.Document().At(i); match(n) {
			found = append(found, n)
		}
	}
	return found
}

func byID(t testing.TB, root xmltree.Node, id string) xmltree.Node {
	t.Helper()
	found := all(root, func(n xmltree.Node) bool {
		for a := range n.Attrs() {
			if strings.EqualFold(a.Local, "id") && a.Value == id {
				return true
			}
		}
		return false
	})
	if len(found) != 1 {
		t.Fatalf("%d elements with id %s", len(found), id)
	}
	return found[0]
}

// verify checks the only signature of a document with all its references.
func verify(t testing.TB, root xmltree.Node, p dsig.Policy, key crypto.PublicKey) error {
	t.Helper()
	sigs := all(root, func(n xmltree.Node) bool { return n.Is(dsig.Space, "Signature") })
	if len(sigs) != 1 {
		t.Fatalf("%d signatures", len(sigs))
	}
	s, err := dsig.Parse(sigs[0], p)
	if err != nil {
		return err
	}
	buf := new(c14n.Buffer)
	if err := s.Verify(key, buf); err != nil {
		return err
	}
	for _, r := range s.References {
		if err := r.Check(byID(t, root, r.ID), buf, limit); err != nil {
			return err
		}
	}
	return nil
}

// TestVectors verifies messages signed by two generations of the Java stack.
func TestVectors(t *testing.T) {
	t.Parallel()
	for file, refs := range map[string]int{
		"wss4j-sha256-rsa2048-3k.xml":       1, // WSS4J 1.6, with prefix lists
		"pos-sha256-body-authtoken-bst.xml": 3, // WSS4J 1.5.1
	} {
		src, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		root := parse(t, string(src))
		token := all(root, func(n xmltree.Node) bool { return n.Local() == "BinarySecurityToken" })[0]
		der, err := dsig.DecodeBase64(token.Text())
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		lenient := policy
		lenient.MinRSABits = 1024
		if err := verify(t, root, lenient, cert.PublicKey); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if n := strings.Count(string(src), "<ds:Reference "); n != refs {
			t.Errorf("%s has %d references", file, n)
		}
		tampered := strings.Replace(string(src), "</soapenv:Body>", "x</soapenv:Body>", 1)
		if tampered == string(src) {
			t.Fatalf("%s: nothing to tamper with", file)
		}
		if err := verify(t, parse(t, tampered), lenient, cert.PublicKey); !errors.Is(err, dsig.ErrDigest) {
			t.Errorf("%s tampered: %v", file, err)
		}
	}
}

var (
	rsaKey, _ = rsa.GenerateKey(rand.Reader, 2048)
	ecKey, _  = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
)

const payload = `<p:a xmlns:p="urn:p" Id="x"><b>text &amp; more</b></p:a>`

// sign makes a document that holds a payload and a signature over it.
func sign(t testing.TB, key crypto.Signer) string {
	t.Helper()
	method, err := dsig.MethodFor(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	info := dsig.AppendSignedInfo(nil, method, []dsig.Part{{ID: "x", Octets: []byte(payload)}})
	value, err := dsig.Sign(key, info)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`<doc>%s<ds:Signature xmlns:ds="%s">%s<ds:SignatureValue>%s</ds:SignatureValue><ds:KeyInfo/></ds:Signature></doc>`,
		payload, dsig.Space, info, base64.StdEncoding.EncodeToString(value))
}

func TestSign(t *testing.T) {
	t.Parallel()
	for _, key := range []crypto.Signer{rsaKey, ecKey} {
		src := sign(t, key)
		if again := sign(t, key); again != src {
			t.Errorf("%T: signing is not a function of its arguments", key)
		}
		root := parse(t, src)
		if err := verify(t, root, policy, key.Public()); err != nil {
			t.Errorf("%T: %v", key, err)
		}
		// What was hashed is what a verifier canonicalises.
		info := all(root, func(n xmltree.Node) bool { return n.Local() == "SignedInfo" })[0]
		if got, want := string(c14n.Exclusive(nil, info, nil)), string(info.Source()); got != want {
			t.Errorf("SignedInfo is not canonical:\n%s\n%s", want, got)
		}
		if err := verify(t, parse(t, strings.Replace(src, "text", "test", 1)), policy, key.Public()); !errors.Is(err, dsig.ErrDigest) {
			t.Errorf("%T: tampered payload: %v", key, err)
		}
		bad := strings.Replace(src, `URI="#x"`, `URI="#y"`, 1)
		if err := verify(t, parse(t, bad), policy, key.Public()); !errors.Is(err, dsig.ErrSignature) {
			t.Errorf("%T: tampered SignedInfo: %v", key, err)
		}
	}
}

// TestOracle verifies what goxmldsig signed.
func TestOracle(t *testing.T) {
	t.Parallel()
	ctx, err := goxmldsig.NewSigningContext(rsaKey, [][]byte{[]byte("no certificate")})
	if err != nil {
		t.Fatal(err)
	}
	ctx.IdAttribute = "Id"
	ctx.Canonicalizer = goxmldsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	doc := etree.NewDocument()
	if err := doc.ReadFromString(payload); err != nil {
		t.Fatal(err)
	}
	sig, err := ctx.ConstructSignature(doc.Root(), false)
	if err != nil {
		t.Fatal(err)
	}
	out := etree.NewDocument()
	root := out.CreateElement("doc")
	root.AddChild(doc.Root().Copy())
	root.AddChild(sig)
	src, err := out.WriteToString()
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(t, parse(t, src), policy, rsaKey.Public()); err != nil {
		t.Errorf("%v\n%s", err, src)
	}
}

// Every deviation from the one accepted shape is refused before any key is
// looked at, with its cause (wssec.md A11, A12, A13, A15, A20).
func TestRefused(t *testing.T) {
	t.Parallel()
	good := sign(t, ecKey)
	const transform = `<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:Transform>`
	const method = `<ds:SignatureMethod Algorithm="` + dsig.ECDSASHA256 + `"></ds:SignatureMethod>`
	reference := good[strings.Index(good, "<ds:Reference"):strings.Index(good, "</ds:SignedInfo>")]
	other := func(i int) string { return strings.Replace(reference, "#x", fmt.Sprintf("#x%d", i), 1) }
	for _, tt := range []struct {
		name, old, new string
		cause          error
	}{
		{"another element", "ds:Signature ", "ds:Signatur ", nil},
		{"HMAC", dsig.ECDSASHA256, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", dsig.ErrAlgorithm},
		{"HMAC with SHA-1", dsig.ECDSASHA256, "http://www.w3.org/2000/09/xmldsig#hmac-sha1", dsig.ErrAlgorithm},
		{"RSA with SHA-1", dsig.ECDSASHA256, "http://www.w3.org/2000/09/xmldsig#rsa-sha1", dsig.ErrAlgorithm},
		{"RSA with MD5", dsig.ECDSASHA256, "http://www.w3.org/2001/04/xmldsig-more#rsa-md5", dsig.ErrAlgorithm},
		{"DSA", dsig.ECDSASHA256, "http://www.w3.org/2000/09/xmldsig#dsa-sha1", dsig.ErrAlgorithm},
		{"no method", dsig.ECDSASHA256, "", dsig.ErrAlgorithm},
		{"SHA-1 digest", dsig.SHA256, "http://www.w3.org/2000/09/xmldsig#sha1", dsig.ErrAlgorithm},
		{"truncated HMAC", `xmldsig-more#ecdsa-sha256">`, `xmldsig-more#ecdsa-sha256"><ds:HMACOutputLength>1</ds:HMACOutputLength>`, dsig.ErrShape},
		{"text in method", `xmldsig-more#ecdsa-sha256">`, `xmldsig-more#ecdsa-sha256">1`, dsig.ErrShape},
		{"digest with parameters", dsig.SHA256 + `">`, dsig.SHA256 + `"><ds:X/>`, dsig.ErrShape},
		{"inclusive SignedInfo", `<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"`,
			`<ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"`, dsig.ErrAlgorithm},
		{"SignedInfo with comments", `<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"`,
			`<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#WithComments"`, dsig.ErrAlgorithm},
		{"XSLT", transform, `<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/>`, dsig.ErrAlgorithm},
		{"XPath", transform, `<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"/>`, dsig.ErrAlgorithm},
		{"XPath filter", transform, `<ds:Transform Algorithm="http://www.w3.org/2002/06/xmldsig-filter2"/>`, dsig.ErrAlgorithm},
		{"enveloped", transform, `<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>`, dsig.ErrAlgorithm},
		{"base64 transform", transform, `<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#base64"/>`, dsig.ErrAlgorithm},
		{"decrypt transform", transform, `<ds:Transform Algorithm="http://www.w3.org/2002/07/decrypt#XML"/>`, dsig.ErrAlgorithm},
		{"token transform", transform, `<ds:Transform Algorithm="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform"/>`, dsig.ErrAlgorithm},
		{"two transforms", transform, transform + transform, dsig.ErrReference},
		{"no transform", transform, "", dsig.ErrReference},
		{"no transforms", "<ds:Transforms>" + transform + "</ds:Transforms>", "", dsig.ErrShape},
		{"unknown parameter", `exc-c14n#"></ds:Transform>`, `exc-c14n#"><ds:XPath/></ds:Transform>`, dsig.ErrShape},
		{"parameter with children", `exc-c14n#"></ds:Transform>`, `exc-c14n#"><InclusiveNamespaces xmlns="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="p"><x/></InclusiveNamespaces></ds:Transform>`, dsig.ErrShape},
		{"long prefix list", `exc-c14n#"></ds:Transform>`, `exc-c14n#"><InclusiveNamespaces xmlns="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="` + strings.Repeat("p ", 17) + `"/></ds:Transform>`, dsig.ErrReference},
		{"http reference", `"#x"`, `"http://127.0.0.1:1/x"`, dsig.ErrReference},
		{"file reference", `"#x"`, `"file:///etc/passwd"`, dsig.ErrReference},
		{"whole document", `"#x"`, `""`, dsig.ErrReference},
		{"no URI", ` URI="#x"`, ``, dsig.ErrReference},
		{"foreign URI", ` URI="#x"`, ` ds:URI="#x"`, dsig.ErrShape},
		{"xpointer root", `"#x"`, `"#xpointer(/)"`, dsig.ErrReference},
		{"xpointer id", `"#x"`, `"#xpointer(id('x'))"`, dsig.ErrReference},
		{"relative reference", `"#x"`, `"x"`, dsig.ErrReference},
		{"empty id", `"#x"`, `"#"`, dsig.ErrReference},
		{"id with a digit first", `"#x"`, `"#1"`, dsig.ErrReference},
		{"id beyond ASCII", `"#x"`, `"#é"`, dsig.ErrReference},
		{"manifest", `<ds:Reference URI`, `<ds:Reference Type="http://www.w3.org/2000/09/xmldsig#Manifest" URI`, dsig.ErrShape},
		{"no reference", reference, "", dsig.ErrShape},
		{"same reference twice", reference, reference + reference, dsig.ErrReference},
		{"five references", reference, reference + other(1) + other(2) + other(3) + other(4), dsig.ErrShape},
		{"other reference", reference, strings.ReplaceAll(reference, "ds:Reference", "ds:Referenz"), dsig.ErrShape},
		{"object", "<ds:KeyInfo/>", "<ds:KeyInfo/><ds:Object/>", dsig.ErrShape},
		{"object for key", "<ds:KeyInfo/>", "<ds:Object/>", dsig.ErrShape},
		{"two key infos", "<ds:KeyInfo/>", "<ds:KeyInfo/><ds:KeyInfo/>", dsig.ErrShape},
		{"no value", good[strings.Index(good, "<ds:SignatureValue>"):strings.Index(good, "<ds:KeyInfo")], "", dsig.ErrShape},
		{"text in signature", "<ds:KeyInfo/>", "x<ds:KeyInfo/>", dsig.ErrShape},
		{"foreign attribute", "<ds:SignedInfo ", `<ds:SignedInfo x="1" `, dsig.ErrShape},
		{"value not base64", "<ds:SignatureValue>", "<ds:SignatureValue>!", dsig.ErrShape},
		{"value with a child", "<ds:SignatureValue>", "<ds:SignatureValue><x/>", dsig.ErrShape},
		{"long digest", "<ds:DigestValue>", "<ds:DigestValue>AAAA", dsig.ErrShape},
		{"swapped children", method, "", dsig.ErrShape},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bad := strings.Replace(good, tt.old, tt.new, 1)
			if bad == good {
				t.Fatal("nothing changed")
			}
			if tt.cause == nil {
				bad = strings.Replace(bad, "</ds:Signature>", "</ds:Signatur>", 1)
				tt.cause = dsig.ErrShape
			}
			root := parse(t, bad)
			var sig xmltree.Node
			for c := range root.Children() {
				sig = c
			}
			if _, err := dsig.Parse(sig, policy); !errors.Is(err, tt.cause) {
				t.Errorf("%v; want %v", err, tt.cause)
			}
		})
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if _, err := dsig.MethodFor(p384.Public()); !errors.Is(err, dsig.ErrKey) {
		t.Errorf("P-384: %v", err)
	}
	otherEC, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	onlyRSA, noDigest := policy, policy
	onlyRSA.Signatures = []string{dsig.RSASHA256}
	noDigest.Digests = nil
	longer := policy
	longer.MinRSABits = 3072
	for _, tt := range []struct {
		name   string
		signer crypto.Signer
		key    crypto.PublicKey
		policy dsig.Policy
		cause  error
	}{
		{"ECDSA checked with RSA", ecKey, rsaKey.Public(), policy, dsig.ErrKey},
		{"RSA checked with ECDSA", rsaKey, ecKey.Public(), policy, dsig.ErrKey},
		{"another curve", ecKey, p384.Public(), policy, dsig.ErrKey},
		{"another key", ecKey, otherEC.Public(), policy, dsig.ErrSignature},
		{"RSA too short", rsaKey, rsaKey.Public(), longer, dsig.ErrKey},
		{"algorithm not in the policy", ecKey, ecKey.Public(), onlyRSA, dsig.ErrAlgorithm},
		{"digest not in the policy", ecKey, ecKey.Public(), noDigest, dsig.ErrAlgorithm},
		{"zero policy", rsaKey, rsaKey.Public(), dsig.Policy{MaxReferences: 1}, dsig.ErrAlgorithm},
		{"no key", ecKey, nil, policy, dsig.ErrKey},
	} {
		if err := verify(t, parse(t, sign(t, tt.signer)), tt.policy, tt.key); !errors.Is(err, tt.cause) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	// XML Signature has r and s of fixed width, never DER.
	good := sign(t, ecKey)
	from, to := strings.Index(good, "<ds:SignatureValue>")+len("<ds:SignatureValue>"), strings.Index(good, "</ds:SignatureValue>")
	for _, value := range [][]byte{make([]byte, 64), make([]byte, 63), make([]byte, 65), make([]byte, 1)} {
		bad := good[:from] + base64.StdEncoding.EncodeToString(value) + good[to:]
		if err := verify(t, parse(t, bad), policy, ecKey.Public()); !errors.Is(err, dsig.ErrSignature) {
			t.Errorf("value of %d octets: %v", len(value), err)
		}
	}
}

// The bound on canonical form holds for signed elements too.
func TestCheckIsBounded(t *testing.T) {
	t.Parallel()
	root := parse(t, sign(t, ecKey))
	s, err := dsig.Parse(root.Child(dsig.Space, "Signature"), policy)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.References[0].Check(byID(t, root, "x"), nil, 10); !errors.Is(err, dsig.ErrDigest) {
		t.Errorf("over the bound: %v", err)
	}
}

func TestDecodeBase64(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"YQ==": "a", " Y\tQ\r\n= = ": "a", "": "",
		"YQ": "error", "YR==": "error", "YQ==YQ==": "error", "Y\u00a0Q ==": "error", "YQ-_": "error",
	} {
		got, err := dsig.DecodeBase64(text)
		if err != nil {
			got = []byte("error")
		}
		if string(got) != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
