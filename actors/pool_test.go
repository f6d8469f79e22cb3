package actors

import (
	"maps"
	"testing"
)

// What a site says of sized hosts, a legacy broker can read; and what a legacy site
// says, we can.
func TestDescriptor(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ in, want Properties }{
		"nothing": {nil, Properties{"type": "site.vm", "label": "site.vm", "attributescount": "0"}},
		"sizes": {Properties{"cpu": "8", "memory": "16384", "hosts": "10", "rack": "r1", "resource.domain": "site/vm", "label": "VMs"}, Properties{
			"type": "site.vm", "label": "VMs", "attributescount": "3",
			"attribute.0.key": "resource.cpu", "resource.cpu.type": "1", "resource.cpu.label": "Processors", "resource.cpu.value": "8",
			"attribute.1.key": "resource.memory", "resource.memory.type": "1", "resource.memory.label": "Memory", "resource.memory.unit": "MB", "resource.memory.value": "16384",
			"attribute.2.key": "resource.domain", "resource.domain.type": "3", "resource.domain.label": "domain", "resource.domain.value": "site/vm",
		}},
		"said twice": {Properties{"memory": "1", "resource.memory": "2"}, Properties{"type": "site.vm", "label": "site.vm", "attributescount": "1",
			"attribute.0.key": "resource.memory", "resource.memory.type": "1", "resource.memory.label": "Memory", "resource.memory.unit": "MB", "resource.memory.value": "1"}},
		"one already": {Properties{"attributescount": "0", "label": "x", "type": "y"}, Properties{"attributescount": "0", "label": "x", "type": "site.vm"}},
	} {
		got := Descriptor("site.vm", tt.in)
		if !maps.Equal(got, tt.want) {
			t.Errorf("%s: %v\nwant %v", name, got, tt.want)
		}
		if again := Descriptor("site.vm", got); !maps.Equal(again, got) {
			t.Errorf("%s: described again %v", name, again)
		}
		for _, size := range []string{"cpu", "memory"} {
			if read := got.Sized()[size]; read != tt.in[size] {
				t.Errorf("%s: %s is read as %q", name, size, read)
			}
		}
	}
	if p := (Properties{"resource.bandwidth.value": "1000"}).Sized(); p["bandwidth"] != "" {
		t.Errorf("a link is a host of bandwidth %q", p["bandwidth"])
	}
	if p := (Properties{"resource.bandwidth": "1000", "resource.cpu": "2", "cpu": "4"}).Sized(); p["cpu"] != "4" || p["bandwidth"] != "" {
		t.Errorf("%v", p)
	}
}
