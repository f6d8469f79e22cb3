package endpoint_test

import (
	"crypto/x509"
	"errors"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/ticket"
)

type registryPeer = registry.Peer

// A sound signature around a ticket that does not belong there: the message is
// refused before the actor sees it.
func TestTicketsThatDoNotBelong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	edit := func(tk actors.Ticket, old, new string) actors.Ticket {
		if !strings.Contains(tk.Text, old) {
			t.Fatalf("no %q in the ticket", old)
		}
		tk.Text = strings.Replace(tk.Text, old, new, 1)
		return tk
	}
	second := w.manager // the manager after a change of keys
	second.Identity = newParty(t, w.manager.GUID, "the manager's next key", actors.RoleManager).Identity
	second.Name = w.manager.Name
	otherSite := w
	otherSite.site = newParty(t, "77777777-7777-4777-8777-777777777777", "site7", actors.RoleAuthority)
	usurper := w // a site's certificate in the right name with the wrong key
	usurper.site = newParty(t, w.site.GUID, "usurper", actors.RoleAuthority)
	usurper.site.Name = w.site.Name
	as := func(p party, guid string) party { // the same key under another name
		p.GUID, p.Cert = guid, certify(t, guid, p.Key)
		return p
	}
	elsewhere := w // our key at the root of a ticket of somebody else
	elsewhere.site = as(w.site, w.broker2.GUID)

	for _, tt := range []struct {
		name string
		op   actors.Op
		tk   actors.Ticket
		seal func(*wssec.Seal)
		want actors.Kind
	}{
		{name: "redeem, of another manager", op: actors.OpRedeem, tk: w.leaf(t, w.broker, w.manager2), want: actors.Denied},
		{name: "redeem, of the broker", op: actors.OpRedeem, tk: w.leaf(t, w.broker, w.broker), want: actors.Denied},
		{name: "redeem, of another site", op: actors.OpRedeem, tk: otherSite.leaf(t, w.broker, w.manager), want: actors.Denied},
		{name: "redeem, root in our name with another key", op: actors.OpRedeem, tk: usurper.leaf(t, w.broker, w.manager), want: actors.Denied},
		{name: "redeem, held with another key of the holder", op: actors.OpRedeem, tk: w.leaf(t, w.broker, second), want: actors.Denied},
		{name: "redeem, of another holder with the same key", op: actors.OpRedeem, tk: w.leaf(t, w.broker, as(w.manager, w.manager2.GUID)), want: actors.Denied},
		{name: "redeem, root in another name with our key", op: actors.OpRedeem, tk: at(elsewhere.leaf(t, w.broker, w.manager), w.broker2), want: actors.Denied},
		{name: "redeem, units changed", op: actors.OpRedeem, tk: edit(w.leaf(t, w.broker, w.manager), "<units>2<", "<units>3<"), want: actors.Denied},
		{name: "redeem, malformed", op: actors.OpRedeem, tk: edit(w.leaf(t, w.broker, w.manager), "<guid>leaf", "<gu>leaf"), want: actors.Invalid},
		{name: "redeem, entity inside", op: actors.OpRedeem, tk: edit(w.leaf(t, w.broker, w.manager), "<sharpTicket", `<!DOCTYPE x [<!ENTITY a "b">]><sharpTicket`), want: actors.Invalid},
		{name: "redeem, said to be of another site", op: actors.OpRedeem, tk: at(w.leaf(t, w.broker, w.manager), w.broker2), want: actors.Denied},
		{name: "extendLease, of another manager", op: actors.OpExtendLease, tk: w.leaf(t, w.broker, w.manager2), want: actors.Denied},
		{name: "close, of another manager", op: actors.OpClose, tk: w.leaf(t, w.broker, w.manager2), want: actors.Denied},
		{name: "updateTicket, issued by another broker", op: actors.OpUpdateTicket, tk: w.leaf(t, w.broker2, w.manager), want: actors.Denied},
		{name: "updateTicket, for another manager", op: actors.OpUpdateTicket, tk: w.leaf(t, w.broker, w.manager2), want: actors.Denied},
		{name: "updateTicket, for another key of ours", op: actors.OpUpdateTicket, tk: w.leaf(t, w.broker, second), want: actors.Denied},
		{name: "updateTicket, for our key in another name", op: actors.OpUpdateTicket, tk: w.leaf(t, w.broker, as(w.manager, w.manager2.GUID)), want: actors.Denied},
		{name: "updateTicket, of a site nobody registered", op: actors.OpUpdateTicket, tk: otherSite.leaf(t, w.broker, w.manager), want: actors.Denied},
		{name: "updateTicket, of a site with another key", op: actors.OpUpdateTicket, tk: usurper.leaf(t, w.broker, w.manager), want: actors.Denied},
		{name: "updateTicket, said to be of another site", op: actors.OpUpdateTicket, tk: at(w.leaf(t, w.broker, w.manager), w.evil), want: actors.Denied},
		{name: "updateTicket, the broker's own root", op: actors.OpUpdateTicket, tk: brokerRoot(t, w), want: actors.Denied},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			from, to, m := w.message(t, tt.op)
			m.Ticket = &tt.tk
			s := w.serve(t, to)
			request := from.seal(t, to, w.wire(t, from, m))
			rec := s.post(tt.op.String(), request)
			if len(s.messages()) != 0 {
				t.Fatalf("taken: %+v", s.messages()[0])
			}
			if kind, signed := s.kindOf(t, rec, from, request); kind != tt.want || !signed {
				t.Errorf("%v, signed %v, want %v\n%v", kind, signed, tt.want, s.log.LastEntry().Data)
			}
		})
	}
}

// While two keys of a manager are pinned, messages signed with either are taken, and
// so are tickets that are held with the other; when the old pin goes, both end.
func TestTicketsOfRotatedKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	next := w.manager
	next.Identity = newParty(t, w.manager.GUID, "the manager's next key", actors.RoleManager).Identity
	next.Name = w.manager.Name
	for _, tt := range []struct {
		name          string
		holds, signs  party
		pinned        []*x509.Certificate
		taken, opened bool
	}{
		{"before", w.manager, w.manager, []*x509.Certificate{w.manager.Cert}, true, true},
		{"both pinned, the old key", w.manager, w.manager, []*x509.Certificate{w.manager.Cert, next.Cert}, true, true},
		{"both pinned, the new key", next, next, []*x509.Certificate{w.manager.Cert, next.Cert}, true, true},
		{"both pinned, an old ticket", w.manager, next, []*x509.Certificate{w.manager.Cert, next.Cert}, true, true},
		{"both pinned, a new ticket", next, w.manager, []*x509.Certificate{next.Cert, w.manager.Cert}, true, true},
		{"the old pin is gone, an old ticket", w.manager, next, []*x509.Certificate{next.Cert}, false, true},
		{"the old pin is gone, the old key", next, w.manager, []*x509.Certificate{next.Cert}, false, false},
	} {
		_, to, m := w.message(t, actors.OpRedeem)
		tk := w.leaf(t, w.broker, tt.holds)
		m.Ticket = &tk
		s := w.serve(t, to)
		peers := s.registry.Peers()
		for i := range peers {
			if peers[i].ID == w.manager.id() {
				peers[i].Certs = tt.pinned
			}
		}
		if err := s.registry.Replace(peers); err != nil {
			t.Fatal(err)
		}
		s.post("redeem", tt.signs.seal(t, to, w.wire(t, tt.signs, m)))
		if err := logged(s, logrus.WarnLevel); (len(s.messages()) == 1) != tt.taken || errors.Is(err, wssec.ErrUntrusted) == tt.opened {
			t.Errorf("%s: %d taken, %v", tt.name, len(s.messages()), err)
		}
	}
}

func at(tk actors.Ticket, p party) actors.Ticket {
	tk.Authority = p.location()
	return tk
}

// brokerRoot is a ticket of units that a broker made up.
func brokerRoot(t *testing.T, w world) actors.Ticket {
	rec := ticket.Record{GUID: "root", Issuer: w.broker.GUID, Holder: w.broker.GUID, Units: 10, Type: "site.node",
		Start: int64(term.Start), NewStart: int64(term.NewStart), End: int64(term.End)}
	text, err := ticket.Root(rec, w.broker.Key, w.broker.Cert)
	if err != nil {
		t.Fatal(err)
	}
	rec.GUID, rec.Holder, rec.Units = "leaf", w.manager.GUID, 2
	if text, err = ticket.Delegate(text, rec, w.broker.Key, w.manager.Cert); err != nil {
		t.Fatal(err)
	}
	tk := w.leaf(t, w.broker, w.manager)
	tk.Text, tk.Authority = text, w.broker.location()
	return tk
}

// Where a lease is redeemed is what the administrator wrote down, whatever the
// message says (wssec A22).
func TestSiteAddressIsTheRegistrys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, to, m := w.message(t, actors.OpUpdateTicket)
	m.Ticket.Authority.URL, m.Ticket.Authority.Name = "http://evil.test/orca/services/site", "evil"
	s := w.serve(t, to)
	request := from.seal(t, to, w.wire(t, from, m))
	if rec := s.post("updateTicket", request); rec.Code != 200 {
		t.Fatalf("answer %d: %v", rec.Code, s.log.LastEntry().Data)
	}
	if got := s.messages()[0].Ticket.Authority; got != w.site.location() {
		t.Errorf("the actor was told %+v", got)
	}
}

// A failed update carries no ticket and needs none.
func TestFailedUpdateWithoutTicket(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, to, m := w.message(t, actors.OpUpdateTicket)
	m.Ticket, m.Failed, m.Note = nil, true, "no units left"
	s := w.serve(t, to)
	if rec := s.post("updateTicket", from.seal(t, to, w.wire(t, from, m))); rec.Code != 200 {
		t.Fatalf("answer %d: %v", rec.Code, s.log.LastEntry().Data)
	}
	if got := s.messages()[0]; !got.Failed || got.Note != "no units left" || got.Ticket != nil {
		t.Errorf("got %+v", got)
	}
}
