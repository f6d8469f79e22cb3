package calendar

import (
	"fmt"
	"strings"
)

// Vector is an amount in the four dimensions in which hosts are cut into slivers
// (leasing 4.5.7): processors, memory, bandwidth and storage, in whatever units
// the site counts them. The zero Vector asks for nothing.
type Vector [4]int

var dimensions = [len(Vector{})]string{"cpu", "memory", "bandwidth", "storage"}

// Dimension names the i-th place of a Vector, as properties do.
func Dimension(i int) string { return dimensions[i] }

// Fits reports whether v is no larger than room in any dimension.
func (v Vector) Fits(room Vector) bool {
	for i := range v {
		if v[i] > room[i] {
			return false
		}
	}
	return true
}

// Plus is v and n times w.
func (v Vector) Plus(n int, w Vector) Vector {
	for i := range v {
		v[i] += n * w[i]
	}
	return v
}

// Times is how many times v fits into room, at most limit.
func (v Vector) Times(room Vector, limit int) int {
	for i := range v {
		if v[i] > 0 {
			limit = min(limit, max(room[i], 0)/v[i])
		}
	}
	return limit
}

// Least is the smaller of v and w in every dimension.
func (v Vector) Least(w Vector) Vector {
	for i := range v {
		v[i] = min(v[i], w[i])
	}
	return v
}

// Compare orders vectors by their first dimension in which they differ.
func (v Vector) Compare(w Vector) int {
	for i := range v {
		if v[i] != w[i] {
			return v[i] - w[i]
		}
	}
	return 0
}

// String lists the dimensions that are not zero, as in "cpu=2 memory=1024".
func (v Vector) String() string {
	var parts []string
	for i, n := range v {
		if n != 0 {
			parts = append(parts, fmt.Sprintf("%s=%d", dimensions[i], n))
		}
	}
	if parts == nil {
		return "nothing"
	}
	return strings.Join(parts, " ")
}
