package endpoint

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmlrpc/leasing"
)

// Services serves several actors, each under its own name. Names are compared
// exactly (wire contract 1.1).
type Services struct{ byName map[string]*Endpoint }

// NewServices puts endpoints together. It is to be mounted at [Root] and
// [leasing.Root].
func NewServices(endpoints ...*Endpoint) (*Services, error) {
	s := &Services{byName: make(map[string]*Endpoint, len(endpoints))}
	for _, e := range endpoints {
		name := e.cfg.Location.Name
		if s.byName[name] != nil {
			return nil, fmt.Errorf("endpoint: two actors are named %q", name)
		}
		s.byName[name] = e
	}
	return s, nil
}

// ServeHTTP hands a request to the actor its path names. A name that nobody has
// gets a fault and is not logged: there is no actor whose log it would concern.
func (s *Services) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest, under := strings.CutPrefix(r.URL.Path, Root)
	if !under {
		rest, under = strings.CutPrefix(r.URL.Path, leasing.Root)
	}
	name, _, _ := strings.Cut(rest, "/")
	if e := s.byName[name]; under && e != nil {
		e.ServeHTTP(w, r)
		return
	}
	send(w, http.StatusNotFound, soap.PlainType, soap.EncodeFault(nil, translate.Fault(actors.NotFound)))
}
