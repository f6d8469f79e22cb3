package embedded

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"sync"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/tree"
	"github.com/leasehold/leasehold/ldapschema"
)

// The names of content synchronization (RFC 4533 3).
const (
	controlSync      = "1.3.6.1.4.1.4203.1.9.1.1"
	controlSyncState = "1.3.6.1.4.1.4203.1.9.1.2"
	controlSyncDone  = "1.3.6.1.4.1.4203.1.9.1.3"
	responseSyncInfo = "1.3.6.1.4.1.4203.1.9.1.4"

	opIntermediate = 25

	// refreshRequired says that a client has to begin anew, without a cookie.
	refreshRequired directory.Code = 4096
)

// The states an entry is told in.
const (
	syncAdd    = 1
	syncModify = 2
	syncDelete = 3
)

// A syncing is what the sync request control asks for.
type syncing struct {
	persist bool
	cookie  bool // it comes from an earlier watch; nothing is remembered of those
}

func parseSync(p *ber.Packet) (*syncing, error) {
	f, err := list(p, ber.TagSequence)
	if err != nil || len(f) < 1 || len(f) > 3 {
		return nil, protocolError("malformed sync request control")
	}
	mode, err := integer(f[0], ber.TagEnumerated)
	if err != nil {
		return nil, err
	}
	if mode != 1 && mode != 3 {
		return nil, protocolError("sync mode %d", mode)
	}
	out := &syncing{persist: mode == 3}
	for _, p := range f[1:] {
		if p.Tag == ber.TagOctetString {
			cookie, err := text(p)
			if err != nil {
				return nil, err
			}
			out.cookie = cookie != ""
		} else if _, err := boolean(p); err != nil { // whether it would rather begin anew: it always does
			return nil, err
		}
	}
	return out, nil
}

// asksSync says whether a request is a watch, before it is looked into.
func (m message) asksSync() bool {
	for _, c := range m.controls {
		if c.oid == controlSync {
			return true
		}
	}
	return false
}

// A change is one entry that a commit changed: as it is now, or with no attributes
// when it is gone.
type change struct {
	key   tree.Key
	id    string // entryUUID
	entry ldapschema.Entry
}

func (c change) gone() bool { return len(c.entry.Attrs) == 0 }

// renamed takes the end of an entry's old name out of what one write did, where the
// entry lives on under another.
func renamed(done []change) []change {
	lives := map[string]bool{}
	for _, c := range done {
		if !c.gone() {
			lives[c.id] = true
		}
	}
	out := done[:0]
	for _, c := range done {
		if !c.gone() || !lives[c.id] {
			out = append(out, c)
		}
	}
	return out
}

// mostWaiting is how many changes wait for one watcher; one that is slower has to
// begin anew.
const mostWaiting = 1 << 16

// A hub tells watchers what was committed.
type hub struct {
	mu    sync.Mutex
	lines map[*line]bool
}

// A line is what one watcher has not been told yet.
type line struct {
	mu      sync.Mutex
	waiting []change
	over    bool          // there was too much
	some    chan struct{} // holds a token while there may be something
}

func (h *hub) open() *line {
	l := &line{some: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lines == nil {
		h.lines = map[*line]bool{}
	}
	h.lines[l] = true
	return l
}

func (h *hub) close(l *line) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.lines, l)
}

// publish never waits for anybody.
func (h *hub) publish(done []change) {
	if len(done) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.lines {
		l.put(done)
	}
}

func (l *line) put(done []change) {
	l.mu.Lock()
	if l.over = l.over || len(l.waiting)+len(done) > mostWaiting; l.over {
		l.waiting = nil
	} else {
		l.waiting = append(l.waiting, done...)
	}
	l.mu.Unlock()
	select {
	case l.some <- struct{}{}:
	default:
	}
}

// take empties the line; false when changes were lost.
func (l *line) take() ([]change, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.waiting
	l.waiting = nil
	return out, !l.over
}

// A sync4533 is one client's search under RFC 4533.
type sync4533 struct {
	c    *client
	id   int64 // of the request
	r    searchRequest
	q    query
	base tree.Key
	sel  selection
	told map[string]bool // entries the client knows to be there
}

// sync tells a client everything it selects and, if it wants to, what changes, until
// it leaves. It returns how that ended.
func (c *client) sync(ctx context.Context, m message, r searchRequest, want syncing) error {
	fail := func(code directory.Code, why string) error {
		return &directory.Error{Op: "sync", DN: r.base, Code: code, Err: errors.New(why)}
	}
	if want.cookie {
		return fail(refreshRequired, "nothing is remembered of earlier watches")
	}
	base, err := tree.KeyOf(r.base)
	if err != nil {
		return fail(directory.InvalidDNSyntax, err.Error())
	}
	s := sync4533{c: c, id: m.id, r: r, base: base, sel: selectionOf(r.attrs), told: map[string]bool{},
		q: query{base: r.base, scope: r.scope, filter: r.filter, see: c.who.see}}
	l := c.srv.engine.writer.hub.open() // before looking, so that nothing falls in between
	defer c.srv.engine.writer.hub.close(l)
	if err := s.refresh(ctx); err != nil || !want.persist {
		return err
	}
	if err := s.send(syncInfoDone()); err != nil {
		return err
	}
	for {
		if err := c.flush(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.srv.ctx.Done():
			return fail(directory.Unavailable, "server is closing")
		case <-l.some:
		}
		changes, all := l.take()
		if !all {
			return fail(refreshRequired, "the client takes changes too slowly")
		}
		for _, ch := range changes {
			if err := s.tell(ch); err != nil {
				return err
			}
		}
	}
}

// refresh tells what is there.
func (s *sync4533) refresh(ctx context.Context) error {
	var after tree.Key
	for {
		found, next, err := s.c.srv.engine.find(ctx, s.q, after, chunk)
		if err != nil {
			return err
		}
		for _, f := range found {
			if err := s.tell(change{f.key, f.entry.Get("entryUUID"), f.entry}); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		after = next
	}
}

// tell passes one change on, if it concerns what was asked for.
func (s *sync4533) tell(ch change) error {
	if !ch.gone() && s.inScope(ch.key) {
		e := s.c.srv.engine.dressed(ch.entry, s.q)
		if s.r.filter.Match(e) {
			state := syncAdd
			if s.told[ch.id] {
				state = syncModify
			}
			s.told[ch.id] = true
			return s.send(entryPacket(s.sel.of(e), s.r.typesOnly, false), syncState(state, ch.id))
		}
	}
	if !s.told[ch.id] {
		return nil
	}
	delete(s.told, ch.id)
	return s.send(entryPacket(ldapschema.Entry{DN: ch.entry.DN}, false, false), syncState(syncDelete, ch.id))
}

func (s *sync4533) inScope(k tree.Key) bool {
	switch s.r.scope {
	case scopeBase:
		return k == s.base
	case scopeOne:
		return k != s.base && k.Parent() == s.base
	}
	return k == s.base || k.Below(s.base)
}

func (s *sync4533) send(op *ber.Packet, controls ...*ber.Packet) error {
	return s.c.send(envelope(s.id, op, controls...))
}

// syncState is the control that goes with each entry (RFC 4533 2.3).
func syncState(state int, uuid string) *ber.Packet {
	raw, _ := hex.DecodeString(strings.ReplaceAll(uuid, "-", "")) // we made it
	v := ber.NewSequence("")
	v.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, state, ""))
	v.AppendChild(octets(string(raw)))
	return responseControl(controlSyncState, v)
}

// syncInfoDone says that everything there was has been told (RFC 4533 2.5).
func syncInfoDone() *ber.Packet {
	p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, opIntermediate, nil, "")
	name := octets(responseSyncInfo)
	name.ClassType, name.Tag = ber.ClassContext, 0
	p.AppendChild(name)
	done := ber.Encode(ber.ClassContext, ber.TypeConstructed, 1, nil, "") // refreshDelete; refreshDone is TRUE by default
	value := octets(string(done.Bytes()))
	value.ClassType, value.Tag = ber.ClassContext, 1
	p.AppendChild(value)
	return p
}

// syncDone goes with the end of a search that does not persist (RFC 4533 2.4).
func syncDone() *ber.Packet { return responseControl(controlSyncDone, ber.NewSequence("")) }
