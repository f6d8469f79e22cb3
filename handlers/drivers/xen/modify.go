package xen

import (
	"context"
	"fmt"
	"strconv"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
)

// The subcommands of a modify. Each but restart leaves what the guest does alone,
// and each may be asked again.
const (
	Resize     = "resize"     // arguments memory, vcpus, weight, cap: those that change
	Pause      = "pause"      // it stands still and keeps its memory
	Unpause    = "unpause"    //
	Suspend    = "suspend"    // it is written to a file and gone from memory
	Resume     = "resume"     // it is read back
	Checkpoint = "checkpoint" // it is written to a file and goes on
	Migrate    = "migrate"    // argument host: it moves to another machine while it runs
	Restart    = "restart"    //
)

// Modify carries out one subcommand on a unit's domain.
func (d *Driver) Modify(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	w, err := d.read(p)
	if err != nil {
		return handlers.Result{}, handlers.Exit{Code: handlers.ExitInvalid, Note: err.Error()}
	}
	dom, err := look(ctx, on, w.name)
	if err != nil {
		return handlers.Result{}, err
	}
	if dom != nil {
		if err := dom.ours(w); err != nil {
			return handlers.Result{}, handlers.Exit{Code: handlers.ExitInvalid, Note: err.Error()}
		}
	}
	switch cmd := p.Subcommand(); {
	case cmd == Resume:
		err = d.resume(ctx, on, w, dom)
	case cmd == Suspend && dom == nil:
		err = d.kept(ctx, on, w) // an earlier call may have got this far
	case cmd == Migrate && dom == nil:
		// It is not here any more: an earlier call moved it, as far as can be told here.
		_, err = d.target(p)
	case dom == nil:
		return handlers.Result{}, handlers.Exit{Code: handlers.ExitInvalid, Note: "xen: there is no domain " + w.name}
	case cmd == Resize:
		err = d.resize(ctx, on, w, dom, p)
	case cmd == Pause, cmd == Unpause:
		err = pause(ctx, on, w.name, cmd)
	case cmd == Suspend:
		err = must(ctx, on, xl("save", w.name, d.saved(w)))
	case cmd == Checkpoint:
		err = must(ctx, on, xl("save", "-c", w.name, d.saved(w)))
	case cmd == Migrate:
		var to string
		if to, err = d.target(p); err == nil {
			err = must(ctx, on, xl("migrate", w.name, to))
		}
	case cmd == Restart:
		err = must(ctx, on, xl("reboot", "-F", w.name))
	default:
		return handlers.Result{}, handlers.Exit{Code: handlers.ExitUnknown, Note: fmt.Sprintf("xen: there is no %.64q", cmd)}
	}
	if err != nil {
		return handlers.Result{}, err
	}
	return handlers.Result{Done: true}, nil
}

// resume reads a suspended domain back, unless it is there already.
func (d *Driver) resume(ctx context.Context, on run.Runner, w want, dom *domain) error {
	if dom != nil {
		return nil
	}
	if err := d.kept(ctx, on, w); err != nil {
		return err
	}
	if err := must(ctx, on, xl("restore", d.saved(w))); err != nil {
		return err
	}
	dom, err := look(ctx, on, w.name)
	if err == nil && dom == nil {
		err = fmt.Errorf("xen: xl says that it restored %s, and there is no such domain", w.name)
	}
	return err
}

// kept fails when nothing was saved of a domain.
func (d *Driver) kept(ctx context.Context, on run.Runner, w want) error {
	o, err := on.Run(ctx, run.Cmd{Args: []string{"test", "-s", d.saved(w)}})
	if err == nil && o.Code != 0 {
		err = handlers.Exit{Code: handlers.ExitInvalid, Note: "xen: nothing is saved of " + w.name}
	}
	return err
}

// target is where a domain is to move: one of the machines that are configured, not
// whatever a lessee writes.
func (d *Driver) target(p handlers.Params) (string, error) {
	host := p.Argument("host", "")
	addr, ok := d.cfg.Hosts[host]
	if !ok {
		return "", handlers.Exit{Code: handlers.ExitInvalid, Note: fmt.Sprintf("xen: there is no machine %.64q to migrate to", host)}
	}
	return addr, nil
}

// resize changes what the arguments name.
func (d *Driver) resize(ctx context.Context, on run.Runner, w want, dom *domain, p handlers.Params) error {
	size := map[string]int{"memory": dom.memory, "vcpus": dom.vcpus, "weight": -1, "cap": -1}
	for _, name := range []string{"memory", "vcpus", "weight", "cap"} {
		text := p.Argument(name, "")
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > 1<<20 || n == 0 && name != "cap" || name == "weight" && n > 65535 {
			return handlers.Exit{Code: handlers.ExitInvalid, Note: fmt.Sprintf("xen: %s of %.32q makes no sense", name, text)}
		}
		size[name] = n
	}
	if err := resize(ctx, on, dom, size["memory"], size["vcpus"]); err != nil {
		return err
	}
	args := []string{"sched-credit2", "-d", w.name}
	if size["weight"] > 0 {
		args = append(args, "-w", strconv.Itoa(size["weight"]))
	}
	if size["cap"] >= 0 {
		args = append(args, "-c", strconv.Itoa(size["cap"]))
	}
	if len(args) == 3 {
		return nil
	}
	return must(ctx, on, xl(args...))
}

// pause and its opposite count how often they are asked, so look first.
func pause(ctx context.Context, on run.Runner, name, cmd string) error {
	is, err := paused(ctx, on, name)
	if err != nil || is == (cmd == Pause) {
		return err
	}
	return must(ctx, on, xl(cmd, name))
}
