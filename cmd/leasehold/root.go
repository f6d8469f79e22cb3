package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/spf13/cobra"
)

// streams is where a command writes: data to out, everything else to err.
type streams struct{ out, err io.Writer }

// app is what all commands share.
type app struct {
	streams
	json   bool
	config string
	socket string
}

// usageError is a mistake in the command line itself.
type usageError struct{ error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// exitCode is what leasehold help exit-codes promises.
func exitCode(err error) int {
	var u usageError
	var c config.Problems
	if errors.As(err, &u) || errors.As(err, &c) {
		return 2
	}
	if directory.CodeOf(err) == directory.UnwillingToPerform {
		return 1 // it was reached; a command does not know whether it will ever be willing
	}
	for _, o := range directoryOutcomes {
		if errors.Is(err, o.is) {
			return o.exit
		}
	}
	return manage.ExitCode(err)
}

// directoryOutcomes are the exit codes of what a directory says.
var directoryOutcomes = []struct {
	is   error
	exit int
}{
	{directory.ErrNotFound, 3}, {directory.ErrDenied, 4}, {directory.ErrExists, 5}, {directory.ErrConflict, 5}, {directory.ErrUnavailable, 7},
}

const exitCodes = `Every command exits with one of these:

  0  done
  1  failed
  2  wrong usage or configuration
  3  not found
  4  denied
  5  conflict or no capacity
  6  time-out: still pending, it may yet happen
  7  server, actor or store not reachable
  8  trust or clock problem
  9  partly done
`

// newRoot is the whole command tree.
func newRoot(io streams) *cobra.Command {
	a := &app{streams: io}
	root := &cobra.Command{
		Use:   "leasehold",
		Short: "Lease networked resources across a federation of sites",
		Long: `Leasehold leases networked resources: service managers ask brokers for tickets
and turn them into leases at site authorities, which set machines up and keep
their virtual clusters in an LDAP directory.`,
		Example: `  leasehold demo                      watch a federation lease a cluster, on this machine
  leasehold init ./site && leasehold serve --config ./site/leasehold.yaml`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetOut(io.out)
	root.SetErr(io.err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage("%w; see %s --help", err, c.CommandPath())
	})
	flags := root.PersistentFlags()
	flags.BoolVar(&a.json, "json", false, "print JSON for programs instead of a table for people")
	flags.StringVar(&a.config, "config", os.Getenv("LEASEHOLD_CONFIG"),
		"configuration file; default $LEASEHOLD_CONFIG, ./leasehold.yaml, /etc/leasehold/leasehold.yaml")
	flags.StringVar(&a.socket, "socket", os.Getenv("LEASEHOLD_SOCKET"),
		"admin socket of the server; default $LEASEHOLD_SOCKET, or the one in the configuration")
	_ = root.MarkPersistentFlagFilename("config", "yaml", "yml")
	root.AddCommand(
		a.demoCommand(), a.initCommand(), a.serveCommand(), a.configCommand(), a.actorCommand(), a.clockCommand(), a.leaseCommand(), a.hostCommand(), a.exportCommand(),
		a.ticketCommand(), a.wireCommand(), a.keyCommand(), a.peerCommand(), a.emulateCommand(), a.planCommand(), a.explainCommand(), a.calendarCommand(), a.approvalCommand(),
		a.backupCommand(), a.registryCommand(), a.codCommand(), a.feedCommand(), a.handlerCommand(), a.agentCommand(), a.simCommand(), a.versionCommand(), a.manCommand(),
		&cobra.Command{Use: "exit-codes", Short: "What exit codes mean", Long: exitCodes},
	)
	for _, c := range append(root.Commands(), root) {
		quiet(c)
	}
	return root
}

// quiet gives every command that takes sub-commands the same behaviour on a typo.
func quiet(c *cobra.Command) {
	if c.HasSubCommands() && c.Run == nil && c.RunE == nil {
		c.Args = cobra.ArbitraryArgs
		c.RunE = func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.Help()
			}
			text := fmt.Sprintf("there is no command %q", strings.TrimSpace(c.CommandPath()+" "+args[0]))
			if near := c.SuggestionsFor(args[0]); len(near) > 0 {
				text += "; did you mean " + strings.Join(near, " or ") + "?"
			}
			return usage("%s", text)
		}
		if c.SuggestionsMinimumDistance == 0 {
			c.SuggestionsMinimumDistance = 2
		}
	}
}

// noArgs refuses arguments as a usage mistake.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("%s takes no arguments, got %q", c.CommandPath(), args)
	}
	return nil
}

// oneArg wants exactly one argument.
func oneArg(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usage("%s needs exactly one %s; see %s --help", c.CommandPath(), what, c.CommandPath())
		}
		return nil
	}
}

// minArgs wants at least n arguments, which are what.
func minArgs(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < n {
			return usage("%s needs %s; see %s --help", c.CommandPath(), what, c.CommandPath())
		}
		return nil
	}
}

// configPath is the configuration file to use.
func (a *app) configPath() (string, error) {
	if a.config != "" {
		return a.config, nil
	}
	tried := []string{"leasehold.yaml", "/etc/leasehold/leasehold.yaml"}
	for _, p := range tried {
		if _, err := os.Stat(p); err == nil {
			return p, nil
		}
	}
	return "", usage("no configuration: give --config FILE (looked for %s; leasehold init makes one)", strings.Join(tried, " and "))
}

// client reaches the server's admin socket.
func (a *app) client() (*manage.Client, error) {
	path, err := a.socketPath()
	if err != nil {
		return nil, err
	}
	return manage.NewClient(path), nil
}

// socketPath is where the server listens that commands speak to.
func (a *app) socketPath() (string, error) {
	if a.socket != "" {
		return a.socket, nil
	}
	path, err := a.configPath()
	if err != nil {
		return "", fmt.Errorf("which server? give --socket or --config: %w", err)
	}
	c, err := config.Load(path)
	if err != nil {
		return "", err
	}
	return filepath.Clean(c.Admin), nil
}
