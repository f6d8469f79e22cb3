package cod

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/desk"
	"github.com/leasehold/leasehold/cod/pool"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/ldapschema"
)

// VirtualConfig is how a site places virtual machines (paper B 4.3). The zero value
// places none: then each unit is on the machine that its piece of inventory names.
//
// Sizes are hundredths of a core, MiB and kbit/s, in the order of a calendar.Vector;
// storage is not counted here.
type VirtualConfig struct {
	// Types are the resource types whose units are virtual machines that are placed.
	Types []actors.ResourceType
	// Unit is what a unit has whose ticket does not say.
	Unit calendar.Vector
	// Hosts are the machines that always are hosts of virtual machines.
	Hosts []VirtualHost
	// Slices are the site's own, whose nodes become hosts when they are up, and leave
	// empty: physical machines that are leased to be hosts for a while.
	Slices []actors.SliceID
	// Leased is the size of such a node whose piece of inventory does not say.
	Leased calendar.Vector
	// Packing chooses a host; nil means desk.FirstFit.
	Packing desk.Packing
}

// VirtualHost is one host and what it has for virtual machines.
type VirtualHost struct {
	Name string // as drivers know the machine
	Size calendar.Vector
}

// propGranted notes with what a driver reports of a unit's size what the unit had been
// granted then: an extension that grants another overrules what was modified.
const propGranted = "unit.resource.granted"

// virtual is what a node knows about where it is.
type virtual struct {
	seat
	goal    calendar.Vector // what it was granted, and its driver is told
	leaving bool            // the call under way moves it
}

// seat is the part of it that the node's entry says.
type seat struct {
	dom0 string // the machine it is on; empty when its inventory decides
	// size is what is counted for it: what it was granted, and while that becomes less,
	// what it had. Of a host it is what it has.
	size calendar.Vector
}

// newPool is the pool of a configuration.
func (c Config) newPool() (*pool.Pool, error) {
	p := pool.New(c.Virtual.Packing)
	if len(c.Virtual.Types) > 0 && c.Virtual.Unit == (calendar.Vector{}) {
		return nil, errors.New("cod: config: units that are placed need a size")
	}
	for _, h := range c.Virtual.Hosts {
		if p.State(h.Name) != pool.Away {
			return nil, fmt.Errorf("cod: config: the host %q is listed twice", h.Name)
		}
		if printable(h.Name) != h.Name || h.Name == "" {
			return nil, fmt.Errorf("cod: config: %q is no name of a host", h.Name)
		}
		if err := p.Set(h.Name, pool.Serving, h.Size); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// hosting reports whether the node is a machine that becomes a host when it is up.
func (n *node) hosting(m *Machine) bool {
	return n.cluster != nil && n.host != "" && slices.Contains(m.cfg.Virtual.Slices, actors.SliceID(n.cluster.key))
}

// sizeOf is what an action's ticket grants a unit, or what units have otherwise.
func (m *Machine) sizeOf(a actors.Action) calendar.Vector {
	size, _ := policy.SizeOf(a.Ticket)
	for i, n := range m.cfg.Virtual.Unit {
		if size[i] == 0 {
			size[i] = n
		}
	}
	size[3] = 0 // storage is where the images are
	return size
}

// lodge gives a virtual node a host. The text says why there is none.
func (n *node) lodge(m *Machine) string {
	if !slices.Contains(m.cfg.Virtual.Types, n.action.Type) {
		return ""
	}
	size := m.sizeOf(n.action)
	at, why := m.pool.Place(string(n.unit), size)
	if at != "" {
		n.dom0, n.size, n.goal = at, size, size
	}
	return why
}

// grant takes in that an extension grants a node that is up another size. The text says
// why it cannot have it; it keeps what it has then.
func (n *node) grant(m *Machine) string {
	if n.dom0 == "" {
		return ""
	}
	size := m.sizeOf(n.action)
	if size == n.goal {
		return ""
	}
	// What it gives up is somebody else's when its driver has taken it away and the
	// directory says so, and not before.
	most := size
	for i := range most {
		most[i] = max(most[i], n.size[i])
	}
	to, why := m.pool.Resize(string(n.unit), most)
	if why != "" {
		return why
	}
	n.goal = size
	if to == "" {
		n.size = most
	}
	return ""
}

// fit takes in that a node has what it was granted, and not more.
func (n *node) fit() {
	if n.dom0 != "" {
		n.size = n.goal
	}
}

// spare lets others have what a node gave up, when the directory says so.
func (n *node) spare(m *Machine) {
	if n.dom0 != "" && n.size != m.pool.Size(string(n.unit)) {
		m.pool.Resize(string(n.unit), n.size)
	}
}

// allow says what is against a modify that a lessee asks for, of a node whose place and
// size are the site's to decide: it has what it was granted, and no more.
func (n *node) allow(m *Machine) string {
	if n.dom0 == "" {
		return ""
	}
	wanted := actors.NewestModify(n.action.Properties)
	p := handlers.Params{handlers.ParamModify: itoa(wanted.Number)}
	maps.Copy(p, n.action.Properties)
	switch wanted.Subcommand {
	case "modify." + handlers.Resize:
		for _, l := range limits {
			text := p.Argument(l.argument, "")
			if text == "" || n.goal[l.dimension] == 0 {
				continue
			}
			most := l.of(n.goal[l.dimension])
			if got, err := strconv.Atoi(text); err != nil || got > most || got == 0 && l.zero {
				return fmt.Sprintf("%s of %.32q is not within what the lease grants, %d", l.argument, text, most)
			}
		}
	case "modify." + handlers.Migrate:
		return m.pool.Move(string(n.unit), p.Argument("host", ""))
	}
	return ""
}

// limits are what drivers are told of a size: the property and the argument of a resize,
// the dimension that it comes from, and how. Zero is one that means "no limit".
var limits = [...]struct {
	property, argument string
	dimension          int
	of                 func(int) int
	zero               bool
}{
	{handlers.ResourceMemory, "memory", 1, func(mib int) int { return mib }, false},
	{handlers.ResourceVCPUs, "vcpus", 0, func(cpu int) int { return (cpu + 99) / 100 }, false},
	{handlers.ResourceCPUCap, "cap", 0, func(cpu int) int { return cpu }, true},
	{handlers.ResourceCPUWeight, "weight", 0, shares, false},
	{handlers.ResourceBandwidth, "bandwidth", 2, func(kbit int) int { return kbit }, true},
}

// shares is a scheduler's weight: 256 for a core.
func shares(cpu int) int { return max(1, min(cpu*256/100, 65535)) }

// measure tells a driver where a placed node is and what it has: as much as its lease
// grants, or less if its lessee said so since.
func (n *node) measure(p handlers.Params) {
	if n.dom0 == "" {
		return
	}
	p[handlers.ParamMachine] = n.dom0
	fresh := n.action.Unit.Properties[propGranted] == n.goal.String()
	for _, l := range limits {
		if n.goal[l.dimension] == 0 {
			continue
		}
		most := l.of(n.goal[l.dimension])
		wanted := n.action.Properties[l.property]
		if said := n.action.Unit.Properties[l.property]; said != "" && fresh {
			wanted = said
		}
		if got, err := strconv.Atoi(wanted); err != nil || got > most || got < 1 {
			wanted = itoa(most)
		}
		p[l.property] = wanted
	}
}

// machine is the unit as the driver's runner is to find it: with the machine it is on.
func (n *node) machine() actors.Unit {
	u := n.action.Unit
	if n.dom0 != "" {
		u.Properties = u.Properties.Merged(actors.Properties{handlers.ParamMachine: n.dom0})
	}
	return u
}

// migrate asks the driver to move a node to the host that has room reserved for it. It
// reports whether one is to be moved, and so nothing else can be done.
func (n *node) migrate(m *Machine, now actors.Millis) bool {
	if n.dom0 == "" {
		return false
	}
	_, to := m.pool.Where(string(n.unit))
	if to == "" || n.state != Up || n.action.Verb == actors.ModifyUnit && n.answer == nil {
		return false // a modify moves it by itself
	}
	if !n.callable(m, now) {
		return true
	}
	p := n.params(m)
	p[handlers.ParamSubcommand], p[handlers.ParamModify] = "modify."+handlers.Migrate, "move"
	p["modify.move.host"] = to
	n.leaving = true
	n.call(m, actors.ModifyUnit, p)
	return true
}

// migrated takes in how a move went.
func (n *node) migrated(m *Machine, now actors.Millis, ev Driven) {
	n.leaving = false
	from, to := m.pool.Where(string(n.unit))
	if !ev.Result.Done && ev.Failed == "" {
		n.pause(m, now, ev)
		return
	}
	m.pool.Arrived(string(n.unit), ev.Failed == "")
	if ev.Failed != "" {
		n.again = now + m.cfg.RetryMost
		if n.answer == nil && n.action.Verb == actors.Setup { // it was to be larger
			n.fail(m, CodeDriver, fmt.Sprintf("it does not move from %s to %s: %s", from, to, ev.Failed))
		}
		m.vacated(from)
		return
	}
	n.arrived(m, now)
	m.vacated(from)
}

// arrived takes in that a node is where the pool says.
func (n *node) arrived(m *Machine, now actors.Millis) {
	n.dom0, _ = m.pool.Where(string(n.unit))
	n.size = m.pool.Size(string(n.unit))
	n.say(m, n.state)
	n.shelf.aim = present
	m.push(now, &n.shelf, n)
}

// vacated looks at a draining host again: something on it has changed.
func (m *Machine) vacated(name string) {
	if m.pool.State(name) != pool.Draining {
		return
	}
	for _, n := range m.units {
		if n.host == name && n.state == Draining && n.hosting(m) {
			m.wake(0, n)
		}
	}
}

// converted follows a host's node through its life.
func (n *node) converted(m *Machine, to State) {
	if !n.hosting(m) {
		return
	}
	state := m.pool.State(n.host)
	switch to {
	case Allocated:
		state = pool.Converting
	case Up:
		state = pool.Serving
	case Draining:
		if state == pool.Serving || state == pool.Lost {
			state = pool.Draining
		}
	case Wiped:
		state = pool.Away
	case Suspect, Quarantined:
		if state != pool.Away {
			state = pool.Lost
		}
	default:
		return
	}
	n.pooled(m, state)
}

// pooled takes a host to a state by the moves that its table has.
func (n *node) pooled(m *Machine, to pool.State) {
	for _, step := range pool.Way(m.pool.State(n.host), to) {
		if err := m.pool.Set(n.host, step, n.offers(m)); err != nil {
			n.trouble = clip(err.Error(), maxNote)
			return
		}
	}
}

// offers is the size of a host.
func (n *node) offers(m *Machine) calendar.Vector {
	if n.size != (calendar.Vector{}) {
		return n.size
	}
	size, _ := policy.SizeOf(n.action.Unit.Properties)
	for i, v := range m.cfg.Virtual.Leased {
		if size[i] == 0 {
			size[i] = v
		}
	}
	n.size = size
	return size
}

// drained reports whether a node may be torn down: a host only when it is empty. While
// it is not, what is on it moves, one after another, and what has nowhere to go is
// waited for, as long as a driver would be.
func (n *node) drained(m *Machine, now actors.Millis) bool {
	if !n.hosting(m) || m.pool.State(n.host) == pool.Away || m.pool.State(n.host) == pool.Reverting {
		return true
	}
	if n.state != Draining {
		return true
	}
	if m.pool.State(n.host) != pool.Converting {
		n.pooled(m, pool.Draining)
	}
	kept := m.storedOn(n.host)
	if m.pool.Empty(n.host) && kept == 0 {
		n.calls = 0 // its driver's patience begins now
		n.pooled(m, pool.Reverting)
		return true
	}
	if n.calls == 0 {
		n.calls, n.began = 1, now
	}
	unit, _, why := m.pool.Next(n.host)
	if unit != "" {
		if v := m.units[actors.UnitID(unit)]; v != nil {
			v.advance(m, now)
		}
	}
	if why == "" && kept > 0 {
		why = fmt.Sprintf("%d nodes that are held are saved there", kept)
	}
	if why != "" && n.waited(m, now) {
		n.suspect(m, CodeDriver, fmt.Sprintf("%s is not empty: %s", n.host, why))
		n.calls = 0
		return false
	}
	m.wake(now+m.cfg.RetryMost, n)
	return false
}

// storedOn is how many nodes have something on a host though nothing of them runs there:
// what is held of them, or is being reclaimed.
func (m *Machine) storedOn(host string) int {
	count := 0
	for _, n := range m.units {
		if at, _ := m.pool.Where(string(n.unit)); n.dom0 == host && at == "" {
			count++
		}
	}
	return count
}

// moveOut gives a node's place back.
func (n *node) moveOut(m *Machine) {
	if n.dom0 == "" {
		return
	}
	at, to := m.pool.Where(string(n.unit))
	m.pool.Release(string(n.unit))
	m.vacated(at)
	m.vacated(to)
}

// describe adds to a node's entry where it is and what it has.
func (v seat) describe(cfg Config, h *ldapschema.Host) {
	if v.dom0 != "" {
		h.Dom0 = InventoryDN(cfg.Base).Child("cn", v.dom0)
	}
	h.CPU, h.Memory, h.Bandwidth = v.size[0], v.size[1], v.size[2]
}

// settled takes back from a node's entry where it is and what it has.
func (n *node) settled(m *Machine, h ldapschema.Host) {
	n.size = calendar.Vector{h.CPU, h.Memory, h.Bandwidth}
	n.goal = n.size
	if h.Dom0.Parent().Equal(InventoryDN(m.cfg.Base)) {
		_, n.dom0 = h.Dom0.RDN()
	}
	n.recall(h)
	switch {
	case n.state == Held:
		m.wake(actors.Millis(n.leaseEnd.UnixMilli()), n)
	case n.state == Up && m.cfg.Ladder.Warn > 0:
		m.wake(0, n)
	}
	if n.dom0 != "" && n.size != (calendar.Vector{}) && n.state != Held {
		m.pool.Take(string(n.unit), n.size, n.dom0)
	}
	if n.hosting(m) {
		switch n.state {
		case Allocated, Booting:
			n.pooled(m, pool.Converting)
		case Up:
			n.pooled(m, pool.Serving)
		case Draining:
			n.pooled(m, pool.Draining)
		default:
			n.pooled(m, pool.Lost)
		}
	}
}
