package xen_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/xen"
	"github.com/leasehold/leasehold/handlers/drivertest"

	"github.com/leasehold/leasehold/handlers/run/runtest"
	"github.com/leasehold/leasehold/handlers/run/sshrun"
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

// TestSuite is what every driver passes, with xl's own arguments and with a forced
// command.
func TestSuite(t *testing.T) {
	t.Parallel()
	for _, forced := range []bool{false, true} {
		drivertest.Run(t, func(*testing.T) drivertest.World {
			h := newHost()
			h.domains["other"] = &guest{Name: "other", UUID: "x"}
			return drivertest.World{
				Driver: xen.New(xen.Config{Forced: forced}), Params: params(), On: h,
				Up:    func() bool { return h.domains["alpha1"] != nil },
				Clean: func() bool { return h.domains["alpha1"] == nil && len(h.files) == 0 && h.domains["other"] != nil },
			}
		})
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
xl list -l alpha1 => 1: alpha1 is an invalid domain identifier (rc=-6)
xl create -q /dev/null "name=\"alpha1\"" "uuid=\"UUID\"" "type=\"pvh\"" "kernel=\"/srv/vmlinuz\"" memory=96 vcpus=2 "vif=[\"mac=52:54:00:99:00:01,bridge=xenbr0\"]" "on_poweroff=\"destroy\"" "on_reboot=\"restart\"" "on_crash=\"destroy\"" "ramdisk=\"/srv/initrd.gz\"" "extra=\"console=hvc0 quiet\"" cpu_weight=512 cap=50 => 0:
xl list -l alpha1 => 0: [{"domid":4,"config":{"c_info":{"name":"alpha1","uuid":"UUID"},"b_info":{"max_vcpus":2,"target_memkb":98304}}}]
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
	setup()
	h.said = nil
	setup(xen.Memory, "128", xen.VCPUs, "2")
	setup(xen.Memory, "128", xen.VCPUs, "2")
	want := "xl list -l alpha1|xl mem-max alpha1 128|xl mem-set alpha1 128|xl vcpu-set alpha1 2|xl list -l alpha1"
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
		"modify":   func() error { _, err := d.Modify(t.Context(), h, modify(xen.Pause)); return err },
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

// TestModify plays each subcommand twice: the second changes nothing.
func TestModify(t *testing.T) {
	t.Parallel()
	d := xen.New(xen.Config{Hosts: map[string]string{"dom0b": "10.99.0.3"}})
	for _, c := range []struct {
		name string
		p    handlers.Params
		want guest // Name empty: the domain is gone
	}{
		{"resize", modify(xen.Resize, "memory", "64", "weight", "512", "cap", "0"), guest{Name: "alpha1", Memory: 64, VCPUs: 1, Weight: 512}},
		{"more processors", modify(xen.Resize, "vcpus", "4"), guest{Name: "alpha1", Memory: 96, VCPUs: 4}},
		{"pause", modify(xen.Pause), guest{Name: "alpha1", Memory: 96, VCPUs: 1, Paused: 1}},
		{"unpause", modify(xen.Unpause), guest{Name: "alpha1", Memory: 96, VCPUs: 1}},
		{"suspend", modify(xen.Suspend), guest{}},
		{"checkpoint", modify(xen.Checkpoint), guest{Name: "alpha1", Memory: 96, VCPUs: 1}},
		{"migrate", modify(xen.Migrate, "host", "dom0b"), guest{}},
	} {
		h := newHost()
		if _, err := d.Setup(t.Context(), h, params()); err != nil {
			t.Fatal(err)
		}
		id := h.domains["alpha1"].UUID
		for range 2 {
			if res, err := d.Modify(t.Context(), h, c.p); err != nil || !res.Done {
				t.Errorf("%s: %+v, %v", c.name, res, err)
			}
		}
		got := guest{}
		if g := h.domains["alpha1"]; g != nil {
			got = *g
			c.want.UUID = id
		}
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// TestSuspendResume: what was suspended comes back, and only that.
func TestSuspendResume(t *testing.T) {
	t.Parallel()
	h, d := newHost(), xen.New(xen.Config{})
	if _, err := d.Setup(t.Context(), h, params()); err != nil {
		t.Fatal(err)
	}
	for _, cmd := range []string{xen.Suspend, xen.Resume, xen.Resume, xen.Suspend} {
		if _, err := d.Modify(t.Context(), h, modify(cmd)); err != nil {
			t.Fatalf("%s: %v", cmd, err)
		}
	}
	if _, err := d.Teardown(t.Context(), h, params()); err != nil || len(h.files) > 0 {
		t.Errorf("%v, %v", err, h.files)
	}
	var exit handlers.Exit
	if _, err := d.Modify(t.Context(), h, modify(xen.Resume)); !errors.As(err, &exit) || exit.Code != handlers.ExitInvalid {
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
		{modify(xen.Migrate, "host", "elsewhere"), handlers.ExitInvalid},
		{modify(xen.Resize, "memory", "-1"), handlers.ExitInvalid},
		{modify(xen.Resize, "memory", "0"), handlers.ExitInvalid},
		{modify(xen.Resize, "weight", "x"), handlers.ExitInvalid},
	} {
		if _, err := d.Modify(t.Context(), h, c.p); handlers.CodeOf(err) != c.code {
			t.Errorf("%v: %v", c.p[handlers.ParamSubcommand], err)
		}
	}
	if *h.domains["alpha1"] != before {
		t.Errorf("%+v", h.domains["alpha1"])
	}
}

// xlStandIn is a program in xl's place that knows files for domains. It reads a
// configuration as xl does, settings a line each.
const xlStandIn = `#!/bin/sh
state=$(dirname "$0")/domains; mkdir -p "$state"
gone() { echo "$1 is an invalid domain identifier (rc=-6)" >&2; exit 1; }
case $1 in
create) name=$(sed -n 's/^name="\(.*\)"$/\1/p' "$3"); [ ! -e "$state/$name" ] || exit 3; cp "$3" "$state/$name" ;;
list) f=$state/$3; [ -e "$f" ] || gone "$3"
  printf '[{"domid":1,"config":{"c_info":{"name":"%s","uuid":"%s"},"b_info":{"max_vcpus":%s,"target_memkb":%s}}}]\n' "$3" \
    "$(sed -n 's/^uuid="\(.*\)"$/\1/p' "$f")" "$(sed -n 's/^vcpus=//p' "$f")" "$(($(sed -n 's/^memory=//p' "$f") * 1024))" ;;
destroy) [ -e "$state/$2" ] || gone "$2"; rm "$state/$2" ;;
mem-set) sed -i "s/^memory=.*/memory=$3/" "$state/$2" ;;
mem-max) ;;
*) echo "unknown command" >&2; exit 1 ;;
esac
`

// dom0 is a control domain behind a real sshd whose key may run dom0-shell alone.
func dom0(t *testing.T) (on *sshrun.Runner, domains string) {
	t.Helper()
	dir := t.TempDir()
	shell, err := filepath.Abs("dom0-shell")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "xl"), []byte(xlStandIn), 0o755); err != nil {
		t.Fatal(err)
	}
	s := setup.StartSSHD(t, "XL="+dir+"/xl SAVE="+dir+" MIGRATE_TO=10.99.0.3 "+shell)
	on, err = sshrun.New(sshrun.Config{Addr: s.Addr, User: s.User, Key: s.Key, HostKeys: []ssh.PublicKey{s.HostKey}, Forced: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { on.Close() })
	return on, filepath.Join(dir, "domains")
}

// TestForced: the driver, a real sshd and dom0-shell make, resize and destroy a
// domain.
func TestForced(t *testing.T) {
	t.Parallel()
	on, domains := dom0(t)
	d := xen.New(xen.Config{Forced: true, SaveDir: filepath.Dir(domains)})
	must := func(res handlers.Result, err error) {
		t.Helper()
		if err != nil || !res.Done {
			t.Fatalf("%+v, %v", res, err)
		}
	}
	must(d.Setup(t.Context(), on, params()))
	must(d.Setup(t.Context(), on, params(xen.Memory, "128")))
	conf, err := os.ReadFile(filepath.Join(domains, "alpha1"))
	if err != nil || !strings.Contains(string(conf), "memory=128\n") || !strings.Contains(string(conf), `extra="console=hvc0 quiet"`) {
		t.Errorf("%v\n%s", err, conf)
	}
	must(d.Teardown(t.Context(), on, params()))
	must(d.Teardown(t.Context(), on, params()))
	if left, _ := os.ReadDir(domains); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestDom0Shell: what the key may not do.
func TestDom0Shell(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	calls := filepath.Join(dir, "calls")
	if err := os.WriteFile(filepath.Join(dir, "xl"), []byte("#!/bin/sh\necho \"$@\" >> "+calls+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	shell := func(line, stdin string) int {
		t.Helper()
		cmd := exec.Command("./dom0-shell")
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "XL=" + dir + "/xl", "SAVE=/save", "MIGRATE_TO=b c", "SSH_ORIGINAL_COMMAND=" + line}
		cmd.Stdin = strings.NewReader(stdin)
		err := cmd.Run()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exit.ExitCode()
		}
		if err != nil {
			t.Fatal(err)
		}
		return 0
	}
	for _, line := range []string{
		"", "id", "sh", "xl", "xl info", "xl list", "xl list; id", "xl list a b", "xl list -l", "xl destroy", "xl destroy -a", "xl destroy ../a",
		"xl console a", "xl create /etc/passwd", "xl mem-set a many", "xl mem-set a", "xl save a /etc/passwd", "xl save a /save/../etc/x.leasehold",
		"xl save a /save/x", "xl restore /tmp/x.leasehold", "xl migrate a elsewhere", "xl migrate a", "xl sched-credit2 -d a", "xl sched-credit2 -d a -x 1",
		"xl sched-credit2 -d a -w x", "rm -f /etc/passwd", "rm -rf /save/a.leasehold", "test -e /save/a.leasehold", "rm -f /save/.leasehold",
		"xl list $(id)", "xl list `id`", "xl list a\nid", "xl list *", "xl-create", "xl-create a b", "xl reboot a",
	} {
		if code := shell(line, ""); code != 126 {
			t.Errorf("%q ends with %d", line, code)
		}
	}
	for _, conf := range []string{"name=\"b\"\n", "name=\"a\"\nimport os\n", "name=\"a\"\nkernel=open(\"x\")\n", "name=\"a\"\nextra=\"a\\\"\"\n", ""} {
		if code := shell("xl-create a", conf); code != 126 {
			t.Errorf("configuration %q ends with %d", conf, code)
		}
	}
	if data, err := os.ReadFile(calls); err == nil {
		t.Errorf("xl was asked:\n%s", data)
	}
	for _, line := range []string{
		"xl list a", "xl list -l a", "xl destroy a", "xl pause a", "xl unpause a", "xl reboot -F a", "xl mem-set a 5", "xl mem-max a 5", "xl vcpu-set a 2",
		"xl save a /save/a.leasehold", "xl save -c a /save/a.leasehold", "xl restore /save/a.leasehold", "xl migrate a b",
		"xl sched-credit2 -d a -w 5", "xl sched-credit2 -d a -w 5 -c 6",
	} {
		if code := shell(line, ""); code != 0 {
			t.Errorf("%q ends with %d", line, code)
		}
		if data, _ := os.ReadFile(calls); !strings.HasSuffix(string(data), strings.TrimPrefix(line, "xl ")+"\n") {
			t.Errorf("%q reaches xl as\n%s", line, data)
		}
	}
	if code := shell("xl-create a", "name=\"a\"\nmemory=5\nvif=[\"mac=x,bridge=y\"]\n"); code != 0 {
		t.Errorf("a plain configuration ends with %d", code)
	}
}
