package cod

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/leasehold/leasehold/ldapschema"
)

// One process at a time writes for an owner. Each, when it starts, takes the next
// number and writes it to an entry of the owner's; all it writes bears the number,
// and changes nothing that bears a higher one. So a process that was thought dead, or
// was cut off for a while, overwrites nothing of its successor's, and stops as soon
// as it sees that it has one.

// ClaimDN is the name of the entry in which the owner's processes count themselves.
func (c Config) ClaimDN() ldapschema.DN {
	return c.Base.Child("ou", "authorities").Child("cn", c.Owner)
}

// Claim is the change by which a process becomes number n; have is the entry as it
// is, or the zero Entry when there is none. It fails when another was faster.
func (c Config) Claim(have ldapschema.Entry, n int64) (ldapschema.Change, error) {
	if have.IsZero() {
		e, err := ldapschema.New(c.ClaimDN(), "top", "device", "codManaged").Set("codOwner", c.Owner).
			Set("codWriter", strconv.FormatInt(n, 10)).Set("description", "which process of the owner may write").Build()
		return ldapschema.AddEntry(e), err
	}
	out := ldapschema.Change{Kind: ldapschema.Modify, DN: have.DN}
	if old := have.Values("codWriter"); len(old) > 0 {
		out.Mods = append(out.Mods, ldapschema.Mod{Op: ldapschema.ModDelete, Attr: "codWriter", Values: old})
	}
	out.Mods = append(out.Mods, ldapschema.Mod{Op: ldapschema.ModAdd, Attr: "codWriter", Values: []string{strconv.FormatInt(n, 10)}})
	return out, nil
}

// NextWriter is the number for the next process, by all that stands in the directory,
// and the entry of the owner's claim, if it is there.
func (c Config) NextWriter(entries []ldapschema.Entry) (n int64, claim ldapschema.Entry) {
	for _, e := range entries {
		if e.Get("codOwner") != c.Owner {
			continue
		}
		n = max(n, writerOf(e))
		if e.DN.Equal(c.ClaimDN()) {
			claim = e
		}
	}
	return n + 1, claim
}

// writerOf is the number an entry bears; 0 for none.
func writerOf(e ldapschema.Entry) int64 {
	n, err := strconv.ParseInt(e.Get("codWriter"), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// Claim makes the machine write as process n. It is called once, before the first
// Step.
func (m *Machine) Claim(n int64) { m.writer = n }

// Fenced says why nothing is written any more; empty while it is.
func (m *Machine) Fenced() string { return m.fenced }

// fencedBy reports whether an entry of ours was written by a later process than this
// one, and stops everything then.
func (m *Machine) fencedBy(e ldapschema.Entry) bool {
	n := writerOf(e)
	if m.writer == 0 || n <= m.writer || e.Get("codOwner") != m.cfg.Owner {
		return false
	}
	if m.fenced == "" {
		m.fenced = fmt.Sprintf("process %d of %s has taken over from process %d; this one writes nothing any more", n, m.cfg.Owner, m.writer)
	}
	return true
}

// signed puts our number on a change, and has it fail where the entry is not ours or
// bears a later one. Entries that are written also bear the digest of the whole as we
// would have it.
func (m *Machine) signed(o owner, c ldapschema.Change, whole ldapschema.Entry) ldapschema.Change {
	if c.Kind != ldapschema.Add {
		c.Assert = ldapschema.EqualFilter("codOwner", m.cfg.Owner)
		if unit := string(o.origin()); unit != "" {
			c.Assert += "(|" + ldapschema.EqualFilter("codUnit", unit) + ldapschema.EqualFilter("codOrigin", unit) + ")"
		}
		if m.writer > 0 {
			c.Assert += fmt.Sprintf("(!(codWriter>=%d))", m.writer+1)
		}
		c.Assert = "(&" + c.Assert + ")"
	}
	if m.writer == 0 {
		return c
	}
	number, sum := []string{strconv.FormatInt(m.writer, 10)}, []string{digest(whole)}
	switch c.Kind {
	case ldapschema.Add:
		c.Attrs = append(c.Attrs, ldapschema.Attr{Name: "codWriter", Values: number}, ldapschema.Attr{Name: "codDigest", Values: sum})
	case ldapschema.Modify:
		c.Mods = append(c.Mods, ldapschema.Mod{Op: ldapschema.ModReplace, Attr: "codWriter", Values: number},
			ldapschema.Mod{Op: ldapschema.ModReplace, Attr: "codDigest", Values: sum})
	}
	return c
}

// digest sums up an entry in canonical form, but for what signed adds.
func digest(e ldapschema.Entry) string {
	h := sha256.New()
	for _, a := range e.Attrs {
		if a.Name == "codWriter" || a.Name == "codDigest" {
			continue
		}
		io.WriteString(h, a.Name+"\x00")
		for _, v := range a.Values {
			io.WriteString(h, strconv.Itoa(len(v))+":"+v)
		}
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:15])
}

// untouched reports whether an entry of ours is as we wrote it.
func untouched(e ldapschema.Entry) bool { return e.Has("codDigest") && e.Get("codDigest") == digest(e) }

// written is an entry of ours as we wrote it, if that is what it still is but for what
// others added beside: attributes, classes and settings that want, what we would write
// now, does not have.
func written(have, want ldapschema.Entry) (ldapschema.Entry, bool) {
	if untouched(have) {
		return unsigned(have), true
	}
	if !have.Has("codDigest") {
		return ldapschema.Entry{}, false
	}
	own := ldapschema.Entry{DN: have.DN}
	for _, a := range have.Attrs {
		if !want.Has(a.Name) {
			continue
		}
		keep := func(string) bool { return true }
		if t, _ := ldapschema.AttributeNamed(a.Name); t.Keyed {
			keep = func(v string) bool {
				return slices.ContainsFunc(want.Values(a.Name), func(w string) bool { return sameSetting(v, w) })
			}
		} else if t.Name == "objectClass" {
			keep = want.IsA
		}
		for _, v := range a.Values {
			if keep(v) {
				own = own.With(a.Name, append(own.Values(a.Name), v)...)
			}
		}
	}
	return own, own.DN != "" && digest(own) == have.Get("codDigest")
}

// sameSetting reports whether two statements make the same setting.
func sameSetting(a, b string) bool {
	a, _, _ = strings.Cut(strings.TrimSpace(a), " ")
	b, _, _ = strings.Cut(strings.TrimSpace(b), " ")
	return strings.EqualFold(a, b)
}

// unsigned is an entry without what signed added.
func unsigned(e ldapschema.Entry) ldapschema.Entry { return e.With("codWriter").With("codDigest") }
