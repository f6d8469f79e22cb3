package site_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"github.com/insomniacslk/dhcp/iana"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/ldapschema"
)

// dhcpService is the entry that dhcpd's hosts lie below.
func (w *world) dhcpService() ldapschema.DN {
	return w.slapd.Base.Child("ou", "dhcp").Child("cn", "config")
}

// awaits asks until what is offered is as it should be.
func (n *node) awaits(what string, good func(*dhcpv4.DHCPv4) bool, more ...dhcpv4.Modifier) {
	n.w.t.Helper()
	var offer *dhcpv4.DHCPv4
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if offer = n.discover(2*time.Second, more...); offer != nil && good(offer) {
			return
		}
	}
	n.w.t.Fatalf("%s: %s is offered %v", what, n.mac, offer)
}

// renew is a client that holds an address and asks to keep it (RFC 2131 4.3.2). It
// returns the kind of the answer, or none.
func (n *node) renew(address net.IP) string {
	n.w.t.Helper()
	hw, err := net.ParseMAC(n.mac)
	n.w.must(err)
	ask, err := dhcpv4.New(dhcpv4.WithHwAddr(hw), dhcpv4.WithMessageType(dhcpv4.MessageTypeRequest),
		dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(address)), dhcpv4.WithBroadcast(true))
	n.w.must(err)
	var c *nclient4.Client
	n.w.must(n.net.Do(func() (err error) {
		c, err = nclient4.New("eth0", nclient4.WithTimeout(2*time.Second), nclient4.WithRetry(1))
		return err
	}))
	defer c.Close()
	answer, err := c.SendAndRead(context.Background(), nclient4.DefaultServers, ask, nil)
	if err != nil {
		return "none"
	}
	return answer.MessageType().String()
}

// TestRenewal: what a change means for a machine that has its address already: it is told
// no, and asks anew; when its reservation is gone it gets no answer, and its time ends.
func TestRenewal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.node(macA)
	w.run(actors.Setup, "u1", "alpha", macA, 1)
	w.dhcpd()
	a.offered("10.99.1.1 10.99.0.1 pxelinux.0")
	asks := func(address, want string) {
		t.Helper()
		eventually(t, "a renewal of "+address, func() string {
			if got := a.renew(net.ParseIP(address)); got != want {
				return got + ", want " + want
			}
			return ""
		})
	}
	asks("10.99.1.1", "ACK")
	host := w.dhcpService().Child("cn", "alpha").Child("cn", "alpha1")
	w.replace(host, "dhcpStatements", "fixed-address 10.99.1.77")
	asks("10.99.1.1", "NAK")
	a.awaits("after a NAK", func(o *dhcpv4.DHCPv4) bool { return o.YourIPAddr.String() == "10.99.1.77" })
	asks("10.99.1.77", "ACK")
	w.run(actors.Teardown, "u1", "alpha", macA, 2)
	a.silent()
	if got := a.renew(net.ParseIP("10.99.1.77")); got == "ACK" {
		t.Errorf("without a reservation a renewal is answered %s", got)
	}
}

// TestDHCPWays: how dhcpd reads what we write, where that is not what one would think.
func TestDHCPWays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *cod.Config) { c.BootFileUEFI = "grub/x86_64-efi/core.efi" })
	a, b := w.node(macA), w.node(macB)
	w.run(actors.Setup, "u1", "alpha", macA, 1)
	d := w.dhcpd()
	group := w.dhcpService().Child("cn", "alpha")

	// The boot server and file are in the packet's own fields, where firmware looks, and
	// leases are as long as the site says: dhcpd's own least length would be five minutes.
	a.awaits("at first", func(o *dhcpv4.DHCPv4) bool {
		return o.BootFileName == "pxelinux.0" && o.ServerIPAddr.String() == gateway && o.Options.Get(dhcpv4.OptionBootfileName) == nil &&
			o.IPAddressLeaseTime(0) == 2*time.Minute
	})
	w.replace(group, "dhcpStatements", "use-host-decl-names on", "default-lease-time 10")
	a.awaits("with a short lease", func(o *dhcpv4.DHCPv4) bool { return o.IPAddressLeaseTime(0) == 10*time.Second })

	// One statement tells firmware of one kind from another, ours by the architecture that
	// it names (RFC 4578), and an operator's by whatever they like.
	boots := func(file string, more ...dhcpv4.Modifier) {
		t.Helper()
		a.awaits("to boot "+file, func(o *dhcpv4.DHCPv4) bool { return o.BootFileName == file }, more...)
	}
	arch := func(a iana.Arch) dhcpv4.Modifier { return dhcpv4.WithOption(dhcpv4.OptClientArch(a)) }
	boots("grub/x86_64-efi/core.efi", arch(7))
	boots("grub/x86_64-efi/core.efi", arch(9))
	boots("pxelinux.0", arch(iana.INTEL_X86PC))
	boots("pxelinux.0", arch(iana.EFI_IA32))
	boots("pxelinux.0")
	node := w.cluster("alpha").Child("ou", "hosts").Child("cn", "alpha1")
	w.replace(node, "bootFile", "any") // an operator's word is for whatever firmware there is
	boots("any", arch(7))
	boots("any")
	w.replace(node, "bootFile", "pxelinux.0")
	boots("grub/x86_64-efi/core.efi", arch(7))
	w.replace(group.Child("cn", "alpha1"), "dhcpStatements", "fixed-address 10.99.1.1",
		`if substring(option vendor-class-identifier, 0, 20) = "PXEClient:Arch:00007" { filename "theirs.efi"; } else { filename "theirs.0"; }`)
	boots("theirs.efi", dhcpv4.WithOption(dhcpv4.OptClassIdentifier("PXEClient:Arch:00007:UNDI:003016")))
	boots("theirs.0", arch(7))

	// A reservation elsewhere in the directory is none.
	stray, err := ldapschema.DHCPHost(w.slapd.Base.Child("ou", "hosts"), ldapschema.Host{Name: "stray", MAC: mustMAC(t, macB), IP: netip.MustParseAddr("10.99.1.50")})
	w.must(err)
	w.must(w.dir.Apply(t.Context(), ldapschema.AddEntry(stray)))
	b.silent()

	// Subnets are read once: what changes in one counts after the next start.
	subnet := w.dhcpService().Child("cn", "10.99.0.0")
	router := func(o *dhcpv4.DHCPv4) string { return fmt.Sprint(o.Router()) }
	w.replace(subnet, "dhcpOption", "routers 10.99.0.9")
	a.awaits("before a new start", func(o *dhcpv4.DHCPv4) bool { return router(o) == "[10.99.0.1]" })
	// And it does not hear that it should end.
	d.Terminate()
	a.awaits("after SIGTERM", func(o *dhcpv4.DHCPv4) bool { return router(o) == "[10.99.0.1]" })
	d.Kill()
	a.silent()
	d.Start()
	a.awaits("after a new start", func(o *dhcpv4.DHCPv4) bool { return router(o) == "[10.99.0.9]" })

	// The service must name its server, or dhcpd does not begin.
	d.Kill()
	w.replace(w.dhcpService(), "dhcpPrimaryDN", string(w.slapd.Base))
	if said := d.Refuses(); !strings.Contains(said, "exiting") && !strings.Contains(said, "Error") {
		t.Errorf("it says\n%s", said)
	}
}

// mustMAC reads a hardware address.
func mustMAC(t *testing.T, s string) ldapschema.MAC {
	t.Helper()
	mac, err := ldapschema.ParseMAC(s)
	if err != nil {
		t.Fatal(err)
	}
	return mac
}
