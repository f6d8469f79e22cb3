package nodeagent

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/leasehold/leasehold/handlers/nodeagent/pack"

	wire "github.com/leasehold/leasehold/wire/nodeagent"
)

// action is one that is under way.
type action struct {
	id    string // also the name of its folder
	key   string // of overlap: driver and object
	named bool   // it can be asked for again
	dir   string
	done  chan struct{} // closed when end is there
	end   ended
}

// ParamKey is the property that names an action: asked for again under the same key, it is
// not run again, and answered with the result that it had.
const ParamKey = "action.key"

// mostKept is how many actions that have ended are remembered.
const mostKept = 1000

// loadActions finds the actions of before a restart: those that go on are waited for,
// those that nobody will end are marked so, and those that nobody can ask for are ended.
func (a *Agent) loadActions() error {
	root := filepath.Join(a.cfg.Dir, "actions")
	all, err := os.ReadDir(root)
	if err != nil {
		return fmt.Errorf("nodeagent: %w", err)
	}
	for _, e := range all {
		dir := filepath.Join(root, e.Name())
		data, err := os.ReadFile(filepath.Join(dir, fileRequest))
		var j job
		if err != nil || json.Unmarshal(data, &j) != nil { // it was not begun
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, fileResult)); err == nil && j.Named {
			continue
		}
		act := newAction(e.Name(), dir, j)
		a.seen[act.id] = act
		if j.Named {
			a.cfg.Log("%s: waiting for what was under way", j.Name)
		} else {
			act.interrupt()
		}
		go a.attend(act)
	}
	return nil
}

func newAction(id, dir string, j job) *action {
	return &action{id: id, key: j.Key, named: j.Named, dir: dir, done: make(chan struct{})}
}

// attend waits for an action's end. What nobody can ask for again is removed then.
func (a *Agent) attend(act *action) {
	end, err := await(act.dir)
	if err != nil {
		end = ended{Interrupted: err.Error()}
	}
	a.mu.Lock()
	act.end = end
	delete(a.seen, act.id)
	a.mu.Unlock()
	if act.named {
		a.prune()
	} else {
		_ = os.RemoveAll(act.dir)
	}
	close(act.done)
}

// await waits until an action's supervisor has ended, and gives the result. One that left
// none was killed: that is a result too, and kept.
func await(dir string) (e ended, err error) {
	lock, err := os.OpenFile(filepath.Join(dir, fileLock), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return e, err
	}
	defer lock.Close()
	for {
		if err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return e, err
	}
	data, err := os.ReadFile(filepath.Join(dir, fileResult))
	if errors.Is(err, os.ErrNotExist) {
		e = ended{Interrupted: "the node went down, or the action was killed; it may be half done"}
		if data, err = json.Marshal(e); err == nil {
			err = writeFile(filepath.Join(dir, fileResult), data, 0o600)
		}
		return e, err
	}
	if err == nil {
		err = json.Unmarshal(data, &e)
	}
	return e, err
}

func overlapKey(driver, object string) string { return driver + "\n" + object }

func driverOf(key string) string {
	d, _, _ := strings.Cut(key, "\n")
	return d
}

// busy reports whether an action of a driver is under way.
func (a *Agent) busy(driver string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, act := range a.seen {
		if driverOf(act.key) == driver {
			return true
		}
	}
	return false
}

// invoke runs an action of a driver.
func (a *Agent) invoke(ctx context.Context, r wire.Request) wire.Response {
	d := a.lookup(r.Driver)
	if d == nil {
		return refused(wire.InvalidDriver, "%.80s is not installed", r.Driver)
	}
	act, ok := d.manifest.Actions[r.Action]
	if !ok {
		return refused(wire.UnknownAction, "%s has no action %.80q; it has: %s", r.Driver, r.Action, strings.Join(sorted(d.manifest.Actions), ", "))
	}
	props := wire.Map(r.Properties)
	input, err := json.Marshal(map[string]any{"driver": r.Driver, "object": r.Object, "action": r.Action, "properties": props})
	if err != nil {
		return refused(wire.InvalidArguments, "%v", err)
	}
	dir := filepath.Join(a.cfg.Dir, d.path)
	j := job{Key: overlapKey(r.Driver, r.Object), Name: r.Driver + " " + r.Action, Args: octets(program(dir, act.Run)), Dir: dir,
		Env: environment(dir, r.Driver, r.Object, r.Action), Stdin: input, Timeout: act.Limit()}
	id := ""
	if key := props[ParamKey]; key != "" {
		id = hexID(r.Driver, r.Object, r.Action, key)
	}
	return a.run(ctx, r.Op, id, j, cmp.Or(act.Overlap, pack.Wait))
}

// command runs any program of the node, without a shell.
func (a *Agent) command(ctx context.Context, r wire.Request) wire.Response {
	args := r.Args
	if r.Op == wire.ExecuteScript {
		args = append(strings.Fields(r.Script), strings.Fields(r.Arguments)...)
	}
	if len(args) == 0 || args[0] == "" {
		return refused(wire.InvalidArguments, "there is no program to run")
	}
	j := job{Name: "script " + args[0], Args: octets(args), Dir: a.cfg.Dir,
		Env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + a.cfg.Dir}, Stdin: []byte(r.Stdin), Timeout: 24 * time.Hour}
	// Nobody asks again for a command without a key, so it ends with its caller.
	return a.run(ctx, r.Op, "", j, pack.Ignore)
}

// run starts a job by its rule of overlap and waits for its end, or finds the one of the
// same identity.
func (a *Agent) run(ctx context.Context, op wire.Op, id string, j job, rule pack.Overlap) wire.Response {
	if j.Named = id != ""; !j.Named {
		id = rand.Text()
	}
	dir := filepath.Join(a.cfg.Dir, "actions", id)
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	case <-ctx.Done():
		return refused(wire.Interrupted, "there was no room to run it: %v", ctx.Err())
	}
	for {
		a.mu.Lock()
		act := a.seen[id]
		if act == nil {
			if data, err := os.ReadFile(filepath.Join(dir, fileResult)); j.Named && err == nil {
				a.mu.Unlock()
				var e ended
				if err := json.Unmarshal(data, &e); err != nil {
					return refused(wire.InternalError, "%v", err)
				}
				return e.response(op)
			}
			others := a.others(j.Key)
			if len(others) == 0 || rule == pack.Ignore {
				act, err := a.start(id, dir, j)
				a.mu.Unlock()
				if err != nil {
					return refused(wire.InternalError, "%v", err)
				}
				go a.attend(act)
				return act.wait(ctx, op)
			}
			a.mu.Unlock()
			switch rule {
			case pack.Refuse:
				return refused(wire.Overlap, "another action is under way")
			case pack.Cancel:
				for _, o := range others {
					o.interrupt()
				}
			}
			select {
			case <-others[0].done:
			case <-ctx.Done():
				return refused(wire.Interrupted, "it waited for another action: %v", ctx.Err())
			}
			continue
		}
		a.mu.Unlock()
		return act.wait(ctx, op)
	}
}

// others are the actions under way of a driver and object. mu is held.
func (a *Agent) others(key string) (out []*action) {
	for _, id := range sorted(a.seen) {
		if a.seen[id].key == key {
			out = append(out, a.seen[id])
		}
	}
	return out
}

// wait waits for an action. One without a key is ended with its caller, since nobody could
// ask for its result.
func (act *action) wait(ctx context.Context, op wire.Op) wire.Response {
	select {
	case <-act.done:
	case <-ctx.Done():
		if act.named {
			return refused(wire.Interrupted, "it goes on, and is asked for again by its key: %v", ctx.Err())
		}
		act.interrupt()
		<-act.done
	}
	return act.end.response(op)
}

// start makes an action's folder and its supervisor. The lock is taken before, so that
// whoever looks finds it taken for as long as the supervisor lives. mu is held.
func (a *Agent) start(id, dir string, j job) (*action, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	fail := func(err error) (*action, error) { return nil, errors.Join(err, os.RemoveAll(dir)) }
	lock, err := os.OpenFile(filepath.Join(dir, fileLock), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fail(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fail(err)
	}
	data, err := json.Marshal(j)
	if err == nil {
		err = writeFile(filepath.Join(dir, fileRequest), data, 0o600)
	}
	if err != nil {
		return fail(err)
	}
	c := exec.Command(a.cfg.Supervisor[0], append(slices.Clone(a.cfg.Supervisor[1:]), dir)...)
	c.ExtraFiles = []*os.File{lock}
	c.Env = []string{"PATH=" + os.Getenv("PATH")}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := c.Start(); err != nil {
		return fail(err)
	}
	go func() { _ = c.Wait() }() // the result is in the folder
	act := newAction(id, dir, j)
	a.seen[id] = act
	return act, nil
}

// interrupt ends an action: its supervisor finds that in the folder before it begins, and is
// told if it has begun, for which it has left its number there before. The lock shows that the
// process of that number is still the one.
func (act *action) interrupt() {
	_ = os.WriteFile(filepath.Join(act.dir, fileStop), nil, 0o600) // a folder that is gone has ended
	data, err := os.ReadFile(filepath.Join(act.dir, filePID))
	if err != nil {
		return
	}
	lock, err := os.Open(filepath.Join(act.dir, fileLock))
	if err != nil {
		return
	}
	defer lock.Close()
	if syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil {
		return
	}
	if pid, err := strconv.Atoi(string(data)); err == nil && pid > 1 {
		_ = syscall.Kill(pid, syscall.SIGTERM)
	}
}

// prune forgets the oldest actions that have ended, when there are too many.
func (a *Agent) prune() {
	root := filepath.Join(a.cfg.Dir, "actions")
	all, err := os.ReadDir(root)
	if err != nil || len(all) <= mostKept {
		return
	}
	type old struct {
		dir string
		at  time.Time
	}
	var list []old
	for _, e := range all {
		if info, err := os.Stat(filepath.Join(root, e.Name(), fileResult)); err == nil {
			list = append(list, old{filepath.Join(root, e.Name()), info.ModTime()})
		}
	}
	slices.SortFunc(list, func(x, y old) int { return x.at.Compare(y.at) })
	for _, o := range list[:max(0, len(list)-mostKept)] {
		_ = os.RemoveAll(o.dir)
	}
}

// hexID is a short identity of texts, for the name of a folder.
func hexID(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
