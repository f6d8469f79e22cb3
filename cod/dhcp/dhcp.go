/*
Package dhcp asks a DHCP server (RFC 2131) what it would offer machines, as a relay in
front of them would, and takes nothing of what is offered. So an operator sees what a
server really says, wherever it has that from.

A relay's question goes to the server's own address and is answered to the relay's,
at the servers' port: whoever asks needs the right to use that port, and an address of
the network whose machines it asks for. It cannot be asked from the server's own
machine at the address that the server answers at.
*/
package dhcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/leasehold/leasehold/ldapschema"
)

// An Offer is what a server would give a machine.
type Offer struct {
	Address    netip.Addr
	NextServer netip.Addr // whom to boot from; zero for nobody
	BootFile   string
	HostName   string
}

// Patience is how long one round of questions waits for answers, and how many rounds
// there are before a machine counts as one that is offered nothing.
type Patience struct {
	Wait   time.Duration // 0 means 2 s
	Rounds int           // 0 means 3
}

// atOnce is how many questions are under way together.
const atOnce = 32

// ErrSilent says that a server answered no question at all: nothing is known of what it
// would offer.
var ErrSilent = errors.New("the server does not answer")

// Ask asks a server about machines. A machine that is not in the result is offered
// nothing; that is believed only while the server answers about others. from is the
// address that asks; zero means the one from which the way to the server leads.
func Ask(ctx context.Context, server netip.AddrPort, from netip.Addr, machines []ldapschema.MAC, p Patience) (map[ldapschema.MAC]Offer, error) {
	if p.Wait <= 0 {
		p.Wait = 2 * time.Second
	}
	if p.Rounds <= 0 {
		p.Rounds = 3
	}
	if !from.IsValid() {
		var err error
		if from, err = source(server); err != nil {
			return nil, err
		}
	}
	if !from.Is4() {
		return nil, fmt.Errorf("dhcp: %v is no IPv4 address", from)
	}
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, dhcpv4.ServerPort)))
	if err != nil {
		return nil, fmt.Errorf("dhcp: answers come to port %d of %v, and only whoever may use it can ask: %w", dhcpv4.ServerPort, from, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	a := asker{conn, server, from, p.Wait, map[ldapschema.MAC]Offer{}}
	for some := range slices.Chunk(machines, atOnce) {
		if err := a.ask(ctx, some, p.Rounds); err != nil {
			return nil, err
		}
	}
	return a.offers, nil
}

// source is our address on the way to a server.
func source(server netip.AddrPort) (netip.Addr, error) {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("dhcp: %w", err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}

// asker is questions under way.
type asker struct {
	conn   *net.UDPConn
	server netip.AddrPort
	from   netip.Addr
	wait   time.Duration
	offers map[ldapschema.MAC]Offer
}

// ask asks about some machines. Silence about one counts when the server has answered
// about another after it.
func (a *asker) ask(ctx context.Context, machines []ldapschema.MAC, rounds int) error {
	for range rounds {
		open := map[dhcpv4.TransactionID]ldapschema.MAC{}
		for _, mac := range machines {
			if _, ok := a.offers[mac]; !ok {
				if err := a.send(mac, open); err != nil {
					return err
				}
			}
		}
		if err := a.collect(ctx, open); err != nil || len(open) == 0 {
			return err
		}
	}
	for mac := range a.offers { // one that it knows: it has to say so once more
		for range rounds {
			open := map[dhcpv4.TransactionID]ldapschema.MAC{}
			if err := a.send(mac, open); err != nil {
				return err
			}
			if err := a.collect(ctx, open); err != nil || len(open) == 0 {
				return err
			}
		}
		break
	}
	return ErrSilent
}

// send asks about one machine.
func (a *asker) send(mac ldapschema.MAC, open map[dhcpv4.TransactionID]ldapschema.MAC) error {
	q, err := dhcpv4.NewDiscovery(net.HardwareAddr(mac[:]), dhcpv4.WithRelay(a.from.AsSlice()),
		dhcpv4.WithRequestedOptions(dhcpv4.OptionHostName, dhcpv4.OptionBootfileName, dhcpv4.OptionTFTPServerName))
	if err != nil {
		return fmt.Errorf("dhcp: %w", err)
	}
	open[q.TransactionID] = mac
	if _, err := a.conn.WriteToUDPAddrPort(q.ToBytes(), a.server); err != nil {
		return fmt.Errorf("dhcp: %w", err)
	}
	return nil
}

// collect takes answers until all have come, or none comes any more.
func (a *asker) collect(ctx context.Context, open map[dhcpv4.TransactionID]ldapschema.MAC) error {
	end := time.Now().Add(a.wait)
	buf := make([]byte, 64<<10)
	for len(open) > 0 {
		if err := a.conn.SetReadDeadline(end); err != nil {
			return errors.Join(ctx.Err(), err)
		}
		n, err := a.conn.Read(buf)
		var late net.Error
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &late) && late.Timeout():
			return nil
		case err != nil:
			return fmt.Errorf("dhcp: %w", err)
		}
		r, err := dhcpv4.FromBytes(buf[:n])
		if err != nil || r.OpCode != dhcpv4.OpcodeBootReply || r.MessageType() != dhcpv4.MessageTypeOffer {
			continue
		}
		mac, ok := open[r.TransactionID]
		if ok && r.ClientHWAddr.String() == mac.String() {
			delete(open, r.TransactionID)
			a.offers[mac] = offer(r)
		}
	}
	return nil
}

// offer reads an answer.
func offer(r *dhcpv4.DHCPv4) Offer {
	o := Offer{BootFile: r.BootFileName, HostName: r.HostName()}
	o.Address, _ = netip.AddrFromSlice(r.YourIPAddr.To4())
	if o.BootFile == "" {
		o.BootFile = r.BootFileNameOption()
	}
	if a, ok := netip.AddrFromSlice(r.ServerIPAddr.To4()); ok && !a.IsUnspecified() {
		o.NextServer = a
	}
	return o
}
