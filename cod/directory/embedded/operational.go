package embedded

import (
	"crypto/rand"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/leasehold/leasehold/cod/directory/tree"
	"github.com/leasehold/leasehold/ldapschema"
)

// A csnClock gives each change its sequence number: its time, and a counter for
// changes within one microsecond. Numbers grow, even when the clock is set back
// or the server starts again. Only the writer uses it.
type csnClock struct {
	now  func() time.Time
	last string
	at   time.Time
	n    int
}

const csnLayout = "20060102150405.000000Z"

func newCSNClock(db *bbolt.DB, now func() time.Time) *csnClock {
	c := &csnClock{now: now}
	db.View(func(tx *bbolt.Tx) error { // a read of the file just opened
		c.last = string(tx.Bucket(metaBucket).Get(metaCSN))
		return nil
	})
	if len(c.last) > len(csnLayout) {
		if t, err := time.Parse(csnLayout, c.last[:len(csnLayout)]); err == nil {
			c.at = t.Add(time.Microsecond) // the counter of the last one is forgotten
		}
	}
	return c
}

func (c *csnClock) next() (csn string, at time.Time) {
	if now := c.now().UTC().Truncate(time.Microsecond); now.After(c.at) {
		c.at, c.n = now, 0
	} else {
		c.n++
	}
	c.last = fmt.Sprintf("%s#%06x#000#000000", c.at.Format(csnLayout), c.n)
	return c.last, c.at
}

// stamp writes who changed an entry, and when (RFC 4512 3.4, RFC 4530).
func (c *csnClock) stamp(who ldapschema.DN) func(old, changed ldapschema.Entry) ldapschema.Entry {
	return func(old, changed ldapschema.Entry) ldapschema.Entry {
		csn, at := c.next()
		user, op := tree.Split(changed)
		if len(old.Attrs) == 0 {
			op.Attrs = nil
			set(&op, "entryUUID", newUUID())
			set(&op, "createTimestamp", ldapschema.FormatTime(at))
			set(&op, "creatorsName", string(who))
		}
		set(&op, "entryCSN", csn)
		set(&op, "modifyTimestamp", ldapschema.FormatTime(at))
		set(&op, "modifiersName", string(who))
		set(&op, "structuralObjectClass", ldapschema.StructuralClass(user))
		user.Attrs = append(user.Attrs, op.Attrs...)
		return user
	}
}

// set gives a single-valued attribute its value; nobody, the empty name, is none.
func set(e *ldapschema.Entry, name, value string) {
	if value == "" {
		return
	}
	for i := range e.Attrs {
		if e.Attrs[i].Name == name {
			e.Attrs[i].Values = []string{value}
			return
		}
	}
	e.Attrs = append(e.Attrs, ldapschema.Attr{Name: name, Values: []string{value}})
}

// newUUID is a random UUID (RFC 9562 5.4).
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
