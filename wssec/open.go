package wssec

import (
	"bytes"
	"strings"
	"time"

	"github.com/leasehold/leasehold/wire/xmltree"
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
	Cache     *Certificates             // optional
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
	l, err := find(doc)
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

	r, need, err := o.agreed(v.guid, peer)
	if err != nil {
		return v, err
	}
	if err := l.check(need, peer); err != nil {
		return v, err
	}
	index, err := ids(doc)
	if err != nil {
		return v, err
	}
	s, err := dsig.Parse(l.signature, r.signatures)
	if err != nil {
		return v, refuse(err, "Signature")
	}
	targets, err := l.targets(s, index, need)
	if err != nil {
		return v, err
	}
	cert, tokenText, err := l.certificate(s.KeyInfo, o)
	if err != nil {
		return v, err
	}
	if !pinned(o.Trust, v.guid, cert.PublicKey) {
		return v, refuse(ErrUntrusted, "key of %.60q", cert.Subject.CommonName)
	}
	buf, err := s.Verify(cert.PublicKey, make([]byte, 0, doc.Size()))
	if err != nil {
		return v, refuse(err, "SignatureValue")
	}
	limit := 4*doc.Size() + 64<<10 // wssec.md A20
	for i, ref := range s.References {
		if buf, err = ref.Check(targets[i], buf, limit); err != nil {
			return v, refuse(err, "%s", targets[i].Local())
		}
	}

	// What follows is signed; it is checked for being meant for us, now.
	if v.created, err = o.fresh(l.get(timestamp), r.lifetime); err != nil {
		return v, err
	}
	if err := o.destination(l.get(to)); err != nil {
		return v, err
	}
	id := l.get(messageID)
	if peer != "" {
		id = l.get(relatesTo)
		if err := confirms(l.get(confirmation), confirm); err != nil {
			return v, err
		}
	}
	if v.message, err = messageText(id); err != nil {
		return v, err
	}
	o.Cache.put(tokenText, cert)
	v.body, v.value, v.key = l.payload, s.Value, cert.PublicKey
	return v, nil
}

// claimed is a refusal after the sender had said who it is.
type claimed struct {
	guid string
	err  error
}

func (c *claimed) Error() string { return c.err.Error() + " (sender claims to be " + c.guid + ")" }
func (c *claimed) Unwrap() error { return c.err }

// identity reads the AuthToken: who the sender claims to be.
func (o Opening) identity(n xmltree.Node, peer string) (guid, name string, err error) {
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
	switch {
	case !ValidGUID(guid):
		return "", "", refuse(ErrIdentity, "guid %.60q is no lower-case UUID", guid)
	case !ValidName(name):
		return "", "", refuse(ErrIdentity, "name %.60q", name)
	case guid == o.Self:
		return "", "", refuse(ErrIdentity, "our own guid") // reflection, wssec.md A8
	case peer != "" && guid != peer:
		return "", "", refuse(ErrIdentity, "%s answers for %.60q", guid, peer)
	}
	return guid, name, nil
}

// agreed is what the profile of a peer asks of this kind of message.
func (o Opening) agreed(guid, peer string) (*rules, part, error) {
	p := Strict
	if o.Profile != nil {
		p = o.Profile(guid)
	}
	r, ok := p.rules()
	if !ok {
		return nil, 0, refuse(ErrProfile, "%v", p)
	}
	if peer != "" {
		return r, r.response, nil
	}
	return r, r.request, nil
}

// check wants exactly the parts of need.
func (l *layout) check(need part, peer string) error {
	for i, n := range l.part {
		p := part(1 << i)
		switch {
		case need.has(p) && !n.Valid():
			return refuse(ErrUnsigned, "no %v", p)
		case !need.has(p) && n.Valid():
			return refuse(ErrShape, "unexpected %v", p)
		}
	}
	// A Fault is an answer; as a request it has no meaning (wssec.md A10).
	if peer == "" && l.payload.Is(soapNS, "Fault") {
		return refuse(ErrShape, "request is a Fault")
	}
	return nil
}

// targets are the elements the References name, in their order. Each is one of
// the parts, by position, and every part is named: what is not signed does not
// count, and what is signed elsewhere does not either (wssec.md A1, A2).
func (l *layout) targets(s dsig.Signature, index map[string]xmltree.Node, need part) ([]xmltree.Node, error) {
	targets := make([]xmltree.Node, 0, parts)
	var have part
	for _, ref := range s.References {
		n, ok := index[ref.ID]
		if !ok {
			return nil, refuse(ErrTarget, "no element has the id %.60q", ref.ID)
		}
		i := 0
		for ; i < parts && (l.part[i] != n || !need.has(1<<i)); i++ {
		}
		if i == parts {
			return nil, refuse(ErrTarget, "%.60q is not to be signed here", n.Local())
		}
		have |= 1 << i
		targets = append(targets, n)
	}
	if missing := need &^ have; missing != 0 {
		return nil, refuse(ErrUnsigned, "%v", missing)
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
		// Parse takes a comma for the point; what it read must be what it says.
		if at[i], err = time.Parse(timeLayout, s); err != nil || at[i].Format(timeLayout) != s {
			return created, refuse(ErrStale, "time %.60q", s)
		}
	}
	created, expires := at[0], at[1]
	switch {
	case created.After(o.Now.Add(o.Skew)):
		return created, refuse(ErrStale, "created in the future: %v", created)
	case created.Before(o.NotBefore.Truncate(time.Millisecond)):
		return created, refuse(ErrStale, "created before we started: %v", created)
	case !expires.Add(o.Skew).After(o.Now):
		return created, refuse(ErrStale, "expired: %v", expires)
	case !expires.After(created) || expires.Sub(created) > lifetime:
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
