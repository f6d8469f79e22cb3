package xstream

import (
	"cmp"
	"slices"
	"unicode/utf16"
)

// Order names an order of properties in which a signature was found to hold.
type Order uint8

// The orders of tickets 4.3.4.
const (
	Received Order = iota + 1 // as in the text
	Java8                     // of a Hashtable of Java 8 and before, filled as received
	Java9                     // of the table of Java 9 and later, filled as received
	Sorted                    // by name, as ours are written
	Other                     // another permutation
)

// String is the name of the order in messages and commands.
func (o Order) String() string {
	names := [...]string{"none", "received", "java8", "java9", "sorted", "other"}
	if int(o) < len(names) {
		return names[o]
	}
	return names[0]
}

// Candidate is one order of the same properties.
type Candidate struct {
	Order Order
	List  []Property
}

// Orders are the orders that a signer may have had in hand, the likeliest first
// and each once. A relay reads a ticket into a new hash table and writes it
// again, so the order of a text is not always the one that was signed (tickets
// 4.3.2).
func (p *Properties) Orders() []Candidate {
	if p == nil {
		return []Candidate{{Order: Received}}
	}
	sorted := slices.Clone(p.List)
	slices.SortFunc(sorted, func(a, b Property) int { return cmp.Compare(a.Name, b.Name) })
	var out []Candidate
	for _, c := range []Candidate{{Received, p.List}, {Java8, hashtable(p.List)}, {Java9, concurrentMap(p.List)}, {Sorted, sorted}} {
		if !slices.ContainsFunc(out, func(o Candidate) bool { return slices.Equal(o.List, c.List) }) {
			out = append(out, c)
		}
	}
	return out
}

// Permutations calls try with every order of the properties until it answers
// true, and reports whether it did. With n properties there are n! of them.
func (p *Properties) Permutations(try func([]Property) bool) bool {
	list := slices.Clone(p.List)
	var from func(int) bool
	from = func(k int) bool {
		if k == len(list) {
			return try(list)
		}
		for i := k; i < len(list); i++ {
			list[k], list[i] = list[i], list[k]
			if from(k + 1) {
				return true
			}
			list[k], list[i] = list[i], list[k]
		}
		return false
	}
	return from(0)
}

// hash is the hash code of a Java string: a polynomial over its UTF-16 units.
func hash(s string) uint32 {
	var h uint32
	for _, u := range utf16.Encode([]rune(s)) {
		h = 31*h + uint32(u)
	}
	return h
}

type entry struct {
	hash uint32
	Property
}

// hashtable is the order of java.util.Hashtable up to Java 8: 11 buckets at
// first, new entries at the head of their bucket, twice as many buckets and one
// more when three quarters are taken, read from the last bucket to the first.
func hashtable(list []Property) []Property {
	buckets := make([][]entry, 11) // the last of a bucket is its head
	for n, q := range list {
		if n >= len(buckets)*3/4 {
			grown := make([][]entry, 2*len(buckets)+1)
			for _, b := range slices.Backward(buckets) {
				for _, e := range slices.Backward(b) {
					i := e.hash & 0x7fffffff % uint32(len(grown))
					grown[i] = append(grown[i], e)
				}
			}
			buckets = grown
		}
		e := entry{hash(q.Name), q}
		i := e.hash & 0x7fffffff % uint32(len(buckets))
		buckets[i] = append(buckets[i], e)
	}
	var out []Property
	for _, b := range slices.Backward(buckets) {
		for _, e := range slices.Backward(b) {
			out = append(out, e.Property)
		}
	}
	return out
}

// concurrentMap is the order of java.util.Properties since Java 9: a
// ConcurrentHashMap of 16 buckets at first, new entries at the end of theirs,
// twice as many when three quarters are taken, read from the first bucket on.
// Buckets of more than seven entries, which Java makes into trees, are not
// followed: no set of names that anybody uses has one.
func concurrentMap(list []Property) []Property {
	buckets := make([][]entry, 16)
	for n, q := range list {
		h := hash(q.Name)
		e := entry{(h ^ h>>16) & 0x7fffffff, q}
		i := e.hash & uint32(len(buckets)-1)
		buckets[i] = append(buckets[i], e)
		if n+1 >= len(buckets)*3/4 {
			buckets = split(buckets)
		}
	}
	var out []Property
	for _, b := range buckets {
		for _, e := range b {
			out = append(out, e.Property)
		}
	}
	return out
}

// split doubles the buckets. The entries at the end of a bucket that stay
// together keep their order; those before are put in front of them one by one,
// which turns theirs around.
func split(old [][]entry) [][]entry {
	n := len(old)
	grown := make([][]entry, 2*n)
	for i, b := range old {
		tail := len(b)
		for tail > 0 && (tail == len(b) || b[tail-1].hash&uint32(n) == b[tail].hash&uint32(n)) {
			tail--
		}
		for k := tail; k < len(b); k++ {
			j := i + int(b[k].hash&uint32(n))
			grown[j] = append(grown[j], b[k])
		}
		for _, e := range b[:tail] {
			j := i + int(e.hash&uint32(n))
			grown[j] = slices.Insert(grown[j], 0, e)
		}
	}
	return grown
}
