package actors

import (
	"encoding/json"
	"iter"
	"slices"
)

// Paging is how the units of a lease are divided. A step of one unit copies, and
// writes down, no more than its page. The zero Paging stands for 64 and 256.
type Paging struct {
	Page  uint16 // units in a page, at most 1024
	Whole uint16 // units that are written into the record of their lease; a lease that ever has more keeps its pages in records of their own, until it has no units
}

// maxPage is how many units are read from the record of a page.
const maxPage = 1024

func (p Paging) complete() Paging {
	if p.Page == 0 {
		p.Page = 64
	}
	if p.Whole == 0 {
		p.Whole = 256
	}
	p.Page = min(p.Page, maxPage)
	return p
}

// Units is the units of one lease, in the order in which they came. It is a value: a
// step begins with [Units.Begin] and then changes its own, which shares the pages
// that it does not touch with those before it. A unit never moves to another page, so
// that what differs between the two is found by comparing pages, not units. The zero
// Units has none.
type Units struct {
	pages  []*page        // by number
	index  map[UnitID]int // in which page each is, and some that have gone; nil until it is needed
	n      int32          // units in all pages
	tail   int32          // pages behind this one are known to hold none of those that Waits was asked about
	lo, hi int32          // the step's own pages are between these two, inclusive
	at     Spot           // behind the unit that was found last
	era    uint32         // pages of this era are the step's own
	paging Paging         // of the step
	own    bool           // and so is the slice pages
	parted bool           // the pages have records of their own
}

// page is a few units. It changes only in the step that made it.
type page struct {
	number int // grows from page to page; those that have emptied are missing
	era    uint32
	states uint8 // a bit for each state that a unit is in; of pages of earlier steps only
	units  []Unit
	lent   bool // units are those of the page before: the first may be left out, none changed
}

// Spot is the place of a unit, until units are removed.
type Spot struct{ page, unit int32 }

// UnitsOf is these units.
func UnitsOf(units ...Unit) (u Units) {
	u.paging = u.paging.complete()
	for _, one := range units {
		u.Append(one)
	}
	u.Settle()
	return u
}

// Len is how many there are.
func (u Units) Len() int { return int(u.n) }

// IsZero reports whether a lease's own record has none of them (encoding/json).
func (u Units) IsZero() bool { return u.n == 0 || u.parted }

// Parts is how many records the units have of their own; 0 when they are in the
// record of their lease.
func (u Units) Parts() int {
	if u.parted {
		return len(u.pages)
	}
	return 0
}

// All goes through the units. They are to be looked at only.
func (u Units) All() iter.Seq[*Unit] {
	return func(yield func(*Unit) bool) {
		for _, p := range u.pages {
			for i := range p.units {
				if !yield(&p.units[i]) {
					return
				}
			}
		}
	}
}

// List is all of them, to be looked at only.
func (u Units) List() []Unit {
	if len(u.pages) == 1 {
		return u.pages[0].units
	}
	out := make([]Unit, 0, u.n)
	for _, p := range u.pages {
		out = append(out, p.units...)
	}
	return out
}

// In reports whether any unit is in one of the states.
func (u Units) In(states ...UnitState) bool {
	u.tail = int32(len(u.pages) - 1)
	return u.Waits(states...)
}

// Begin makes u the units of a new step: those it is a copy of will not change with
// it.
func (u *Units) Begin(p Paging) {
	u.paging = p.complete()
	u.era, u.own, u.tail = u.era+1, false, int32(len(u.pages)-1)
	u.lo, u.hi = u.tail+1, -1
}

// Settle ends a step's changes.
func (u *Units) Settle() {
	for i := u.lo; i <= u.hi && int(i) < len(u.pages); i++ {
		if p := u.pages[i]; p.era == u.era {
			p.states = 0
			for k := range p.units {
				p.states |= 1 << p.units[k].State
			}
		}
	}
	u.parted = u.n > 0 && (u.parted || u.n > int32(u.paging.Whole))
}

// Waits reports whether any unit is in one of the states. A step may ask again and
// again after each end of an action, about the same states: it looks at the last
// units first, whose actions began last, and not again where there was none. It
// forgets that when actions are begun.
func (u *Units) Waits(states ...UnitState) bool {
	var mask uint8
	for _, s := range states {
		mask |= 1 << s
	}
	for u.tail = min(u.tail, int32(len(u.pages)-1)); u.tail >= 0; u.tail-- {
		p := u.pages[u.tail]
		if p.era != u.era {
			if p.states&mask != 0 {
				return true
			}
			continue
		}
		for i := len(p.units) - 1; i >= 0; i-- {
			if mask&(1<<p.units[i].State) != 0 {
				return true
			}
		}
	}
	return false
}

// At is the unit at a spot, to be looked at only.
func (u Units) At(s Spot) *Unit { return &u.pages[s.page].units[s.unit] }

// Edit is the unit at a spot, for the step to change.
func (u *Units) Edit(s Spot) *Unit { return &u.touch(s.page).units[s.unit] }

// touch makes a page and its units the step's own.
func (u *Units) touch(i int32) *page {
	p := u.borrow(i)
	if p.lent {
		p.units, p.lent = slices.Clone(p.units), false
	}
	return p
}

// borrow makes a page the step's own, but not yet its units.
func (u *Units) borrow(i int32) *page {
	p := u.pages[i]
	if p.era == u.era {
		return p
	}
	u.ownPages(0)
	u.lo, u.hi = min(u.lo, i), max(u.hi, i)
	p = &page{number: p.number, era: u.era, units: p.units, lent: true}
	u.pages[i] = p
	return p
}

// ownPages makes the list of pages the step's own, with room for more.
func (u *Units) ownPages(more int) {
	if !u.own {
		u.pages, u.own = append(make([]*page, 0, len(u.pages)+more), u.pages...), true
	}
}

// Find says where a unit is. Actions mostly end in the order in which they began, so
// it looks behind the last one first.
func (u *Units) Find(id UnitID) (Spot, bool) {
	s := u.at
	if int(s.page) < len(u.pages) && int(s.unit) >= len(u.pages[s.page].units) {
		s = Spot{page: s.page + 1}
	}
	if int(s.page) >= len(u.pages) {
		s = Spot{}
	}
	if len(u.pages) > 0 && u.At(s).ID == id {
		u.at = Spot{s.page, s.unit + 1}
		return s, true
	}
	from, to := u.near(id)
	for i := from; i < to; i++ {
		for k, units := 0, u.pages[i].units; k < len(units); k++ {
			if units[k].ID == id {
				u.at = Spot{i, int32(k) + 1}
				return Spot{i, int32(k)}, true
			}
		}
	}
	return Spot{}, false
}

// near is the pages that a unit can be in: all of a few, and of many the one that an
// index says.
func (u *Units) near(id UnitID) (from, to int32) {
	if u.n <= int32(u.paging.Whole) {
		return 0, int32(len(u.pages))
	}
	if u.index == nil || len(u.index) > 2*int(u.n) { // half of it is about units that have gone
		u.index = make(map[UnitID]int, u.n)
		for _, p := range u.pages {
			for i := range p.units {
				u.index[p.units[i].ID] = p.number
			}
		}
	}
	number, known := u.index[id]
	i, found := slices.BinarySearchFunc(u.pages, number, func(p *page, n int) int { return p.number - n })
	if !known || !found {
		return 0, 0
	}
	return int32(i), int32(i) + 1
}

// Append adds a unit behind the others.
func (u *Units) Append(one Unit) {
	last := len(u.pages) - 1
	if last < 0 || len(u.pages[last].units) >= int(u.paging.Page) {
		u.open()
		last++
	}
	p := u.touch(int32(last))
	p.units = append(p.units, one)
	if u.index != nil {
		u.index[one.ID] = p.number
	}
	u.n++
	u.tail = int32(last)
}

// open adds a page.
func (u *Units) open() {
	number := 0
	if last := len(u.pages) - 1; last >= 0 {
		number = u.pages[last].number + 1
	}
	u.ownPages(1)
	u.lo, u.hi = min(u.lo, int32(len(u.pages))), int32(len(u.pages))
	u.pages = append(u.pages, &page{number: number, era: u.era})
}

// Grow makes room for n more.
func (u *Units) Grow(n int) {
	if n <= 0 {
		return
	}
	page := int(u.paging.Page)
	u.ownPages(n/page + 1)
	if len(u.pages) == 0 {
		u.open()
	}
	last := len(u.pages) - 1
	if room := page - len(u.pages[last].units); room > 0 { // a full page stays as it is
		p := u.touch(int32(last))
		p.units = slices.Grow(p.units, min(n, room))
	}
}

// Change lets how change every unit that which says yes to.
func (u *Units) Change(which func(*Unit) bool, how func(*Unit)) {
	for i := range u.pages {
		for k := range u.pages[i].units {
			if which(&u.pages[i].units[k]) {
				how(u.Edit(Spot{int32(i), int32(k)}))
			}
		}
	}
	u.tail = int32(len(u.pages) - 1)
}

// Remove takes the unit at a spot away. Most go in their order, and then nothing is
// copied.
func (u *Units) Remove(s Spot) {
	p := u.borrow(s.page)
	if s.unit == 0 {
		p.units = p.units[1:]
	} else {
		p = u.touch(s.page)
		p.units = slices.Delete(p.units, int(s.unit), int(s.unit)+1)
	}
	u.n--
	u.at = s
	u.shut(s.page)
}

// shut takes a page away that has no units.
func (u *Units) shut(i int32) {
	if len(u.pages[i].units) == 0 {
		u.ownPages(0)
		u.pages = slices.Delete(u.pages, int(i), int(i)+1)
	}
}

// Keep takes every unit away that stays says no to.
func (u *Units) Keep(stays func(*Unit) bool) {
	for i := int32(len(u.pages) - 1); i >= 0; i-- {
		first := 0
		for units := u.pages[i].units; first < len(units) && stays(&units[first]); first++ {
		}
		if first == len(u.pages[i].units) {
			continue
		}
		p := u.touch(i)
		kept := p.units[:first]
		for k := first + 1; k < len(p.units); k++ {
			if stays(&p.units[k]) {
				kept = append(kept, p.units[k])
			}
		}
		u.n -= int32(len(p.units) - len(kept))
		clear(p.units[len(kept):])
		p.units = kept
		u.shut(i)
	}
}

// Clear takes every unit away.
func (u *Units) Clear() { *u = Units{era: u.era, paging: u.paging} }

// News gives each the units of every page that differs from before, and those that
// were in it then, in the same order; some of these may have gone, and the last ones
// may be new.
func (u Units) News(before Units, each func(units, old []Unit)) {
	u.compare(before.pages, before, func(p, old *page) {
		switch {
		case p == nil:
		case old == nil:
			each(p.units, nil)
		default:
			each(p.units, old.units)
		}
	})
}

// compare gives each every page that is new or another than it was among old, and what
// it was, or that is gone; nil stands for none. Where u has come from before in one
// step, only the pages between those that the step touched are looked at.
func (u Units) compare(old []*page, before Units, each func(p, old *page)) {
	pages := u.pages
	if len(old) > 0 && u.era == before.era+1 && u.lo <= u.hi && int(u.hi) < len(pages) {
		if behind := len(pages) - 1 - int(u.hi); behind > 0 && behind < len(old) && pages[u.hi+1] == old[len(old)-behind] {
			pages, old = pages[:u.hi+1], old[:len(old)-behind]
		}
		if lo := int(u.lo); lo > 0 && lo <= len(old) && pages[lo-1] == old[lo-1] {
			pages, old = pages[lo:], old[lo:]
		}
	}
	for len(pages) > 0 || len(old) > 0 {
		switch {
		case len(pages) > 0 && len(old) > 0 && pages[0] == old[0]:
			pages, old = pages[1:], old[1:]
		case len(pages) == 0 || len(old) > 0 && old[0].number < pages[0].number:
			each(nil, old[0])
			old = old[1:]
		case len(old) == 0 || pages[0].number < old[0].number:
			each(pages[0], nil)
			pages = pages[1:]
		default:
			each(pages[0], old[0])
			pages, old = pages[1:], old[1:]
		}
	}
}

// MarshalJSON writes a list.
func (u Units) MarshalJSON() ([]byte, error) { return u.AppendRecord(nil), nil }

// UnmarshalJSON reads one.
func (u *Units) UnmarshalJSON(text []byte) error {
	var list []Unit
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	*u = UnitsOf(list...)
	u.parted = false // whoever wrote it had them in one record
	return nil
}

// AppendRecord appends the durable form of units to dst: the octets that
// encoding/json makes of them, for a tenth of the time. Records are mostly units.
func (u Units) AppendRecord(dst []byte) []byte {
	dst = append(dst, '[')
	begun := false
	for one := range u.All() {
		if begun {
			dst = append(dst, ',')
		}
		dst, begun = one.AppendRecord(dst), true
	}
	return append(dst, ']')
}
