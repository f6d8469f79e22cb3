package main

import (
	"net"
	"testing"

	"github.com/miekg/dns"

	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/leasehold/leasehold/cod"
)

// TestAskNames: a name server that says what the site says is in order; another
// address, another name and silence are told.
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
	node := func(name, addr, state string) cod.NodeView {
		return cod.NodeView{Name: name, Address: addr, State: state}
	}
	sites := []wiring.SiteDrift{{Site: "site", Clusters: []cod.ClusterView{{Domain: "web.site.test", Nodes: []cod.NodeView{
		node("web1.web", "10.99.1.1", "up"), node("web2.web", "10.99.1.2", "up"), node("web3.web", "10.99.1.3", "up"), node("web4.web", "10.99.1.4", "booting"),
	}}}}}
	found := map[string]int{}
	for _, d := range askNames(t.Context(), conn.LocalAddr().String(), sites) {
		if d.Kind != wiring.DriftDaemon || d.What == "" || d.Next == "" {
			t.Errorf("a difference says too little: %+v", d)
		}
		found[d.Node]++
	}
	if len(found) != 2 || found["web2.web"] != 2 || found["web3.web"] != 2 {
		t.Errorf("found %v", found)
	}
}
