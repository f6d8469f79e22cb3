/*
Package xen is the driver of virtual machines on a Xen host: it speaks to the host's
control domain through xl, over whatever runner it is given.

A unit is one domain. Its name is the node's host name and its UUID follows from the
unit's identity, so that the driver knows its own domains again after any crash and
never touches another's. What a domain should be is looked up first, changed if it
differs, and looked up again: xl's word alone is not believed.

A setup that finds the domain up changes its memory and processors when they differ
and restarts nothing; the same goes for every modify but restart.

domain.go reads what xl says, modify.go is the subcommands of a modify. dom0-shell is
the other end of a forced command: a script that lets a key do what this driver asks
and nothing else.
*/
package xen

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
)

// Names of the parameters. Those below unit.resource are of the field (leasing 4.8.5).
const (
	Name      = "unit.hostname"            // the domain's name
	MAC       = "unit.mac"                 // of its network card
	Memory    = "unit.resource.memory"     // MiB
	VCPUs     = "unit.resource.vcpus"      // virtual processors
	CPUWeight = "unit.resource.cpu.weight" // share of the processors, 256 being one
	CPUCap    = "unit.resource.cpu.cap"    // at most so many hundredths of a processor; 0 is no limit
	Kernel    = "xen.kernel"               // file at the control domain
	Ramdisk   = "xen.ramdisk"              // likewise
	Extra     = "xen.extra"                // what the kernel is told
	Disk      = "xen.disk"                 // an xl disk specification
	Bridge    = "xen.bridge"               // where the network card is plugged in
	Type      = "xen.type"                 // pv or pvh; only pvh migrates live on Debian's Xen
)

// Config is what units do not say themselves. Its zero value is usable.
type Config struct {
	Memory int    // MiB; 0 means 256
	VCPUs  int    // 0 means 1
	Bridge string // empty means xenbr0
	Type   string // empty means pvh
	// SaveDir is where suspended domains and checkpoints are kept at the control
	// domain; empty means /var/lib/xen/save.
	SaveDir string
	// Forced sends what dom0-shell understands: configurations on standard input
	// instead of xl's own arguments.
	Forced bool
	// Hosts are the control domains that a domain may be migrated to, by the names
	// that units use, and their addresses.
	Hosts map[string]string
}

// Driver is the driver; it is safe for concurrent use.
type Driver struct{ cfg Config }

// New makes a driver.
func New(cfg Config) *Driver {
	if cfg.Memory == 0 {
		cfg.Memory = 256
	}
	if cfg.VCPUs == 0 {
		cfg.VCPUs = 1
	}
	if cfg.Bridge == "" {
		cfg.Bridge = "xenbr0"
	}
	if cfg.Type == "" {
		cfg.Type = "pvh"
	}
	if cfg.SaveDir == "" {
		cfg.SaveDir = "/var/lib/xen/save"
	}
	return &Driver{cfg}
}

var _ handlers.Modifier = (*Driver)(nil)

// Info lists d in a catalogue.
func (d *Driver) Info() handlers.Info {
	return handlers.Info{
		Name:   "xen",
		Doc:    "Makes a virtual machine on a Xen host, through xl at its control domain.",
		Driver: d,
		Params: []handlers.Param{
			{Name: handlers.ParamUnit, Doc: "the unit, from which the domain's UUID follows", Need: true},
			{Name: Name, Doc: "the domain's name", Need: true},
			{Name: MAC, Doc: "hardware address of its network card", Need: true},
			{Name: Kernel, Doc: "file of the kernel at the control domain", Need: true},
			{Name: Ramdisk, Doc: "file of the initial file system there"},
			{Name: Extra, Doc: "what the kernel is told"},
			{Name: Disk, Doc: "an xl disk specification, such as format=raw,vdev=xvda,access=rw,target=/dev/vg/a1"},
			{Name: Memory, Doc: "memory in MiB", Default: strconv.Itoa(d.cfg.Memory)},
			{Name: VCPUs, Doc: "virtual processors", Default: strconv.Itoa(d.cfg.VCPUs)},
			{Name: CPUWeight, Doc: "share of the processors, 1 to 65535; 256 is one share"},
			{Name: CPUCap, Doc: "at most so many hundredths of a processor; 0 is no limit"},
			{Name: Bridge, Doc: "bridge of the network card", Default: d.cfg.Bridge},
			{Name: Type, Doc: "pv or pvh", Default: d.cfg.Type},
		},
	}
}

// want is what a unit's domain should be.
type want struct {
	name, uuid    string
	memory, vcpus int // MiB; processors
	weight, cap   int // -1 when nothing is said
	mac, bridge   string
	kind          string
	kernel, extra string
	ramdisk, disk string
}

// read takes the parameters apart. Whatever a lessee wrote into one reaches xl as one
// value, or not at all.
func (d *Driver) read(p handlers.Params) (w want, err error) {
	need := func(name string) string {
		v, e := p.Need(name)
		if err == nil {
			err = e
		}
		return v
	}
	count := func(name string, def int) int {
		n, e := p.Count(name, def)
		if err == nil {
			err = e
		}
		return n
	}
	w = want{
		name: need(Name), uuid: uuidOf(need(handlers.ParamUnit)), mac: strings.ToLower(need(MAC)), kernel: need(Kernel),
		ramdisk: p[Ramdisk], extra: p[Extra], disk: p[Disk], bridge: p.Get(Bridge, d.cfg.Bridge), kind: p.Get(Type, d.cfg.Type),
		memory: count(Memory, d.cfg.Memory), vcpus: count(VCPUs, d.cfg.VCPUs), weight: count(CPUWeight, -1), cap: count(CPUCap, -1),
	}
	if err != nil {
		return want{}, err
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	switch {
	case !plain(w.name, letters) || len(w.name) > 64 || w.name[0] == '-' || w.name[0] == '.':
		return want{}, fmt.Errorf("xen: %.64q cannot name a domain", w.name)
	case !plain(w.mac, "0123456789abcdef:") || len(w.mac) != 17:
		return want{}, fmt.Errorf("xen: %.64q is no hardware address", w.mac)
	case !plain(w.bridge, letters):
		return want{}, fmt.Errorf("xen: %.64q is no bridge", w.bridge)
	case w.kind != "pv" && w.kind != "pvh":
		return want{}, fmt.Errorf("xen: type %.16q is neither pv nor pvh", w.kind)
	case w.memory < 1 || w.vcpus < 1:
		return want{}, fmt.Errorf("xen: a domain needs memory and a processor")
	case w.weight == 0 || w.weight > 65535:
		return want{}, fmt.Errorf("xen: %s is 1 to 65535", CPUWeight)
	}
	for _, v := range []string{w.kernel, w.ramdisk, w.extra, w.disk} {
		if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\'' || r == '\\' }) || len(v) > 1024 {
			return want{}, fmt.Errorf("xen: %.64q cannot stand in a domain's configuration", v)
		}
	}
	return w, nil
}

func plain(s, letters string) bool { return s != "" && strings.Trim(s, letters) == "" }

// uuidOf is a UUID made from a unit's identity; the same unit always has the same.
func uuidOf(unit string) string {
	h := sha256.Sum256([]byte("leasehold unit " + unit))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80 // version 8: ours to define (RFC 9562 5.8)
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// settings is the domain's configuration in xl's own language (xl.cfg(5)), a line
// each.
func (w want) settings() []string {
	text := func(name, value string) string { return name + `="` + value + `"` }
	out := []string{
		text("name", w.name), text("uuid", w.uuid), text("type", w.kind), text("kernel", w.kernel),
		fmt.Sprintf("memory=%d", w.memory), fmt.Sprintf("vcpus=%d", w.vcpus),
		fmt.Sprintf(`vif=["mac=%s,bridge=%s"]`, w.mac, w.bridge),
		text("on_poweroff", "destroy"), text("on_reboot", "restart"), text("on_crash", "destroy"),
	}
	if w.ramdisk != "" {
		out = append(out, text("ramdisk", w.ramdisk))
	}
	if w.extra != "" {
		out = append(out, text("extra", w.extra))
	}
	if w.disk != "" {
		out = append(out, `disk=["`+w.disk+`"]`)
	}
	if w.weight > 0 {
		out = append(out, fmt.Sprintf("cpu_weight=%d", w.weight))
	}
	if w.cap > 0 {
		out = append(out, fmt.Sprintf("cap=%d", w.cap))
	}
	return out
}

// create is the command that makes the domain.
func (d *Driver) create(w want) run.Cmd {
	if d.cfg.Forced {
		return run.Cmd{Args: []string{"xl-create", w.name}, Stdin: strings.Join(w.settings(), "\n") + "\n"}
	}
	// xl takes no configuration on standard input, but any number of settings after
	// an empty file.
	return run.Cmd{Args: append([]string{"xl", "create", "-q", "/dev/null"}, w.settings()...)}
}

// Setup makes the domain, or brings the size of one that is there to what it should
// be.
func (d *Driver) Setup(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	w, err := d.read(p)
	if err != nil {
		return handlers.Result{}, err
	}
	dom, err := look(ctx, on, w.name)
	if err != nil {
		return handlers.Result{}, err
	}
	if dom == nil {
		if err := must(ctx, on, d.create(w)); err != nil {
			return handlers.Result{}, err
		}
		if dom, err = look(ctx, on, w.name); err != nil {
			return handlers.Result{}, err
		}
		if dom == nil {
			return handlers.Result{}, fmt.Errorf("xen: xl says that it made %s, and there is no such domain", w.name)
		}
	}
	if err := dom.ours(w); err != nil {
		return handlers.Result{}, err
	}
	if err := resize(ctx, on, dom, w.memory, w.vcpus); err != nil {
		return handlers.Result{}, err
	}
	return handlers.Result{Done: true, Properties: map[string]string{"xen.uuid": w.uuid}}, nil
}

// Teardown destroys the domain and forgets what was saved of it.
func (d *Driver) Teardown(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	w, err := d.read(p)
	if err != nil {
		return handlers.Result{}, err
	}
	dom, err := look(ctx, on, w.name)
	if err != nil {
		return handlers.Result{}, err
	}
	if dom != nil {
		if err := dom.ours(w); err != nil {
			return handlers.Result{}, err
		}
		if err := must(ctx, on, xl("destroy", w.name)); err != nil {
			return handlers.Result{}, err
		}
		if dom, err = look(ctx, on, w.name); err != nil {
			return handlers.Result{}, err
		}
		if dom != nil {
			return handlers.Result{}, fmt.Errorf("xen: xl says that it destroyed %s, and the domain is there", w.name)
		}
	}
	if err := must(ctx, on, run.Cmd{Args: []string{"rm", "-f", d.saved(w)}}); err != nil {
		return handlers.Result{}, err
	}
	return handlers.Result{Done: true}, nil
}

// saved is the file that a suspended domain or its checkpoint is kept in.
func (d *Driver) saved(w want) string { return d.cfg.SaveDir + "/" + w.name + ".leasehold" }

func xl(args ...string) run.Cmd { return run.Cmd{Args: append([]string{"xl"}, args...)} }

// must runs a command that is to succeed.
func must(ctx context.Context, on run.Runner, c run.Cmd) error {
	o, err := on.Run(ctx, c)
	if err == nil && o.Code != 0 {
		err = failed(c, o)
	}
	return err
}

// failed is the error of a command that ran and did not succeed, in one line.
func failed(c run.Cmd, o run.Output) error {
	words := c.Args
	if len(words) > 3 {
		words = words[:3]
	}
	return fmt.Errorf("xen: %s ends with %d: %.300s", strings.Join(words, " "), o.Code, strings.Join(strings.Fields(o.Stderr+" "+o.Stdout), " "))
}
