package endpoint

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
)

// refusal is an error that a request earned before anybody looked at its
// message; status is the HTTP status of the answer.
type refusal struct {
	status int
	kind   actors.Kind
	why    string
}

func (r *refusal) Error() string { return r.why }
func (r *refusal) Unwrap() error { return r.kind }

func refuse(status int, kind actors.Kind, format string, args ...any) error {
	return &refusal{status, kind, fmt.Sprintf(format, args...)}
}

// portOf is the service that an actor of a role is deployed as.
func portOf(role actors.Role) wire.PortType {
	switch role {
	case actors.RoleManager:
		return wire.ManagerPort
	case actors.RoleBroker:
		return wire.BrokerPort
	case actors.RoleAuthority:
		return wire.AuthorityPort
	}
	return 0
}

// admit looks at everything but the body and says which operation is asked for.
func (e *Endpoint) admit(r *http.Request) (wire.Operation, error) {
	none := wire.Operation{}
	inPath, ok := e.path(r.URL.Path)
	switch {
	case !ok:
		return none, refuse(http.StatusNotFound, actors.NotFound, "no service at %q", wire.Clip(r.URL.Path))
	case r.Method != http.MethodPost:
		return none, refuse(http.StatusMethodNotAllowed, actors.Invalid, "method %q", wire.Clip(r.Method))
	case r.URL.RawQuery != "":
		return none, refuse(http.StatusBadRequest, actors.Invalid, "query in the URL")
	case len(r.Header.Values("Content-Encoding")) > 0:
		return none, refuse(http.StatusUnsupportedMediaType, actors.Invalid, "content encoding %q", wire.Clip(r.Header.Get("Content-Encoding")))
	case r.ContentLength > e.cfg.Body:
		return none, tooLong(e.cfg.Body)
	}
	if _, err := contentType(r.Header); err != nil {
		return none, err
	}
	name, err := soapAction(r.Header)
	if err != nil {
		return none, err
	}
	if inPath != "" && inPath != name {
		return none, refuse(http.StatusInternalServerError, actors.Invalid, "path says %q, SOAPAction %q", wire.Clip(inPath), wire.Clip(name))
	}
	op, known := wire.LookupName(name)
	if !known || op.Offered&portOf(e.cfg.Role) == 0 {
		return none, refuse(http.StatusInternalServerError, actors.Invalid, "operation %q is not offered", wire.Clip(name))
	}
	return op, nil
}

// path takes <root><name>, <root><name>/ and <root><name>/<operation>, and gives
// the operation.
func (e *Endpoint) path(p string) (op string, ok bool) {
	name, op, _ := strings.Cut(strings.TrimPrefix(p, Root), "/")
	return strings.TrimSuffix(op, "/"), strings.HasPrefix(p, Root) && name == e.cfg.Location.Name
}

// contentType is the one Content-Type. What is taken is package soap's to say,
// once there is a body.
func contentType(h http.Header) (string, error) {
	values := h.Values("Content-Type")
	if len(values) != 1 {
		return "", refuse(http.StatusUnsupportedMediaType, actors.Invalid, "%d content types", len(values))
	}
	return values[0], nil
}

// unpack takes the envelope out of a body.
func unpack(r *http.Request, body []byte) ([]byte, error) {
	kind, err := contentType(r.Header)
	if err != nil {
		return nil, err
	}
	data, _, err := soap.Unpack(kind, body)
	if err != nil {
		return nil, refuse(http.StatusUnsupportedMediaType, actors.Invalid, "%v", err)
	}
	return data, nil
}

// soapAction is the one SOAPAction, with or without its quotes (wssec A30).
func soapAction(h http.Header) (string, error) {
	values := h.Values("SOAPAction")
	if len(values) != 1 {
		return "", refuse(http.StatusInternalServerError, actors.Invalid, "%d SOAPAction headers", len(values))
	}
	s := values[0]
	if n := len(s); n >= 2 && s[0] == '"' && s[n-1] == '"' {
		s = s[1 : n-1]
	}
	return s, nil
}

// read takes the body, bounded.
func (e *Endpoint) read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, e.cfg.Body))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return nil, tooLong(e.cfg.Body)
	case err != nil:
		return nil, refuse(http.StatusBadRequest, actors.Invalid, "read the request: %v", err)
	}
	return data, nil
}

func tooLong(limit int64) error {
	return refuse(http.StatusRequestEntityTooLarge, actors.Invalid, "the request is over the limit of %d octets", limit)
}
