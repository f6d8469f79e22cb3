package ticket

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"github.com/leasehold/leasehold/wssec/ticket/xstream"
)

// legacyRules is what two policies for the legacy text differ in (tickets 13.2).
type legacyRules struct {
	anyName  bool // GUIDs of actors need not be UUIDs
	anyOrder bool // try every order of properties; put aside what cannot be tried
}

// legacyText is a legacy ticket taken apart: link k is record k, its signature
// and the certificate of its holder.
type legacyText struct {
	*xstream.Ticket
	links        []link
	certificates []*xstream.Certificate
}

// parseLegacy reads a legacy SHARP ticket and requires that it can be a chain:
// as many certificates as records, nothing that we do not judge, and records
// that are sound taken alone. It checks no signature.
func parseLegacy(text string, rules legacyRules) (legacyText, error) {
	t, err := xstream.Parse(text)
	switch {
	case errors.Is(err, xstream.ErrLimit):
		return legacyText{}, fmt.Errorf("%w: %w", ErrLimit, err)
	case err != nil:
		return legacyText{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	case t.Form != xstream.Sharp:
		return legacyText{}, fmt.Errorf("%w: a %v ticket, which nobody's key vouches for", ErrMalformed, t.Form)
	case t.Others != nil:
		return legacyText{}, fmt.Errorf("%w: certificates of several sources", ErrMalformed)
	case len(t.Delegations) == 0:
		return legacyText{}, fmt.Errorf("%w: no records", ErrMalformed)
	}
	l := legacyText{Ticket: t, links: make([]link, len(t.Delegations))}
	c := t.Certificate
	for k, d := range t.Delegations {
		if l.links[k], err = legacyLink(d, c, rules); err != nil {
			return legacyText{}, fmt.Errorf("record %d: %w", k, err)
		}
		l.certificates = append(l.certificates, c)
		c = c.Issuer
	}
	if c != nil {
		return legacyText{}, fmt.Errorf("%w: more certificates than records", ErrMalformed)
	}
	return l, nil
}

// legacyLink is one record with its certificate.
func legacyLink(d *xstream.Delegation, c *xstream.Certificate, rules legacyRules) (link, error) {
	missing := func(what string) (link, error) { return link{}, fmt.Errorf("%w: %s", ErrMalformed, what) }
	switch {
	case d == nil:
		return missing("null")
	case c == nil || c.Holder == nil:
		return missing("no certificate of its holder")
	case !d.Signed || d.Signature == nil || len(d.Signature.Octets()) == 0:
		return missing("no signature")
	case d.Term == nil || !d.Term.Start.Set || !d.Term.End.Set || !d.Term.NewStart.Set:
		return missing("its term is not complete")
	case d.Type == nil || d.Type.Null:
		return missing("no type")
	case d.Vector != nil || d.Sources != nil || d.Bins != nil:
		return missing("a share of bins, which nobody issues and we do not judge")
	case d.Properties != nil && d.Properties.Defaults != nil:
		return missing("properties behind properties")
	}
	l := link{Record: Record{
		GUID: d.GUID, Issuer: d.Issuer, Holder: d.Holder, Units: int(d.Units), Type: d.Type.Name,
		Start: d.Term.Start.Millis, NewStart: d.Term.NewStart.Millis, End: d.Term.End.Millis,
	}, signature: d.Signature.Octets(), der: c.Holder.Octets}
	if d.Properties != nil {
		for _, p := range d.Properties.List {
			if l.Properties == nil {
				l.Properties = make(map[string]string)
			}
			l.Properties[p.Name] = p.Value
		}
	}
	return l, l.checkAs(rules)
}

// checkAs is check under a policy for legacy records.
func (r Record) checkAs(rules legacyRules) error {
	if rules.anyName && plainName(r.Issuer) && plainName(r.Holder) {
		r.Issuer, r.Holder = nobody, nobody
	}
	return r.check()
}

const nobody = "00000000-0000-0000-0000-000000000000"

// text is the ticket that the holder of record k was given, in canonical form.
func (t legacyText) text(k int) []byte {
	part := xstream.Ticket{Form: xstream.Sharp, Delegations: t.Delegations[k:], Certificate: t.certificates[k]}
	return part.Append(nil)
}

// verifyLegacy checks a legacy ticket completely, which no legacy actor does
// (tickets 10.1, 10.3): every endorsement up to the root, the root's included,
// every record's signature, names, links and containment.
func verifyLegacy(text string, roots func(string) []crypto.PublicKey, rules legacyRules) (Chain, error) {
	t, err := parseLegacy(text, rules)
	if err != nil {
		return Chain{}, err
	}
	c := Chain{records: make([]Record, len(t.links)), certs: make([]*x509.Certificate, len(t.links)), orders: make([]xstream.Order, len(t.links))}
	fail := func(k int, err error) (Chain, error) { return Chain{}, fmt.Errorf("record %d: %w", k, err) }
	for k, l := range t.links {
		if c.certs[k], err = legacyCertificate(l.der, l.Holder); err != nil {
			return fail(k, err)
		}
		c.records[k] = l.Record
		if slices.ContainsFunc(t.links[:k], func(o link) bool { return o.GUID == l.GUID }) {
			return fail(k, fmt.Errorf("%w: its guid is taken", ErrLink))
		}
	}
	last := len(t.links) - 1
	switch root := c.Root(); {
	case root.Issuer != root.Holder:
		return fail(last, fmt.Errorf("%w: root issued by %s to %s", ErrLink, root.Issuer, root.Holder))
	case t.certificates[last].Signature != nil:
		return fail(last, fmt.Errorf("%w: an endorsed root", ErrLink))
	case !pinned(roots, root.Holder, c.certs[last].PublicKey):
		return fail(last, fmt.Errorf("%w: %s", ErrUntrusted, root.Holder))
	}
	// Endorsements from the root on, so that nobody's key is used before it has
	// been vouched for; then the records.
	for k := last - 1; k >= 0; k-- {
		if s := t.certificates[k].Signature; s == nil || verifyMD5(c.certs[k+1].PublicKey, t.links[k].der, s.Octets) != nil {
			return fail(k, fmt.Errorf("%w: of the issuer over the holder's certificate", ErrSignature))
		}
	}
	for k := last; k >= 0; k-- {
		issuer := min(k+1, last)
		if k < last {
			if err := t.links[k].within(t.links[k+1].Record); err != nil {
				return fail(k, err)
			}
		}
		if c.orders[k], err = verifyRecord(t.Delegations[k], c.certs[issuer].PublicKey, rules); err != nil {
			return fail(k, err)
		}
	}
	c.text = func(k int) []byte { return t.text(k) }
	return c, nil
}

// maxTried bounds the properties of a record whose order is looked for: 5! is
// 120 signatures to check.
const maxTried = 5

// VerifySigned checks a ticket of the legacy Signed form: every record with a key of
// its issuer, which the form does not carry, every link and every containment; the
// root is one that its issuer made out to itself. It gives the records, newest first,
// and in which order of its properties each was signed. No actor accepts such a
// ticket; it is for tools.
func VerifySigned(text string, keys func(guid string) []crypto.PublicKey) ([]Record, []xstream.Order, error) {
	fail := func(err error) ([]Record, []xstream.Order, error) { return nil, nil, fmt.Errorf("ticket: %w", err) }
	t, err := xstream.Parse(text)
	switch {
	case errors.Is(err, xstream.ErrLimit):
		return fail(fmt.Errorf("%w: %w", ErrLimit, err))
	case err != nil:
		return fail(fmt.Errorf("%w: %w", ErrMalformed, err))
	case t.Form != xstream.Signed:
		return fail(fmt.Errorf("%w: a %v ticket, which nobody's key vouches for", ErrSignature, t.Form))
	case len(t.Delegations) == 0:
		return fail(fmt.Errorf("%w: no records", ErrMalformed))
	}
	rules := legacyRules{anyName: true, anyOrder: true}
	records, orders := make([]Record, len(t.Delegations)), make([]xstream.Order, len(t.Delegations))
	for k := len(records) - 1; k >= 0; k-- {
		in := func(err error) ([]Record, []xstream.Order, error) { return fail(fmt.Errorf("record %d: %w", k, err)) }
		l, err := legacyLink(t.Delegations[k], &xstream.Certificate{Holder: &xstream.Blob{}}, rules)
		if err != nil {
			return in(err)
		}
		records[k] = l.Record
		if k == len(records)-1 && l.Issuer != l.Holder {
			return in(fmt.Errorf("%w: root issued by %s to %s", ErrLink, l.Issuer, l.Holder))
		}
		if k < len(records)-1 {
			if err := l.within(records[k+1]); err != nil {
				return in(err)
			}
		}
		err = fmt.Errorf("%w: no key of %s is known", ErrUntrusted, l.Issuer)
		for _, key := range keys(l.Issuer) {
			if err = suitableMD5(key); err == nil {
				orders[k], err = verifyRecord(t.Delegations[k], key, rules)
			}
			if err == nil {
				break
			}
		}
		if err != nil {
			return in(err)
		}
	}
	return records, orders, nil
}

// verifyRecord checks the signature of one legacy record, of a Signed or a SHARP
// ticket, with its issuer's key, and says in which order of the properties it holds
// (tickets 4.3.4). The error wraps ErrSignature.
func verifyRecord(d *xstream.Delegation, key crypto.PublicKey, rules legacyRules) (xstream.Order, error) {
	signature := d.Signature.Octets()
	one := *d
	holds := func(list []xstream.Property) bool {
		if d.Properties != nil {
			one.Properties = &xstream.Properties{List: list, Defaults: d.Properties.Defaults}
		}
		return verifyMD5(key, one.SignedBytes(), signature) == nil
	}
	for _, c := range d.Properties.Orders() {
		if holds(c.List) {
			return c.Order, nil
		}
	}
	if d.Properties == nil || !rules.anyOrder || len(d.Properties.List) < 2 {
		return 0, ErrSignature
	}
	if len(d.Properties.List) > maxTried {
		return 0, fmt.Errorf("%w: %w: %d properties", ErrSignature, ErrOrder, len(d.Properties.List))
	}
	if d.Properties.Permutations(holds) {
		return xstream.Other, nil
	}
	return 0, ErrSignature
}
