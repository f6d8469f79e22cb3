package main

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/ldapschema"
)

// TestAskNames: a name server that says what the directory says is in order; another
// address, another name and none are told; one that is away is told of once.
func TestAskNames(t *testing.T) {
	t.Parallel()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	zone := map[string]string{
		"web1.web.site.test.": "web1.web.site.test. 60 IN A 10.99.1.1", "1.1.99.10.in-addr.arpa.": "1.1.99.10.in-addr.arpa. 60 IN PTR web1.web.site.test.",
		"web2.web.site.test.": "web2.web.site.test. 60 IN A 10.99.1.99", "2.1.99.10.in-addr.arpa.": "2.1.99.10.in-addr.arpa. 60 IN PTR other.site.test.",
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		a := new(dns.Msg)
		a.SetReply(q)
		if rr, err := dns.NewRR(zone[q.Question[0].Name]); err == nil && rr != nil && rr.Header().Rrtype == q.Question[0].Qtype {
			a.Answer = []dns.RR{rr}
		} else {
			a.Rcode = dns.RcodeNameError
		}
		_ = w.WriteMsg(a)
	})}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown() })
	var entries []ldapschema.Entry
	var nodes []cod.NodeView
	for i, name := range []string{"web1.web", "web2.web", "web3.web"} {
		unit, addrs := "u"+name, []netip.Addr{netip.AddrFrom4([4]byte{10, 99, 1, byte(i + 1)})}
		nodes = append(nodes, cod.NodeView{Name: name, Unit: actors.UnitID(unit)})
		a, err := ldapschema.ZoneRecordA("zoneName=site.test,ou=DNS", ldapschema.NameRecord{Name: name, Addrs: addrs, Mark: ldapschema.Mark{Unit: unit}})
		ptr, err2 := ldapschema.ZoneRecordPTR("zoneName=99.10.in-addr.arpa,ou=DNS", ldapschema.NameRecord{Addrs: addrs, PTR: name + ".site.test", Mark: ldapschema.Mark{Unit: unit}})
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		entries = append(entries, a, ptr)
	}
	theirs, err := ldapschema.ZoneRecordA("zoneName=site.test,ou=DNS", ldapschema.NameRecord{Name: "printer", Addrs: []netip.Addr{netip.MustParseAddr("10.99.0.9")}})
	if err != nil {
		t.Fatal(err)
	}
	entries = append(entries, theirs)
	of := placesOf([]wiring.SiteDrift{{Site: "site", Clusters: []cod.ClusterView{{Domain: "web.site.test", Nodes: nodes}}}})
	found := map[string]int{}
	for _, d := range askNames(t.Context(), conn.LocalAddr().String(), entries, of) {
		if d.Kind != wiring.DriftDaemon || d.What == "" || d.Next == "" {
			t.Errorf("a difference says too little: %+v", d)
		}
		found[d.Node]++
	}
	if len(found) != 2 || found["web2.web"] != 2 || found["web3.web"] != 2 {
		t.Errorf("found %v", found)
	}
	_ = server.Shutdown() // a server that is away says nothing about any name
	if all := askNames(t.Context(), conn.LocalAddr().String(), entries, of); len(all) != 1 || all[0].Kind != wiring.DriftSight {
		t.Errorf("of a server that is away: %+v", all)
	}
}
