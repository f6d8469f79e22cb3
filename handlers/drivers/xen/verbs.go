package xen

import (
	"context"
	"fmt"
	"strconv"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
)

// Restart is the one subcommand that is not a capability: the domain's system is told
// to start anew.
const Restart = "restart"

// What Probe reports, in the property State.
const (
	State = handlers.ProbeState

	Running   = handlers.StateRunning
	Paused    = handlers.StatePaused
	Suspended = handlers.StateSuspended
	Absent    = handlers.StateAbsent
)

func invalid(format string, args ...any) error {
	return handlers.Exit{Code: handlers.ExitInvalid, Note: fmt.Sprintf("xen: "+format, args...)}
}

// done is the result of a call that ended with err.
func done(err error) (handlers.Result, error) {
	return handlers.Result{Done: err == nil}, err
}

// up is begin for what needs a domain.
func (d *Driver) up(ctx context.Context, on run.Runner, p handlers.Params) (host, want, *domain, error) {
	h, w, dom, err := d.begin(ctx, on, p)
	if err == nil && dom == nil {
		err = invalid("there is no domain %s", w.name)
	}
	return h, w, dom, err
}

// Modify carries out a subcommand that no capability is called by.
func (d *Driver) Modify(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	if p.Subcommand() != Restart {
		return handlers.Result{}, handlers.Exit{Code: handlers.ExitUnknown, Note: fmt.Sprintf("xen: there is no %.64q", p.Subcommand())}
	}
	h, w, _, err := d.up(ctx, on, p)
	if err != nil {
		return handlers.Result{}, err
	}
	if h.tool == toolXM {
		return done(h.must(ctx, h.tool, "reboot", w.name))
	}
	return done(h.must(ctx, h.tool, "reboot", "-F", w.name)) // asked as by a button where it listens to nothing else
}

// Suspend writes the domain's memory to a file; then it is gone.
func (d *Driver) Suspend(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	h, w, dom, err := d.begin(ctx, on, p)
	if err != nil {
		return handlers.Result{}, err
	}
	if dom != nil { // otherwise an earlier call may have got this far
		if err := h.save(ctx, w.name, d.saved(w), false); err != nil {
			return handlers.Result{}, err
		}
		if dom, err = h.look(ctx, w); err != nil {
			return handlers.Result{}, err
		}
		if dom != nil {
			return handlers.Result{}, fmt.Errorf("xen: %s says that it saved %s, and the domain is there", h.tool, w.name)
		}
	}
	return done(d.kept(ctx, h, w, d.saved(w)))
}

// Resume reads a suspended domain back. What was saved is removed then: its memory
// goes with the disk as it was, and with no later one.
func (d *Driver) Resume(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	h, w, dom, err := d.begin(ctx, on, p)
	switch {
	case err != nil:
	case dom != nil:
		err = h.remove(ctx, d.saved(w))
	default:
		if err = d.kept(ctx, h, w, d.saved(w)); err == nil {
			dom, err = d.wake(ctx, h, w)
		}
	}
	if err != nil {
		return handlers.Result{}, err
	}
	return done(h.shape(ctx, dom.id, w.bandwidth))
}

// wake is a domain that was suspended and is there again.
func (d *Driver) wake(ctx context.Context, h host, w want) (*domain, error) {
	dom, err := d.bring(ctx, h, w, d.saved(w))
	if err != nil {
		return nil, err
	}
	return dom, h.remove(ctx, d.saved(w))
}

// bring reads a domain that is not there from a file.
func (d *Driver) bring(ctx context.Context, h host, w want, file string) (*domain, error) {
	if err := h.mustIn(ctx, h.slow, h.tool, "restore", file); err != nil {
		return nil, err
	}
	dom, err := h.look(ctx, w)
	if err == nil && dom == nil {
		err = fmt.Errorf("xen: %s says that it restored %s, and there is no such domain", h.tool, w.name)
	}
	return dom, err
}

// kept fails when nothing was saved of a domain.
func (d *Driver) kept(ctx context.Context, h host, w want, file string) error {
	there, err := h.exists(ctx, file)
	if err == nil && !there {
		err = invalid("nothing is saved of %s", w.name)
	}
	return err
}

// Checkpoint writes a copy of the domain's memory to a file; it goes on. A domain with
// a disk of its own that it writes has none: memory and disk would not belong together.
func (d *Driver) Checkpoint(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	h, w, _, err := d.up(ctx, on, p)
	if err != nil {
		return handlers.Result{}, err
	}
	if w.writable() {
		return handlers.Result{}, invalid("%s writes a disk, which a checkpoint of its memory does not cover; suspend it", w.name)
	}
	// A lie must not pass because there is a copy from before.
	if err := h.remove(ctx, d.checkpoint(w)); err != nil {
		return handlers.Result{}, err
	}
	if err := h.save(ctx, w.name, d.checkpoint(w), true); err != nil {
		return handlers.Result{}, err
	}
	if err := d.kept(ctx, h, w, d.checkpoint(w)); err != nil {
		return handlers.Result{}, err
	}
	dom, err := h.look(ctx, w)
	if err == nil && dom == nil {
		err = fmt.Errorf("xen: %s is gone since its checkpoint", w.name)
	}
	return done(err)
}

// Restore takes the domain back to its checkpoint, which is kept.
func (d *Driver) Restore(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	h, w, dom, err := d.begin(ctx, on, p)
	if err == nil {
		err = d.kept(ctx, h, w, d.checkpoint(w))
	}
	if err == nil && dom != nil {
		err = d.destroy(ctx, h, w)
	}
	if err == nil {
		dom, err = d.bring(ctx, h, w, d.checkpoint(w))
	}
	if err != nil {
		return handlers.Result{}, err
	}
	return done(h.shape(ctx, dom.id, w.bandwidth))
}

// Pause stops the domain where it is.
func (d *Driver) Pause(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	return done(d.pause(ctx, on, p, true))
}

// Unpause lets the domain go on.
func (d *Driver) Unpause(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	return done(d.pause(ctx, on, p, false))
}

// pause looks first: xl counts how often it is asked.
func (d *Driver) pause(ctx context.Context, on run.Runner, p handlers.Params, want bool) error {
	h, w, dom, err := d.up(ctx, on, p)
	if err != nil {
		return err
	}
	is, err := h.paused(ctx, dom)
	if err != nil || is == want {
		return err
	}
	verb := "unpause"
	if want {
		verb = "pause"
	}
	if err := h.must(ctx, h.tool, verb, w.name); err != nil {
		return err
	}
	if dom, err = h.look(ctx, w); err != nil {
		return err
	}
	if dom == nil {
		return fmt.Errorf("xen: %s is gone", w.name)
	}
	is, err = h.paused(ctx, dom)
	if err == nil && is != want {
		err = fmt.Errorf("xen: %s says that it carried out %s of %s, and did not", h.tool, verb, w.name)
	}
	return err
}

// Migrate moves the domain to one of the machines that are configured, not to whatever
// a lessee writes.
func (d *Driver) Migrate(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	to := p.Argument("host", "")
	addr, ok := d.cfg.Hosts[to]
	if !ok {
		return handlers.Result{}, invalid("there is no machine %.64q to migrate to", to)
	}
	h, w, dom, err := d.begin(ctx, on, p)
	if err != nil {
		return handlers.Result{}, err
	}
	moved := handlers.Result{Done: true, Properties: map[string]string{handlers.ParamMachine: to}}
	if p[handlers.ParamMachine] == to { // an earlier call moved it, and that was noted
		if dom == nil {
			return handlers.Result{}, invalid("there is no domain %s", w.name)
		}
		return moved, nil
	}
	if dom != nil {
		if err := h.migrate(ctx, w.name, addr); err != nil {
			return handlers.Result{}, err
		}
		if dom, err = h.look(ctx, w); err != nil {
			return handlers.Result{}, err
		}
		if dom != nil {
			return handlers.Result{}, fmt.Errorf("xen: %s says that it moved %s to %s, and the domain is here", h.tool, w.name, to)
		}
	}
	if d.cfg.Reach == nil {
		return moved, nil
	}
	there, err := d.at(ctx, d.cfg.Reach(to))
	if err != nil {
		return handlers.Result{}, err
	}
	if dom, err = there.look(ctx, w); err != nil {
		return handlers.Result{}, err
	}
	if dom == nil {
		return handlers.Result{}, fmt.Errorf("xen: %s is neither here nor on %s", w.name, to)
	}
	if err := there.shape(ctx, dom.id, w.bandwidth); err != nil {
		return handlers.Result{}, err
	}
	return moved, nil
}

// Resize changes what the arguments memory, vcpus, weight, cap and bandwidth name.
func (d *Driver) Resize(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	h, w, dom, err := d.begin(ctx, on, p)
	if err != nil {
		return handlers.Result{}, err
	}
	reboot := p.Argument("reboot", "") == "yes"
	to := size{memory: w.memory, vcpus: w.vcpus, cap: -1, bandwidth: -1}
	if dom != nil {
		to.memory, to.vcpus = dom.memory, dom.vcpus
	}
	found := map[string]string{}
	for _, a := range []struct {
		name, property string
		least, most    int
		to             *int
	}{
		{"memory", Memory, 1, mostMemory, &to.memory},
		{"vcpus", VCPUs, 1, mostVCPUs, &to.vcpus},
		{"weight", CPUWeight, 1, mostWeight, &to.weight},
		{"cap", CPUCap, 0, mostCap, &to.cap},
		{"bandwidth", Bandwidth, 0, mostBandwidth, &to.bandwidth},
	} {
		text := p.Argument(a.name, "")
		if text == "" {
			continue
		}
		if *a.to, err = count(text, a.least, a.most, 0); err != nil {
			return handlers.Result{}, invalid("%s %v", a.name, err)
		}
		found[a.property] = strconv.Itoa(*a.to) // what it is from now on, whoever sets it up again
	}
	if dom == nil {
		if !reboot {
			return handlers.Result{}, invalid("there is no domain %s", w.name)
		}
		// An earlier call got as far as ending it for its new start.
		w.size.memory, w.size.vcpus = to.memory, to.vcpus
		w.most.memory, w.most.vcpus = max(w.most.memory, to.memory), max(w.most.vcpus, to.vcpus)
		if dom, err = d.make(ctx, h, w); err != nil {
			return handlers.Result{}, err
		}
	}
	if err := d.resize(ctx, h, w, dom, to, reboot); err != nil {
		return handlers.Result{}, err
	}
	return handlers.Result{Done: true, Properties: found}, nil
}

// Probe tells how the domain is: its state, and its size when there is one.
func (d *Driver) Probe(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	h, w, dom, err := d.begin(ctx, on, p)
	if err != nil {
		return handlers.Result{}, err
	}
	found := map[string]string{State: Absent}
	if dom == nil {
		kept, err := h.exists(ctx, d.saved(w))
		if err != nil {
			return handlers.Result{}, err
		}
		if kept {
			found[State] = Suspended
		}
		return handlers.Result{Done: true, Note: w.name + " is " + found[State], Properties: found}, nil
	}
	paused, err := h.paused(ctx, dom)
	if err != nil {
		return handlers.Result{}, err
	}
	found[State] = Running
	if paused {
		found[State] = Paused
	}
	found[Memory], found[VCPUs] = strconv.Itoa(dom.memory), strconv.Itoa(dom.vcpus)
	note := fmt.Sprintf("%s is %s, with %d MiB and %d processors", w.name, found[State], dom.memory, dom.vcpus)
	return handlers.Result{Done: true, Note: note, Properties: found}, nil
}
