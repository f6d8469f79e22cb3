/*
Package demo shows a federation at work, on this machine and for real: three
actors with keys of their own exchange signed messages over loopback HTTP, a
virtual cluster is leased, written to an LDAP directory over LDAP, edited there by
an operator, extended once and torn down at the end of its term.

It is the same program an operator runs, from a configuration as leasehold init
writes it; only the machines are emulated. Run checks what it shows and fails if
the lease was not active, extended and closed, if the operator's edit was lost, or
if anything is left in the directory.
*/
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/starter"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/sirupsen/logrus"
)

// Options says what to show. Fields without a stated default are required.
type Options struct {
	Nodes     int           // hosts of the cluster
	Term      time.Duration // of the whole lease: the first half is asked for, the second is the extension
	Cycle     time.Duration // length of a clock cycle
	Directory string        // "embedded", or an LDAP URL with the base in its path
	BindDN    string        // who to bind as at an LDAP server
	Password  string
	Keep      bool               // leave the folder
	Report    func(Event)        // hears what happens, from several goroutines
	Log       logrus.FieldLogger // the server's own log
}

// Event is one thing worth telling.
type Event struct {
	After  time.Duration  `json:"-"`
	Second float64        `json:"seconds"`          // since the start
	What   string         `json:"what"`             // folder, look, move, cluster, edit, extend, survived, clean
	Text   string         `json:"text"`             // a sentence for people
	Change *manage.Change `json:"change,omitempty"` // for a move
}

// Result is what the demo has seen. It is the last line of its JSON output.
type Result struct {
	OK       bool              `json:"ok"`
	Nodes    int               `json:"nodes"`
	States   map[string]string `json:"states"`   // final state, by actor
	Messages int               `json:"messages"` // signed messages delivered between the actors
	Entries  int               `json:"entries"`  // directory entries the cluster had
	Seconds  float64           `json:"seconds"`
	Folder   string            `json:"folder,omitempty"` // with Keep
}

// show is one run.
type show struct {
	Options
	began  time.Time
	folder string
	config config.Config
	server *wiring.Process
	ldap   *look
	lease  manage.Reservation
	result Result
}

// Run plays the demo to its end. The error says what did not go as promised.
func Run(ctx context.Context, o Options) (Result, error) {
	s := &show{Options: o, began: time.Now(), result: Result{Nodes: o.Nodes, States: map[string]string{}}}
	err := s.run(ctx)
	s.result.OK = err == nil
	s.result.Seconds = time.Since(s.began).Round(10 * time.Millisecond).Seconds()
	return s.result, err
}

func (s *show) tell(what, format string, args ...any) {
	after := time.Since(s.began)
	s.Report(Event{After: after, Second: after.Round(time.Millisecond).Seconds(), What: what, Text: fmt.Sprintf(format, args...)})
}

func (s *show) run(ctx context.Context) (err error) {
	if s.folder, err = os.MkdirTemp("", "leasehold-demo-"); err != nil {
		return err
	}
	if s.Keep {
		s.result.Folder = s.folder
	} else {
		defer func() { err = errors.Join(err, os.RemoveAll(s.folder)) }()
	}
	if err := s.prepare(); err != nil {
		return err
	}
	if s.server, err = wiring.New(ctx, s.config, s.Log); err != nil {
		return err
	}
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- s.server.Serve(serving) }()
	defer func() {
		stop()
		if e := <-served; err == nil {
			err = e
		}
	}()
	// A server that ends by itself ends the story.
	story, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	failed := make(chan struct{})
	go func() {
		defer close(failed)
		select {
		case e := <-served:
			served <- e
			cancel(fmt.Errorf("the server stopped: %w", e))
		case <-story.Done():
		}
	}()
	err = s.story(story)
	if cause := context.Cause(story); err != nil && cause != nil && ctx.Err() == nil {
		err = cause
	}
	cancel(nil)
	<-failed
	return err
}

// prepare makes the folder of an installation.
func (s *show) prepare() error {
	peers, err := freePort()
	if err != nil {
		return err
	}
	plan := starter.Plan{Dir: s.folder, Nodes: s.Nodes, Listen: peers, Cycle: s.Cycle}
	plan.Driver = config.Handler{Driver: "noop", SetupDelay: s.Cycle / 2, TeardownDelay: s.Cycle / 2}
	if s.Directory == "embedded" {
		if plan.LDAP, err = freePort(); err != nil {
			return err
		}
	} else if plan.Remote, err = s.remote(); err != nil {
		return err
	}
	if s.config, err = starter.Make(plan); err != nil {
		return err
	}
	s.tell("folder", "a federation of three actors is configured in %s", s.folder)
	return nil
}

// remote is the configuration of a directory server given by URL.
func (s *show) remote() (*config.Directory, error) {
	u, err := url.Parse(s.Directory)
	if err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	base := strings.TrimPrefix(u.Path, "/")
	if base == "" || u.Scheme != "ldap" && u.Scheme != "ldaps" {
		return nil, fmt.Errorf("directory: %q is not of the form ldap://host:port/dc=site,dc=test", s.Directory)
	}
	d := directory(u.Scheme+"://"+u.Host, base, s.BindDN)
	if s.BindDN != "" {
		const file = "bind.password"
		if err := os.WriteFile(filepath.Join(s.folder, file), []byte(s.Password+"\n"), 0o600); err != nil {
			return nil, err
		}
		d.PasswordFile = file
	}
	return &d, nil
}

// freePort is an address on loopback that nobody uses at the moment.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// follow reports every move of the lease until the stream ends.
func (s *show) follow(ctx context.Context) (stop func(), err error) {
	stream, err := s.server.Manage.Watch(ctx, manage.Filter{})
	if err != nil {
		return nil, err
	}
	var done sync.WaitGroup
	done.Go(func() {
		for {
			ch, err := stream.Next(ctx)
			if errors.Is(err, io.EOF) || ctx.Err() != nil || err != nil {
				return
			}
			after := time.Since(s.began)
			s.Report(Event{After: after, Second: after.Round(time.Millisecond).Seconds(), What: "move", Change: &ch,
				Text: fmt.Sprintf("%s: %s -> %s (%s)", name(ch.Actor), ch.From, ch.To, ch.Why)})
		}
	})
	return func() { _ = stream.Close(); done.Wait() }, nil
}

func name(p *manage.Party) string {
	if p == nil {
		return ""
	}
	return p.Name
}

// messages is how many messages the actors have delivered to one another.
func (s *show) messages() int {
	n := 0
	for _, a := range s.server.Actors {
		for _, count := range a.Remote.Counts().Delivered {
			n += count
		}
	}
	return n
}

// states notes where the reservation stands at every actor.
func (s *show) states(ctx context.Context) error {
	rs, err := s.server.Manage.List(ctx, manage.Filter{})
	if err != nil {
		return err
	}
	for _, r := range rs {
		s.result.States[r.Actor.Name] = r.State
		if r.State != actors.Closed.String() {
			return fmt.Errorf("at the end the reservation is %s at %s, not Closed", r.State, r.Actor.Name)
		}
	}
	if len(rs) != len(s.server.Actors) {
		return fmt.Errorf("%d actors know the reservation, not %d", len(rs), len(s.server.Actors))
	}
	return nil
}
