package wssec

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"strings"
	"sync"
	"time"

	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec/c14n"
	"github.com/leasehold/leasehold/wssec/dsig"
)

// Opening is what a receiver knows when a message arrives.
type Opening struct {
	Trust     Trust                     // whose keys we know; nil means nobody's
	Self      string                    // our own GUID: the only destination we accept
	Now       time.Time                 // the time of the check
	NotBefore time.Time                 // refuse what was created earlier; see Replay. Zero asks nothing
	Skew      time.Duration             // by how much clocks may differ
	Profile   func(guid string) Profile // agreed with this peer; nil means Strict with everyone
	Policy    func(guid string) Policy  // the same with departures; when set, Profile is not asked
	Cache     *Certificates             // optional
	Strength  *Strength                 // optional: remembers who has signed without SHA-1
}

// OpenRequest checks a request and gives what was signed. The caller then asks
// [Replay] whether it has seen it before. Every error wraps [ErrRefused].
func OpenRequest(doc *xmltree.Document, o Opening) (Verified, error) {
	return o.open(doc, "", nil)
}

// OpenResponse checks the answer of the actor peer to a request whose
// SignatureValue was confirm. A Body that holds a soap:Fault may open here: it
// is then the peer's word, as an unsigned fault is not.
func OpenResponse(doc *xmltree.Document, o Opening, peer string, confirm []byte) (Verified, error) {
	if peer == "" || len(confirm) == 0 {
		return Verified{}, refuse(ErrConfirmation, "no request to answer")
	}
	return o.open(doc, peer, confirm)
}

// open takes the steps of wssec.md 12. Nothing larger than SignedInfo is
// canonicalised before a pinned key has signed for it. A peer is named for
// responses only.
func (o Opening) open(doc *xmltree.Document, peer string, confirm []byte) (v Verified, err error) {
	l, err := find(doc, soapNS)
	if err != nil {
		return v, err
	}
	if v.guid, v.name, err = o.identity(l.get(authToken), peer); err != nil {
		return v, err
	}
	// From here on the log may name the claimed sender.
	defer func() {
		if err != nil {
			v, err = Verified{}, &claimed{v.guid, err}
		}
	}()

	policy, r, need, err := o.agreed(v.guid, peer)
	if err != nil {
		return v, err
	}
	if policy.Protocol != SOAP {
		return v, refuse(ErrProfile, "agreed with this peer is %v, not SOAP", policy.Protocol)
	}
	if err := l.check(need, peer); err != nil {
		return v, err
	}
	index, err := indexIDs(doc)
	if err != nil {
		return v, err
	}
	s, err := dsig.Parse(l.signature, r.signatures)
	if err != nil {
		return v, refuse(err, "Signature")
	}
	targets, err := l.targets(s, &index, need)
	if err != nil {
		return v, err
	}
	by, err := l.signer(s.KeyInfo, v.guid, r, o)
	if err != nil {
		return v, err
	}
	if err := o.valid(by.cert, policy); err != nil {
		return v, err
	}
	if !pinned(o.Trust, v.guid, by.cert.PublicKey) {
		return v, refuse(ErrUntrusted, "key of %.60q", by.cert.Subject.CommonName)
	}
	if s.Weak() && o.Strength.Has(v.guid) {
		return v, refuse(ErrDowngrade, "SHA-1 again")
	}
	if err := digests(doc, s, by.cert.PublicKey, targets[:]); err != nil {
		return v, err
	}

	// What follows is signed; it is checked for being meant for us, now.
	if n := l.get(timestamp); n.Valid() {
		if v.created, err = o.fresh(n, r.lifetime); err != nil {
			return v, err
		}
	}
	if r.headers {
		if err := o.destination(l.get(to)); err != nil {
			return v, err
		}
		id := l.get(messageID)
		if peer != "" {
			id = l.get(relatesTo)
		}
		if v.message, err = messageText(id); err != nil {
			return v, err
		}
	}
	if peer != "" {
		if err := confirms(l.get(confirmation), confirm); err != nil {
			return v, err
		}
	}
	o.Cache.put(by.text, by.cert)
	if !s.Weak() && !r.headers { // under Strict nobody has a choice
		o.Strength.add(v.guid)
	}
	if r.headers {
		v.replay = v.guid + " " + v.message
	} else {
		v.replay = legacyReplayKey(by.cert, s, targets[:], l.get(body))
	}
	v.body, v.value, v.key, v.profile = l.payload, s.Value, by.cert.PublicKey, policy.Profile
	return v, nil
}

// digests checks the signature value and then, what it vouches for, the digests of
// the targets.
func digests(doc *xmltree.Document, s dsig.Signature, key crypto.PublicKey, targets []xmltree.Node) error {
	buf := buffers.Get().(*c14n.Buffer)
	defer func() {
		if buf.Size() <= maxBuffer {
			buf.Forget()
			buffers.Put(buf)
		}
	}()
	if err := s.Verify(key, buf); err != nil {
		return refuse(err, "SignatureValue")
	}
	limit := 4*doc.Size() + 64<<10 // wssec.md A20
	for i, ref := range s.References {
		check := ref.Check
		if ref.STR {
			check = ref.CheckToken
		}
		if err := check(targets[i], buf, limit); err != nil {
			return refuse(err, "%s", targets[i].Local())
		}
	}
	return nil
}

// buffers are room for canonical forms, which nobody needs after their digest.
// Larger ones than maxBuffer are not kept.
var buffers = sync.Pool{New: func() any { return new(c14n.Buffer) }}

const maxBuffer = 1 << 20

// legacyReplayKey is the signer's key and the digest of the signed Body.
func legacyReplayKey(cert *x509.Certificate, s dsig.Signature, targets []xmltree.Node, body xmltree.Node) string {
	key := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	for i, ref := range s.References {
		if targets[i] == body {
			return string(key[:]) + string(ref.Digest())
		}
	}
	return string(key[:])
}

// claimed is a refusal after the sender had said who it is.
type claimed struct {
	guid string
	err  error
}

func (c *claimed) Error() string { return c.err.Error() + " (sender claims to be " + c.guid + ")" }
func (c *claimed) Unwrap() error { return c.err }

// identity reads the AuthToken: who the sender claims to be. An answer without
// one can only be of the peer that was asked; whether its profile allows that is
// seen later.
func (o Opening) identity(n xmltree.Node, peer string) (guid, name string, err error) {
	if !n.Valid() && peer != "" && !strings.EqualFold(peer, o.Self) {
		return peer, "", nil
	}
	if !n.Valid() {
		return "", "", refuse(ErrIdentity, "no AuthToken")
	}
	for a := range n.Attrs() {
		switch {
		case a.Space == secNS && a.Local == "guid":
			guid = a.Value
		case a.Space == secNS && a.Local == "name":
			name = a.Value
		case a.Space == wsuNS && a.Local == "Id":
		default:
			return "", "", refuse(ErrShape, "attribute %.60q of AuthToken", a.Local)
		}
	}
	if n.End() != n.Index()+1 {
		return "", "", refuse(ErrShape, "AuthToken has content")
	}
	if err := o.acceptable(guid, name, peer); err != nil {
		return "", "", err
	}
	return guid, name, nil
}

// acceptable says why nobody can be who a sender claims to be, or nil.
func (o Opening) acceptable(guid, name, peer string) error {
	switch {
	case !ValidLegacyGUID(guid):
		return refuse(ErrIdentity, "guid %.60q is no UUID", guid)
	case !ValidName(name):
		return refuse(ErrIdentity, "name %.60q", name)
	case strings.EqualFold(guid, o.Self):
		return refuse(ErrIdentity, "our own guid") // reflection, wssec.md A8
	case peer != "" && guid != peer:
		return refuse(ErrIdentity, "%s answers for %.60q", guid, peer)
	}
	return nil
}

// agreed is what the policy of a peer asks of this kind of message.
func (o Opening) agreed(guid, peer string) (Policy, rules, shape, error) {
	p := Strict.Policy()
	switch {
	case o.Policy != nil:
		p = o.Policy(guid)
	case o.Profile != nil:
		p = o.Profile(guid).Policy()
	}
	r, err := p.rules()
	switch {
	case err != nil:
		return p, r, shape{}, refuse(ErrProfile, "%v", err)
	case !r.anyCase && !ValidGUID(guid):
		return p, r, shape{}, refuse(ErrIdentity, "guid %.60q is not in lower case", guid)
	case peer != "":
		return p, r, r.response, nil
	}
	return p, r, r.request, nil
}

// check wants the parts that have to be there and no others than may be.
func (l *layout) check(need shape, peer string) error {
	for i, n := range l.part {
		p := part(1 << i)
		switch {
		case need.need.has(p) && !n.Valid():
			return refuse(ErrUnsigned, "no %v", p)
		case !(need.need | need.may).has(p) && n.Valid():
			return refuse(ErrShape, "unexpected %v", p)
		}
	}
	if l.final && !need.final {
		return refuse(ErrShape, "a confirmation in another namespace")
	}
	// A Fault is an answer; as a request it has no meaning (wssec.md A10).
	if peer == "" && l.payload.Is(l.soap, "Fault") {
		return refuse(ErrShape, "request is a Fault")
	}
	return nil
}

// targets are the elements whose digests the References give, in their order.
// Each is one of the parts, by position, and every part that must be is named:
// what is not signed does not count, and what is signed elsewhere does not either
// (wssec.md A1, A2). A SecurityTokenReference stands for the token only when it is
// the one that KeyInfo holds.
func (l *layout) targets(s dsig.Signature, index *ids, need shape) (targets [parts]xmltree.Node, err error) {
	var have part
	for k, ref := range s.References {
		n := index.get(ref.ID)
		if !n.Valid() {
			return targets, refuse(ErrTarget, "no element has the id %.60q", ref.ID)
		}
		if ref.STR {
			if n != s.KeyInfo.Child(wsseNS, "SecurityTokenReference") {
				return targets, refuse(ErrTarget, "%.60q is not the token reference in use", n.Local())
			}
			if n = l.get(token); !n.Valid() {
				return targets, refuse(ErrTarget, "the token reference names nothing in the message")
			}
		}
		i := 0
		for ; i < parts && (l.part[i] != n || !(need.need | need.may).has(1<<i)); i++ {
		}
		if i == parts {
			return targets, refuse(ErrTarget, "%.60q is not to be signed here", n.Local())
		}
		if have.has(1 << i) {
			return targets, refuse(ErrTarget, "%.60q is signed twice", n.Local())
		}
		have |= 1 << i
		targets[k] = n
	}
	must := need.sign
	for i, n := range l.part {
		if p := part(1 << i); need.ifThere.has(p) && n.Valid() {
			must |= p
		}
	}
	if missing := must &^ have; missing != 0 {
		return targets, refuse(ErrUnsigned, "%v", missing)
	}
	return targets, nil
}

// fresh reads the Timestamp and compares it with the time of the check.
func (o Opening) fresh(n xmltree.Node, lifetime time.Duration) (created time.Time, err error) {
	if err := onlyAttrs(n, wsuNS, "Id"); err != nil {
		return created, err
	}
	var room [2]xmltree.Node
	kids, err := children(room[:0], n, 2)
	if err != nil {
		return created, err
	}
	if len(kids) != 2 || !kids[0].Is(wsuNS, "Created") || !kids[1].Is(wsuNS, "Expires") {
		return created, refuse(ErrShape, "Timestamp is not Created and Expires")
	}
	var at [2]time.Time
	for i, kid := range kids {
		s, err := text(kid)
		if err != nil {
			return created, err
		}
		// Parse takes a comma for the point, and an hour of one digit.
		if at[i], err = time.Parse(timeLayout, s); err != nil || len(s) != len(timeLayout) || s[len("2006-01-02T15:04:05")] != '.' {
			return created, refuse(ErrStale, "time %.60q", s)
		}
	}
	created, expires := at[0], at[1]
	switch {
	case created.After(o.Now.Add(o.Skew)):
		return created, refuse(ErrStale, "created in the future: %v, and it is %v", created, o.Now.UTC())
	case lifetime > 0 && created.Before(o.NotBefore.Truncate(time.Millisecond)):
		return created, refuse(ErrStale, "created before we started: %v", created)
	case !expires.Add(o.Skew).After(o.Now):
		return created, refuse(ErrStale, "expired: %v, and it is %v", expires, o.Now.UTC())
	case !expires.After(created) || lifetime > 0 && expires.Sub(created) > lifetime:
		return created, refuse(ErrStale, "a lifetime of %v", expires.Sub(created))
	}
	return created, nil
}

// destination wants the message addressed to us: a peer must not be able to
// pass it on as if it had been sent to the next (wssec.md A7).
func (o Opening) destination(n xmltree.Node) error {
	if err := onlyAttrs(n, wsuNS, "Id"); err != nil {
		return err
	}
	s, err := text(n)
	if err != nil {
		return err
	}
	if guid, ok := strings.CutPrefix(s, urnUUID); !ok || guid != o.Self || !ValidGUID(guid) {
		return refuse(ErrDestination, "%.80q", s)
	}
	return nil
}

// confirms wants the SignatureConfirmation of our own request.
func confirms(n xmltree.Node, confirm []byte) error {
	for a := range n.Attrs() {
		if !(a.Space == "" && a.Local == "Value") && !(a.Space == wsuNS && a.Local == "Id") {
			return refuse(ErrShape, "attribute %.60q of SignatureConfirmation", a.Local)
		}
	}
	if n.End() != n.Index()+1 {
		return refuse(ErrShape, "SignatureConfirmation has content")
	}
	value, _ := n.Attr("", "Value")
	if got, err := dsig.DecodeBase64(value); err != nil || !bytes.Equal(got, confirm) {
		return refuse(ErrConfirmation, "another SignatureValue")
	}
	return nil
}

func messageText(n xmltree.Node) (string, error) {
	if err := onlyAttrs(n, wsuNS, "Id"); err != nil {
		return "", err
	}
	s, err := text(n)
	if err != nil {
		return "", err
	}
	if !ValidMessageID(s) {
		return "", refuse(ErrShape, "message id %.60q", s)
	}
	return s, nil
}
