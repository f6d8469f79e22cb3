package ldap

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/leasehold/leasehold/actors/store"
)

// journalForm is the first octet of an encoded batch.
const journalForm = 1

// maxJournal bounds the number of writes that a journal can be read with.
const maxJournal = 1 << 24

// encodeJournal writes a batch down: the form, how many writes, then for each what
// it is (0 removes, 1 puts), the key and the data, both after their lengths.
func encodeJournal(writes []store.Write) []byte {
	size := 1 + binary.MaxVarintLen32
	for _, w := range writes {
		size += 1 + 2*binary.MaxVarintLen32 + len(w.Key) + len(w.Data)
	}
	b := append(make([]byte, 0, size), journalForm)
	b = binary.AppendUvarint(b, uint64(len(writes)))
	for _, w := range writes {
		if w.Remove {
			b = append(b, 0)
		} else {
			b = append(b, 1)
		}
		b = binary.AppendUvarint(b, uint64(len(w.Key)))
		b = append(b, w.Key...)
		if !w.Remove {
			b = binary.AppendUvarint(b, uint64(len(w.Data)))
			b = append(b, w.Data...)
		}
	}
	return b
}

var errJournal = errors.New("the journal is damaged")

// decodeJournal reads it back. The data are copies.
func decodeJournal(b []byte) ([]store.Write, error) {
	if len(b) == 0 || b[0] != journalForm {
		return nil, fmt.Errorf("%w: it is of no form this program knows", errJournal)
	}
	d := decoder{rest: b[1:]}
	n := d.number(maxJournal)
	out := make([]store.Write, 0, min(n, uint64(len(b))/2))
	for range n {
		var w store.Write
		switch d.octets(1) {
		case "\x00":
			w.Remove = true
		case "\x01":
		default:
			d.bad = true
		}
		w.Key = d.octets(d.number(store.MaxKey))
		if !w.Remove {
			w.Data = []byte(d.octets(d.number(store.MaxValue)))
		}
		if d.bad || w.Key == "" {
			return nil, fmt.Errorf("%w in write %d of %d", errJournal, len(out)+1, n)
		}
		out = append(out, w)
	}
	if d.bad || len(d.rest) > 0 {
		return nil, fmt.Errorf("%w at its end", errJournal)
	}
	return out, nil
}

// decoder reads numbers and octets until something is wrong.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) number(most uint64) uint64 {
	v, n := binary.Uvarint(d.rest)
	if d.bad || n <= 0 || v > most {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) octets(n uint64) string {
	if d.bad || n > uint64(len(d.rest)) {
		d.bad = true
		return ""
	}
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	return s
}
