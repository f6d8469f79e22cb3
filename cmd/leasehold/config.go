package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/spf13/cobra"
)

func (a *app) configCommand() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Check the configuration of a server"}
	c.AddCommand(&cobra.Command{
		Use:   "check [FILE]",
		Short: "Print everything that is wrong with a configuration, with line and column",
		Args:  cobra.MaximumNArgs(1),
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
			_, err := config.Load(path)
			var problems config.Problems
			if err != nil && !errors.As(err, &problems) {
				return err
			}
			if problems == nil {
				problems = config.Problems{}
			}
			if err := a.show(problems, func(w io.Writer) {
				for _, p := range problems {
					fmt.Fprintln(w, clean(p.String()))
				}
				if len(problems) == 0 {
					fmt.Fprintf(w, "%s: nothing is wrong\n", path)
				}
			}); err != nil {
				return err
			}
			if len(problems) > 0 {
				return usage("%s: %d problems", path, len(problems))
			}
			return nil
		},
	})
	quiet(c)
	return c
}
