package main

import (
	"strconv"

	"github.com/leasehold/leasehold/actors/manage"
	"github.com/spf13/cobra"
)

// wants is the request properties that have flags of their own (leasing 3.9).
type wants struct {
	least, priority int
	deferrable      bool
	deadline        string
}

func (w *wants) flags(c *cobra.Command) {
	f := c.Flags()
	f.IntVar(&w.least, "at-least", 0, "take fewer units if need be, down to this many (request property elastic)")
	f.BoolVar(&w.deferrable, "deferrable", false, "take a later start if need be")
	f.StringVar(&w.deadline, "deadline", "", "when a deferred lease must be over")
	f.IntVar(&w.priority, "priority", 0, "larger goes first, where the broker's policy takes clients at their word")
}

// into writes the properties into an order. What is said twice, in two ways, is
// wrong usage.
func (w *wants) into(c *cobra.Command, o *manage.Order) error {
	for _, p := range []struct{ flag, name, value string }{
		{"at-least", "elastic", "true"}, {"at-least", "units.min", strconv.Itoa(w.least)}, {"deferrable", "deferrable", strconv.FormatBool(w.deferrable)},
		{"deadline", "deadline", w.deadline}, {"priority", "priority", strconv.Itoa(w.priority)},
	} {
		if !c.Flags().Changed(p.flag) {
			continue
		}
		if _, twice := o.Request[p.name]; twice {
			return usage("--%s and --request %s= say the same", p.flag, p.name)
		}
		if o.Request == nil {
			o.Request = map[string]string{}
		}
		o.Request[p.name] = p.value
	}
	return nil
}
