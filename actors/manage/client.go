package manage

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"

	"github.com/leasehold/leasehold/actors"
)

// Limits of what a client reads.
const (
	maxAnswer = 512 << 20 // octets of one answer
	maxLine   = 1 << 20   // octets of one change
)

// Client is the Service behind a socket. Make one with NewClient; it connects when
// it is used.
type Client struct {
	path string
	http *http.Client
}

var _ Service = (*Client)(nil)

// NewClient reaches the server that listens on the Unix socket at path.
func NewClient(path string) *Client {
	var d net.Dialer
	return &Client{path: path, http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, "unix", path) },
	}}}
}

// Disconnect closes idle connections. The client may be used again.
func (c *Client) Disconnect() { c.http.CloseIdleConnections() }

// Actors lists the actors.
func (c *Client) Actors(ctx context.Context) ([]ActorInfo, error) {
	var out roster
	err := c.get(ctx, "/v1/actors", nil, &out)
	return out.Actors, err
}

// List shows what passes the filter.
func (c *Client) List(ctx context.Context, f Filter) ([]Reservation, error) {
	var out listing
	if err := c.get(ctx, "/v1/reservations", f.query(), &out); err != nil {
		return nil, err
	}
	if out.Incomplete != "" {
		p := problemOf(ErrPartial)
		p.Detail = out.Incomplete
		return out.Reservations, &remoteError{p}
	}
	return out.Reservations, nil
}

// Show finds one reservation.
func (c *Client) Show(ctx context.Context, ref Ref) (out Reservation, err error) {
	path, err := ref.path("")
	if err != nil {
		return out, err
	}
	return out, c.get(ctx, path, ref.query(), &out)
}

// Request asks a service manager for a new reservation.
func (c *Client) Request(ctx context.Context, o Order) (out Reservation, err error) {
	return out, c.post(ctx, "/v1/reservations", nil, o, &out)
}

// RequestGroup asks a service manager for several reservations.
func (c *Client) RequestGroup(ctx context.Context, g Group) ([]Reservation, error) {
	var out listing
	err := c.post(ctx, "/v1/groups", nil, g, &out)
	return out.Reservations, err
}

// Plan says what would become of orders.
func (c *Client) Plan(ctx context.Context, g Group) ([]Forecast, error) {
	var out forecasts
	return out.Verdicts, c.post(ctx, "/v1/plans", nil, g, &out)
}

// Calendars shows what brokers and sites have.
func (c *Client) Calendars(ctx context.Context, w Window) ([]Calendar, error) {
	q := url.Values{}
	for name, value := range map[string]string{"actor": w.Actor, "from": w.From, "to": w.To} {
		if value != "" {
			q.Set(name, value)
		}
	}
	var out calendars
	return out.Calendars, c.get(ctx, "/v1/calendars", q, &out)
}

// Approve says what an operator thinks of an ask.
func (c *Client) Approve(ctx context.Context, w Word) (out Reservation, err error) {
	path, err := w.path("/approve")
	if err != nil {
		return out, err
	}
	return out, c.post(ctx, path, w.query(), map[string]any{"grant": w.Grant, "note": w.Note}, &out)
}

// Extend asks a service manager to prolong a reservation.
func (c *Client) Extend(ctx context.Context, e Extension) (out Reservation, err error) {
	path, err := e.path("/extend")
	if err != nil {
		return out, err
	}
	body := map[string]any{"end": e.End, "length": e.Length, "units": e.Units, "victims": e.Victims}
	return out, c.post(ctx, path, e.query(), body, &out)
}

// Modify asks a service manager to run a subcommand on every unit of a lease.
func (c *Client) Modify(ctx context.Context, m Modification) (out Reservation, err error) {
	path, err := m.path("/modify")
	if err != nil {
		return out, err
	}
	body := map[string]any{"number": m.Number, "subcommand": m.Subcommand, "arguments": m.Arguments}
	return out, c.post(ctx, path, m.query(), body, &out)
}

// Close asks an actor to end a reservation.
func (c *Client) Close(ctx context.Context, ref Ref) (out Reservation, err error) {
	path, err := ref.path("/close")
	if err != nil {
		return out, err
	}
	return out, c.post(ctx, path, ref.query(), struct{}{}, &out)
}

// Wait returns when the reservation is in one of the states.
func (c *Client) Wait(ctx context.Context, g Goal) (out Reservation, err error) {
	path, err := g.path("/wait")
	if err != nil {
		return out, err
	}
	q := g.query()
	q["state"] = g.States
	if g.Settled {
		q.Set("settled", "true")
	}
	if g.Timeout != 0 {
		q.Set("timeout", g.Timeout.String())
	}
	err = c.get(ctx, path, q, &out)
	var told *remoteError
	if errors.As(err, &told) && told.Reservation != nil {
		out = *told.Reservation
	}
	return out, err
}

// Watch begins at once.
func (c *Client) Watch(ctx context.Context, f Filter) (Stream, error) {
	ctx, cancel := context.WithCancel(ctx)
	res, err := c.do(ctx, http.MethodGet, "/v1/watch", f.query(), nil)
	if err != nil {
		cancel()
		return nil, err
	}
	s := &remoteStream{cancel: cancel, changes: make(chan Change), over: make(chan struct{})}
	go s.read(ctx, res.Body)
	return s, nil
}

func (f Filter) query() url.Values {
	q := url.Values{"state": f.States}
	for name, value := range map[string]string{"actor": f.Actor, "slice": f.Slice} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

func (r Ref) query() url.Values {
	if r.Actor == "" {
		return url.Values{}
	}
	return url.Values{"actor": {r.Actor}}
}

// path is the reservation's address. Names that an address cannot carry are no
// reservation's.
func (r Ref) path(verb string) (string, error) {
	switch r.Reservation {
	case "", ".", "..":
		return "", invalid("manage", fmt.Sprintf("%q names no reservation", r.Reservation))
	}
	return "/v1/reservations/" + url.PathEscape(r.Reservation) + verb, nil
}

func (c *Client) get(ctx context.Context, path string, q url.Values, out any) error {
	return c.call(ctx, http.MethodGet, path, q, nil, out)
}

func (c *Client) post(ctx context.Context, path string, q url.Values, body, out any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.call(ctx, http.MethodPost, path, q, data, out)
}

func (c *Client) call(ctx context.Context, method, path string, q url.Values, body []byte, out any) error {
	res, err := c.do(ctx, method, path, q, body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	limited := &io.LimitedReader{R: res.Body, N: maxAnswer}
	if err := json.NewDecoder(limited).Decode(out); err != nil {
		if limited.N <= 0 {
			return fmt.Errorf("the answer exceeds the limit of %d octets", maxAnswer)
		}
		return c.reach(ctx, err)
	}
	return nil
}

// do sends a request and turns every refusal into an error.
func (c *Client) do(ctx context.Context, method, path string, q url.Values, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://leasehold"+path+"?"+q.Encode(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.reach(ctx, err)
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	defer res.Body.Close()
	var told remoteError
	if err := json.NewDecoder(io.LimitReader(res.Body, maxLine)).Decode(&told.problem); err != nil || told.Code == "" {
		return nil, fmt.Errorf("%w: %s answers %q: is that the server's socket?", ErrUnreachable, c.path, res.Status)
	}
	return nil, &told
}

// reach says why nobody answers.
func (c *Client) reach(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("asking the server at %s: %w", c.path, ctx.Err())
	case errors.Is(err, os.ErrPermission):
		return &actors.Error{Op: "manage", Kind: actors.Denied, Err: fmt.Errorf("socket %s: %w", c.path, os.ErrPermission)}
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%w: there is no socket %s; is the server running?", ErrUnreachable, c.path)
	}
	return fmt.Errorf("%w: the server at %s: %v", ErrUnreachable, c.path, err)
}

// remoteStream is a Stream read from a connection.
type remoteStream struct {
	cancel  context.CancelFunc
	changes chan Change
	over    chan struct{} // closed when read has ended
	err     error         // why; before over is closed
}

// read passes lines on until the connection or ctx ends. The other end holds what is not
// fetched, and counts what it cannot hold.
func (s *remoteStream) read(ctx context.Context, body io.ReadCloser) {
	defer close(s.over)
	defer body.Close()
	defer s.cancel()
	s.err = io.EOF
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var change Change
		if err := json.Unmarshal(lines.Bytes(), &change); err != nil {
			s.err = fmt.Errorf("the server sent no change: %w", err)
			return
		}
		select {
		case s.changes <- change:
		case <-ctx.Done():
			return
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		s.err = fmt.Errorf("the server sent a line of more than %d octets", maxLine)
	}
}

// Next waits for the next line.
func (s *remoteStream) Next(ctx context.Context) (Change, error) {
	select {
	case change := <-s.changes:
		return change, nil
	case <-s.over:
		return Change{}, s.err
	case <-ctx.Done():
		return Change{}, ctx.Err()
	}
}

// Close ends the connection.
func (s *remoteStream) Close() error {
	s.cancel()
	return nil
}
