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
		Use:   "emulate SCENARIO...",
		Short: "Play federations on a virtual clock and report demand, supply and use",
		Long: `Play a federation on a virtual clock: the actors of this program with drivers that
do nothing, months in seconds. SCENARIO is a YAML file that says which sites,
brokers and managers there are, by which policies they decide, and what each
manager wants over time; or the name of one that comes with this program:

  ` + strings.Join(exampleNames(), ", ") + `

Several are played one after the other and compared. The same scenario always gives
the same result.`,
		Example: `  leasehold emulate month --html month.html
  leasehold emulate figure8 figure9 --html figures.html
  leasehold emulate ./mine.yaml --csv samples.csv --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("say which scenario: a file, or one of: %s", strings.Join(exampleNames(), ", "))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			var scenarios []emulate.Scenario
			for _, name := range args {
				s, err := scenario(name)
				if err != nil {
					return err
				}
				scenarios = append(scenarios, s)
			}
			var results []*emulate.Result
			for _, s := range scenarios {
				began := time.Now()
				r, err := emulate.Run(s, wiring.Policies())
				if err != nil {
					return err
				}
				results = append(results, r)
				if !a.json {
					fmt.Fprintf(a.err, "%s: %d events and %d samples in %.2f s\n", r.Name, r.Events, len(r.Samples), time.Since(began).Seconds())
				}
			}
			for _, f := range []struct {
				path string
				data func(...*emulate.Result) []byte
			}{{csv, emulate.Table}, {page, emulate.Report}} {
				if f.path == "" {
					continue
				}
				if err := os.WriteFile(f.path, f.data(results...), 0o644); err != nil {
					return err
				}
			}
			var shown any = results
			if len(results) == 1 {
				shown = results[0]
			}
			return a.show(shown, func(w io.Writer) {
				for i, r := range results {
					if i > 0 {
						row(w)
					}
					if len(results) > 1 {
						row(w, r.Name)
					}
					showResult(w, r)
				}
			})
		},
	}
	c.Flags().StringVar(&csv, "csv", "", "write every sample to this file")
	c.Flags().StringVar(&page, "html", "", "write a report with charts to this file; it needs no other")
	return c
}

func showResult(w io.Writer, r *emulate.Result) {
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
