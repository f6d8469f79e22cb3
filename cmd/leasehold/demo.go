package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/demo"
	"github.com/spf13/cobra"
)

func (a *app) demoCommand() *cobra.Command {
	var o demo.Options
	var passwordFile string
	c := &cobra.Command{
		Use:   "demo",
		Short: "Watch a federation of three actors lease a cluster, on this machine",
		Long: `Run a service manager, a broker and a site authority in this process, each with
its own key, and let them lease a virtual cluster of emulated nodes through signed
SOAP over loopback HTTP. The cluster is written to an LDAP directory, edited there
by an operator, extended once, and torn down at the end of its term. The exit code
is 0 only if all of that was seen to happen.`,
		Example: `  leasehold demo
  leasehold demo --nodes 16 --term 30s --json
  leasehold demo --directory ldap://127.0.0.1:389/dc=site,dc=test --bind-dn cn=admin,dc=site,dc=test --password-file secret`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case o.Nodes < 1 || o.Nodes > 200:
				return usage("a cluster of %d nodes: give --nodes from 1 to 200", o.Nodes)
			case o.Cycle < 50*time.Millisecond:
				return usage("a cycle of %v: give --cycle of 50ms or more", o.Cycle)
			case o.Term < 20*o.Cycle:
				return usage("a term of %v is too short: a lease with an extension takes 20 cycles, %v", o.Term, 20*o.Cycle)
			case (o.BindDN == "") != (passwordFile == ""):
				return usage("--bind-dn and --password-file go together")
			}
			if passwordFile != "" {
				data, err := os.ReadFile(passwordFile)
				if err != nil {
					return err
				}
				o.Password = strings.TrimRight(string(data), "\r\n")
			}
			o.Log = logger(config.Log{Level: "warn", Format: "text"}, a.err)
			o.Report = a.reporter()
			res, err := demo.Run(c.Context(), o)
			if a.json {
				if e := a.encode(res); err == nil {
					err = e
				}
			} else if err == nil {
				fmt.Fprintf(a.out, "done in %.1f s: %d nodes, %d signed messages, %d directory entries\n", res.Seconds, res.Nodes, res.Messages, res.Entries)
				if res.Folder != "" {
					fmt.Fprintf(a.out, "the folder is kept; go on with: leasehold serve --config %s/leasehold.yaml\n", res.Folder)
				}
			}
			return err
		},
	}
	f := c.Flags()
	f.IntVar(&o.Nodes, "nodes", 4, "nodes of the cluster")
	f.DurationVar(&o.Term, "term", 20*time.Second, "length of the lease: half is asked for at first, half by extending it")
	f.DurationVar(&o.Cycle, "cycle", time.Second, "length of a clock cycle")
	f.StringVar(&o.Directory, "directory", "embedded", "embedded, or an LDAP server as ldap://host:port/base")
	f.StringVar(&o.BindDN, "bind-dn", "", "who to bind as at an LDAP server")
	f.StringVar(&passwordFile, "password-file", "", "file with the password for --bind-dn")
	f.BoolVar(&o.Keep, "keep", false, "keep the folder with configuration, keys and records")
	return c
}

// reporter prints events as they come: lines for people, JSON lines for programs.
func (a *app) reporter() func(demo.Event) {
	var mu sync.Mutex
	return func(e demo.Event) {
		mu.Lock()
		defer mu.Unlock()
		if a.json {
			_ = a.encode(e)
			return
		}
		mark := "*"
		if e.What == "move" {
			mark = " "
		}
		fmt.Fprintf(a.out, "%6.1fs %s %s\n", e.After.Seconds(), mark, strings.TrimRight(cleanLine(e), " "))
	}
}

// cleanLine is an event's text; moves are laid out in columns.
func cleanLine(e demo.Event) string {
	if e.Change == nil {
		return clean(e.Text)
	}
	who := ""
	if e.Change.Actor != nil {
		who = e.Change.Actor.Name
	}
	return clean(fmt.Sprintf("%-8s %-32s %s", who, e.Change.To, e.Change.Why))
}
