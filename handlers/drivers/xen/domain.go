package xen

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// domain is what xl or xm says about one domain.
type domain struct {
	id         int
	name, uuid string
	memory     int    // MiB, that it is to have
	most       int    // MiB, that it may have
	vcpus      int    // that are on
	mostVCPUs  int    // that it was made with
	state      string // six letters "rbpscd", a dash for each that does not hold; empty when it was not told
}

// look asks for the unit's domain; nil when there is none. One of the same name that
// is somebody else's is an error: it is never touched.
func (h host) look(ctx context.Context, w want) (*domain, error) {
	args := []string{h.tool, "list", "-l", w.name}
	if h.tool == toolXM {
		args[2] = "--long"
	}
	o, err := h.run(ctx, h.quick, args...)
	switch {
	case err != nil:
		return nil, err
	case o.Code != 0 && (strings.Contains(o.Stderr, "invalid domain identifier") || strings.Contains(o.Stderr, "does not exist")):
		return nil, nil
	case o.Code != 0:
		return nil, failed(args, o)
	}
	var d *domain
	if h.tool == toolXM {
		d, err = parseXM(o.Stdout)
	} else {
		d, err = parseXL(o.Stdout)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("xen: %s: %w", strings.Join(args, " "), err)
	case d.name != w.name:
		return nil, fmt.Errorf("xen: %s tells of %.64q", strings.Join(args, " "), d.name)
	case d.uuid != w.uuid:
		return nil, fmt.Errorf("xen: there is a domain %s that is not this unit's: its UUID is %.64q, not %s", w.name, d.uuid, w.uuid)
	}
	return d, nil
}

// listed is the part that matters of what "xl list -l" prints.
type listed struct {
	ID     int `json:"domid"`
	Config struct {
		Create struct {
			Name string `json:"name"`
			UUID string `json:"uuid"`
		} `json:"c_info"`
		Build struct {
			VCPUs  int `json:"max_vcpus"`
			Online any `json:"avail_vcpus"`
			Target int `json:"target_memkb"`
			Most   int `json:"max_memkb"`
		} `json:"b_info"`
	} `json:"config"`
}

// parseXL reads one domain from what "xl list -l" prints.
func parseXL(text string) (*domain, error) {
	text = strings.TrimSpace(text)
	var all []listed
	var err error
	if strings.HasPrefix(text, "{") { // from some versions
		all = make([]listed, 1)
		err = json.Unmarshal([]byte(text), &all[0])
	} else {
		err = json.Unmarshal([]byte(text), &all)
	}
	if err != nil {
		return nil, fmt.Errorf("prints no JSON: %w", err)
	}
	if len(all) != 1 {
		return nil, fmt.Errorf("tells of %d domains", len(all))
	}
	b := all[0].Config.Build
	d := &domain{
		id: all[0].ID, name: all[0].Config.Create.Name, uuid: strings.ToLower(all[0].Config.Create.UUID),
		memory: b.Target / 1024, most: b.Most / 1024, vcpus: b.VCPUs, mostVCPUs: b.VCPUs,
	}
	if online, ok := b.Online.([]any); ok { // the numbers of those that are on
		d.vcpus = len(online)
	}
	return d, nil
}

// parseXM reads one domain from what "xm list --long" prints.
func parseXM(text string) (*domain, error) {
	all, err := parseSXP(text)
	if err != nil {
		return nil, err
	}
	if len(all) != 1 || all[0].head() != "domain" {
		return nil, fmt.Errorf("tells of %d domains", len(all))
	}
	e := all[0]
	number := func(names ...string) int {
		for _, name := range names {
			if n, err := strconv.ParseFloat(e.value(name), 64); err == nil && n >= 0 && n < 1<<31 {
				return int(n)
			}
		}
		return 0
	}
	return &domain{
		id: number("domid"), name: e.value("name"), uuid: strings.ToLower(e.value("uuid")), memory: number("memory"),
		most: number("maxmem", "memory"), vcpus: number("online_vcpus", "vcpus"), mostVCPUs: number("vcpus"), state: e.value("state"),
	}, nil
}

// The letters of a state that matter here, by their place.
const (
	statePaused = 2
	stateLength = 6
)

// paused says whether the domain is paused. xl tells it in its table only:
//
//	Name      ID   Mem VCPUs State  Time(s)
//	slice-a-1 1    96  1     --p---  3.3
func (h host) paused(ctx context.Context, d *domain) (bool, error) {
	if d.state == "" {
		args := []string{h.tool, "list", d.name}
		o, err := h.run(ctx, h.quick, args...)
		switch {
		case err != nil:
			return false, err
		case o.Code != 0:
			return false, failed(args, o)
		}
		for line := range strings.Lines(o.Stdout) {
			if f := strings.Fields(line); len(f) >= 5 && f[0] == d.name {
				d.state = f[4]
			}
		}
	}
	if len(d.state) != stateLength {
		return false, fmt.Errorf("xen: %s does not tell the state of %s", h.tool, d.name)
	}
	return d.state[statePaused] == 'p', nil
}
