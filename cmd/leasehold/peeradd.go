package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/wssec"
	"github.com/spf13/cobra"
)

func (a *app) peerAdd() *cobra.Command {
	var role, url string
	var certificates, allow []string
	var policy policyFlags
	c := &cobra.Command{
		Use:   "add NAME",
		Short: "Add a peer to the configuration and pin its keys",
		Long: `Add a peer to the configuration. Its GUID is the common name of the certificate,
which is copied to peers/NAME.pem beside the configuration; the key in it is
pinned. Compare the fingerprint with the peer's operator before you do this. A
peer that is about to change its key has two certificates: give the present one
first, since tickets are granted to it.

How the peer's messages look is its profile: strict for actors like ours, legacy
or legacy-strong for deployed ones. The other flags say where it departs from
that; what cannot be is refused, all at once, and nothing is written. An address under
/orca/xmlrpc/ is one of XML-RPC, any other one of SOAP, unless --protocol says so.`,
		Example: `  leasehold peer add broker2 --role broker --url http://broker.example.org:8180/orca/services/broker2 --certificate broker2.pem
  leasehold peer add old --role manager --url http://sm.example.org:14080/orca/services/sm --certificate sm.pem --profile legacy --mtom
  leasehold peer add site2 --role authority --url http://site2.example.org:8180/orca/xmlrpc/site2 --certificate site2.pem`,
		Args: oneArg("name"),
		RunE: func(c *cobra.Command, args []string) error {
			var wrong []string
			for _, f := range []struct {
				name  string
				given bool
			}{{"role", role != ""}, {"url", url != ""}, {"certificate", len(certificates) > 0}} {
				if !f.given {
					wrong = append(wrong, "--"+f.name+" is missing")
				}
			}
			p := config.Peer{Name: args[0], URL: url}
			say := func(err error) {
				if err != nil {
					wrong = append(wrong, err.Error())
				}
			}
			var err error
			if role != "" {
				p.Role, err = roleNamed(role)
				say(err)
			}
			if c.Flags().Changed("allow") {
				p.Allow, err = opsNamed(allow)
				say(err)
			}
			p.Policy, err = policy.policy(url)
			say(err)
			if len(wrong) > 0 {
				return usage("%s; see %s --help", strings.Join(wrong, "; "), c.CommandPath())
			}
			certs, err := readCertificates(certificates)
			if err != nil {
				return err
			}
			p.GUID = actors.ActorID(certs[0].Subject.CommonName)
			path, data, err := a.configText()
			if err != nil {
				return err
			}
			p, err = a.writePeer(path, data, p, certs, config.AddPeer)
			if errors.Is(err, config.ErrPeerExists) {
				return &actors.Error{Op: "peer add", Kind: actors.Stale, Err: fmt.Errorf("%s: %w: %s, %s", path, err, p.Name, p.GUID)}
			} else if err != nil {
				return err
			}
			i, err := peerInfoOf(p)
			if err != nil {
				return err
			}
			return a.showPeer("added to "+path, i)
		},
	}
	f := c.Flags()
	f.StringVar(&role, "role", "", "manager, broker or authority (required)")
	f.StringVar(&url, "url", "", "full address of its endpoint (required)")
	f.StringArrayVar(&certificates, "certificate", nil, "its certificate, PEM or DER (required); once more for the one it will change to")
	f.StringSliceVar(&allow, "allow", nil, "operations it may ask; default all that its role gives it")
	_ = c.MarkFlagFilename("certificate", "pem", "crt", "der")
	complete(c, "role", "manager", "broker", "authority")
	policy.register(c)
	return c
}

// complete offers words for a flag.
func complete(c *cobra.Command, flag string, words ...string) {
	_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// readCertificates reads the certificates of one peer: all made out to one subject,
// no two of one key.
func readCertificates(files []string) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for _, file := range files {
		cert, err := readCertificate(file)
		if err != nil {
			return nil, err
		}
		for _, o := range out {
			switch {
			case o.Subject.CommonName != cert.Subject.CommonName:
				return nil, usage("%s was made out to %q, and %s to %q", files[0], o.Subject.CommonName, file, cert.Subject.CommonName)
			case sameKey(o, cert):
				return nil, usage("%s holds a key that another certificate holds too", file)
			}
		}
		out = append(out, cert)
	}
	return out, nil
}

// policyFlags are the flags that say how a peer signs.
type policyFlags struct {
	profile, protocol           string
	expiredUntil                string
	signatures, digests, tokens []string
	bits                        int
	mutual, mtom, anyCase       bool
	final                       bool
}

func (p *policyFlags) register(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&p.profile, "profile", "strict", "how messages to and from it are signed: strict, legacy or legacy-strong")
	f.StringVar(&p.protocol, "protocol", "", "what it speaks: soap or xmlrpc; default what the form of its URL says, which is xmlrpc under /orca/xmlrpc/")
	f.StringSliceVar(&p.signatures, "signatures", nil, "signatures taken from it, and no others: "+strings.Join(wssec.SignatureNames(), ", "))
	f.StringSliceVar(&p.digests, "digests", nil, "digests taken from it, and no others: "+strings.Join(wssec.DigestNames(), ", "))
	f.StringSliceVar(&p.tokens, "tokens", nil, "ways in which it may name its certificate; default direct: "+strings.Join(wssec.TokenNames(), ", "))
	f.IntVar(&p.bits, "min-rsa-bits", 0, "shortest RSA key it may sign with; default what the profile says")
	f.BoolVar(&p.mutual, "mutual", false, "it signs as it is signed to: legacy-strong without SHA-1")
	f.StringVar(&p.expiredUntil, "expired-until", "", "take its certificate until then though it is over, such as 2030-01-31T12:00:00Z")
	f.BoolVar(&p.mtom, "mtom", false, "pack messages to it as multipart/related, as deployed clients do")
	f.BoolVar(&p.anyCase, "any-case-guid", false, "its GUID has letters in upper case and is kept so")
	f.BoolVar(&p.final, "final-confirmation", false, "confirm its signatures in the namespace of the finished WSS 1.1, for stacks newer than deployed actors'")
	complete(c, "profile", "strict", "legacy", "legacy-strong")
	complete(c, "protocol", "soap", "xmlrpc")
	complete(c, "signatures", wssec.SignatureNames()...)
	complete(c, "digests", wssec.DigestNames()...)
	complete(c, "tokens", wssec.TokenNames()...)
}

// policy is what the flags say of a peer at url, or everything that is wrong with them.
func (p *policyFlags) policy(url string) (wssec.Policy, error) {
	out := wssec.Policy{Protocol: config.Speaks(url), MinRSABits: p.bits, Mutual: p.mutual, MTOM: p.mtom, AnyCaseGUID: p.anyCase, FinalConfirmation: p.final}
	var wrong []string
	unknown := func(flag, name string, known []string) {
		wrong = append(wrong, fmt.Sprintf("--%s knows no %q; there are: %s", flag, name, strings.Join(known, ", ")))
	}
	var err error
	if out.Profile, err = wssec.ParseProfile(p.profile); err != nil {
		unknown("profile", p.profile, []string{"strict", "legacy", "legacy-strong"})
	}
	switch p.protocol {
	case "":
	case "soap", "xmlrpc":
		out.Protocol, _ = wssec.ParseProtocol(p.protocol)
	default:
		unknown("protocol", p.protocol, []string{"soap", "xmlrpc"})
	}
	for _, name := range p.signatures {
		if uri, ok := wssec.SignatureNamed(name); !ok {
			unknown("signatures", name, wssec.SignatureNames())
		} else if !slices.Contains(out.Signatures, uri) {
			out.Signatures = append(out.Signatures, uri)
		}
	}
	for _, name := range p.digests {
		if uri, ok := wssec.DigestNamed(name); !ok {
			unknown("digests", name, wssec.DigestNames())
		} else if !slices.Contains(out.Digests, uri) {
			out.Digests = append(out.Digests, uri)
		}
	}
	for _, name := range p.tokens {
		one, ok := wssec.TokenNamed(name)
		if !ok {
			unknown("tokens", name, wssec.TokenNames())
		}
		out.Tokens |= one
	}
	if p.expiredUntil != "" {
		if out.ExpiredUntil, err = time.Parse(time.RFC3339, p.expiredUntil); err != nil {
			wrong = append(wrong, fmt.Sprintf("--expired-until %q is no RFC 3339 time such as 2030-01-31T12:00:00Z", p.expiredUntil))
		}
		out.ExpiredUntil = out.ExpiredUntil.UTC().Truncate(time.Millisecond)
	}
	if out.Profile != 0 {
		for _, m := range out.Mistakes() {
			wrong = append(wrong, "--"+policyFlag[m.Field]+": "+m.Text)
		}
	}
	if len(wrong) > 0 {
		return out, errors.New(strings.Join(wrong, "; "))
	}
	return out, nil
}

// policyFlag is the flag that sets a field of a policy.
var policyFlag = map[string]string{
	"Profile": "profile", "Signatures": "signatures", "Digests": "digests", "MinRSABits": "min-rsa-bits", "Tokens": "tokens", "Mutual": "mutual",
	"ExpiredUntil": "expired-until", "MTOM": "mtom", "AnyCaseGUID": "any-case-guid", "FinalConfirmation": "final-confirmation",
}

func roleNamed(name string) (actors.Role, error) {
	for _, r := range []actors.Role{actors.RoleManager, actors.RoleBroker, actors.RoleAuthority} {
		if r.String() == name {
			return r, nil
		}
	}
	return 0, usage("there is no role %q; there are: manager, broker, authority", name)
}

func opsNamed(names []string) ([]actors.Op, error) {
	out := []actors.Op{}
next:
	for _, name := range names {
		var known []string
		for op := actors.Op(1); op < 32; op++ {
			if op.String() == name {
				out = append(out, op)
				continue next
			}
			if !strings.HasPrefix(op.String(), "Op(") {
				known = append(known, op.String())
			}
		}
		return nil, usage("there is no operation %q; there are: %s", name, strings.Join(known, ", "))
	}
	return out, nil
}
