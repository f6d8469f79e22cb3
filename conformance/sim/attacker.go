package sim

import (
	"bytes"
	"regexp"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/keys"
)

// tapped is a message that somebody on the way has copied, after its receiver took
// it.
type tapped struct {
	sealed
	from, to *process
	life     int // of the receiver, when it took it
}

// overheard keeps a copy for the attackers.
func (w *world) overheard(s sealed, from, to *process) {
	if w.cfg.Faults.Attack == 0 {
		return
	}
	if len(w.taps) == 16 {
		w.taps = w.taps[1:]
	}
	w.taps = append(w.taps, tapped{s, from, to, to.life})
}

// attack is one try of somebody who wants what is not his: a stranger, or in a
// world whose messages are not signed at least an actor of the federation.
func (w *world) attack() {
	if len(w.taps) == 0 {
		return
	}
	t := w.taps[w.rnd.IntN(len(w.taps))]
	if !w.cfg.Signed || w.rnd.IntN(3) == 0 {
		w.abuse(t)
		return
	}
	w.forge(t)
}

// forge tries one forgery, made from a message that was really sent. All of them
// must be refused before anybody looks at what they say.
func (w *world) forge(t tapped) {
	octets, to, how := t.octets, t.to, "replays"
	changed, stripped, resigned := w.changed, stripped, w.resigned
	if t.method != "" {
		changed, stripped, resigned = w.changedCall, strippedCall, w.resignedCall
	}
	switch w.rnd.IntN(7) {
	case 0:
	case 1:
		how, octets = "changes", changed(t)
	case 2:
		how, to = "redirects", w.procs[w.rnd.IntN(len(w.procs))]
		if to == t.to {
			return
		}
	case 3:
		how, octets = "strips", stripped(t)
	case 4:
		how, octets = "signs as itself", resigned(t, w.cast.stranger, w.cast.stranger.GUID)
	case 5:
		how, octets = "signs as another", resigned(t, w.cast.stranger, t.from.key.GUID)
	case 6: // an actor of the federation passes on what was said by another
		who := w.procs[w.rnd.IntN(len(w.procs))]
		if who == t.from || who == t.to || t.message.Ticket == nil {
			return
		}
		how, octets = "claims as "+who.Name, resigned(t, who.key, who.key.GUID)
	}
	if octets == nil || !to.up {
		return
	}
	if how == "replays" && to.life != t.life && w.cfg.Skew.Most > 0 {
		// What a receiver has seen dies with it. After its restart it refuses what was
		// sent before by its own clock; a sender whose clock is ahead of that is not
		// protected, but by the numbers of its requests.
		return
	}
	w.counts.Attacks++
	w.trace.add(w.now, "an attacker %s a message from %s to %s", how, t.from.Name, to.Name)
	if in, err := w.open(octets, t.from, to); err == nil {
		w.fail(saysForged, "an attacker %s a message from %s to %s, who takes %s", how, t.from.Name, to.Name, about(in.message))
	}
}

// abuse is an actor who says under its own name what it must not: a manager redeems a
// ticket twice, or ends what belongs to another manager; a broker or a site answers in
// another's place. The codecs let it pass; the machines must refuse it, which the judges
// of their records see.
func (w *world) abuse(t tapped) {
	switch {
	case !t.to.up || !t.from.up:
		return
	case t.message.Op == actors.OpUpdateTicket, t.message.Op == actors.OpUpdateLease:
		w.usurp(t)
		return
	case t.from.role != actors.RoleManager:
		return
	}
	m := t.message
	if other := w.taps[w.rnd.IntN(len(w.taps))]; other.from != t.from && other.from.role == actors.RoleManager && other.to == t.to {
		m.Reservation, m.Sequence = other.message.Reservation, 1_000
		m.Op = actors.OpClose
		if t.to.role == actors.RoleBroker {
			m.Op = actors.OpRelinquish
		}
	} else if m.Op == actors.OpRedeem {
		m.Reservation += "-again"
	} else {
		return
	}
	w.try(t.from, t.to, m)
}

// usurp is a broker or a site who says of another's reservation that it is over, or that
// nothing came of it.
func (w *world) usurp(t tapped) {
	var others []*process
	for _, p := range w.procs {
		if p.role == t.from.role && p != t.from && p != t.to && p.up {
			others = append(others, p)
		}
	}
	if len(others) == 0 {
		return
	}
	m := t.message
	m.Ticket, m.Lease, m.Failed = nil, nil, true
	if m.Op == actors.OpUpdateLease && w.rnd.IntN(2) == 0 {
		m.Lease, m.Failed = &actors.Lease{}, false
	}
	w.try(others[w.rnd.IntN(len(others))], t.to, m)
}

// try is a message that its sender has no right to.
func (w *world) try(from, to *process, m actors.Message) {
	from.sent++
	m.ID, m.From = from.messageID(), from.ID
	s, err := w.seal(from, to, m)
	if err != nil {
		return
	}
	in, err := w.open(s.octets, from, to)
	if err != nil {
		return
	}
	w.counts.Attacks++
	w.trace.add(w.now, "%s tries %s at %s", from.Name, about(m), to.Name)
	to.post(actors.Receive{Message: in.message}, func(err error) {
		if err == nil {
			w.obeyed(to, from, in.message)
		}
	})
}

var digits = regexp.MustCompile(`<(units|endTime|sequence|newStartTime)>([0-9]+)<`)

// changed is the message with another number in it.
func (w *world) changed(t tapped) []byte {
	found := digits.FindAllSubmatchIndex(t.octets, -1)
	if len(found) == 0 {
		return nil
	}
	at := found[w.rnd.IntN(len(found))]
	out := bytes.Clone(t.octets)
	out[at[5]-1] = '0' + (out[at[5]-1]-'0'+1)%10
	return out
}

// stripped is the message without its signature and everything else in the header.
func stripped(t tapped) []byte {
	body := bodyOf(t)
	if body == nil {
		return nil
	}
	return soap.EncodeEnvelope(nil, nil, body)
}

// resigned is the body of the message signed with another key, under some name.
func (w *world) resigned(t tapped, s keys.Identity, as string) []byte {
	body := bodyOf(t)
	octets, err := wssec.Seal{
		Signer: s.Key, Cert: s.Cert, GUID: as, Name: t.from.Name, To: t.to.key.GUID, MessageID: t.message.ID,
		Created: t.from.wall(), Expires: t.from.wall().Add(life), Profile: wssec.Strict,
	}.Request(body)
	if err != nil {
		return nil // not even that
	}
	return octets
}

// bodyOf is the octets of the message's one body element.
func bodyOf(t tapped) []byte {
	doc, err := xmltree.Parse(t.octets, xmltree.DefaultLimits())
	if err != nil {
		return nil
	}
	_, payload, err := soap.DecodeEnvelope(doc)
	if err != nil {
		return nil
	}
	return payload.Source()
}
