package main

import (
	"context"
	"fmt"
	"io"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/leasehold/leasehold/actors/heap"
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
loses nothing: the next start continues every lease. Commands that come while it starts
wait until it is ready. A service manager that waits for that is told (systemd:
Type=notify), and when the server begins to stop.

The server lets 64 MiB of garbage gather, or twice what it holds, before it collects
it. GOGC and GOMEMLIMIT in its environment say otherwise, as in any Go program.

With "metrics: HOST:PORT" in its configuration it answers GET /metrics with OpenMetrics
text; each family says what it counts. Worth an alarm are
leasehold_store_stalled_seconds (above 0: nothing is taken until the store writes again),
leasehold_store_save_seconds (its sum by its count is what a save takes; all that an actor
answers waits for one),
leasehold_pending_oldest_seconds (an operation that does not end),
leasehold_messages_given_up (a peer that does not answer), and at sites with a directory
leasehold_cod_directory_in_sight (0: it is not written),
leasehold_cod_differences (leasehold cod reconcile names them) and
leasehold_cod_nodes of the states suspect and quarantined.`,
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
			heap.Tune()
			ctx, stop := context.WithCancel(c.Context())
			announced := make(chan struct{})
			go func() { defer close(announced); a.announce(ctx, p.Ready()) }()
			err = p.Serve(c.Context())
			stop()
			<-announced
			return err
		},
	}
	c.Flags().BoolVar(&setBack, "clock-set-back", false, "go on from the present time although actors have done things at a later one; see leasehold help clock")
	return c
}

// announce tells the service manager that started us, if one did and wants to know, when
// the server is ready and when it begins to stop (sd_notify 3).
func (a *app) announce(ctx context.Context, ready <-chan struct{}) {
	tell := func(state string) {
		if _, err := daemon.SdNotify(false, state); err != nil {
			fmt.Fprintf(a.err, "leasehold: the service manager was not told %s: %v\n", state, err)
		}
	}
	select {
	case <-ready:
		tell(daemon.SdNotifyReady)
	case <-ctx.Done():
	}
	<-ctx.Done()
	tell(daemon.SdNotifyStopping)
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
