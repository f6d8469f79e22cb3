package embedded

import (
	"context"
	"errors"
	"fmt"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/tree"
	"github.com/leasehold/leasehold/ldapschema"
)

// A searchRequest is what RFC 4511 4.5.1 says of a search; aliases do not exist
// here, so how to treat them does not matter.
type searchRequest struct {
	base      ldapschema.DN
	scope     int
	size      int // 0 for no limit
	seconds   int
	typesOnly bool
	filter    ldapschema.Filter
	attrs     []string
}

func parseSearch(p *ber.Packet) (searchRequest, error) {
	var r searchRequest
	f, err := parts(p, 8, 8)
	if err != nil {
		return r, err
	}
	base, err := text(f[0])
	if err != nil {
		return r, err
	}
	var numbers [4]int64 // scope, aliases, size, seconds
	for i, tag := range []ber.Tag{ber.TagEnumerated, ber.TagEnumerated, ber.TagInteger, ber.TagInteger} {
		if numbers[i], err = integer(f[1+i], tag); err != nil {
			return r, err
		}
		if numbers[i] < 0 || numbers[i] > maxID {
			return r, protocolError("number %d out of range", numbers[i])
		}
	}
	if numbers[0] > scopeSub {
		return r, protocolError("scope %d", numbers[0])
	}
	r.base, r.scope, r.size, r.seconds = ldapschema.DN(base), int(numbers[0]), int(numbers[2]), int(numbers[3])
	if r.typesOnly, err = boolean(f[5]); err != nil {
		return r, err
	}
	if r.filter, err = parseFilter(f[6]); err != nil {
		return r, err
	}
	r.attrs, err = texts(f[7], ber.TagSequence)
	return r, err
}

// chunk is how many entries are read at a time, and then sent: a slow reader holds
// up no transaction.
const chunk = 256

func (c *client) search(ctx context.Context, m message) (*ber.Packet, []*ber.Packet) {
	done := func(err error) (*ber.Packet, []*ber.Packet) { return resultOf(opSearchDone, err), nil }
	r, err := parseSearch(m.op)
	if err != nil {
		return done(err)
	}
	x, err := m.controlsFor(controlPaged, controlAssert, controlSync)
	if err != nil {
		return done(err)
	}
	if _, err := ldapschema.ParseDN(string(r.base)); err != nil {
		return done(&directory.Error{Op: "search", DN: r.base, Code: directory.InvalidDNSyntax, Err: err})
	}
	if r.scope == scopeBase && (r.base.Depth() == 0 || r.base.Equal(subschemaDN)) {
		return done(c.searchOwn(m, r))
	}
	if !c.who.mayRead(c.srv) {
		return done(&directory.Error{Op: "search", DN: r.base, Code: directory.InsufficientAccess, Err: errors.New("bind first")})
	}
	if r.base.Depth() == 0 {
		r.base = c.srv.cfg.Suffix
	}
	if r.seconds > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(r.seconds)*time.Second)
		defer cancel()
	}
	if x.assert != nil {
		if err := c.assertBase(ctx, r.base, *x.assert); err != nil {
			return done(err)
		}
	}
	if x.sync != nil {
		if x.paged != nil {
			return done(protocolError("a watch does not come in pages"))
		}
		err := c.sync(ctx, m, r, *x.sync)
		if err == nil {
			return resultOf(opSearchDone, nil), []*ber.Packet{syncDone()}
		}
		return done(err)
	}
	cookie, err := c.stream(ctx, m, r, x)
	if x.paged == nil {
		return done(err)
	}
	return resultOf(opSearchDone, err), []*ber.Packet{paging{cookie: []byte(cookie)}.encode()}
}

// stream sends what matches. With paging it stops after a page and returns where
// to go on; the cookie is that place, so the server has nothing to remember.
func (c *client) stream(ctx context.Context, m message, r searchRequest, x extras) (cookie tree.Key, err error) {
	sel := selectionOf(r.attrs)
	q := query{base: r.base, scope: r.scope, filter: r.filter, see: c.who.see, family: sel.wants("hasSubordinates")}
	r.filter.Attributes(func(name string) { q.family = q.family || ldapschema.IsSubtype("hasSubordinates", name) })
	limit := r.size
	if most := c.srv.cfg.SizeLimit; most > 0 && !c.who.writer && (limit == 0 || limit > most) {
		limit = most
	}
	var after tree.Key
	page := 0
	if x.paged != nil {
		if x.paged.size == 0 { // the client has had enough
			return "", nil
		}
		page, after = x.paged.size, tree.Key(x.paged.cookie)
	}
	for sent := 0; ; {
		found, next, err := c.srv.engine.find(ctx, q, after, chunk)
		for _, f := range found {
			switch {
			case page > 0 && sent == page:
				return after, nil
			case limit > 0 && sent == limit:
				return "", &directory.Error{Op: "search", DN: r.base, Code: directory.SizeLimitExceeded}
			}
			if err := c.send(envelope(m.id, entryPacket(sel.of(f.entry), r.typesOnly, false))); err != nil {
				return "", err
			}
			sent++
			after = f.key
		}
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return "", &directory.Error{Op: "search", DN: r.base, Code: directory.TimeLimitExceeded}
		case err != nil || next == "":
			return "", err
		}
		after = next
	}
}

// assertBase requires the base entry to match (RFC 4528 3).
func (c *client) assertBase(ctx context.Context, base ldapschema.DN, f ldapschema.Filter) error {
	found, _, err := c.srv.engine.find(ctx, query{base: base, filter: f, see: c.who.see}, "", 1)
	if err == nil && len(found) == 0 {
		err = &directory.Error{Op: "search", DN: base, Code: directory.AssertionFailed, Err: fmt.Errorf("it does not match %s", f)}
	}
	return err
}

// searchOwn answers for the two entries that describe the server itself. They are
// for everybody.
func (c *client) searchOwn(m message, r searchRequest) error {
	e := c.srv.rootDSE()
	if r.base.Depth() > 0 {
		e = subschemaEntry()
	}
	if !r.filter.Match(e) {
		return nil
	}
	return c.send(envelope(m.id, entryPacket(selectionOf(r.attrs).of(e), r.typesOnly, false)))
}
