package handlers

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/handlers/run"
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
	Site    bool   // only the site's own configuration gives it, never a lessee
}

// Guard is the parameters that a call of i's driver gets: p without what only the site may
// say, and over it what the site says.
func (i Info) Guard(p Params, site map[string]string) Params {
	out := maps.Clone(p)
	if out == nil {
		out = Params{}
	}
	for _, x := range i.Params {
		if x.Site {
			delete(out, x.Name)
		}
	}
	maps.Copy(out, site)
	return out
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
		if p.Site {
			b.WriteString(" (the site's)")
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

// Guarded is i's driver, called with what the site says and never with what only the site
// may say when somebody else says it.
func (i Info) Guarded(site map[string]string) Driver {
	plain := !slices.ContainsFunc(i.Params, func(p Param) bool { return p.Site })
	if plain && len(site) == 0 {
		return i.Driver
	}
	return guarded{i, site}
}

// guarded is a driver whose calls are guarded.
type guarded struct {
	info Info
	site map[string]string
}

func (g guarded) Setup(ctx context.Context, on run.Runner, p Params) (Result, error) {
	return g.info.Driver.Setup(ctx, on, g.info.Guard(p, g.site))
}

func (g guarded) Teardown(ctx context.Context, on run.Runner, p Params) (Result, error) {
	return g.info.Driver.Teardown(ctx, on, g.info.Guard(p, g.site))
}

func (g guarded) Modify(ctx context.Context, on run.Runner, p Params) (Result, error) {
	return Modify(ctx, g.info.Driver, on, g.info.Guard(p, g.site))
}
