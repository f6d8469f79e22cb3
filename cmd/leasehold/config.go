package main

import (
	"fmt"
	"io"
	"time"

	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/spf13/cobra"
)

func (a *app) configCommand() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Check the configuration of a server"}
	c.AddCommand(&cobra.Command{
		Use:   "check [FILE]",
		Short: "Print everything that is wrong with a configuration, with line and column",
		Long: `Read a configuration and the files it names and print everything that is wrong,
with line and column, and as warnings what will be: certificates of our actors and
of peers that end within thirty days. The exit code is 2 if something is wrong.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			path := ""
			if len(args) == 1 {
				path = args[0]
			} else {
				var err error
				if path, err = a.configPath(); err != nil {
					return err
				}
			}
			found, err := config.Check(path, time.Now())
			if err != nil {
				return err
			}
			wrong := 0
			for _, p := range found {
				if !p.Warning {
					wrong++
				}
			}
			if found == nil {
				found = config.Problems{}
			}
			if err := a.show(found, func(w io.Writer) {
				for _, p := range found {
					fmt.Fprintln(w, clean(p.String()))
				}
				if wrong == 0 {
					fmt.Fprintf(w, "%s: nothing is wrong\n", path)
				}
			}); err != nil {
				return err
			}
			if wrong > 0 {
				return usage("%s: %d problems", path, wrong)
			}
			return nil
		},
	})
	quiet(c)
	return c
}
