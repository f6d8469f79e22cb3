package main

import (
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/spf13/cobra"
)

func (a *app) actorAside() *cobra.Command {
	var actor, out string
	c := &cobra.Command{
		Use:   "aside [KEY]",
		Short: "Show records that an actor could not read",
		Long: `Show the records that the actors of a server could not read when they started.
Each is kept as it was, and the actors work without it; hosts that it names are not
leased meanwhile. With the key of one, or its beginning, its octets are printed, or
written to --out, to be mended and put back with leasehold actor restore.`,
		Example: `  leasehold actor aside
  leasehold actor aside reservation/4f0c --out record.json
  leasehold actor restore reservation/4f0c --from record.json`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("%s takes one key at most; see %s --help", c.CommandPath(), c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			m, err := a.client()
			if err != nil {
				return err
			}
			list, err := m.Aside(c.Context(), actor)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				if out != "" {
					return usage("say which record is to be written to %s", out)
				}
				return a.show(list, func(w io.Writer) {
					row(w, "ACTOR", "KEY", "OCTETS", "WHY")
					for _, r := range list {
						row(w, r.Actor.Name, r.Key, len(r.Data), why(r))
					}
				})
			}
			var found []manage.Aside
			for _, r := range list {
				if r.Key == args[0] {
					found = []manage.Aside{r}
					break
				}
				if len(r.Key) >= len(args[0]) && r.Key[:len(args[0])] == args[0] {
					found = append(found, r)
				}
			}
			if len(found) != 1 {
				return &actors.Error{Op: "actor aside", Kind: actors.NotFound, Err: fmt.Errorf("%d records that are set aside begin with %q", len(found), args[0])}
			}
			r := found[0]
			if out != "" {
				if err := writeNew(out, r.Data); err != nil {
					return err
				}
			}
			return a.show(r, func(w io.Writer) {
				row(w, "actor", r.Actor.Name)
				row(w, "key", r.Key)
				row(w, "why", why(r))
				switch {
				case out != "":
					row(w, "octets", "written to "+out)
				case utf8.Valid(r.Data):
					row(w, "octets", string(r.Data))
				default:
					row(w, "octets", fmt.Sprintf("%q", r.Data))
				}
			})
		},
	}
	c.Flags().StringVar(&actor, "actor", "", "only this actor's")
	c.Flags().StringVar(&out, "out", "", "new file for the record's octets")
	return c
}

func why(r manage.Aside) string {
	if r.Why == "" {
		return "the actor has written another record of this name since"
	}
	return r.Why
}

func (a *app) actorRestore() *cobra.Command {
	var actor, from string
	c := &cobra.Command{
		Use:   "restore KEY",
		Short: "Put a record that was set aside back into the running actor",
		Long: `Put a record that could not be read back into the running actor: mended, from a
file, or as it was, when what it needs is there by now. A record that still cannot
be read stays set aside.`,
		Args: oneArg("key"),
		RunE: func(c *cobra.Command, args []string) error {
			var data []byte
			if from != "" {
				var err error
				if data, err = readInput(from); err != nil {
					return err
				}
				if len(data) == 0 {
					return errors.New(from + " is empty")
				}
			}
			m, err := a.client()
			if err != nil {
				return err
			}
			if err := m.Restore(c.Context(), actor, args[0], data); err != nil {
				return err
			}
			return a.show(map[string]string{"restored": args[0]}, func(w io.Writer) { row(w, "restored", args[0]) })
		},
	}
	c.Flags().StringVar(&actor, "actor", "", "the actor whose record is meant")
	c.Flags().StringVar(&from, "from", "", "file with the mended record; default as it was")
	_ = c.MarkFlagFilename("from")
	return c
}

func (a *app) actorDrop() *cobra.Command {
	var actor string
	c := &cobra.Command{
		Use:   "drop KEY",
		Short: "Throw a record away that was set aside",
		Args:  oneArg("key"),
		RunE: func(c *cobra.Command, args []string) error {
			m, err := a.client()
			if err != nil {
				return err
			}
			if err := m.Drop(c.Context(), actor, args[0]); err != nil {
				return err
			}
			return a.show(map[string]string{"dropped": args[0]}, func(w io.Writer) { row(w, "dropped", args[0]) })
		},
	}
	c.Flags().StringVar(&actor, "actor", "", "the actor whose record is meant")
	return c
}
