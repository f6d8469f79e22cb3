package cod

import (
	"cmp"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/handlers"
)

// drive asks for the driver's next call, unless one is under way or it is too early.
func (n *node) drive(m *Machine, now actors.Millis) {
	if n.turned(m, now) {
		n.touched = true
		n.call(m, n.action.Verb, n.params(m))
	}
}

// turned reports whether it is time for the next call of those that the node's action
// takes, and counts it.
func (n *node) turned(m *Machine, now actors.Millis) bool {
	if !n.callable(m, now) {
		return false
	}
	if n.calls == 0 {
		n.began = now
	}
	n.calls++
	return true
}

// callable reports whether the driver can be called: no call is under way, and the pause
// after the last one is over.
func (n *node) callable(m *Machine, now actors.Millis) bool {
	if n.calling == 0 && n.again > now {
		m.wake(n.again, n)
	}
	return n.calling == 0 && n.again <= now
}

// call asks for a driver call.
func (n *node) call(m *Machine, verb actors.Verb, p handlers.Params) {
	n.calling = m.token(n)
	m.fx.Drive = append(m.fx.Drive, Drive{n.calling, verb, n.action.Type, n.machine(), p})
}

// Probe is the driver call that looks at a unit and changes nothing; false for one that is
// not up and at rest. It is no part of the unit's actions, so whoever makes it sees to it
// that no other call on the unit is under way.
func (m *Machine) Probe(u actors.UnitID) (Drive, bool) {
	n := m.units[u]
	if n == nil || n.state != Up || n.answer == nil || n.calling != 0 {
		return Drive{}, false
	}
	p := n.params(m)
	p[handlers.ParamSubcommand], p[handlers.ParamModify] = "modify."+handlers.Probe, handlers.Probe
	delete(p, handlers.ParamSequence) // each look is a new one
	return Drive{Verb: actors.ModifyUnit, Type: n.action.Type, Unit: n.machine(), Params: p}, true
}

// driven takes in what the driver answered.
func (n *node) driven(m *Machine, now actors.Millis, ev Driven) {
	n.calling = 0
	if n.leaving {
		n.migrated(m, now, ev)
		return
	}
	switch {
	case n.state == Saving:
		n.putAway(m, now, ev)
		return
	case n.state == Booting && n.ladder.saved != "":
		n.revived(m, now, ev)
		return
	}
	if n.action.Verb == actors.ModifyUnit {
		n.modified(m, now, ev)
		return
	}
	switch {
	case ev.Failed != "":
		n.suspect(m, CodeDriver, ev.Failed)
	case !ev.Result.Done && n.waited(m, now):
		n.suspect(m, CodeDriver, n.patience(now, ev))
	case !ev.Result.Done:
		n.pause(m, now, ev)
	case n.action.Verb == actors.Teardown:
		n.move(m, Wiped)
	default:
		n.known, n.found = true, foundOut(ev.Result.Properties)
		n.fit()
		if n.state == Booting {
			n.move(m, Up)
		}
	}
}

// modified takes in what the driver answered to a modify. Whatever that is, the node
// is up as before: the answer goes to the authority with the driver's own code.
func (n *node) modified(m *Machine, now actors.Millis, ev Driven) {
	code, note := 0, ev.Result.Note
	switch {
	case ev.Failed != "":
		if code, note = ev.Code, ev.Failed; code == 0 {
			code = handlers.ExitBroke
		}
	case !ev.Result.Done && n.waited(m, now):
		code, note = handlers.ExitBroke, n.patience(now, ev)
	case !ev.Result.Done:
		n.pause(m, now, ev)
		return
	}
	found := foundOut(ev.Result.Properties).Merged(n.facts(m.cfg))
	if n.dom0 != "" {
		m.pool.Arrived(string(n.unit), code == 0) // if it was to move
		n.arrived(m, now)
		found = found.Merged(actors.Properties{propGranted: n.goal.String()})
	}
	done := m.report(n.action, code, note, found)
	n.answer = &done
}

// waited reports whether the driver has said "not yet" for too long.
func (n *node) waited(m *Machine, now actors.Millis) bool { return now-n.began >= m.cfg.DriverPatience }

func (n *node) patience(now actors.Millis, ev Driven) string {
	waited := time.Duration(now-n.began) * time.Millisecond
	return fmt.Sprintf("the driver is not done after %v: %s", waited, ev.Result.Note)
}

// pause plans the next call after "not yet".
func (n *node) pause(m *Machine, now actors.Millis, ev Driven) {
	pause := actors.Millis(ev.Result.After.Milliseconds())
	if pause <= 0 {
		pause = m.cfg.DriverPause
	}
	n.again = now + pause
}

// Limits on what a driver may report of a unit.
const (
	mostFound  = 256
	mostValue  = 64 << 10 // octets of one value
	mostNaming = 128      // octets of one name
)

// foundOut is a driver's properties within the limits, in order of their names.
func foundOut(p actors.Properties) actors.Properties {
	out := actors.Properties{}
	for _, k := range p.Keys() {
		if len(out) < mostFound && k != "" && len(k) <= mostNaming && len(p[k]) <= mostValue {
			out[k] = p[k]
		}
	}
	return out
}

// Names under which a lessee learns about its node, and a driver is told.
const (
	FactHostname  = "unit.hostname"       // without domain
	FactDomain    = "unit.domain"         // of the slice at this site
	FactAddress   = "unit.manage.ip"      // in the slice's block
	FactMask      = "unit.manage.subnet"  // netmask of the site's network
	FactGateway   = "unit.manage.gateway" // the site's router
	FactName      = "host.name"           // with domain
	FactPrivate   = "host.privIPaddr"     // the same address, by its name in the paper
	FactMAC       = "unit.mac"            // hardware address
	FactNode      = "unit.node.id"        // unique in the slice
	FactDirectory = "unit.directory.dn"   // the entry of the virtual cluster
	FactSubnet    = "subnet.name"         // subdomain of the slice, in the site's domain
	FactNetmask   = "subnet.privNetmask"  // FactMask by its name in the paper
	FactPublic    = "host.pubIPaddr"      // by which it is reached from outside, if it has one
	FactHeld      = "unit.hold"           // an operator holds it, so that what is asked of it waits: who, and why
)

// facts is what the site decided about the node; nothing while it has no id.
func (n *node) facts(cfg Config) actors.Properties {
	if n.cluster == nil {
		return nil
	}
	domain := n.cluster.label + "." + cfg.Domain
	var seen actors.Properties
	if n.public.IsValid() {
		seen = actors.Properties{FactPublic: n.public.String()}
	}
	if why := cmp.Or(n.stopped, n.cluster.hold); why != "" {
		seen = seen.Merged(actors.Properties{FactHeld: why})
	}
	return actors.Properties{
		FactSubnet: n.cluster.label, FactNetmask: netmask(cfg.Network.Bits()),
		FactHostname: n.name, FactDomain: domain, FactName: n.name + "." + domain,
		FactAddress: n.addr.String(), FactPrivate: n.addr.String(), FactMAC: n.mac.String(),
		FactMask: netmask(cfg.Network.Bits()), FactGateway: cfg.Gateway.String(),
		FactNode: itoa(n.id), FactDirectory: string(cfg.clusterDN(n.cluster.label)),
	}.Merged(n.cluster.reading(cfg)).Merged(n.shows(cfg)).Merged(seen)
}

// params is what a driver is told: what the lessee configured, under the unit's own
// properties, under what the site decided. A lessee can therefore set nothing that
// the site knows better.
func (n *node) params(m *Machine) handlers.Params {
	a, cfg := n.action, m.cfg
	p := handlers.Given(a.Properties, cfg.Reserved...)
	if image := imageWanted(a.Properties); image != "" {
		p[PropImage] = image
	}
	maps.Copy(p, a.Unit.Properties)
	if n.ruled {
		p[PropImage] = n.image
	}
	n.measure(p)
	m.tellImage(p)
	n.keyring(cfg, p)
	maps.Copy(p, n.facts(cfg))
	p[handlers.ParamUnit] = string(cmp.Or(n.made, a.Unit.ID))
	p[handlers.ParamHost] = a.Unit.Host
	p[handlers.ParamType] = string(a.Type)
	p[handlers.ParamReservation] = string(a.Reservation)
	p[handlers.ParamSlice] = string(a.Slice.ID)
	p[handlers.ParamSequence] = itoa(a.Sequence)
	if a.Verb == actors.ModifyUnit {
		wanted := actors.NewestModify(a.Properties)
		p[handlers.ParamSubcommand], p[handlers.ParamModify] = wanted.Subcommand, itoa(wanted.Number)
	}
	return p
}

// tellImage adds what the registry says of the image that a node is to have.
func (m *Machine) tellImage(p handlers.Params) {
	i, ok := m.others.images[strings.ToLower(p[PropImage])]
	if !ok {
		return
	}
	bytes := ""
	if i.Size > 0 {
		bytes = strconv.FormatInt(i.Size, 10)
	}
	for name, v := range map[string]string{handlers.ParamImageSource: i.Source, handlers.ParamImageFormat: i.Format,
		handlers.ParamImageBytes: bytes, handlers.ParamImageDigest: i.Digest} {
		if v != "" {
			p[name] = v
		}
	}
}
