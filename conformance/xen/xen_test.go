package xen_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/xen"
	"github.com/leasehold/leasehold/handlers/run"
)

var (
	real  = flag.Bool("real", false, "boot real Xen hosts, which takes minutes (make test-xen)")
	table = flag.String("table", "", "file for the summary")
)

// story is one run: the hosts, the driver, and what is noted about each step.
type story struct {
	t      *testing.T
	a, b   *machine
	driver *xen.Driver
	on     *machine // where the domain is
	params handlers.Params
	number int // of the last modify
	lines  []string
}

// TestXen takes domains through their whole life on real Xen hosts.
func TestXen(t *testing.T) {
	if !*real {
		t.Skip("it boots two Xen hosts: make test-xen")
	}
	cmd := exec.Command("./image.sh")
	cmd.Stderr = os.Stderr
	image, err := cmd.Output()
	if err != nil {
		t.Fatalf("no image: %v", err)
	}
	dir, wire := strings.TrimSpace(string(image)), t.TempDir()
	s := &story{t: t}
	machines := map[string]*machine{}
	boot := func(name, other, address, mac string) *machine {
		m := start(t, dir, wire, name, other, address, mac)
		machines[name] = m
		how := "from its snapshot"
		if m.cold {
			how = "from nothing"
		}
		s.note("host "+name, m.took, how+"; "+strings.Join(strings.Fields(m.sh("xl info | grep -E '^(xen_version|xen_scheduler|virt_caps) '; uname -r")), " "))
		return m
	}
	s.driver = xen.New(xen.Config{Forced: true, CommandTime: patience, MoveTime: patience, Hosts: map[string]string{"dom0a": "10.99.0.2", "dom0b": "10.99.0.3"},
		Reach: func(name string) run.Runner { return machines[name].driver }})
	s.a = boot("dom0a", "dom0b", "10.99.0.2", "52:54:00:99:01:02")
	part := func(name string, f func()) {
		t.Run(name, func(t *testing.T) {
			s.t = t
			f()
		})
		s.t = t
	}
	part("pv", s.pv)
	part("pvh", s.pvh)
	// The second host comes when it is needed: two at once are slow.
	part("migrate", func() {
		s.b = boot("dom0b", "dom0a", "10.99.0.3", "52:54:00:99:01:03")
		s.migrate()
	})
	if t.Failed() {
		return
	}
	if *table != "" {
		s.write(*table)
	}
}

// pvh is a domain that is resized, paused, suspended and checkpointed, and one program in
// it goes on counting all the while.
func (s *story) pvh() {
	s.on = s.a
	s.params = handlers.Params{handlers.ParamUnit: "u1", xen.Name: "alpha1", xen.MAC: "00:16:3e:99:00:01", xen.Kernel: "/srv/guest/vmlinuz",
		xen.Ramdisk: "/srv/guest/initrd", xen.Extra: "console=hvc0 quiet", xen.Memory: "128", xen.MaxMemory: "192", xen.MaxVCPUs: "2"}
	s.setup("create, pvh")
	first := s.says(func(g guest) bool { return g.tick >= 2 && g.processors == 1 })
	s.setup("create again: nothing to do")
	s.probe(xen.Running)

	s.modify("resize: 128 to 160 MiB, 1 to 2 processors", handlers.Resize, "memory", "160", "vcpus", "2", "weight", "512", "cap", "80", "bandwidth", "2000")
	s.same(first, nil)
	// A domain's own system brings a new processor into use; ours has nobody who would.
	if got := s.on.sh("xl vcpu-list alpha1 | grep -c -w alpha1"); strings.TrimSpace(got) != "2" {
		s.t.Errorf("it has %s processors", got)
	}
	if got := s.on.sh("tc qdisc show dev $(cd /sys/class/net; echo vif*.0) root"); !strings.Contains(got, "rate 2Mbit") {
		s.t.Errorf("the bandwidth is not limited: %s", got)
	}
	s.modify("resize: no limit on bandwidth", handlers.Resize, "bandwidth", "0")
	if got := s.on.sh("tc qdisc show dev $(cd /sys/class/net; echo vif*.0)"); strings.Contains(got, "tbf") || strings.Contains(got, "ingress") {
		s.t.Errorf("the bandwidth is limited: %s", got)
	}
	s.refused("resize beyond what it was started for", handlers.Resize, "vcpus", "3")
	s.modify("shrink: 96 MiB, 1 processor", handlers.Resize, "memory", "96", "vcpus", "1")
	now := s.same(first, nil)

	s.modify("pause", handlers.Pause)
	s.probe(xen.Paused)
	s.modify("unpause", handlers.Unpause)
	now = s.same(now, nil)

	s.modify("suspend", handlers.Suspend)
	s.probe(xen.Suspended)
	s.modify("resume", handlers.Resume)
	now = s.same(now, nil)

	s.modify("checkpoint", handlers.Checkpoint)
	later := s.same(now, nil)
	later = s.same(later, nil)
	s.modify("restore", handlers.Restore)
	// It counts once more what it had counted already.
	began := time.Now()
	for s.heard(later) < 2 {
		if time.Since(began) > patience {
			s.t.Fatalf("checkpoint at about tick %d, %d when it was restored, and now %+v\n%s", now.tick, later.tick, s.last(),
				s.on.sh("ls -l /var/log/xen/console; cat "+s.consoles()+" | tail -n 30"))
		}
		time.Sleep(time.Second)
	}
	s.note("what it said after the checkpoint, it says again", time.Since(began), fmt.Sprintf("tick %d, twice", later.tick))
	s.teardown()
}

// migrate is a domain that moves to the other host while it runs, and starts anew there
// to have more than it could grow to.
func (s *story) migrate() {
	s.on = s.a
	s.params = handlers.Params{handlers.ParamUnit: "u3", xen.Name: "alpha3", xen.MAC: "00:16:3e:99:00:03", xen.Kernel: "/srv/guest/vmlinuz",
		xen.Ramdisk: "/srv/guest/initrd", xen.Extra: "console=hvc0 quiet", xen.Memory: "96", xen.Bandwidth: "5000"}
	s.setup("create, pvh, to be moved")
	first := s.says(func(g guest) bool { return g.tick >= 2 })
	now := s.last()
	s.modify("migrate live, dom0a to dom0b", handlers.Migrate, "host", "dom0b")
	if s.params[handlers.ParamMachine] != "dom0b" {
		s.t.Fatalf("after the migration it is on %q", s.params[handlers.ParamMachine])
	}
	s.on = s.b
	s.same(now, nil)
	if got := s.on.sh("tc qdisc show dev $(cd /sys/class/net; echo vif*.0) root"); !strings.Contains(got, "rate 5Mbit") {
		s.t.Errorf("the bandwidth is not limited where it is now: %s", got)
	}
	s.probe(xen.Running)
	s.modify("resize with a new start: 3 processors", handlers.Resize, "vcpus", "3", "reboot", "yes")
	s.says(func(g guest) bool { return g.boot != first.boot && g.processors == 3 })
	s.teardown()
}

// pv is a paravirtual domain, which an old host could have had.
func (s *story) pv() {
	s.on = s.a
	s.params = handlers.Params{handlers.ParamUnit: "u2", xen.Name: "alpha2", xen.MAC: "00:16:3e:99:00:02", xen.Kernel: "/srv/guest/vmlinuz",
		xen.Ramdisk: "/srv/guest/initrd", xen.Extra: "console=hvc0 quiet", xen.Memory: "96", xen.Type: "pv", xen.CPUWeight: "128"}
	s.setup("create, pv")
	first := s.says(func(g guest) bool { return g.tick >= 2 })
	s.modify("suspend, pv", handlers.Suspend)
	s.setup("setup of a suspended one: it goes on, pv")
	s.same(first, nil)
	s.teardown()
}

// note keeps a line for the summary.
func (s *story) note(what string, took time.Duration, how string) {
	s.t.Logf("%-50s %6.1f s  %s", what, took.Seconds(), how)
	s.lines = append(s.lines, fmt.Sprintf("| %s | %.1f | %s |", what, took.Seconds(), how))
}

// call makes one call of the driver.
func (s *story) call(what string, f handlers.Call) (handlers.Result, error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	began := time.Now()
	res, err := f(ctx, s.on.driver, s.params)
	how := res.Note
	if err != nil {
		how = err.Error()
	}
	s.note(what, time.Since(began), strings.TrimSpace(how))
	for k, v := range res.Properties { // as an authority keeps them
		s.params[k] = v
	}
	return res, err
}

func (s *story) must(what string, f handlers.Call) {
	s.t.Helper()
	if res, err := s.call(what, f); err != nil || !res.Done {
		s.t.Fatalf("%s: %+v, %v\n%s", what, res, err, s.on.sh("xl list; xl dmesg | tail -n 20; tail -n 20 /var/log/xen/xl-"+s.params[xen.Name]+".log || true"))
	}
}

func (s *story) setup(what string) {
	s.t.Helper()
	s.must(what, s.driver.Setup)
}

// ask prepares the parameters of the next modify, as the core of an actor does.
func (s *story) ask(cmd string, args ...string) handlers.Call {
	s.number++
	n := strconv.Itoa(s.number)
	s.params[handlers.ParamSubcommand], s.params[handlers.ParamModify] = "modify."+cmd, n
	for i := 0; i < len(args); i += 2 {
		s.params["modify."+n+"."+args[i]] = args[i+1]
	}
	return func(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
		return handlers.Modify(ctx, s.driver, on, p)
	}
}

func (s *story) modify(what, cmd string, args ...string) {
	s.t.Helper()
	s.must(what, s.ask(cmd, args...))
}

func (s *story) refused(what, cmd string, args ...string) {
	s.t.Helper()
	before := s.on.sh("xl list -l " + s.params[xen.Name])
	_, err := s.call(what, s.ask(cmd, args...))
	var exit handlers.Exit
	if !errors.As(err, &exit) || exit.Code != handlers.ExitInvalid {
		s.t.Fatalf("%s: %v", what, err)
	}
	if after := s.on.sh("xl list -l " + s.params[xen.Name]); after != before {
		s.t.Errorf("%s changed something:\n%s\n%s", what, before, after)
	}
}

func (s *story) probe(want string) {
	s.t.Helper()
	s.modify("probe", handlers.Probe)
	if got := s.params[xen.State]; got != want {
		s.t.Fatalf("it is %s, not %s", got, want)
	}
}

// teardown takes the domain away, and nothing of it is left on either host.
func (s *story) teardown() {
	s.t.Helper()
	s.must("destroy", s.driver.Teardown)
	s.must("destroy again: nothing to do", s.driver.Teardown)
	name := s.params[xen.Name]
	for _, m := range []*machine{s.a, s.b} {
		if m == nil {
			continue
		}
		if left := m.sh("xl list | grep -w " + name + "; ls /var/lib/xen/save | grep -w " + name + "; true"); left != "" {
			s.t.Errorf("%s: left of %s:\n%s", m.name, name, left)
		}
	}
}

// guest is what the program in a domain says last.
type guest struct {
	boot       string // another after each start
	tick       int    // it counts
	memory     int    // kB
	processors int
}

var spoken = regexp.MustCompile(`GUEST ([0-9a-f-]{36}) tick (\d+) memory (\d+) processors (\d+)`)

// consoles are the files that hold what the domain says, oldest first. One that came from
// elsewhere or from a file has "--incoming" behind its name at first, and may speak there.
func (s *story) consoles() string {
	return "$(ls -tr /var/log/xen/console/guest-" + s.params[xen.Name] + "*.log)"
}

// last is the last thing that the domain said on the host it is on.
func (s *story) last() guest {
	s.t.Helper()
	said := spoken.FindAllStringSubmatch(s.on.sh("cat "+s.consoles()+" | tail -c 4000"), -1)
	if len(said) == 0 {
		return guest{}
	}
	m := said[len(said)-1]
	number := func(text string) int { n, _ := strconv.Atoi(text); return n }
	return guest{m[1], number(m[2]), number(m[3]), number(m[4])}
}

// heard is how often the domain said the very same.
func (s *story) heard(g guest) int {
	s.t.Helper()
	text := s.on.sh(fmt.Sprintf("cat %s | grep -c 'GUEST %s tick %d ' || true", s.consoles(), g.boot, g.tick))
	n, _ := strconv.Atoi(strings.TrimSpace(text))
	return n
}

// says waits until the domain says what it should.
func (s *story) says(ok func(guest) bool) guest {
	s.t.Helper()
	began := time.Now()
	for {
		g := s.last()
		if g.boot != "" && ok(g) {
			return g
		}
		if time.Since(began) > patience {
			s.t.Fatalf("the domain says %+v", g)
		}
		time.Sleep(time.Second)
	}
}

// same waits until the domain that was heard before is heard again, further on.
func (s *story) same(before guest, ok func(guest) bool) guest {
	s.t.Helper()
	return s.says(func(g guest) bool {
		if g.boot != before.boot {
			s.t.Fatalf("the domain began anew: %+v, before %+v", g, before)
		}
		return g.tick > before.tick && (ok == nil || ok(g))
	})
}

// taught is what a stand-in would not have taught the driver.
const taught = `
What real hosts taught the driver, and a stand-in would not have:

- Debian's packages do not make the folder that domains are saved in; xl fails without it.
- "xl vcpu-set" refuses more processors than the machine has, which a site may well want:
  it is told "--ignore-host".
- Xen's own scripts end after 40 seconds of their clock. On a busy computer that is too
  soon for everything, so the hosts' clocks count instructions (QEMU's "-icount").
- What a domain says after it came from a file or from another host may stand in another
  file than what it said before: its name has "--incoming" behind it while it arrives.
`

// write writes the summary.
func (s *story) write(path string) {
	s.t.Helper()
	load, _, _ := strings.Cut(output(s.t, "cat", "/proc/loadavg"), " ")
	head := fmt.Sprintf(`# The driver xen on real Xen hosts

What "make test-xen" did last, whole and in one run: two hosts in QEMU without hardware
support, on a machine of %d processors with a load of %s at the end, so that times say
little. Every step was looked at by another way than the driver's: at xl's own list with
another key, and at the domain's console, where one program counts aloud. It went on
where it had stopped, also on the host that it moved to; a restored one said again what
it had said since its checkpoint; after a new start it began anew.

| step | seconds | what was said |
|---|---|---|
`, runtime.NumCPU(), load)
	code := strings.NewReplacer(`"`, "`")
	text := code.Replace(head) + strings.Join(s.lines, "\n") + "\n" + code.Replace(taught)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}
