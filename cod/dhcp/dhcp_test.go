package dhcp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/leasehold/leasehold/ldapschema"
)

// Machines of the tests: the server knows all but the last.
var m1, m2, m3 = ldapschema.MAC{2, 0, 0, 0, 0, 1}, ldapschema.MAC{2, 0, 0, 0, 0, 2}, ldapschema.MAC{2, 0, 0, 0, 0, 3}

// server answers questions on loopback, as many as it is told to, and garbage and
// somebody else's answer before each.
func server(t *testing.T, most int) netip.AddrPort {
	t.Helper()
	c := listen(t)
	go func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := c.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			q, err := dhcpv4.FromBytes(buf[:n])
			if err != nil || q.ClientHWAddr.String() == m3.String() || most == 0 {
				continue
			}
			most--
			address := net.IPv4(10, 99, 1, q.ClientHWAddr[5])
			if !q.GatewayIPAddr.Equal(net.IPv4(127, 0, 0, 1)) {
				address = nil
			}
			r, err := dhcpv4.NewReplyFromRequest(q, dhcpv4.WithMessageType(dhcpv4.MessageTypeOffer), dhcpv4.WithYourIP(address),
				dhcpv4.WithOption(dhcpv4.OptHostName("web1")), dhcpv4.WithServerIP(net.IPv4(10, 99, 0, 1)))
			if err != nil {
				return
			}
			r.BootFileName = "pxelinux.0"
			other := *r
			other.TransactionID[0]++
			for _, b := range [][]byte{[]byte("garbage"), other.ToBytes(), r.ToBytes()} {
				_, _ = c.WriteToUDPAddrPort(b, from)
			}
		}
	}()
	return c.LocalAddr().(*net.UDPAddr).AddrPort()
}

func listen(t *testing.T) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func asking(t *testing.T, to netip.AddrPort, wait time.Duration) *asker {
	return &asker{listen(t), to, netip.MustParseAddr("127.0.0.1"), wait, map[ldapschema.MAC]Offer{}}
}

// TestAsk: what is offered is read; a machine that the server does not know is offered
// nothing, which is believed because it speaks of another.
func TestAsk(t *testing.T) {
	t.Parallel()
	a := asking(t, server(t, -1), 2*time.Minute) // it waits for nothing once all are answered
	if err := a.ask(t.Context(), []ldapschema.MAC{m1, m2}, 1); err != nil {
		t.Fatal(err)
	}
	for a.wait = 100 * time.Millisecond; ; a.wait *= 2 { // a slow machine takes longer than a short time
		err := a.ask(t.Context(), []ldapschema.MAC{m1, m3}, 1)
		if err == nil {
			break
		}
		if !errors.Is(err, ErrSilent) || a.wait > time.Minute {
			t.Fatal(err)
		}
	}
	want := Offer{netip.MustParseAddr("10.99.1.1"), netip.MustParseAddr("10.99.0.1"), "pxelinux.0", "web1"}
	if len(a.offers) != 2 || a.offers[m1] != want || a.offers[m2].Address != netip.MustParseAddr("10.99.1.2") {
		t.Errorf("offers: %+v", a.offers)
	}
}

// TestSilence: nothing is concluded from a server that says nothing, or nothing any more.
func TestSilence(t *testing.T) {
	t.Parallel()
	for _, most := range []int{0, 1} { // with one answer it speaks of the first, and then is silent
		a := asking(t, server(t, most), 100*time.Millisecond)
		if err := a.ask(t.Context(), []ldapschema.MAC{m1, m2}, 2); !errors.Is(err, ErrSilent) {
			t.Errorf("after %d answers: %v, %v", most, err, a.offers)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := asking(t, server(t, 0), time.Second).ask(ctx, []ldapschema.MAC{m1}, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("called off: %v", err)
	}
}
