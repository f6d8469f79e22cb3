package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/cmd/internal/starter"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec"
)

// post sends a message of one actor to another as a peer would, spoilt behind the back
// of our own outbound side, and gives the fault that comes back; empty if none does.
func post(t *testing.T, from, to *wiring.Actor, m actors.Message, spoil func(*wire.Message)) string {
	t.Helper()
	m.ID, m.From, m.To = uuid.NewString(), from.Location.ID, to.Location.ID
	out, err := translate.Outgoing(m, from.Location)
	if err != nil {
		t.Fatal(err)
	}
	if spoil != nil {
		spoil(&out)
	}
	body, err := soap.EncodeBody(nil, out)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	octets, err := wssec.Seal{
		Signer: from.Identity.Key, Cert: from.Identity.Cert, GUID: from.Identity.GUID, Name: from.Location.Name, To: string(to.Location.ID),
		MessageID: m.ID, Created: now, Expires: now.Add(time.Minute), Profile: wssec.Strict,
	}.Request(body)
	if err != nil {
		t.Fatal(err)
	}
	op, _ := wire.Lookup(out.Op)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to.Location.URL, bytes.NewReader(octets))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", soap.PlainType)
	req.Header.Set("SOAPAction", `"`+op.Name+`"`)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := xmltree.Parse(data, xmltree.DefaultLimits())
	if err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	_, payload, err := soap.DecodeEnvelope(doc)
	if err != nil {
		t.Fatal(err)
	}
	f, err := soap.DecodeFault(payload)
	if err != nil {
		return ""
	}
	return f.String
}

// TestNonsense feeds the same mistakes through every door: the command line, the
// management interface with and without its socket, and signed SOAP. Each is refused
// with the same sentence, and nothing is kept of it.
func TestNonsense(t *testing.T) {
	t.Parallel()
	s := whole(t)
	p, _ := s.serve(t)
	role := func(r actors.Role) *wiring.Actor {
		for _, a := range p.Actors {
			if a.Config.Role == r {
				return a
			}
		}
		t.Fatalf("no %v", r)
		return nil
	}
	sm, broker, site := role(actors.RoleManager), role(actors.RoleBroker), role(actors.RoleAuthority)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := p.Manage.Request(ctx, manage.Order{Reservation: "alpha", Slice: "web", Type: "site.node", Units: 1, Length: "1h"}); err != nil {
		t.Fatal(err)
	}
	if r, err := p.Manage.Wait(ctx, manage.Goal{Ref: manage.Ref{Reservation: "alpha"}, States: []string{"Active"}, Timeout: 2 * time.Minute}); err != nil {
		t.Fatalf("%v: %+v", err, r)
	}
	held, err := p.Manage.Show(ctx, manage.Ref{Actor: "broker", Reservation: "alpha"})
	if err != nil {
		t.Fatal(err)
	}
	client := manage.NewClient(s.c.Admin)
	at := " --config " + filepath.Join(s.dir, starter.File)
	millis := func(t time.Time) int64 { return t.UnixMilli() }
	stamp := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	now := time.Now().Truncate(time.Second)
	hour, day := now.Add(time.Hour), now.Add(24*time.Hour)

	// A request, as operators and as peers write it.
	type request struct {
		units      int
		typ        string
		start, end time.Time
	}
	good := request{1, "site.node", now, hour}
	order := func(r request) manage.Order {
		return manage.Order{Reservation: "omega", Slice: "web", Type: r.typ, Units: r.units, Start: stamp(r.start), End: stamp(r.end)}
	}
	ask := actors.Message{Op: actors.OpTicket, Reservation: "omega", Slice: actors.Slice{ID: "w", Name: "web"}, Sequence: 1, Type: "site.node", Units: 1,
		Term: actors.NewTerm(actors.Millis(millis(now)), actors.Millis(millis(hour))-1)}
	for _, tt := range []struct {
		name string
		r    request
		want string
	}{
		{"no units", request{0, good.typ, now, hour}, "units is 0, not 1 to 1000000"},
		{"negative units", request{-4, good.typ, now, hour}, "units is -4, not 1 to 1000000"},
		{"huge units", request{2_000_000_000, good.typ, now, hour}, "units is 2000000000, not 1 to 1000000"},
		{"end before start", request{1, good.typ, day, hour}, "end " + stamp(hour) + " is not after start " + stamp(day)},
		{"end at start", request{1, good.typ, hour, hour}, "end " + stamp(hour) + " is not after start " + stamp(hour)},
		{"over", request{1, good.typ, now.Add(-48 * time.Hour), now.Add(-24 * time.Hour)}, "end " + stamp(now.Add(-24*time.Hour)) + " has passed; it is "},
		{"begun long ago", request{1, good.typ, now.Add(-24 * time.Hour), hour}, "start " + stamp(now.Add(-24*time.Hour)) + " has passed; it is "},
		{"unknown type", request{1, "site.nod", now, hour}, `type "site.nod" is not sold; did you mean "site.node"?`},
		{"unlike type", request{1, "submarine", now, hour}, `type "submarine" is not sold; known are site.node`},
	} {
		_, local := p.Manage.Request(ctx, order(tt.r))
		_, socket := client.Request(ctx, order(tt.r))
		o := order(tt.r)
		code, _, errs := call(t, strings.Fields(fmt.Sprintf("lease request --id omega --slice web --type %s --units %d --start %s --end %s", o.Type, o.Units, o.Start, o.End)+at)...)
		ask.Reservation = actors.ReservationID(strings.ReplaceAll(tt.name, " ", "-"))
		fault := post(t, sm, broker, ask, func(m *wire.Message) {
			m.Reservation.Resources.Units, m.Reservation.Resources.Type = int32(tt.r.units), tt.r.typ
			m.Reservation.Term = wire.Term{StartTime: millis(tt.r.start), NewStartTime: millis(tt.r.start), EndTime: millis(tt.r.end) - 1}
		})
		if strings.Contains(tt.want, "is not sold") { // told in an update, for those who forget faults
			r, err := p.Manage.Show(ctx, manage.Ref{Actor: "broker", Reservation: string(ask.Reservation)})
			if fault != "" || err != nil || r.State != "Failed" {
				t.Errorf("%s: %q, %v, %+v", tt.name, fault, err, r)
			}
			fault = "invalid request: " + r.Error
		}
		for door, said := range map[string]string{"local": fmt.Sprint(local), "socket": fmt.Sprint(socket), "command line": strings.TrimSpace(errs), "SOAP": fault} {
			_, sentence, found := strings.Cut(said, "invalid request: ")
			if now := strings.Index(sentence, "; it is "); now >= 0 {
				sentence = sentence[:now+len("; it is ")] // the doors are tried one after the other
			}
			if !found || sentence != tt.want {
				t.Errorf("%s, %s: it says %q, want %q", tt.name, door, said, tt.want)
			}
		}
		if code != 2 || actors.KindOf(local) != actors.Invalid {
			t.Errorf("%s: exit code %d, kind %v", tt.name, code, actors.KindOf(local))
		}
	}

	// What there is not, at each door that can be asked for it.
	const none = `no reservation is called "alpah"; did you mean "alpha"?`
	longer := actors.Message{Op: actors.OpExtendTicket, Reservation: "alpah", Slice: ask.Slice, Sequence: 2, Type: "site.node", Units: 1,
		Term: actors.NewTerm(ask.Term.Start, ask.Term.End).Extended(actors.Millis(millis(day)))}
	_, local := p.Manage.Extend(ctx, manage.Extension{Ref: manage.Ref{Reservation: "alpah"}, Length: "1h"})
	_, shown := client.Show(ctx, manage.Ref{Reservation: "alpah"})
	for door, said := range map[string]string{
		"local": fmt.Sprint(local), "socket": fmt.Sprint(shown),
		"show":  cli{"lease show alpah" + at, 3, "", ""}.errors(t),
		"close": cli{"lease close alpah" + at, 3, "", ""}.errors(t),
		"SOAP":  post(t, sm, broker, longer, nil),
	} {
		if _, sentence, _ := strings.Cut(said, "not found: "); sentence != none {
			t.Errorf("%s: %q, want %q", door, said, none)
		}
	}
	// An extension that is none.
	short := longer
	short.Reservation, short.Sequence = "alpha", 9
	shorter := hour.Add(-time.Minute)
	short.Term = actors.Term{Start: actors.Millis(millis(held.Start)), NewStart: actors.Millis(millis(held.Start)) + 1, End: actors.Millis(millis(shorter)) - 1}
	notLonger := fmt.Sprintf("end %s is not after the present end %s", stamp(shorter), held.End.UTC().Format("2006-01-02T15:04:05.999Z07:00"))
	_, local = p.Manage.Extend(ctx, manage.Extension{Ref: manage.Ref{Reservation: "alpha"}, End: stamp(shorter)})
	for door, said := range map[string]string{
		"local": fmt.Sprint(local), "SOAP": post(t, sm, broker, short, nil),
		"command line": cli{"lease extend alpha --end " + stamp(shorter) + at, 2, "", ""}.errors(t),
	} {
		if _, sentence, _ := strings.Cut(said, "invalid request: "); sentence != notLonger {
			t.Errorf("%s: %q, want %q", door, said, notLonger)
		}
	}
	// Names of actors and slices.
	cli{"lease request --slice web --type site.node --length 1h --broker brokr" + at, 2, "", `no broker is called "brokr"; did you mean "broker"?`}.run(t)
	cli{"lease list --slice wbe" + at, 0, "", `no slice is called "wbe"; did you mean "web"?`}.run(t)
	cli{"lease list --actor sitte" + at, 3, "", `no actor here is called "sitte"; did you mean "site"?`}.run(t)

	// A peer is not told what others have.
	if said := post(t, broker, site, actors.Message{Op: actors.OpClaim, Reservation: "alpah", Slice: ask.Slice, Sequence: 1, Type: "x", Term: ask.Term}, nil); said != actors.NotFound.Error() {
		t.Errorf("a claim of nothing: %q", said)
	}
	for _, a := range []string{"manager", "broker", "site"} {
		if r, err := p.Manage.Show(ctx, manage.Ref{Actor: a, Reservation: "omega"}); err == nil {
			t.Errorf("%s keeps %+v", a, r)
		}
	}
}

// errors is what a command says when it fails as expected.
func (c cli) errors(t *testing.T) string {
	t.Helper()
	code, _, errs := call(t, strings.Fields(c.args)...)
	if code != c.code {
		t.Errorf("leasehold %s: exit %d\n%s", c.args, code, errs)
	}
	return strings.TrimSpace(errs)
}
