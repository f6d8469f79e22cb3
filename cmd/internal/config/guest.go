package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
)

// Guest is one that a service manager leases for by itself.
type Guest struct {
	Slice  string // its name; unique at the manager
	Type   actors.ResourceType
	Broker string // name of a broker; empty means the manager's default
	Policy string // adaptive (default) or static

	Length  time.Duration // of a lease
	Lead    time.Duration // from a request to the start it asks for; 0 means five cycles
	Units   int           // static: how many
	Chunk   int           // the most units in one lease; 0 is no limit
	Renew   bool          // prolong leases while they are wanted
	Surplus string        // keep (default) or return
	Least   int           // adaptive: never fewer
	Most    int           // adaptive: nor more; 0 is no limit
	PerUnit int           // adaptive: how much of the signal one unit serves; 0 means 1
	Filter  *Filter       // adaptive: smooths the signal; nil follows it as it is
	Signal  *Signal       // adaptive: where it is read; required there

	Request map[string]string // for the broker's policy
	Config  map[string]string // for the site's handlers
	Local   map[string]string // for the manager's own handlers
}

// Filter is a flop-flip filter (paper B 5.2).
type Filter struct {
	Window  int     // readings in the moving average; default 30
	Step    float64 // half width of the band in standard deviations; default 1
	Damping float64 // weight of the past, 0 to 1; default 0.875
}

// Signal is where the need of a guest is read, as one whole number: exactly one of
// File, Command and URL.
type Signal struct {
	File    string
	Command []string      // a program and its arguments
	URL     string        // an http address on this machine
	Every   time.Duration // between two readings; default 1m
}

func readGuest(v value) Guest {
	o := v.object()
	defer o.done()
	g := Guest{
		Slice: o.need("slice").name(), Type: o.need("type").resourceType(), Broker: o.get("broker").name(),
		Policy: o.get("policy").word("adaptive", "static"),
		Length: o.need("length").duration(0, time.Second), Lead: o.get("lead").duration(0, 0),
		Units: o.get("units").number(0, 0, 1_000_000), Chunk: o.get("chunk").number(0, 1, 1_000_000),
		Renew: o.get("renew").flag(), Surplus: o.get("surplus").word("keep", "return"),
		Least: o.get("least").number(0, 0, 1_000_000), Most: o.get("most").number(0, 1, 1_000_000),
		PerUnit: o.get("per_unit").number(0, 1, 1<<30),
		Filter:  readFilter(o.get("filter")), Signal: readSignal(o.get("signal")),
		Request: readTexts(o.get("request")), Config: readTexts(o.get("config")), Local: readTexts(o.get("local")),
	}
	switch {
	case !o.given():
	case g.Policy == "static":
		o.need("units")
		for _, key := range []string{"signal", "filter", "least", "most", "per_unit"} {
			if o.has(key) {
				o.r.addAt(o.keyAt[key], join(o.path, key), "", "is for the policy adaptive")
			}
		}
	default:
		o.need("signal")
		if o.has("units") {
			o.r.addAt(o.keyAt["units"], join(o.path, "units"), "", "is for the policy static")
		}
		if g.Most > 0 && g.Least > g.Most {
			o.r.addAt(o.keyAt["least"], join(o.path, "least"), "", "%d is more than most, %d", g.Least, g.Most)
		}
	}
	return g
}

func readFilter(v value) *Filter {
	o := v.object()
	if !o.given() {
		return nil
	}
	defer o.done()
	f := &Filter{Window: o.get("window").number(30, 1, 10_000), Step: 1, Damping: 0.875}
	if o.has("step") {
		f.Step = parsed(o.get("step"), 1, func(s string) (float64, error) {
			x, err := strconv.ParseFloat(s, 64)
			if err != nil || !(x >= 0 && x <= 100) {
				return 0, fmt.Errorf("is not a number from 0 to 100")
			}
			return x, nil
		})
	}
	if o.get("step"); o.has("damping") {
		f.Damping = o.get("damping").fraction()
	}
	o.get("damping")
	return f
}

func readSignal(v value) *Signal {
	o := v.object()
	if !o.given() {
		return nil
	}
	defer o.done()
	s := &Signal{File: o.get("file").text(""), URL: o.get("url").url("", "http"), Every: o.get("every").duration(time.Minute, 100*time.Millisecond)}
	o.get("command").list(func(_ int, v value) { s.Command = append(s.Command, v.text("")) })
	given := 0
	for _, key := range []string{"file", "command", "url"} {
		if o.has(key) {
			given++
		}
	}
	if given != 1 {
		o.bad("comes from exactly one of file, command and url")
	}
	return s
}

// readTexts reads properties.
func readTexts(v value) map[string]string {
	o := v.object()
	defer o.done()
	var out map[string]string
	for _, name := range o.keys {
		if out == nil {
			out = map[string]string{}
		}
		out[name] = o.get(name).text("")
	}
	return out
}

func (w *writer) guest(g Guest) {
	w.line(3, "- slice: %s", quote(g.Slice))
	w.line(4, "type: %s", quote(string(g.Type)))
	w.optional(4, "broker", g.Broker)
	w.optional(4, "policy", g.Policy)
	w.line(4, "length: %s", g.Length)
	if g.Lead > 0 {
		w.line(4, "lead: %s", g.Lead)
	}
	for _, n := range []struct {
		key   string
		value int
	}{{"units", g.Units}, {"chunk", g.Chunk}, {"least", g.Least}, {"most", g.Most}, {"per_unit", g.PerUnit}} {
		if n.value > 0 {
			w.line(4, "%s: %d", n.key, n.value)
		}
	}
	if g.Policy == "static" && g.Units == 0 {
		w.line(4, "units: 0")
	}
	if g.Renew {
		w.line(4, "renew: true")
	}
	w.optional(4, "surplus", g.Surplus)
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	if f := g.Filter; f != nil {
		w.line(4, "filter: {window: %d, step: %s, damping: %s}", f.Window, number(f.Step), number(f.Damping))
	}
	if s := g.Signal; s != nil {
		var fields []string
		if s.File != "" {
			fields = append(fields, "file: "+quote(s.File))
		}
		if len(s.Command) > 0 {
			var words []string
			for _, word := range s.Command {
				words = append(words, quote(word))
			}
			fields = append(fields, "command: ["+strings.Join(words, ", ")+"]")
		}
		if s.URL != "" {
			fields = append(fields, "url: "+quote(s.URL))
		}
		w.line(4, "signal: {%s, every: %s}", strings.Join(fields, ", "), s.Every)
	}
	for _, list := range []struct {
		key   string
		props map[string]string
	}{{"request", g.Request}, {"config", g.Config}, {"local", g.Local}} {
		if len(list.props) > 0 {
			w.line(4, "%s:", list.key)
		}
		for _, name := range slices.Sorted(maps.Keys(list.props)) {
			w.line(5, "%s: %s", quote(name), quote(list.props[name]))
		}
	}
}
