package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/xmlrpc"
)

// Config is what a Server needs.
type Config struct {
	Methods []Method
	Limits  xmlrpc.Limits // of a request; zero means their defaults
	Dialect xmlrpc.Dialect
	Budget  *Budget // of bodies held at once; nil means 64 MiB of its own
	// Failed hears of errors that clients are not told: mistakes on this side. nil means
	// nobody.
	Failed func(Call, error)
	// Refused hears what was wrong with a request that reached no method. nil means
	// nobody.
	Refused func(*http.Request, error)
}

// Server is an http.Handler; make one with New.
type Server struct {
	cfg     Config
	most    int64
	methods map[string]*Method
}

// New makes a Server. Two methods of one name are an error.
func New(cfg Config) (*Server, error) {
	s := &Server{cfg: cfg, most: int64(cfg.Limits.Complete().Bytes), methods: make(map[string]*Method)}
	if s.cfg.Budget == nil {
		s.cfg.Budget = NewBudget(64 << 20)
	}
	if s.cfg.Failed == nil {
		s.cfg.Failed = func(Call, error) {}
	}
	if s.cfg.Refused == nil {
		s.cfg.Refused = func(*http.Request, error) {}
	}
	for _, m := range append(s.system(), cfg.Methods...) {
		if !xmlrpc.ValidMethod(m.Name) || s.methods[m.Name] != nil {
			return nil, fmt.Errorf("xmlrpc: method %q is no name, or there are two of it", m.Name)
		}
		s.methods[m.Name] = &m
	}
	s.methods["system.multicall"].Do = s.multicall
	return s, nil
}

func noMethod(name string) *xmlrpc.Fault {
	return &xmlrpc.Fault{Code: xmlrpc.NoSuchMethod, Text: "no method " + wire.Clip(name)}
}

// call carries a call out.
func (s *Server) call(ctx context.Context, c Call) (xmlrpc.Value, error) {
	m := s.methods[c.Method]
	if m != nil && m.fits(c.Params) {
		return m.Do(ctx, c)
	}
	fault := noMethod(c.Method)
	if m != nil {
		fault = &xmlrpc.Fault{Code: xmlrpc.WrongParams, Text: "wrong parameters for " + c.Method + "; see system.methodSignature"}
	}
	s.cfg.Refused(c.Request, fault)
	return xmlrpc.Value{}, fault
}

// status is an error that a request earned before anybody looked for a call in it.
type status struct {
	code int
	what string
}

func (e *status) Error() string { return e.what }

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, done, err := s.body(w, r)
	defer done()
	var wrong *status
	if errors.As(err, &wrong) {
		s.cfg.Refused(r, err)
		if wrong.code == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", http.MethodPost)
		}
		http.Error(w, wrong.what, wrong.code)
		return
	}
	var c Call
	if err == nil {
		c.Request, c.Octets = r, len(body)
		c.Call, err = xmlrpc.ParseCall(body, s.cfg.Limits)
	}
	if err != nil {
		s.cfg.Refused(r, err)
		s.answer(w, r, xmlrpc.AppendFault(nil, s.public(c, err), s.cfg.Dialect))
		return
	}
	v, err := s.call(r.Context(), c)
	var doc []byte
	if err == nil {
		doc, err = s.written(c, v)
	}
	if err != nil {
		doc = xmlrpc.AppendFault(nil, s.public(c, err), s.cfg.Dialect)
	}
	s.answer(w, r, doc)
}

// body takes the octets of a call. done is never nil.
func (s *Server) body(w http.ResponseWriter, r *http.Request) (body []byte, done func(), err error) {
	done = func() {}
	switch {
	case r.Method != http.MethodPost:
		return nil, done, &status{http.StatusMethodNotAllowed, "XML-RPC is posted"}
	case !known(r.Header.Values("Content-Encoding")):
		return nil, done, &status{http.StatusUnsupportedMediaType, "no other content encoding than gzip is read here"}
	case r.ContentLength > s.most:
		return nil, done, s.tooLong()
	}
	body, done, err = s.cfg.Budget.Read(http.MaxBytesReader(w, r.Body, s.most), s.most)
	switch {
	case err == nil:
		return body, done, nil
	case errors.Is(err, ErrNoRoom):
		w.Header().Set("Retry-After", "5")
		return nil, done, &status{http.StatusServiceUnavailable, err.Error()}
	case errors.Is(err, ErrTooLong), errors.As(err, new(*http.MaxBytesError)):
		return nil, done, s.tooLong()
	}
	return nil, done, &status{http.StatusBadRequest, "the request was cut short"}
}

func (s *Server) tooLong() error {
	return &xmlrpc.Error{Code: xmlrpc.NotACall, Offset: -1, What: fmt.Sprintf("more octets than the limit of %d", s.most)}
}

// known reports whether a body is in an encoding that is read here. Whether it really
// is zipped its octets say.
func known(encodings []string) bool {
	for _, e := range encodings {
		switch strings.ToLower(strings.TrimSpace(e)) {
		case "", "identity", "gzip", "x-gzip":
		default:
			return false
		}
	}
	return true
}

// zipFrom is the length from which an answer is worth zipping.
const zipFrom = 2 << 10

// answer sends a document, zipped if the client asks for that.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, doc []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/xml; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if len(doc) >= zipFrom && takesGzip(r.Header.Values("Accept-Encoding")) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(doc) // a buffer takes everything
		z.Close()
		doc = b.Bytes()
		h.Set("Content-Encoding", "gzip")
		h.Set("Vary", "Accept-Encoding")
	}
	h.Set("Content-Length", strconv.Itoa(len(doc)))
	w.Write(doc) // whoever does not hear the answer asks again
}

func takesGzip(accepted []string) bool {
	for _, line := range accepted {
		for one := range strings.SplitSeq(line, ",") {
			word, weight, _ := strings.Cut(one, ";")
			if strings.EqualFold(strings.TrimSpace(word), "gzip") && strings.ReplaceAll(weight, " ", "") != "q=0" {
				return true
			}
		}
	}
	return false
}
