package signal_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/actors/signal"
	"github.com/sirupsen/logrus"
)

func TestRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) signal.Source {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return signal.Source{File: path}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/load", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "42\n") })
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/load", http.StatusFound) })
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close) // when the cases are over
	for _, tt := range []struct {
		name   string
		source signal.Source
		want   int
		err    string
	}{
		{"a file", file("a", " 7\n"), 7, ""},
		{"nothing", file("b", ""), 0, "not a whole number"},
		{"words", file("c", "seven"), 0, `"seven" is not a whole number`},
		{"negative", file("d", "-1"), 0, "not a whole number"},
		{"huge", file("e", "99999999999"), 0, "not a whole number"},
		{"long", file("f", strings.Repeat(" ", 5000)), 0, "more than 4096"},
		{"no file", signal.Source{File: filepath.Join(dir, "none")}, 0, "no such file"},
		{"a folder", signal.Source{File: dir}, 0, "not a plain file"},
		{"a command", signal.Source{Command: []string{"echo", "12"}}, 12, ""},
		{"one that fails", signal.Source{Command: []string{"sh", "-c", "echo broken >&2; exit 3"}}, 0, "broken"},
		{"no command", signal.Source{Command: []string{filepath.Join(dir, "none")}}, 0, "no such file"},
		{"one that talks", signal.Source{Command: []string{"yes"}}, 0, ""},
		{"an address", signal.Source{URL: srv.URL + "/load"}, 42, ""},
		{"nothing there", signal.Source{URL: srv.URL + "/none"}, 0, "404"},
		{"elsewhere", signal.Source{URL: srv.URL + "/away"}, 0, "302"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if tt.name == "one that talks" {
				cancel()
				ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
			}
			defer cancel()
			got, err := tt.source.Read(ctx)
			if tt.name == "one that talks" { // or whose time was over before it could begin
				if err == nil || !strings.Contains(err.Error(), "killed") && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%d, %v", got, err)
				}
				return
			}
			if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%d, %v; want %d, %q", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for url, ok := range map[string]bool{"http://127.0.0.1:1/x": true, "http://localhost/": true, "http://[::1]:80/": true,
		"https://127.0.0.1/": false, "http://192.0.2.1/": false, "http://example.org/": false, "127.0.0.1": false, "": false} {
		if err := (signal.Source{URL: url}).Check(); (err == nil) != ok {
			t.Errorf("%q: %v", url, err)
		}
	}
	if err := (signal.Source{File: "f", Command: []string{"c"}}).Check(); err == nil {
		t.Error("two sources were taken")
	}
}

// A signal is told as it is read; while it cannot be read nothing is told, the log
// hears of it once, and once when it is well again.
func TestWatch(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "load")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("3")
	hand := clock.NewManual(time.Unix(0, 0))
	heard := make(chan int)
	var log lines
	logger := logrus.New()
	logger.SetOutput(&log)
	w := signal.Watch{Guest: "web", Source: signal.Source{File: path}, Every: time.Minute, Clock: hand, Log: logger,
		Tell: func(ctx context.Context, o actors.Observe) error {
			select {
			case heard <- o.Value:
			case <-ctx.Done():
			}
			if o.Value == 13 {
				return errors.New("nobody likes it")
			}
			return nil
		}}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Serve(ctx) }()
	// next waits for the reader to sleep, and then for what it says.
	next := func(want int) {
		t.Helper()
		for {
			select {
			case got := <-heard:
				if got != want {
					t.Fatalf("heard %d, want %d", got, want)
				}
				return
			case <-time.After(time.Millisecond):
				hand.Advance(time.Minute)
			}
		}
	}
	next(3)
	write("5")
	next(5)
	write("rubbish")
	for !strings.Contains(log.String(), "is not read") {
		hand.Advance(time.Minute)
		time.Sleep(time.Millisecond)
	}
	for range 5 {
		hand.Advance(time.Minute)
		time.Sleep(time.Millisecond)
	}
	write("13")
	next(13)
	write("8")
	next(8)
	for !strings.Contains(log.String(), "read again") {
		time.Sleep(time.Millisecond)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if text := log.String(); strings.Count(text, "is not read") != 1 || strings.Count(text, "read again") != 1 {
		t.Errorf("the log:\n%s", text)
	}
}

// lines is a log that may be read while it is written.
type lines struct {
	sync.Mutex
	strings.Builder
}

// Write adds to the log (io.Writer).
func (l *lines) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.Builder.Write(p)
}

// String is the log so far.
func (l *lines) String() string {
	l.Lock()
	defer l.Unlock()
	return l.Builder.String()
}

// FuzzParse: whatever a signal says, it is a number in bounds or an error.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"7", " 12\n", "", "-1", "1e3", "0x10", "+5", "1 2"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if n, err := signal.Parse(data); err == nil && n < 0 {
			t.Fatalf("%q is %d", data, n)
		}
	})
}
