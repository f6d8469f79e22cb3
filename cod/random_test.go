package cod_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/ldapschema"
	"pgregory.net/rapid"
)

// TestRandom plays random histories: actions in any order, answers out of order, a
// driver that fails and dawdles, a directory that goes away, refuses and loses
// answers, strangers who add entries, operators who edit and delete ours, crashes in
// the middle of writes. At every moment the directory must be one a reader can
// trust; when the weather clears, everything asked must be answered; and when
// everything is torn down nothing of ours may be left, and everything of others.
func TestRandom(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt, siteConfig())
		w.watched = rapid.Bool().Draw(rt, "watched")
		w.load()
		h := &history{w: w, rt: rt, asked: map[string]*actors.Action{}, others: map[ldapschema.DN]string{}, edited: map[ldapschema.DN]string{}, renamed: map[string]bool{}}
		for _, e := range w.tree() {
			h.others[e.DN] = e.LDIF()
		}
		w.drive = h.drive
		n := rapid.IntRange(1, 80).Draw(rt, "events")
		for range n {
			h.event()
			h.safe()
		}
		h.calm()
	})
}

// history is one random run.
type history struct {
	w       *world
	rt      *rapid.T
	asked   map[string]*actors.Action // last action of each unit; nil entries never were
	others  map[ldapschema.DN]string  // entries of strangers, as they should stay
	edited  map[ldapschema.DN]string  // descriptions operators gave to nodes of ours
	renamed map[string]bool           // units whose nodes operators gave other names
	crashes int
	clear   bool // the driver works from now on
	seen    int  // reports looked at
}

// units that may be asked for, with their slices. Two slices have the same name,
// two names differ only in what a domain name cannot say.
var units = map[string]string{
	"u1": "web", "u2": "web", "u3": "Web!", "u4": "db", "u5": "db", "u6": "a1", "u7": "a1", "u8": "a1",
}

// draw picks one of n.
func (h *history) draw(what string, n int) int { return rapid.IntRange(0, n-1).Draw(h.rt, what) }

// drive is a driver in bad weather.
func (h *history) drive(cod.Drive) (handlers.Result, error) {
	if h.clear {
		return handlers.Result{Done: true}, nil
	}
	switch h.draw("driver", 6) {
	case 0:
		return handlers.Result{}, errors.New("no luck")
	case 1:
		return handlers.Result{After: time.Second}, nil
	}
	return handlers.Result{Done: true}, nil
}

// event makes one thing happen.
func (h *history) event() {
	w := h.w
	switch h.draw("event", 19) {
	case 0, 1, 2:
		h.action()
	case 3:
		// Asked again; but an authority that was answered does not ask a machine that
		// has forgotten.
		if u := h.unit(); h.asked[u] != nil && (h.crashes == 0 || h.answered(*h.asked[u]) < 0) {
			w.step(cod.Do{Action: *h.asked[u]})
		}
	case 4, 5, 6, 7, 8, 9:
		for range h.draw("answers", 4) + 1 {
			if len(w.line) > 0 {
				w.answer(h.draw("which", len(w.line)))
			}
		}
	case 10:
		w.now += actors.Millis(h.draw("time", 5000))
		w.step(cod.Tick{})
	case 11:
		w.away = h.draw("away", 2) == 0
	case 16, 17, 18:
		w.tell(h.draw("told", 4) + 1)
	case 12:
		w.bar = []string{"", "", "cn=web", "dhcp", "zoneName=site.test", "ou=slices"}[h.draw("bar", 6)]
	case 13:
		h.crash()
	case 14:
		h.stranger()
	case 15:
		h.operator()
	}
}

func (h *history) unit() string {
	return rapid.SampledFrom(slices.Sorted(keys(units))).Draw(h.rt, "unit")
}

func keys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// action asks for a unit's next action: as an authority, it sets up what is not
// there, and then extends, tries again or tears down.
func (h *history) action() {
	u := h.unit()
	a := setup(u, units[u], 1)
	a.Properties = actors.Properties{}
	if last := h.asked[u]; last != nil {
		a = *last
		a.Sequence++
		a.Term.End += 1000
		if a.Verb == actors.Teardown && h.answered(*last) == 0 {
			a.Verb = actors.Setup // leased again, under the same name
		} else if h.draw("verb", 2) == 0 {
			a.Verb = actors.Teardown
		}
	}
	if h.draw("prefix", 3) == 0 {
		a.Properties = actors.Properties{"host.prefix": []string{"n", "n1", "web", "n1-"}[h.draw("which prefix", 4)], "config.ssh.user1.login": "ada"}
	}
	h.asked[u] = &a
	h.w.step(cod.Do{Action: a})
}

// answered is the code the action was last answered with; -1 when it was not.
func (h *history) answered(a actors.Action) int {
	for _, d := range slices.Backward(h.w.done) {
		if d.Unit == a.Unit.ID && d.Sequence == a.Sequence {
			return d.Code
		}
	}
	return -1
}

// crash stops the machine with operations under way: some are carried out, some in
// part, and nobody hears of it. Then the authority asks again for what it is owed.
func (h *history) crash() {
	w := h.w
	for _, p := range w.line {
		if p.write != nil {
			for _, c := range p.write.Changes[:h.draw("carried out", len(p.write.Changes)+1)] {
				if _, err := w.apply(c); err != nil {
					break
				}
			}
		}
	}
	w.load()
	h.crashes++
	for _, u := range slices.Sorted(keys(h.asked)) {
		if h.answered(*h.asked[u]) < 0 {
			w.step(cod.Do{Action: *h.asked[u]})
		}
	}
}

// stranger adds an entry where one of ours might want to be.
func (h *history) stranger() {
	host := fmt.Sprintf("web%d", h.draw("host", 3)+1)
	zone := "zoneName=site.test,ou=DNS," + siteBase
	var e ldapschema.Entry
	var err error
	switch h.draw("stranger", 4) {
	case 0:
		e, err = ldapschema.New(zone.Child("relativeDomainName", host+".web"), "top", "dNSZone").Set("zoneName", "site.test").Set("aRecord", "192.0.2.1").Build()
	case 1:
		e, err = ldapschema.OrganizationalUnit("ou=slices,"+siteBase, "web", "")
	case 2:
		e, err = ldapschema.New(("cn=config,ou=dhcp,"+siteBase).Child("cn", "db"), "top", "dhcpGroup").Build()
	case 3:
		e, err = ldapschema.New(("ou=hosts,ou=web,ou=slices,"+siteBase).Child("cn", host), "top", "device").Build()
	}
	if err != nil {
		h.rt.Fatal(err)
	}
	if o, _ := h.w.apply(ldapschema.AddEntry(e)); o == cod.Done {
		h.others[e.DN] = e.LDIF()
	}
}

// operator edits, renames or deletes one of our entries.
func (h *history) operator() {
	ours := h.ours()
	if len(ours) == 0 {
		return
	}
	e := ours[h.draw("entry", len(ours))]
	set := func(attr string, values ...string) bool {
		o, _ := h.w.apply(ldapschema.Change{Kind: ldapschema.Modify, DN: e.DN, Mods: []ldapschema.Mod{{Op: ldapschema.ModReplace, Attr: attr, Values: values}}})
		return o == cod.Done
	}
	switch {
	case e.IsA("codNode"):
		switch h.draw("edit", 9) {
		case 0, 1:
			if text := fmt.Sprint("edit ", h.draw("text", 1000)); set("description", text) {
				h.edited[e.DN] = text
			}
		case 2, 3:
			set("ipHostNumber", []string{"10.99.0.9", "10.99.0.10", "10.99.0.13", "10.99.0.17", "10.99.0.30", "10.99.0.1", "192.0.2.7", "nonsense"}[h.draw("address", 8)])
		case 4:
			set("macAddress", []string{"52:54:00:00:00:01", "52:54:00:00:00:02", "01:00:00:00:00:01", "52:54:00:00:00:01"}[h.draw("mac", 4)])
		case 5:
			set("codImage", fmt.Sprint("image", h.draw("image", 3)))
		case 6:
			if h.w.watched {
				set("codHold", "ada: looks at it")
			}
		case 7:
			set("codHold")
		case 8:
			if h.w.watched { // whoever does not look cannot know
				h.renamed[e.Get("codUnit")] = true
				h.w.rename(e.DN, ldapschema.DN("cn="+[]string{"web1", "web2", "x1", "x2", "No Good"}[h.draw("name", 5)]))
			}
		}
	case e.IsA("dNSZone"):
		h.w.apply(ldapschema.DeleteEntry(e.DN))
	}
}

// ours is the entries that bear our mark.
func (h *history) ours() []ldapschema.Entry {
	return slices.DeleteFunc(h.w.tree(), func(e ldapschema.Entry) bool { return !e.Has("codOwner") })
}

// safe holds at every moment.
func (h *history) safe() {
	used := map[string]ldapschema.DN{}
	claim := func(what, value string, dn ldapschema.DN) {
		if value == "" {
			return
		}
		if other, ok := used[what+value]; ok {
			h.rt.Fatalf("%s %s is in %s and in %s\n%s", what, value, other, dn, tail(h.w.log.String()))
		}
		used[what+value] = dn
	}
	running := map[string]bool{}
	tree := h.w.tree()
	for _, e := range tree {
		if !e.Has("codOwner") {
			continue
		}
		if attr, _ := e.DN.RDN(); e.Has("ipNetworkNumber") { // in the cluster's entry and in the network's
			claim("block by "+attr, e.Get("ipNetworkNumber"), e.DN)
		}
		if !e.IsA("codNode") {
			continue
		}
		_, label := e.DN.Parent().Parent().RDN()
		_, name := e.DN.RDN()
		claim("unit", e.Get("codUnit"), e.DN)
		running[e.Get("codUnit")] = true
		claim("name", name+"."+label, e.DN)
	}
	addrs := users{}
	for _, e := range tree {
		if e.Has("codOwner") && e.IsA("dhcpHost") {
			addrs.claim(h, e.Get("dhcpHWAddress"), e)
			for _, s := range e.Values("dhcpStatements") {
				if a, ok := strings.CutPrefix(s, "fixed-address "); ok {
					addrs.claim(h, a, e)
					if !strings.HasPrefix(a, "10.99.0.") {
						h.rt.Fatalf("%s has address %s", e.DN, a)
					}
				}
			}
		}
		if e.Has("codOwner") && e.Has("aRecord") {
			addrs.claim(h, e.Get("aRecord"), e)
			if !running[e.Get("codUnit")] {
				h.rt.Fatalf("%s is in DNS and its host is not there\n%s", e.DN, tail(h.w.log.String()))
			}
		}
	}
	h.untouched(tree)
}

// users is which unit has an address of either kind.
type users map[string]string

func (u users) claim(h *history, addr string, e ldapschema.Entry) {
	unit := e.Get("codUnit")
	if other, ok := u[addr]; ok && other != unit {
		h.rt.Fatalf("%s is given to %s and, in %s, to %s\n%s", addr, other, e.DN, unit, tail(h.w.log.String()))
	}
	u[addr] = unit
}

// untouched compares what others made with what is there.
func (h *history) untouched(tree []ldapschema.Entry) {
	have := map[ldapschema.DN]ldapschema.Entry{}
	for _, e := range tree {
		have[e.DN] = e
	}
	for dn, want := range h.others {
		if e := have[dn]; e.LDIF() != want {
			h.rt.Fatalf("a stranger's entry was touched:\n%s\nis now\n%s\n%s", want, e.LDIF(), tail(h.w.log.String()))
		}
	}
	for dn, text := range h.edited {
		e, ok := have[dn]
		if !ok || !e.Has("codUnit") || !e.Has("description") {
			delete(h.edited, dn) // it went, and maybe another came under its name
		} else if e.Get("description") != text {
			h.rt.Fatalf("an edit of %s was undone: %q\n%s", dn, e.Get("description"), tail(h.w.log.String()))
		}
	}
}

// calm lets the weather clear: everything asked is answered, what is set up is all
// there, and tearing it down leaves nothing.
func (h *history) calm() {
	w := h.w
	w.away, w.bar, h.clear = false, "", true
	w.rest()
	for _, e := range h.ours() {
		if e.Has("codHold") {
			w.apply(ldapschema.Change{Kind: ldapschema.Modify, DN: e.DN, Mods: []ldapschema.Mod{{Op: ldapschema.ModDelete, Attr: "codHold"}}})
		}
	}
	w.rest()
	for _, u := range slices.Sorted(keys(h.asked)) {
		a := *h.asked[u]
		code := h.answered(a)
		if code < 0 {
			h.rt.Fatalf("%v of %s was never answered\n%s", a.Verb, u, tail(w.log.String()))
		}
		if code != 0 && a.Verb == actors.Setup && code != cod.CodeExhausted { // once more, in good weather
			for _, verb := range []actors.Verb{actors.Teardown, actors.Setup} {
				a.Verb = verb
				a.Sequence++
				w.step(cod.Do{Action: a})
				w.rest()
			}
			h.asked[u] = &a
			if code := h.answered(a); code != 0 && code != cod.CodeExhausted {
				h.rt.Fatalf("%s cannot be set up in good weather: %d\n%s", u, code, tail(w.log.String()))
			}
		}
		if a.Verb == actors.Setup && h.answered(a) == 0 && !h.renamed[u] { // else we may have died before we knew the name
			h.whole(a)
		}
		h.safe()
	}
	for _, u := range slices.Sorted(keys(h.asked)) {
		a := *h.asked[u]
		a.Verb, a.Sequence = actors.Teardown, a.Sequence+1
		w.step(cod.Do{Action: a})
		w.rest()
		h.safe()
		if h.answered(a) != 0 {
			h.rt.Fatalf("%s cannot be torn down in good weather\n%s", u, tail(w.log.String()))
		}
		if w.up[a.Unit.ID] {
			h.rt.Fatalf("%s is torn down but still up", u)
		}
	}
	for _, e := range h.ours() {
		if !h.inhabited(e) {
			h.rt.Fatalf("left behind: %s\n%s", e.LDIF(), tail(w.log.String()))
		}
	}
	if v := w.m.View(); len(v.Clusters) > 0 || len(v.Waiting) > 0 {
		h.rt.Fatalf("left in memory: %+v", v)
	}
}

// inhabited reports whether a stranger's entry lies below e.
func (h *history) inhabited(e ldapschema.Entry) bool {
	for dn := range h.others {
		if dn.Under(e.DN) {
			return true
		}
	}
	return false
}

// whole checks that a unit reported as set up has a host entry that says so.
func (h *history) whole(a actors.Action) {
	for _, e := range h.ours() {
		if e.IsA("codNode") && e.Get("codUnit") == string(a.Unit.ID) {
			if e.Get("codState") != "up" || e.Get("codLeaseEnd") == "" {
				h.rt.Fatalf("%s is set up, but its entry says\n%s\n%s", a.Unit.ID, e.LDIF(), tail(h.w.log.String()))
			}
			return
		}
	}
	h.rt.Fatalf("%s is set up, but it has no entry\n%s", a.Unit.ID, tail(h.w.log.String()))
}
