package handlers

import (
	"fmt"
	"slices"
	"strings"
)

// Info describes a driver: its manual page, and how to make one.
type Info struct {
	Name   string // as configuration names it: lower-case letters, digits, hyphens
	Doc    string // one sentence: what it makes true
	Params []Param
	Driver Driver
}

// Param describes one parameter a driver reads.
type Param struct {
	Name    string
	Doc     string // what it means, with its unit
	Default string // used when it is absent
	Need    bool   // a call without it fails
}

// Manual is the driver's manual page as plain text.
func (i Info) Manual() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", i.Name, i.Doc)
	for _, p := range i.Params {
		fmt.Fprintf(&b, "\n  %s", p.Name)
		switch {
		case p.Need:
			b.WriteString(" (required)")
		case p.Default != "":
			fmt.Fprintf(&b, " (%s)", p.Default)
		}
		fmt.Fprintf(&b, "\n      %s\n", p.Doc)
	}
	return b.String()
}

// A Catalogue is the drivers of one program, in the order it lists them.
type Catalogue struct{ infos []Info }

// NewCatalogue checks that every driver is named and no name is used twice.
func NewCatalogue(infos ...Info) (Catalogue, error) {
	seen := map[string]bool{}
	for _, i := range infos {
		switch {
		case !named(i.Name):
			return Catalogue{}, fmt.Errorf("handlers: %q is no name for a driver", i.Name)
		case i.Driver == nil:
			return Catalogue{}, fmt.Errorf("handlers: %s has no driver", i.Name)
		case seen[i.Name]:
			return Catalogue{}, fmt.Errorf("handlers: %s is listed twice", i.Name)
		}
		seen[i.Name] = true
	}
	return Catalogue{infos: slices.Clone(infos)}, nil
}

// named reports whether s may name a driver.
func named(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	})
}

// Find is the driver of that name; false if the program has none.
func (c Catalogue) Find(name string) (Info, bool) {
	i := slices.IndexFunc(c.infos, func(i Info) bool { return i.Name == name })
	if i < 0 {
		return Info{}, false
	}
	return c.infos[i], true
}

// All is every driver, in the catalogue's order.
func (c Catalogue) All() []Info { return slices.Clone(c.infos) }
