package manage

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors/check"
)

// Limits of one request on the socket.
const (
	maxBody   = 1 << 20          // octets of a body
	maxHeader = 32 << 10         // octets of address and header
	maxActive = 512              // requests at the same time, watchers among them
	bodyTime  = 30 * time.Second // for a body to arrive
)

// decode reads a body into out, a pointer to a struct. What it does not know it
// refuses, with the field that may have been meant.
func decode(r io.Reader, out any) error {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(out); err != nil {
		return explain(err, out)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("the body goes on after its one object")
	}
	return nil
}

// explain says for people what encoding/json says for programmers.
func explain(err error, out any) error {
	var tooLong *http.MaxBytesError
	var wrong *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	field, unknown := strings.CutPrefix(err.Error(), "json: unknown field ")
	switch {
	case errors.As(err, &tooLong):
		return fmt.Errorf("the body exceeds the limit of %d octets", tooLong.Limit)
	case errors.As(err, &wrong) && wrong.Field != "":
		return fmt.Errorf("field %q must be %s, not a JSON %s", wrong.Field, kindName(wrong.Type), wrong.Value)
	case errors.As(err, &wrong):
		return fmt.Errorf("the body must be a JSON object, not a JSON %s", wrong.Value)
	case errors.As(err, &syntax):
		return fmt.Errorf("the body is not JSON: %v at octet %d", err, syntax.Offset)
	case unknown:
		field = strings.Trim(field, `"`)
		return fmt.Errorf("field %q is not known here%s", field, check.Perhaps(field, fields(reflect.TypeOf(out))))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the body ends too early")
	}
	return err
}

// kindName is what a field wants, for people.
func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Slice:
		return "a list"
	}
	return "an object"
}

// fields are the JSON names of a struct's fields, those of embedded ones included.
func fields(t reflect.Type) (names []string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			names = append(names, fields(f.Type)...)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// query reads the parameters of an address, of which only those named are known.
// All but state may be given once.
func query(r *http.Request, known ...string) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("the address has a bad query: %v", err)
	}
	for name, values := range q {
		switch {
		case !slices.Contains(known, name):
			return nil, fmt.Errorf("parameter %q is not known here%s", name, check.Perhaps(name, known))
		case len(values) > 1 && name != "state":
			return nil, fmt.Errorf("parameter %q is given %d times", name, len(values))
		}
	}
	return q, nil
}
