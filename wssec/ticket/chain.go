package ticket

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"slices"

	"github.com/leasehold/leasehold/wssec/ticket/xstream"
)

// Chain is a ticket that was verified up to its root. Only [Verify] makes one,
// so holding a Chain is the proof. Index 0 is the newest record, the last one
// the root.
type Chain struct {
	records []Record
	certs   []*x509.Certificate
	scheme  Scheme
	orders  []xstream.Order    // legacy only
	text    func(k int) []byte // of the ticket that record k's holder holds
}

// Scheme is the scheme that the ticket was verified in.
func (c Chain) Scheme() Scheme { return c.scheme }

// Orders says, for a legacy ticket, in which order of its properties each record
// was signed, newest first; nil for others. Anything but xstream.Received came
// through a relay that re-ordered them, which is worth a line in the log.
func (c Chain) Orders() []xstream.Order { return slices.Clone(c.orders) }

// Text is the ticket that the holder of record k was given, counted from 0 for
// the newest; the parents of a ticket are tickets. It is empty if there is no
// such record.
func (c Chain) Text(k int) string {
	if k < 0 || k >= len(c.records) {
		return ""
	}
	return string(c.text(k))
}

// Records lists the delegations, newest first; the caller may keep the slice.
func (c Chain) Records() []Record { return slices.Clone(c.records) }

// Certs lists the holders' certificates in the order of Records.
func (c Chain) Certs() []*x509.Certificate { return slices.Clone(c.certs) }

// ID identifies record k by what it says and whose key holds it, and all its
// ancestors likewise: what somebody can change without its issuer, such as the
// spelling of a signature, is not part of it. The zero value if there is no such
// record.
func (c Chain) ID(k int) (id [sha256.Size]byte) {
	if k < 0 || k >= len(c.records) {
		return id
	}
	for i := len(c.records) - 1; i >= k; i-- {
		h := sha256.New()
		h.Write(id[:])
		record := sha256.Sum256(appendRecord(nil, 0, c.records[i], nil))
		h.Write(record[:])
		h.Write(c.certs[i].RawSubjectPublicKeyInfo)
		id = [sha256.Size]byte(h.Sum(nil))
	}
	return id
}

// Newest is the right that the ticket gives; the zero Record if c is zero.
func (c Chain) Newest() Record {
	if len(c.records) == 0 {
		return Record{}
	}
	return c.records[0]
}

// Root is the record the site signed to itself; the zero Record if c is zero.
func (c Chain) Root() Record {
	if len(c.records) == 0 {
		return Record{}
	}
	return c.records[len(c.records)-1]
}

// HolderKey is the key of the ticket's holder: whoever presents the ticket must
// have signed the message with it (tickets 12.2 T16). Nil if c is zero.
func (c Chain) HolderKey() crypto.PublicKey {
	if len(c.certs) == 0 {
		return nil
	}
	return c.certs[0].PublicKey
}

// Root makes the first record of a chain, issued by a site to itself, and
// returns the ticket's text. cert is the site's own certificate, signer its key.
func Root(r Record, signer crypto.Signer, cert *x509.Certificate) (string, error) {
	if err := r.check(); err != nil {
		return "", fmt.Errorf("ticket: root: %w", err)
	}
	if r.Issuer != r.Holder {
		return "", fmt.Errorf("ticket: root: %w: issuer %s, holder %s", ErrLink, r.Issuer, r.Holder)
	}
	if !same(signer.Public(), cert.PublicKey) {
		return "", fmt.Errorf("ticket: root: %w: the certificate is for another key", ErrLink)
	}
	return grow(nil, r, signer, cert)
}

// Delegate carves r out of parent's newest record for the holder named in r and
// in holderCert, and returns the text of the longer chain. The signer must be
// the holder of that record. The parent's own signatures are not checked again:
// whoever holds a ticket verified it when it arrived.
func Delegate(parent string, r Record, signer crypto.Signer, holderCert *x509.Certificate) (string, error) {
	chain, err := parse(parent)
	if err != nil {
		return "", fmt.Errorf("ticket: parent: %w", err)
	}
	if err := r.check(); err != nil {
		return "", fmt.Errorf("ticket: delegate: %w", err)
	}
	if err := r.within(chain[0].Record); err != nil {
		return "", fmt.Errorf("ticket: delegate: %w", err)
	}
	cert, err := certificate(chain[0].der, chain[0].Holder)
	if err != nil {
		return "", fmt.Errorf("ticket: parent: %w", err)
	}
	if !same(signer.Public(), cert.PublicKey) {
		return "", fmt.Errorf("ticket: delegate: %w: the parent is held with another key", ErrLink)
	}
	return grow(chain, r, signer, holderCert)
}

// grow puts a signed record in front of a chain that it was checked against.
func grow(chain []link, r Record, signer crypto.Signer, holder *x509.Certificate) (string, error) {
	fail := func(err error) (string, error) { return "", fmt.Errorf("ticket: record %s: %w", r.GUID, err) }
	properties := len(r.Properties)
	for _, l := range chain {
		properties += len(l.Properties)
		if l.GUID == r.GUID {
			return fail(fmt.Errorf("%w: its guid is taken", ErrLink))
		}
	}
	if len(chain) == MaxRecords {
		return fail(fmt.Errorf("%w: more than %d records", ErrLimit, MaxRecords))
	}
	if properties > MaxProperties {
		return fail(fmt.Errorf("%w: more than %d properties", ErrLimit, MaxProperties))
	}
	if err := belongs(holder, r.Holder); err != nil {
		return fail(err)
	}
	var parent []byte
	if len(chain) > 0 {
		parent = chain[0].signature
	}
	sig, err := sign(signer, digest(parent, r, holder.Raw))
	if err != nil {
		return fail(err)
	}
	chain = slices.Insert(chain, 0, link{Record: r, signature: sig, der: holder.Raw})
	text := appendTicket(nil, chain)
	if len(text) > MaxText {
		return fail(fmt.Errorf("%w: %d octets of text, at most %d", ErrLimit, len(text), MaxText))
	}
	return string(text), nil
}

// Verify reads a ticket and checks all of it: form, limits, every link, every
// containment, every signature, and that the root's key is one of those that
// roots gives for the site's GUID. A nil roots trusts nobody. The error names
// the record, counted from 0 for the newest, and wraps one of this package's
// causes.
func Verify(text string, roots func(guid string) []crypto.PublicKey) (Chain, error) {
	return (*Memo)(nil).verify(text, roots)
}

func (m *Memo) verify(text string, roots func(guid string) []crypto.PublicKey) (Chain, error) {
	links, err := parse(text)
	if err != nil {
		return Chain{}, fmt.Errorf("ticket: %w", err)
	}
	c := Chain{records: make([]Record, len(links)), certs: make([]*x509.Certificate, len(links))}
	for k, l := range links {
		if c.certs[k], err = m.certificate(l.der, l.Holder); err != nil {
			return Chain{}, fmt.Errorf("ticket: record %d: %w", k, err)
		}
		c.records[k] = l.Record
		if slices.ContainsFunc(links[:k], func(o link) bool { return o.GUID == l.GUID }) {
			return Chain{}, fmt.Errorf("ticket: record %d: %w: its guid is taken", k, ErrLink)
		}
	}
	// The root first: what a stranger made up should cost no more than this.
	last := len(links) - 1
	if root := c.Root(); root.Issuer != root.Holder {
		return Chain{}, fmt.Errorf("ticket: record %d: %w: root issued by %s to %s", last, ErrLink, root.Issuer, root.Holder)
	} else if !pinned(roots, root.Holder, c.certs[last].PublicKey) {
		return Chain{}, fmt.Errorf("ticket: record %d: %w: %s", last, ErrUntrusted, root.Holder)
	}
	proofs := make([][sha256.Size]byte, 0, len(links))
	for k := last; k >= 0; k-- {
		proof, err := m.checkLink(links, c.certs, k)
		if err != nil {
			return Chain{}, fmt.Errorf("ticket: record %d: %w", k, err)
		}
		proofs = append(proofs, proof)
	}
	m.keep(proofs, c.certs)
	c.scheme = SHA256Chain
	c.text = func(k int) []byte { return appendTicket(nil, links[k:]) }
	return c, nil
}

// checkLink checks record k against its parent and its parent's key.
func (m *Memo) checkLink(links []link, certs []*x509.Certificate, k int) (proof [sha256.Size]byte, err error) {
	l := links[k]
	if k == len(links)-1 {
		return m.signed(certs[k], digest(nil, l.Record, l.der), l.signature)
	}
	parent := links[k+1]
	if err := l.within(parent.Record); err != nil {
		return proof, err
	}
	return m.signed(certs[k+1], digest(parent.signature, l.Record, l.der), l.signature)
}

func pinned(roots func(string) []crypto.PublicKey, guid string, key crypto.PublicKey) bool {
	return roots != nil && slices.ContainsFunc(roots(guid), func(k crypto.PublicKey) bool { return same(key, k) })
}
