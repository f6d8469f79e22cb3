package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/leasehold/leasehold/handlers/nodeagent"
	"github.com/leasehold/leasehold/handlers/nodeagent/pack"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/agentrun"
	wire "github.com/leasehold/leasehold/wire/nodeagent"
	"github.com/leasehold/leasehold/wssec/keys"
)

// agent is a real agent's process, and its authority.
type agent struct {
	t                  *testing.T
	program, dir, addr string
	authority          keys.Identity
	cmd                *exec.Cmd
	log                *lines
	runner             *agentrun.Runner
}

// lines is what a process said.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// begin builds the program, starts it, and makes its authority known by the token that the
// node was booted with.
func begin(t *testing.T) *agent {
	t.Helper()
	a := &agent{t: t, dir: t.TempDir(), log: &lines{}}
	a.program = filepath.Join(a.dir, "leasehold-nodeagent")
	if out, err := exec.Command("go", "build", "-o", a.program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var err error
	if a.authority, err = keys.Generate(rand.Reader, uuid.NewString(), "authority", keys.RSA2048, time.Now().Add(-time.Hour), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	line := "BOOT_IMAGE=/vmlinuz ro AUTH_HASH=" + nodeagent.Hash(a.authority.Cert) + " NODE_TOKEN=once\n"
	if err := os.WriteFile(a.dir+"/cmdline", []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a.addr = l.Addr().String()
	l.Close()
	a.start()
	t.Cleanup(func() {
		a.kill(syscall.SIGTERM)
		a.quiet()
		if t.Failed() {
			t.Logf("the agent said:\n%s", a.log)
		}
	})
	message := []byte("<keymastermessage><nodeIP>127.0.0.1</nodeIP></keymastermessage>")
	sum := sha256.Sum256(message)
	signature, err := a.authority.Key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	first, err := agentrun.New(agentrun.Config{URL: a.url(), Agent: a.authority.Cert, Identity: a.authority})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	got, err := first.Do(t.Context(), wire.Request{Op: wire.RegisterAuthorityKey, Alias: "authoritykey", Certificate: a.authority.Cert.Raw, Message: message, Signature: signature})
	if err != nil || got.Code != 0 {
		t.Fatal(got, err)
	}
	cert, err := nodeagent.OpenAnswer(a.authority.Key.(*rsa.PrivateKey), got.Reply, got.Key, "once")
	if err != nil {
		t.Fatal(err)
	}
	if a.runner, err = agentrun.New(agentrun.Config{URL: a.url(), Agent: cert, Identity: a.authority, Pause: 50 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.runner.Close() })
	return a
}

func (a *agent) url() string { return "http://" + a.addr + "/xmlrpc" }

// start starts the process and waits until it listens. Another process may have taken its
// port meanwhile, and may give it back.
func (a *agent) start() {
	a.t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; {
		a.cmd = exec.Command(a.program, "-data", a.dir+"/data", "-listen", a.addr, "-boot", a.dir+"/cmdline")
		a.cmd.Stdout, a.cmd.Stderr = a.log, a.log
		before := strings.Count(a.log.String(), "listening on")
		if err := a.cmd.Start(); err != nil {
			a.t.Fatal(err)
		}
		ended := make(chan struct{})
		go func(c *exec.Cmd) { _ = c.Wait(); close(ended) }(a.cmd)
		for {
			if strings.Count(a.log.String(), "listening on") > before {
				return
			}
			select {
			case <-ended:
			case <-time.After(10 * time.Millisecond):
				if time.Now().Before(end) {
					continue
				}
			}
			break
		}
		if time.Now().After(end) {
			a.t.Fatal("the agent does not come up")
		}
	}
}

func (a *agent) kill(s syscall.Signal) {
	_ = a.cmd.Process.Signal(s)
	for a.cmd.Process.Signal(syscall.Signal(0)) == nil {
		time.Sleep(5 * time.Millisecond)
	}
}

// quiet waits until no action is under way. The agent's end is not theirs; script ends with
// its folder, which is gone before.
func (a *agent) quiet() {
	locks, _ := filepath.Glob(a.dir + "/data/actions/*/lock")
	for _, name := range locks {
		if lock, err := os.Open(name); err == nil {
			_ = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)
			lock.Close()
		}
	}
}

func (a *agent) install(actions map[string]pack.Action, files ...pack.File) {
	a.t.Helper()
	data, err := pack.Build(pack.Manifest{ID: "d", Version: "1", Actions: actions}, files, a.authority.Key, a.authority.Cert)
	if err != nil {
		a.t.Fatal(err)
	}
	if got, err := a.runner.Do(a.t.Context(), wire.Request{Op: wire.InstallDriver, Driver: "d", Package: data}); err != nil || got.Code != 0 {
		a.t.Fatal(got, err)
	}
}

func (a *agent) until(what string, ok func() bool) {
	a.t.Helper()
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			a.t.Fatal(what)
		}
	}
}

// script waits to be let go and then says so: its beginning and its end are lines of files.
// It ends when the test has, whatever became of that.
const script = "#!/bin/sh\nread -r line\nd=${line#*@}; d=${d%%@*}\necho $$ >> \"$d/began\"\nuntil test -e \"$d/go\"; do test -d \"$d\" || exit 9; sleep 0.02; done\necho x >> \"$d/ended\"\necho '{\"properties\":{\"unit.done\":\"yes\"}}'\n"

func read(name string) string { data, _ := os.ReadFile(name); return string(data) }

// An agent that is killed in the middle of an action finds it again, and whoever asked for it
// hears how it ended; it ran once.
func TestKilled(t *testing.T) {
	t.Parallel()
	a := begin(t)
	a.install(map[string]pack.Action{"hold": {Run: []string{"hold"}, Timeout: "20m"}}, pack.File{Name: "hold", Exec: true, Data: []byte(script)})
	for _, c := range []struct {
		name string
		when string // the action ends before, or after, the agent is there again
	}{{"ends while nobody is there", "before"}, {"ends when the agent is back", "after"}} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			type result struct {
				code  int
				props map[string]string
				err   error
			}
			done := make(chan result, 1)
			go func() {
				code, props, err := a.runner.Invoke(t.Context(), run.Call{Driver: "d", Action: "hold",
					Properties: map[string]string{"dir": "@" + dir + "@", "action.key": c.name}})
				done <- result{code, props, err}
			}()
			a.until("it does not begin", func() bool { return read(dir+"/began") != "" })
			a.kill(syscall.SIGKILL)
			release := func() {
				if err := os.WriteFile(dir+"/go", nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if c.when == "before" {
				release()
				a.until("it does not go on", func() bool { return read(dir+"/ended") != "" })
			}
			a.start()
			if c.when == "after" {
				release()
			}
			if r := <-done; r.err != nil || r.code != 0 || r.props["unit.done"] != "yes" {
				t.Errorf("%+v", r)
			}
			if strings.Count(read(dir+"/began"), "\n") != 1 || read(dir+"/ended") != "x\n" {
				t.Errorf("began %q, ended %q", read(dir+"/began"), read(dir+"/ended"))
			}
		})
	}
}

// When the action itself is killed with everything, its end is known too: it was cut off.
func TestCutOff(t *testing.T) {
	t.Parallel()
	a := begin(t)
	a.install(map[string]pack.Action{"hold": {Run: []string{"hold"}, Timeout: "20m"}}, pack.File{Name: "hold", Exec: true, Data: []byte(script)})
	dir := t.TempDir()
	q := wire.Request{Op: wire.ExecuteDriver, Driver: "d", Action: "hold", Properties: []wire.Property{{Name: "dir", Value: "@" + dir + "@"}, {Name: "action.key", Value: "k"}}}
	ctx, stop := context.WithCancel(t.Context())
	go func() { _, _ = a.runner.Do(ctx, q) }()
	a.until("it does not begin", func() bool { return read(dir+"/began") != "" })
	actions, _ := filepath.Glob(a.dir + "/data/actions/*/pid")
	if len(actions) != 1 {
		t.Fatal(actions)
	}
	var supervisor, program int
	if _, err := fmt.Sscan(read(actions[0])+" "+read(dir+"/began"), &supervisor, &program); err != nil {
		t.Fatal(err)
	}
	a.kill(syscall.SIGKILL)
	stop()
	for _, pid := range []int{supervisor, program} {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	a.start()
	for range 2 {
		var got wire.Response
		a.until("the agent does not answer", func() bool {
			var err error
			got, err = a.runner.Do(t.Context(), q)
			return err == nil
		})
		if got.Code != wire.Interrupted || !strings.Contains(wire.Map(got.Properties)["driver.exception.message"], "half done") {
			t.Errorf("%+v", got)
		}
	}
	if read(dir+"/ended") != "" || strings.Count(read(dir+"/began"), "\n") != 1 {
		t.Error("it ran again")
	}
}

// A command, which nobody can ask for again, ends with the agent: at once when that is
// stopped, and when it is back if it was killed.
func TestStopped(t *testing.T) {
	t.Parallel()
	a := begin(t)
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		began := filepath.Join(t.TempDir(), "began")
		go func() {
			_, _ = a.runner.Run(t.Context(), run.Cmd{Args: []string{"sh", "-c", `echo $$ > "$1"; exec sleep 1200`, "sh", began}})
		}()
		a.until("it does not begin", func() bool { return strings.HasSuffix(read(began), "\n") })
		var pid int
		if _, err := fmt.Sscan(read(began), &pid); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if strings.HasPrefix(read(fmt.Sprintf("/proc/%d/cmdline", pid)), "sleep\x001200") {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		})
		a.kill(s)
		gone := func() bool { return syscall.Kill(pid, 0) != nil }
		if s == syscall.SIGTERM && !gone() {
			t.Error("it goes on without the agent")
		}
		a.start()
		a.until("it goes on", gone)
		a.until("it is remembered", func() bool {
			left, err := os.ReadDir(a.dir + "/data/actions")
			return err == nil && len(left) == 0
		})
	}
}

// An action that is called off before its supervisor has looked is not begun.
func TestCalledOff(t *testing.T) {
	t.Parallel()
	a := begin(t)
	for _, off := range []bool{false, true} {
		dir := t.TempDir()
		lock, err := os.Create(dir + "/lock")
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Close()
		if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
			t.Fatal(err)
		}
		encode := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
		files := map[string]string{"request.json": fmt.Sprintf(`{"args":[%q,%q],"dir":%q,"env":[],"timeout":1200000000000}`, encode("/bin/touch"), encode("begun"), dir)}
		if off {
			files["stop"] = ""
		}
		for name, text := range files {
			if err := os.WriteFile(dir+"/"+name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c := exec.Command(a.program, "supervise", dir)
		c.ExtraFiles = []*os.File{lock}
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		_, err = os.Stat(dir + "/begun")
		if begun := err == nil; begun == off || strings.Contains(read(dir+"/result.json"), "called off") != off {
			t.Errorf("called off: %v; begun: %v; %s", off, begun, read(dir+"/result.json"))
		}
	}
}

// An agent that is killed at any moment of an installation has the driver, or nothing of it.
func TestKilledInstalling(t *testing.T) {
	t.Parallel()
	a := begin(t)
	var files []pack.File
	for n := range 40 {
		files = append(files, pack.File{Name: fmt.Sprintf("f/%d", n), Data: []byte(strings.Repeat("x", 2000))})
	}
	for n := range 12 {
		id := fmt.Sprintf("d%d", n)
		data, err := pack.Build(pack.Manifest{ID: id, Version: "1", Actions: map[string]pack.Action{"true": {Run: []string{"true"}}}}, files, a.authority.Key, a.authority.Cert)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			got, err := a.runner.Do(t.Context(), wire.Request{Op: wire.InstallDriver, Driver: id, Package: data})
			if err == nil && got.Code != 0 {
				err = errors.New(got.Message)
			}
			done <- err
		}()
		time.Sleep(time.Duration(n) * 2 * time.Millisecond) // somewhere in the middle, wherever that is
		a.kill(syscall.SIGKILL)
		said := <-done
		a.start()
		var got wire.Response
		a.until("the agent does not answer", func() bool {
			var err error
			got, err = a.runner.Do(t.Context(), wire.Request{Op: wire.ExecuteDriver, Driver: id, Action: "true"})
			return err == nil
		})
		left, _ := filepath.Glob(a.dir + "/data/drivers/" + id + "/*/f/*")
		switch {
		case got.Code == 0 && len(left) == len(files):
		case got.Code == wire.InvalidDriver && said != nil:
			if _, err := os.Stat(a.dir + "/data/drivers/" + id); err == nil {
				t.Errorf("%s is not installed, and something of it is there", id)
			}
		default:
			t.Errorf("%s: the answer was %v; now %+v, with %d files", id, said, got, len(left))
		}
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		says string
	}{{[]string{"-rights", "all"}, "there is no right"}, {[]string{"x"}, "nothing to do"}, {[]string{"-boot", "/no/such"}, "no such file"}} {
		if err := serveAgent(t.Context(), c.args); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %v", c.args, err)
		}
	}
	if err := serveAgent(t.Context(), []string{"-version"}); err != nil {
		t.Error(err)
	}
}

// systemd understands the unit, and finds little that it may do.
func TestUnit(t *testing.T) {
	t.Parallel()
	text := read("leasehold-nodeagent.service")
	unit := filepath.Join(t.TempDir(), "leasehold-nodeagent.service")
	if err := os.WriteFile(unit, []byte(strings.Replace(text, "/usr/bin/leasehold-nodeagent", "/bin/true", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("systemd-analyze", "verify", "--man=no", unit).CombinedOutput(); err != nil || strings.Contains(string(out), unit) {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold=20", unit).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
