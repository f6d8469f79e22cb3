package ldap

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// maxName is the longest name of an entry. OpenLDAP's back-mdb takes no more than
// about 240 octets.
const maxName = 160

// plain says whether an octet stands for itself in a name.
func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._/:", c) >= 0
}

// nameOf is the name of the entry for a key or an actor: the same one for the same
// octets, another for others, and never one that starts with "~".
func nameOf(key string) string {
	var b strings.Builder
	for i := 0; i < len(key) && b.Len() <= maxName; i++ {
		if c := key[i]; plain(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	if b.Len() <= maxName {
		return b.String()
	}
	sum := sha256.Sum256([]byte(key))
	return "%~" + hex.EncodeToString(sum[:]) // no octet is written so
}

// actorOf is the actor that an entry is for; false for a name that is only a hash.
func actorOf(name string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] != '%' {
			b.WriteByte(name[i])
			continue
		}
		if i+2 >= len(name) {
			return "", false
		}
		c, err := strconv.ParseUint(name[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		b.WriteByte(byte(c))
		i += 2
	}
	return b.String(), nameOf(b.String()) == name
}

// partName is the name of part i, from 1, of a record's value; journalPart, from
// 0, of a batch.
func partName(record string, i int) string { return fmt.Sprintf("~%d~%s", i, record) }
func journalPart(i int) string             { return fmt.Sprintf("~j%d", i) }

const logPrefix = "~log"

// logName is the name of a page of the log, from 0.
func logName(i int) string { return fmt.Sprintf("%s%d", logPrefix, i) }

// A holding is the name of a generation: its number and who made it. The first is
// nobody's.
type holding struct {
	generation uint64
	owner      string
}

// String is the name of the entry.
func (h holding) String() string {
	if h.owner == "" {
		return strconv.FormatUint(h.generation, 10)
	}
	return strconv.FormatUint(h.generation, 10) + "-" + h.owner
}

func parseHolding(name string) (holding, error) {
	number, owner, _ := strings.Cut(name, "-")
	n, err := strconv.ParseUint(number, 10, 64)
	h := holding{n, owner}
	if err != nil || h.String() != name {
		return holding{}, fmt.Errorf("%q is not the name of a holding", name)
	}
	return h, nil
}

// newOwner is a name that no other opener has.
func newOwner() string { return rand.Text() }
