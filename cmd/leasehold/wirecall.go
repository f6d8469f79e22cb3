package main

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/inspect"
	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/keys"
	"github.com/spf13/cobra"
)

// callInfo is a call of XML-RPC taken apart.
type callInfo struct {
	Method      string         `json:"method"`
	From        string         `json:"from,omitempty"`
	GUID        string         `json:"guid,omitempty"`
	To          string         `json:"to,omitempty"`
	Time        time.Time      `json:"time,omitzero"`
	Nonce       string         `json:"nonce,omitempty"`
	Algorithm   string         `json:"algorithm,omitempty"`
	Certificate string         `json:"certificate,omitempty"` // SHA-256
	Canonical   string         `json:"canonical,omitempty"`   // SHA-256 of what is signed
	Octets      int            `json:"octets,omitempty"`      // of what is signed
	Problem     string         `json:"problem,omitempty"`     // with the signature
	Request     map[string]any `json:"request,omitempty"`
}

func (a *app) wireCall() *cobra.Command {
	var pin string
	var raw bool
	c := &cobra.Command{
		Use:   "call FILE",
		Short: "Take a recorded call of XML-RPC apart, and check its signature",
		Long: `Take a recorded call of XML-RPC apart: the call, or a whole HTTP message with one. Its
signature is checked with the certificate inside it, or with one that you trust: --pin.
A server asks for more: that the call is for it, just made, and new.`,
		Example: `  leasehold wire call call.xml --pin sm.pem
  leasehold wire call call.xml --canonical | sha256sum`,
		Args: oneArg("file"),
		RunE: func(_ *cobra.Command, args []string) error {
			data, err := readInput(args[0])
			if err != nil {
				return err
			}
			call, err := xmlrpc.ParseCall(inspect.Strip(data), xmlrpc.Limits{})
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if len(call.Params) != 2 {
				return fmt.Errorf("%s: a call of %s with %d parameters; one of leasing has two structs", args[0], call.Method, len(call.Params))
			}
			octets, broken := wssec.AppendCallOctets(nil, call.Method, call.Params[0], call.Params[1])
			if raw {
				if broken != nil {
					return fmt.Errorf("%s: nothing signs %w", args[0], broken)
				}
				_, err := a.out.Write(octets)
				return err
			}
			var trusted *x509.Certificate
			if pin != "" {
				if trusted, err = readCertificate(pin); err != nil {
					return err
				}
			}
			i := callInfoOf(call, octets, broken, trusted)
			if err := a.show(i, i.print); err != nil {
				return err
			}
			if i.Problem != "" {
				return fmt.Errorf("%w: %s: %s", manage.ErrTrust, args[0], i.Problem)
			}
			return nil
		},
	}
	c.Flags().StringVar(&pin, "pin", "", "certificate whose key must have signed, PEM or DER")
	c.Flags().BoolVar(&raw, "canonical", false, "write the octets that are signed, and nothing else")
	_ = c.MarkFlagFilename("pin", "pem", "crt", "der")
	return c
}

func callInfoOf(c xmlrpc.Call, octets []byte, broken error, trusted *x509.Certificate) (i callInfo) {
	auth, request := c.Params[0], c.Params[1]
	text := func(name string) string { s, _ := auth.Member(name).Text(); return s }
	i = callInfo{Method: c.Method, From: text("name"), GUID: text("guid"), To: text("to"), Nonce: text("nonce"), Algorithm: text("alg")}
	if ms, ok := auth.Member("time").Number(); ok {
		i.Time = time.UnixMilli(ms).UTC()
	}
	i.Request, _ = plainValue(request).(map[string]any)
	if broken != nil {
		i.Problem = "nothing signs " + broken.Error()
		return i
	}
	sum := sha256.Sum256(octets)
	i.Canonical, i.Octets = hex.EncodeToString(sum[:]), len(octets)
	cert := trusted
	if der, ok := auth.Member("cert").Octets(); ok {
		inside, err := x509.ParseCertificate(der)
		switch {
		case err != nil:
			i.Problem = "the certificate in it is none"
			return i
		case cert == nil:
			cert = inside
		case !sameKey(cert, inside):
			i.Problem = "the certificate in it has another key than the one of --pin"
			return i
		}
	}
	if cert == nil {
		i.Problem = "it is not signed"
		return i
	}
	i.Certificate = keys.Fingerprint(cert)
	if err := wssec.CheckCall(c.Method, auth, request, cert.PublicKey); err != nil {
		i.Problem = err.Error()
	}
	return i
}

func (i callInfo) print(w io.Writer) {
	row(w, "method", i.Method)
	row(w, "from", i.From+" "+i.GUID)
	row(w, "to", dash(i.To))
	row(w, "time", when(i.Time))
	row(w, "nonce", dash(i.Nonce))
	row(w, "algorithm", dash(i.Algorithm))
	row(w, "certificate", dash(i.Certificate))
	row(w, "signed", strconv.Itoa(i.Octets)+" octets, SHA-256 "+dash(i.Canonical))
	if i.Problem == "" {
		row(w, "signature", "matches")
	} else {
		row(w, "signature", i.Problem)
	}
}

// plainValue is a value as JSON has it: octets in base64.
func plainValue(v xmlrpc.Value) any {
	switch v.Kind() {
	case xmlrpc.KindString:
		s, _ := v.Text()
		return s
	case xmlrpc.KindInt, xmlrpc.KindLong:
		n, _ := v.Int()
		return n
	case xmlrpc.KindBool:
		b, _ := v.Bool()
		return b
	case xmlrpc.KindDouble:
		f, _ := v.Double()
		return f
	case xmlrpc.KindBase64:
		octets, _ := v.Octets()
		return base64.StdEncoding.EncodeToString(octets)
	case xmlrpc.KindDate:
		at, _, _ := v.Date()
		return at
	case xmlrpc.KindArray:
		out := []any{}
		for item := range v.Items() {
			out = append(out, plainValue(item))
		}
		return out
	case xmlrpc.KindStruct:
		out := map[string]any{}
		for name, m := range v.Members() {
			out[name] = plainValue(m)
		}
		return out
	}
	return nil
}
