package registrar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Admin answers operators, over a socket that only they can open: GET /actors lists,
// POST /verify, /revoke and /remove act on the actor that the parameter guid names.
func (r *Registrar) Admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /actors", func(w http.ResponseWriter, _ *http.Request) {
		all, err := r.cfg.Store.All()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(all) // whoever does not hear the answer asks again
	})
	act := func(path string, do func(guid string) error) {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, req *http.Request) {
			err := do(req.FormValue("guid"))
			switch {
			case errors.Is(err, ErrUnknown):
				http.Error(w, err.Error(), http.StatusNotFound)
			case err != nil:
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
	}
	act("/verify", func(guid string) error { return r.verified(guid, true) })
	act("/revoke", func(guid string) error { return r.verified(guid, false) })
	act("/remove", r.cfg.Store.Remove)
	return mux
}

// verified is an operator's word on an actor.
func (r *Registrar) verified(guid string, yes bool) error {
	return r.cfg.Store.Change(guid, func(e *Entry, known bool, _ func(func(Entry) bool) error) error {
		if !known {
			return ErrUnknown
		}
		e.Verified = yes
		return nil
	})
}

// Operator asks a running registry over its socket.
type Operator struct {
	path string
	http http.Client
}

// NewOperator is for the socket at path.
func NewOperator(path string) *Operator {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	return &Operator{path: path, http: http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}
}

// ErrUnreachable says that no registry answers at a socket.
var ErrUnreachable = errors.New("no registry is running there")

func (o *Operator) do(ctx context.Context, method, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://registry"+path, nil)
	if err != nil {
		return err
	}
	resp, err := o.http.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", o.path, ErrUnreachable, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		if resp.StatusCode == http.StatusNotFound {
			return ErrUnknown
		}
		return errors.New(strings.TrimSpace(string(text)))
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// Actors are all entries.
func (o *Operator) Actors(ctx context.Context) (all []Entry, err error) {
	err = o.do(ctx, http.MethodGet, "/actors", &all)
	return all, err
}

// Verify says that an actor is who it says.
func (o *Operator) Verify(ctx context.Context, guid string) error { return o.act(ctx, "/verify", guid) }

// Revoke takes Verify back.
func (o *Operator) Revoke(ctx context.Context, guid string) error { return o.act(ctx, "/revoke", guid) }

// Remove forgets an actor. It may register again.
func (o *Operator) Remove(ctx context.Context, guid string) error { return o.act(ctx, "/remove", guid) }

func (o *Operator) act(ctx context.Context, path, guid string) error {
	return o.do(ctx, http.MethodPost, path+"?guid="+url.QueryEscape(guid), nil)
}
