package site_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/conformance/setup"
)

// node is a machine with one network card.
type node struct {
	w   *world
	net *setup.Net
	mac string
}

func (w *world) node(mac string) *node {
	w.t.Helper()
	n := &node{w, setup.NewNet(w.t), mac}
	w.net.Join(n.net, mac)
	return n
}

// discover asks for an address once and returns what is offered, nil for silence.
func (n *node) discover(patience time.Duration, more ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	n.w.t.Helper()
	var c *nclient4.Client
	n.w.must(n.net.Do(func() (err error) {
		c, err = nclient4.New("eth0", nclient4.WithTimeout(patience), nclient4.WithRetry(1))
		return err
	}))
	defer c.Close()
	offer, err := c.DiscoverOffer(context.Background(), more...)
	if err != nil {
		return nil
	}
	return offer
}

// offered asks until the offer is the one wanted: address, boot server and file.
func (n *node) offered(want string) {
	n.w.t.Helper()
	got := ""
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		offer := n.discover(500 * time.Millisecond)
		if offer == nil {
			got = "nothing"
		} else {
			got = fmt.Sprintf("%v %v %s", offer.YourIPAddr, offer.ServerIPAddr, offer.BootFileName)
		}
		if got == want {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	n.w.t.Fatalf("%s is offered %s, want %s", n.mac, got, want)
}

// silent fails the test when anything is offered.
func (n *node) silent() {
	n.w.t.Helper()
	if offer := n.discover(700 * time.Millisecond); offer != nil {
		n.w.t.Fatalf("%s is offered %v", n.mac, offer.YourIPAddr)
	}
}

// script is what dhclient runs: it sets the address and tells what it was given.
const script = `#!/bin/sh
case $reason in
BOUND|RENEW|REBIND|REBOOT)
	ip addr replace "$new_ip_address/16" dev "$interface"
	echo "$new_ip_address $new_host_name $new_domain_name $new_routers" > "$OUT.new" && mv "$OUT.new" "$OUT" ;;
esac
`

// lease runs Debian's dhclient until it has an address, and returns that, the host
// name, the domain and the router it was given.
func (n *node) lease() string {
	t := n.w.t
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	n.w.must(os.WriteFile(filepath.Join(dir, "script"), []byte(script), 0o755))
	cmd := exec.Command(setup.Tool(t, "dhclient"), "-4", "-1", "-d", "-e", "OUT="+out, "-sf", filepath.Join(dir, "script"),
		"-lf", filepath.Join(dir, "leases"), "-pf", filepath.Join(dir, "pid"), "eth0")
	var log strings.Builder
	cmd.Stderr = &log
	n.w.must(n.net.Do(cmd.Start))
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGKILL)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("dhclient said:\n%s", log.String())
		}
	})
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if text, err := os.ReadFile(out); err == nil {
			return strings.TrimSpace(string(text))
		}
	}
	t.Fatalf("dhclient gets nothing")
	return ""
}

const (
	macA = "52:54:00:99:00:01"
	macB = "52:54:00:99:00:02"
	macC = "52:54:00:99:00:03"
)

func (w *world) dhcpd() *setup.DHCPD {
	w.t.Helper()
	return setup.StartDHCPD(w.t, w.net, w.slapd, w.slapd.Base.Child("ou", "dhcp"), "dhcp1")
}

// TestDHCP: what cod writes for a node gives a real client its address, name and
// boot file from a real dhcpd; a change, a second slice's block and a removal take
// effect at the next packet, without a restart.
func TestDHCP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, c := w.node(macA), w.node(macB), w.node(macC)
	w.run(actors.Setup, "u1", "alpha", macA, 1)
	w.dhcpd()
	a.offered("10.99.1.1 10.99.0.1 pxelinux.0")
	if got, want := a.lease(), "10.99.1.1 alpha1 alpha.site.test 10.99.0.1"; got != want {
		t.Errorf("dhclient is given %q, want %q", got, want)
	}
	b.silent() // nobody asked for this machine
	w.run(actors.Setup, "u2", "alpha", macB, 1)
	b.offered("10.99.1.2 10.99.0.1 pxelinux.0")
	// A slice that comes later has its block in the subnet that was laid in advance.
	w.run(actors.Setup, "u3", "beta", macC, 1)
	c.offered("10.99.2.1 10.99.0.1 pxelinux.0")

	// An operator's edits: of the host, and of what its group says for all.
	service := w.slapd.Base.Child("ou", "dhcp").Child("cn", "config")
	w.replace(service.Child("cn", "alpha").Child("cn", "alpha2"), "dhcpStatements",
		"fixed-address 10.99.1.77", `filename "rescue.0"`)
	b.offered("10.99.1.77 10.99.0.1 rescue.0")
	w.replace(service.Child("cn", "beta"), "dhcpOption", `domain-name "other.test"`)
	if offer := c.discover(time.Second); offer == nil || string(offer.Options.Get(dhcpv4.OptionDomainName)) != "other.test" {
		t.Errorf("after an edit of its group a node is offered %v", offer)
	}

	w.run(actors.Teardown, "u1", "alpha", macA, 2)
	a.silent()
	// The same machine for another slice: the old reservation went first.
	w.run(actors.Setup, "u4", "beta", macA, 1)
	a.offered("10.99.2.2 10.99.0.1 pxelinux.0")
}

// TestNonsenseStatement: what an operator gets wrong in one host harms no other.
func TestNonsenseStatement(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.node(macA), w.node(macB)
	w.run(actors.Setup, "u1", "alpha", macA, 1)
	w.run(actors.Setup, "u2", "alpha", macB, 1)
	w.dhcpd()
	host := w.slapd.Base.Child("ou", "dhcp").Child("cn", "config").Child("cn", "alpha").Child("cn", "alpha1")
	w.replace(host, "dhcpStatements", "fixed-address 10.99.1.1", "this is no statement")
	b.offered("10.99.1.2 10.99.0.1 pxelinux.0")
	a.offered("10.99.1.1 10.99.0.1 ")
}

// TestDirectoryAway: while slapd is down its hosts get no answer, while it is
// frozen nobody does, and both end with it; a copy of the directory beside dhcpd
// answers through both, which is how a site should run.
func TestDirectoryAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.node(macA)
	w.run(actors.Setup, "u1", "alpha", macA, 1)
	w.dhcpd()
	want := "10.99.1.1 10.99.0.1 pxelinux.0"
	a.offered(want)
	w.slapd.Stop()
	a.silent()
	w.slapd.Start()
	a.offered(want)
	w.slapd.Freeze()
	a.silent()
	w.slapd.Thaw()
	a.offered(want)
}

// TestReplicaBesideDHCP: the recommended set-up.
func TestReplicaBesideDHCP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.node(macA), w.node(macB)
	w.run(actors.Setup, "u1", "alpha", macA, 1)
	replica := w.net.StartReplica(t, w.slapd)
	caught(t, replica, "cn=alpha1")
	setup.StartDHCPD(t, w.net, replica, w.slapd.Base.Child("ou", "dhcp"), "dhcp1")
	a.offered("10.99.1.1 10.99.0.1 pxelinux.0")
	w.run(actors.Setup, "u2", "alpha", macB, 1)
	b.offered("10.99.1.2 10.99.0.1 pxelinux.0")
	w.slapd.Freeze()
	a.offered("10.99.1.1 10.99.0.1 pxelinux.0")
	w.slapd.Kill()
	b.offered("10.99.1.2 10.99.0.1 pxelinux.0")
}

// caught waits until a replica has an entry whose name begins so.
func caught(t *testing.T, s *setup.Slapd, rdn string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		out, _ := exec.Command(setup.Tool(t, "ldapsearch"), "-x", "-LLL", "-H", s.URL, "-D", string(s.BindDN), "-w", s.Password,
			"-b", string(s.Base), "("+rdn+")", "1.1").Output()
		if strings.Contains(string(out), "dn: "+rdn) {
			return
		}
	}
	t.Fatal("the replica does not catch up")
}
