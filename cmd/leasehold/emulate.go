package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors/emulate"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/spf13/cobra"
)

func (a *app) emulateCommand() *cobra.Command {
	var csv, page string
	c := &cobra.Command{
		Use:   "emulate SCENARIO",
		Short: "Play a federation on a virtual clock and report demand, supply and use",
		Long: `Play a federation on a virtual clock: the actors of this program with drivers that
do nothing, months in seconds. SCENARIO is a YAML file that says which sites,
brokers and managers there are, by which policies they decide, and what each
manager wants over time; or the name of one that comes with this program:

  ` + strings.Join(exampleNames(), ", ") + `

The same scenario always gives the same result.`,
		Example: `  leasehold emulate month --html month.html
  leasehold emulate ./mine.yaml --csv samples.csv --json`,
		Args: oneArg("scenario"),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := scenario(args[0])
			if err != nil {
				return err
			}
			began := time.Now()
			r, err := emulate.Run(s, wiring.Policies())
			if err != nil {
				return err
			}
			took := time.Since(began)
			for _, f := range []struct {
				path string
				data func() []byte
			}{{csv, r.CSV}, {page, r.HTML}} {
				if f.path == "" {
					continue
				}
				if err := os.WriteFile(f.path, f.data(), 0o644); err != nil {
					return err
				}
			}
			if !a.json {
				fmt.Fprintf(a.err, "%d events and %d samples in %.2f s\n", r.Events, len(r.Samples), took.Seconds())
			}
			return a.show(r, func(w io.Writer) {
				row(w, "MANAGER", "REQUESTS", "GRANTED", "REFUSED", "EXTENDED", "RETURNED", "DEMAND", "LEASED", "RMSE", "FIDELITY", "UNSERVED")
				for _, m := range r.Managers {
					row(w, m.Name, m.Requests, m.Granted, m.Refused, m.Extended, m.Returned, fmt.Sprintf("%.1f", m.MeanDemand),
						fmt.Sprintf("%.1f", m.MeanLeased), fmt.Sprintf("%.2f", m.RMSE), percent(m.Fidelity), percent(m.Unserved))
				}
				row(w)
				row(w, "SITE", "NODES", "UTILISATION")
				for _, x := range r.Sites {
					row(w, x.Name, x.Nodes, percent(x.Utilisation))
				}
			})
		},
	}
	c.Flags().StringVar(&csv, "csv", "", "write every sample to this file")
	c.Flags().StringVar(&page, "html", "", "write a report with charts to this file; it needs no other")
	return c
}

func percent(share float64) string { return fmt.Sprintf("%.1f%%", 100*share) }

func exampleNames() []string {
	files, _ := fs.Glob(emulate.Examples(), "*.yaml")
	for i := range files {
		files[i] = strings.TrimSuffix(files[i], ".yaml")
	}
	return files
}

// scenario reads a scenario from a file, or one that comes with the program.
func scenario(name string) (emulate.Scenario, error) {
	read := func(trace string) ([]byte, error) {
		if !filepath.IsAbs(trace) {
			trace = filepath.Join(filepath.Dir(name), trace)
		}
		return os.ReadFile(trace)
	}
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(name, `/\.`) {
		read = func(trace string) ([]byte, error) { return fs.ReadFile(emulate.Examples(), trace) }
		if data, err = read(name + ".yaml"); err != nil {
			return emulate.Scenario{}, usage("there is no file %q and no example of that name; there are: %s", name, strings.Join(exampleNames(), ", "))
		}
	}
	if err != nil {
		return emulate.Scenario{}, err
	}
	s, err := emulate.Parse(name, data, read)
	if err != nil {
		return s, usage("%w", err)
	}
	return s, nil
}
