package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/leasehold/leasehold/actors/manage"
)

// show prints v as JSON, or lets table print it for people.
func (a *app) show(v any, table func(w io.Writer)) error {
	if a.json {
		return a.encode(v)
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	table(w)
	return w.Flush()
}

// encode prints v as one line of JSON.
func (a *app) encode(v any) error {
	e := json.NewEncoder(a.out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// row prints one line of a table.
func row(w io.Writer, cells ...any) {
	for i, c := range cells {
		if i > 0 {
			fmt.Fprint(w, "\t")
		}
		fmt.Fprint(w, clean(fmt.Sprint(c)))
	}
	fmt.Fprintln(w)
}

// clean keeps what peers and handlers wrote from moving the terminal's cursor.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.RFC3339)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func party(p *manage.Party) string {
	switch {
	case p == nil:
		return "-"
	case p.Name != "":
		return p.Name
	}
	return p.ID
}

// status is the three coordinates of a reservation in one word.
func status(r manage.Reservation) string {
	s := r.State
	if r.Pending != "" && r.Pending != "None" {
		s += "," + r.Pending
	}
	if r.Join != "" && r.Join != "NoJoin" {
		s += "," + r.Join
	}
	return s
}

func (a *app) showReservation(r manage.Reservation) error {
	return a.show(r, func(w io.Writer) {
		row(w, "reservation", r.Reservation)
		row(w, "actor", r.Actor.Name+" ("+r.Role+")")
		row(w, "slice", r.Slice.Name)
		row(w, "status", status(r))
		row(w, "what", fmt.Sprintf("%d of %s", r.Units, r.Type))
		row(w, "term", when(r.Start)+" to "+when(r.End))
		row(w, "broker", party(r.Broker))
		row(w, "site", party(r.Authority))
		row(w, "since", when(r.Since))
		for _, p := range r.After {
			row(w, "after", p.Reservation+" ("+p.Gate+")")
		}
		if r.Waiting != "" {
			row(w, "waits for", r.Waiting)
		}
		if r.Next != "" {
			row(w, "next", r.Next+" at "+when(r.NextAt))
		}
		if !r.Deadline.IsZero() {
			row(w, "deadline", when(r.Deadline))
		}
		if r.Error != "" {
			row(w, "last error", r.Error)
		}
		for _, u := range r.Held {
			row(w, "unit", strings.TrimSpace(fmt.Sprintf("%s  %s  %s %s", u.ID, u.State, u.Properties["host.name"], u.Properties["unit.manage.ip"])))
		}
	})
}
