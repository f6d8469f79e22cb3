package peers

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/endpoint"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/wsdl"
	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec/keys"
)

// endpointFor serves an actor of a role on loopback, as leasehold serve does. It
// knows no peers and gives the URL of the actor.
func endpointFor(t testing.TB, role actors.Role) string {
	t.Helper()
	var services *endpoint.Services
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { services.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)

	const guid = "11111111-1111-4111-8111-111111111111"
	ids := signers(t, nil)
	self := keys.Identity{GUID: guid, Name: "actor", Key: ids[1].key, Cert: ids[1].cert}
	reg, err := registry.New(guid, nil)
	if err != nil {
		t.Fatal(err)
	}
	at := server.URL + endpoint.Root + "actor"
	e, err := endpoint.New(endpoint.Config{
		Self: self, Role: role, Registry: reg, Location: actors.Location{ID: guid, Name: "actor", URL: at},
		Ask: func(context.Context, actors.Event) error {
			t.Error("the actor was asked")
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if services, err = endpoint.NewServices(e); err != nil {
		t.Fatal(err)
	}
	return at
}

// recorder is a service of ours without signatures: it decodes what it is sent,
// keeps it and answers as an actor does.
type recorder struct {
	*httptest.Server

	mu     sync.Mutex
	calls  []call
	answer func(c call) (status int, envelope []byte, err error)
}

// call is one request as it came.
type call struct {
	action, text string
	packaging    soap.Packaging
	message      wire.Message
}

func newRecorder(t testing.TB, answer func(call) (int, []byte, error)) *recorder {
	t.Helper()
	r := &recorder{answer: answer}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

// unsigned answers that the request was taken.
func unsigned(c call) (int, []byte, error) {
	body, err := soap.EncodeResponse(nil, c.message.Op)
	return http.StatusOK, soap.EncodeEnvelope(nil, nil, body), err
}

// describe serves the WSDL of the service that has all operations.
func (r *recorder) describe(w http.ResponseWriter, req *http.Request) {
	octets, err := wsdl.Types()
	if req.URL.RawQuery == "wsdl" {
		octets, err = wsdl.Definitions(wire.AuthorityPort, r.URL+"/actor", "actor?xsd="+wsdl.SchemaFile)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=UTF-8")
	w.Write(octets)
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method == http.MethodGet {
		r.describe(w, req)
		return
	}
	c, err := receive(req)
	var status int
	var envelope []byte
	if err == nil {
		status, envelope, err = r.answer(c)
	}
	if err != nil {
		status, envelope = http.StatusInternalServerError, soap.EncodeFault(nil, wire.Fault{Code: wire.FaultInvalidRequest, String: err.Error()})
	}
	r.mu.Lock()
	r.calls = append(r.calls, c)
	r.mu.Unlock()
	w.Header().Set("Content-Type", "text/xml; charset=UTF-8")
	w.WriteHeader(status)
	w.Write(envelope)
}

// receive reads a request, plain or in the one part of a multipart body.
func receive(req *http.Request) (c call, err error) {
	c.action = strings.Trim(req.Header.Get("SOAPAction"), `"`)
	octets, err := io.ReadAll(req.Body)
	if err != nil {
		return c, err
	}
	if octets, c.packaging, err = soap.Unpack(req.Header.Get("Content-Type"), octets); err != nil {
		return c, err
	}
	c.text = string(octets)
	doc, err := xmltree.Parse(octets, xmltree.DefaultLimits())
	if err != nil {
		return c, err
	}
	_, payload, err := soap.DecodeEnvelope(doc)
	if err != nil {
		return c, err
	}
	c.message, err = soap.DecodeBody(payload)
	return c, err
}

// take is the one call since the last take.
func (r *recorder) take(t testing.TB) call {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.calls) != 1 {
		t.Fatalf("%d calls arrived", len(r.calls))
	}
	c := r.calls[0]
	r.calls = nil
	return c
}

// everything is a message of each operation that uses every element of the schema.
func everything() map[string]wire.Message {
	all := map[string]wire.Message{}
	for row := range wire.Operations() {
		full := message(1 << 10)
		m := wire.Message{Op: row.Op}
		for _, part := range row.Parts {
			switch part {
			case wire.PartMessageID:
				m.MessageID = full.MessageID
			case wire.PartRequestID:
				m.RequestID = "request & more"
			case wire.PartReservation:
				m.Reservation = full.Reservation
				m.Reservation.Resources.Configuration = nil
				*m.Reservation.Resources.List(row.List) = full.Reservation.Resources.Configuration
			case wire.PartCallbackURL:
				m.CallbackURL = full.CallbackURL
			case wire.PartUpdateData:
				m.Update = wire.Update{Failed: true, Message: "no <room>"}
			case wire.PartProperties:
				m.Properties = full.Reservation.Resources.Configuration
			case wire.PartReservationID:
				m.ReservationID = full.Reservation.ID
			case wire.PartErrorDetails:
				m.ErrorDetails = "line 1\nline 2"
			case wire.PartRequestType:
				m.RequestType = int32(wire.OpRedeem)
			}
		}
		all[row.Name] = m
		// And the least that may be sent.
		m.Update = wire.Update{}
		if m.Reservation.ID != "" {
			m.Reservation.Resources.Concrete = nil
			*m.Reservation.Resources.List(row.List) = []wire.Property{}
		}
		if m.Properties != nil {
			m.Properties = []wire.Property{}
		}
		all[row.Name+" least"] = m
	}
	return all
}
