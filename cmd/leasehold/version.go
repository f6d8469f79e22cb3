package main

import (
	"io"
	"runtime"

	"github.com/spf13/cobra"
)

// version is set by the linker; see Makefile.
var version = "unknown"

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			v := struct {
				Version string `json:"version"`
				Go      string `json:"go"`
			}{version, runtime.Version()}
			return a.show(v, func(w io.Writer) { row(w, "leasehold", v.Version, v.Go) })
		},
	}
}
