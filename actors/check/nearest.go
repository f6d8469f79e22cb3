package check

import (
	"fmt"
	"strings"
)

// Perhaps suggests the known word nearest to the one given: `; did you mean "x"?`.
// It is empty when nothing is near.
func Perhaps(given string, known []string) string {
	if best := Nearest(given, known); best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	return ""
}

// Nearest is the word that whoever wrote the given one most likely meant; empty when
// none is near.
func Nearest(given string, known []string) string {
	best, least := "", max(2, len(given)/3)+1
	for _, k := range known {
		if d := distance(strings.ToLower(given), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is how many letters must be added, dropped, changed or swapped with
// their neighbour to turn a into b. Words longer than anything we know are far.
func distance(a, b string) int {
	const longest = 64
	if len(a) > longest || len(b) > longest {
		return longest
	}
	var rows [3][longest + 1]int // this row and the two before
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur, up, above := &rows[i%3], &rows[(i+2)%3], &rows[(i+1)%3]
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			cur[j] = min(up[j]+1, cur[j-1]+1, up[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], above[j-2]+1)
			}
		}
	}
	return rows[len(a)%3][len(b)]
}
