package xen_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/leasehold/leasehold/handlers/run"
)

// host is a Xen host's control domain as its xl behaves: version 4.17, seen through
// what it prints and the codes it ends with.
type host struct {
	mu      sync.Mutex
	domains map[string]*guest
	files   map[string]guest
	lie     string // this verb says that it succeeds and does nothing
	said    []string
}

type guest struct {
	Name, UUID    string
	Memory, VCPUs int
	Paused        int
	Weight, Cap   int
	Boots         int
}

func newHost() *host { return &host{domains: map[string]*guest{}, files: map[string]guest{}} }

func fail(code int, format string, args ...any) (run.Output, error) {
	return run.Output{Code: code, Stderr: fmt.Sprintf(format, args...) + "\n"}, nil
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
	case "rm":
		delete(h.files, a[2])
		return run.Output{}, nil
	case "xl-create":
		return h.create(strings.Split(strings.TrimSpace(c.Stdin), "\n"))
	}
	if a[0] != "xl" || len(a) < 3 {
		return fail(127, "%s: not found", a[0])
	}
	if a[1] == h.lie {
		return run.Output{}, nil
	}
	if a[1] == "create" {
		return h.create(a[4:])
	}
	if a[1] == "restore" {
		g, ok := h.files[a[2]]
		if !ok {
			return fail(2, "cannot read %s", a[2])
		}
		if h.domains[g.Name] != nil {
			return fail(3, "libxl: error: Domain with name %q already exists.", g.Name)
		}
		h.domains[g.Name] = &g
		return run.Output{}, nil
	}
	name := a[2]
	for i := 2; i < len(a) && (name == "-l" || name == "-c" || name == "-F" || name == "-d"); i++ {
		name = a[i]
	}
	g := h.domains[name]
	if g == nil {
		return fail(1, "%s is an invalid domain identifier (rc=-6)", name)
	}
	number := func(i int) int { n, _ := strconv.Atoi(a[i]); return n }
	switch a[1] {
	case "list":
		if a[2] != "-l" {
			state := "-b----"
			if g.Paused > 0 {
				state = "--p---"
			}
			return run.Output{Stdout: fmt.Sprintf("Name                                        ID   Mem VCPUs\tState\tTime(s)\n%-42s %4d %5d %5d     %s  %8.1f\n", name, 1, g.Memory, g.VCPUs, state, 3.3)}, nil
		}
		var text []map[string]any
		text = append(text, map[string]any{"domid": 1, "config": map[string]any{
			"c_info": map[string]any{"type": "pvh", "name": g.Name, "uuid": g.UUID},
			"b_info": map[string]any{"max_vcpus": 4, "avail_vcpus": make([]int, g.VCPUs), "max_memkb": g.Memory * 1024, "target_memkb": g.Memory * 1024},
		}})
		data, _ := json.MarshalIndent(text, "", "    ")
		return run.Output{Stdout: string(data) + "\n"}, nil
	case "destroy":
		delete(h.domains, name)
	case "pause":
		g.Paused++ // it counts
	case "unpause":
		g.Paused--
	case "mem-set":
		g.Memory = number(3)
	case "mem-max":
	case "vcpu-set":
		g.VCPUs = number(3)
	case "save":
		h.files[a[len(a)-1]] = *g
		if a[2] != "-c" {
			delete(h.domains, name)
		}
	case "migrate":
		delete(h.domains, name)
	case "reboot":
		g.Boots++
	case "sched-credit2":
		for i := 4; i+1 < len(a); i += 2 {
			switch a[i] {
			case "-w":
				g.Weight = number(i + 1)
			case "-c":
				g.Cap = number(i + 1)
			}
		}
	default:
		return fail(1, "unknown command")
	}
	return run.Output{}, nil
}

func (h *host) create(settings []string) (run.Output, error) {
	g := &guest{VCPUs: 1}
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
		case "vcpus":
			g.VCPUs = n
		case "cpu_weight":
			g.Weight = n
		case "cap":
			g.Cap = n
		}
	}
	if h.lie == "create" {
		return run.Output{}, nil
	}
	if h.domains[g.Name] != nil {
		return fail(3, "libxl: error: Domain with name %q already exists.", g.Name)
	}
	h.domains[g.Name] = g
	return run.Output{}, nil
}
