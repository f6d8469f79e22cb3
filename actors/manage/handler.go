package manage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/leasehold/leasehold/actors"
)

// listing is the answer of GET /v1/reservations.
type listing struct {
	Reservations []Reservation `json:"reservations"`
	// Incomplete says whose reservations are missing and why.
	Incomplete string `json:"incomplete,omitempty"`
}

// roster is the answer of GET /v1/actors.
type roster struct {
	Actors []ActorInfo `json:"actors"`
}

// Handler offers s as JSON over HTTP:
//
//	GET  /v1/actors
//	GET  /v1/clocks                                   of peers
//	GET  /v1/clock                                    the actors' own
//	POST /v1/clock/tick                               {"cycles"}
//	GET  /v1/reservations?actor=&slice=&state=        state may be repeated
//	GET  /v1/reservations/{id}?actor=
//	GET  /v1/reservations/{id}/wait?actor=&state=&settled=&timeout=
//	POST /v1/reservations                             an Order
//	POST /v1/groups                                   a Group
//	POST /v1/plans                                    a Group, of which nothing is carried out
//	GET  /v1/calendars?actor=&from=&to=
//	POST /v1/reservations/{id}/approve?actor=         {"grant", "note"}
//	POST /v1/reservations/{id}/extend?actor=          {"end", "length", "units", "victims"}
//	POST /v1/reservations/{id}/modify?actor=          {"number", "subcommand", "arguments"}
//	POST /v1/reservations/{id}/close?actor=           {}
//	GET  /v1/delegations?actor=
//	POST /v1/delegations                              an Export
//	POST /v1/claims                                   a Claim
//	GET  /v1/conflicts?actor=
//	GET  /v1/conflicts/{id}?actor=
//	GET  /v1/hosts?actor=
//	POST /v1/hosts                                    a Duty
//	GET  /v1/paces?actor=
//	GET  /v1/aside?actor=
//	POST /v1/aside/restore                            {"actor", "key", "data"}
//	POST /v1/aside/drop                               {"actor", "key"}
//	GET  /v1/watch?actor=&slice=&state=               one Change a line, without end
//
// Refusals are application/problem+json. Unknown parameters and fields are refused,
// with the nearest that is known. It is for a socket that only operators can
// reach (see Serve): it asks nobody who he is.
func Handler(s Service) http.Handler {
	h := &handler{service: s, active: make(chan struct{}, maxActive)}
	mux := http.NewServeMux()
	for pattern, serve := range map[string]func(*http.Request) (any, error){
		"GET /v1/actors":                     h.actors,
		"GET /v1/clocks":                     h.clocks,
		"GET /v1/clock":                      h.clock,
		"POST /v1/clock/tick":                h.tick,
		"GET /v1/reservations":               h.list,
		"GET /v1/delegations":                h.delegations,
		"POST /v1/delegations":               h.export,
		"POST /v1/claims":                    h.claim,
		"GET /v1/conflicts":                  h.conflicts,
		"GET /v1/conflicts/{id}":             h.conflict,
		"GET /v1/hosts":                      h.places,
		"POST /v1/hosts":                     h.duty,
		"GET /v1/paces":                      h.paces,
		"GET /v1/aside":                      h.asides,
		"POST /v1/aside/restore":             h.restore,
		"POST /v1/aside/drop":                h.drop,
		"GET /v1/reservations/{id}":          h.show,
		"GET /v1/reservations/{id}/wait":     h.wait,
		"POST /v1/reservations":              h.request,
		"POST /v1/groups":                    h.requestGroup,
		"POST /v1/plans":                     h.plan,
		"GET /v1/calendars":                  h.calendars,
		"POST /v1/reservations/{id}/approve": h.approve,
		"POST /v1/reservations/{id}/extend":  h.extend,
		"POST /v1/reservations/{id}/modify":  h.modify,
		"POST /v1/reservations/{id}/close":   h.close,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			answer, err := serve(r)
			var beside kept
			switch {
			case errors.As(err, &beside):
				p := problemOf(beside.error)
				p.Reservation = &beside.reservation
				refuse(w, p)
			case err != nil:
				refuse(w, problemOf(err))
			default:
				w.Header().Set("Content-Type", "application/json")
				_ = json.NewEncoder(w).Encode(answer) // a peer that has gone needs no answer
			}
		})
	}
	mux.HandleFunc("GET /v1/watch", h.watch)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, problemOf(&actors.Error{Op: "manage", Kind: actors.NotFound,
			Err: fmt.Errorf("there is no %s %q here", r.Method, r.URL.Path)}))
	})
	return h.bounded(mux)
}

type handler struct {
	service Service
	active  chan struct{}
}

// kept is an error beside which the answer shows a reservation.
type kept struct {
	error
	reservation Reservation
}

// bounded limits how much happens at the same time and how much is read.
func (h *handler) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case h.active <- struct{}{}:
			defer func() { <-h.active }()
		default:
			refuse(w, problemOf(&actors.Error{Op: "manage", Kind: actors.Transient,
				Err: fmt.Errorf("the limit of %d requests at the same time is reached", maxActive)}))
			return
		}
		if r.Method != http.MethodGet {
			// The deadline is for the body only; left in place it would end the request.
			// Where there is no connection, in tests, there is none to set.
			conn := http.NewResponseController(w)
			_ = conn.SetReadDeadline(time.Now().Add(bodyTime))
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
			_ = conn.SetReadDeadline(time.Time{})
			if err != nil {
				refuse(w, problemOf(invalid("manage", explain(err, nil).Error())))
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		next.ServeHTTP(w, r)
	})
}

func (h *handler) actors(r *http.Request) (any, error) {
	if _, err := query(r); err != nil {
		return nil, invalid("manage.actors", err.Error())
	}
	all, err := h.service.Actors(r.Context())
	return roster{all}, err
}

func (h *handler) list(r *http.Request) (any, error) {
	q, err := query(r, "actor", "slice", "state")
	if err != nil {
		return nil, invalid("manage.list", err.Error())
	}
	all, err := h.service.List(r.Context(), Filter{q.Get("actor"), q.Get("slice"), q["state"]})
	if errors.Is(err, ErrPartial) {
		return listing{all, err.Error()}, nil
	}
	return listing{Reservations: all}, err
}

func (h *handler) show(r *http.Request) (any, error) {
	const op = "manage.show"
	if _, err := query(r, "actor"); err != nil {
		return nil, invalid(op, err.Error())
	}
	return h.service.Show(r.Context(), ref(r))
}

func (h *handler) close(r *http.Request) (any, error) {
	if err := read(r, "manage.close", &struct{}{}, "actor"); err != nil {
		return nil, err
	}
	return h.service.Close(r.Context(), ref(r))
}

// ref is the reservation that the address names.
func ref(r *http.Request) Ref { return Ref{r.URL.Query().Get("actor"), r.PathValue("id")} }

func (h *handler) wait(r *http.Request) (any, error) {
	const op = "manage.wait"
	q, err := query(r, "actor", "state", "settled", "timeout")
	if err != nil {
		return nil, invalid(op, err.Error())
	}
	var timeout time.Duration
	if text := q.Get("timeout"); text != "" {
		if timeout, err = ParseLength(text); err != nil {
			return nil, invalid(op, "timeout: "+err.Error())
		}
	}
	settled := q.Get("settled")
	if settled != "" && settled != "true" && settled != "false" {
		return nil, invalid(op, fmt.Sprintf("settled is %q, not true or false", settled))
	}
	res, err := h.service.Wait(r.Context(), Goal{ref(r), q["state"], settled == "true", timeout})
	if err != nil && res.Reservation != "" {
		return nil, kept{err, res}
	}
	return res, err
}

func (h *handler) request(r *http.Request) (any, error) {
	const op = "manage.request"
	var o Order
	if err := read(r, op, &o); err != nil {
		return nil, err
	}
	return h.service.Request(r.Context(), o)
}

func (h *handler) requestGroup(r *http.Request) (any, error) {
	var g Group
	if err := read(r, "manage.requestGroup", &g); err != nil {
		return nil, err
	}
	all, err := h.service.RequestGroup(r.Context(), g)
	return listing{Reservations: all}, err
}

func (h *handler) plan(r *http.Request) (any, error) {
	var g Group
	if err := read(r, "manage.plan", &g); err != nil {
		return nil, err
	}
	all, err := h.service.Plan(r.Context(), g)
	return forecasts{all}, err
}

func (h *handler) calendars(r *http.Request) (any, error) {
	q, err := query(r, "actor", "from", "to")
	if err != nil {
		return nil, invalid("manage.calendars", err.Error())
	}
	all, err := h.service.Calendars(r.Context(), Window{q.Get("actor"), q.Get("from"), q.Get("to")})
	return calendars{all}, err
}

func (h *handler) approve(r *http.Request) (any, error) {
	var body struct {
		Grant bool   `json:"grant"`
		Note  string `json:"note"`
	}
	if err := read(r, "manage.approve", &body, "actor"); err != nil {
		return nil, err
	}
	return h.service.Approve(r.Context(), Word{ref(r), body.Grant, body.Note})
}

func (h *handler) extend(r *http.Request) (any, error) {
	const op = "manage.extend"
	var body struct {
		End     string   `json:"end"`
		Length  string   `json:"length"`
		Units   int      `json:"units"`
		Victims []string `json:"victims"`
	}
	if err := read(r, op, &body, "actor"); err != nil {
		return nil, err
	}
	return h.service.Extend(r.Context(), Extension{ref(r), body.End, body.Length, body.Units, body.Victims})
}

func (h *handler) modify(r *http.Request) (any, error) {
	var body struct {
		Number     int               `json:"number"`
		Subcommand string            `json:"subcommand"`
		Arguments  map[string]string `json:"arguments"`
	}
	if err := read(r, "manage.modify", &body, "actor"); err != nil {
		return nil, err
	}
	return h.service.Modify(r.Context(), Modification{ref(r), body.Number, body.Subcommand, body.Arguments})
}

// read takes in the body of a request whose address may have the parameters named.
func read(r *http.Request, op string, out any, parameters ...string) error {
	if _, err := query(r, parameters...); err != nil {
		return invalid(op, err.Error())
	}
	// A page in a browser cannot send this type to another origin unasked.
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return invalid(op, "the body must be of type application/json")
	}
	if err := decode(r.Body, out); err != nil {
		return invalid(op, err.Error())
	}
	return nil
}

// watch writes changes as they come, until the reader goes.
func (h *handler) watch(w http.ResponseWriter, r *http.Request) {
	q, err := query(r, "actor", "slice", "state")
	if err != nil {
		refuse(w, problemOf(invalid("manage.watch", err.Error())))
		return
	}
	s, err := h.service.Watch(r.Context(), Filter{q.Get("actor"), q.Get("slice"), q["state"]})
	if err != nil {
		refuse(w, problemOf(err))
		return
	}
	defer s.Close()
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	lines := json.NewEncoder(w)
	for out.Flush() == nil { // at once: the reader knows that nothing is missed from here
		change, err := s.Next(r.Context())
		if err != nil || lines.Encode(change) != nil {
			return
		}
	}
}
