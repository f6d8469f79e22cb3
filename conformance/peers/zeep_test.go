package peers

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/wsdl"
	"github.com/leasehold/leasehold/wssec/dsig"
)

var startZeep = sync.OnceValues(func() (*peer, error) { return start("zeep", "/usr/bin/python3", "zeep/peer.py") })

// TestZeep goes from the WSDL that an actor serves to the calls a Python program
// makes of it.
func TestZeep(t *testing.T) {
	t.Parallel()
	p := use(t, startZeep)
	for role, port := range map[actors.Role]wire.PortType{
		actors.RoleManager: wire.ManagerPort, actors.RoleBroker: wire.BrokerPort, actors.RoleAuthority: wire.AuthorityPort,
	} {
		at := endpointFor(t, role)
		name := wsdl.Name(port)
		want := []string{name, name, name, name + "PortType"}
		var offered []string
		for row := range wire.Operations() {
			if row.Offered&port != 0 {
				offered = append(offered, row.Name)
			}
		}
		slices.Sort(offered)
		want = append(want, offered...)
		var got []string
		for _, field := range p.ask(t, "load", []byte(at+"?wsdl")) {
			got = append(got, string(field))
		}
		if !slices.Equal(got, want) {
			t.Errorf("zeep reads of %s\n%q, not\n%q", name, got, want)
		}
		for kind, m := range everything() {
			if m.Op.OfferedBy(port) {
				zeepSends(t, p, kind, m)
			}
		}
	}
	r := newRecorder(t, unsigned)
	p.ask(t, "load", []byte(r.URL+"/actor?wsdl"))
	for kind, m := range everything() {
		answer := p.ask(t, "call", []byte(m.Op.String()), arguments(t, m))
		c := r.take(t)
		if len(answer) != 1 || c.action != m.Op.String() || !reflect.DeepEqual(c.message, m) {
			t.Errorf("%s: zeep says %q after it sent to %q\n%s", kind, answer, c.action, c.text)
		}
	}
}

func zeepSends(t *testing.T, p *peer, kind string, m wire.Message) {
	t.Helper()
	parts := arguments(t, m)
	text := string(p.ask(t, "message", []byte(m.Op.String()), parts)[0])
	if got := decode(t, text); !reflect.DeepEqual(got, m) {
		t.Errorf("%s: zeep writes\n%s\nwhich is %+v", kind, text, got)
	}
	// Nobody signed it: the fault arrives as one, and the actor hears nothing.
	answer := p.ask(t, "call", []byte(m.Op.String()), parts)
	if len(answer) != 3 || string(answer[0]) != "fault" || string(answer[1]) != "orcafault:Authorization" {
		t.Errorf("%s: our endpoint answers %q", kind, answer)
	}
}

// arguments are the parts of a message as zeep takes them.
func arguments(t *testing.T, m wire.Message) []byte {
	t.Helper()
	row, ok := wire.Lookup(m.Op)
	if !ok {
		t.Fatal(m.Op)
	}
	args := map[string]any{}
	for _, part := range row.Parts {
		switch part {
		case wire.PartMessageID:
			args["messageID"] = m.MessageID
		case wire.PartRequestID:
			args["requestID"] = m.RequestID
		case wire.PartReservation:
			args["reservation"] = reservation(m.Reservation)
		case wire.PartCallbackURL:
			args["callbackURL"] = m.CallbackURL
		case wire.PartUpdateData:
			args["updateData"] = map[string]any{"failed": m.Update.Failed}
			if m.Update.Message != "" {
				args["updateData"] = map[string]any{"failed": m.Update.Failed, "message": m.Update.Message}
			}
		case wire.PartProperties:
			args["properties"] = pairs("property", m.Properties)
		case wire.PartReservationID:
			args["reservationID"] = m.ReservationID
		case wire.PartErrorDetails:
			args["errorDetails"] = m.ErrorDetails
		case wire.PartRequestType:
			args["requestType"] = m.RequestType
		}
	}
	octets, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	return octets
}

func reservation(r wire.Reservation) map[string]any {
	data := map[string]any{}
	for name, list := range map[string][]wire.Property{
		"requestProperties": r.Resources.Request, "configurationProperties": r.Resources.Configuration, "resourceProperties": r.Resources.Resource,
	} {
		if list != nil {
			data[name] = pairs("property", list)
		}
	}
	set := map[string]any{"units": r.Resources.Units, "type": r.Resources.Type, "resourceData": data}
	if r.Resources.Concrete != nil {
		set["concrete"] = pairs("plistNode", r.Resources.Concrete)
	}
	return map[string]any{
		"reservationID": r.ID, "sequence": r.Sequence, "resourceSet": set,
		"slice": map[string]any{"sliceName": r.Slice.Name, "guid": r.Slice.GUID},
		"term": map[string]any{
			"startTime": r.Term.StartTime, "endTime": r.Term.EndTime, "ticketTime": r.Term.TicketTime, "newStartTime": r.Term.NewStartTime,
		},
	}
}

func pairs(entry string, list []wire.Property) map[string]any {
	out := []any{}
	for _, p := range list {
		out = append(out, map[string]any{"name": p.Name, "value": p.Value})
	}
	return map[string]any{entry: out}
}

// TestZeepSignatures: both directions through zeep and python-xmlsec.
func TestZeepSignatures(t *testing.T) {
	t.Parallel()
	p := use(t, startZeep)
	ids := signers(t, nil)
	x := newXMLSec(t, ids) // for the files
	eachMessage(t, ids, func(t *testing.T, id identity, s suite, e envelope, size int) {
		key, cert := []byte(filepath.Join(x.dir, id.name+".key")), []byte(filepath.Join(x.dir, id.name+".crt"))
		text := seal(t, e, id, s)
		p.ask(t, "verify", key, cert, []byte(text))
		if _, err := p.try("verify", key, cert, []byte(tamper(t, text))); !refused(err) {
			t.Errorf("zeep takes a changed body: %v", err)
		}
		text = string(p.ask(t, "sign", []byte(s.name), key, cert, []byte(e.String()))[0])
		if names, err := open(t, text, &id.key.PublicKey); err != nil || !slices.Equal(names, []string{"Body"}) {
			t.Errorf("what zeep signed: %q %v\n%s", names, err, text)
		}
		if got, want := decode(t, text), message(size); !reflect.DeepEqual(got, want) {
			t.Errorf("another message\n%+v", got)
		}
		if _, err := open(t, tamper(t, text), &id.key.PublicKey); !errors.Is(err, dsig.ErrDigest) {
			t.Errorf("changed body: %v", err)
		}
	})
}
