package nodeagent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/leasehold/leasehold/handlers/run"
	wire "github.com/leasehold/leasehold/wire/nodeagent"
)

// Each command runs under a process of its own, which outlives the agent: a supervisor. It
// holds a lock on the action's folder for as long as it lives, which the kernel takes away
// when it dies, and it writes the result before it ends. So whoever gets the lock knows how
// the action ended, or that nobody ever will.
const (
	fileRequest = "request.json"
	fileResult  = "result.json"
	fileLock    = "lock"
	filePID     = "pid"  // the supervisor's, once a signal ends the job
	fileStop    = "stop" // somebody wants it ended
)

// job is what a supervisor is to run.
type job struct {
	Key     string        `json:"key,omitempty"`   // of overlap
	Name    string        `json:"name,omitempty"`  // for people
	Named   bool          `json:"named,omitempty"` // it can be asked for again
	Args    [][]byte      `json:"args"`            // octets, which JSON would change in a string
	Dir     string        `json:"dir"`
	Env     []string      `json:"env"`
	Stdin   []byte        `json:"stdin,omitempty"`
	Timeout time.Duration `json:"timeout"`
}

// ended is what became of a job.
type ended struct {
	Code        int    `json:"code"` // exit status, or 128 and the signal
	Stdout      []byte `json:"stdout,omitempty"`
	Stderr      []byte `json:"stderr,omitempty"`
	Interrupted string `json:"interrupted,omitempty"` // why it was ended, if it did not end by itself
	Failed      string `json:"failed,omitempty"`      // why it was never begun
}

// lockFD is the file that the agent hands over, locked.
const lockFD = 3

// Supervise runs the job in an action's folder and writes its result. It is what the agent
// starts its own program for; the exit code is for nobody.
func Supervise(dir string) int {
	lock := os.NewFile(lockFD, fileLock)
	defer runtime.KeepAlive(lock) // or the collector would close it, and somebody think that we are gone
	// What the job starts must not hold the lock when we are gone.
	syscall.CloseOnExec(lockFD)
	if lock == nil || syscall.Flock(lockFD, syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		fmt.Fprintln(os.Stderr, "supervise is for the agent itself to start")
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	data, err := os.ReadFile(filepath.Join(dir, fileRequest))
	var j job
	if err == nil {
		err = json.Unmarshal(data, &j)
	}
	var e ended
	if err != nil || len(j.Args) == 0 {
		e.Failed = fmt.Sprint("the request cannot be read: ", err)
	} else if err := os.WriteFile(filepath.Join(dir, filePID), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		e.Failed = err.Error() // nobody could end it
	} else {
		ctx, cancel := context.WithCancel(ctx)
		if _, err := os.Stat(filepath.Join(dir, fileStop)); err == nil {
			cancel()
		}
		e = j.run(ctx)
		cancel()
	}
	if data, err = json.Marshal(e); err == nil {
		err = writeFile(filepath.Join(dir, fileResult), data, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// octets are arguments as a job has them.
func octets(args []string) [][]byte {
	out := make([][]byte, len(args))
	for i, a := range args {
		out[i] = []byte(a)
	}
	return out
}

// run runs the job; SIGTERM and its time end it.
func (j job) run(ctx context.Context) (e ended) {
	limited, cancel := context.WithTimeout(ctx, j.Timeout)
	defer cancel()
	var out, errs run.Capped
	args := make([]string, len(j.Args))
	for i, a := range j.Args {
		args[i] = string(a)
	}
	var err error
	for {
		c := exec.CommandContext(limited, args[0], args[1:]...)
		c.Dir, c.Env, c.Stdin = j.Dir, j.Env, bytes.NewReader(j.Stdin)
		c.Stdout, c.Stderr = &out, &errs
		c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
		c.WaitDelay = 2 * time.Second
		// A file that was just unpacked may still be open for writing in a process that was
		// forked at that moment, until it becomes another program (go.dev/issue/22315).
		if err = c.Run(); !errors.Is(err, syscall.ETXTBSY) || limited.Err() != nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	e.Stdout, e.Stderr = []byte(out.String()), []byte(errs.String())
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		e.Interrupted = "it was called off: another takes its place, or nobody waits for it"
	case limited.Err() != nil:
		e.Interrupted = fmt.Sprintf("it took longer than %s", j.Timeout)
	case errors.As(err, &exit):
		if e.Code = exit.ExitCode(); e.Code < 0 {
			if s, ok := exit.Sys().(syscall.WaitStatus); ok {
				e.Code = 128 + int(s.Signal())
			}
		}
	case errors.Is(err, exec.ErrWaitDelay): // it ended, and left somebody with its output
	case err != nil:
		e.Failed = err.Error()
	}
	return e
}

// writeFile writes a file as a whole, durably.
func writeFile(path string, data []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// response is a job's end as a driver's answer. A driver that exits with a status of its own
// is told as the field tells it, below the codes that mean the same for all.
func (e ended) response(op wire.Op) wire.Response {
	r := wire.Response{Op: op, Code: wire.OK}
	fail := func(code int32, text string) {
		r.Code, r.Message = code, text
		r.Properties = append(r.Properties, wire.Property{Name: "driver.exception.message", Value: text})
	}
	switch {
	case e.Failed != "":
		fail(wire.InternalDriverError, e.Failed)
		return r
	case e.Interrupted != "":
		fail(wire.Interrupted, e.Interrupted)
	}
	if op == wire.ExecuteScript || op == wire.Run {
		r.Stdout, r.Stderr = string(e.Stdout), string(e.Stderr)
		if op == wire.ExecuteScript {
			r.Stdout, r.Stderr = strings.TrimSuffix(r.Stdout, "\n"), strings.TrimSuffix(r.Stderr, "\n")
		}
		if e.Interrupted == "" {
			r.Code = int32(e.Code)
		}
		return r
	}
	if e.Interrupted != "" {
		return r
	}
	var said struct {
		Code       *int32            `json:"code"`
		Message    string            `json:"message"`
		Properties map[string]string `json:"properties"`
	}
	if text := strings.TrimSpace(string(e.Stdout)); text != "" {
		if err := json.Unmarshal([]byte(text), &said); err != nil {
			fail(wire.InternalDriverError, fmt.Sprintf("the driver printed no JSON object: %v", err))
			return r
		}
	}
	for _, name := range sorted(said.Properties) {
		r.Properties = append(r.Properties, wire.Property{Name: name, Value: said.Properties[name]})
	}
	switch text := strings.Join(strings.Fields(said.Message+" "+string(e.Stderr)), " "); {
	case said.Code != nil && *said.Code != 0:
		fail(*said.Code, text)
	case e.Code != 0:
		fail(int32(wire.Own-e.Code), text)
	}
	return r
}
