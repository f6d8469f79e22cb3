package wssec_test

import (
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/c14n"
	"github.com/leasehold/leasehold/wssec/dsig"
)

// Every way of naming a key but the one agreed is refused (wssec.md A11); those
// that a policy can allow are in TestPeerSettings.
func TestA11KeyConfusion(t *testing.T) {
	info := func(content string) func(*testing.T, string, map[string]string) string {
		return func(t *testing.T, good string, _ map[string]string) string {
			_, old := cut(t, good, "ds:KeyInfo")
			return swap(t, good, old, "<ds:KeyInfo>"+content+"</ds:KeyInfo>")
		}
	}
	str := func(content string) func(*testing.T, string, map[string]string) string {
		return info("<wsse:SecurityTokenReference>" + content + "</wsse:SecurityTokenReference>")
	}
	// The pin has this certificate: but for its policy such a message would open.
	alone := func(content string) func(*testing.T, string, map[string]string) string {
		return func(t *testing.T, good string, ids map[string]string) string {
			rest, _ := cut(t, str(content)(t, good, ids), "wsse:BinarySecurityToken")
			return rest
		}
	}
	cert, thumb := base64.StdEncoding.EncodeToString(smRSA().Cert.Raw), sha1.Sum(smRSA().Cert.Raw)
	tokenText := func(text string) func(*testing.T, string, map[string]string) string {
		return subst(">"+cert+"<", ">"+text+"<")
	}
	var cases []legacyCase
	for name, make := range map[string]func(*testing.T, string, map[string]string) string{
		"no KeyInfo": func(t *testing.T, good string, _ map[string]string) string {
			rest, _ := cut(t, good, "ds:KeyInfo")
			return rest
		},
		"nothing in it":           info(""),
		"KeyValue":                info(`<ds:KeyValue><ds:RSAKeyValue/></ds:KeyValue>`),
		"KeyName":                 info(`<ds:KeyName>sm</ds:KeyName>`),
		"X509Data outside STR":    info(`<ds:X509Data><ds:X509Certificate>` + cert + `</ds:X509Certificate></ds:X509Data>`),
		"RetrievalMethod":         info(`<ds:RetrievalMethod URI="#x"/>`),
		"SAML":                    info(`<a:Assertion xmlns:a="urn:oasis:names:tc:SAML:1.0:assertion"/>`),
		"DerivedKeyToken":         str(`<c:DerivedKeyToken xmlns:c="http://schemas.xmlsoap.org/ws/2005/02/sc"/>`),
		"X509Data in STR":         str(`<ds:X509Data><ds:X509Certificate>` + cert + `</ds:X509Certificate></ds:X509Data>`),
		"issuer and serial":       str(`<ds:X509Data><ds:X509IssuerSerial/></ds:X509Data>`),
		"X509 key identifier":     str(`<wsse:KeyIdentifier ValueType="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3">` + cert + `</wsse:KeyIdentifier>`),
		"key identifier":          str(`<wsse:KeyIdentifier ValueType="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509SubjectKeyIdentifier">AAAA</wsse:KeyIdentifier>`),
		"thumbprint":              str(`<wsse:KeyIdentifier ValueType="http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1">AAAA</wsse:KeyIdentifier>`),
		"embedded token":          str(`<wsse:Embedded/>`),
		"two references":          str(`<wsse:Reference URI="#a"/><wsse:Reference URI="#b"/>`),
		"reference elsewhere":     str(`<wsse:Reference URI="http://127.0.0.1:1/"/>`),
		"PKIPath":                 subst(`#X509v3" wsu:Id`, `#X509PKIPathv1" wsu:Id`),
		"PEM":                     tokenText("-----BEGIN CERTIFICATE-----" + cert + "-----END CERTIFICATE-----"),
		"two certificates":        tokenText(base64.StdEncoding.EncodeToString(slices.Concat(smRSA().Cert.Raw, evil.Cert.Raw))),
		"octet after certificate": tokenText(base64.StdEncoding.EncodeToString(append(slices.Clone(smRSA().Cert.Raw), 0))),
		"certificate alone":       alone(`<ds:X509Data><ds:X509Certificate>` + cert + `</ds:X509Certificate></ds:X509Data>`),
		"thumbprint alone":        alone(`<wsse:KeyIdentifier ValueType="http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1">` + base64.StdEncoding.EncodeToString(thumb[:]) + `</wsse:KeyIdentifier>`),
		"reference to Body":       subst(`<wsse:Reference URI="#{BinarySecurityToken}"`, `<wsse:Reference URI="#{Body}"`),
	} {
		cases = append(cases, legacyCase{name, make, wssec.ErrToken})
	}
	cases = append(cases,
		legacyCase{"token outside Security", func(t *testing.T, good string, _ map[string]string) string {
			rest, token := cut(t, good, "wsse:BinarySecurityToken")
			return swap(t, rest, "<sec:AuthToken", swap(t, token, "<wsse:BinarySecurityToken", `<wsse:BinarySecurityToken xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"`)+"<sec:AuthToken")
		}, wssec.ErrShape},
		legacyCase{"another's certificate", tokenText(base64.StdEncoding.EncodeToString(evil.Cert.Raw)), wssec.ErrUntrusted},
		legacyCase{"UsernameToken", subst("<ds:Signature ", "<wsse:UsernameToken/><ds:Signature "), wssec.ErrShape},
	)
	runLegacy(t, cases)
}

func TestA12HMACWithPublicKey(t *testing.T) {
	var cases []legacyCase
	for _, name := range []string{
		"http://www.w3.org/2000/09/xmldsig#hmac-sha1", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
		"http://www.w3.org/2001/04/xmldsig-more#hmac-sha512", "http://www.w3.org/2001/04/xmldsig-more#hmac-md5",
	} {
		cases = append(cases, legacyCase{name, subst(dsig.RSASHA1, name), dsig.ErrAlgorithm},
			legacyCase{name + ", truncated", subst(dsig.RSASHA1+`"/>`, name+`"><ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>`), dsig.ErrShape})
	}
	cases = append(cases, legacyCase{"RSA with a length", subst(dsig.RSASHA1+`"/>`, dsig.RSASHA1+`"><ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>`), dsig.ErrShape})
	runLegacy(t, cases)
}

// Each algorithm against each policy (wssec.md A13, WT7). What Strict takes is in
// package dsig's tests.
func TestA13AlgorithmDowngrade(t *testing.T) {
	t.Parallel()
	good, _ := legacyGood(t, wssec.LegacyStrong)
	policies := []wssec.Policy{
		wssec.Legacy.Policy(), wssec.LegacyStrong.Policy(), {Profile: wssec.LegacyStrong, Mutual: true},
		{Profile: wssec.Legacy, Signatures: []string{dsig.RSASHA256}}, {Profile: wssec.Legacy, Signatures: []string{dsig.DSASHA1, dsig.ECDSASHA256}},
	}
	const more = "http://www.w3.org/2001/04/xmldsig-more#"
	for method, allowed := range map[string][5]bool{
		dsig.RSASHA1:     {true, true, false, false, false},
		dsig.RSASHA256:   {true, true, true, true, false},
		dsig.RSASHA512:   {true, true, true, false, false},
		dsig.DSASHA1:     {4: true},
		dsig.ECDSASHA256: {4: true},
		more + "rsa-md5": {}, more + "rsa-ripemd160": {}, more + "rsa-sha384": {}, more + "ecdsa-sha1": {}, "": {},
		"http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1": {},
	} {
		for i, p := range policies {
			o := atLegacySite()
			o.Policy = under(p)
			_, err := open(strings.Replace(good, dsig.RSASHA256, method, 1), o)
			// What is allowed fails all the same: it is not how the value was made.
			if got := !errors.Is(err, dsig.ErrAlgorithm); got != allowed[i] {
				t.Errorf("policy %d, %s: %v", i, method, err)
			}
			if (err == nil) != (allowed[i] && method == dsig.RSASHA256) {
				t.Errorf("policy %d, %s: %v", i, method, err)
			}
		}
	}
	for digest, ok := range map[string][2]bool{
		dsig.SHA1: {true, false}, dsig.SHA256: {true, true}, dsig.SHA512: {true, true},
		more + "md5": {}, "http://www.w3.org/2001/04/xmlenc#ripemd160": {}, more + "sha384": {}, "": {},
	} {
		for i, p := range []wssec.Policy{wssec.Legacy.Policy(), policies[2]} {
			o := atLegacySite()
			o.Policy = under(p)
			_, err := open(strings.Replace(good, dsig.SHA256+`"`, digest+`"`, 1), o)
			if got := !errors.Is(err, dsig.ErrAlgorithm); got != ok[i] {
				t.Errorf("policy %d, digest %q: %v", i, digest, err)
			}
		}
	}
	// Keys: 1024 bits do for legacy, unless its policy asks for more.
	o := legacySite(t, wssec.Policy{Profile: wssec.Legacy, MinRSABits: 2048})
	if _, err := open(read(t, "vectors/redeem-request.xml"), o); !errors.Is(err, dsig.ErrKey) {
		t.Errorf("1024 bits: %v", err)
	}
}

// Who has signed without SHA-1 is not believed with SHA-1 again, also after a
// restart; others are.
func TestA13DowngradeAfterUpgrade(t *testing.T) {
	t.Parallel()
	strong, weak := read(t, "vectors/pos-sha256-body-authtoken-bst.xml"), read(t, "vectors/redeem-request.xml")
	o := legacySite(t, wssec.Legacy.Policy())
	o.Strength = new(wssec.Strength)
	for range 2 {
		if _, err := open(weak, o); err != nil {
			t.Fatalf("before: %v", err)
		}
	}
	if o.Strength.Has(smGUID) {
		t.Error("SHA-1 counted as strong")
	}
	if _, err := open(swap(t, strong, "<messageID>", "<messageID>x"), o); err == nil || o.Strength.Has(smGUID) {
		t.Fatalf("a forged message counted: %v", err)
	}
	if _, err := open(strong, o); err != nil {
		t.Fatal(err)
	}
	if _, err := open(weak, o); !errors.Is(err, wssec.ErrDowngrade) {
		t.Errorf("SHA-1 after SHA-256: %v", err)
	}
	if _, err := open(strong, o); err != nil {
		t.Errorf("SHA-256 again: %v", err)
	}
	again := new(wssec.Strength)
	again.Learn(o.Strength.Known()...)
	if o.Strength = again; !slices.Equal(again.Known(), []string{smGUID}) {
		t.Errorf("known: %v", again.Known())
	}
	if _, err := open(weak, o); !errors.Is(err, wssec.ErrDowngrade) {
		t.Errorf("SHA-1 after a restart: %v", err)
	}
	o.Policy, o.Strength = under(wssec.Policy{Profile: wssec.LegacyStrong, Mutual: true}), nil
	if _, err := open(strong, o); err != nil {
		t.Errorf("mutual: %v", err)
	}
	if _, err := open(weak, o); !errors.Is(err, dsig.ErrAlgorithm) {
		t.Errorf("SHA-1 from a mutual peer: %v", err)
	}
}

// Nothing outside the message is ever asked for: the package imports nothing that
// could, which conformance/tidy checks; here, that each is refused.
func TestA15ExternalReferences(t *testing.T) {
	var cases []legacyCase
	for _, uri := range []string{
		"http://127.0.0.1:1/x", "file:///etc/passwd", "", "#xpointer(/)", "#xpointer(id('x'))", "{Body}", "cid:x", "#", "ftp://127.0.0.1/", "//x",
	} {
		cases = append(cases, legacyCase{"URI " + uri, subst(`URI="#{Body}"`, `URI="`+uri+`"`), dsig.ErrReference})
	}
	for _, alg := range []string{
		"http://www.w3.org/TR/1999/REC-xslt-19991116", "http://www.w3.org/TR/1999/REC-xpath-19991116", "http://www.w3.org/2002/06/xmldsig-filter2",
		"http://www.w3.org/2000/09/xmldsig#enveloped-signature", "http://www.w3.org/2000/09/xmldsig#base64", "http://www.w3.org/2002/07/decrypt#XML",
		"http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
		"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform",
	} {
		cases = append(cases, legacyCase{alg, subst(`<ds:Transform Algorithm="`+c14n.Algorithm, `<ds:Transform Algorithm="`+alg), dsig.ErrAlgorithm})
	}
	cases = append(cases,
		legacyCase{"no URI", subst(` URI="#{Body}"`, ""), dsig.ErrReference},
		legacyCase{"Manifest", subst(`<ds:Reference URI`, `<ds:Reference Type="http://www.w3.org/2000/09/xmldsig#Manifest" URI`), dsig.ErrShape},
		legacyCase{"Object", subst(`</ds:Signature>`, `<ds:Object/></ds:Signature>`), dsig.ErrShape},
	)
	runLegacy(t, cases)
}

func TestA16EntityExpansion(t *testing.T) {
	decl := `<?xml version='1.0' encoding='UTF-8'?>`
	runLegacy(t, []legacyCase{
		{"doctype", subst(decl, decl+`<!DOCTYPE soapenv:Envelope>`), syntax},
		{"entities", subst(decl, decl+`<!DOCTYPE x [<!ENTITY a "&b;&b;"><!ENTITY b "c">]>`), syntax},
		{"external parameter entity", subst(decl, decl+`<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/">%p;]>`), syntax},
		{"entity nobody declared", subst("<units>2", "<units>&a;"), syntax},
		{"instruction", subst("<units>", "<?x?><units>"), syntax},
		{"character 0", subst("<units>2", "<units>&#0;"), syntax},
		{"character FFFE", subst("<units>2", "<units>&#xFFFE;"), syntax},
		{"surrogate", subst("<units>2", "<units>&#xD800;"), syntax},
	})
}

func TestA17CommentsAndCDATA(t *testing.T) {
	cert := base64.StdEncoding.EncodeToString(smRSA().Cert.Raw)
	runLegacy(t, []legacyCase{
		{"in a value", subst("<units>2", "<units>2<!-- -->"), syntax},
		{"in the token", subst(">"+cert[:10], ">"+cert[:5]+"<!-- -->"+cert[5:10]), syntax},
		{"in the value", subst("<ds:SignatureValue>", "<ds:SignatureValue><!-- -->"), syntax},
		{"in the digest", subst("<ds:DigestValue>", "<ds:DigestValue><!-- -->"), syntax},
		{"between headers", subst("<sec:AuthToken", "<!-- --><sec:AuthToken"), syntax},
		{"CDATA changes the Body", subst("<units>2", "<units><![CDATA[9]]>"), dsig.ErrDigest},
		{"CDATA that is the same text", subst("<units>2<", "<units><![CDATA[2]]><"), nil},
	})
	v, err := open(subst("<units>2<", "<units><![CDATA[2]]><")(t, must2(legacyGood(t, wssec.Legacy)), nil), atLegacySite())
	if err != nil || v.Body().Child("", "units").Text() != "2" {
		t.Errorf("CDATA: %v", err)
	}
}

func must2(src string, _ map[string]string) string { return src }

func TestA21ManySecurityHeaders(t *testing.T) {
	double := func(element string, change ...string) func(*testing.T, string, map[string]string) string {
		return func(t *testing.T, good string, _ map[string]string) string {
			_, e := cut(t, good, element)
			copied := e
			for i := 0; i+1 < len(change); i += 2 {
				copied = strings.ReplaceAll(copied, change[i], change[i+1])
			}
			return swap(t, good, e, copied+e)
		}
	}
	runLegacy(t, []legacyCase{
		{"two Securities", double("wsse:Security"), wssec.ErrShape},
		{"an empty Security first", subst("<wsse:Security ", `<wsse:Security xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"/><wsse:Security `), wssec.ErrShape},
		{"Security for an actor", subst(` soapenv:mustUnderstand="1"`, ` soapenv:actor="x" soapenv:mustUnderstand="1"`), wssec.ErrShape},
		{"two Signatures", double("ds:Signature"), wssec.ErrShape},
		{"two tokens", double("wsse:BinarySecurityToken", "CertId", "Other"), wssec.ErrShape},
		{"two AuthTokens", double("sec:AuthToken"), wssec.ErrShape},
		{"AuthToken of another first", double("sec:AuthToken", smGUID, evilGUID), wssec.ErrShape},
		{"two Bodies", double("soapenv:Body"), wssec.ErrShape},
		{"two Headers", double("soapenv:Header"), wssec.ErrShape},
		{"AuthToken in Security", func(t *testing.T, good string, _ map[string]string) string {
			rest, token := cut(t, good, "sec:AuthToken")
			return swap(t, rest, "</wsse:Security>", token+"</wsse:Security>")
		}, wssec.ErrShape},
		{"Signature in Header", func(t *testing.T, good string, _ map[string]string) string {
			rest, s := cut(t, good, "ds:Signature")
			s = swap(t, s, "<ds:Signature", `<ds:Signature xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"`)
			return swap(t, rest, "<sec:AuthToken", s+"<sec:AuthToken")
		}, wssec.ErrShape},
		{"many headers", func(t *testing.T, good string, _ map[string]string) string {
			return swap(t, good, "</soapenv:Header>", strings.Repeat("<x/>", 20)+"</soapenv:Header>")
		}, wssec.ErrShape},
	})
}

// A certificate that is not valid yet or no longer, and one about to end
// (wssec.md A26, WT12); TestLegacyTimes and TestExpiry have the rest. Pins
// overlap while a key is replaced.
func TestA26RotatedCertificates(t *testing.T) {
	t.Parallel()
	good, _ := legacyGood(t, wssec.Legacy)
	for _, tt := range []struct {
		years int
		until time.Duration // after the moment; 0 for no allowance
		cause error
	}{
		{0, 0, nil}, {-2, 0, wssec.ErrExpired}, {-2, time.Hour, wssec.ErrExpired},
		{20, 0, wssec.ErrExpired}, {20, time.Nanosecond, nil}, {20, -time.Nanosecond, wssec.ErrExpired},
	} {
		o := atLegacySite()
		o.Now = now.AddDate(tt.years, 0, 0)
		p := wssec.Legacy.Policy()
		if tt.until != 0 {
			p.ExpiredUntil = o.Now.Add(tt.until)
		}
		o.Policy = under(p)
		if _, err := open(good, o); !errors.Is(err, tt.cause) || (err == nil) != (tt.cause == nil) {
			t.Errorf("%+v: %v", tt, err)
		}
	}
	o := atLegacySite()
	o.Trust = wssec.Pins{{GUID: smGUID, Key: evil.Key.Public()}, smRSA().Pin()}
	if _, err := open(good, o); err != nil {
		t.Errorf("two pins: %v", err)
	}
	o.Trust = wssec.Pins{{GUID: smGUID, Key: evil.Key.Public()}}
	if _, err := open(good, o); !errors.Is(err, wssec.ErrUntrusted) {
		t.Errorf("the old pin is gone: %v", err)
	}
}

func TestA27CaseAndUnicode(t *testing.T) {
	const mixed = "AbCdEf01-3333-4333-8333-333333333333"
	t.Parallel()
	good, _ := legacyGood(t, wssec.Legacy)
	for guid, cause := range map[string]error{
		mixed:                                    nil, // as it is pinned below
		strings.ToLower(mixed):                   wssec.ErrUntrusted,
		strings.ToUpper(mixed):                   wssec.ErrUntrusted,
		"{" + mixed + "}":                        wssec.ErrIdentity,
		" " + mixed:                              wssec.ErrIdentity,
		strings.ReplaceAll(mixed, "3", "\uff13"): wssec.ErrIdentity, // digits of full width
		strings.Replace(mixed, "A", "\u0391", 1): wssec.ErrIdentity, // Greek alpha
		strings.ReplaceAll(mixed, "-", ""):       wssec.ErrIdentity,
		"":                                       wssec.ErrIdentity,
	} {
		o := atLegacySite()
		o.Trust = wssec.Pins{{GUID: mixed, Key: smRSA().Key.Public()}}
		if _, err := open(swap(t, good, smGUID, guid), o); !errors.Is(err, wssec.ErrIdentity) && guid != strings.ToLower(guid) {
			t.Errorf("%q, which no policy allows: %v", guid, err)
		}
		o.Policy = under(wssec.Policy{Profile: wssec.Legacy, AnyCaseGUID: true})
		if v, err := open(swap(t, good, smGUID, guid), o); !errors.Is(err, cause) || (err == nil) != (cause == nil) || err == nil && v.GUID() != guid {
			t.Errorf("%q: %v", guid, err)
		}
		o.Policy = nil
		if _, err := open(swap(t, good, smGUID, guid), o); err == nil {
			t.Errorf("%q opens as strict", guid)
		}
	}
	for _, name := range []string{"", "a&#10;b", "a&#x202E;b", strings.Repeat("x", 129), "&#x85;"} {
		if _, err := open(swap(t, good, `sec:name="sm"`, `sec:name="`+name+`"`), atLegacySite()); !errors.Is(err, wssec.ErrIdentity) {
			t.Errorf("name %q: %v", name, err)
		}
	}
}

// Memory stays within its bound for a million messages, and none gets in twice
// (wssec.md A6, WT9; restarts are in TestOnceSurvivesRestarts, the whole way in
// actors/endpoint).
func TestReplayMemoryIsBounded(t *testing.T) {
	t.Parallel()
	const room = 1000
	o := wssec.NewOnce(room, 1<<62)
	refused := 0
	for i := range 1_000_000 {
		if _, err := o.First(smGUID, fmt.Sprint(i), now); err != nil {
			refused++
		}
	}
	if o.Len() != room || refused != 1_000_000-room {
		t.Errorf("%d remembered, %d refused", o.Len(), refused)
	}
}

// A20: a stranger's document costs no more than its own length, whatever its
// References, prefixes and namespaces say; what canonical form may cost after that
// is bounded (TestBounded in c14n, BenchmarkDeclarations for the shape of the cost).
func TestA20CanonicalisationCost(t *testing.T) {
	repeat := func(n int) func(*testing.T, string, map[string]string) string {
		return func(t *testing.T, good string, _ map[string]string) string {
			_, ref := cut(t, good, "ds:Reference")
			var many strings.Builder
			for i := range n {
				many.WriteString(strings.Replace(ref, `URI="#id-`, fmt.Sprintf(`URI="#r%d-`, i), 1))
			}
			return swap(t, good, ref, many.String())
		}
	}
	list := func(n int) string {
		return c14n.Algorithm + `"><e:InclusiveNamespaces xmlns:e="` + c14n.Algorithm + `" PrefixList="` + strings.Repeat("ds ", n) + `"/></ds:CanonicalizationMethod>`
	}
	runLegacy(t, []legacyCase{
		{"4 references", repeat(4), wssec.ErrTarget}, // well formed, to nothing
		{"5 references", repeat(5), dsig.ErrShape},
		{"5,000 references", repeat(5000), dsig.ErrShape},
		{"the same target twice", func(t *testing.T, good string, _ map[string]string) string {
			_, ref := cut(t, good, "ds:Reference")
			return swap(t, good, ref, ref+ref)
		}, dsig.ErrReference},
		{"16 prefixes", subst(c14n.Algorithm+`"/>`, list(16)), dsig.ErrSignature},
		{"17 prefixes", subst(c14n.Algorithm+`"/>`, list(17)), dsig.ErrReference},
		{"a large SignedInfo of few References", subst("<ds:SignedInfo>", "<ds:SignedInfo>"+strings.Repeat(" ", 70_000)), dsig.ErrShape},
		{"many namespaces", func(t *testing.T, good string, _ map[string]string) string {
			var decl strings.Builder
			for i := range 2000 {
				fmt.Fprintf(&decl, ` xmlns:n%d="urn:n"`, i)
			}
			return swap(t, good, "<units>", "<units"+decl.String()+">")
		}, syntax},
	})
}

// A24: what an answer must be, when a deployed actor gives it; strict answers are
// in TestResponseAttacks, what a caller makes of faults in actors/remote.
func TestA24ResponseForgery(t *testing.T) {
	t.Parallel()
	_, _, confirm := legacySealed(t)
	value := base64.StdEncoding.EncodeToString(confirm)
	answer := func(by func() wssec.Seal, confirm []byte) string {
		out, err := by().Response([]byte(`<r></r>`), confirm)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	site := func() wssec.Seal {
		return wssec.Seal{Signer: siteRSA().Key, Cert: siteRSA().Cert, GUID: siteGUID, Name: "site", To: smGUID, Profile: wssec.Legacy}
	}
	stranger := func() wssec.Seal { s := site(); s.Signer, s.Cert = smRSA().Key, smRSA().Cert; return s }
	good := answer(site, confirm)
	doc := parse(t, good)
	var bodyID, confID string
	for i := range doc.Len() {
		switch n := doc.At(i); n.Local() {
		case "Body":
			bodyID, _ = n.Attr(wsuNS, "Id")
		case "SignatureConfirmation":
			confID, _ = n.Attr(wsuNS, "Id")
		}
	}
	without, confirmation := cut(t, good, "wsse11:SignatureConfirmation")
	final := strings.ReplaceAll(good, "http://docs.oasis-open.org/wss/2005/xx/oasis-2005xx-wss-wssecurity-secext-1.1.xsd", "http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd")
	for _, tt := range []struct {
		name, src string
		cause     error
	}{
		{"good", good, nil},
		{"with the peer's AuthToken", swap(t, good, "</soapenv:Header>", `<sec:AuthToken xmlns:sec="http://issg.cs.duke.edu/sharp/sec" sec:guid="`+siteGUID+`" sec:name="site"/></soapenv:Header>`), nil},
		{"with another's AuthToken", swap(t, good, "</soapenv:Header>", `<sec:AuthToken xmlns:sec="http://issg.cs.duke.edu/sharp/sec" sec:guid="`+evilGUID+`" sec:name="site"/></soapenv:Header>`), wssec.ErrIdentity},
		{"by another pinned peer", answer(stranger, confirm), wssec.ErrUntrusted},
		{"to another request", answer(site, []byte("another")), wssec.ErrConfirmation},
		{"no confirmation", resign(t, without, siteRSA(), bodyID), wssec.ErrUnsigned},
		{"confirmation not signed", resign(t, good, siteRSA(), bodyID), wssec.ErrUnsigned},
		{"Body not signed", resign(t, good, siteRSA(), confID), wssec.ErrUnsigned},
		{"an old answer with a new confirmation", swap(t, answer(site, []byte("another")), base64.StdEncoding.EncodeToString([]byte("another")), value), dsig.ErrDigest},
		{"two confirmations", swap(t, good, confirmation, confirmation+strings.Replace(confirmation, confID, "x", 1)), wssec.ErrShape},
		{"confirmation put into the other namespace", final, dsig.ErrDigest},
		{"confirmation without value", resign(t, swap(t, good, ` Value="`+value+`"`, ""), siteRSA(), bodyID, confID), wssec.ErrConfirmation},
		{"unsigned", `<soapenv:Envelope xmlns:soapenv="` + soapNS + `"><soapenv:Header/><soapenv:Body><r/></soapenv:Body></soapenv:Envelope>`, wssec.ErrShape},
		{"unsigned fault", `<soapenv:Envelope xmlns:soapenv="` + soapNS + `"><soapenv:Header/><soapenv:Body><soapenv:Fault><faultcode>soapenv:Client</faultcode><faultstring>&lt;script></faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>`, wssec.ErrShape},
		{"with a Timestamp that is not signed", swap(t, good, "<ds:Signature ", `<wsu:Timestamp xmlns:wsu="`+wsuNS+`"/><ds:Signature `), wssec.ErrUnsigned},
	} {
		o := atLegacySite()
		o.Self = smGUID
		o.Trust = wssec.Pins{siteRSA().Pin(), {GUID: brokerGUID, Key: smRSA().Key.Public()}}
		v, err := wssec.OpenResponse(parse(t, tt.src), o, siteGUID, confirm)
		if !errors.Is(err, tt.cause) || (err == nil) != (tt.cause == nil) {
			t.Errorf("%s: %v; want %v", tt.name, err, tt.cause)
		}
		if err == nil && (v.GUID() != siteGUID || v.Body().Local() != "r") {
			t.Errorf("%s: %s %s", tt.name, v.GUID(), v.Body().Local())
		}
	}
}

// legacySealed is a legacy request with the value to be confirmed.
func legacySealed(t *testing.T) (wssec.Seal, []byte, []byte) {
	t.Helper()
	s := seal(smRSA(), siteGUID)
	s.Profile = wssec.Legacy
	out, confirm, err := s.RequestConfirm([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return s, out, confirm
}
