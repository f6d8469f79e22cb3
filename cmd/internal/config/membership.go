package config

import (
	"errors"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/registrar/member"
	"github.com/leasehold/leasehold/wssec"
)

// Membership is a registry of actors that ours register with, and learn of others from.
type Membership struct {
	URL         string        // https
	Fingerprint string        // of its server's certificate: SHA-256, or MD5 as deployed actors have it
	Profile     wssec.Profile // how actors that it lists sign: strict (default), legacy or legacy-strong
	Roles       []actors.Role // whom our actors learn of; nil means all roles
	Every       time.Duration // from one heartbeat and question to the next; default one minute
}

func readMembership(v value) Membership {
	o := v.object()
	defer o.done()
	m := Membership{
		URL: o.need("url").url("", "https"),
		Fingerprint: parsed(o.need("fingerprint"), "", func(s string) (string, error) {
			pin, err := member.ParsePin(s)
			if err != nil {
				return "", errors.New("is no fingerprint: want 32 pairs of hexadecimal digits for SHA-256, or 16 for MD5")
			}
			return pin.String(), nil
		}),
		Every: o.get("every").duration(time.Minute, time.Second),
	}
	m.Profile, _ = wssec.ParseProfile(o.get("profile").word("strict", "legacy", "legacy-strong"))
	o.get("learn").list(func(_ int, v value) {
		if role := v.role(); role != 0 {
			m.Roles = append(m.Roles, role)
		}
	})
	return m
}

func (w *writer) memberships(all []Membership) {
	if len(all) == 0 {
		return
	}
	w.head("Registries that our actors register with, and learn of others from. Only the server",
		"with the pinned certificate is believed; leasehold registry serve prints fingerprints.")
	w.line(0, "registries:")
	for _, m := range all {
		w.line(1, "- url: %s", quote(m.URL))
		w.line(2, "fingerprint: %s", quote(m.Fingerprint))
		if m.Profile != 0 {
			w.line(2, "profile: %s", m.Profile)
		}
		if m.Every != 0 {
			w.line(2, "every: %s", m.Every)
		}
		if len(m.Roles) > 0 {
			w.line(2, "learn:")
			for _, r := range m.Roles {
				w.line(3, "- %s", r)
			}
		}
	}
}
