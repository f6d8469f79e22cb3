package main

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/inspect"
	"github.com/spf13/cobra"
)

func (a *app) wireCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "wire",
		Short: "Take recorded messages apart: canonical octets, digests, signatures",
		Long: `Take recorded SOAP messages apart: an envelope, or a whole HTTP message with one.
What is shown is what the signature itself claims; a server asks for more.`,
		Example: `  leasehold wire verify request.xml --pin sm.pem
  leasehold wire diff ours.xml theirs.xml
  leasehold wire call call.xml --pin sm.pem`,
	}
	c.AddCommand(a.wireShow(), a.wireVerify(), a.wireDiff(), a.wireCall())
	quiet(c)
	return c
}

func readMessage(path string) (*inspect.Message, error) {
	data, err := readInput(path)
	if err != nil {
		return nil, err
	}
	m, err := inspect.Parse(inspect.Strip(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

func printParts(w io.Writer, m *inspect.Message) {
	row(w, "PART", "ID", "OCTETS", "SIGNED", "SHA-1", "SHA-256")
	for _, p := range m.Parts {
		row(w, p.Name, dash(p.ID), p.Octets, map[bool]string{true: "yes", false: "no"}[p.Signed], p.SHA1, p.SHA256)
	}
	if m.Signature == nil {
		return
	}
	fmt.Fprintln(w)
	row(w, "REFERENCE", "PART", "DIGEST", "RESULT")
	for _, r := range m.Signature.References {
		result := "matches"
		if r.Problem != "" {
			result = r.Problem
		}
		row(w, r.URI, dash(r.Part), r.Digest, result)
	}
}

func (a *app) wireShow() *cobra.Command {
	var part string
	c := &cobra.Command{
		Use:   "show FILE",
		Short: "Show the parts of a message with their canonical digests, or one part's canonical octets",
		Example: `  leasehold wire show request.xml
  leasehold wire show request.xml --part Body | sha1sum`,
		Args: oneArg("file"),
		RunE: func(_ *cobra.Command, args []string) error {
			m, err := readMessage(args[0])
			if err != nil {
				return err
			}
			if part == "" {
				return a.show(m, func(w io.Writer) { printParts(w, m) })
			}
			if part == "SignedInfo" && m.Signature != nil {
				_, err := a.out.Write(m.Signature.Canonical())
				return err
			}
			var names []string
			for _, p := range m.Parts {
				if p.Name == part {
					_, err := a.out.Write(p.Canonical())
					return err
				}
				names = append(names, p.Name)
			}
			return usage("there is no part %q; there are: %s", part, strings.Join(append(names, "SignedInfo"), ", "))
		},
	}
	c.Flags().StringVar(&part, "part", "", "print the canonical octets of this part and nothing else, such as Body or SignedInfo")
	return c
}

// pinned is a key that somebody vouched for, and for whom.
type pinned struct {
	guid string
	cert *x509.Certificate
}

func (a *app) wireVerify() *cobra.Command {
	var files []string
	c := &cobra.Command{
		Use:   "verify FILE",
		Short: "Say which parts of a message are signed, by whose key, and whether it holds",
		Long: `Check digests and signature of a message with the certificate it carries, and
look for that key among the pinned ones: those in certificates given with --pin,
or those of the actors and peers in the configuration.`,
		Args: oneArg("file"),
		RunE: func(_ *cobra.Command, args []string) error {
			m, err := readMessage(args[0])
			if err != nil {
				return err
			}
			pins, err := a.pins(files)
			if err != nil {
				return err
			}
			out := struct {
				*inspect.Message
				Certificate *keyInfo `json:"certificate,omitempty"`
				PinnedAs    string   `json:"pinnedAs,omitempty"` // GUID the key is pinned for
				Trusted     bool     `json:"trusted"`
			}{Message: m}
			if m.Signature != nil {
				cert, err := signer(m, pins)
				if err != nil {
					m.Problems = append(m.Problems, err.Error())
				} else {
					i := keyInfoOf(acquaintance{guid: cert.Subject.CommonName, cert: cert, place: args[0]}, time.Now())
					out.Certificate = &i
					m.Verify(cert.PublicKey)
					out.PinnedAs = pinOf(pins, cert)
				}
				switch {
				case err != nil:
				case out.PinnedAs == "":
					m.Problems = append(m.Problems, "the key is not pinned for anybody")
				case m.GUID == "":
					m.Problems = append(m.Problems, "no AuthToken says who it is from")
				case m.GUID != out.PinnedAs:
					m.Problems = append(m.Problems, fmt.Sprintf("it claims to be from %q, but the key is pinned for %s", m.GUID, out.PinnedAs))
				}
			}
			out.Trusted = len(m.Problems) == 0
			if err := a.show(out, func(w io.Writer) {
				row(w, "from", dash(m.GUID)+" "+m.Name)
				if out.Certificate != nil {
					row(w, "signed with", out.Certificate.Algorithm+" "+out.Certificate.Fingerprint)
					row(w, "pinned for", dash(out.PinnedAs))
				}
				for _, p := range m.Problems {
					row(w, "problem", p)
				}
				fmt.Fprintln(w)
				printParts(w, m)
			}); err != nil {
				return err
			}
			if !out.Trusted {
				return fmt.Errorf("%w: %s: %s", manage.ErrTrust, args[0], m.Problems[0])
			}
			return nil
		},
	}
	c.Flags().StringArrayVar(&files, "pin", nil, "certificate whose key is pinned for its common name, PEM or DER; may be given several times")
	_ = c.MarkFlagFilename("pin", "pem", "crt", "der")
	return c
}

// pins are the keys of --pin, or of everybody in the configuration. With neither
// nobody is known, and the message is still shown.
func (a *app) pins(files []string) ([]pinned, error) {
	var out []pinned
	for _, f := range files {
		cert, err := readCertificate(f)
		if err != nil {
			return nil, err
		}
		out = append(out, pinned{cert.Subject.CommonName, cert})
	}
	path, err := a.configPath()
	if len(files) > 0 || err != nil {
		return out, nil
	}
	c, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	known, err := acquaintances(c)
	for _, k := range known {
		out = append(out, pinned{k.guid, k.cert})
	}
	return out, err
}

// signer is the certificate in the message, or, where the message only names the
// key, the pinned one that verifies it.
func signer(m *inspect.Message, pins []pinned) (*x509.Certificate, error) {
	cert, err := m.Certificate()
	if err == nil {
		return cert, nil
	}
	for _, p := range pins {
		if m.SignedWith(p.cert.PublicKey) {
			return p.cert, nil
		}
	}
	return nil, err
}

func pinOf(pins []pinned, cert *x509.Certificate) string {
	for _, p := range pins {
		if bytes.Equal(p.cert.RawSubjectPublicKeyInfo, cert.RawSubjectPublicKeyInfo) {
			return p.guid
		}
	}
	return ""
}

func (a *app) wireDiff() *cobra.Command {
	return &cobra.Command{
		Use:   "diff FILE FILE",
		Short: "Find the first difference between the canonical Bodies of two messages",
		Long: `Compare two messages by the canonical octets of their Bodies, or two other XML
documents as a whole. The exit code is 1 if they differ.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage("%s needs exactly two files", c.CommandPath())
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			var data [2][]byte
			for i, f := range args {
				d, err := readInput(f)
				if err != nil {
					return err
				}
				data[i] = inspect.Strip(d)
			}
			d, err := inspect.Diff(data[0], data[1])
			if err != nil {
				return err
			}
			if err := a.show(d, func(w io.Writer) {
				if d.Same {
					row(w, d.Part, "the same canonical octets")
					return
				}
				row(w, d.Part, fmt.Sprintf("differs at octet %d, line %d", d.Offset, d.Line))
				row(w, args[0], fmt.Sprintf("%q", d.A))
				row(w, args[1], fmt.Sprintf("%q", d.B))
			}); err != nil || d.Same {
				return err
			}
			return errors.New("the messages differ")
		},
	}
}
