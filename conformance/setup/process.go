package setup

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A process is a daemon of one test, in a folder of its own: it is started, told
// to end, crashed and frozen by its very pid, and never outlives the test.
type process struct {
	t     testing.TB
	name  string         // of the program
	path  string         // where it is
	dir   string         // its folder, removed at the end
	ready func() error   // nil when the daemon answers, and is ours
	term  syscall.Signal // asks it to end
	grace time.Duration  // how long it may take to come up, and to end
	attrs *syscall.SysProcAttr
	in    network // where it runs; nil for the machine's own
	log   syncBuffer
	cmd   *exec.Cmd
	ended chan struct{}
}

// A network is a place where processes can be started: a *Net, where there are
// such.
type network interface {
	Do(f func() error) error
	relay(address string) error
	command(path string, args ...string) *exec.Cmd
}

// newProcess finds a program and gives it a folder. When it is not installed the
// test fails.
func newProcess(t testing.TB, name string, term syscall.Signal, grace time.Duration) *process {
	t.Helper()
	path, err := findDaemon(name)
	if err != nil {
		t.Fatal(err)
	}
	return newProcessAt(t, name, path, term, grace)
}

// newProcessAt is newProcess for a program whose path is known.
func newProcessAt(t testing.TB, name, path string, term syscall.Signal, grace time.Duration) *process {
	t.Helper()
	p := &process{t: t, name: name, path: path, term: term, grace: grace, attrs: sysProcAttr()}
	var err error
	if p.dir, err = os.MkdirTemp("", name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, p.log.String())
		}
		if err := os.RemoveAll(p.dir); err != nil {
			t.Error(err)
		}
	})
	return p
}

// start runs the program and waits until ready says that it answers us: another
// daemon that won the port would not.
func (p *process) start(args ...string) error {
	p.cmd = exec.Command(p.path, args...)
	if p.in != nil {
		p.cmd = p.in.command(p.path, args...)
	}
	p.cmd.SysProcAttr, p.cmd.Dir = p.attrs, p.dir
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.WaitDelay = 100 * time.Millisecond // its children may hold on to its output
	begin := p.cmd.Start
	if p.in != nil {
		begin = func() error { return p.in.Do(p.cmd.Start) }
	}
	if err := begin(); err != nil {
		p.cmd = nil
		return err
	}
	ended, cmd := make(chan struct{}), p.cmd
	p.ended = ended
	go func() {
		cmd.Wait() // its exit code says nothing that the log does not
		close(ended)
	}()
	give := time.After(p.grace)
	for {
		err := p.ready()
		if err == nil {
			return nil
		}
		select {
		case <-ended:
			return errors.New(p.name + " ended")
		case <-give:
			p.Stop()
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// again starts a stopped daemon, which may have to wait for what is left of the
// one before.
func (p *process) again(start func() error) {
	p.t.Helper()
	var err error
	for range 100 {
		if err = start(); err == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	p.t.Fatalf("%s does not come up again: %v\n%s", p.name, err, p.log.String())
}

// Stop ends the daemon, gently and then not; what it holds is kept for Start.
func (p *process) Stop() {
	if p.cmd == nil {
		return
	}
	p.signal(syscall.SIGCONT) // a frozen one would not hear the next
	p.signal(p.term)
	select {
	case <-p.ended:
	case <-time.After(p.grace):
		p.signal(syscall.SIGKILL)
		<-p.ended
	}
	p.cmd = nil
}

// Kill ends the daemon as a crash of its main process would.
func (p *process) Kill() {
	if p.cmd != nil {
		p.signal(syscall.SIGKILL)
		<-p.ended
		p.cmd = nil
	}
}

// PID is the running daemon's process id.
func (p *process) PID() string { return strconv.Itoa(p.cmd.Process.Pid) }

// Freeze stops the daemon in its tracks: it keeps its connections and answers
// nothing.
func (p *process) Freeze() {
	p.t.Helper()
	p.signal(syscall.SIGSTOP)
	// The signal stops one thread after another; wait for the last.
	for range 500 {
		if stopped(p.PID()) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	p.t.Fatal(p.name + " does not stop")
}

// stopped says whether every thread of a process is stopped.
func stopped(pid string) bool {
	threads, err := filepath.Glob("/proc/" + pid + "/task/*/stat")
	if err != nil || len(threads) == 0 {
		return false
	}
	for _, path := range threads {
		// "pid (name) state ...": the name may hold anything but ends the last ")".
		stat, err := os.ReadFile(path)
		if i := bytes.LastIndexByte(stat, ')'); err != nil || i < 0 || !bytes.HasPrefix(stat[i:], []byte(") T")) {
			return false
		}
	}
	return true
}

// Thaw undoes Freeze.
func (p *process) Thaw() { p.signal(syscall.SIGCONT) }

// signal reaches the very process started here; one that has ended already is
// none of our business any more.
func (p *process) signal(sig syscall.Signal) {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("%s: %v: %v", p.name, sig, err)
	}
}

// A syncBuffer is written by the daemon's output while the test may read it.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
