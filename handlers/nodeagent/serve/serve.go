/*
Package serve is the door of a node agent: HTTP with the legacy service's SOAP and its
rendering in XML-RPC (nodeagent 1 and 5).

	POST /xmlrpc       XML-RPC: each call signed, dated and addressed, each answer signed
	POST anything else SOAP 1.1 or 1.2: a signed Body, which nothing dates; answered in the same

A request that is signed by nobody known, and one that was seen before, changes nothing; who sent
it learns that it was refused, and the log why. Calls of XML-RPC are remembered for as long as
their date counts. A request in SOAP is remembered on disk, for as long as the configuration
says, since nothing in it expires.
*/
package serve

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/leasehold/leasehold/handlers/nodeagent"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wire/xmlrpc/server"
	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec"

	wire "github.com/leasehold/leasehold/wire/nodeagent"
)

// Limits of a request: a package in base64, and what is around it.
const maxBody = 24 << 20

// Config is what a door needs. Agent and Dir are required.
type Config struct {
	Agent  *nodeagent.Agent
	Dir    string           // where requests in SOAP are remembered
	Memory time.Duration    // for how long; 0 means 30 days
	Skew   time.Duration    // by how much clocks may differ; 0 means 5 minutes
	Now    func() time.Time // nil means the real one
	Log    func(format string, args ...any)
}

// Server is the door; make one with New.
type Server struct {
	cfg    Config
	began  time.Time
	replay *wssec.Replay
	once   *wssec.Once
	rpc    *server.Server

	mu   sync.Mutex
	seen *os.File

	busy sync.RWMutex // read by each request until it is answered
}

// New makes a door, with what it remembers of requests.
func New(cfg Config) (*Server, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = func(string, ...any) {}
	}
	if cfg.Memory == 0 {
		cfg.Memory = 30 * 24 * time.Hour
	}
	if cfg.Skew == 0 {
		cfg.Skew = 5 * time.Minute
	}
	s := &Server{cfg: cfg, began: cfg.Now(), replay: wssec.NewReplay(100_000, wssec.MaxLifetime+2*cfg.Skew), once: wssec.NewOnce(100_000, cfg.Memory)}
	if err := s.remember(); err != nil {
		return nil, err
	}
	var methods []server.Method
	for _, op := range wire.Ops {
		methods = append(methods, server.Method{Name: wire.Prefix + string(op), Help: help[op], Signatures: [][]xmlrpc.Kind{wire.Signature(op)},
			Do: func(ctx context.Context, c server.Call) (xmlrpc.Value, error) { return s.call(ctx, op, c) }})
	}
	var err error
	s.rpc, err = server.New(server.Config{Methods: methods, Limits: xmlrpc.Limits{Bytes: maxBody, Text: maxBody},
		Failed:  func(c server.Call, err error) { cfg.Log("%s: %v", c.Method, err) },
		Refused: func(r *http.Request, err error) { cfg.Log("%s: %v", r.RemoteAddr, err) }})
	return s, err
}

var help = map[wire.Op]string{
	wire.ExecuteScript: "Runs a program with arguments.", wire.ExecuteDriver: "Runs an action of a driver.",
	wire.ExecuteObjectDriver: "Runs an action of a driver on one of its objects.", wire.InstallDriver: "Installs a driver package.",
	wire.UpgradeDriver: "Installs another version of a driver.", wire.UninstallDriver: "Removes a driver.",
	wire.RollbackDriver: "Goes back to the version of a driver before.", wire.Run: "Runs a program with arguments and input as they are.",
	wire.TestFunc: "Adds 10.", wire.RegisterKey: "Lets another key speak.", wire.UnregisterKey: "Lets a key speak no more.",
	wire.RegisterAuthorityKey: "Lets the first key speak, once.", wire.GetServiceKey: "Gives the agent's certificate.",
}

// remember reads what requests were seen before a restart, and keeps the file of them.
func (s *Server) remember() error {
	path := filepath.Join(s.cfg.Dir, "seen")
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("serve: %w", err)
	}
	memory := wssec.Memory{Once: s.once, Requests: new(wssec.Strength), Answers: new(wssec.Strength)}
	if _, err := memory.Restore(data, s.cfg.Now()); err != nil {
		return fmt.Errorf("serve: %s: %w", path, err)
	}
	// Written anew, without what counts no more.
	tmp := path + ".new"
	if err := os.WriteFile(tmp, memory.Records(), 0o600); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	s.seen, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600)
	return err
}

// Close waits for the requests that are being answered, and ends what the door keeps
// open. Those whose connections are closed before end soon.
func (s *Server) Close() error {
	s.busy.Lock()
	defer s.busy.Unlock()
	return s.seen.Close()
}

// first remembers a request durably before anything is done, and refuses one that was
// seen.
func (s *Server) first(sender, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	record, err := s.once.First(sender, key, s.cfg.Now())
	if err != nil {
		return err
	}
	if _, err = s.seen.Write(record); err == nil {
		err = s.seen.Sync()
	}
	if err != nil {
		s.once.Forget(sender, key)
	}
	return err
}

// sender names a key in the form that records have room for: that of a UUID.
func sender(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.busy.RLock()
	defer s.busy.RUnlock()
	if r.URL.Path == "/xmlrpc" || r.URL.Path == "/RPC2" {
		s.rpc.ServeHTTP(w, r)
		return
	}
	if r.Method != http.MethodPost {
		http.Error(w, "a node agent takes POST", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the request is too long", http.StatusRequestEntityTooLarge)
		return
	}
	out, version, err := s.soap(r.Context(), body, r.Header.Get("Content-Type"), r.Header.Get("SOAPAction"))
	w.Header().Set("Content-Type", version.ContentType())
	if err != nil {
		s.cfg.Log("%s: %v", r.RemoteAddr, err)
		var status int
		out, status = fault(version, err)
		w.WriteHeader(status)
	}
	_, _ = w.Write(out)
}

// client says that a request is the sender's mistake, in words that the sender may know.
type client struct{ error }

// fault is an answer to what was not carried out, and its HTTP status.
func fault(v soap.Version, err error) (envelope []byte, status int) {
	var c client
	switch {
	case errors.Is(err, wssec.ErrRefused):
		return v.Fault(nil, true, wssec.ErrRefused.Error())
	case errors.As(err, &c):
		return v.Fault(nil, true, c.Error())
	}
	return v.Fault(nil, false, "the agent could not do it")
}

var limits = xmltree.Limits{Bytes: maxBody, Text: maxBody, Elements: 100_000}

// soap carries out one request in SOAP, and gives the envelope of the answer. The version
// is that of the request, for faults too.
func (s *Server) soap(ctx context.Context, body []byte, contentType, action string) ([]byte, soap.Version, error) {
	envelope, version, param, err := soap.UnpackEither(contentType, body)
	if err != nil {
		return nil, version, client{err}
	}
	if version == soap.V12 {
		action = param
	}
	out, err := s.envelope(ctx, envelope, version, action)
	return out, version, err
}

// envelope carries out what one envelope asks.
func (s *Server) envelope(ctx context.Context, envelope []byte, version soap.Version, action string) ([]byte, error) {
	doc, err := xmltree.Parse(envelope, limits)
	if err != nil {
		return nil, client{err}
	}
	_, payload, err := version.Decode(doc)
	if err != nil {
		return nil, client{err}
	}
	r, err := wire.DecodeRequest(payload, action)
	if err != nil {
		return nil, client{err}
	}
	var key *nodeagent.Key
	var confirm []byte
	if r.Op.Signed() {
		// What is carried out is read again, out of what was signed.
		v, cert, err := wssec.OpenBare(doc, s.cfg.Now(), func(c *x509.Certificate) bool { return s.cfg.Agent.Known(c) != nil }, nil)
		if err != nil {
			return nil, err
		}
		if key = s.cfg.Agent.Known(cert); key == nil {
			return nil, wssec.ErrRefused
		}
		confirm = v.SignatureValue()
		if r, err = wire.DecodeRequest(v.Body(), action); err != nil {
			return nil, client{err}
		}
		// Remembered whatever the operation is called, for the name is not signed: a package
		// that was installed cannot be sent again as an upgrade.
		if err := s.first(sender(cert), v.ReplayKey()); err != nil {
			return nil, fmt.Errorf("%w: %w", wssec.ErrRefused, err)
		}
	}
	out, err := wire.EncodeResponse(s.cfg.Agent.Do(ctx, key, r))
	if err != nil {
		return nil, err
	}
	if !r.Op.Signed() {
		return version.Envelope(nil, nil, out), nil
	}
	id := s.cfg.Agent.Identity()
	seal := wssec.Seal{Signer: id.Key, Cert: id.Cert, MessageID: rand.Text(), Profile: wssec.Legacy}
	if version == soap.V12 {
		return seal.Bare12(out, confirm)
	}
	return seal.Bare(out, confirm)
}

// keyring lets every registered key speak for whoever it says it is: the key is what has
// rights, and its alias is its name here.
type keyring struct{ agent *nodeagent.Agent }

// Pins are the keys that may speak, tied to the identity that the sender claims.
func (k keyring) Pins(guid string) (out []wssec.Pin) {
	for _, key := range k.agent.Keys() {
		out = append(out, wssec.Pin{GUID: guid, Key: key.Cert.PublicKey})
	}
	return out
}

// call carries out one call of XML-RPC.
func (s *Server) call(ctx context.Context, op wire.Op, c server.Call) (xmlrpc.Value, error) {
	params := c.Params
	var key *nodeagent.Key
	var v wssec.Verified
	method := wire.Prefix + string(op)
	if op.Signed() {
		auth := params[0]
		params = params[1:]
		named, err := wire.Named(op, params)
		if err != nil {
			return xmlrpc.Value{}, &xmlrpc.Fault{Code: xmlrpc.WrongParams, Text: err.Error()}
		}
		policy := wssec.Strict.Policy()
		policy.Protocol = wssec.XMLRPC
		v, err = wssec.OpenCall(method, auth, named, wssec.Opening{Trust: keyring{s.cfg.Agent}, Self: s.cfg.Agent.Identity().GUID, Now: s.cfg.Now(),
			NotBefore: s.began, Skew: s.cfg.Skew, Policy: func(string) wssec.Policy { return policy }})
		if err == nil && s.replay.Seen(v.ReplayKey(), v.Created()) {
			err = fmt.Errorf("%w: %w", wssec.ErrRefused, wssec.ErrRepeated)
		}
		if err != nil {
			s.cfg.Log("%s from %s: %v", method, c.Request.RemoteAddr, err)
			return xmlrpc.Value{}, &xmlrpc.Fault{Code: refusedCode, Text: wssec.ErrRefused.Error()}
		}
		if key = s.cfg.Agent.Holder(v.Key()); key == nil {
			return xmlrpc.Value{}, &xmlrpc.Fault{Code: refusedCode, Text: wssec.ErrRefused.Error()}
		}
	}
	r, err := wire.FromParams(op, params)
	if err != nil {
		return xmlrpc.Value{}, &xmlrpc.Fault{Code: xmlrpc.WrongParams, Text: err.Error()}
	}
	out := wire.Value(s.cfg.Agent.Do(ctx, key, r))
	if out.Kind() != xmlrpc.KindStruct || !op.Signed() {
		return out, nil
	}
	id := s.cfg.Agent.Identity()
	return wssec.Seal{Signer: id.Key, Cert: id.Cert, GUID: id.GUID, Name: id.Name, To: v.GUID(), Created: s.cfg.Now(),
		Profile: wssec.Strict}.Result(method, out, v.SignatureValue())
}

// refusedCode is the fault of a call that is not signed by anybody known.
const refusedCode = 403
