package wssec_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/dsig"
)

// attack changes a good request. Cause is what the log has to say; syntax means
// that the scanner refuses the document before wssec sees it.
type attack struct {
	name  string
	make  func(t *testing.T, good string) string
	cause error
}

var syntax = errors.New("not well-formed")

func replace(old, new string) func(*testing.T, string) string {
	return func(t *testing.T, good string) string { return swap(t, good, old, new) }
}

// resigned replaces as an insider with the service manager's key would, signing
// the parts again.
func resigned(old, new string) func(*testing.T, string) string {
	return func(t *testing.T, good string) string { return resign(t, swap(t, good, old, new), sm, allIDs...) }
}

// signing leaves everything in place and signs only these parts.
func signing(ids ...string) func(*testing.T, string) string {
	return func(t *testing.T, good string) string { return resign(t, good, sm, ids...) }
}

// without takes an element out and signs the others.
func without(element string, ids ...string) func(*testing.T, string) string {
	return func(t *testing.T, good string) string {
		rest, _ := cut(t, good, element)
		return resign(t, rest, sm, ids...)
	}
}

// wrap moves the signed Body elsewhere and puts a forged one in its place.
func wrap(forgedID, at, before, after string) func(*testing.T, string) string {
	return func(t *testing.T, good string) string {
		rest, signed := cut(t, good, "env:Body")
		forged := `<env:Body` + forgedID + `><ns2:redeem xmlns:ns2="urn:services"><units>1000</units></ns2:redeem></env:Body>`
		rest = swap(t, rest, "</env:Header>", "</env:Header>"+forged)
		return swap(t, rest, at, before+signed+after)
	}
}

const (
	sameID  = ` xmlns:wsu="` + wsuNS + `" wsu:Id="sec-body"`
	otherID = ` xmlns:wsu="` + wsuNS + `" wsu:Id="x"`
)

var attacks = []attack{
	// Contents.
	{"Body tampered", replace("<units>2<", "<units>9<"), dsig.ErrDigest},
	{"Body gains an attribute", replace("<units>", `<units x="">`), dsig.ErrDigest},
	{"AuthToken of another pinned actor", replace(`sec:guid="`+smGUID, `sec:guid="`+brokerGUID), wssec.ErrUntrusted},
	{"AuthToken of a stranger", replace(`sec:guid="`+smGUID, `sec:guid="55555555-5555-4555-8555-555555555555`), wssec.ErrUntrusted},
	{"other name", replace(`sec:name="sm"`, `sec:name="boss"`), dsig.ErrDigest},
	{"destination swapped", replace(siteGUID+"</wsa:To>", brokerGUID+"</wsa:To>"), dsig.ErrDigest},
	{"message id swapped", replace(messageID+"</wsa:MessageID>", "other</wsa:MessageID>"), dsig.ErrDigest},
	{"made younger", replace("<wsu:Created>2026-12-01T12:00:00", "<wsu:Created>2026-12-01T12:00:01"), dsig.ErrDigest},
	{"made to live longer", replace("12:05:00.000Z</wsu:Expires>", "12:10:00.000Z</wsu:Expires>"), dsig.ErrDigest},
	{"SignedInfo tampered", func(t *testing.T, good string) string {
		_, value := cut(t, good, "ds:DigestValue")
		return swap(t, good, value, "<ds:DigestValue>"+base64.StdEncoding.EncodeToString(make([]byte, 32))+"</ds:DigestValue>")
	}, dsig.ErrSignature},
	{"another key's certificate", replace(base64.StdEncoding.EncodeToString(sm.Cert.Raw), base64.StdEncoding.EncodeToString(evil.Cert.Raw)), wssec.ErrUntrusted},
	{"signed by another key", func(t *testing.T, good string) string { return resign(t, good, evil, allIDs...) }, dsig.ErrSignature},
	{"signed by another pinned actor", func(t *testing.T, good string) string {
		good = swap(t, good, base64.StdEncoding.EncodeToString(sm.Cert.Raw), base64.StdEncoding.EncodeToString(evil.Cert.Raw))
		return resign(t, good, evil, allIDs...)
	}, wssec.ErrUntrusted},

	// Signature wrapping (A1).
	{"wrapper in Header", wrap(otherID, "</env:Header>", `<x>`, `</x></env:Header>`), wssec.ErrShape},
	{"wrapper in Header, same id", wrap(sameID, "</env:Header>", `<x>`, `</x></env:Header>`), wssec.ErrShape},
	{"Body in Header", wrap(otherID, "</env:Header>", ``, `</env:Header>`), wssec.ErrShape},
	{"Body in Security", wrap(otherID, "</wsse:Security>", ``, `</wsse:Security>`), wssec.ErrShape},
	{"Body in Object", wrap(otherID, "</ds:Signature>", `<ds:Object>`, `</ds:Object></ds:Signature>`), dsig.ErrShape},
	{"Body in KeyInfo", wrap(otherID, "</ds:KeyInfo>", ``, `</ds:KeyInfo>`), wssec.ErrTarget},
	{"Body in the token reference", wrap(otherID, "</wsse:SecurityTokenReference>", ``, `</wsse:SecurityTokenReference>`), wssec.ErrTarget},
	{"Body in AuthToken", wrap(otherID, "</sec:AuthToken>", ``, `</sec:AuthToken>`), wssec.ErrShape},
	{"Body in To", wrap(otherID, "</wsa:To>", ``, `</wsa:To>`), wssec.ErrTarget},
	{"sibling Body after", wrap(otherID, "</env:Envelope>", ``, `</env:Envelope>`), wssec.ErrShape},
	{"sibling Body before", wrap(otherID, "</env:Header>", `</env:Header>`, ``), wssec.ErrShape},
	{"two Bodies, same id", wrap(sameID, "</env:Envelope>", ``, `</env:Envelope>`), wssec.ErrShape},
	{"Body in Body", wrap(otherID, "<units>1000</units>", ``, ``), wssec.ErrTarget},
	{"Body in Body, same id", wrap(sameID, "<units>1000</units>", ``, ``), wssec.ErrID},
	{"Body in Body, no id", wrap("", "<units>1000</units>", ``, ``), wssec.ErrTarget},
	{"second payload", wrap(otherID, "</env:Body></env:Envelope>", ``, "</env:Body></env:Envelope>"), wssec.ErrShape},
	{"nested Envelope", func(t *testing.T, good string) string {
		return swap(t, `<env:Envelope xmlns:env="`+soapNS+`"><env:Header></env:Header><env:Body>X</env:Body></env:Envelope>`, "X", good)
	}, wssec.ErrShape},
	{"nested Envelope with the Header outside", func(t *testing.T, good string) string {
		_, header := cut(t, good, "env:Header")
		return `<env:Envelope xmlns:env="` + soapNS + `">` + header + `<env:Body>` + good + `</env:Body></env:Envelope>`
	}, wssec.ErrID},
	{"Envelope in another root", func(t *testing.T, good string) string { return "<x>" + good + "</x>" }, wssec.ErrShape},
	{"AuthToken moved into the token reference", func(t *testing.T, good string) string {
		rest, signed := cut(t, good, "sec:AuthToken")
		forged := swap(t, swap(t, signed, "sec-auth", "x"), `"sm"`, `"boss"`)
		rest = swap(t, rest, "<wsa:To", forged+"<wsa:To")
		return swap(t, rest, "</wsse:SecurityTokenReference>", signed+"</wsse:SecurityTokenReference>")
	}, wssec.ErrTarget},
	{"Timestamp moved into the token reference", func(t *testing.T, good string) string {
		rest, signed := cut(t, good, "wsu:Timestamp")
		forged := swap(t, swap(t, signed, "sec-timestamp", "x"), "12:05", "12:09")
		rest = swap(t, rest, "<ds:Signature ", forged+"<ds:Signature ")
		return swap(t, rest, "</wsse:SecurityTokenReference>", signed+"</wsse:SecurityTokenReference>")
	}, wssec.ErrTarget},
	{"To moved into the token reference", func(t *testing.T, good string) string {
		rest, signed := cut(t, good, "wsa:To")
		forged := swap(t, signed, "sec-to", "x")
		rest = swap(t, rest, "<wsa:MessageID", forged+"<wsa:MessageID")
		return swap(t, rest, "</wsse:SecurityTokenReference>", signed+"</wsse:SecurityTokenReference>")
	}, wssec.ErrTarget},
	{"token moved out of Security", func(t *testing.T, good string) string {
		rest, token := cut(t, good, "wsse:BinarySecurityToken")
		return swap(t, rest, "</wsse:Security>", "</wsse:Security>"+token)
	}, wssec.ErrShape},
	{"token in KeyInfo", func(t *testing.T, good string) string {
		rest, token := cut(t, good, "wsse:BinarySecurityToken")
		return swap(t, rest, "<wsse:SecurityTokenReference>", "<wsse:SecurityTokenReference>"+token)
	}, wssec.ErrUnsigned},

	// Not signed (A2). The insider leaves parts out.
	{"Body unsigned", signing(allIDs[1:]...), wssec.ErrUnsigned},
	{"AuthToken unsigned", signing("sec-body", "sec-token", "sec-timestamp", "sec-to", "sec-message"), wssec.ErrUnsigned},
	{"token unsigned", signing("sec-body", "sec-auth", "sec-timestamp", "sec-to", "sec-message"), wssec.ErrUnsigned},
	{"Timestamp unsigned", signing("sec-body", "sec-auth", "sec-token", "sec-to", "sec-message"), wssec.ErrUnsigned},
	{"To unsigned", signing("sec-body", "sec-auth", "sec-token", "sec-timestamp", "sec-message"), wssec.ErrUnsigned},
	{"MessageID unsigned", signing(allIDs[:5]...), wssec.ErrUnsigned},
	{"only the header signed", signing("sec-auth"), wssec.ErrUnsigned},
	{"no Timestamp", without("wsu:Timestamp", "sec-body", "sec-auth", "sec-token", "sec-to", "sec-message"), wssec.ErrUnsigned},
	{"no To", without("wsa:To", "sec-body", "sec-auth", "sec-token", "sec-timestamp", "sec-message"), wssec.ErrUnsigned},
	{"no MessageID", without("wsa:MessageID", allIDs[:5]...), wssec.ErrUnsigned},
	{"no AuthToken", without("sec:AuthToken", "sec-body", "sec-token", "sec-timestamp", "sec-to", "sec-message"), wssec.ErrIdentity},
	{"no token", without("wsse:BinarySecurityToken", "sec-body", "sec-auth", "sec-timestamp", "sec-to", "sec-message"), wssec.ErrUnsigned},
	{"no Signature", func(t *testing.T, good string) string { rest, _ := cut(t, good, "ds:Signature"); return rest }, wssec.ErrUnsigned},
	{"no Security", func(t *testing.T, good string) string { rest, _ := cut(t, good, "wsse:Security"); return rest }, wssec.ErrShape},
	{"no Header", func(t *testing.T, good string) string { rest, _ := cut(t, good, "env:Header"); return rest }, wssec.ErrShape},
	{"no payload", func(t *testing.T, good string) string {
		rest, _ := cut(t, good, "ns2:redeem")
		return resign(t, rest, sm, allIDs...)
	}, wssec.ErrShape},
	{"payload with text beside it", resigned("<ns2:redeem ", "x<ns2:redeem "), wssec.ErrShape},
	{"signature over the payload instead", func(t *testing.T, good string) string {
		return resign(t, swap(t, good, "<ns2:redeem ", `<ns2:redeem Id="p" `), sm, append(allIDs[1:], "p")...)
	}, wssec.ErrTarget},
	{"signature over Security too", func(t *testing.T, good string) string {
		good = swap(t, good, "<wsse:SecurityTokenReference>", `<wsse:SecurityTokenReference Id="str">`)
		return resign(t, good, sm, append(allIDs[:6:6], "str")...)
	}, wssec.ErrTarget},

	// Ids (A3).
	{"duplicate id", replace("<units>", `<units xmlns:wsu="`+wsuNS+`" wsu:Id="sec-body">`), wssec.ErrID},
	{"duplicate plain Id", replace("<units>", `<units Id="sec-body">`), wssec.ErrID},
	{"duplicate ID", replace("<units>", `<units ID="sec-body">`), wssec.ErrID},
	{"duplicate id in lower case", replace("<units>", `<units id="sec-body">`), wssec.ErrID},
	{"duplicate xml:id", replace("<units>", `<units xml:id="sec-body">`), wssec.ErrID},
	{"duplicate id through another prefix", replace("<units>", `<units xmlns:w="`+wsuNS+`" w:Id="sec-to">`), wssec.ErrID},
	{"two ids on one element", replace("<units>", `<units Id="a" id="b">`), wssec.ErrID},
	{"id of strange characters", replace("<units>", `<units Id="a b">`), wssec.ErrID},
	{"id on Envelope", replace("<env:Envelope ", `<env:Envelope Id="sec-body" `), wssec.ErrShape},
	{"plain Id on Body", resigned(` wsu:Id="sec-body"`, ` Id="sec-body"`), wssec.ErrShape},
	{"two ids on Body", replace(` wsu:Id="sec-body"`, ` wsu:Id="sec-body" Id="b"`), wssec.ErrShape},
	{"reference to no element", replace(`URI="#sec-body"`, `URI="#nothing"`), wssec.ErrTarget},

	// How many of each (A21).
	{"two Securities", func(t *testing.T, good string) string {
		_, security := cut(t, good, "wsse:Security")
		return swap(t, good, "<wsse:Security ", security+"<wsse:Security ")
	}, wssec.ErrShape},
	{"second Security for an actor", replace("</wsse:Security>", `</wsse:Security><wsse:Security xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd" env:actor="a"></wsse:Security>`), wssec.ErrShape},
	{"Security for an actor", replace(`env:mustUnderstand="1"`, `env:mustUnderstand="1" env:actor="http://schemas.xmlsoap.org/soap/actor/next"`), wssec.ErrShape},
	{"two Signatures", func(t *testing.T, good string) string {
		_, signature := cut(t, good, "ds:Signature")
		return swap(t, good, "<ds:Signature ", signature+"<ds:Signature ")
	}, wssec.ErrShape},
	{"two AuthTokens", func(t *testing.T, good string) string {
		_, token := cut(t, good, "sec:AuthToken")
		return swap(t, good, "<sec:AuthToken ", swap(t, token, "sec-auth", "x")+"<sec:AuthToken ")
	}, wssec.ErrShape},
	{"two tokens", func(t *testing.T, good string) string {
		_, token := cut(t, good, "wsse:BinarySecurityToken")
		return swap(t, good, "<wsu:Timestamp ", swap(t, token, "sec-token", "x")+"<wsu:Timestamp ")
	}, wssec.ErrShape},
	{"two Timestamps", func(t *testing.T, good string) string {
		_, stamp := cut(t, good, "wsu:Timestamp")
		return swap(t, good, "<wsu:Timestamp ", swap(t, stamp, "sec-timestamp", "x")+"<wsu:Timestamp ")
	}, wssec.ErrShape},
	{"two destinations", func(t *testing.T, good string) string {
		_, to := cut(t, good, "wsa:To")
		return swap(t, good, "<wsa:To ", swap(t, to, "sec-to", "x")+"<wsa:To ")
	}, wssec.ErrShape},
	{"unknown header", replace("</env:Header>", `<x></x></env:Header>`), wssec.ErrShape},
	{"unknown header that must be understood", replace("</env:Header>", `<x env:mustUnderstand="1"></x></env:Header>`), wssec.ErrShape},
	{"confirmation in a request", replace("</wsse:Security>", `<c:SignatureConfirmation xmlns:c="http://docs.oasis-open.org/wss/2005/xx/oasis-2005xx-wss-wssecurity-secext-1.1.xsd" Value="AAAA"></c:SignatureConfirmation></wsse:Security>`), wssec.ErrShape},
	{"answer as a request", replace("</env:Header>", `<wsa:RelatesTo xmlns:wsa="http://www.w3.org/2005/08/addressing">x</wsa:RelatesTo></env:Header>`), wssec.ErrShape},
	{"username token", replace("</wsse:Security>", `<wsse:UsernameToken></wsse:UsernameToken></wsse:Security>`), wssec.ErrShape},
	{"encrypted key", replace("</wsse:Security>", `<x:EncryptedKey xmlns:x="http://www.w3.org/2001/04/xmlenc#"></x:EncryptedKey></wsse:Security>`), wssec.ErrShape},
	{"many headers", func(t *testing.T, good string) string {
		return swap(t, good, "</env:Header>", strings.Repeat("<x></x>", 20)+"</env:Header>")
	}, wssec.ErrShape},
	{"text in Header", replace("</env:Header>", `x</env:Header>`), wssec.ErrShape},
	{"third child of Envelope", replace("</env:Envelope>", `<x></x></env:Envelope>`), wssec.ErrShape},
	{"SOAP 1.2", func(t *testing.T, good string) string {
		return strings.ReplaceAll(good, soapNS, "http://www.w3.org/2003/05/soap-envelope")
	}, wssec.ErrShape},

	// Faults (A10).
	{"Fault in Header", replace("</env:Header>", `<env:Fault></env:Fault></env:Header>`), wssec.ErrShape},
	{"Fault in the payload", replace("<units>2", `<units><env:Fault></env:Fault>2`), dsig.ErrDigest},

	// Keys (A8, A11).
	{"own guid", replace(`sec:guid="`+smGUID, `sec:guid="`+siteGUID), wssec.ErrIdentity},
	{"own alias", replace(`sec:guid="`+smGUID, `sec:guid="actorKey`), wssec.ErrIdentity},
	{"upper-case guid", replace(`sec:guid="`+smGUID, `sec:guid="AAAAAAAA-1111-4111-8111-111111111111`), wssec.ErrIdentity},
	{"braced guid", replace(`sec:guid="`+smGUID, `sec:guid="{`+smGUID+`}`), wssec.ErrIdentity},
	{"guid without namespace", replace(`sec:guid=`, `guid=`), wssec.ErrShape},
	{"no name", replace(` sec:name="sm"`, ``), wssec.ErrIdentity},
	{"line feed in the name", replace(`sec:name="sm"`, `sec:name="sm&#10;x"`), wssec.ErrIdentity},
	{"AuthToken with text", replace("</sec:AuthToken>", "x</sec:AuthToken>"), wssec.ErrShape},
	{"AuthToken that must be understood", replace("<sec:AuthToken ", `<sec:AuthToken env:mustUnderstand="1" `), wssec.ErrShape},
	{"no KeyInfo", func(t *testing.T, good string) string { rest, _ := cut(t, good, "ds:KeyInfo"); return rest }, wssec.ErrToken},
	{"empty KeyInfo", func(t *testing.T, good string) string {
		rest, _ := cut(t, good, "wsse:SecurityTokenReference")
		return rest
	}, wssec.ErrToken},
	{"empty token reference", func(t *testing.T, good string) string { rest, _ := cut(t, good, "wsse:Reference"); return rest }, wssec.ErrToken},
	{"key value", keyInfo(`<ds:KeyValue></ds:KeyValue>`), wssec.ErrToken},
	{"X509Data", keyInfo(`<ds:X509Data></ds:X509Data>`), wssec.ErrToken},
	{"key name", keyInfo(`<ds:KeyName>sm</ds:KeyName>`), wssec.ErrToken},
	{"retrieval method", keyInfo(`<ds:RetrievalMethod URI="http://127.0.0.1:1/"></ds:RetrievalMethod>`), wssec.ErrToken},
	{"issuer and serial", keyInfo(`<wsse:SecurityTokenReference><ds:X509Data></ds:X509Data></wsse:SecurityTokenReference>`), wssec.ErrToken},
	{"key identifier", keyInfo(`<wsse:SecurityTokenReference><wsse:KeyIdentifier>AAAA</wsse:KeyIdentifier></wsse:SecurityTokenReference>`), wssec.ErrToken},
	{"embedded token", keyInfo(`<wsse:SecurityTokenReference><wsse:Embedded></wsse:Embedded></wsse:SecurityTokenReference>`), wssec.ErrToken},
	{"two references", keyInfo(`<wsse:SecurityTokenReference><wsse:Reference URI="#sec-token"></wsse:Reference><wsse:Reference URI="#sec-token"></wsse:Reference></wsse:SecurityTokenReference>`), wssec.ErrToken},
	{"two token references", keyInfo(`<wsse:SecurityTokenReference></wsse:SecurityTokenReference><wsse:SecurityTokenReference></wsse:SecurityTokenReference>`), wssec.ErrToken},
	{"reference to another element", replace(`<wsse:Reference URI="#sec-token"`, `<wsse:Reference URI="#sec-to"`), wssec.ErrToken},
	{"token elsewhere", replace(`<wsse:Reference URI="#sec-token"`, `<wsse:Reference URI="http://127.0.0.1:1/token"`), wssec.ErrToken},
	{"token of another type", replace(`x509-token-profile-1.0#X509v3" wsu:Id`, `x509-token-profile-1.0#X509PKIPathv1" wsu:Id`), wssec.ErrToken},
	{"reference of another type", replace(`x509-token-profile-1.0#X509v3"></wsse:Reference>`, `x509-token-profile-1.0#X509PKIPathv1"></wsse:Reference>`), wssec.ErrToken},
	{"token in hexadecimal", replace(`#Base64Binary"`, `#HexBinary"`), wssec.ErrToken},
	{"token in PEM", token("-----BEGIN CERTIFICATE-----\n" + base64.StdEncoding.EncodeToString(sm.Cert.Raw) + "\n-----END CERTIFICATE-----"), wssec.ErrToken},
	{"two certificates in the token", token(base64.StdEncoding.EncodeToString(append(sm.Cert.Raw[:len(sm.Cert.Raw):len(sm.Cert.Raw)], evil.Cert.Raw...))), wssec.ErrToken},
	{"octet after the certificate", token(base64.StdEncoding.EncodeToString(append(sm.Cert.Raw[:len(sm.Cert.Raw):len(sm.Cert.Raw)], 0))), wssec.ErrToken},
	{"empty token", token(""), wssec.ErrToken},
	{"element in the token", replace("</wsse:BinarySecurityToken>", "<x></x></wsse:BinarySecurityToken>"), wssec.ErrShape},

	// Algorithms and references (A12, A13, A15). dsig's own tests have them all.
	{"HMAC", replace("xmldsig-more#ecdsa-sha256", "xmldsig-more#hmac-sha256"), dsig.ErrAlgorithm},
	{"RSA-SHA1", replace("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", "http://www.w3.org/2000/09/xmldsig#rsa-sha1"), dsig.ErrAlgorithm},
	{"RSA for an ECDSA key", replace("xmldsig-more#ecdsa-sha256", "xmldsig-more#rsa-sha256"), dsig.ErrKey},
	{"SHA-1 digest", replace("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1"), dsig.ErrAlgorithm},
	{"http reference", replace(`URI="#sec-body"`, `URI="http://127.0.0.1:1/body"`), dsig.ErrReference},
	{"file reference", replace(`URI="#sec-body"`, `URI="file:///etc/passwd"`), dsig.ErrReference},
	{"whole document", replace(`URI="#sec-body"`, `URI=""`), dsig.ErrReference},
	{"xpointer", replace(`URI="#sec-body"`, `URI="#xpointer(id('sec-body'))"`), dsig.ErrReference},
	{"extra transform", replace("</ds:Transform>", `</ds:Transform><ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"></ds:Transform>`), dsig.ErrReference},
	{"many references", func(t *testing.T, good string) string {
		_, ref := cut(t, good, "ds:Reference")
		var many strings.Builder
		for i := range 5_000 {
			many.WriteString(strings.Replace(ref, "#sec-body", fmt.Sprintf("#r%d", i), 1))
		}
		return swap(t, good, ref, many.String())
	}, dsig.ErrShape},

	// Time, destination, message id: signed, but not for us or not now.
	{"for another actor", resigned(siteGUID+"</wsa:To>", brokerGUID+"</wsa:To>"), wssec.ErrDestination},
	{"for no UUID", resigned("urn:uuid:"+siteGUID, siteGUID), wssec.ErrDestination},
	{"for us with white space", resigned(siteGUID+"</wsa:To>", siteGUID+"\n</wsa:To>"), wssec.ErrDestination},
	{"element in To", resigned("</wsa:To>", "<x></x></wsa:To>"), wssec.ErrShape},
	{"attribute of To", resigned("<wsa:To ", `<wsa:To x="" `), wssec.ErrShape},
	{"expired", resigned("12:05:00.000Z</wsu:Expires>", "12:00:00.500Z</wsu:Expires>"), nil}, // within the skew: opens
	{"expired before creation", resigned("12:05:00.000Z</wsu:Expires>", "11:59:59.500Z</wsu:Expires>"), wssec.ErrStale},
	{"lives too long", resigned("12:05:00.000Z</wsu:Expires>", "12:15:00.001Z</wsu:Expires>"), wssec.ErrStale},
	{"from the future", resigned("<wsu:Created>2026-12-01T12:00:00", "<wsu:Created>2026-12-01T12:01:02"), wssec.ErrStale},
	{"time with an offset", resigned("12:00:00.000Z", "12:00:00.000+01:00"), wssec.ErrStale},
	{"time without milliseconds", resigned("12:00:00.000Z", "12:00:00Z"), wssec.ErrStale},
	{"time with a comma", resigned("12:00:00.000Z", "12:00:00,000Z"), wssec.ErrStale},
	{"time that is none", resigned("12:00:00.000Z", "yesterday"), wssec.ErrStale},
	{"Timestamp without Expires", resigned("<wsu:Expires>2026-12-01T12:05:00.000Z</wsu:Expires>", ""), wssec.ErrShape},
	{"Timestamp with two Created", resigned("<wsu:Created>", "<wsu:Created>2026-12-01T12:00:00.000Z</wsu:Created><wsu:Created>"), wssec.ErrShape},
	{"attribute of Timestamp", resigned("<wsu:Timestamp ", `<wsu:Timestamp x="" `), wssec.ErrShape},
	{"no message id", resigned(messageID+"</wsa:MessageID>", "</wsa:MessageID>"), wssec.ErrShape},
	{"line feed in the message id", resigned(messageID+"</wsa:MessageID>", "a&#10;b</wsa:MessageID>"), wssec.ErrShape},

	// Octets elsewhere (A29), and what the scanner refuses (A16, A17).
	{"XOP include", resigned("<units>", `<x:Include xmlns:x="http://www.w3.org/2004/08/xop/include" href="cid:1"></x:Include><units>`), wssec.ErrShape},
	{"doctype", func(t *testing.T, good string) string { return `<!DOCTYPE x [<!ENTITY y "z">]>` + good }, syntax},
	{"comment in a text", replace("<units>2", "<units><!-- -->2"), syntax},
	{"comment in the guid of To", replace("urn:uuid:", "urn:<!-- -->uuid:"), syntax},
	{"comment in the token", replace("</wsse:BinarySecurityToken>", "<!-- --></wsse:BinarySecurityToken>"), syntax},
	{"comment in the digest", replace("</ds:DigestValue>", "<!-- --></ds:DigestValue>"), syntax},
	{"comment in the signature", replace("</ds:SignatureValue>", "<!-- --></ds:SignatureValue>"), syntax},
	{"processing instruction", replace("<units>2", "<units><?x?>2"), syntax},
	{"entity", replace("<units>2", "<units>&x;"), syntax},
}

func keyInfo(content string) func(*testing.T, string) string {
	return func(t *testing.T, good string) string {
		_, old := cut(t, good, "ds:KeyInfo")
		return swap(t, good, old, "<ds:KeyInfo>"+content+"</ds:KeyInfo>")
	}
}

// token replaces the security token's text and signs again.
func token(text string) func(*testing.T, string) string {
	return resigned(">"+base64.StdEncoding.EncodeToString(sm.Cert.Raw)+"<", ">"+text+"<")
}

func TestAttacks(t *testing.T) {
	t.Parallel()
	good := request(t)
	if v, err := open(good, atSite()); err != nil || !same(v) {
		t.Fatalf("the good request: %v", err)
	}
	if v, err := open(resign(t, good, sm, allIDs...), atSite()); err != nil || !same(v) {
		t.Fatalf("the good request signed again: %v", err)
	}
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			judge(t, a.make(t, good), a.cause)
		})
	}
}

// judge opens src at the site and compares the cause of the refusal.
func judge(t *testing.T, src string, cause error) {
	t.Helper()
	v, err := open(src, atSite())
	switch {
	case cause == nil:
		if err != nil {
			t.Errorf("refused: %v", err)
		}
		return
	case cause == syntax:
		var s *xmltree.SyntaxError
		if !errors.As(err, &s) {
			t.Errorf("%v; want a syntax error", err)
		}
		return
	case !errors.Is(err, cause) || !errors.Is(err, wssec.ErrRefused):
		t.Errorf("%v; want %v", err, cause)
	}
	if v.Body().Valid() || v.GUID() != "" || v.Key() != nil {
		t.Error("a refusal gave something away")
	}
}

// Circumstances of the receiver that turn a good request into a bad one.
func TestCircumstances(t *testing.T) {
	t.Parallel()
	good := request(t)
	for _, tt := range []struct {
		name   string
		change func(*wssec.Opening)
		cause  error
	}{
		{"as it should be", func(o *wssec.Opening) {}, nil},
		{"nobody trusted", func(o *wssec.Opening) { o.Trust = nil }, wssec.ErrUntrusted},
		{"no pins", func(o *wssec.Opening) { o.Trust = wssec.Pins{} }, wssec.ErrUntrusted},
		{"pin under another guid", func(o *wssec.Opening) { o.Trust = wssec.Pins{{GUID: brokerGUID, Key: sm.Key.Public()}} }, wssec.ErrUntrusted},
		{"pin of another key", func(o *wssec.Opening) { o.Trust = wssec.Pins{{GUID: smGUID, Key: evil.Key.Public()}} }, wssec.ErrUntrusted},
		{"pin without a key", func(o *wssec.Opening) { o.Trust = wssec.Pins{{GUID: smGUID}} }, wssec.ErrUntrusted},
		{"trust that answers for others", func(o *wssec.Opening) { o.Trust = careless{} }, wssec.ErrUntrusted},
		{"profile nobody knows", func(o *wssec.Opening) { o.Profile = func(string) wssec.Profile { return 0 } }, wssec.ErrProfile},
		{"strict by name", func(o *wssec.Opening) { o.Profile = func(string) wssec.Profile { return wssec.Strict } }, nil},
		{"another actor", func(o *wssec.Opening) { o.Self = brokerGUID }, wssec.ErrDestination},
		{"an actor without identity", func(o *wssec.Opening) { o.Self = "" }, wssec.ErrDestination},
		{"the sender itself", func(o *wssec.Opening) { o.Self = smGUID }, wssec.ErrIdentity},
		{"at its end", func(o *wssec.Opening) { o.Now = now.Add(6*time.Minute - 1) }, nil},
		{"expired", func(o *wssec.Opening) { o.Now = now.Add(6 * time.Minute) }, wssec.ErrStale},
		{"clock behind", func(o *wssec.Opening) { o.Now = now.Add(-time.Minute) }, nil},
		{"clock too far behind", func(o *wssec.Opening) { o.Now = now.Add(-time.Minute - 1) }, wssec.ErrStale},
		{"started since", func(o *wssec.Opening) { o.NotBefore = now.Add(time.Millisecond) }, wssec.ErrStale},
		{"started just then", func(o *wssec.Opening) { o.NotBefore = now.Add(time.Microsecond) }, nil},
		{"certificate expired", func(o *wssec.Opening) { o.Now = now.AddDate(9, 0, 0).Add(time.Minute + 1) }, wssec.ErrExpired},
		{"certificate not yet valid", func(o *wssec.Opening) { o.Now = now.AddDate(-1, 0, 0).Add(-time.Minute - 1) }, wssec.ErrExpired},
		{"no clock", func(o *wssec.Opening) { o.Now = time.Time{} }, wssec.ErrExpired},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, cache := range []*wssec.Certificates{nil, warm(t, good)} {
				o := atSite()
				o.Cache = cache
				tt.change(&o)
				if _, err := open(good, o); !errors.Is(err, tt.cause) || (err == nil) != (tt.cause == nil) {
					t.Errorf("%v; want %v", err, tt.cause)
				}
			}
		})
	}
	nobody := atSite()
	nobody.Self = ""
	if _, err := open(resigned("urn:uuid:"+siteGUID, "urn:uuid:")(t, good), nobody); !errors.Is(err, wssec.ErrDestination) {
		t.Errorf("addressed to nobody, at an actor without identity: %v", err)
	}
	if _, err := wssec.OpenRequest(nil, atSite()); !errors.Is(err, wssec.ErrShape) {
		t.Errorf("no document: %v", err)
	}
}

// warm is a cache that has seen the certificate of a good message.
func warm(t *testing.T, good string) *wssec.Certificates {
	o := atSite()
	o.Cache = new(wssec.Certificates)
	if _, err := open(good, o); err != nil {
		t.Fatal(err)
	}
	return o.Cache
}

// careless is a Trust with a bug: it gives the pins of everybody to anyone.
type careless struct{}

func (careless) Pins(string) []wssec.Pin {
	return []wssec.Pin{{GUID: brokerGUID, Key: sm.Key.Public()}}
}

// The error for the log names the sender; the one for the peer is ErrRefused.
func TestRefusalText(t *testing.T) {
	t.Parallel()
	_, err := open(swap(t, request(t), "<units>2<", "<units>9<"), atSite())
	if err == nil || !strings.Contains(err.Error(), smGUID) || !strings.Contains(err.Error(), "Body") {
		t.Errorf("for the log: %v", err)
	}
	if strings.ContainsAny(err.Error(), "\n\r") {
		t.Errorf("more than a line: %q", err)
	}
}
