package cod

import (
	"net/netip"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod/pool"
	"github.com/leasehold/leasehold/ldapschema"
)

// Machine is the site's clusters and nodes, and what each of them still owes the
// directory and the driver. Calls come from one goroutine. Make one with New,
// give it the directory's contents with Load, then Step it.
type Machine struct {
	cfg      Config
	pool     *pool.Pool
	clusters map[string]*cluster // by slice, see sliceKey
	labels   map[string]*cluster // by subdomain
	blocks   map[int]*cluster
	gids     map[int]*cluster
	uids     map[int]*cluster
	macs     map[ldapschema.MAC]*node
	addrs    map[netip.Addr]*node
	publics  map[netip.Addr]*node    // by public address
	units    map[actors.UnitID]*node // see unitKey
	unasked  []*node                 // found in the directory, by cluster and id; see occupied
	untold   []*node                 // likewise, until their lessees are told what is true of them now
	names    map[ldapschema.DN]place // of every record, in normal form
	buried   map[ldapschema.DN]bool  // names whose end the watcher has not told yet
	synced   bool                    // changes of the directory are told
	writer   int64                   // number of this process among its owner's; 0 before Claim
	claimKey ldapschema.DN           // name of the entry in which processes are counted
	fenced   string                  // why nothing may be written any more
	others   strangers
	gone     memory

	asked  map[Token]owner // whom the answer to an operation concerns
	last   Token
	alarms alarms
	serial uint64
	fx     Effects // of the step under way
}

// owner is a cluster or a node: whatever has a shelf of entries.
type owner interface {
	kept() *keeping
	// advance moves the owner as far as it can go without another answer.
	advance(m *Machine, now actors.Millis)
	// clashed tells it that a stranger has the name of its i-th record.
	clashed(m *Machine, now actors.Millis, i int)
	// mine reports whether an entry found under the name of a record is ours.
	mine(m *Machine, e ldapschema.Entry, p part) bool
	// same reports whether one of ours found there can only be of this very owner,
	// and not of an earlier one that had the same name.
	same(p part) bool
	// held reports whether an operator keeps us from working on it.
	held() bool
	// edited lets it follow what others wrote into the entry of its i-th record, as
	// far as it can, and then want the same. No operation is under way.
	edited(m *Machine, now actors.Millis, i int, have ldapschema.Entry, edits []ldapschema.Conflict)
	// renamed takes over that its own entry stands under another name.
	renamed(m *Machine, now actors.Millis, have ldapschema.Entry)
	// who names it in notices: its unit, if it has one.
	who() actors.UnitID
	// origin is the unit that its entries bear, if they bear one.
	origin() actors.UnitID
}

// keeping is what every owner has.
type keeping struct {
	shelf  shelf
	awake  bool          // an alarm is set
	wakeAt actors.Millis // for this instant
}

func (k *keeping) kept() *keeping { return k }

// New is a machine for a site with an empty directory.
func New(cfg Config) (*Machine, error) {
	cfg, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	hosts, err := cfg.newPool()
	if err != nil {
		return nil, err
	}
	return &Machine{
		cfg: cfg, pool: hosts, claimKey: cfg.ClaimDN().Normal(), clusters: map[string]*cluster{}, labels: map[string]*cluster{}, blocks: map[int]*cluster{},
		gids: map[int]*cluster{}, uids: map[int]*cluster{}, macs: map[ldapschema.MAC]*node{}, addrs: map[netip.Addr]*node{}, publics: map[netip.Addr]*node{},
		units: map[actors.UnitID]*node{}, names: map[ldapschema.DN]place{}, buried: map[ldapschema.DN]bool{}, others: newStrangers(), gone: newMemory(cfg.Remember), asked: map[Token]owner{},
	}, nil
}

// Config is the machine's configuration, with defaults filled in.
func (m *Machine) Config() Config { return m.cfg }

// Step takes in one event. The same history always gives the same answer.
func (m *Machine) Step(now actors.Millis, ev Event) Effects {
	m.fx = Effects{}
	for _, n := range m.untold {
		n.announce(m)
	}
	m.untold = nil
	switch ev := ev.(type) {
	case Do:
		m.do(now, ev.Action)
	case Written:
		if o := m.answered(ev.Token); o != nil {
			m.written(now, &o.kept().shelf, o, ev)
			o.advance(m, now)
		}
	case Found:
		if o := m.answered(ev.Token); o != nil {
			if i := m.look(now, &o.kept().shelf, o, ev); i >= 0 {
				o.clashed(m, now, i)
			}
			o.advance(m, now)
		}
	case Seen:
		m.seen(now, ev)
	case Lost:
		m.lost(now, ev.DN)
	case Sweep:
		m.sweepUnit(now, unitKey(ev.Unit))
	case Synced:
		m.synced = true
		clear(m.buried)
	case Forget:
		if n := m.units[unitKey(ev.Unit)]; n != nil && n.state == Held {
			n.leaseEnd = leaseTime(now) // its grace is over
			n.advance(m, now)
		} else if n != nil && n.forgettable() {
			n.forget(m)
			n.advance(m, now)
		}
	case Driven:
		if n, ok := m.answered(ev.Token).(*node); ok {
			n.driven(m, now, ev)
			n.advance(m, now)
		}
	}
	m.due(now)
	m.fx.Wake = m.next()
	return m.fx
}

// token is a fresh token whose answer concerns o.
func (m *Machine) token(o owner) Token {
	m.last++
	m.asked[m.last] = o
	return m.last
}

// answered is whom the token concerns; nil for one that was answered before.
func (m *Machine) answered(t Token) owner {
	o, ok := m.asked[t]
	if !ok {
		return nil
	}
	delete(m.asked, t)
	return o
}

// do takes in an action. Asked again it is answered again; one that is older than
// what the unit was asked last is ignored; a newer one waits for the driver call
// under way.
func (m *Machine) do(now actors.Millis, a actors.Action) {
	if a.Verb != actors.Setup && a.Verb != actors.Teardown && a.Verb != actors.ModifyUnit {
		m.report(a, CodeInvalid, "a site carries out setup, teardown and modify only", nil)
		return
	}
	key := unitKey(a.Unit.ID)
	n := m.units[key]
	if n == nil {
		if last, ok := m.gone.find(key); ok && a.Sequence <= last.Sequence {
			if a.Sequence == last.Sequence {
				m.fx.Report = append(m.fx.Report, last)
			}
			return
		}
		n = &node{unit: key, keeping: keeping{shelf: newShelf(m.others.orphans(key))}}
		m.units[n.unit] = n
		m.enroll(n)
	} else if a.Sequence <= n.newest() {
		if n.answer != nil && a.Sequence == n.answer.Sequence {
			m.fx.Report = append(m.fx.Report, *n.answer)
		}
		return
	}
	n.next = &a
	n.advance(m, now)
}

// The codes of ActionDone. The notice says more.
const (
	CodeDone      = 0 // carried out
	CodeDriver    = 1 // the driver gave up
	CodeDirectory = 2 // the directory refuses an entry
	CodeExhausted = 3 // no block, id or number is free
	CodeInvalid   = 4 // the action can never be carried out as it is
)

// report answers an action.
func (m *Machine) report(a actors.Action, code int, note string, found actors.Properties) actors.ActionDone {
	done := actors.ActionDone{
		Reservation: a.Reservation, Unit: a.Unit.ID, Verb: a.Verb, Sequence: a.Sequence,
		Code: code, Note: clip(note, maxNote), Properties: found,
	}
	m.fx.Report = append(m.fx.Report, done)
	return done
}

// memory keeps the last answers about units that are gone, so that an action
// asked again is not begun again. The oldest are forgotten.
type memory struct {
	last map[actors.UnitID]actors.ActionDone
	ring []actors.UnitID
	at   int
}

func newMemory(most int) memory {
	return memory{last: map[actors.UnitID]actors.ActionDone{}, ring: make([]actors.UnitID, 0, most)}
}

func (g *memory) find(u actors.UnitID) (actors.ActionDone, bool) {
	d, ok := g.last[u]
	return d, ok
}

func (g *memory) keep(u actors.UnitID, d actors.ActionDone) {
	if _, ok := g.last[u]; !ok {
		if len(g.ring) < cap(g.ring) {
			g.ring = append(g.ring, u)
		} else {
			delete(g.last, g.ring[g.at])
			g.ring[g.at] = u
			g.at = (g.at + 1) % len(g.ring)
		}
	}
	g.last[u] = d
}
