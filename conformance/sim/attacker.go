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
	octets   []byte
	id       string // of the message
	from, to *process
}

// overheard keeps a copy for the attacker.
func (w *world) overheard(s sealed, from, to *process) {
	if !w.cfg.Signed || w.cfg.Faults.Attack == 0 {
		return
	}
	if len(w.taps) == 16 {
		w.taps = w.taps[1:]
	}
	w.taps = append(w.taps, tapped{s.octets, s.message.ID, from, to})
}

// attack tries one forgery, made from a message that was really sent. All of them
// must be refused.
func (w *world) attack() {
	if len(w.taps) == 0 {
		return
	}
	t := w.taps[w.rnd.IntN(len(w.taps))]
	octets, to, how := t.octets, t.to, "replays"
	switch w.rnd.IntN(7) {
	case 0:
	case 1:
		how, octets = "changes", w.changed(t)
	case 2:
		how, to = "redirects", w.procs[w.rnd.IntN(len(w.procs))]
		if to == t.to {
			return
		}
	case 3:
		how, octets = "strips", stripped(t)
	case 4:
		how, octets = "signs as itself", w.resigned(t, w.cast.stranger, w.cast.stranger.GUID)
	case 5:
		how, octets = "signs as another", w.resigned(t, w.cast.stranger, t.from.key.GUID)
	case 6: // an actor of the federation passes on what was said by another
		who := w.procs[w.rnd.IntN(len(w.procs))]
		if who == t.from || who == t.to || !bytes.Contains(t.octets, []byte("sharpTicket")) {
			return
		}
		how, octets = who.Name+" claims", w.resigned(t, who.key, who.key.GUID)
	}
	if octets == nil || !to.up {
		return
	}
	w.counts.Attacks++
	w.trace.add(w.now, "an attacker %s a message from %s to %s", how, t.from.Name, to.Name)
	if in, err := w.open(octets, t.from, to); err == nil {
		w.fail(saysForged, "an attacker %s a message from %s to %s, who takes %s", how, t.from.Name, to.Name, about(in.message))
		to.post(actors.Receive{Message: in.message}, nil)
	}
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
		Signer: s.Key, Cert: s.Cert, GUID: as, Name: t.from.Name, To: t.to.key.GUID, MessageID: t.id,
		Created: w.wall(), Expires: w.wall().Add(life), Profile: wssec.Strict,
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
