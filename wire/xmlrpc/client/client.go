/*
Package client calls the methods of XML-RPC servers.

Calls are written by kolo/xmlrpc, inside bounds that it lacks: a call has a context,
a time limit and a place among those that go at once; it leaves no goroutine; method
names and members with markup in them are refused or escaped before; octets, dates
and numbers are handed over in the one form that it writes as everybody reads them.
Answers are read by wire/xmlrpc, because that library's reader loses text after
CDATA, fails on strings without a type, sees faults where there are none, and ends the
process on a document that is nested deeply.

What a peer understands beyond the lowest dialect, kolo/xmlrpc cannot write either:
then wire/xmlrpc does.
*/
package client

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"time"

	kolo "github.com/kolo/xmlrpc"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/xmlrpc"
)

// Config says how a Client calls. The zero Config is usable.
type Config struct {
	HTTP     *http.Client   // nil means one with TLS defaults and no proxy; redirects are never followed
	Limit    time.Duration  // longest a call may take; 0 means 30 s
	Parallel int            // calls under way at once, the others wait; 0 means 8
	Limits   xmlrpc.Limits  // of an answer
	Dialect  xmlrpc.Dialect // of calls
	Agent    string         // User-Agent; empty means "leasehold"
}

// Client calls methods. It is safe for concurrent use, starts no goroutine of its own
// and needs no closing.
type Client struct {
	cfg  Config
	room chan struct{}
	most int64
}

// Answer is what came back from a call.
type Answer struct {
	Value xmlrpc.Value
	Sent  int    // octets of the request
	Date  string // the server's time, as it wrote it above the answer
}

// StatusError is an answer that is none of XML-RPC's: a server that is something else,
// or not ready.
type StatusError struct {
	Code int
	Line string
}

// Error gives the status line.
func (e *StatusError) Error() string { return "HTTP status " + e.Line }

// New makes a Client.
func New(cfg Config) *Client {
	if cfg.Limit <= 0 {
		cfg.Limit = 30 * time.Second
	}
	if cfg.Parallel <= 0 {
		cfg.Parallel = 8
	}
	if cfg.Agent == "" {
		cfg.Agent = "leasehold"
	}
	inner := http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: cfg.Parallel, IdleConnTimeout: 90 * time.Second}}
	if cfg.HTTP != nil {
		inner = *cfg.HTTP
	}
	inner.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	cfg.HTTP = &inner
	return &Client{cfg: cfg, room: make(chan struct{}, cfg.Parallel), most: int64(cfg.Limits.Complete().Bytes)}
}

// Call makes one call at url. The error is a *wire.Error if the call cannot be written,
// an *xmlrpc.Fault if the callee answered with one, an *xmlrpc.Error or *StatusError if
// the answer is none, and otherwise about the connection.
func (c *Client) Call(ctx context.Context, url string, call xmlrpc.Call) (a Answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Limit)
	defer cancel()
	select {
	case c.room <- struct{}{}:
		defer func() { <-c.room }()
	case <-ctx.Done():
		return a, ctx.Err()
	}
	req, err := c.request(url, call)
	if err != nil {
		return a, err
	}
	a.Sent = int(req.ContentLength)
	resp, err := c.cfg.HTTP.Do(req.WithContext(ctx))
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	a.Date = resp.Header.Get("Date")
	if resp.StatusCode != http.StatusOK {
		return a, &StatusError{resp.StatusCode, resp.Status}
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, c.most+1))
	if err != nil {
		return a, fmt.Errorf("read the answer: %w", err)
	}
	a.Value, err = xmlrpc.ParseAnswer(data, c.cfg.Limits) // one octet too many is over its limit as well
	return a, err
}

// CloseIdle closes connections that wait for another call.
func (c *Client) CloseIdle() { c.cfg.HTTP.CloseIdleConnections() }

// request writes a call.
func (c *Client) request(url string, call xmlrpc.Call) (*http.Request, error) {
	if !xmlrpc.ValidMethod(call.Method) {
		return nil, &wire.Error{What: fmt.Sprintf("no name of a method: %.64q", call.Method)}
	}
	var req *http.Request
	var err error
	if c.cfg.Dialect == (xmlrpc.Dialect{}) {
		args := make([]any, len(call.Params))
		for i, v := range call.Params {
			if args[i], err = plain(v); err != nil {
				return nil, err
			}
		}
		req, err = kolo.NewRequest(url, call.Method, args)
	} else {
		var body []byte
		if body, err = xmlrpc.AppendCall(nil, call, c.cfg.Dialect); err == nil {
			req, err = http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
		}
	}
	if err != nil {
		return nil, err
	}
	req.Header.Del("Content-Length") // net/http writes it from the length of the body
	req.Header.Set("Content-Type", "text/xml")
	req.Header.Set("User-Agent", c.cfg.Agent)
	return req, nil
}

// plain is a value in Go types that kolo/xmlrpc writes well.
func plain(v xmlrpc.Value) (any, error) {
	switch v.Kind() {
	case xmlrpc.KindString:
		s, _ := v.Text()
		return s, carried(s)
	case xmlrpc.KindInt:
		n, _ := v.Int()
		return int32(n), nil
	case xmlrpc.KindBool:
		b, _ := v.Bool()
		return b, nil
	case xmlrpc.KindDouble:
		f, _ := v.Double()
		if f-f != 0 { // not finite
			return nil, &wire.Error{What: "a double that is not finite"}
		}
		return f, nil
	case xmlrpc.KindBase64:
		octets, _ := v.Octets()
		return kolo.Base64(base64.StdEncoding.EncodeToString(octets)), nil
	case xmlrpc.KindDate:
		at, zoned, _ := v.Date()
		if zoned || at.Nanosecond() != 0 {
			return nil, &wire.Error{What: "a date with a zone or a fraction: send the instant as a number"}
		}
		return at, nil
	case xmlrpc.KindArray:
		items := make([]any, 0, v.Len())
		for item := range v.Items() {
			p, err := plain(item)
			if err != nil {
				return nil, err
			}
			items = append(items, p)
		}
		return items, nil
	case xmlrpc.KindStruct:
		members := make(map[string]any, v.Len())
		for name, m := range v.Members() {
			escaped, bad := wire.AppendText(nil, name)
			if bad >= 0 {
				return nil, &wire.Error{What: "name of a member: " + wire.IllegalText(name, bad)}
			}
			if _, again := members[string(escaped)]; again {
				return nil, &wire.Error{What: fmt.Sprintf("two members named %.64q", name)}
			}
			p, err := plain(m)
			if err != nil {
				return nil, err
			}
			members[string(escaped)] = p
		}
		return members, nil
	}
	return nil, &wire.Error{What: "the peer has no " + v.Kind().String()}
}

// carried says why XML cannot carry a string, or nil. kolo/xmlrpc would put U+FFFD in
// the place of what it cannot.
func carried(s string) error {
	if bad := wire.FirstIllegal(s); bad >= 0 {
		return &wire.Error{What: wire.IllegalText(s, bad)}
	}
	return nil
}
