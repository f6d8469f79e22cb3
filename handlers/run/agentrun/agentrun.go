/*
Package agentrun reaches a machine through its node agent, over XML-RPC: commands with their
arguments as they are, and the actions of driver packages that are installed there.

Each call is signed, dated and addressed to the agent; each answer has to be signed by the agent's
own key, which is pinned. An action that is named by the property action.key is asked for again
when the connection breaks, until the context ends: the agent runs it once and remembers how it
ended, over restarts too.
*/
package agentrun

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wire/xmlrpc/client"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/keys"

	wire "github.com/leasehold/leasehold/wire/nodeagent"
)

// Config says which agent to use, and as whom. Only Limit and Pause may be zero.
type Config struct {
	URL      string            // of its XML-RPC
	Agent    *x509.Certificate // the agent's own, whose key is pinned
	Identity keys.Identity     // ours, whose key the agent knows
	Limit    time.Duration     // longest a command may take; 0 means 1 hour
	Pause    time.Duration     // before an action is asked for again; 0 means 2 s
}

// Runner reaches one agent; it is safe for concurrent use.
type Runner struct {
	cfg    Config
	guid   string
	client *client.Client
}

// New checks cfg and makes a runner, which connects when it is first used.
func New(cfg Config) (*Runner, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("agentrun: %.100q is no address of a node agent", cfg.URL)
	}
	if cfg.Agent == nil || cfg.Identity.Key == nil {
		return nil, errors.New("agentrun: the agent's certificate, or our own key, is missing")
	}
	if cfg.Limit == 0 {
		cfg.Limit = time.Hour
	}
	if cfg.Pause == 0 {
		cfg.Pause = 2 * time.Second
	}
	r := &Runner{cfg: cfg, guid: cfg.Agent.Subject.CommonName}
	if !wssec.ValidGUID(r.guid) {
		return nil, fmt.Errorf("agentrun: the certificate of %.60q is none of a node agent", r.guid)
	}
	r.client = client.New(client.Config{HTTP: &http.Client{}, Limit: cfg.Limit, Parallel: 64,
		Limits: xmlrpc.Limits{Bytes: 8 << 20, Text: 4 << 20}})
	return r, nil
}

// Close ends connections.
func (r *Runner) Close() error {
	r.client.CloseIdle()
	return nil
}

// Do makes one call. Its error says that nobody knows what became of it, or that the agent
// refused it.
func (r *Runner) Do(ctx context.Context, q wire.Request) (wire.Response, error) {
	fail := func(err error) (wire.Response, error) {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return wire.Response{}, fmt.Errorf("agentrun: %s: %s: %w", r.cfg.URL, q.Op, err)
	}
	method, params := wire.Prefix+string(q.Op), wire.Params(q)
	id, nonce := r.cfg.Identity, rand.Text()
	if q.Op.Signed() {
		named, err := wire.Named(q.Op, params)
		if err != nil {
			return fail(err)
		}
		now := time.Now()
		auth, err := wssec.Seal{Signer: id.Key, Cert: id.Cert, GUID: id.GUID, Name: id.Name, To: r.guid, MessageID: nonce, Created: now,
			Expires: now.Add(wssec.CallLife), Profile: wssec.Strict}.Call(method, named)
		if err != nil {
			return fail(err)
		}
		params = slices.Concat([]xmlrpc.Value{auth}, params)
	}
	got, err := r.client.Call(ctx, r.cfg.URL, xmlrpc.Call{Method: method, Params: params})
	if err != nil {
		return fail(err)
	}
	if q.Op.Signed() && got.Value.Kind() == xmlrpc.KindStruct {
		policy := wssec.Strict.Policy()
		policy.Protocol = wssec.XMLRPC
		pins := wssec.Pins{{GUID: r.guid, Key: crypto.PublicKey(r.cfg.Agent.PublicKey)}}
		_, err := wssec.OpenResult(method, got.Value, wssec.Opening{Trust: pins, Self: id.GUID, Now: time.Now(), Skew: 5 * time.Minute,
			Policy: func(string) wssec.Policy { return policy }}, r.guid, []byte(nonce))
		if err != nil {
			return fail(err)
		}
	}
	out, err := wire.FromValue(q.Op, got.Value)
	if err != nil {
		return fail(err)
	}
	return out, nil
}

// Run carries out one command at the agent. It fails when it cannot tell what became of it.
func (r *Runner) Run(ctx context.Context, c run.Cmd) (run.Output, error) {
	if len(c.Args) == 0 {
		return run.Output{}, errors.New("agentrun: no command")
	}
	got, err := r.Do(ctx, wire.Request{Op: wire.Run, Args: c.Args, Stdin: c.Stdin})
	if err != nil {
		return run.Output{}, err
	}
	o := run.Output{Code: int(got.Code), Stdout: got.Stdout, Stderr: got.Stderr}
	if got.Message != "" || got.Code < 0 {
		return o, fmt.Errorf("agentrun: %s: %s: code %d: %.300s", r.cfg.URL, c.Args[0], got.Code, got.Message)
	}
	return o, nil
}

// Invoke runs an action of a driver package, and waits for its end.
func (r *Runner) Invoke(ctx context.Context, c run.Call) (int, map[string]string, error) {
	q := wire.Request{Op: wire.ExecuteDriver, Driver: c.Driver, Object: c.Object, Action: c.Action}
	if c.Object != "" {
		q.Op = wire.ExecuteObjectDriver
	}
	for name, value := range c.Properties {
		q.Properties = append(q.Properties, wire.Property{Name: name, Value: value})
	}
	slices.SortFunc(q.Properties, func(a, b wire.Property) int { return strings.Compare(a.Name, b.Name) })
	for broke := false; ; broke = true {
		got, err := r.Do(ctx, q)
		if err == nil {
			return int(got.Code), wire.Map(got.Properties), nil
		}
		// A broken connection is not the end of the action. An agent that has just been
		// started refuses what seems to be signed before; else its word is final.
		var fault *xmlrpc.Fault
		said := errors.As(err, &fault) && !broke || errors.Is(err, wssec.ErrRefused) || errors.Is(err, wssec.ErrSeal)
		if c.Properties["action.key"] == "" || said {
			return 0, nil, err
		}
		t := time.NewTimer(r.cfg.Pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return 0, nil, err
		}
	}
}
