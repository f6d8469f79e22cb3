package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/spf13/cobra"
)

// probe is what became of calling a peer.
type probe struct {
	Name     string    `json:"name"`
	URL      string    `json:"url"`
	Answers  bool      `json:"answers"`
	Status   string    `json:"status,omitempty"` // of the HTTP answer
	Millis   int64     `json:"milliseconds"`
	TLS      string    `json:"tls,omitempty"` // subject of the server's certificate
	TLSUntil time.Time `json:"tlsUntil,omitzero"`
	Warning  string    `json:"warning,omitempty"` // about the pinned certificate
	Problem  string    `json:"problem,omitempty"`
}

func (a *app) peerProbe() *cobra.Command {
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "probe NAME",
		Short: "See whether a peer's address answers, and whether its certificate is still good",
		Long: `Call a peer's address with an empty HTTP request, which changes nothing there:
any HTTP answer shows that something listens. That it is the peer shows only when
messages are signed.`,
		Args: oneArg("name"),
		RunE: func(c *cobra.Command, args []string) error {
			conf, path, err := a.loadConfig()
			if err != nil {
				return err
			}
			for _, p := range conf.Peers {
				if p.Name != args[0] && string(p.GUID) != args[0] {
					continue
				}
				out := probePeer(c, p, timeout)
				if err := a.show(out, out.print); err != nil {
					return err
				}
				if !out.Answers {
					return fmt.Errorf("%w: %s", manage.ErrUnreachable, out.Problem)
				}
				return nil
			}
			return &actors.Error{Op: "peer probe", Kind: actors.NotFound, Err: fmt.Errorf("%s: %w: %q", path, config.ErrNoPeer, args[0])}
		},
	}
	c.Flags().DurationVar(&timeout, "timeout", 10*time.Second, "how long to wait for the answer")
	return c
}

func (p probe) print(w io.Writer) {
	row(w, "peer", p.Name)
	row(w, "url", p.URL)
	if p.Answers {
		row(w, "answer", fmt.Sprintf("%s after %d ms", p.Status, p.Millis))
	}
	if p.TLS != "" {
		row(w, "tls", p.TLS+", until "+when(p.TLSUntil))
	}
	if p.Warning != "" {
		row(w, "certificate", p.Warning)
	}
	if p.Problem != "" {
		row(w, "problem", p.Problem)
	}
}

// probePeer calls a peer once. It follows no redirection: the address is the
// administrator's word.
func probePeer(c *cobra.Command, p config.Peer, timeout time.Duration) probe {
	out := probe{Name: p.Name, URL: p.URL}
	if i, err := peerInfoOf(p); err != nil {
		out.Warning = err.Error()
	} else {
		out.Warning = i.Warning
	}
	client := http.Client{Timeout: timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(c.Context(), http.MethodHead, p.URL, nil)
	if err != nil {
		out.Problem = err.Error()
		return out
	}
	start := time.Now()
	res, err := client.Do(req)
	out.Millis = time.Since(start).Milliseconds()
	if err != nil {
		for inner := err; inner != nil; inner = errors.Unwrap(inner) {
			out.Problem = inner.Error() // the innermost cause says it shortest
		}
		return out
	}
	res.Body.Close()
	out.Answers, out.Status = true, res.Status
	if t := res.TLS; t != nil && len(t.PeerCertificates) > 0 {
		out.TLS, out.TLSUntil = t.PeerCertificates[0].Subject.String(), t.PeerCertificates[0].NotAfter
	}
	return out
}
