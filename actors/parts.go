package actors

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// PartPrefix starts the keys of records that hold a page of the units of a lease that
// has too many for one record. It sorts before the prefix of the leases' own records,
// so that the parts of a lease are there when it is restored.
const PartPrefix = "part/"

func partKey(id ReservationID, number int) string {
	return fmt.Sprintf("%s%s/%06d", PartPrefix, id, number)
}

// AppendRecord writes a page down (Value).
func (p *page) AppendRecord(dst []byte) ([]byte, error) {
	o := NewObject(dst)
	o.Part("units", Units{pages: []*page{p}}.AppendRecord)
	return o.End(), nil
}

// Records appends to dst what has to be saved of the units of a lease, beside the
// lease's own record, when they were as before until now.
func (u Units) Records(dst []Record, id ReservationID, before Units) []Record {
	old := before.pages
	if !before.parted {
		old = nil
	}
	if !u.parted {
		u = Units{}
	}
	u.compare(old, before, func(p, old *page) {
		if p == nil {
			dst = append(dst, Record{Key: partKey(id, old.number)})
		} else {
			dst = append(dst, Record{Key: partKey(id, p.number), Value: p})
		}
	})
	return dst
}

// Parts is the pages that were restored of leases which have not been restored yet.
type Parts map[ReservationID][]*page

// Restore takes in the record of a page, and says whose it is and which units it holds.
func (p Parts) Restore(rec Stored) (ReservationID, Units, error) {
	name := strings.TrimPrefix(rec.Key, PartPrefix)
	cut := strings.LastIndexByte(name, '/')
	if cut < 0 {
		return "", Units{}, errors.New("it names no lease")
	}
	id := ReservationID(name[:cut])
	number, err := strconv.Atoi(name[cut+1:])
	if err != nil || partKey(id, number) != rec.Key || number < 0 {
		return id, Units{}, fmt.Errorf("%q is no number of a part", name[cut+1:])
	}
	var body struct {
		Units []Unit `json:"units"`
	}
	if err := json.Unmarshal(rec.Data, &body); err != nil {
		return id, Units{}, err
	}
	if len(body.Units) == 0 || len(body.Units) > maxPage {
		return id, Units{}, fmt.Errorf("it holds %d units", len(body.Units))
	}
	i, twice := slices.BinarySearchFunc(p[id], number, func(p *page, n int) int { return p.number - n })
	if twice {
		return id, Units{}, errors.New("it is there already")
	}
	one := &page{number: number, units: body.Units}
	p[id] = slices.Insert(p[id], i, one)
	return id, Units{pages: []*page{one}, n: int32(len(one.units))}, nil
}

// Of is the units of a lease in the parts that are there.
func (p Parts) Of(id ReservationID) Units {
	u := Units{pages: p[id], parted: len(p[id]) > 0, hi: int32(len(p[id]))}
	for _, one := range u.pages {
		u.n += int32(len(one.units))
	}
	u.Settle()
	return u
}

// Join gives a lease whose own record says that its units are in n parts these units.
func (p Parts) Join(units *Units, id ReservationID, n int) error {
	if have := len(p[id]); have != n || n > 0 && units.n > 0 {
		return fmt.Errorf("its units are to be in %d parts, but %d of its own and %d parts are there", n, units.n, have)
	}
	if n > 0 {
		*units = p.Of(id)
	}
	return nil
}

// Forget drops the parts of a lease that nobody will restore, and says what to remove.
func (p Parts) Forget(id ReservationID) []Record {
	gone := Units{}.Records(nil, id, p.Of(id))
	delete(p, id)
	return gone
}
