package emulate

import (
	"embed"
	"io/fs"
)

//go:embed examples
var examples embed.FS

// Examples is the scenarios that come with the program, and the traces they read:
// YAML files, each of which says in a comment what it shows.
func Examples() fs.FS {
	sub, _ := fs.Sub(examples, "examples") // the name is right: it is the one above
	return sub
}
