package manage_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/actors/manage"
)

var update = flag.Bool("update", false, "write the golden files")

func names(rs []manage.Reservation) string {
	var out []string
	for _, r := range rs {
		out = append(out, r.Actor.Name+"/"+r.Reservation)
	}
	return strings.Join(out, " ")
}

// golden compares v as JSON with a file: programs depend on every name in it.
func golden(t *testing.T, file string, v any) {
	t.Helper()
	got, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(want)) != string(got) {
		t.Errorf("%s changed:\n%s\nwant:\n%s", file, got, want)
	}
}

func TestActors(t *testing.T) {
	both(t, func(t *testing.T, o *office) {
		all, err := o.Actors(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "actors.json", all)
		o.stops["site"]()
		if all, _ = o.Actors(t.Context()); all[3].Running || !all[2].Running {
			t.Errorf("after the site stopped: %+v", all)
		}
	})
}

func TestShow(t *testing.T) {
	both(t, func(t *testing.T, o *office) {
		o.put("sm-blue", "4f0c-1", "web", actors.Active)
		r, err := o.Show(t.Context(), manage.Ref{Reservation: "4f0c-1"})
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "reservation.json", r)
	})
}

// TestWithoutEnd: times that mean never are absent, and never break the answer.
func TestWithoutEnd(t *testing.T) {
	both(t, func(t *testing.T, o *office) {
		for id, end := range map[actors.ReservationID]actors.Millis{"ever": actors.Forever, "late": actors.Forever - 1, "nothing": 0} {
			err := o.hosts["sm-red"].Ask(t.Context(), actors.Request{Reservation: id, Term: actors.Term{Start: 1, NewStart: 1, End: end}})
			if err != nil {
				t.Fatal(err)
			}
			r, err := o.Show(t.Context(), manage.Ref{Reservation: string(id)})
			if err != nil || !r.End.IsZero() {
				t.Errorf("%s: end %v, %v", id, r.End, err)
			}
		}
	})
}

func TestFind(t *testing.T) {
	both(t, func(t *testing.T, o *office) {
		o.put("sm-blue", "aa-1", "web", actors.Active)
		o.put("sm-blue", "aa-12", "web", actors.Active)
		o.put("broker", "aa-1", "web", actors.Ticketed)
		o.put("site", "aa-1", "web", actors.Active)
		o.put("broker", "bb-1", "web", actors.Ticketed)
		o.put("site", "bb-1", "web", actors.Failed)
		o.put("sm-red", "cc/..?x=1&%2F d", "web", actors.Active)
		for _, tt := range []struct{ actor, name, want string }{
			{"", "aa-1", "sm-blue/aa-1"}, // whole names first, and the manager's view
			{"", "aa-12", "sm-blue/aa-12"},
			{"broker", "aa", "broker/aa-1"},
			{"si", "aa", "site/aa-1"},
			{string(guid("site")), "bb", "site/bb-1"},
			{string(guid("site"))[:9], "bb", "site/bb-1"},
			{"", "cc", "sm-red/cc/..?x=1&%2F d"},
			{"", "cc/..?x=1&%2F d", "sm-red/cc/..?x=1&%2F d"},
		} {
			r, err := o.Show(t.Context(), manage.Ref{Actor: tt.actor, Reservation: tt.name})
			if got := names([]manage.Reservation{r}); err != nil || got != tt.want {
				t.Errorf("%q at %q: %s, %v; want %s", tt.name, tt.actor, got, err, tt.want)
			}
		}

		_, err := o.Show(t.Context(), manage.Ref{Reservation: "a"})
		refused(t, err, actors.Invalid, 2, `"a" could be any of`, "aa-12 at sm-blue (Active)")
		_, err = o.Show(t.Context(), manage.Ref{Reservation: "bb-1"})
		refused(t, err, actors.Invalid, 2, "bb-1 at broker (Ticketed), bb-1 at site (Failed)")
		var several *manage.AmbiguousError
		if !errors.As(err, &several) || len(several.Candidates) != 2 || several.What != "reservation" || several.Given != "bb-1" {
			t.Errorf("the error carries %+v", several)
		}
		_, err = o.Show(t.Context(), manage.Ref{Actor: "sm", Reservation: "aa"})
		refused(t, err, actors.Invalid, 2, `actor "sm" could be any of: sm-blue, sm-red`)
		_, err = o.Show(t.Context(), manage.Ref{Reservation: "zz"})
		refused(t, err, actors.NotFound, 3, `no reservation is called "zz"`)
		_, err = o.Show(t.Context(), manage.Ref{Actor: "brokre", Reservation: "aa"})
		refused(t, err, actors.NotFound, 3, `no actor here is called "brokre"; did you mean "broker"?`)
		for _, id := range []string{"", ".", ".."} {
			if _, err = o.Show(t.Context(), manage.Ref{Reservation: id}); manage.ExitCode(err) != 2 && manage.ExitCode(err) != 3 {
				t.Errorf("%q: %v", id, err)
			}
		}
		o.stops["broker"]()
		_, err = o.Show(t.Context(), manage.Ref{Reservation: "zz"})
		refused(t, err, actors.Transient, 7, "is not running")
	})
}

// TestManyCandidates: an error names a few and counts the rest.
func TestManyCandidates(t *testing.T) {
	both(t, func(t *testing.T, o *office) {
		for i := range 15 {
			o.put("site", actors.ReservationID("r-"+string(rune('a'+i))), "web", actors.Active)
		}
		_, err := o.Show(t.Context(), manage.Ref{Reservation: "r-"})
		refused(t, err, actors.Invalid, 2, "r-j at site", "and 5 more")
	})
}

func TestList(t *testing.T) {
	both(t, func(t *testing.T, o *office) {
		if all, err := o.List(t.Context(), manage.Filter{}); err != nil || all == nil || len(all) != 0 {
			t.Errorf("an empty office lists %v, %v", all, err)
		}
		o.put("sm-red", "r2", "mail", actors.Ticketed)
		o.put("sm-blue", "r1", "web", actors.Active)
		o.put("sm-blue", "r0", "mail", actors.Closed)
		o.put("site", "r1", "web", actors.Failed)
		for _, tt := range []struct {
			filter manage.Filter
			want   string
		}{
			{manage.Filter{}, "sm-blue/r0 sm-blue/r1 sm-red/r2 site/r1"},
			{manage.Filter{Actor: "sm-b"}, "sm-blue/r0 sm-blue/r1"},
			{manage.Filter{Slice: "mail"}, "sm-blue/r0 sm-red/r2"},
			{manage.Filter{Slice: "id-of-web"}, "sm-blue/r1 site/r1"},
			{manage.Filter{Slice: "we"}, ""},
			{manage.Filter{States: []string{"active", "FAILED"}}, "sm-blue/r1 site/r1"},
			{manage.Filter{Actor: "site", States: []string{"Active"}}, ""},
		} {
			all, err := o.List(t.Context(), tt.filter)
			if got := names(all); err != nil || got != tt.want {
				t.Errorf("%+v: %q, %v; want %q", tt.filter, got, err, tt.want)
			}
		}
		_, err := o.List(t.Context(), manage.Filter{States: []string{"actve"}})
		refused(t, err, actors.Invalid, 2, `no state is called "actve"; did you mean "Active"?`)
		_, err = o.List(t.Context(), manage.Filter{Actor: "nobody"})
		refused(t, err, actors.NotFound, 3, "nobody")

		o.stops["sm-blue"]()
		all, err := o.List(t.Context(), manage.Filter{})
		if got := names(all); got != "sm-red/r2 site/r1" {
			t.Errorf("without sm-blue: %s", got)
		}
		refused(t, err, manage.ErrPartial, 9, "sm-blue", "is not running")
		_, err = o.List(t.Context(), manage.Filter{Actor: "sm-blue"})
		refused(t, err, actors.Transient, 7, "is not running")
	})
}

func TestRequest(t *testing.T) {
	both(t, func(t *testing.T, o *office) {
		r, err := o.Request(t.Context(), manage.Order{
			Actor: "sm-red", Slice: "web", Broker: "far", Type: "site.node", Units: 3, Start: "+2h", Length: "1d", Renewable: true,
			Request: map[string]string{"a": "1"}, Config: map[string]string{"b": "2"}, Local: map[string]string{"c": "3"},
		})
		if err != nil {
			t.Fatal(err)
		}
		want := actors.Request{
			Reservation: "id-1", Slice: actors.Slice{ID: actors.SliceID(actors.DeriveID("slice", string(guid("sm-red")), "web")), Name: "web"},
			Broker: guid("far"), Type: "site.node", Units: 3, Renewable: true,
			Term:    actors.NewTerm(clock.Millis(noon.Add(2*time.Hour)), clock.Millis(noon.Add(26*time.Hour))-1),
			Request: actors.Properties{"a": "1"}, Config: actors.Properties{"b": "2"}, Local: actors.Properties{"c": "3"},
		}
		if got := o.last("sm-red"); !reflect.DeepEqual(got, want) {
			t.Errorf("the manager was asked\n%+v\nwant\n%+v", got, want)
		}
		golden(t, "requested.json", r)
	})
}

func TestRequestDefaults(t *testing.T) {
	both(t, func(t *testing.T, o *office) {
		o.hand.Advance(1500 * time.Microsecond)
		r, err := o.Request(t.Context(), manage.Order{
			Actor: "sm-blue", Reservation: "mine", SliceID: "s-1", Type: "site.node", Units: 1, End: "13:00",
		})
		if err != nil {
			t.Fatal(err)
		}
		if r.Reservation != "mine" || r.Slice != (manage.Slice{ID: "s-1", Name: "s-1"}) || r.Broker != nil ||
			!r.Start.Equal(noon.Add(time.Millisecond)) || !r.End.Equal(noon.Add(time.Hour)) {
			t.Errorf("got %+v", r)
		}
	})
}

// A broker is asked to buy from another as a manager is asked to lease.
func TestBrokerBuys(t *testing.T) {
	both(t, func(t *testing.T, o *office) {
		r, err := o.Request(t.Context(), manage.Order{Actor: "broker", Broker: "far-broker", Slice: "stock", Type: "site.node", Units: 2, Length: "1h"})
		if err != nil || r.Actor.Name != "broker" || r.Role != "broker" {
			t.Fatalf("%+v, %v", r, err)
		}
		if r, err = o.Extend(t.Context(), manage.Extension{Ref: manage.Ref{Reservation: r.Reservation}, Length: "1h"}); err != nil || r.Actor.Name != "broker" {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

func TestNonsenseOrders(t *testing.T) {
	valid := manage.Order{Actor: "sm-red", Slice: "web", Type: "site.node", Units: 1, Length: "1h"}
	tests := []struct {
		name  string
		spoil func(*manage.Order)
		parts []string
	}{
		{"no units", func(o *manage.Order) { o.Units = 0 }, []string{"units is 0, not 1 to 1000000"}},
		{"negative units", func(o *manage.Order) { o.Units = -2 }, []string{"units is -2"}},
		{"too many units", func(o *manage.Order) { o.Units = 1_000_001 }, []string{"units is 1000001"}},
		{"end before start", func(o *manage.Order) { o.Start, o.Length, o.End = "+2h", "", "+1h" },
			[]string{"end 2030-05-01T13:00:00Z is not after start 2030-05-01T14:00:00Z"}},
		{"end at start", func(o *manage.Order) { o.Start, o.Length, o.End = "+2h", "", "+2h" }, []string{"is not after start"}},
		{"past", func(o *manage.Order) { o.Start, o.Length, o.End = "2030-05-01", "", "2030-05-01 11:00" },
			[]string{"end 2030-05-01T11:00:00Z has passed; it is 2030-05-01T12:00:00Z"}},
		{"end and length", func(o *manage.Order) { o.End = "+1h" }, []string{"either an end or a length"}},
		{"neither", func(o *manage.Order) { o.Length = "" }, []string{"either an end or a length"}},
		{"bad start", func(o *manage.Order) { o.Start = "soon" }, []string{`start: time "soon" is none of`}},
		{"bad end", func(o *manage.Order) { o.Length, o.End = "", "later" }, []string{`end: time "later" is none of`}},
		{"bad length", func(o *manage.Order) { o.Length = "-1h" }, []string{`length "-1h" is none of`}},
		{"beyond time", func(o *manage.Order) { o.Start, o.Length = "9999-12-31", "1w" }, []string{"after the year 9999"}},
		{"no slice", func(o *manage.Order) { o.Slice = "" }, []string{"slice is missing"}},
		{"no type", func(o *manage.Order) { o.Type = "" }, []string{"type is missing"}},
		{"unknown type", func(o *manage.Order) { o.Type = "site.nod" }, []string{`type "site.nod" is not sold; did you mean "site.node"?`}},
		{"unlike type", func(o *manage.Order) { o.Type = "submarine" }, []string{`"submarine" is not sold; known are site.disk, site.node`}},
		{"unknown broker", func(o *manage.Order) { o.Broker = "far-borker" }, []string{`no broker is called "far-borker"; did you mean "far-broker"?`}},
		{"ambiguous broker", func(o *manage.Order) { o.Broker = "sm" }, []string{`broker "sm" could be any of: sm-blue, sm-red`}},
		{"control character", func(o *manage.Order) { o.Slice = "we\nb" }, []string{`slice "we\nb" has characters`}},
		{"space", func(o *manage.Order) { o.Reservation = " r" }, []string{"begins or ends with a space"}},
		{"long name", func(o *manage.Order) { o.Slice = strings.Repeat("s", 257) }, []string{"slice has 257 octets, limit 256"}},
		{"long value", func(o *manage.Order) { o.Config = map[string]string{"k": strings.Repeat("v", 65537)} },
			[]string{`config property "k" has 65537 octets, limit 65536`}},
		{"nameless property", func(o *manage.Order) { o.Local = map[string]string{"": "v"} }, []string{"local has a property without a name"}},
		{"property not text", func(o *manage.Order) { o.Request = map[string]string{"k": "\x00"} }, []string{`request property "k" is not text`}},
		{"several at once", func(o *manage.Order) { o.Units, o.Type, o.Slice = -1, "", "" }, []string{"units", "type", "slice"}},
		{"unknown actor", func(o *manage.Order) { o.Actor = "site" }, []string{`site is neither a service manager nor a broker but has the role "authority"`}},
		{"broker buys from nobody", func(o *manage.Order) { o.Actor = "broker" }, []string{"broker is missing: say which other broker"}},
		{"no manager chosen", func(o *manage.Order) { o.Actor = "" }, []string{"any of: sm-blue, sm-red"}},
	}
	both(t, func(t *testing.T, o *office) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				order := valid
				tt.spoil(&order)
				_, err := o.Request(t.Context(), order)
				refused(t, err, actors.Invalid, 2, tt.parts...)
			})
		}
		order := valid
		order.Request = map[string]string{}
		for i := range 257 {
			order.Request[string(rune(0x4e00+i))] = ""
		}
		_, err := o.Request(t.Context(), order)
		refused(t, err, actors.Invalid, 2, "request has 257 properties, limit 256")
		if all, err := o.List(t.Context(), manage.Filter{}); err != nil || len(all) != 0 {
			t.Errorf("a refused order left %v, %v", all, err)
		}
		if _, err := o.Request(t.Context(), valid); err != nil {
			t.Errorf("the order without faults was refused: %v", err)
		}
		// What the actor itself refuses arrives with its kind and its reason.
		order = valid
		order.Local = map[string]string{"refuse": "yes"}
		_, err = o.Request(t.Context(), order)
		refused(t, err, actors.Exhausted, 5, "sold out")
	}, func(cfg *manage.Config) {
		cfg.Types = func(actors.ActorID) []actors.ResourceType { return []actors.ResourceType{"site.node", "site.disk"} }
	})
}

func TestExtend(t *testing.T) {
	both(t, func(t *testing.T, o *office) {
		o.put("sm-blue", "r1", "web", actors.Active)
		o.put("site", "r1", "web", actors.Active)
		o.put("site", "only-here", "web", actors.Active)
		r, err := o.Extend(t.Context(), manage.Extension{Ref: manage.Ref{Reservation: "r1"}, Length: "30m", Units: 5, Victims: []string{"u1"}})
		if err != nil || r.Actor.Name != "sm-blue" || !r.End.Equal(noon.Add(90*time.Minute)) || r.Units != 5 {
			t.Fatalf("%+v, %v", r, err)
		}
		want := actors.Extend{Reservation: "r1", End: clock.Millis(noon.Add(90*time.Minute)) - 1, Units: 5, Victims: []actors.UnitID{"u1"}}
		if got := o.last("sm-blue"); !reflect.DeepEqual(got, want) {
			t.Errorf("the manager was asked %+v, want %+v", got, want)
		}
		if r, err = o.Extend(t.Context(), manage.Extension{Ref: manage.Ref{Reservation: "r1"}, End: "15:00"}); err != nil || !r.End.Equal(noon.Add(3*time.Hour)) {
			t.Errorf("%v, %v", r.End, err)
		}
		for _, tt := range []struct {
			e     manage.Extension
			is    error
			exit  int
			parts string
		}{
			{manage.Extension{Ref: manage.Ref{Reservation: "r1"}, End: "14:00"}, actors.Invalid, 2, "is not after the present end 2030-05-01T15:00:00Z"},
			{manage.Extension{Ref: manage.Ref{Reservation: "r1"}}, actors.Invalid, 2, "either an end or a length"},
			{manage.Extension{Ref: manage.Ref{Reservation: "r1"}, Length: "1h", Units: -1}, actors.Invalid, 2, "units is -1"},
			{manage.Extension{Ref: manage.Ref{Reservation: "r1"}, Length: "1h", Units: 1, Victims: []string{"u2"}}, actors.Invalid, 2, `unit "u2" is not held`},
			{manage.Extension{Ref: manage.Ref{Reservation: "only-here"}, Length: "1h"}, actors.NotFound, 3, "only-here"},
			{manage.Extension{Ref: manage.Ref{Actor: "site", Reservation: "r1"}, Length: "1h"}, actors.Invalid, 2, "only a manager does this"},
		} {
			_, err := o.Extend(t.Context(), tt.e)
			refused(t, err, tt.is, tt.exit, tt.parts)
		}
		o.hand.Advance(24 * time.Hour)
		_, err = o.Extend(t.Context(), manage.Extension{Ref: manage.Ref{Reservation: "r1"}, Length: "1h"})
		refused(t, err, actors.Invalid, 2, "has passed")
	})
}

func TestClose(t *testing.T) {
	both(t, func(t *testing.T, o *office) {
		o.put("sm-blue", "r1", "web", actors.Active)
		o.put("site", "r1", "web", actors.Active)
		r, err := o.Close(t.Context(), manage.Ref{Reservation: "r"})
		if err != nil || r.State != "CloseWait" || r.Actor.Name != "sm-blue" || r.Waiting != "site y" {
			t.Errorf("%+v, %v", r, err)
		}
		if r, err = o.Close(t.Context(), manage.Ref{Actor: "site", Reservation: "r1"}); err != nil || r.Actor.Name != "site" {
			t.Errorf("%+v, %v", r, err)
		}
		o.move("site", "r1", "Closed")
		_, err = o.Close(t.Context(), manage.Ref{Actor: "site", Reservation: "r1"})
		refused(t, err, actors.Stale, 5, "closed already")
		_, err = o.Close(t.Context(), manage.Ref{Reservation: "r9"})
		refused(t, err, actors.NotFound, 3)
	})
}

func TestNew(t *testing.T) {
	t.Parallel()
	h := newOffice(t).hosts["site"]
	a := manage.Actor{Location: actors.Location{ID: "1", Name: "a"}, Host: h, Cycles: actors.Cycles{Length: 1}}
	id := func() string { return "r" }
	other := a
	other.Location.ID = "2"
	nameless := a
	nameless.Location.Name = ""
	for name, cfg := range map[string]manage.Config{
		"no ids":    {Actors: []manage.Actor{a}},
		"no name":   {Actors: []manage.Actor{nameless}, NewID: id},
		"two names": {Actors: []manage.Actor{a, other}, NewID: id},
	} {
		if _, err := manage.New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := manage.New(manage.Config{Actors: []manage.Actor{a}, NewID: id}); err != nil {
		t.Error(err)
	}
}
