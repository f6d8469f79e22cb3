package main

import (
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cmd/internal/starter"
	"github.com/leasehold/leasehold/wssec/keys"
	"github.com/spf13/cobra"
)

func (a *app) initCommand() *cobra.Command {
	var p starter.Plan
	var roles []string
	var algorithm string
	c := &cobra.Command{
		Use:   "init DIRECTORY",
		Short: "Make a configuration and keys to start from",
		Long: `Make a folder with a commented configuration and a key for each actor: a whole
federation for trying things out, or with --role the part that runs here. An
existing configuration is never overwritten.`,
		Example: `  leasehold init ./site
  leasehold init /etc/leasehold --role authority --nodes 64 --listen 192.0.2.1:8180`,
		Args: oneArg("directory"),
		RunE: func(_ *cobra.Command, args []string) error {
			p.Dir = args[0]
			for _, r := range roles {
				role, ok := map[string]actors.Role{"manager": actors.RoleManager, "broker": actors.RoleBroker, "authority": actors.RoleAuthority}[r]
				if !ok {
					return usage("there is no role %q; there are: manager, broker, authority", r)
				}
				p.Roles = append(p.Roles, role)
			}
			alg, ok := map[string]keys.Algorithm{"ecdsa-p256": keys.ECDSAP256, "rsa-2048": keys.RSA2048}[algorithm]
			if !ok {
				return usage("there is no key algorithm %q; there are: ecdsa-p256, rsa-2048", algorithm)
			}
			p.Algorithm = alg
			if p.Nodes < 1 || p.Nodes > 100_000 {
				return usage("a site of %d nodes: give --nodes from 1 to 100000", p.Nodes)
			}
			if p.Cycle < time.Millisecond {
				return usage("a cycle of %v: give --cycle of a millisecond or more", p.Cycle)
			}
			conf, err := starter.Make(p)
			if err != nil {
				return err
			}
			path := filepath.Join(p.Dir, starter.File)
			type made struct {
				Config string            `json:"config"`
				Actors map[string]string `json:"actors"`
			}
			out := made{path, map[string]string{}}
			for _, ac := range conf.Actors {
				out.Actors[ac.Name] = string(ac.GUID)
			}
			return a.show(out, func(w io.Writer) {
				fmt.Fprintf(w, "Wrote %s with %d actors. Now:\n  leasehold serve --config %s\n", path, len(conf.Actors), path)
			})
		},
	}
	f := c.Flags()
	f.StringSliceVar(&roles, "role", nil, "actors to make: manager, broker, authority; default one of each")
	f.IntVar(&p.Nodes, "nodes", 8, "hosts of the site")
	f.StringVar(&p.Listen, "listen", "", "host:port for peers; default 127.0.0.1:8180")
	f.StringVar(&p.URL, "url", "", "what peers are told; default http:// and --listen")
	f.StringVar(&p.LDAP, "ldap", "", "host:port of the embedded directory; default 127.0.0.1:3890")
	f.StringVar(&p.Base, "base", "dc=site,dc=test", "directory entry everything is put under")
	f.DurationVar(&p.Cycle, "cycle", time.Second, "length of a clock cycle")
	f.StringVar(&algorithm, "key", "ecdsa-p256", "algorithm of the actors' keys: ecdsa-p256 or rsa-2048")
	_ = c.RegisterFlagCompletionFunc("role", cobra.FixedCompletions([]string{"manager", "broker", "authority"}, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("key", cobra.FixedCompletions([]string{"ecdsa-p256", "rsa-2048"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}
