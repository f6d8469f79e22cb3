package site_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/cod/guest"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

// story is a site with everything a site has: the daemons, the feeds and a server of the
// shipping program, in a network of their own.
type story struct {
	*world
	named *setup.Named
	tftp  string // tftpd's folder
	dom0  *setup.Guest
	home  string // of the server
	conf  string
	serve *daemon
	calls string // what the machines' power was told, a line each
}

// The hosts of the story's site: two machines and two that are made on dom0.
const (
	macP1, macP2 = "52:54:00:99:01:01", "52:54:00:99:01:02"
	macV1, macV2 = "52:54:00:99:02:01", "52:54:00:99:02:02"
	dom0Address  = "10.99.0.10"
)

// storyConfig has a folder of the server, the directory's URL, base and user, dom0's
// address, and the identities of the three actors.
const storyConfig = `version: 1
state: %[1]s/state
admin: %[1]s/admin.sock
store: {kind: bbolt}
log: {level: debug}
listen: {address: "127.0.0.1:8180"}
clock: {begin: 2026-01-01T00:00:00Z, cycle: 200ms}
directory: {url: "%[2]s", base: "%[3]s", bind: "%[4]s", password_file: password}
actors:
  - name: site
    keys: made/keys/site
    guid: %[6]s
    role: authority
    pools:
      - type: site.node
        hosts: [{pattern: "host%%d", count: 2, mac: "52:54:00:99:01:01"}]
      - type: site.vm
        hosts: [{pattern: "slot%%d", count: 2, mac: "52:54:00:99:02:01", memory: 128, properties: {machine: dom0}}]
    exports:
      - {to: broker, type: site.node, units: 2, until: 2099-01-01T00:00:00Z}
      - {to: broker, type: site.vm, units: 2, until: 2099-01-01T00:00:00Z}
    cod:
      network: 10.99.0.0/16
      domain: site.test
      uids: 30000-39999
      boot_file: pxelinux.0
      homes: {server: nfs1.site.test, path: /export, options: "-fstype=nfs4,rw"}
    handler:
      driver: script
      script: units.yaml
      machines: [{name: dom0, address: "%[5]s:22", key: dom0.key, host_keys: dom0.host, forced: true}]
  - name: broker
    keys: made/keys/broker
    guid: %[7]s
    role: broker
  - name: manager
    keys: made/keys/manager
    guid: %[8]s
    role: manager
    default_broker: broker
`

// storyScript makes units: machines by their power, the others by Xen. It has the file
// that the power is told in.
const storyScript = `version: 1
actions:
  setup:
    - {driver: xen, when: unit.resourceType == 'site.vm', properties: {xen.kernel: /srv/vmlinuz, unit.resource.memory: "96"}}
    - {shell: 'echo "on $MAC" >> %[1]s', env: {MAC: "${unit.mac}"}, on: local, when: unit.resourceType == 'site.node'}
  probe:
    - {driver: xen, verb: probe, when: unit.resourceType == 'site.vm', properties: {xen.kernel: /srv/vmlinuz}}
  modify.ssh:
    - {echo: the directory has the keys}
  teardown:
    - {driver: xen, verb: teardown, when: unit.resourceType == 'site.vm', properties: {xen.kernel: /srv/vmlinuz}}
    - {shell: 'echo "off $MAC" >> %[1]s', env: {MAC: "${unit.mac}"}, on: local, when: unit.resourceType == 'site.node'}
`

// xlStandIn is a program in xl's place at dom0, whose domains are files.
const xlStandIn = `#!/bin/sh
state=/srv/domains; mkdir -p "$state"
gone() { echo "$1 is an invalid domain identifier (rc=-6)" >&2; exit 1; }
case $1 in
info) echo "xen_scheduler : credit2" ;;
create) name=$(sed -n 's/^name="\(.*\)"$/\1/p' "$3"); [ ! -e "$state/$name" ] || exit 3; cp "$3" "$state/$name" ;;
list) [ "$2" = -l ] || { [ -e "$state/$2" ] || gone "$2"; echo "$2 1 96 1 -b---- 1.0"; exit; }
  f=$state/$3; [ -e "$f" ] || gone "$3"
  printf '[{"domid":1,"config":{"c_info":{"name":"%s","uuid":"%s"},"b_info":{"max_vcpus":%s,"target_memkb":%s}}}]\n' "$3" \
    "$(sed -n 's/^uuid="\(.*\)"$/\1/p' "$f")" "$(sed -n 's/^vcpus=//p' "$f")" "$(($(sed -n 's/^memory=//p' "$f") * 1024))" ;;
destroy) [ -e "$state/$2" ] || gone "$2"; rm "$state/$2" ;;
*) echo "unknown command" >&2; exit 1 ;;
esac
`

// daemon is a process of the shipping program in the site's network.
type daemon struct {
	cmd  *exec.Cmd
	done chan struct{}
	log  *lines
}

// start starts the shipping program in the site's network; it ends with the test.
func (s *story) start(args ...string) *daemon {
	s.t.Helper()
	d := &daemon{cmd: exec.Command(program(s.t), args...), done: make(chan struct{}), log: &lines{}}
	d.cmd.Stderr = d.log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	s.must(s.net.Do(d.cmd.Start))
	go func() {
		_ = d.cmd.Wait()
		close(d.done)
	}()
	s.t.Cleanup(func() {
		d.end(syscall.SIGTERM)
		if s.t.Failed() {
			s.t.Logf("leasehold %s said:\n%s", args[0], d.log.text())
		}
	})
	return d
}

// end sends a signal and waits for the end.
func (d *daemon) end(sig syscall.Signal) {
	_ = d.cmd.Process.Signal(sig)
	select {
	case <-d.done:
	case <-time.After(time.Minute):
		_ = d.cmd.Process.Kill()
		<-d.done
	}
}

// newStory starts the site's daemons; the server is not started yet.
func newStory(t *testing.T) *story {
	t.Helper()
	w := &world{t: t, net: setup.NewNet(t)}
	s := &story{world: w, home: t.TempDir()}
	w.net.Bridge(gateway + "/16")
	var ready sync.WaitGroup // what takes long starts side by side
	ready.Go(func() { program(t) })
	w.slapd = w.net.StartSlapd(t, "overlay syncprov", "index dhcpHWAddress eq")
	w.slapd.Also(directoryURL)
	s.named = w.net.StartNamed(t, gateway)
	s.tftp = bootServer(t)
	setup.StartTFTPD(t, w.net, gateway, s.tftp)
	s.startDom0()
	var err error
	w.dir, err = ldapdir.Open(ldapdir.Config{URL: w.slapd.URL, BindDN: w.slapd.BindDN, Password: w.slapd.Password, Timeout: 30 * time.Second})
	w.must(err)
	t.Cleanup(func() { w.dir.Close() })
	s.calls = filepath.Join(s.home, "power")
	put := func(name, content string) {
		t.Helper()
		w.must(os.WriteFile(filepath.Join(s.home, name), []byte(content), 0o600))
	}
	put("password", w.slapd.Password+"\n")
	put("units.yaml", fmt.Sprintf(storyScript, s.calls))
	s.conf = filepath.Join(s.home, "leasehold.yaml")
	ready.Wait()
	// The actors' keys, and who they are, come from init.
	made := filepath.Join(s.home, "made")
	s.call("init", made)
	text, err := os.ReadFile(filepath.Join(made, "leasehold.yaml"))
	w.must(err)
	who := regexp.MustCompile(`guid: (\S+)`).FindAllStringSubmatch(string(text), -1)
	put("leasehold.yaml", fmt.Sprintf(storyConfig, s.home, w.slapd.URL, w.slapd.Base, w.slapd.BindDN, dom0Address, who[0][1], who[1][1], who[2][1]))
	return s
}

// startDom0 makes a machine whose sshd lets the server's key run dom0-shell, and nothing
// else.
func (s *story) startDom0() {
	t := s.t
	t.Helper()
	key, private := newKey(t)
	block, err := ssh.MarshalPrivateKey(private, "")
	s.must(err)
	s.must(os.WriteFile(filepath.Join(s.home, "dom0.key"), pem.EncodeToMemory(block), 0o600))
	line := string(ssh.MarshalAuthorizedKey(key.PublicKey()))
	shell, err := os.ReadFile("../../handlers/drivers/xen/dom0-shell")
	s.must(err)
	n := s.node("52:54:00:99:00:10")
	n.net.IP("addr", "add", dom0Address+"/16", "dev", "eth0")
	s.dom0 = n.net.Guest(
		setup.File{Path: "/usr/sbin/xl", Content: xlStandIn, Mode: 0o755}, setup.File{Path: "/usr/local/sbin/dom0-shell", Content: string(shell), Mode: 0o755},
		setup.File{Path: "/srv/vmlinuz"}, setup.File{Path: "/etc/leasehold/keys", Content: `restrict,command="/usr/local/sbin/dom0-shell" ` + line},
		setup.File{Path: "/etc/ssh/sshd_config.d/dom0.conf", Content: "AuthorizedKeysFile /etc/leasehold/keys\nPasswordAuthentication no\n"})
	host := s.dom0.StartSSHD(dom0Address)
	s.must(os.WriteFile(filepath.Join(s.home, "dom0.host"), ssh.MarshalAuthorizedKey(host), 0o600))
}

// call runs the shipping program's command line against the server, and returns what it
// prints.
func (s *story) call(args ...string) string {
	s.t.Helper()
	if args[0] != "init" {
		args = append(args, "--config", s.conf)
	}
	cmd := exec.Command(program(s.t), args...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("leasehold %s: %v\n%s%s", strings.Join(args, " "), err, out, said.String())
	}
	return string(out)
}

// serveAgain starts the server, and waits until it answers.
func (s *story) serveAgain() {
	s.t.Helper()
	s.serve = s.start("serve", "--config", s.conf)
	eventually(s.t, "the server answers", func() string {
		select {
		case <-s.serve.done:
			s.t.Fatal("the server ended")
		default:
		}
		out, err := exec.Command(program(s.t), "actor", "list", "--config", s.conf).CombinedOutput()
		if err != nil {
			return string(out)
		}
		return ""
	})
}

// eventually waits until look has nothing to say, or two minutes.
func eventually(t testing.TB, what string, look func() string) {
	t.Helper()
	said := ""
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if said = look(); said == "" {
			return
		}
	}
	t.Fatalf("%s: %s", what, said)
}

// ldif is everything that users see of the directory, in order, but for how often a
// server has begun to write there.
func (s *story) ldif() string {
	s.t.Helper()
	out, err := exec.Command(setup.Tool(s.t, "ldapsearch"), "-x", "-LLL", "-o", "ldif-wrap=no", "-H", s.slapd.URL, "-D", string(s.slapd.BindDN),
		"-w", s.slapd.Password, "-b", string(s.slapd.Base.Parent())).Output()
	s.must(err)
	entries := strings.Split(strings.TrimSpace(string(out)), "\n\n")
	for i, e := range entries {
		attrs := strings.Split(e, "\n")
		attrs = slices.DeleteFunc(attrs, func(a string) bool { return strings.HasPrefix(a, "codWriter: ") })
		slices.Sort(attrs[1:])
		attrs = slices.DeleteFunc(attrs, func(a string) bool { return strings.HasPrefix(a, "codWriter:") }) // counts the server's starts
		entries[i] = strings.Join(attrs, "\n")
	}
	slices.Sort(entries)
	return strings.Join(entries, "\n\n")
}

// add adds entries to the directory as operators do, with ldapadd.
func (s *story) add(ldif string) {
	s.t.Helper()
	cmd := exec.Command(setup.Tool(s.t, "ldapadd"), "-x", "-H", s.slapd.URL, "-D", string(s.slapd.BindDN), "-w", s.slapd.Password)
	cmd.Stdin = strings.NewReader(ldif)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("ldapadd: %v\n%s", err, out)
	}
}

// edit changes the directory as operators do, with ldapmodify.
func (s *story) edit(dn ldapschema.DN, changes string) {
	s.t.Helper()
	cmd := exec.Command(setup.Tool(s.t, "ldapmodify"), "-x", "-H", s.slapd.URL, "-D", string(s.slapd.BindDN), "-w", s.slapd.Password)
	cmd.Stdin = strings.NewReader("dn: " + string(dn) + "\nchangetype: modify\n" + changes)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("ldapmodify: %v\n%s", err, out)
	}
}

// zone is what named says about a zone, but for its serial number, in order.
func (s *story) zone(name string) string {
	s.t.Helper()
	out, err := s.net.Run(setup.Tool(s.t, "dig"), "@"+gateway, "-k", s.named.Key, "+noall", "+answer", "+onesoa", "AXFR", name)
	if err != nil {
		s.t.Fatalf("dig: %v\n%s", err, out)
	}
	var records []string
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) > 4 && f[3] != "SOA" && f[3] != "TSIG" {
			records = append(records, strings.Join(f, " "))
		}
	}
	slices.Sort(records)
	return strings.Join(records, "\n")
}

// answers waits until named answers a question of a node so; empty is no answer.
func (s *story) answers(from *setup.Net, want string, question ...string) {
	s.t.Helper()
	eventually(s.t, fmt.Sprint(question), func() string {
		out, err := from.Run(setup.Tool(s.t, "dig"), append([]string{"@" + gateway, "+short", "+time=5", "+tries=1"}, question...)...)
		if got := strings.TrimSpace(out); err != nil || got != want {
			return fmt.Sprintf("%q, %v; want %q", got, err, want)
		}
		return ""
	})
}

// fetched waits until a node gets a file with a line from the boot server by TFTP.
func (s *story) fetched(from *setup.Net, file, line string) {
	s.t.Helper()
	to := filepath.Join(s.t.TempDir(), "got")
	eventually(s.t, file, func() string {
		out, err := from.Run(setup.Tool(s.t, "busybox"), "tftp", "-g", "-r", file, "-l", to, gateway)
		text, _ := os.ReadFile(to)
		if err != nil || !strings.Contains(string(text), line) {
			return fmt.Sprintf("%v %s %s; want %q", err, out, text, line)
		}
		return ""
	})
}

// files is the boot server's folder: names and what those of loaders say.
func (s *story) files() string {
	s.t.Helper()
	var out strings.Builder
	s.must(filepath.WalkDir(s.tftp, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(s.tftp, path)
		fmt.Fprintln(&out, name)
		if strings.Contains(name, "01-") {
			text, err := os.ReadFile(path)
			fmt.Fprintln(&out, string(text))
			return err
		}
		return nil
	}))
	return out.String()
}

// domains is what xl knows at dom0.
func (s *story) domains() string {
	list, _ := os.ReadDir(s.dom0.Path("/srv/domains"))
	var names []string
	for _, d := range list {
		names = append(names, d.Name())
	}
	return strings.Join(names, " ")
}

// same waits until what is there is what was there before, and else says what differs.
func (s *story) same(what string, look func() string, before string) {
	s.t.Helper()
	now := look()
	for end := time.Now().Add(2 * time.Minute); now != before && time.Now().Before(end); now = look() {
		time.Sleep(100 * time.Millisecond)
	}
	if now == before {
		return
	}
	without := func(a, b string) string {
		not := strings.Split(b, "\n")
		return strings.Join(slices.DeleteFunc(strings.Split(a, "\n"), func(l string) bool { return slices.Contains(not, l) }), "\n")
	}
	s.t.Errorf("%s is not as it was before: gone\n%s\nleft\n%s", what, without(before, now), without(now, before))
}

// leased asks for two units of a type for the slice alpha and waits until they are up.
func (s *story) leased(kind string) (id string) {
	s.t.Helper()
	id = "lease-" + kind
	s.call("lease", "request", "--slice", "alpha", "--type", kind, "--units", "2", "--length", "2h", "--id", id, "--wait", "--timeout", "2m",
		"--set", "config.image.guid=tiny", "--set", "config.ssh.user1.login=ada", "--set", "config.ssh.user1.keys="+storyKey)
	return id
}

// change gives leases another key and waits until the site has it.
func (s *story) change(leases []string, key string) {
	s.t.Helper()
	for _, id := range leases {
		s.call("lease", "modify", id, "ssh", "config.ssh.user1.login=ada", "config.ssh.user1.keys="+key, "--wait", "--timeout", "2m")
	}
}

// extend makes leases longer and waits until nothing is under way.
func (s *story) extend(leases []string) {
	s.t.Helper()
	for _, id := range leases {
		s.call("lease", "extend", id, "--length", "2h")
		eventually(s.t, id+" is extended", func() string {
			var lease struct{ Pending, State string }
			s.must(json.Unmarshal([]byte(s.call("lease", "show", id, "--json")), &lease))
			if lease.Pending != "None" || !strings.HasPrefix(lease.State, "Active") {
				return fmt.Sprintf("it is %+v", lease)
			}
			return ""
		})
	}
}

// Public keys.
const (
	storyKey  = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB ada@home"
	secondKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC ada@work"
	thirdKey  = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD ada@train"
)

// entry is what the directory says about the node with a hardware address.
func (s *story) entry(mac string) ldapschema.Host {
	s.t.Helper()
	entries, err := s.world.dir.List(s.t.Context(), s.slapd.Base.Child("ou", "slices"))
	s.must(err)
	for _, e := range entries {
		if h, err := ldapschema.ParseHost(e); err == nil && h.MAC.String() == mac {
			return h
		}
	}
	s.t.Fatalf("no node has the address %s", mac)
	panic("not reached")
}

// TestStory is all of it: slapd, named, dhcpd, tftpd, nslcd and a dom0 behind sshd; a
// server with three actors, and the feeds beside it. Two machines and two domains are
// leased; DHCP, DNS, TFTP, names, people and xl say so; operators' edits stay; the
// server is killed, everything serves on, and it comes back; and when the leases end
// everything is exactly as it was before.
func TestStory(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	base := s.slapd.Base
	s.serveAgain()
	source := []string{"--directory", s.slapd.URL + "/" + string(base), "--bind-dn", string(s.slapd.BindDN), "--password-file", filepath.Join(s.home, "password")}
	s.start(append([]string{"feed", "dns", "--server", s.named.Addr, "--key", s.named.Key, "--zone-dir", s.named.Dir, "--rndc", strings.Join(s.named.RNDC, " ")}, source...)...)
	s.start(append([]string{"feed", "boot", "--tftp-root", s.tftp}, source...)...)
	s.answers(s.net, gateway, "ns1.site.test", "A")
	// What operators have of their own, beside ours.
	s.add(fmt.Sprintf("dn: relativeDomainName=printer,zoneName=site.test,ou=DNS,%[1]s\nobjectClass: dNSZone\nzoneName: site.test\nrelativeDomainName: printer\naRecord: 10.99.0.200\n\n"+
		"dn: cn=tiny,ou=images,%[1]s\nobjectClass: device\nobjectClass: codBootImage\ncodKernel: tiny/vmlinuz\ncodInitrd: tiny/initrd\ncodKernelOptions: console=ttyS0,115200 panic=-1\n\n"+
		"dn: cn=rescue,ou=images,%[1]s\nobjectClass: device\nobjectClass: codBootImage\ncodKernel: tiny/vmlinuz\ncodKernelOptions: single\n", base))
	s.answers(s.net, "10.99.0.200", "printer.site.test", "A")
	dhcpd := s.dhcpd()
	looks := []struct {
		what string
		at   func() string
	}{
		{"the directory", s.ldif}, {"the boot server", s.files}, {"dom0", s.domains},
		{"the zone", func() string { return s.zone("site.test") }}, {"the zone of addresses", func() string { return s.zone("99.10.in-addr.arpa") }},
	}
	var before []string
	for _, look := range looks {
		before = append(before, look.at())
	}

	// Two machines and two domains of one cluster.
	leases := []string{s.leased("site.node"), s.leased("site.vm")}
	p1, p2, v1, v2 := s.entry(macP1), s.entry(macP2), s.entry(macV1), s.entry(macV2)
	if power, _ := os.ReadFile(s.calls); !strings.Contains(string(power), "on "+macP1) || !strings.Contains(string(power), "on "+macP2) {
		t.Errorf("the machines' power was told %q", power)
	}
	if got, want := strings.Fields(s.domains()), []string{v1.Name, v2.Name}; !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("dom0 has the domains %v, want %v", got, want)
	}
	if conf, err := os.ReadFile(s.dom0.Path("/srv/domains/" + v1.Name)); err != nil || !strings.Contains(string(conf), macV1) || !strings.Contains(string(conf), "memory=96") {
		t.Errorf("xl was told %s, %v", conf, err)
	}
	node := s.node(macP1)
	if got, want := node.lease(), fmt.Sprintf("%v %s alpha.site.test %s", p1.IP, p1.Name, gateway); got != want {
		t.Errorf("a machine is given %q, want %q", got, want)
	}
	domain := s.node(macV2)
	domain.offered(fmt.Sprintf("%v %s pxelinux.0", v2.IP, gateway))
	s.node(macV1).offered(fmt.Sprintf("%v %s pxelinux.0", v1.IP, gateway))
	other := s.node(macP2)
	other.offered(fmt.Sprintf("%v %s pxelinux.0", p2.IP, gateway))
	for _, h := range []ldapschema.Host{p1, p2, v1, v2} {
		s.answers(node.net, h.IP.String(), h.Name+".alpha.site.test", "A")
		s.answers(node.net, h.Name+".alpha.site.test.", "-x", h.IP.String())
	}
	file := func(mac string) string { return "pxelinux.cfg/01-" + strings.ReplaceAll(mac, ":", "-") }
	s.fetched(node.net, file(macP1), "LOCALBOOT 0")
	g := node.net.Guest(s.guestFiles("alpha")...)
	g.StartNSLCD()
	g.Says("ada:x:30000:30000:ada:/home/ada:/bin/sh", "getent", "passwd", "ada")
	g.Says(v1.Name+".alpha.site.test", "getent", "hosts", v1.Name)
	g.Says(storyKey, guest.KeysCommand, "ada")

	// Operators' words, with their own tools: what a machine boots, its DHCP, a record
	// more in DNS, somebody's shell.
	host := func(h ldapschema.Host) ldapschema.DN {
		return s.cluster("alpha").Child("ou", "hosts").Child("cn", h.Name)
	}
	dhcp := base.Child("ou", "dhcp").Child("cn", "config").Child("cn", "alpha")
	s.edit(host(p1), "replace: codBoot\ncodBoot: image\n")
	s.edit(dhcp.Child("cn", p2.Name), fmt.Sprintf("replace: dhcpStatements\ndhcpStatements: fixed-address %v\ndhcpStatements: filename \"special.0\"\n", p2.IP))
	s.edit(base.Child("ou", "DNS").Child("zoneName", "site.test").Child("relativeDomainName", p1.Name+".alpha"), "add: tXTRecord\ntXTRecord: operators\n")
	s.edit(s.cluster("alpha").Child("ou", "people").Child("uid", "ada"), "replace: loginShell\nloginShell: /bin/bash\n")
	// And another address, which the site takes over into all that says it.
	s.edit(host(v2), "replace: ipHostNumber\nipHostNumber: 10.99.1.77\n")
	v2.IP = netip.MustParseAddr("10.99.1.77")
	edited := func(when string) {
		t.Helper()
		s.fetched(node.net, file(macP1), "KERNEL /tiny/vmlinuz")
		other.offered(fmt.Sprintf("%v %s special.0", p2.IP, gateway))
		s.answers(node.net, `"operators"`, p1.Name+".alpha.site.test", "TXT")
		s.answers(node.net, v1.IP.String(), v1.Name+".alpha.site.test", "A")
		g.Says("/home/ada:/bin/bash", "getent", "passwd", "ada")
		domain.offered(fmt.Sprintf("%v %s pxelinux.0", v2.IP, gateway))
		s.answers(node.net, v2.IP.String(), v2.Name+".alpha.site.test", "A")
		s.answers(node.net, v2.Name+".alpha.site.test.", "-x", v2.IP.String())
		g.Says(v2.IP.String(), "getent", "hosts", v2.Name)
		if t.Failed() {
			t.Fatal(when)
		}
	}
	edited("at once")
	s.change(leases, secondKey)
	g.Says(secondKey, guest.KeysCommand, "ada")
	edited("after the leases were changed")
	s.reconciled(node, p1, v1, dhcpd)
	edited("after everything was compared")

	// The server dies; nobody notices, and operators go on.
	s.serve.end(syscall.SIGKILL)
	edited("while the server is dead")
	s.edit(host(p2), "replace: codBoot\ncodBoot: rescue\n")
	s.fetched(node.net, file(macP2), "APPEND single")
	s.edit(base.Child("ou", "DNS").Child("zoneName", "site.test").Child("relativeDomainName", "printer"), "replace: aRecord\naRecord: 10.99.0.201\n")
	s.answers(node.net, "10.99.0.201", "printer.site.test", "A")
	dhcpd.Kill()
	dhcpd.Start()
	domain.offered(fmt.Sprintf("%v %s pxelinux.0", v2.IP, gateway))
	s.edit(base.Child("ou", "DNS").Child("zoneName", "site.test").Child("relativeDomainName", "printer"), "replace: aRecord\naRecord: 10.99.0.200\n")

	s.edit(host(v1), "replace: ipHostNumber\nipHostNumber: 10.99.1.78\n")
	s.edit(host(v1), "replace: codBoot\ncodBoot: image\n")
	s.fetched(node.net, file(macV1), "KERNEL /tiny/vmlinuz")
	if *boots { // and machines boot what they say
		s.routers()
		if text := s.boot(macV1, bios); !strings.Contains(text, "NODE UP: ") || !strings.Contains(text, "cod.node="+v1.Name) {
			t.Errorf("a machine says\n%s", text)
		}
	}

	// It comes back and knows everything, and what was changed meanwhile.
	s.serveAgain()
	for _, id := range leases {
		s.call("lease", "wait", id, "--state", "Active", "--timeout", "2m")
	}
	s.change(leases, thirdKey)
	s.extend(leases)
	if out, err := g.Run(guest.KeysCommand, "ada"); err != nil || strings.TrimSpace(out) != thirdKey {
		t.Errorf("keys that log in: %q, %v", out, err)
	}
	v1.IP = netip.MustParseAddr("10.99.1.78")
	edited("after the server came back")
	s.fetched(node.net, file(macP2), "APPEND single")
	if now := s.entry(macP1); now.Name != p1.Name || now.IP != p1.IP || now.State != "up" {
		t.Errorf("a node was %+v and is %+v", p1, now)
	}

	// The end: everything is as it was.
	for _, id := range leases {
		s.call("lease", "close", id)
	}
	for i, look := range looks {
		s.same(look.what, look.at, before[i])
	}
	if power, _ := os.ReadFile(s.calls); !strings.Contains(string(power), "off "+macP1) || !strings.Contains(string(power), "off "+macP2) {
		t.Errorf("the machines' power was told %q", power)
	}
	node.silent()
	other.silent()
	domain.silent()
	g.Says("", "getent", "passwd", "ada")
}

// guestFiles are what a node of a cluster is configured with.
func (s *story) guestFiles(cluster string) (out []setup.File) {
	s.t.Helper()
	files, err := guest.Files(guest.Config{Servers: []string{directoryURL}, Cluster: s.cluster(cluster), BindDN: s.slapd.BindDN, Password: s.slapd.Password})
	s.must(err)
	for _, f := range files {
		out = append(out, setup.File(f))
	}
	return out
}
