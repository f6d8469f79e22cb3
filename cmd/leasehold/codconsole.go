package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cod/inventory"
	"github.com/leasehold/leasehold/cod/upkeep"
	"github.com/spf13/cobra"
)

func (a *app) codNodeConsole() *cobra.Command {
	var o deskFlags
	c := &cobra.Command{
		Use:   "console NODE",
		Short: "Connect this terminal with a node's console",
		Long: `Connect this terminal with a node's console. That of a virtual node is asked of the
machine it is on (xl console, over ssh, with the key and the host keys that the
configuration has for the machine, unless that is tied to dom0-shell). That of a
physical one is where the inventory says: a property console=tcp:host:port of its
machine, for terminal servers that speak plain TCP.`,
		Example: `  leasehold cod host add node07 --replace --property console=tcp:ts1.site.test:7007
  leasehold cod node console web2`,
		Args: oneArg("node"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.atDesk(c, o, func(d upkeep.Desk) error {
				n, err := d.Node(c.Context(), args[0])
				if err != nil {
					return err
				}
				hosts, err := d.Hosts(c.Context())
				if err != nil {
					return err
				}
				props := map[string]string{}
				for _, h := range hosts {
					if strings.EqualFold(h.Name, n.Host) {
						props = h.Properties
					}
				}
				if at, ok := strings.CutPrefix(props["console"], "tcp:"); ok {
					return a.tcpConsole(c.Context(), at)
				}
				m, err := a.machineOf(n, props["machine"])
				if err != nil {
					return err
				}
				return a.xenConsole(c.Context(), m, n.Name)
			})
		},
	}
	o.directoryFlags.flags(c)
	return c
}

// machineOf is the configuration's machine that a virtual node is on.
func (a *app) machineOf(n upkeep.Node, named string) (config.Machine, error) {
	path, err := a.configPath()
	if err != nil {
		return config.Machine{}, err
	}
	conf, err := config.Load(path)
	if err != nil {
		return config.Machine{}, err
	}
	for _, name := range []string{n.Machine, named, n.Host} {
		for _, act := range conf.Actors {
			if act.Handler == nil || name == "" {
				continue
			}
			for _, m := range act.Handler.Machines {
				if m.Name == name {
					return m, nil
				}
			}
		}
	}
	return config.Machine{}, usage("where the console of %s is, nobody says: its machine %s is none of the configuration's, and the inventory has no property console of it", n.Name, dash(n.Host))
}

// xenConsole runs xl console on a machine, whose host key must be one of those pinned.
func (a *app) xenConsole(ctx context.Context, m config.Machine, domain string) error {
	if m.Forced {
		return fmt.Errorf("the key of machine %s is tied to dom0-shell, which gives no console; log in to it with your own", m.Name)
	}
	// A shell over there reads this, and anybody who may write the directory names nodes.
	if short, _, ok := inventory.Name(domain); !ok || !strings.EqualFold(short, domain) {
		return fmt.Errorf("%.64q is no name of a domain", domain)
	}
	host, port, err := net.SplitHostPort(m.Address)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(m.HostKeys)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "leasehold-console-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	pins := filepath.Join(dir, "known_hosts")
	if err := os.WriteFile(pins, []byte(knownHosts(string(text))), 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "ssh", "-t", "-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=yes",
		"-o", "GlobalKnownHostsFile=none", "-o", "UserKnownHostsFile="+pins, "-o", "HostKeyAlias=machine", "-i", m.Key, "-p", port, "-l", m.User, host)
	if m.Sudo {
		cmd.Args = append(cmd.Args, "sudo", "-n", "--")
	}
	cmd.Args = append(cmd.Args, "xl", "console", domain)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, a.out, a.err
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("ssh to machine %s: %w", m.Name, err)
	}
	return nil
}

// knownHosts is host keys as ssh reads them, all of them of one name.
func knownHosts(text string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		fields := strings.Fields(line)
		for i, f := range fields {
			if strings.HasPrefix(f, "ssh-") || strings.HasPrefix(f, "ecdsa-") || strings.HasPrefix(f, "sk-") {
				if i+1 < len(fields) {
					b.WriteString("machine " + f + " " + fields[i+1] + "\n")
				}
				break
			}
		}
	}
	return b.String()
}

// tcpConsole copies between this terminal and an address until either ends.
func (a *app) tcpConsole(ctx context.Context, address string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	go func() {
		_, _ = io.Copy(conn, os.Stdin)
		if c, ok := conn.(*net.TCPConn); ok {
			_ = c.CloseWrite()
		}
	}()
	if _, err = io.Copy(a.out, conn); errors.Is(err, net.ErrClosed) {
		return nil // interrupted
	}
	return err
}
