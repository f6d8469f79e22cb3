package xen

import (
	"context"
	"fmt"
	"path"
	"reflect"
	"strings"
	"time"

	"github.com/leasehold/leasehold/handlers/run"
)

// The programs that a control domain is managed with: xl, and xm on hosts of the time
// of the paper, with Xen 3 and xend.
const (
	toolXL = "xl"
	toolXM = "xm"
)

// host is a control domain that a call works on.
type host struct {
	on    run.Runner
	tool  string // xl or xm
	sched string // the scheduler of its hypervisor: credit or credit2
	quick time.Duration
	slow  time.Duration
}

// at finds out how the control domain is spoken to, once for each.
func (d *Driver) at(ctx context.Context, on run.Runner) (host, error) {
	h := host{on: on, quick: d.cfg.CommandTime, slow: d.cfg.MoveTime}
	known := on != nil && reflect.TypeOf(on).Comparable()
	if known {
		d.mu.Lock()
		old, ok := d.hosts[on]
		d.mu.Unlock()
		if ok {
			h.tool, h.sched = old.tool, old.sched
			return h, nil
		}
	}
	tools := []string{toolXL, toolXM}
	if d.cfg.Tool != "" {
		tools = []string{d.cfg.Tool}
	}
	var wrong error
	for _, h.tool = range tools {
		o, err := h.run(ctx, h.quick, h.tool, "info")
		switch {
		case err != nil:
			return host{}, err
		case o.Code != 0:
			if wrong == nil {
				wrong = failed([]string{h.tool, "info"}, o)
			}
			continue
		}
		if h.sched = info(o.Stdout, "xen_scheduler"); h.sched == "" {
			return host{}, fmt.Errorf("xen: %s info does not name the scheduler", h.tool)
		}
		if known {
			d.mu.Lock()
			d.hosts[on] = h
			d.mu.Unlock()
		}
		return h, nil
	}
	return host{}, wrong
}

// info is one value of what "xl info" prints, "name : value" a line.
func info(text, name string) string {
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// run runs one command, for so long at most: a control domain that hangs holds up
// nobody for ever.
func (h host) run(ctx context.Context, limit time.Duration, args ...string) (run.Output, error) {
	return h.give(ctx, limit, run.Cmd{Args: args})
}

func (h host) give(ctx context.Context, limit time.Duration, c run.Cmd) (run.Output, error) {
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	return h.on.Run(ctx, c)
}

// must runs a quick command that is to succeed.
func (h host) must(ctx context.Context, args ...string) error { return h.mustIn(ctx, h.quick, args...) }

func (h host) mustIn(ctx context.Context, limit time.Duration, args ...string) error {
	o, err := h.run(ctx, limit, args...)
	if err == nil && o.Code != 0 {
		err = failed(args, o)
	}
	return err
}

// failed is the error of a command that ran and did not succeed, in one line.
func failed(args []string, o run.Output) error {
	if len(args) > 3 {
		args = args[:3]
	}
	return fmt.Errorf("xen: %s ends with %d: %.300s", strings.Join(args, " "), o.Code, strings.Join(strings.Fields(o.Stderr+" "+o.Stdout), " "))
}

// create makes the domain. xl and xm take no configuration on standard input, but any
// number of settings after an empty file; a forced command takes it as its input.
func (h host) create(ctx context.Context, w want, forced bool) error {
	c := run.Cmd{Args: []string{h.tool, "create", "-q", "/dev/null"}}
	all := w.settings(h.tool)
	if forced {
		c = run.Cmd{Args: []string{h.tool + "-create", w.name}}
	}
	for _, s := range all {
		switch {
		case forced:
			c.Stdin += s.name + "=" + s.quoted() + "\n"
		case h.tool == toolXM && s.form == list: // each value by itself
			for _, v := range strings.Split(s.value, ";") {
				c.Args = append(c.Args, s.name+"="+v)
			}
		case h.tool == toolXM: // it takes values as they are
			c.Args = append(c.Args, s.name+"="+s.value)
		default:
			c.Args = append(c.Args, s.name+"="+s.quoted())
		}
	}
	o, err := h.give(ctx, h.slow, c)
	if err == nil && o.Code != 0 {
		err = failed(c.Args, o)
	}
	return err
}

// save writes a domain to a file, in a folder that no package makes. With keep it goes
// on afterwards.
func (h host) save(ctx context.Context, name, file string, keep bool) error {
	if err := h.must(ctx, "mkdir", "-p", "-m", "700", path.Dir(file)); err != nil {
		return err
	}
	if keep {
		return h.mustIn(ctx, h.slow, h.tool, "save", "-c", name, file)
	}
	return h.mustIn(ctx, h.slow, h.tool, "save", name, file)
}

// migrate moves a domain to another control domain while it runs.
func (h host) migrate(ctx context.Context, name, to string) error {
	if h.tool == toolXM {
		return h.mustIn(ctx, h.slow, h.tool, "migrate", "--live", name, to)
	}
	return h.mustIn(ctx, h.slow, h.tool, "migrate", name, to)
}

// exists reports whether a file is there that holds something.
func (h host) exists(ctx context.Context, file string) (bool, error) {
	args := []string{"test", "-s", file}
	o, err := h.run(ctx, h.quick, args...)
	if err == nil && o.Code > 1 {
		err = failed(args, o)
	}
	return o.Code == 0, err
}

// remove removes a file, if there is one.
func (h host) remove(ctx context.Context, file string) error {
	if err := h.must(ctx, "rm", "-f", file); err != nil {
		return err
	}
	if there, err := h.exists(ctx, file); err != nil || !there {
		return err
	}
	return fmt.Errorf("xen: %s was removed, and is there", file)
}
