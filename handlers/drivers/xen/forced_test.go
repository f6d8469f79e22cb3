package xen_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/xen"
	"github.com/leasehold/leasehold/handlers/run/sshrun"
)

// xlStandIn is a program in xl's place that knows files for domains. It reads a
// configuration as xl does, settings a line each.
const xlStandIn = `#!/bin/sh
state=$(dirname "$0")/domains; mkdir -p "$state"
gone() { echo "$1 is an invalid domain identifier (rc=-6)" >&2; exit 1; }
case $1 in
info) echo "xen_scheduler : credit2" ;;
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
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "XL=" + dir + "/xl", "XM=" + dir + "/xl", "TC=" + dir + "/xl", "SAVE=/save", "MIGRATE_TO=b c", "SSH_ORIGINAL_COMMAND=" + line}
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
		"", "id", "sh", "xl", "xl info -n", "xl vcpu-set -i a 2", "xl vcpu-set --ignore-host a many", "xl dmesg", "xl list", "xl list; id", "xl list a b", "xl list -l", "xl destroy", "xl destroy -a", "xl destroy ../a",
		"xl console a", "xl create /etc/passwd", "xl mem-set a many", "xl mem-set a", "xl save a /etc/passwd", "xl save a /save/../etc/x.leasehold",
		"xl save a /save/x", "xl restore /tmp/x.leasehold", "xl migrate a elsewhere", "xl migrate a", "xl migrate --live a elsewhere", "xl sched-credit2 -d", "xl sched-credit2 -d a -x 1",
		"xl sched-credit2 -d a -w x", "rm -f /etc/passwd", "rm -rf /save/a.leasehold", "test -e /save/a.leasehold", "rm -f /save/.leasehold",
		"xl list $(id)", "xl list `id`", "xl list a\nid", "xl list *", "xl-create", "xl-create a b", "xl reboot -F -a", "xl reboot -x a", "xm-create", "xl save a /save/a.other",
		"mkdir -p -m 700 /etc/x", "mkdir -p -m 777 /save", "mkdir /save", "tc", "tc qdisc", "tc qdisc show", "tc qdisc del dev eth0 root", "tc qdisc del dev vif1.0", "tc qdisc del dev vif1.0 parent", "tc qdisc del dev vif.0 root",
		"tc qdisc replace dev eth0 ingress", "tc qdisc replace dev vif1.0 root netem loss 100", "tc qdisc replace dev vif1x.0 ingress",
		"tc qdisc replace dev vif1.0 root tbf rate 1kbit burst 1b latency x", "tc filter replace dev vif1.0 ingress protocol all prio 1 handle 1 matchall action mirred",
		"tc -batch /etc/passwd", "tc exec bpf",
	} {
		if code := shell(line, ""); code != 126 {
			t.Errorf("%q ends with %d", line, code)
		}
	}
	for _, conf := range []string{"name=\"b\"\n", "name=\"a\"\nimport os\n", "name=\"a\"\nkernel=open(\"x\")\n", "name=\"a\"\nextra=\"a\\\"\"\n", "name=\"a\"\ndisk=[\"a\",open(\"b\")]\n", ""} {
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
		"xl info", "xl vcpu-set --ignore-host a 2", "xl sched-credit2 -d a", "xl sched-credit -d a -c 5", "xl reboot a", "xl save -c a /save/a.checkpoint", "xl restore /save/a.checkpoint", "xl list --long a",
		"xm info", "xm list --long a", "xm migrate --live a b", "xm reboot a",
		"tc qdisc del dev vif12.0 root", "tc qdisc replace dev vif12.0 root tbf rate 500kbit burst 16384b latency 100ms", "tc qdisc replace dev vif12.0 ingress",
		"tc filter replace dev vif12.0 ingress protocol all prio 1 handle 1 matchall action police rate 500kbit burst 16384b conform-exceed drop",
		"xl sched-credit2 -d a -w 5", "xl sched-credit2 -d a -w 5 -c 6",
	} {
		if code := shell(line, ""); code != 0 {
			t.Errorf("%q ends with %d", line, code)
		}
		if data, _ := os.ReadFile(calls); !strings.HasSuffix(string(data), line[3:]+"\n") {
			t.Errorf("%q reaches xl as\n%s", line, data)
		}
	}
	if code := shell("xl-create a", "name=\"a\"\nmemory=5\nvif=[\"mac=x,bridge=y\"]\ndisk=[\"a\",\"b\"]\n"); code != 0 {
		t.Errorf("a plain configuration ends with %d", code)
	}
}

// TestHangs: a control domain that hangs in the middle of a command holds the driver up
// for as long as it was told, and no longer; then it works as before.
func TestHangs(t *testing.T) {
	t.Parallel()
	on, domains := dom0(t)
	d := xen.New(xen.Config{Forced: true, SaveDir: filepath.Dir(domains)})
	if _, err := d.Setup(t.Context(), on, params()); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(filepath.Dir(domains), "xl")
	hang := strings.Replace(xlStandIn, "destroy)", "destroy) touch \"$state/hung\"; while :; do echo; sleep 1; done ;;\nnever)", 1)
	swap := func(text string) {
		t.Helper()
		if err := os.WriteFile(program+".new", []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(program+".new", program); err != nil {
			t.Fatal(err)
		}
	}
	swap(hang)
	// On a slow machine a short time is too short for what does not hang.
	limit := 3 * time.Second
	for reached := false; !reached; limit *= 2 {
		short := xen.New(xen.Config{Forced: true, SaveDir: filepath.Dir(domains), CommandTime: limit})
		if _, err := short.Teardown(t.Context(), on, params()); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("it hangs: %v", err)
		}
		reached = os.Remove(filepath.Join(domains, "hung")) == nil
	}
	swap(xlStandIn)
	if res, err := d.Teardown(t.Context(), on, params()); err != nil || !res.Done {
		t.Errorf("afterwards: %+v, %v", res, err)
	}
}
