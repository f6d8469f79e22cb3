package sshrun_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/runtest"
	"github.com/leasehold/leasehold/handlers/run/sshrun"
)

func config(s *setup.SSHD) sshrun.Config {
	return sshrun.Config{Addr: s.Addr, User: s.User, Key: s.Key, HostKeys: []ssh.PublicKey{s.HostKey}, Timeout: 30 * time.Second}
}

func open(t *testing.T, c sshrun.Config) *sshrun.Runner {
	t.Helper()
	r, err := sshrun.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// TestSuite is what every runner passes, through a real sshd.
func TestSuite(t *testing.T) {
	t.Parallel()
	runtest.Suite(t, open(t, config(setup.StartSSHD(t, ""))))
}

// TestPins: a machine that shows another key is not talked to.
func TestPins(t *testing.T) {
	t.Parallel()
	s, other := setup.StartSSHD(t, ""), setup.StartSSHD(t, "")
	c := config(s)
	c.HostKeys = []ssh.PublicKey{other.HostKey}
	_, err := open(t, c).Run(t.Context(), run.Cmd{Args: []string{"true"}})
	if err == nil || !strings.Contains(err.Error(), "not pinned") || !strings.Contains(err.Error(), ssh.FingerprintSHA256(s.HostKey)) {
		t.Errorf("another's host key: %v", err)
	}
	c.HostKeys = append(c.HostKeys, s.HostKey)
	if _, err := open(t, c).Run(t.Context(), run.Cmd{Args: []string{"true"}}); err != nil {
		t.Errorf("one of two pins: %v", err)
	}
	c = config(s)
	c.Key = other.Key
	if _, err := open(t, c).Run(t.Context(), run.Cmd{Args: []string{"true"}}); err == nil {
		t.Error("a key that nobody knows gets in")
	}
	for _, broken := range []func(*sshrun.Config){
		func(c *sshrun.Config) { c.HostKeys = nil },
		func(c *sshrun.Config) { c.Key = nil },
		func(c *sshrun.Config) { c.User = "" },
		func(c *sshrun.Config) { c.Addr = "nowhere" },
	} {
		c := config(s)
		broken(&c)
		if _, err := sshrun.New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

// TestForced: with a forced command only plain words are sent, and they arrive as
// the one line that the command sees.
func TestForced(t *testing.T) {
	t.Parallel()
	s := setup.StartSSHD(t, `echo "asked: $SSH_ORIGINAL_COMMAND"; cat`)
	c := config(s)
	c.Forced = true
	r := open(t, c)
	o, err := r.Run(t.Context(), run.Cmd{Args: []string{"xl", "mem-set", "slice-a-1", "128m"}, Stdin: "in"})
	if err != nil || o.Stdout != "asked: xl mem-set slice-a-1 128m\nin" {
		t.Errorf("%+v, %v", o, err)
	}
	for _, word := range []string{"", "a b", "$(id)", "a;b", "a\nb", "'", "*", "ä"} {
		if _, err := r.Run(t.Context(), run.Cmd{Args: []string{"xl", word}}); !errors.Is(err, sshrun.ErrWord) {
			t.Errorf("%q: %v", word, err)
		}
	}
}

// TestSudo: every command goes through sudo, each argument as it was given; a forced
// command and sudo do not go together.
func TestSudo(t *testing.T) {
	t.Parallel()
	c := config(setup.StartSSHD(t, `printf %s "$SSH_ORIGINAL_COMMAND"`))
	c.Sudo = true
	o, err := open(t, c).Run(t.Context(), run.Cmd{Args: []string{"touch", "a b", "-n"}})
	if err != nil || o.Stdout != `'sudo' '-n' '--' 'touch' 'a b' '-n'` {
		t.Errorf("%+v, %v", o, err)
	}
	c.Forced = true
	if _, err := sshrun.New(c); err == nil {
		t.Error("sudo is taken with a forced command")
	}
}

// TestMachineAway: a machine that is down, restarts or hangs in the middle of a
// command makes that command fail in time, and the next one works when it is back.
func TestMachineAway(t *testing.T) {
	t.Parallel()
	s := setup.StartSSHD(t, "")
	c := config(s)
	c.Timeout = 5 * time.Second
	r := open(t, c)
	call := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		_, err := r.Run(ctx, run.Cmd{Args: []string{"true"}})
		return err
	}
	if err := call(); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	// The process that serves our connection may outlive the one that listens: a new
	// connection is what fails.
	if err := open(t, c).Close(); err != nil {
		t.Error(err)
	}
	if _, err := open(t, c).Run(t.Context(), run.Cmd{Args: []string{"true"}}); err == nil {
		t.Error("nobody is there and a command ran")
	}
	s.Start()
	if err := call(); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	s.Freeze()
	if _, err := open(t, c).Run(t.Context(), run.Cmd{Args: []string{"true"}}); err == nil {
		t.Error("a frozen machine answers")
	}
	s.Thaw()
	if err := call(); err != nil {
		t.Errorf("after it was frozen: %v", err)
	}
	// It hangs in the middle of a command: the one waits, others go on.
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	hung := make(chan error, 1)
	go func() {
		_, err := r.Run(ctx, run.Cmd{Args: []string{"sh", "-c", "trap '' HUP TERM; sleep 30"}})
		hung <- err
	}()
	if err := call(); err != nil {
		t.Errorf("beside one that hangs: %v", err)
	}
	if err := <-hung; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a hung command: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := call(); err == nil {
		t.Error("a closed runner runs")
	}
}

// TestParseHostKeys: keys as ssh-keyscan and sshd's own files have them.
func TestParseHostKeys(t *testing.T) {
	t.Parallel()
	key := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(setup.StartSSHD(t, "").HostKey)))
	keys, err := sshrun.ParseHostKeys("# a comment\n" + key + " root@dom0\n\n[127.0.0.1]:2222 " + key + "\n")
	if err != nil || len(keys) != 2 {
		t.Errorf("%v, %v", keys, err)
	}
	if _, err := sshrun.ParseHostKeys(key + "\nnonsense"); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("nonsense: %v", err)
	}
	if files, _ := filepath.Glob("/etc/ssh/ssh_host_*_key.pub"); len(files) > 0 {
		data, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		if keys, err := sshrun.ParseHostKeys(string(data)); err != nil || len(keys) != 1 {
			t.Errorf("%s: %v, %v", files[0], keys, err)
		}
	}
}

// TestShows: a machine is known by the key that it shows, without logging in.
func TestShows(t *testing.T) {
	t.Parallel()
	s, other := setup.StartSSHD(t, ""), setup.StartSSHD(t, "")
	line := func(k ssh.PublicKey) string { return string(ssh.MarshalAuthorizedKey(k)) }
	for began := time.Now(); !sshrun.Shows(t.Context(), s.Addr, line(s.HostKey)); { // a machine may be slow
		if time.Since(began) > 2*time.Minute {
			t.Fatal("it does not show its key")
		}
	}
	for _, key := range []string{line(other.HostKey), "nonsense", ""} {
		if sshrun.Shows(t.Context(), s.Addr, key) {
			t.Errorf("it shows %q", key)
		}
	}
	s.Kill()
	if sshrun.Shows(t.Context(), s.Addr, line(s.HostKey)) {
		t.Error("nobody is there and shows a key")
	}
}
