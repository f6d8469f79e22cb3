package xen

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/leasehold/leasehold/handlers/run"
)

// domain is what xl says about one domain.
type domain struct {
	name, uuid string
	memory     int // MiB, that it is to have
	vcpus      int
}

// listed is the part that matters of what "xl list -l" prints.
type listed struct {
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

// look asks xl for a domain; nil when there is none.
func look(ctx context.Context, on run.Runner, name string) (*domain, error) {
	c := xl("list", "-l", name)
	o, err := on.Run(ctx, c)
	switch {
	case err != nil:
		return nil, err
	case o.Code != 0 && strings.Contains(o.Stderr, "invalid domain identifier"):
		return nil, nil
	case o.Code != 0:
		return nil, failed(c, o)
	}
	text := strings.TrimSpace(o.Stdout)
	var all []listed
	if strings.HasPrefix(text, "{") { // one domain, from some versions
		all = make([]listed, 1)
		err = json.Unmarshal([]byte(text), &all[0])
	} else {
		err = json.Unmarshal([]byte(text), &all)
	}
	if err != nil {
		return nil, fmt.Errorf("xen: xl list -l %s prints no JSON: %w", name, err)
	}
	if len(all) != 1 || all[0].Config.Create.Name != name {
		return nil, fmt.Errorf("xen: xl list -l %s tells of other domains", name)
	}
	b := all[0].Config.Build
	d := &domain{name: name, uuid: strings.ToLower(all[0].Config.Create.UUID), memory: b.Target / 1024, vcpus: b.VCPUs}
	if online, ok := b.Online.([]any); ok { // the numbers of those that are on
		d.vcpus = len(online)
	}
	return d, nil
}

// ours fails when the domain is not the unit's: somebody else's of the same name is
// never touched.
func (d *domain) ours(w want) error {
	if d.uuid != w.uuid {
		return fmt.Errorf("xen: there is a domain %s that is not this unit's: its UUID is %.64q, not %s", w.name, d.uuid, w.uuid)
	}
	return nil
}

// resize brings a domain's memory and processors to what they should be. It goes on
// running meanwhile.
func resize(ctx context.Context, on run.Runner, d *domain, memory, vcpus int) error {
	if d.memory != memory {
		if memory > d.memory { // the most it may have goes first
			if err := must(ctx, on, xl("mem-max", d.name, strconv.Itoa(memory))); err != nil {
				return err
			}
		}
		if err := must(ctx, on, xl("mem-set", d.name, strconv.Itoa(memory))); err != nil {
			return err
		}
	}
	if d.vcpus != vcpus {
		return must(ctx, on, xl("vcpu-set", d.name, strconv.Itoa(vcpus)))
	}
	return nil
}

// paused says whether a domain is paused, from the table that xl prints:
//
//	Name      ID   Mem VCPUs State  Time(s)
//	slice-a-1 1    96  1     --p---  3.3
func paused(ctx context.Context, on run.Runner, name string) (bool, error) {
	c := xl("list", name)
	o, err := on.Run(ctx, c)
	switch {
	case err != nil:
		return false, err
	case o.Code != 0:
		return false, failed(c, o)
	}
	for line := range strings.Lines(o.Stdout) {
		if f := strings.Fields(line); len(f) >= 5 && f[0] == name && len(f[4]) == 6 {
			return f[4][2] == 'p', nil
		}
	}
	return false, fmt.Errorf("xen: xl list %s does not tell its state", name)
}
