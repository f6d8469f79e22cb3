package xen_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/leasehold/leasehold/handlers/run"
)

// host is a Xen host's control domain as its xl 4.17 behaves, or its xm 3.4: seen
// through what they print and the codes they end with.
type host struct {
	tool    string // xl or xm
	mu      sync.Mutex
	domains map[string]*guest
	files   map[string]guest
	limits  map[string]string // of bandwidth, by wire
	other   *host             // where domains move to
	lie     string            // this verb says that it succeeds and does nothing
	folder  bool              // that saved domains go to; Debian's packages do not make it
	said    []string
	ids     int
	cpus    int // of the machine
}

type guest struct {
	Name, UUID        string
	Memory, MaxMemory int
	VCPUs, MaxVCPUs   int
	Paused            int
	Weight, Cap       int
	Boots             int
	id                int
}

func newHost() *host {
	return &host{tool: "xl", domains: map[string]*guest{}, files: map[string]guest{}, limits: map[string]string{}, cpus: 1}
}

func fail(code int, format string, args ...any) (run.Output, error) {
	return run.Output{Code: code, Stderr: fmt.Sprintf(format, args...) + "\n"}, nil
}

// gone is what the tools say about a domain that is not there.
func (h *host) gone(name string) (run.Output, error) {
	if h.tool == "xm" {
		return fail(1, "Error: Domain '%s' does not exist.", name)
	}
	return fail(1, "%s is an invalid domain identifier (rc=-6)", name)
}

// acts are the commands that change something.
func acts(c run.Cmd) bool {
	a := c.Args
	switch a[0] {
	case "test", "tc": // no tool says what tc did in a way that is the same everywhere
		return false
	case "xl", "xm":
		return a[1] != "info" && a[1] != "list" && !(strings.HasPrefix(a[1], "sched-") && len(a) == 4)
	}
	return true
}

// Run plays one command.
func (h *host) Run(ctx context.Context, c run.Cmd) (run.Output, error) {
	if err := ctx.Err(); err != nil {
		return run.Output{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.said = append(h.said, c.String())
	a := c.Args
	switch a[0] {
	case "test":
		if _, ok := h.files[a[2]]; !ok {
			return run.Output{Code: 1}, nil
		}
		return run.Output{}, nil
	case "mkdir":
		h.folder = true
		return run.Output{}, nil
	case "rm":
		delete(h.files, a[2])
		return run.Output{}, nil
	case "tc":
		return h.tc(a)
	case h.tool + "-create":
		return h.create(strings.Split(strings.TrimSpace(c.Stdin), "\n"))
	case h.tool:
		return h.manage(a)
	}
	return fail(127, "%s: not found", a[0])
}

func (h *host) tc(a []string) (run.Output, error) {
	alive := func(g guest) bool { return fmt.Sprintf("vif%d.0", g.id) == a[4] }
	found := false
	for _, g := range h.domains {
		found = found || alive(*g)
	}
	where := a[4] + " " + a[5]
	switch {
	case !found:
		return fail(1, "Cannot find device %q", a[4])
	case a[2] == "del" && h.limits[where] == "":
		return fail(2, "Error: Invalid handle.")
	case a[2] == "del":
		delete(h.limits, where)
	default:
		h.limits[where] = strings.Join(a[6:], " ")
	}
	return run.Output{}, nil
}

func (h *host) manage(a []string) (run.Output, error) {
	if a[1] == h.lie {
		return run.Output{}, nil
	}
	switch a[1] {
	case "info":
		sched := "credit2"
		if h.tool == "xm" {
			sched = "credit"
		}
		return run.Output{Stdout: "host                   : dom0a\nxen_scheduler          : " + sched + "\n"}, nil
	case "create":
		return h.create(a[4:])
	case "restore":
		g, ok := h.files[a[2]]
		if !ok {
			return fail(2, "cannot read %s", a[2])
		}
		return h.enter(g)
	}
	name := a[2]
	for i := 2; i < len(a) && strings.HasPrefix(name, "-"); i++ {
		name = a[i]
	}
	g := h.domains[name]
	if g == nil {
		return h.gone(name)
	}
	number := func(i int) int { n, _ := strconv.Atoi(a[i]); return n }
	switch a[1] {
	case "list":
		return h.list(a, g)
	case "destroy":
		delete(h.domains, name)
	case "pause":
		g.Paused++ // it counts
	case "unpause":
		g.Paused--
	case "mem-set":
		if number(3) > g.MaxMemory {
			return fail(1, "libxl: error: memory_dynamic_max must be less than or equal to memory_static_max")
		}
		g.Memory = number(3)
	case "mem-max":
		g.MaxMemory = number(3)
	case "vcpu-set":
		n := number(len(a) - 1)
		if n > g.MaxVCPUs {
			return fail(1, "libxl: error: Requested VCPUs greater than maxvcpus")
		}
		if h.tool == "xl" && n > h.cpus && a[2] != "--ignore-host" {
			return fail(1, "You are overcommmitting! You have %d physical CPUs and want %d vCPUs! Aborting, use --ignore-host to continue", h.cpus, n)
		}
		g.VCPUs = n
	case "save":
		if !h.folder {
			return fail(1, "Failed to open temp file %s.leasehold.XXXXXX", name)
		}
		h.files[a[len(a)-1]] = *g
		if a[2] != "-c" {
			delete(h.domains, name)
		}
	case "migrate":
		if h.other == nil {
			return fail(1, "ssh: no such host")
		}
		delete(h.domains, name)
		return h.other.enter(*g)
	case "reboot":
		g.Boots++
	case "sched-credit2", "sched-credit":
		if (a[1] == "sched-credit") != (h.tool == "xm") {
			return fail(1, "%s: not the scheduler of this host", a[1])
		}
		for i := 4; i+1 < len(a); i += 2 {
			switch a[i] {
			case "-w":
				g.Weight = number(i + 1)
			case "-c":
				g.Cap = number(i + 1)
			}
		}
		if len(a) == 4 && h.tool == "xm" {
			return run.Output{Stdout: fmt.Sprintf("{'cap': %d, 'weight': %d}\n", g.Cap, g.Weight)}, nil
		}
		if len(a) == 4 {
			return run.Output{Stdout: fmt.Sprintf("Name                                ID Weight  Cap\n%-33s %4d %6d %4d\n", name, g.id, g.Weight, g.Cap)}, nil
		}
	default:
		return fail(1, "unknown command")
	}
	return run.Output{}, nil
}

func (h *host) list(a []string, g *guest) (run.Output, error) {
	state := "-b----"
	if g.Paused > 0 {
		state = "--p---"
	}
	switch {
	case h.tool == "xm":
		return run.Output{Stdout: fmt.Sprintf("(domain\n    (domid %d)\n    (uuid %s)\n    (vcpus %d)\n    (cpu_weight 1.0)\n    (memory %d)\n    (maxmem %d)\n"+
			"    (name %s)\n    (image (linux (kernel /srv/vmlinuz) (args 'console=hvc0 quiet')))\n    (state %s)\n    (online_vcpus %d)\n)\n",
			g.id, g.UUID, g.MaxVCPUs, g.Memory, g.MaxMemory, g.Name, state, g.VCPUs)}, nil
	case a[2] != "-l":
		return run.Output{Stdout: fmt.Sprintf("Name                                        ID   Mem VCPUs\tState\tTime(s)\n%-42s %4d %5d %5d     %s  %8.1f\n",
			g.Name, g.id, g.Memory, g.VCPUs, state, 3.3)}, nil
	}
	text := []map[string]any{{"domid": g.id, "config": map[string]any{
		"c_info": map[string]any{"type": "pvh", "name": g.Name, "uuid": g.UUID},
		"b_info": map[string]any{"max_vcpus": g.MaxVCPUs, "avail_vcpus": make([]int, g.VCPUs), "max_memkb": g.MaxMemory * 1024, "target_memkb": g.Memory * 1024},
	}}}
	data, _ := json.MarshalIndent(text, "", "    ")
	return run.Output{Stdout: string(data) + "\n"}, nil
}

func (h *host) create(settings []string) (run.Output, error) {
	g := guest{VCPUs: 1, Weight: 256}
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		text := strings.Trim(value, `"`)
		n, _ := strconv.Atoi(text)
		switch name {
		case "name":
			g.Name = text
		case "uuid":
			g.UUID = text
		case "memory":
			g.Memory = n
		case "maxmem":
			g.MaxMemory = n
		case "vcpus":
			g.VCPUs = n
		case "maxvcpus":
			g.MaxVCPUs = n
		case "vcpu_avail":
			g.MaxVCPUs, g.VCPUs = g.VCPUs, strings.Count(strconv.FormatInt(int64(n), 2), "1")
		case "cpu_weight":
			g.Weight = n
		case "cap", "cpu_cap":
			g.Cap = n
		}
	}
	g.MaxMemory, g.MaxVCPUs = max(g.MaxMemory, g.Memory), max(g.MaxVCPUs, g.VCPUs)
	if h.lie == "create" {
		return run.Output{}, nil
	}
	return h.enter(g)
}

// enter is a domain that comes, with a number of its own.
func (h *host) enter(g guest) (run.Output, error) {
	if h.domains[g.Name] != nil {
		return fail(3, "libxl: error: Domain with name %q already exists.", g.Name)
	}
	h.ids++
	g.id = h.ids
	h.domains[g.Name] = &g
	return run.Output{}, nil
}

// verbs is what was said, by its first two words.
func (h *host) verbs() []string {
	var out []string
	for _, line := range h.said {
		f := strings.Fields(line)
		out = append(out, strings.Join(f[:min(2, len(f))], " "))
	}
	return slices.Compact(out)
}
