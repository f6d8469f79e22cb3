package plist_test

import (
	"fmt"

	"github.com/leasehold/leasehold/wire/plist"
)

// A text inside a value of another text, as in a unit's notices.
func ExampleText() {
	inner, _ := plist.Text(map[string]string{"notice": "line 1\na=b"})
	outer, _ := plist.Text(map[string]string{"unit.id": "u1", "unit.notices": inner})
	fmt.Print(outer)
	// Output:
	// unit.id=u1
	// unit.notices=notice\=line 1\\na\\\=b\n
}
