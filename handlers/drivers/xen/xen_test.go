package xen_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/xen"
	"github.com/leasehold/leasehold/handlers/drivertest"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/runtest"
)

func params(more ...string) handlers.Params {
	p := handlers.Params{handlers.ParamUnit: "u1", xen.Name: "alpha1", xen.MAC: "52:54:00:99:00:01", xen.Kernel: "/srv/vmlinuz",
		xen.Ramdisk: "/srv/initrd.gz", xen.Extra: "console=hvc0 quiet", xen.Memory: "96"}
	for i := 0; i < len(more); i += 2 {
		p[more[i]] = more[i+1]
	}
	return p
}

// modify is the parameters of one subcommand, its arguments in pairs.
func modify(cmd string, args ...string) handlers.Params {
	p := params(handlers.ParamSubcommand, "modify."+cmd, handlers.ParamModify, "3")
	for i := 0; i < len(args); i += 2 {
		p["modify.3."+args[i]] = args[i+1]
	}
	return p
}

// TestSuite is what every driver passes, with xl's own arguments, with a forced
// command, and with xm.
func TestSuite(t *testing.T) {
	t.Parallel()
	for _, forced := range []bool{false, true} {
		for _, tool := range []string{"xl", "xm"} {
			t.Run(fmt.Sprintf("%s, forced %v", tool, forced), func(t *testing.T) {
				drivertest.Run(t, func(*testing.T) drivertest.World { return suiteWorld(tool, forced) })
			})
		}
	}
}

// suiteWorld is a host with somebody else's domain, and another to move to.
func suiteWorld(tool string, forced bool) drivertest.World {
	h, b := newHost(), newHost()
	h.tool, b.tool, h.other = tool, tool, b
	h.domains["other"] = &guest{Name: "other", UUID: "x"}
	is := func(f func(*guest) bool) func() bool {
		return func() bool { g := h.domains["alpha1"]; return g != nil && f(g) }
	}
	return drivertest.World{
		Driver: xen.New(xen.Config{Forced: forced, Hosts: map[string]string{"dom0b": "10.99.0.3"}, Reach: func(string) run.Runner { return b }}),
		Params: params(xen.CPUWeight, "512", xen.Bandwidth, "1000"), On: h,
		Up:    is(func(g *guest) bool { return g.Memory == 96 && g.Weight == 512 }),
		Clean: func() bool { return h.domains["alpha1"] == nil && len(h.files) == 0 && h.domains["other"] != nil },
		Acts:  acts,
		Can: map[string]drivertest.Can{
			handlers.Suspend:    {Done: func() bool { return h.domains["alpha1"] == nil && len(h.files) == 1 }},
			handlers.Resume:     {After: []string{handlers.Suspend}, Done: is(func(*guest) bool { return len(h.files) == 0 })},
			handlers.Checkpoint: {Done: is(func(*guest) bool { return len(h.files) == 1 })},
			// It shows by the size that the checkpoint had.
			handlers.Restore: {After: []string{handlers.Checkpoint, handlers.Resize}, Done: is(func(g *guest) bool { return g.Memory == 96 })},
			handlers.Pause:   {Done: is(func(g *guest) bool { return g.Paused == 1 })},
			handlers.Unpause: {After: []string{handlers.Pause}, Done: is(func(g *guest) bool { return g.Paused == 0 })},
			handlers.Migrate: {Args: map[string]string{"host": "dom0b"}, Gone: true,
				Done: func() bool { return h.domains["alpha1"] == nil && b.domains["alpha1"] != nil }},
			handlers.Resize: {Args: map[string]string{"memory": "64", "weight": "128", "cap": "50", "bandwidth": "500"},
				Done: is(func(g *guest) bool { return g.Memory == 64 && g.Weight == 128 && g.Cap == 50 })},
			handlers.Probe: {Done: is(func(*guest) bool { return true })},
		},
	}
}

// TestCommands: the conversation with xl, to the letter.
func TestCommands(t *testing.T) {
	t.Parallel()
	d := xen.New(xen.Config{})
	p := params(xen.VCPUs, "2", xen.CPUWeight, "512", xen.CPUCap, "50")
	// The UUID follows from the unit: ask the driver rather than compute it twice.
	h := newHost()
	if _, err := d.Setup(t.Context(), h, p); err != nil {
		t.Fatal(err)
	}
	s := runtest.New(strings.ReplaceAll(`
xl info => 0: xen_scheduler : credit2
xl list -l alpha1 => 1: alpha1 is an invalid domain identifier (rc=-6)
test -s /var/lib/xen/save/alpha1.leasehold => 1:
xl create -q /dev/null "name=\"alpha1\"" "uuid=\"UUID\"" "type=\"pvh\"" "kernel=\"/srv/vmlinuz\"" memory=96 vcpus=2 "vif=[\"mac=52:54:00:99:00:01,bridge=xenbr0\"]" "on_poweroff=\"destroy\"" "on_reboot=\"restart\"" "on_crash=\"destroy\"" "ramdisk=\"/srv/initrd.gz\"" "extra=\"console=hvc0 quiet\"" cpu_weight=512 cap=50 => 0:
xl list -l alpha1 => 0: [{"domid":4,"config":{"c_info":{"name":"alpha1","uuid":"UUID"},"b_info":{"max_vcpus":2,"target_memkb":98304}}}]
xl sched-credit2 -d alpha1 => 0: Name ID Weight Cap\nalpha1 4 512 50
`, "UUID", h.domains["alpha1"].UUID))
	res, err := d.Setup(t.Context(), s, p)
	if err == nil {
		err = s.Done()
	}
	if err != nil || !res.Done || res.Properties["xen.uuid"] != h.domains["alpha1"].UUID {
		t.Errorf("%+v, %v", res, err)
	}
}

// TestResizeBySetup: a setup of a domain that is up, as an extension asks for, changes
// its size and nothing else.
func TestResizeBySetup(t *testing.T) {
	t.Parallel()
	h, d := newHost(), xen.New(xen.Config{})
	setup := func(more ...string) {
		t.Helper()
		if res, err := d.Setup(t.Context(), h, params(more...)); err != nil || !res.Done {
			t.Fatalf("%+v, %v", res, err)
		}
	}
	setup(xen.MaxVCPUs, "4")
	h.said = nil
	setup(xen.Memory, "128", xen.VCPUs, "2")
	setup(xen.Memory, "128", xen.VCPUs, "2")
	want := "xl list -l alpha1|xl vcpu-set --ignore-host alpha1 2|xl mem-max alpha1 128|xl mem-set alpha1 128|xl list -l alpha1|xl list -l alpha1"
	if got := strings.Join(h.said, "|"); got != want {
		t.Errorf("said %s", got)
	}
	if g := h.domains["alpha1"]; g.Memory != 128 || g.VCPUs != 2 || g.Boots != 0 {
		t.Errorf("%+v", g)
	}
}

// TestSomebodyElses: a domain of the same name that is not the unit's is never
// touched.
func TestSomebodyElses(t *testing.T) {
	t.Parallel()
	h, d := newHost(), xen.New(xen.Config{})
	h.domains["alpha1"] = &guest{Name: "alpha1", UUID: "11111111-2222-3333-4444-555555555555", Memory: 1}
	for name, call := range map[string]func() error{
		"setup":    func() error { _, err := d.Setup(t.Context(), h, params()); return err },
		"teardown": func() error { _, err := d.Teardown(t.Context(), h, params()); return err },
		"modify":   func() error { _, err := handlers.Modify(t.Context(), d, h, modify(handlers.Pause)); return err },
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), "not this unit's") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if g := h.domains["alpha1"]; g.Memory != 1 || g.Paused != 0 {
		t.Errorf("%+v", g)
	}
}

// TestLies: xl's word alone is not believed.
func TestLies(t *testing.T) {
	t.Parallel()
	d := xen.New(xen.Config{})
	h := newHost()
	h.lie = "create"
	if res, err := d.Setup(t.Context(), h, params()); err == nil || !strings.Contains(err.Error(), "there is no such domain") {
		t.Errorf("%+v, %v", res, err)
	}
	h.lie = ""
	if _, err := d.Setup(t.Context(), h, params()); err != nil {
		t.Fatal(err)
	}
	h.lie = "destroy"
	if res, err := d.Teardown(t.Context(), h, params()); err == nil || !strings.Contains(err.Error(), "the domain is there") {
		t.Errorf("%+v, %v", res, err)
	}
	h.lie = "list"
	if res, err := d.Setup(t.Context(), h, params()); err == nil || !strings.Contains(err.Error(), "no JSON") {
		t.Errorf("%+v, %v", res, err)
	}
}

// TestSuspendResume: what was suspended comes back, and only that.
func TestSuspendResume(t *testing.T) {
	t.Parallel()
	h, d := newHost(), xen.New(xen.Config{})
	if _, err := d.Setup(t.Context(), h, params()); err != nil {
		t.Fatal(err)
	}
	for _, cmd := range []string{handlers.Suspend, handlers.Resume, handlers.Resume, handlers.Suspend} {
		if _, err := handlers.Modify(t.Context(), d, h, modify(cmd)); err != nil {
			t.Fatalf("%s: %v", cmd, err)
		}
	}
	if _, err := d.Teardown(t.Context(), h, params()); err != nil || len(h.files) > 0 {
		t.Errorf("%v, %v", err, h.files)
	}
	var exit handlers.Exit
	if _, err := handlers.Modify(t.Context(), d, h, modify(handlers.Resume)); !errors.As(err, &exit) || exit.Code != handlers.ExitInvalid {
		t.Errorf("nothing to resume: %v", err)
	}
}

// TestRefused: what makes no sense is refused before xl hears of it.
func TestRefused(t *testing.T) {
	t.Parallel()
	d := xen.New(xen.Config{Hosts: map[string]string{"dom0b": "10.99.0.3"}})
	for _, c := range [][]string{
		{xen.Name, "a b"}, {xen.Name, "-x"}, {xen.Name, ""}, {xen.Name, "../x"}, {xen.Name, strings.Repeat("a", 65)},
		{xen.MAC, "52:54"}, {xen.MAC, `52:54:00:99:00:01"]`}, {xen.Bridge, "br0,script=evil"}, {xen.Type, "hvm"},
		{xen.Bandwidth, "-1"}, {xen.Bandwidth, "fast"}, {xen.MaxVCPUs, "0"},
		{xen.Memory, "many"}, {xen.Memory, "0"}, {xen.CPUWeight, "0"}, {xen.CPUWeight, "70000"},
		{xen.Kernel, `/x" on_crash="preserve`}, {xen.Extra, "a\nb"}, {xen.Extra, "it's"}, {xen.Disk, `"]; import os`}, {xen.Ramdisk, `\`},
		{handlers.ParamUnit, ""},
	} {
		h := newHost()
		if _, err := d.Setup(t.Context(), h, params(c...)); err == nil || len(h.said) > 0 {
			t.Errorf("%q: %v, said %q", c, err, h.said)
		}
	}
	h := newHost()
	if _, err := d.Setup(t.Context(), h, params()); err != nil {
		t.Fatal(err)
	}
	before := *h.domains["alpha1"]
	for _, c := range []struct {
		p    handlers.Params
		code int
	}{
		{modify("explode"), handlers.ExitUnknown},
		{modify(handlers.Migrate, "host", "elsewhere"), handlers.ExitInvalid},
		{modify(handlers.Resize, "memory", "-1"), handlers.ExitInvalid},
		{modify(handlers.Resize, "memory", "0"), handlers.ExitInvalid},
		{modify(handlers.Resize, "weight", "x"), handlers.ExitInvalid},
	} {
		if _, err := handlers.Modify(t.Context(), d, h, c.p); handlers.CodeOf(err) != c.code {
			t.Errorf("%v: %v", c.p[handlers.ParamSubcommand], err)
		}
	}
	if *h.domains["alpha1"] != before {
		t.Errorf("%+v", h.domains["alpha1"])
	}
}

// TestMoreThanItCan: what a running domain cannot be given is refused and changes
// nothing, unless the lessee asks for a new start.
func TestMoreThanItCan(t *testing.T) {
	t.Parallel()
	h, d := newHost(), xen.New(xen.Config{})
	if _, err := d.Setup(t.Context(), h, params(xen.MaxVCPUs, "2")); err != nil {
		t.Fatal(err)
	}
	before := *h.domains["alpha1"]
	ask := func(p handlers.Params) (handlers.Result, error) { return handlers.Modify(t.Context(), d, h, p) }
	if _, err := ask(modify(handlers.Resize, "memory", "512", "vcpus", "3")); handlers.CodeOf(err) != handlers.ExitInvalid || !strings.Contains(err.Error(), "new start") {
		t.Errorf("more than it can: %v", err)
	}
	if *h.domains["alpha1"] != before {
		t.Errorf("refused, and it has %+v", h.domains["alpha1"])
	}
	for range 2 {
		res, err := ask(modify(handlers.Resize, "memory", "512", "vcpus", "3", "reboot", "yes"))
		if err != nil || res.Properties[xen.Memory] != "512" || res.Properties[xen.VCPUs] != "3" {
			t.Fatalf("%+v, %v", res, err)
		}
	}
	if g := h.domains["alpha1"]; g.Memory != 512 || g.VCPUs != 3 || g.id == before.id {
		t.Errorf("%+v", g)
	}
	// The connection breaks between its end and its new start.
	cut := &run.Cutter{On: h, Left: 3}
	if _, err := handlers.Modify(t.Context(), d, cut, modify(handlers.Resize, "vcpus", "5", "reboot", "yes")); !errors.Is(err, run.ErrCut) || h.domains["alpha1"] != nil {
		t.Fatalf("%v, %+v", err, h.domains["alpha1"])
	}
	if _, err := ask(modify(handlers.Resize, "vcpus", "5", "reboot", "yes")); err != nil || h.domains["alpha1"].VCPUs != 5 {
		t.Errorf("%v, %+v", err, h.domains["alpha1"])
	}
}

// TestGrowth: a domain that may grow is made so, in the way of either tool.
func TestGrowth(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"xl", "xm"} {
		h, d := newHost(), xen.New(xen.Config{})
		h.tool = tool
		if _, err := d.Setup(t.Context(), h, params(xen.VCPUs, "2", xen.MaxVCPUs, "4", xen.MaxMemory, "192", xen.CPUCap, "50")); err != nil {
			t.Fatal(err)
		}
		if g := h.domains["alpha1"]; g.VCPUs != 2 || g.MaxVCPUs != 4 || g.Memory != 96 || g.MaxMemory != 192 || g.Cap != 50 {
			t.Errorf("%s: %+v", tool, g)
		}
	}
}

// TestBandwidth: what a domain sends and receives is limited at its end of the wire,
// again when it comes back, and no more when it is told so.
func TestBandwidth(t *testing.T) {
	t.Parallel()
	h, d := newHost(), xen.New(xen.Config{})
	p := params(xen.Bandwidth, "1000")
	if _, err := d.Setup(t.Context(), h, p); err != nil {
		t.Fatal(err)
	}
	if h.limits["vif1.0 root"] != "tbf rate 1000kbit burst 16384b latency 100ms" || !strings.Contains(h.limits["vif1.0 ingress"], "police rate 1000kbit") {
		t.Errorf("%v", h.limits)
	}
	for _, cmd := range []string{handlers.Suspend, handlers.Resume} {
		p[handlers.ParamSubcommand] = "modify." + cmd
		if _, err := handlers.Modify(t.Context(), d, h, p); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(h.limits["vif2.0 root"], "1000kbit") {
		t.Errorf("after it was away: %v", h.limits)
	}
	if res, err := handlers.Modify(t.Context(), d, h, modify(handlers.Resize, "bandwidth", "0")); err != nil || res.Properties[xen.Bandwidth] != "0" {
		t.Errorf("%+v, %v", res, err)
	}
	if h.limits["vif2.0 root"] != "" || h.limits["vif2.0 ingress"] != "" {
		t.Errorf("no limit: %v", h.limits)
	}
}

// TestWakes: a setup finds what was suspended and lets it go on; one of its name does
// not begin beside what is kept of it.
func TestWakes(t *testing.T) {
	t.Parallel()
	h, d := newHost(), xen.New(xen.Config{})
	if _, err := d.Setup(t.Context(), h, params()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Suspend(t.Context(), h, params()); err != nil {
		t.Fatal(err)
	}
	h.said = nil
	if res, err := d.Setup(t.Context(), h, params()); err != nil || !res.Done || h.domains["alpha1"] == nil || len(h.files) > 0 {
		t.Errorf("%+v, %v, %v", res, err, h.files)
	}
	if slices.Contains(h.verbs(), "xl create") || !slices.Contains(h.verbs(), "xl restore") {
		t.Errorf("said %q", h.said)
	}
}

// TestCheckpointOfADisk: memory without the disk that it belongs to is no checkpoint.
func TestCheckpointOfADisk(t *testing.T) {
	t.Parallel()
	for disk, code := range map[string]int{"phy:/dev/vg/a1,xvda,w": handlers.ExitInvalid, "phy:/dev/vg/a1,xvda,r;phy:/dev/vg/d1,xvdb,w": handlers.ExitInvalid, "phy:/dev/vg/a1,xvda,r": 0, "vdev=xvda,access=ro,target=/x": 0, "": 0} {
		h, d := newHost(), xen.New(xen.Config{})
		if _, err := d.Setup(t.Context(), h, params(xen.Disk, disk)); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Checkpoint(t.Context(), h, params(xen.Disk, disk)); handlers.CodeOf(err) != code {
			t.Errorf("%q: %v", disk, err)
		}
	}
}

// TestMigration: a domain is on the machine that it was moved to, and the result says
// which; an xl that sends it nowhere is found out.
func TestMigration(t *testing.T) {
	t.Parallel()
	h, b := newHost(), newHost()
	h.other = b
	d := xen.New(xen.Config{Hosts: map[string]string{"dom0b": "10.99.0.3"}, Reach: func(string) run.Runner { return b }})
	if _, err := d.Setup(t.Context(), h, params()); err != nil {
		t.Fatal(err)
	}
	p := modify(handlers.Migrate, "host", "dom0b")
	for range 2 {
		res, err := d.Migrate(t.Context(), h, p)
		if err != nil || res.Properties[handlers.ParamMachine] != "dom0b" {
			t.Errorf("%+v, %v", res, err)
		}
	}
	p[handlers.ParamMachine] = "dom0b" // as it is told from then on, on its new machine
	if res, err := d.Migrate(t.Context(), b, p); err != nil || !res.Done || b.domains["alpha1"] == nil {
		t.Errorf("%+v, %v", res, err)
	}
	delete(b.domains, "alpha1")
	delete(p, handlers.ParamMachine)
	if _, err := d.Migrate(t.Context(), h, p); err == nil || !strings.Contains(err.Error(), "neither here nor on dom0b") {
		t.Errorf("lost on its way: %v", err)
	}
}

// TestOldHost: the conversation with xm, to the letter. The tool is found out once.
func TestOldHost(t *testing.T) {
	t.Parallel()
	d := xen.New(xen.Config{})
	h := newHost()
	if _, err := xen.New(xen.Config{}).Setup(t.Context(), h, params()); err != nil {
		t.Fatal(err)
	}
	s := runtest.New(strings.ReplaceAll(`
xl info => 127: sh: xl: not found
xm info => 0: host : old\nxen_scheduler          : credit\nxen_major : 3
xm list --long alpha1 => 1: Error: the domain 'alpha1' does not exist.
test -s /var/lib/xen/save/alpha1.leasehold => 1:
xm create -q /dev/null name=alpha1 uuid=UUID kernel=/srv/vmlinuz memory=96 vcpus=1 vif=mac=52:54:00:99:00:01,bridge=xenbr0 on_poweroff=destroy on_reboot=restart on_crash=destroy ramdisk=/srv/initrd.gz "extra=console=hvc0 quiet" => 0: Using config file "/dev/null".
xm list --long alpha1 => 0: (domain (domid 7) (uuid UUID) (vcpus 1) (memory 96) (maxmem 96) (name alpha1) (state -b----) (image (linux (args 'console=hvc0 quiet'))))
xm list --long alpha1 => 0: (domain (domid 7) (uuid UUID) (vcpus 1) (memory 96) (maxmem 96) (name alpha1) (state -b----))
xm pause alpha1 => 0:
xm list --long alpha1 => 0: (domain (domid 7) (uuid UUID) (vcpus 1) (memory 96) (maxmem 96) (name alpha1) (state --p---))
`, "UUID", h.domains["alpha1"].UUID))
	if res, err := d.Setup(t.Context(), s, params()); err != nil || !res.Done {
		t.Fatalf("%+v, %v", res, err)
	}
	if _, err := d.Pause(t.Context(), s, params()); err != nil {
		t.Fatal(err)
	}
	if err := s.Done(); err != nil {
		t.Error(err)
	}
	if _, err := d.Setup(t.Context(), s, params(xen.Type, "pvh")); handlers.CodeOf(err) != handlers.ExitInvalid {
		t.Errorf("pvh on an old host: %v", err)
	}
	for _, c := range []struct{ tool, transcript, says string }{
		{"", "xl info => 127: xl: not found\nxm info => 127: xm: not found", "xl info ends with 127"},
		{"xm", "xm info => 1: Error: Unable to connect to xend", "Unable to connect"},
		{"xl", "xl info => 0: host : a", "scheduler"},
	} {
		s := runtest.New(c.transcript)
		if _, err := xen.New(xen.Config{Tool: c.tool}).Setup(t.Context(), s, params()); err == nil || !strings.Contains(err.Error(), c.says) || s.Done() != nil {
			t.Errorf("%s: %v, %v", c.transcript, err, s.Done())
		}
	}
}

// TestVolumes: a domain has several disks, whichever tool makes it.
func TestVolumes(t *testing.T) {
	t.Parallel()
	p := params(xen.Disk, "phy:/dev/vg/a1,xvda,w;phy:/dev/vg/data1,xvdb,w")
	for _, c := range []struct {
		tool   string
		forced bool
		want   string
	}{
		{"xl", false, `"disk=[\"phy:/dev/vg/a1,xvda,w\",\"phy:/dev/vg/data1,xvdb,w\"]"`},
		{"xm", false, `disk=phy:/dev/vg/a1,xvda,w disk=phy:/dev/vg/data1,xvdb,w`},
	} {
		h := newHost()
		h.tool = c.tool
		if _, err := xen.New(xen.Config{}).Setup(t.Context(), h, p); err != nil {
			t.Fatal(err)
		}
		if said := strings.Join(h.said, "\n"); !strings.Contains(said, c.want) {
			t.Errorf("%s: no %s in\n%s", c.tool, c.want, said)
		}
	}
}
