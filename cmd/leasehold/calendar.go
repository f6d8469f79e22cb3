package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors/manage"
	"github.com/spf13/cobra"
)

func (a *app) calendarCommand() *cobra.Command {
	var w manage.Window
	c := &cobra.Command{
		Use:   "calendar",
		Short: "Show what brokers and sites have, and who holds how much of it when",
		Long: `Show the calendars of the brokers and sites of this server: of every ticket that a
broker sells from, every quota that somebody uses, and every type of a site's hosts.
Each line is a stretch of time over which the same number of units is held; below
stand the reservations that hold them. These are the calendars that grants, plans and
quotas are decided on.`,
		Example: `  leasehold calendar
  leasehold calendar --actor broker --from "tomorrow 08:00" --to +7d`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			m, err := a.client()
			if err != nil {
				return err
			}
			all, err := m.Calendars(c.Context(), w)
			if err != nil {
				return err
			}
			return a.show(all, func(w io.Writer) {
				for i, one := range all {
					if i > 0 {
						row(w)
					}
					showCalendar(w, one)
				}
			})
		},
	}
	c.Flags().StringVar(&w.Actor, "actor", "", "only this broker's or site's; default all")
	c.Flags().StringVar(&w.From, "from", "", "from when; default now")
	c.Flags().StringVar(&w.To, "to", "", "until when; default a day later")
	return c
}

func showCalendar(w io.Writer, c manage.Calendar) {
	title := c.Name
	switch c.Kind {
	case "stock":
		title = fmt.Sprintf("%s of %s, for sale at %s until %s", c.Type, party(c.Site), c.Actor.Name, forever(c.End))
	case "pool":
		title = fmt.Sprintf("%s at site %s", c.Type, c.Actor.Name)
	case "quota":
		title = fmt.Sprintf("quota of %s at %s", c.Name, c.Actor.Name)
	}
	fmt.Fprintln(w, clean(fmt.Sprintf("%s: %d units", title, c.Units)))
	row(w, "  FROM", "TO", "HELD", "FREE", "")
	for _, s := range c.Spans {
		row(w, "  "+when(s.From), forever(s.To), s.Used, s.Free, bar(s.Used, c.Units))
	}
	for i, b := range c.Bookings {
		if i == 0 {
			row(w, "  HELD FROM", "TO", "UNITS", "SLICE", "CLIENT", "RESERVATION")
		}
		row(w, "  "+when(b.From), forever(b.To), b.Units, b.Slice.Name, party(b.Client), b.Reservation)
	}
}

// forever is the end of a stretch of time for people.
func forever(t time.Time) string {
	if t.IsZero() {
		return "for ever"
	}
	return when(t)
}

// barWidth is how many characters show a whole calendar.
const barWidth = 20

// bar shows how much of something is held. Anything at all shows, and so does any
// rest.
func bar(used, of int) string {
	full := 0
	if of > 0 {
		full = min(used*barWidth/of, barWidth)
	}
	switch {
	case used > 0 && full == 0:
		full = 1
	case used < of && full == barWidth:
		full--
	}
	full = max(full, 0)
	return strings.Repeat("#", full) + strings.Repeat(".", barWidth-full)
}
