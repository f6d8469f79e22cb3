package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/wssec"
	"github.com/spf13/cobra"
)

func (a *app) peerCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "peer",
		Short: "The actors elsewhere that ours may speak with",
		Long: `List, add and remove peers in the configuration file, change their keys, and see
whether they are there. Only the lines of the peer are touched; a running server learns of a
change when it is started again.

A legacy peer that has once signed without SHA-1 is not believed with SHA-1 again.
Where one went back to an older installation on purpose, stop the server and remove
the file seen-ACTOR.journal from its state folder.`,
		Example: `  leasehold peer add broker2 --role broker --url http://broker.example.org:8180/orca/services/broker2 --certificate broker2.pem
  leasehold peer pin broker2 --certificate broker2-next.pem
  leasehold peer probe broker2`,
	}
	c.AddCommand(a.peerList(), a.peerShow(), a.peerAdd(), a.peerRemove(), a.peerPin(), a.peerUnpin(), a.peerProbe())
	quiet(c)
	return c
}

// peerInfo is one peer as commands print it.
type peerInfo struct {
	Name     string   `json:"name"`
	Role     string   `json:"role"`
	GUID     string   `json:"guid"`
	URL      string   `json:"url"`
	Profile  string   `json:"profile"`
	Protocol string   `json:"protocol"`
	Allow    []string `json:"allow,omitempty"` // absent: all that its role gives it
	// Where the peer departs from its profile; absent: nowhere.
	Signatures        []string  `json:"signatures,omitempty"`
	Digests           []string  `json:"digests,omitempty"`
	MinRSABits        int       `json:"minRSABits,omitempty"`
	Tokens            []string  `json:"tokens,omitempty"`
	Mutual            bool      `json:"mutual,omitempty"`
	ExpiredUntil      time.Time `json:"expiredUntil,omitzero"`
	MTOM              bool      `json:"mtom,omitempty"`
	AnyCaseGUID       bool      `json:"anyCaseGUID,omitempty"`
	FinalConfirmation bool      `json:"finalConfirmation,omitempty"`

	Pins    []keyInfo `json:"pins"` // tickets are granted to the first
	Warning string    `json:"warning,omitempty"`
	// Clocks is how far its clock is from ours, as the actors of a running server see it.
	Clocks []manage.PeerClock `json:"clocks,omitempty"`
}

func peerInfoOf(p config.Peer) (peerInfo, error) {
	i := peerInfo{Name: p.Name, Role: p.Role.String(), GUID: string(p.GUID), URL: p.URL, Profile: p.Policy.Profile.String(), Protocol: p.Policy.Protocol.String(),
		MinRSABits: p.Policy.MinRSABits, Tokens: p.Policy.Tokens.Names(), Mutual: p.Policy.Mutual, ExpiredUntil: p.Policy.ExpiredUntil,
		MTOM: p.Policy.MTOM, AnyCaseGUID: p.Policy.AnyCaseGUID, FinalConfirmation: p.Policy.FinalConfirmation}
	for _, name := range p.Policy.Signatures {
		i.Signatures = append(i.Signatures, wssec.AlgorithmName(name))
	}
	for _, name := range p.Policy.Digests {
		i.Digests = append(i.Digests, wssec.AlgorithmName(name))
	}
	for _, op := range p.Allow {
		i.Allow = append(i.Allow, op.String())
	}
	for _, file := range p.Certificates {
		cert, err := readCertificate(file)
		if err != nil {
			return peerInfo{}, fmt.Errorf("peer %s: %w", p.Name, err)
		}
		k := keyInfoOf(acquaintance{name: p.Name, guid: string(p.GUID), role: p.Role, cert: cert, place: file}, time.Now())
		i.Pins = append(i.Pins, k)
		if k.Warning != "" && i.Warning != "" {
			i.Warning += "; "
		}
		i.Warning += k.Warning
	}
	return i, nil
}

func (i peerInfo) allowed() string {
	if i.Allow == nil {
		return "all of its role"
	}
	return dash(strings.Join(i.Allow, ","))
}

// departures is where the peer's policy departs from its profile, as flags of peer
// add would say it.
func (i peerInfo) departures() string {
	var out []string
	protocol := i.Protocol
	if protocol == wssec.SOAP.String() {
		protocol = ""
	}
	for _, d := range []struct {
		name, value string
	}{
		{"protocol", protocol}, {"signatures", strings.Join(i.Signatures, ",")}, {"digests", strings.Join(i.Digests, ",")}, {"tokens", strings.Join(i.Tokens, ",")},
		{"min-rsa-bits", strings.TrimPrefix(strconv.Itoa(i.MinRSABits), "0")}, {"expired-until", strings.TrimPrefix(when(i.ExpiredUntil), "-")},
	} {
		if d.value != "" {
			out = append(out, d.name+"="+d.value)
		}
	}
	for _, d := range []struct {
		name string
		on   bool
	}{{"mutual", i.Mutual}, {"mtom", i.MTOM}, {"any-case-guid", i.AnyCaseGUID}, {"final-confirmation", i.FinalConfirmation}} {
		if d.on {
			out = append(out, d.name)
		}
	}
	return strings.Join(out, " ")
}

func (a *app) showPeer(done string, i peerInfo) error {
	return a.show(i, func(w io.Writer) {
		row(w, "peer", strings.TrimSpace(i.Name+" "+done))
		row(w, "role", i.Role)
		row(w, "guid", i.GUID)
		row(w, "url", i.URL)
		row(w, "profile", strings.TrimSpace(i.Profile+" "+i.departures()))
		row(w, "may ask", i.allowed())
		for _, k := range i.Pins {
			row(w, "fingerprint", k.Fingerprint)
			row(w, "key", k.Algorithm+", certificate until "+when(k.NotAfter))
			if k.Warning != "" {
				row(w, "warning", k.Warning)
			}
		}
		for _, c := range i.Clocks {
			row(w, "clock", strings.TrimSpace(fmt.Sprintf("%s, as %s sees it by %d messages %s", c.Estimate(), c.Actor.Name, c.Samples, warningOf(c))))
		}
	})
}

func (a *app) peerList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the peers in the configuration, how they sign, what they may ask and what time they have",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, _, err := a.loadConfig()
			if err != nil {
				return err
			}
			out, clocks := []peerInfo{}, a.peerClocks(cmd.Context())
			for _, p := range c.Peers {
				i, err := peerInfoOf(p)
				if err != nil {
					return err
				}
				i.Clocks = clocks[i.GUID]
				out = append(out, i)
			}
			return a.show(out, func(w io.Writer) {
				row(w, "NAME", "ROLE", "GUID", "PROFILE", "MAY ASK", "KEYS", "CLOCK", "WARNING", "URL")
				for _, i := range out {
					row(w, i.Name, i.Role, i.GUID, strings.TrimSpace(i.Profile+" "+i.departures()), i.allowed(), len(i.Pins), clockOf(i.Clocks), dash(i.Warning), i.URL)
				}
			})
		},
	}
}

func (a *app) peerShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "Show one peer of the configuration, and how far its clock is from ours",
		Args:  oneArg("name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, path, err := a.loadConfig()
			if err != nil {
				return err
			}
			for _, p := range c.Peers {
				if p.Name != args[0] && string(p.GUID) != args[0] {
					continue
				}
				i, err := peerInfoOf(p)
				if err != nil {
					return err
				}
				i.Clocks = a.peerClocks(cmd.Context())[i.GUID]
				return a.showPeer("", i)
			}
			return &actors.Error{Op: "peer show", Kind: actors.NotFound, Err: fmt.Errorf("%s: %w: %q", path, config.ErrNoPeer, args[0])}
		},
	}
}

func (a *app) peerRemove() *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: "Take a peer out of the configuration; its certificate file stays",
		Args:  oneArg("name"),
		RunE: func(_ *cobra.Command, args []string) error {
			path, data, err := a.configText()
			if err != nil {
				return err
			}
			text, err := config.RemovePeer(path, data, args[0])
			if errors.Is(err, config.ErrNoPeer) {
				return &actors.Error{Op: "peer remove", Kind: actors.NotFound, Err: fmt.Errorf("%s: %w: %q", path, err, args[0])}
			} else if err != nil {
				return err
			}
			if err := rewrite(path, text); err != nil {
				return err
			}
			return a.show(map[string]string{"removed": args[0], "config": path}, func(w io.Writer) {
				row(w, "peer", args[0]+" removed from "+path)
			})
		},
	}
}
