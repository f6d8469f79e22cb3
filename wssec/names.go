package wssec

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Namespaces (wssec.md 0.1).
const (
	soapNS   = "http://schemas.xmlsoap.org/soap/envelope/"
	soap12NS = "http://www.w3.org/2003/05/soap-envelope"
	wsseNS   = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
	wsuNS    = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
	wsse11NS = "http://docs.oasis-open.org/wss/2005/xx/oasis-2005xx-wss-wssecurity-secext-1.1.xsd" // of the draft, which deployed actors speak
	finalNS  = "http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd"                // of the standard it became
	secNS    = "http://issg.cs.duke.edu/sharp/sec"
	wsaNS    = "http://www.w3.org/2005/08/addressing"
	xopNS    = "http://www.w3.org/2004/08/xop/include"
)

const (
	base64Binary = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
	x509v3       = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
	x509SKI      = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509SubjectKeyIdentifier"
	thumbprint   = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1"
	urnUUID      = "urn:uuid:"
)

// ValidGUID reports whether s is a UUID in lower case, the only form that can be
// pinned (wssec.md A8, A27).
func ValidGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	return true
}

// ValidLegacyGUID reports whether s is a UUID in any case. Deployed actors have
// such GUIDs and compare them octet by octet, so they are kept as they are written
// (wire contract, trap 47): one in another case is somebody else.
func ValidLegacyGUID(s string) bool {
	return len(s) == 36 && ValidGUID(strings.ToLower(s))
}

// ValidName reports whether s may name an actor: 1 to 128 octets of UTF-8
// without control characters (wssec.md A27).
func ValidName(s string) bool {
	if s == "" || len(s) > 128 || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// ValidMessageID reports whether s may identify a message: 1 to 128 visible
// ASCII characters.
func ValidMessageID(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
