package main

import (
	"io"

	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
)

func (a *app) serveCommand() *cobra.Command {
	var setBack bool
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the actors a configuration names",
		Long: `Run the actors a configuration names until SIGINT or SIGTERM. Killing the server
loses nothing: the next start continues every lease.`,
		Example: "  leasehold serve --config ./site/leasehold.yaml",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			path, err := a.configPath()
			if err != nil {
				return err
			}
			conf, err := config.Load(path)
			if err != nil {
				return err
			}
			var options []wiring.Option
			if setBack {
				options = append(options, wiring.ClockSetBack)
			}
			p, err := wiring.New(c.Context(), conf, logger(conf.Log, a.err), options...)
			if err != nil && c.Context().Err() != nil {
				return nil // a standby that was told to stop
			}
			if err != nil {
				return err
			}
			return p.Serve(c.Context())
		},
	}
	c.Flags().BoolVar(&setBack, "clock-set-back", false, "go on from the present time although actors have done things at a later one; see leasehold help clock")
	return c
}

// logger writes to w as the configuration says.
func logger(c config.Log, w io.Writer) *logrus.Logger {
	l := logrus.New()
	l.SetOutput(w)
	if level, err := logrus.ParseLevel(c.Level); err == nil {
		l.SetLevel(level)
	}
	if c.Format == "json" {
		l.SetFormatter(&logrus.JSONFormatter{TimestampFormat: "2006-01-02T15:04:05.000Z07:00"})
	} else {
		l.SetFormatter(&logrus.TextFormatter{FullTimestamp: true, TimestampFormat: "2006-01-02T15:04:05.000Z07:00", DisableColors: true})
	}
	return l
}
