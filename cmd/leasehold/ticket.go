package main

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/wssec/keys"
	"github.com/leasehold/leasehold/wssec/ticket"
	"github.com/spf13/cobra"
)

func (a *app) ticketCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "ticket",
		Short: "Check tickets, show how they were carved up, prove overselling",
		Long: `Work on tickets in files, ours and legacy ones, without a server. A ticket is
believed if it leads to a site's key: that in a certificate given with --root,
or, without --root, those of the authorities in the configuration.`,
		Example: `  leasehold ticket verify broker.ticket --root site.pem
  leasehold ticket prove first.ticket second.ticket --root site.pem --out evidence.json`,
	}
	c.AddCommand(a.ticketVerify(), a.ticketTree(), a.ticketProve(), a.ticketConflicts())
	quiet(c)
	return c
}

// ticketFlags is what the ticket commands share.
type ticketFlags struct {
	roots   []string
	lenient bool
}

func (f *ticketFlags) add(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.roots, "root", nil, "certificate of a site, PEM or DER; may be given several times")
	c.Flags().BoolVar(&f.lenient, "lenient", false, "judge legacy tickets as leniently as a peer's profile may ask")
	_ = c.MarkFlagFilename("root", "pem", "crt", "der")
}

// maxInput bounds what is read from a file.
const maxInput = 16 << 20

func readInput(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxInput+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxInput {
		return nil, fmt.Errorf("%s: more than %d octets", path, maxInput)
	}
	return data, nil
}

// readCertificate reads a certificate in PEM or DER.
func readCertificate(path string) (*x509.Certificate, error) {
	data, err := readInput(path)
	if err != nil {
		return nil, err
	}
	cert, err := parseCertificate(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return cert, nil
}

func parseCertificate(data []byte) (*x509.Certificate, error) {
	if block, _ := pem.Decode(data); block == nil && len(data) > 0 && data[0] == 0x30 {
		return x509.ParseCertificate(data)
	}
	return keys.ParseCertificatePEM(data)
}

// siteKeys is who may have signed a root, by GUID.
type siteKeys map[string][]crypto.PublicKey

func (s siteKeys) of(guid string) []crypto.PublicKey { return s[guid] }

// siteKeys are those of --root, or of the authorities in the configuration.
func (a *app) siteKeys(files []string) (siteKeys, error) {
	s := siteKeys{}
	for _, file := range files {
		cert, err := readCertificate(file)
		if err != nil {
			return nil, err
		}
		s[cert.Subject.CommonName] = append(s[cert.Subject.CommonName], cert.PublicKey)
	}
	if len(files) > 0 {
		return s, nil
	}
	path, err := a.configPath()
	if err != nil {
		return nil, usage("which sites to believe? give --root, or --config")
	}
	c, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	known, err := acquaintances(c)
	if err != nil {
		return nil, err
	}
	for _, k := range known {
		if k.role == actors.RoleAuthority {
			s[k.guid] = append(s[k.guid], k.cert.PublicKey)
		}
	}
	return s, nil
}

// distrust turns the causes for which a ticket is not believed into exit code 8.
func distrust(err error) error {
	for _, cause := range []error{ticket.ErrUntrusted, ticket.ErrSignature, ticket.ErrLink, ticket.ErrContainment, ticket.ErrKey} {
		if errors.Is(err, cause) {
			return fmt.Errorf("%w: %w", manage.ErrTrust, err)
		}
	}
	return err
}

// readTicket reads and verifies the ticket in a file.
func (f ticketFlags) readTicket(path string, sites siteKeys) (ticket.Chain, error) {
	data, err := readInput(path)
	if err != nil {
		return ticket.Chain{}, err
	}
	return f.judge(path, data, sites)
}

// judge verifies the ticket that a file holds.
func (f ticketFlags) judge(path string, data []byte, sites siteKeys) (ticket.Chain, error) {
	scheme := ticket.SchemeOf(string(data))
	if scheme == 0 {
		return ticket.Chain{}, fmt.Errorf("%s: not a ticket of the SHARP form", path)
	}
	if scheme == ticket.Sharp && f.lenient {
		scheme = ticket.SharpLenient
	}
	// An editor's line feed at the end is no part of the ticket.
	c, err := scheme.Verify(string(bytes.TrimRight(data, "\n")), sites.of)
	if err != nil {
		return ticket.Chain{}, fmt.Errorf("%s: %w", path, distrust(err))
	}
	return c, nil
}

// ticketRecord is one delegation as commands print it.
type ticketRecord struct {
	GUID       string            `json:"guid"`
	Issuer     string            `json:"issuer"`
	Holder     string            `json:"holder"`
	Units      int               `json:"units"`
	Type       string            `json:"type"`
	Start      time.Time         `json:"start"`
	NewStart   time.Time         `json:"newStart"`
	End        time.Time         `json:"end"`
	Properties map[string]string `json:"properties,omitempty"`
}

func recordOf(r ticket.Record) ticketRecord {
	at := func(ms int64) time.Time { return time.UnixMilli(min(ms, endOfTime)).UTC() }
	return ticketRecord{r.GUID, r.Issuer, r.Holder, r.Units, r.Type, at(r.Start), at(r.NewStart), at(r.End), r.Properties}
}

// endOfTime is the last instant RFC 3339 can say; terms without end lie beyond.
var endOfTime = time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC).UnixMilli()

func recordHead(w io.Writer) {
	row(w, "RECORD", "ISSUER", "HOLDER", "UNITS", "TYPE", "FROM", "TO")
}

func recordRow(w io.Writer, r ticketRecord) {
	row(w, r.GUID, r.Issuer, r.Holder, r.Units, r.Type, when(r.NewStart), when(r.End))
}

// verifySigned verifies a ticket of the legacy Signed form, whose issuers' keys are not
// in it.
func (a *app) verifySigned(path string, data []byte, known siteKeys) error {
	records, orders, err := ticket.VerifySigned(string(bytes.TrimRight(data, "\n")), known.of)
	if err != nil {
		return fmt.Errorf("%s: %w", path, distrust(err))
	}
	out := struct {
		File    string         `json:"file"`
		Scheme  string         `json:"scheme"`
		Site    string         `json:"site"`
		Holder  string         `json:"holder"`
		Records []ticketRecord `json:"records"`
		Orders  []string       `json:"orders"`
	}{File: path, Scheme: "signed", Site: records[len(records)-1].Holder, Holder: records[0].Holder}
	for k, r := range records {
		out.Records, out.Orders = append(out.Records, recordOf(r)), append(out.Orders, orders[k].String())
	}
	return a.show(out, func(w io.Writer) {
		row(w, "ticket", "every record is signed by its issuer, up to site "+out.Site)
		row(w, "scheme", out.Scheme)
		fmt.Fprintln(w)
		recordHead(w)
		for _, r := range out.Records {
			recordRow(w, r)
		}
	})
}

func (a *app) ticketVerify() *cobra.Command {
	var f ticketFlags
	c := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check every signature, link and limit of a ticket, or evidence of overselling",
		Long: `Check every signature, link and limit of a ticket up to its site; or evidence of
overselling, as prove and conflicts write it, knowing nothing but the site's key.

Tickets of the legacy Signed form carry no certificates: give those of all issuers
with --root. Those of the Simple form are signed by nobody and never verified.`,
		Args: oneArg("file"),
		RunE: func(_ *cobra.Command, args []string) error {
			sites, err := a.siteKeys(f.roots)
			if err != nil {
				return err
			}
			data, err := readInput(args[0])
			if err != nil {
				return err
			}
			if text := bytes.TrimSpace(data); len(text) > 0 && text[0] == '{' {
				return a.checkEvidence(args[0], data, sites)
			}
			if ticket.SchemeOf(string(data)) == 0 {
				return a.verifySigned(args[0], data, sites)
			}
			chain, err := f.judge(args[0], data, sites)
			if err != nil {
				return err
			}
			out := struct {
				File    string         `json:"file"`
				Scheme  string         `json:"scheme"`
				Site    string         `json:"site"`
				Holder  string         `json:"holder"`
				Key     string         `json:"holderKey"`
				Records []ticketRecord `json:"records"`
				Orders  []string       `json:"orders,omitempty"`
			}{File: args[0], Scheme: chain.Scheme().String(), Site: chain.Root().Holder, Holder: chain.Newest().Holder, Key: keys.Fingerprint(chain.Certs()[0])}
			for _, r := range chain.Records() {
				out.Records = append(out.Records, recordOf(r))
			}
			for _, o := range chain.Orders() {
				out.Orders = append(out.Orders, o.String())
			}
			return a.show(out, func(w io.Writer) {
				row(w, "ticket", "verified up to site "+out.Site)
				row(w, "scheme", out.Scheme)
				row(w, "holder's certificate", out.Key)
				for k, o := range out.Orders {
					if o != "received" {
						row(w, "re-ordered", fmt.Sprintf("record %d was signed with its properties in order %s", k, o))
					}
				}
				fmt.Fprintln(w)
				recordHead(w)
				for _, r := range out.Records {
					recordRow(w, r)
				}
			})
		},
	}
	f.add(c)
	return c
}
