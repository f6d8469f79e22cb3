package manage

import (
	"encoding/json"
	"errors"
	"net/http"
)

// problem is how an error crosses the socket (RFC 9457).
type problem struct {
	Title       string       `json:"title"`                 // the kind of failure
	Status      int          `json:"status"`                // of HTTP
	Detail      string       `json:"detail"`                // the whole story
	Code        string       `json:"code"`                  // as in outcomes; programs decide by it
	What        string       `json:"what,omitempty"`        // with candidates: "reservation", "actor"
	Given       string       `json:"given,omitempty"`       // with candidates: the ambiguous name
	Candidates  []string     `json:"candidates,omitempty"`  // what it may mean
	Reservation *Reservation `json:"reservation,omitempty"` // where it stands, if the answer shows that too
}

// problemOf describes err.
func problemOf(err error) problem {
	p := problem{Title: "internal error", Status: http.StatusInternalServerError, Code: "internal", Detail: err.Error()}
	for _, o := range outcomes {
		if errors.Is(err, o.is) {
			p.Title, p.Status, p.Code = o.is.Error(), o.status, o.code
			break
		}
	}
	var several *AmbiguousError
	if errors.As(err, &several) {
		p.What, p.Given, p.Candidates = several.What, several.Given, several.Candidates
	}
	return p
}

// refuse answers with the problem.
func refuse(w http.ResponseWriter, p problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // a peer that has gone needs no answer
}

// remoteError is a problem at the end that receives it. It is what the original
// error was, as far as errors.Is and errors.As can tell.
type remoteError struct{ problem }

// Error is the whole story as the other end told it.
func (e *remoteError) Error() string { return e.Detail }

// Unwrap gives the sentinel and the candidates.
func (e *remoteError) Unwrap() (causes []error) {
	for _, o := range outcomes {
		if o.code == e.Code {
			causes = append(causes, o.is)
			break
		}
	}
	if len(e.Candidates) > 0 {
		causes = append(causes, &AmbiguousError{What: e.What, Given: e.Given, Candidates: e.Candidates})
	}
	return causes
}
