package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/wire/xmlrpc/leasing"
	"github.com/leasehold/leasehold/wssec"
)

// operations are what a peer may be allowed to call.
var operations = []actors.Op{
	actors.OpClaim, actors.OpTicket, actors.OpExtendTicket, actors.OpRelinquish, actors.OpRedeem,
	actors.OpExtendLease, actors.OpModifyLease, actors.OpUpdateTicket, actors.OpUpdateLease, actors.OpClose,
}

// policyKeys are the keys of a peer that make up its policy, by the field they set.
var policyKeys = map[string]string{
	"Profile": "profile", "Signatures": "signatures", "Digests": "digests", "MinRSABits": "min_rsa_bits", "Tokens": "tokens",
	"Mutual": "mutual", "ExpiredUntil": "expired_until", "MTOM": "mtom", "AnyCaseGUID": "any_case_guid", "FinalConfirmation": "final_confirmation", "Protocol": "protocol",
}

func readPeer(v value) Peer {
	o := v.object()
	defer o.done()
	p := Peer{Name: o.need("name").name()}
	guid := o.need("guid")
	if p.Policy.AnyCaseGUID = o.get("any_case_guid").flag(); p.Policy.AnyCaseGUID {
		p.GUID = guid.legacyGUID()
	} else {
		p.GUID = guid.guid()
	}
	p.Role = o.need("role").role()
	p.URL = o.need("url").url("", "http", "https")
	p.Policy.Protocol = Speaks(p.URL)
	if protocol := o.get("protocol").word("", "soap", "xmlrpc"); protocol != "" {
		p.Policy.Protocol, _ = wssec.ParseProtocol(protocol)
	}
	readPolicy(o, &p.Policy)
	p.Certificates = o.need("certificate").texts()
	allow := o.get("allow")
	if allow.given() {
		p.Allow = []actors.Op{}
	}
	allow.list(func(_ int, v value) {
		if op, ok := v.operation(); ok && !slices.Contains(p.Allow, op) {
			p.Allow = append(p.Allow, op)
		}
	})
	return p
}

// Speaks is the protocol of a peer whose configuration does not say: what the form of
// its URL says, and otherwise SOAP.
func Speaks(url string) wssec.Protocol {
	if calls, _ := leasing.Spoken(url); calls {
		return wssec.XMLRPC
	}
	return wssec.SOAP
}

// readPolicy reads what was agreed with a peer. What is wrong with it as a whole is
// reported at the keys that say so.
func readPolicy(o *object, p *wssec.Policy) {
	p.Profile, _ = wssec.ParseProfile(o.get("profile").word("strict", "legacy", "legacy-strong"))
	p.Signatures = words(o.get("signatures"), "signature", wssec.SignatureNamed, wssec.SignatureNames)
	p.Digests = words(o.get("digests"), "digest", wssec.DigestNamed, wssec.DigestNames)
	p.MinRSABits = o.get("min_rsa_bits").number(0, 1024, 16384)
	for _, t := range words(o.get("tokens"), "token", wssec.TokenNamed, wssec.TokenNames) {
		p.Tokens |= t
	}
	p.Mutual = o.get("mutual").flag()
	p.ExpiredUntil = o.get("expired_until").instant(time.Time{})
	p.MTOM = o.get("mtom").flag()
	p.FinalConfirmation = o.get("final_confirmation").flag()
	if p.Profile == 0 {
		return // said already
	}
	for _, m := range p.Mistakes() {
		key := policyKeys[m.Field]
		at, written := o.keyAt[key]
		if !written {
			at = o.keyAt["profile"]
		}
		o.r.addAt(at, join(o.path, key), "", "%s", m.Text)
	}
}

// words reads a list of names, each once; an unknown one is reported.
func words[T comparable](v value, what string, named func(string) (T, bool), known func() []string) (out []T) {
	v.list(func(_ int, v value) {
		s := v.text("")
		is, ok := named(s)
		switch {
		case s == "":
		case !ok:
			v.r.add(v.path, meant(s, known()), "unknown %s %q", what, s)
		case !slices.Contains(out, is):
			out = append(out, is)
		}
	})
	if v.given() && v.n.Kind == yaml.SequenceNode && len(v.n.Content) == 0 {
		v.bad("must list at least one %s", what)
	}
	return out
}

// flag is true or false; false when the key is absent.
func (v value) flag() bool { return v.word("false", "true") == "true" }

// texts is one value or a list of them, at least one, no two alike.
func (v value) texts() (out []string) {
	if !v.given() {
		return nil
	}
	add := func(v value) {
		if s := v.text(""); slices.Contains(out, s) {
			v.bad("%q is there twice", s)
		} else if s != "" {
			out = append(out, s)
		}
	}
	if v.n.Kind != yaml.SequenceNode {
		add(v)
		return out
	}
	v.list(func(_ int, v value) { add(v) })
	if out == nil {
		v.bad("must name at least one file")
	}
	return out
}

// legacyGUID is an identity in whatever case it was made.
func (v value) legacyGUID() actors.ActorID {
	return parsed(v, "", func(s string) (actors.ActorID, error) {
		if !wssec.ValidLegacyGUID(s) {
			return "", fmt.Errorf("is not a UUID such as 46AEA103-1185-4E69-8AFA-53194582F5A9")
		}
		return actors.ActorID(s), nil
	})
}

// operation is the wire name of an operation.
func (v value) operation() (actors.Op, bool) {
	s := v.text("")
	var names []string
	for _, op := range operations {
		if op.String() == s {
			return op, true
		}
		names = append(names, op.String())
	}
	if s != "" {
		v.r.add(v.path, meant(s, names), "unknown operation %q", s)
	}
	return 0, false
}

func (w *writer) peer(p Peer) {
	w.line(1, "- name: %s", quote(p.Name))
	w.line(2, "guid: %s", quote(string(p.GUID)))
	w.flag(2, "any_case_guid", p.Policy.AnyCaseGUID)
	w.line(2, "role: %s", p.Role)
	w.line(2, "url: %s", quote(p.URL))
	if p.Policy.Protocol != wssec.SOAP || Speaks(p.URL) != wssec.SOAP {
		w.line(2, "protocol: %s", p.Policy.Protocol)
	}
	if p.Policy.Profile != 0 {
		w.line(2, "profile: %s", p.Policy.Profile)
	}
	if len(p.Certificates) == 1 {
		w.line(2, "certificate: %s", quote(p.Certificates[0]))
	} else {
		w.line(2, "certificate:")
		for _, file := range p.Certificates {
			w.line(3, "- %s", quote(file))
		}
	}
	w.policy(p.Policy)
	if p.Allow == nil {
		return
	}
	names := make([]string, len(p.Allow))
	for i, op := range p.Allow {
		names[i] = op.String()
	}
	w.line(2, "allow: [%s]", strings.Join(names, ", "))
}

// policy writes where a peer departs from its profile.
func (w *writer) policy(p wssec.Policy) {
	list := func(key string, names []string) {
		if len(names) > 0 {
			w.line(2, "%s: [%s]", key, strings.Join(names, ", "))
		}
	}
	algorithms := func(of []string) (names []string) {
		for _, a := range of {
			names = append(names, wssec.AlgorithmName(a))
		}
		return names
	}
	list("signatures", algorithms(p.Signatures))
	list("digests", algorithms(p.Digests))
	if p.MinRSABits != 0 {
		w.line(2, "min_rsa_bits: %d", p.MinRSABits)
	}
	list("tokens", p.Tokens.Names())
	w.flag(2, "mutual", p.Mutual)
	if !p.ExpiredUntil.IsZero() {
		w.line(2, "expired_until: %s", instant(p.ExpiredUntil))
	}
	w.flag(2, "mtom", p.MTOM)
	w.flag(2, "final_confirmation", p.FinalConfirmation)
}

func (w *writer) flag(depth int, key string, on bool) {
	if on {
		w.line(depth, "%s: true", key)
	}
}
