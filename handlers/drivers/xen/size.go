package xen

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/leasehold/leasehold/handlers"
)

// resize brings a domain to a size while it runs, and makes sure that it has it. What
// a running domain cannot be given is refused before anything changes, unless it may
// be started anew.
func (d *Driver) resize(ctx context.Context, h host, w want, dom *domain, to size, reboot bool) error {
	if to.vcpus > dom.mostVCPUs {
		if !reboot {
			return handlers.Exit{Code: handlers.ExitInvalid, Note: fmt.Sprintf("xen: %s was started with room for %d processors, and can have %d only by a new start",
				w.name, dom.mostVCPUs, to.vcpus)}
		}
		if err := d.destroy(ctx, h, w); err != nil {
			return err
		}
		w.size, w.most.memory, w.most.vcpus = to, max(w.most.memory, to.memory), max(w.most.vcpus, to.vcpus)
		var err error
		if dom, err = d.make(ctx, h, w); err != nil {
			return err
		}
	}
	if dom.vcpus != to.vcpus { // first, because it is refused more easily
		args := []string{h.tool, "vcpu-set", w.name, strconv.Itoa(to.vcpus)}
		if h.tool == toolXL { // which has an opinion of its own on how many are too many
			args = slices.Insert(args, 2, "--ignore-host")
		}
		if err := h.must(ctx, args...); err != nil {
			return err
		}
	}
	if dom.memory != to.memory {
		// The most that it may have goes up before, and down after.
		if to.memory > dom.most {
			if err := h.must(ctx, h.tool, "mem-max", w.name, strconv.Itoa(to.memory)); err != nil {
				return err
			}
		}
		if err := h.must(ctx, h.tool, "mem-set", w.name, strconv.Itoa(to.memory)); err != nil {
			return err
		}
	}
	if dom.memory != to.memory || dom.vcpus != to.vcpus {
		now, err := h.look(ctx, w)
		switch {
		case err != nil:
			return err
		case now == nil:
			return fmt.Errorf("xen: %s is gone since it was resized", w.name)
		case now.memory != to.memory || now.vcpus != to.vcpus:
			return fmt.Errorf("xen: %s says that it resized %s, which has %d MiB and %d processors, not %d and %d",
				h.tool, w.name, now.memory, now.vcpus, to.memory, to.vcpus)
		}
	}
	if err := h.schedule(ctx, w.name, to); err != nil {
		return err
	}
	return h.shape(ctx, dom.id, to.bandwidth)
}

// schedule sets what a domain gets of the processors, where anything is said about it.
func (h host) schedule(ctx context.Context, name string, to size) error {
	if to.weight == 0 && to.cap < 0 {
		return nil
	}
	same := func() (bool, error) {
		weight, limit, err := h.share(ctx, name)
		return (to.weight == 0 || to.weight == weight) && (to.cap < 0 || to.cap == limit), err
	}
	if ok, err := same(); err != nil || ok {
		return err
	}
	args := []string{h.tool, "sched-" + h.sched, "-d", name}
	if to.weight > 0 {
		args = append(args, "-w", strconv.Itoa(to.weight))
	}
	if to.cap >= 0 {
		args = append(args, "-c", strconv.Itoa(to.cap))
	}
	if err := h.must(ctx, args...); err != nil {
		return err
	}
	ok, err := same()
	if err == nil && !ok {
		err = fmt.Errorf("xen: %s says that it gave %s another share of the processors, and did not", h.tool, name)
	}
	return err
}

// share is a domain's weight and cap. The schedulers print a table, and the oldest xm
// a Python dictionary:
//
//	Name           ID Weight  Cap
//	alpha1          4    512   50
//	{'cap': 50, 'weight': 512}
func (h host) share(ctx context.Context, name string) (weight, limit int, err error) {
	args := []string{h.tool, "sched-" + h.sched, "-d", name}
	o, err := h.run(ctx, h.quick, args...)
	switch {
	case err != nil:
		return 0, 0, err
	case o.Code != 0:
		return 0, 0, failed(args, o)
	}
	if text := strings.TrimSpace(o.Stdout); strings.HasPrefix(text, "{") {
		for pair := range strings.SplitSeq(strings.Trim(text, "{}"), ",") {
			k, v, _ := strings.Cut(pair, ":")
			n, bad := strconv.Atoi(strings.TrimSpace(v))
			switch strings.Trim(k, " '") {
			case "weight":
				weight, err = n, bad
			case "cap":
				limit, err = n, bad
			}
			if err != nil {
				break
			}
		}
		if weight > 0 && err == nil {
			return weight, limit, nil
		}
	}
	for line := range strings.Lines(o.Stdout) {
		if f := strings.Fields(line); len(f) >= 4 && f[0] == name {
			weight, bad := strconv.Atoi(f[2])
			limit, worse := strconv.Atoi(f[3])
			if bad == nil && worse == nil {
				return weight, limit, nil
			}
		}
	}
	return 0, 0, fmt.Errorf("xen: %s does not tell what %s has of the processors", strings.Join(args, " "), name)
}

// shape limits what a domain sends and receives, at its end of the wire in the control
// domain. A limit in the domain's configuration would be Xen's own, but could not be
// changed while it runs.
func (h host) shape(ctx context.Context, id, kbit int) error {
	if kbit < 0 {
		return nil
	}
	dev := fmt.Sprintf("vif%d.0", id)
	if kbit == 0 {
		for _, where := range []string{"root", "ingress"} {
			// tc fails when there is nothing to remove.
			if _, err := h.run(ctx, h.quick, "tc", "qdisc", "del", "dev", dev, where); err != nil {
				return err
			}
		}
		return nil
	}
	rate := strconv.Itoa(kbit) + "kbit"
	// Room for a full segment and a tenth of a second of the rate.
	burst := strconv.Itoa(max(1<<14, min(kbit*1000/8/10, 1<<26))) + "b"
	for _, args := range [][]string{
		{"tc", "qdisc", "replace", "dev", dev, "root", "tbf", "rate", rate, "burst", burst, "latency", "100ms"},
		{"tc", "qdisc", "replace", "dev", dev, "ingress"},
		{"tc", "filter", "replace", "dev", dev, "ingress", "protocol", "all", "prio", "1", "handle", "1", "matchall",
			"action", "police", "rate", rate, "burst", burst, "conform-exceed", "drop"},
	} {
		if err := h.must(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}
