package signal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/sirupsen/logrus"
)

// Patience is how long one reading may take.
const Patience = 10 * time.Second

// maxBytes bounds one reading: a number, and blanks around it.
const maxBytes = 4096

// maxValue bounds a reading, far above any use.
const maxValue = 1 << 30

// Source is where a signal comes from: exactly one of these.
type Source struct {
	File    string   // its content
	Command []string // its output; a program and its arguments, without a shell
	URL     string   // the body of its answer; an http address on this machine
}

// Check says what is wrong with a source.
func (s Source) Check() error {
	given := 0
	for _, is := range []bool{s.File != "", len(s.Command) > 0, s.URL != ""} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		return errors.New("a signal comes from one of a file, a command and an address")
	case s.URL != "":
		u, err := url.Parse(s.URL)
		if err != nil || u.Scheme != "http" || u.Host == "" {
			return fmt.Errorf("%q is not an http address", s.URL)
		}
		if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return fmt.Errorf("%q is not an address on this machine", s.URL)
		}
	}
	return nil
}

// Read takes one reading.
func (s Source) Read(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	var data []byte
	var err error
	switch {
	case s.File != "":
		data, err = readFile(s.File)
	case len(s.Command) > 0:
		data, err = runCommand(ctx, s.Command)
	default:
		data, err = get(ctx, s.URL)
	}
	if err != nil {
		return 0, err
	}
	return Parse(data)
}

// Parse reads a reading.
func Parse(data []byte) (int, error) {
	text := strings.TrimSpace(string(data))
	if len(data) > maxBytes {
		return 0, fmt.Errorf("more than %d octets", maxBytes)
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxValue {
		if len(text) > 40 {
			text = text[:40] + "..."
		}
		return 0, fmt.Errorf("%q is not a whole number from 0 to %d", text, maxValue)
	}
	return n, nil
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() { // a pipe could keep us for ever
		return nil, errors.Join(err, fmt.Errorf("%s is not a plain file", name))
	}
	return io.ReadAll(io.LimitReader(f, maxBytes+1))
}

func runCommand(ctx context.Context, args []string) ([]byte, error) {
	var out, errs limited
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Stdout, c.Stderr, c.WaitDelay = &out, &errs, time.Second
	if err := c.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", args[0], err, bytes.TrimSpace(errs.Bytes()))
	}
	return out.Bytes(), nil
}

// limited keeps the beginning of what is written to it.
type limited struct{ bytes.Buffer }

// Write keeps what there is room for (io.Writer).
func (l *limited) Write(p []byte) (int, error) {
	l.Buffer.Write(p[:min(len(p), maxBytes+1-l.Len())])
	return len(p), nil
}

func get(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", address, res.Status)
	}
	return io.ReadAll(io.LimitReader(res.Body, maxBytes+1))
}

// Watch is a signal that is read every so often. Fields without a stated default are
// required.
type Watch struct {
	Guest  string // whose it is
	Source Source
	Every  time.Duration
	Tell   func(context.Context, actors.Observe) error
	Clock  clock.Clock // nil means the real one
	Log    logrus.FieldLogger
}

// Serve reads until ctx ends. It returns nil.
func (w Watch) Serve(ctx context.Context) error {
	if w.Clock == nil {
		w.Clock = clock.Real()
	}
	log := w.Log.WithField("guest", w.Guest)
	sick := false
	for {
		n, err := w.Source.Read(ctx)
		if err == nil {
			err = w.Tell(ctx, actors.Observe{Guest: w.Guest, Value: n})
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !sick:
			log.WithError(err).Warn("the signal is not read; its last value stands")
		case err == nil && sick:
			log.Info("the signal is read again")
		}
		sick = err != nil
		if !w.sleep(ctx) {
			return nil
		}
	}
}

// sleep waits for the next reading; false if ctx ends first.
func (w Watch) sleep(ctx context.Context) bool {
	t := w.Clock.NewTimer(w.Every)
	defer t.Stop()
	select {
	case <-t.C():
		return true
	case <-ctx.Done():
		return false
	}
}
