package embedded

import (
	"bytes"
	"slices"

	"github.com/leasehold/leasehold/cod/directory/tree"
	"github.com/leasehold/leasehold/ldapschema"
)

// indexed are the attributes whose equality is answered without walking the tree,
// the most telling first: what dhcpd, DNS tools, name services and we look up.
var indexed = []string{
	"entryUUID", "dhcpHWAddress", "macAddress", "ipHostNumber", "codLease", "uid", "uidNumber",
	"relativeDomainName", "associatedDomain", "automountKey", "memberUid", "member", "cn", "gidNumber", "codSlice",
}

// maxIndexed is how much of a value goes into the index; what is found is compared
// in full anyway.
const maxIndexed = 512

// indexPrefix is where the index keeps an attribute's value: name, NUL, normal
// value, NUL, and then the key of each entry that has it.
func indexPrefix(t ldapschema.Attribute, value string) []byte {
	v := t.Normal(value)
	if len(v) > maxIndexed {
		v = v[:maxIndexed]
	}
	return slices.Concat([]byte(t.Name), []byte{0}, []byte(v), []byte{0})
}

// reindex turns what the index says of old into what it should say of e.
func (s store) reindex(k tree.Key, old, e ldapschema.Entry) error {
	for _, name := range indexed {
		before, after := old.Values(name), e.Values(name)
		if slices.Equal(before, after) {
			continue
		}
		t, _ := ldapschema.AttributeNamed(name)
		for _, v := range before {
			if err := s.index.Delete(append(indexPrefix(t, v), k...)); err != nil {
				return err
			}
		}
		for _, v := range after {
			if err := s.index.Put(append(indexPrefix(t, v), k...), nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// A lookup is one value to find in the index.
type lookup struct {
	rank  int // of its attribute in indexed: less tells more
	attr  ldapschema.Attribute
	value string
}

// plan finds lookups that together cover every entry that f can match; nil when
// the tree has to be walked.
func plan(f ldapschema.Filter) []lookup {
	switch f.Op {
	case ldapschema.FilterEqual:
		t, ok := ldapschema.AttributeNamed(f.Attr)
		if rank := slices.Index(indexed, t.Name); ok && rank >= 0 {
			return []lookup{{rank, t, f.Value}}
		}
	case ldapschema.FilterAnd:
		var best []lookup
		for _, sub := range f.Sub {
			p := plan(sub)
			if p != nil && (best == nil || cost(p) < cost(best)) {
				best = p
			}
		}
		return best
	case ldapschema.FilterOr:
		var all []lookup
		for _, sub := range f.Sub {
			p := plan(sub)
			if p == nil {
				return nil
			}
			all = append(all, p...)
		}
		return all
	}
	return nil
}

func cost(p []lookup) int {
	n := 0
	for _, l := range p {
		n += l.rank + 1
	}
	return n
}

// candidates are the keys that the lookups find, in order, each once.
func (s store) candidates(lookups []lookup) []tree.Key {
	var keys []tree.Key
	c := s.index.Cursor()
	for _, l := range lookups {
		prefix := indexPrefix(l.attr, l.value)
		for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
			keys = append(keys, tree.Key(k[len(prefix):]))
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
