package ticket

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"strings"
)

// Scheme is how tickets are written, signed and judged with one peer. It follows
// from the peer's profile and is handed in by the caller; nothing in a text
// chooses it. The zero Scheme makes and accepts nothing.
type Scheme uint8

const (
	// SHA256Chain is ours: each signature covers all before it (see the package
	// comment). It is for tickets whose issuers and holders all understand it.
	SHA256Chain Scheme = iota + 1
	// Sharp is what legacy actors write and read: MD5withRSA over each record
	// alone and over each holder's certificate, for RSA keys only (tickets 4).
	// It is judged by the strict column of tickets 13.2.
	Sharp
	// SharpLenient is the same text judged by the other column: GUIDs need not
	// be UUIDs, and a record whose signature fails in every likely order of its
	// properties is tried in all of them, or put aside with ErrOrder. It never
	// accepts a record that no signature was found for.
	SharpLenient
)

// schemes is the policy for the legacy text, by scheme.
var schemes = [...]struct {
	name   string
	legacy bool
	rules  legacyRules
}{
	SHA256Chain:  {name: scheme},
	Sharp:        {name: "sharp", legacy: true},
	SharpLenient: {name: "sharp-lenient", legacy: true, rules: legacyRules{anyName: true, anyOrder: true}},
}

func (s Scheme) known() bool { return s > 0 && int(s) < len(schemes) }

// String is the scheme's name in configuration, evidence and messages.
func (s Scheme) String() string {
	if s.known() {
		return schemes[s].name
	}
	return fmt.Sprintf("Scheme(%d)", uint8(s))
}

// ParseScheme is the inverse of String.
func ParseScheme(name string) (Scheme, error) {
	for s := SHA256Chain; s.known(); s++ {
		if schemes[s].name == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("ticket: no scheme %q", clip(name))
}

// SchemeOf guesses from the first tag of a text which scheme it was written in:
// SHA256Chain, Sharp, or none. It is for tools that read whatever they are
// given; a server asks the peer's profile.
func SchemeOf(text string) Scheme {
	_, tag, _ := strings.Cut(text[:min(len(text), 512)], "<")
	if strings.HasPrefix(tag, "?xml") {
		_, tag, _ = strings.Cut(tag, "<")
	}
	tag, _, _ = strings.Cut(tag, ">")
	switch name, rest, _ := strings.Cut(tag, " "); {
	case name == "sharpTicket" && strings.Contains(rest, `scheme="`+scheme+`"`):
		return SHA256Chain
	case name == "sharpTicket", strings.HasSuffix(name, ".SharpResourceTicket"):
		return Sharp
	}
	return 0
}

// Root is [Root] in this scheme.
func (s Scheme) Root(r Record, signer crypto.Signer, cert *x509.Certificate) (string, error) {
	switch {
	case !s.known():
		return "", fmt.Errorf("ticket: %w: %v", ErrScheme, s)
	case schemes[s].legacy:
		return legacyRoot(r, signer, cert, schemes[s].rules)
	}
	return Root(r, signer, cert)
}

// Delegate is [Delegate] in this scheme. The parent must be in it too: a chain
// has one scheme from its root on, because a legacy reader could not check the
// rest of ours nor we be sure of the rest of theirs.
func (s Scheme) Delegate(parent string, r Record, signer crypto.Signer, holderCert *x509.Certificate) (string, error) {
	switch {
	case !s.known():
		return "", fmt.Errorf("ticket: %w: %v", ErrScheme, s)
	case schemes[s].legacy != (SchemeOf(parent) == Sharp):
		return "", fmt.Errorf("ticket: delegate: %w: parent is in scheme %v, wanted is %v", ErrScheme, SchemeOf(parent), s)
	case schemes[s].legacy:
		return legacyDelegate(parent, r, signer, holderCert, schemes[s].rules)
	}
	return Delegate(parent, r, signer, holderCert)
}

// Extend replaces the newest record of a ticket by r, which its issuer carves
// from the same parent for the same holder: an extension is a new ticket with
// the same ancestors (tickets 5.8, 11.1). Type and Start stay; NewStart and End
// move on (tickets 2.5.3). Units may change.
func (s Scheme) Extend(ticket string, r Record, issuer crypto.Signer) (string, error) {
	fail := func(err error) (string, error) { return "", fmt.Errorf("ticket: extend: %w", err) }
	if !s.known() {
		return fail(fmt.Errorf("%w: %v", ErrScheme, s))
	}
	var old Record
	var parent string
	var holder []byte
	if schemes[s].legacy {
		t, err := parseLegacy(ticket, schemes[s].rules)
		if err != nil {
			return fail(err)
		}
		if len(t.links) > 1 {
			old, holder, parent = t.links[0].Record, t.links[0].der, string(t.text(1))
		}
	} else {
		links, err := parse(ticket)
		if err != nil {
			return fail(err)
		}
		if len(links) > 1 {
			old, holder, parent = links[0].Record, links[0].der, string(appendTicket(nil, links[1:]))
		}
	}
	switch {
	case parent == "":
		return fail(fmt.Errorf("%w: a root cannot be extended", ErrLink))
	case r.Issuer != old.Issuer || r.Holder != old.Holder || r.GUID == old.GUID:
		return fail(fmt.Errorf("%w: from %s to %s, before from %s to %s", ErrLink, r.Issuer, r.Holder, old.Issuer, old.Holder))
	case r.Type != old.Type || r.Start != old.Start || r.NewStart <= old.NewStart || r.End <= old.End:
		return fail(fmt.Errorf("%w: %q %d, %d, %d does not extend %q %d, %d, %d", ErrRecord,
			clip(r.Type), r.Start, r.NewStart, r.End, clip(old.Type), old.Start, old.NewStart, old.End))
	}
	cert, err := x509.ParseCertificate(holder)
	if err != nil {
		return fail(fmt.Errorf("%w: certificate: %w", ErrMalformed, err))
	}
	return s.Delegate(parent, r, issuer, cert)
}

// Parent is the ticket from which the k-th newest record of a ticket was carved: the
// text that its issuer holds. k 0 gives the ticket itself. It verifies nothing and
// is for texts that were verified before, in either scheme.
func Parent(text string, k int) (string, error) {
	fail := func(err error) (string, error) { return "", fmt.Errorf("ticket: parent: %w", err) }
	if k == 0 {
		return text, nil
	}
	outside := fmt.Errorf("%w: there is no record %d", ErrLink, k)
	switch SchemeOf(text) {
	case SHA256Chain:
		links, err := parse(text)
		if err != nil {
			return fail(err)
		}
		if k < 0 || k >= len(links) {
			return fail(outside)
		}
		return string(appendTicket(nil, links[k:])), nil
	case Sharp:
		t, err := parseLegacy(text, schemes[SharpLenient].rules)
		if err != nil {
			return fail(err)
		}
		if k < 0 || k >= len(t.links) {
			return fail(outside)
		}
		return string(t.text(k)), nil
	}
	return fail(fmt.Errorf("%w: neither ours nor the legacy one", ErrScheme))
}

// Verify is [Verify] in this scheme.
func (s Scheme) Verify(text string, roots func(guid string) []crypto.PublicKey) (Chain, error) {
	switch {
	case !s.known():
		return Chain{}, fmt.Errorf("ticket: %w: %v", ErrScheme, s)
	case schemes[s].legacy:
		c, err := verifyLegacy(text, roots, schemes[s].rules)
		if err != nil {
			return Chain{}, fmt.Errorf("ticket: %w", err)
		}
		c.scheme = s
		return c, nil
	}
	return Verify(text, roots)
}
