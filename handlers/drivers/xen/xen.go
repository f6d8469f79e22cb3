/*
Package xen is the driver of virtual machines on Xen hosts: it speaks to a host's
control domain through xl, or on old hosts xm, over whatever runner it is given.

A unit is one domain. Its name is the node's host name and its UUID follows from the
unit's identity, so that the driver knows its own domains again after any crash and
never touches another's. What a domain should be is looked up first, changed if it
differs, and looked up again: xl's word alone is not believed.

A setup that finds the domain up changes its size where it differs and restarts
nothing. The same goes for every modify but restart, and but a resize that is told to
reboot where a domain cannot grow otherwise.

# Where to read next

verbs.go is what the driver can do beyond setup and teardown. domain.go reads what xl
and xm say, size.go changes how much a domain has, tool.go is the commands. dom0-shell
is the other end of a forced command: a script that lets a key do what this driver asks
and nothing else.
*/
package xen

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
)

// Names of the parameters.
const (
	Name      = "unit.hostname" // the domain's name
	MAC       = "unit.mac"      // of its network card
	Memory    = handlers.ResourceMemory
	VCPUs     = handlers.ResourceVCPUs
	CPUWeight = handlers.ResourceCPUWeight
	CPUCap    = handlers.ResourceCPUCap
	Bandwidth = handlers.ResourceBandwidth
	MaxMemory = "xen.memory.max" // MiB that it can grow to while it runs
	MaxVCPUs  = "xen.vcpus.max"  // likewise
	Kernel    = "xen.kernel"     // file at the control domain
	Ramdisk   = "xen.ramdisk"    // likewise
	Extra     = "xen.extra"      // what the kernel is told
	Disk      = "xen.disk"       // an xl disk specification
	Bridge    = "xen.bridge"     // where the network card is plugged in
	Type      = "xen.type"       // pv or pvh; only pvh migrates live on Debian's Xen
)

// Config is what units do not say themselves. Its zero value is usable.
type Config struct {
	Memory int    // MiB; 0 means 256
	VCPUs  int    // 0 means 1
	Bridge string // empty means xenbr0
	Type   string // empty means pvh where there is xl, and pv with xm
	// Tool is what control domains are managed with, xl or xm; empty means whichever
	// answers.
	Tool string
	// SaveDir is where suspended domains and checkpoints are kept at the control
	// domain; empty means /var/lib/xen/save.
	SaveDir string
	// Forced sends what dom0-shell understands: configurations on standard input
	// instead of xl's own arguments.
	Forced bool
	// Hosts are the control domains that a domain may be migrated to, by the names
	// that units use, and their addresses.
	Hosts map[string]string
	// Reach is the runner of one of Hosts, with which the driver makes sure that a
	// domain has arrived; nil means to believe xl.
	Reach func(name string) run.Runner
	// CommandTime bounds what is done at once, MoveTime what takes as long as memory is
	// large: create, save, restore, migrate. 0 means two minutes and half an hour.
	CommandTime, MoveTime time.Duration
}

// Driver is the driver; it is safe for concurrent use.
type Driver struct {
	cfg Config

	mu    sync.Mutex
	hosts map[run.Runner]host // those whose tool is known
}

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
	if cfg.SaveDir == "" {
		cfg.SaveDir = "/var/lib/xen/save"
	}
	if cfg.CommandTime == 0 {
		cfg.CommandTime = 2 * time.Minute
	}
	if cfg.MoveTime == 0 {
		cfg.MoveTime = 30 * time.Minute
	}
	return &Driver{cfg: cfg, hosts: map[run.Runner]host{}}
}

var (
	_ handlers.Modifier     = (*Driver)(nil)
	_ handlers.Suspender    = (*Driver)(nil)
	_ handlers.Checkpointer = (*Driver)(nil)
	_ handlers.Pauser       = (*Driver)(nil)
	_ handlers.Migrator     = (*Driver)(nil)
	_ handlers.Resizer      = (*Driver)(nil)
	_ handlers.Prober       = (*Driver)(nil)
)

// Info lists d in a catalogue.
func (d *Driver) Info() handlers.Info {
	return handlers.Info{
		Name:   "xen",
		Doc:    "Makes a virtual machine on a Xen host, through xl or xm at its control domain.",
		Driver: d,
		Params: []handlers.Param{
			{Name: handlers.ParamUnit, Doc: "the unit, from which the domain's UUID follows", Need: true},
			{Name: Name, Doc: "the domain's name", Need: true},
			{Name: MAC, Doc: "hardware address of its network card", Need: true},
			{Name: Kernel, Doc: "file of the kernel at the control domain", Need: true},
			{Name: Ramdisk, Doc: "file of the initial file system there"},
			{Name: Extra, Doc: "what the kernel is told"},
			{Name: Disk, Doc: "xl disk specifications, such as format=raw,vdev=xvda,access=rw,target=/dev/vg/a1, with semicolons between them: what it starts from, and volumes"},
			{Name: Memory, Doc: "memory in MiB", Default: strconv.Itoa(d.cfg.Memory)},
			{Name: MaxMemory, Doc: "memory in MiB that it can grow to without a new start"},
			{Name: VCPUs, Doc: "virtual processors", Default: strconv.Itoa(d.cfg.VCPUs)},
			{Name: MaxVCPUs, Doc: "virtual processors that it can grow to without a new start"},
			{Name: CPUWeight, Doc: "share of the processors, 1 to 65535; 256 is one share"},
			{Name: CPUCap, Doc: "at most so many hundredths of a processor; 0 is no limit"},
			{Name: Bandwidth, Doc: "at most so many kbit/s in either direction; 0 is no limit"},
			{Name: Bridge, Doc: "bridge of the network card", Default: d.cfg.Bridge},
			{Name: Type, Doc: "pv or pvh", Default: d.cfg.Type},
		},
	}
}

// begin reads a call's parameters and looks at the unit's domain, which is nil when
// there is none. One of its name that is not the unit's is an error.
func (d *Driver) begin(ctx context.Context, on run.Runner, p handlers.Params) (h host, w want, dom *domain, err error) {
	if w, err = d.read(p); err != nil {
		return h, w, nil, handlers.Exit{Code: handlers.ExitInvalid, Note: err.Error()}
	}
	if h, err = d.at(ctx, on); err != nil {
		return h, w, nil, err
	}
	if h.tool == toolXM && w.kind == "pvh" {
		return h, w, nil, handlers.Exit{Code: handlers.ExitInvalid, Note: "xen: a host with xm makes no domain of type pvh"}
	}
	dom, err = h.look(ctx, w)
	return h, w, dom, err
}

// Setup makes the domain, or brings the size of one that is there to what it should
// be.
func (d *Driver) Setup(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	h, w, dom, err := d.begin(ctx, on, p)
	if err != nil {
		return handlers.Result{}, err
	}
	if dom == nil {
		if kept, err := h.exists(ctx, d.saved(w)); err != nil {
			return handlers.Result{}, err
		} else if kept { // suspended: it goes on, and does not begin again
			if dom, err = d.wake(ctx, h, w); err != nil {
				return handlers.Result{}, err
			}
		}
	}
	if dom == nil {
		if dom, err = d.make(ctx, h, w); err != nil {
			return handlers.Result{}, err
		}
	}
	if err := d.resize(ctx, h, w, dom, w.size, false); err != nil {
		return handlers.Result{}, err
	}
	return handlers.Result{Done: true, Properties: map[string]string{"xen.uuid": w.uuid}}, nil
}

// make makes the domain, which is not there.
func (d *Driver) make(ctx context.Context, h host, w want) (*domain, error) {
	if err := h.create(ctx, w, d.cfg.Forced); err != nil {
		return nil, err
	}
	dom, err := h.look(ctx, w)
	if err == nil && dom == nil {
		err = fmt.Errorf("xen: %s says that it made %s, and there is no such domain", h.tool, w.name)
	}
	return dom, err
}

// Teardown destroys the domain and forgets what was saved of it.
func (d *Driver) Teardown(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	h, w, dom, err := d.begin(ctx, on, p)
	if err != nil {
		return handlers.Result{}, err
	}
	if dom != nil {
		if err := d.destroy(ctx, h, w); err != nil {
			return handlers.Result{}, err
		}
	}
	files := []string{d.saved(w), d.checkpoint(w)}
	if p[handlers.ParamKeep] == "yes" {
		files = files[:1]
	}
	for _, file := range files {
		if err := h.remove(ctx, file); err != nil {
			return handlers.Result{}, err
		}
	}
	return handlers.Result{Done: true}, nil
}

// destroy ends the domain.
func (d *Driver) destroy(ctx context.Context, h host, w want) error {
	if err := h.must(ctx, h.tool, "destroy", w.name); err != nil {
		return err
	}
	dom, err := h.look(ctx, w)
	if err == nil && dom != nil {
		err = fmt.Errorf("xen: %s says that it destroyed %s, and the domain is there", h.tool, w.name)
	}
	return err
}

// saved is the file that a suspended domain is kept in, checkpoint that of a copy.
func (d *Driver) saved(w want) string      { return d.cfg.SaveDir + "/" + w.name + ".leasehold" }
func (d *Driver) checkpoint(w want) string { return d.cfg.SaveDir + "/" + w.name + ".checkpoint" }
