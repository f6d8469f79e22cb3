package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/actors/registrar"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/wssec/keys"
	"github.com/spf13/cobra"
)

// registryFile is the configuration of a registry when nobody says which.
const registryFile = "registry.yaml"

func (a *app) registryCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "registry",
		Short: "Be the registry of a federation's actors, and say who of them is real",
		Long: `An actor registry is where the actors of a federation, ours and deployed ones, say
that they are there, and ask who else is. serve runs one; the other commands ask the
running one over its socket. They find it by its configuration: --config, or
registry.yaml in this folder.

Actors join a registry by naming it under registries in their own configuration.`,
		Example: `  leasehold registry init ./registry --listen 0.0.0.0:12443
  leasehold registry serve --config ./registry/registry.yaml
  leasehold registry verify broker1 --config ./registry/registry.yaml`,
	}
	act := func(use, short, long, done string, do func(*registrar.Operator, context.Context, string) error) *cobra.Command {
		return &cobra.Command{Use: use + " ACTOR", Short: short, Long: long, Args: oneArg("actor: its name, its GUID, or the beginning of one"),
			RunE: func(c *cobra.Command, args []string) error { return a.registryAct(c.Context(), args[0], done, do) }}
	}
	c.AddCommand(a.registryInit(), a.registryServe(), a.registryList(), a.registryShow(),
		act("verify", "Make an actor known to the others", `Make an actor known to the others: from now on those who ask for verified actors learn its
address and its key. Compare the fingerprint that registry show prints with the people
who run the actor before you do this.`, "verified", (*registrar.Operator).Verify),
		act("revoke", "Take verify back", `Take verify back. Actors that have learned of this one go on knowing it: tell the people
who run them.`, "no longer verified", (*registrar.Operator).Revoke),
		act("remove", "Forget an actor", `Forget an actor, with its certificate: it may register again, under another key. That is
what to do when an actor has a new key.`, "removed", (*registrar.Operator).Remove))
	quiet(c)
	return c
}

// registryConfig is the configuration of the registry that a command means.
func (a *app) registryConfig() (config.Registrar, error) {
	path := a.config
	if path == "" || path == os.Getenv("LEASEHOLD_CONFIG") {
		path = registryFile
	}
	return config.LoadRegistrar(path)
}

func (a *app) operator() (*registrar.Operator, error) {
	path := a.socket
	if path == "" {
		c, err := a.registryConfig()
		if err != nil {
			return nil, err
		}
		path = c.Admin
	}
	return registrar.NewOperator(path), nil
}

// registryError is an error of a registry with the exit code that belongs to it.
func registryError(op string, err error) error {
	switch {
	case errors.Is(err, registrar.ErrUnreachable):
		return fmt.Errorf("%w: %w", manage.ErrUnreachable, err)
	case errors.Is(err, registrar.ErrUnknown):
		return &actors.Error{Op: op, Kind: actors.NotFound, Err: err}
	}
	return err
}

// registered finds the one actor that people mean.
func registered(all []registrar.Entry, who string) (registrar.Entry, error) {
	var found []registrar.Entry
	for _, e := range all {
		if e.Name == who || strings.EqualFold(e.GUID, who) {
			return e, nil
		}
		if who != "" && strings.HasPrefix(strings.ToLower(e.GUID), strings.ToLower(who)) {
			found = append(found, e)
		}
	}
	switch len(found) {
	case 0:
		return registrar.Entry{}, fmt.Errorf("%w: %q", registrar.ErrUnknown, who)
	case 1:
		return found[0], nil
	}
	return registrar.Entry{}, usage("%d actors have a GUID that begins with %q", len(found), who)
}

func (a *app) registryAct(ctx context.Context, who, done string, do func(*registrar.Operator, context.Context, string) error) error {
	op, err := a.operator()
	if err != nil {
		return err
	}
	all, err := op.Actors(ctx)
	if err != nil {
		return registryError("registry", err)
	}
	e, err := registered(all, who)
	if err == nil {
		err = do(op, ctx, e.GUID)
	}
	if err != nil {
		return registryError("registry", err)
	}
	if all, err = op.Actors(ctx); err == nil {
		if now, err := registered(all, e.GUID); err == nil {
			e = now
		}
	}
	return a.showEntry(e, done)
}

// registryEntry is one registered actor as commands print it.
type registryEntry struct {
	registrar.Entry
	Protocol    string `json:"protocol"`
	Fingerprint string `json:"fingerprint"` // SHA-256 of its certificate
}

func entryOf(e registrar.Entry) registryEntry {
	out := registryEntry{Entry: e, Protocol: e.Protocol()}
	if cert, err := registrar.ParseCertificate64(e.Certificate); err == nil {
		out.Fingerprint = keys.Fingerprint(cert)
	}
	return out
}

func (a *app) showEntry(e registrar.Entry, done string) error {
	out := entryOf(e)
	return a.show(out, func(w io.Writer) {
		row(w, "actor", strings.TrimSpace(e.Name+" "+done))
		row(w, "guid", e.GUID)
		row(w, "role", e.Role)
		row(w, "address", e.Location)
		row(w, "protocol", out.Protocol)
		row(w, "fingerprint", out.Fingerprint)
		row(w, "verified", yes(e.Verified))
		row(w, "first", when(e.First))
		row(w, "heard of", when(e.Last))
		row(w, "description", dash(e.Description))
	})
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func (a *app) registryList() *cobra.Command {
	var waiting bool
	c := &cobra.Command{
		Use: "list", Short: "List the registered actors", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			op, err := a.operator()
			if err != nil {
				return err
			}
			all, err := op.Actors(c.Context())
			if err != nil {
				return registryError("registry list", err)
			}
			out := []registryEntry{}
			for _, e := range all {
				if !waiting || !e.Verified {
					out = append(out, entryOf(e))
				}
			}
			return a.show(out, func(w io.Writer) {
				row(w, "NAME", "ROLE", "GUID", "VERIFIED", "HEARD OF", "PROTOCOL", "ADDRESS")
				for _, e := range out {
					row(w, e.Name, e.Role, e.GUID, yes(e.Verified), when(e.Last), e.Protocol, e.Location)
				}
			})
		},
	}
	c.Flags().BoolVar(&waiting, "waiting", false, "only those that nobody has verified")
	return c
}

func (a *app) registryShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ACTOR", Short: "Show a registered actor, and the fingerprint to compare", Args: oneArg("actor: its name, its GUID, or the beginning of one"),
		RunE: func(c *cobra.Command, args []string) error {
			op, err := a.operator()
			if err != nil {
				return err
			}
			all, err := op.Actors(c.Context())
			if err != nil {
				return registryError("registry show", err)
			}
			e, err := registered(all, args[0])
			if err != nil {
				return registryError("registry show", err)
			}
			return a.showEntry(e, "")
		},
	}
}

func (a *app) registryInit() *cobra.Command {
	var listen string
	c := &cobra.Command{
		Use: "init FOLDER", Short: "Make the key and the configuration of a registry", Args: oneArg("folder"),
		Long: `Make the key, the certificate and a commented configuration of a registry. The key is
RSA, which all deployed actors understand.`,
		RunE: func(c *cobra.Command, args []string) error {
			dir := args[0]
			file := filepath.Join(dir, registryFile)
			for _, path := range []string{file, filepath.Join(dir, "keys")} {
				if _, err := os.Stat(path); err == nil {
					return &actors.Error{Op: "registry init", Kind: actors.Stale, Err: fmt.Errorf("%s exists", path)}
				}
			}
			if err := os.MkdirAll(dir, 0o750); err != nil {
				return err
			}
			id, err := newRegistryIdentity(time.Now())
			if err != nil {
				return err
			}
			if err := id.Save(filepath.Join(dir, "keys")); err != nil {
				return err
			}
			if err := os.WriteFile(file, config.RegistrarFile(listen), 0o600); err != nil {
				return err
			}
			out := struct {
				File        string `json:"file"`
				Fingerprint string `json:"fingerprint"`
			}{file, keys.Fingerprint(id.Cert)}
			return a.show(out, func(w io.Writer) {
				row(w, "written", file)
				row(w, "fingerprint", out.Fingerprint)
				row(w, "next", "leasehold registry serve --config "+file)
			})
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:12443", "address for actors")
	return c
}
