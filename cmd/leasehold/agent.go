package main

import (
	"context"
	"crypto"
	"crypto/md5" // deployed agents read nothing else
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leasehold/leasehold/handlers/nodeagent"
	runner "github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/agentrun"
	wire "github.com/leasehold/leasehold/wire/nodeagent"
	"github.com/leasehold/leasehold/wssec/keys"
)

// reach is what commands to a node agent need.
type reach struct{ keys, agent string }

func (x *reach) flags(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&x.keys, "keys", "", "folder with our key, which the agent knows")
	c.Flags().StringVar(&x.agent, "agent", "", "file with the agent's certificate, as leasehold agent register writes it")
	return c
}

// open prepares to speak to the agent at an address.
func (x *reach) open(url string) (*agentrun.Runner, error) {
	if x.keys == "" || x.agent == "" {
		return nil, usage("say --keys and --agent: our key, and the agent's certificate")
	}
	id, err := keys.Load(x.keys)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(x.agent)
	if err != nil {
		return nil, err
	}
	cert, err := keys.ParseCertificatePEM(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", x.agent, err)
	}
	r, err := agentrun.New(agentrun.Config{URL: url, Agent: cert, Identity: id})
	if err != nil {
		return nil, usageError{err}
	}
	return r, nil
}

// answered is what an agent's answer shows.
type answered struct {
	Code       int32             `json:"code"`
	Properties map[string]string `json:"properties,omitempty"`
}

// ask makes one request and shows the answer.
func (a *app) ask(ctx context.Context, x *reach, url string, q wire.Request) error {
	r, err := x.open(url)
	if err != nil {
		return err
	}
	defer r.Close()
	got, err := r.Do(ctx, q)
	if err != nil {
		return err
	}
	return a.showAnswer(q.Op, got.Code, wire.Map(got.Properties))
}

func (a *app) showAnswer(op wire.Op, code int32, props map[string]string) error {
	err := a.show(answered{code, props}, func(w io.Writer) {
		row(w, "code", code)
		for _, name := range slices.Sorted(maps.Keys(props)) {
			row(w, name, props[name])
		}
	})
	if err == nil && code != wire.OK {
		err = fmt.Errorf("%s: the agent answers with the code %d %s", op, code, clean(props["driver.exception.message"]))
	}
	return err
}

func (a *app) agentCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "agent",
		Short: "Node agents: keys, driver packages and actions",
		Long: `Node agents: keys, driver packages and actions.

A node runs leasehold-nodeagent. It obeys the key whose hash the node was booted with: put the
line that leasehold agent hash prints on its kernel's command line, with a NODE_TOKEN of your own,
boot it, and let leasehold agent register fetch the node's certificate. From then on driver
packages, which leasehold agent pack makes and signs, are installed and their actions run.`,
		Example: `  leasehold agent hash --keys ./keys/site1
  leasehold agent register http://10.0.0.2:6/xmlrpc --keys ./keys/site1 --token T -o node1.pem
  leasehold agent pack ./driver --keys ./keys/site1 -o web-1.0.tgz
  leasehold agent install http://10.0.0.2:6/xmlrpc web-1.0.tgz --keys ./keys/site1 --agent node1.pem
  leasehold agent invoke http://10.0.0.2:6/xmlrpc web test --property a=1 --keys ./keys/site1 --agent node1.pem`,
	}
	c.AddCommand(a.agentHashCommand(), a.agentRegisterCommand(), a.agentPackCommand(), a.agentDriverCommand("install", wire.InstallDriver),
		a.agentDriverCommand("upgrade", wire.UpgradeDriver), a.agentDriverCommand("uninstall", wire.UninstallDriver),
		a.agentDriverCommand("rollback", wire.RollbackDriver), a.agentInvokeCommand(), a.agentRunCommand(), a.agentKeyCommand("add-key", wire.RegisterKey),
		a.agentKeyCommand("remove-key", wire.UnregisterKey))
	return c
}

func (a *app) agentHashCommand() *cobra.Command {
	var dir string
	var legacy bool
	c := &cobra.Command{
		Use:   "hash",
		Short: "The word for a node's kernel command line that makes it obey a key",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			id, err := authority(dir)
			if err != nil {
				return err
			}
			hash := nodeagent.Hash(id.Cert)
			if legacy {
				hash = nodeagent.LegacyHash(id.Cert)
			}
			return a.show(map[string]string{"AUTH_HASH": hash}, func(w io.Writer) { row(w, "AUTH_HASH="+hash) })
		},
	}
	c.Flags().StringVar(&dir, "keys", "", "folder with the key")
	c.Flags().BoolVar(&legacy, "legacy", false, "for a deployed agent, with MD5 or SHA-1")
	return c
}

// authority is a key that can be a node's first, which has to be RSA.
func authority(dir string) (keys.Identity, error) {
	if dir == "" {
		return keys.Identity{}, usage("say --keys: the folder with our key")
	}
	id, err := keys.Load(dir)
	if err != nil {
		return id, err
	}
	if _, ok := id.Key.(*rsa.PrivateKey); !ok {
		return id, usage("%s: the first key of a node has to be an RSA key (init --key rsa-2048)", dir)
	}
	return id, nil
}

func (a *app) agentRegisterCommand() *cobra.Command {
	var dir, token, to string
	var legacy bool
	c := &cobra.Command{
		Use:   "register URL",
		Short: "Become the key that a new node obeys, and fetch its certificate",
		Long: `Become the key that a new node obeys, and fetch its certificate.

The node compares our certificate with the AUTH_HASH that it was booted with; its answer holds
its own certificate and the NODE_TOKEN, encrypted for us. The certificate is written when the
token is the one given. It may be asked for again.`,
		Args: oneArg("address"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := authority(dir)
			if err != nil {
				return err
			}
			if token == "" || to == "" {
				return usage("say --token and -o: what the node was booted with, and where its certificate goes")
			}
			cert, err := register(cmd.Context(), id, args[0], token, legacy)
			if err != nil {
				return err
			}
			if err := os.WriteFile(to, keys.CertificatePEM(cert), 0o644); err != nil {
				return err
			}
			return a.show(map[string]string{"certificate": to, "fingerprint": keys.Fingerprint(cert)}, func(w io.Writer) {
				row(w, to+": the node's certificate, "+keys.Fingerprint(cert))
			})
		},
	}
	c.Flags().StringVar(&dir, "keys", "", "folder with our key")
	c.Flags().StringVar(&token, "token", "", "the NODE_TOKEN that the node was booted with")
	c.Flags().StringVarP(&to, "output", "o", "", "write the node's certificate to this file")
	c.Flags().BoolVar(&legacy, "legacy", false, "sign as deployed agents check it, with MD5")
	return c
}

// register is the authority's half of the exchange of the first key (nodeagent 2).
func register(ctx context.Context, id keys.Identity, url, token string, legacy bool) (*x509.Certificate, error) {
	message := []byte(`<?xml version="1.0" encoding="ISO-8859-1"?>` + "\n<keymastermessage>\n  <nodeIP>NA</nodeIP>\n  <timestamp>NA</timestamp>\n  <authorityIP>NA</authorityIP>\n</keymastermessage>\n")
	sum, hash := sha256.Sum256(message), crypto.SHA256
	digest := sum[:]
	if legacy {
		short := md5.Sum(message)
		digest, hash = short[:], crypto.MD5
	}
	signature, err := id.Key.Sign(nil, digest, hash)
	if err != nil {
		return nil, err
	}
	r, err := agentrun.New(agentrun.Config{URL: url, Agent: id.Cert, Identity: id}) // nothing is signed by the node yet
	if err != nil {
		return nil, usageError{err}
	}
	defer r.Close()
	got, err := r.Do(ctx, wire.Request{Op: wire.RegisterAuthorityKey, Alias: "authoritykey", Certificate: id.Cert.Raw, Message: message, Signature: signature})
	if err != nil {
		return nil, err
	}
	if got.Code != wire.OK {
		return nil, fmt.Errorf("the node refuses with the code %d: it was booted for another key, or has one already", got.Code)
	}
	return nodeagent.OpenAnswer(id.Key.(*rsa.PrivateKey), got.Reply, got.Key, token)
}

func (a *app) agentKeyCommand(use string, op wire.Op) *cobra.Command {
	x := &reach{}
	c := &cobra.Command{Use: use + " URL ALIAS CERTIFICATE", Short: "Let another key speak to a node agent"}
	n := 3
	if op == wire.UnregisterKey {
		c.Use, c.Short, n = use+" URL ALIAS", "Let a key speak to a node agent no more", 2
	}
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usage("%s needs %s", cmd.CommandPath(), strings.TrimPrefix(cmd.Use, use+" "))
		}
		q := wire.Request{Op: op, Alias: args[1]}
		if n == 3 {
			data, err := os.ReadFile(args[2])
			if err != nil {
				return err
			}
			cert, err := keys.ParseCertificatePEM(data)
			if err != nil {
				return fmt.Errorf("%s: %w", args[2], err)
			}
			q.Certificate = cert.Raw
		}
		return a.ask(cmd.Context(), x, args[0], q)
	}
	return x.flags(c)
}

func (a *app) agentRunCommand() *cobra.Command {
	x := &reach{}
	return x.flags(&cobra.Command{
		Use:   "run URL -- PROGRAM ARGUMENT...",
		Short: "Run a program on a node, through its agent",
		Args:  minArgs(2, "an address and a program"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := x.open(args[0])
			if err != nil {
				return err
			}
			defer r.Close()
			o, err := r.Run(cmd.Context(), runner.Cmd{Args: args[1:]})
			if err != nil {
				return err
			}
			if a.json {
				err = a.encode(o)
			} else {
				_, err = io.WriteString(a.out, o.Stdout)
				_, errs := io.WriteString(a.err, o.Stderr)
				err = errors.Join(err, errs)
			}
			if err == nil && o.Code != 0 {
				err = fmt.Errorf("%s ends with %d", args[1], o.Code)
			}
			return err
		},
	})
}
