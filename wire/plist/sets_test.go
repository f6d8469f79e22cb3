package plist_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/plist"
)

var (
	site = plist.Proxy{Name: "unc-vm-am", GUID: "7c1f0c52-0a57-4a6e-9a43-6d2f6c0f3a11",
		Endpoint: "http://am.example.net:8080/orca/services/unc-vm-am"}
	node = plist.Unit{ID: "5f8a6f0e-7d3a-4c28-9a37-2b1f6f6f0001", Type: "unc.vm", State: 2, Sequence: 1,
		Reservation: "2b7b9a40-9d0b-4b0f-8a65-0d3c6c5a1001", Slice: "9a1d3c77-52c6-44b2-93a5-5f5b7d0a2001", Actor: site.GUID,
		Properties: map[string]string{"unit.manage.ip": "192.0.2.15", "unit.manage.port": "22", "unit.hostname.url": "node0"}}
)

// texts are those that the legacy implementation wrote, from its envelopes.
func texts(t testing.TB) map[string]string {
	out := make(map[string]string)
	files, err := filepath.Glob("testdata/legacy/*.properties")
	if err != nil || len(files) == 0 {
		t.Fatalf("no legacy texts: %v", err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(f)] = string(b)
	}
	return out
}

// sorted are the lines of a text in order: legacy writers use hash order.
func sorted(text string) []string {
	lines := strings.SplitAfter(text, "\n")
	slices.Sort(lines)
	return lines
}

func TestLegacyTexts(t *testing.T) {
	all := texts(t)
	p, err := plist.ParseProxy(all["proxy.properties"])
	if err != nil || p != site {
		t.Errorf("proxy %+v, %v", p, err)
	}
	u, err := plist.ParseUnit(all["unit.properties"])
	if err != nil || !reflect.DeepEqual(u, node) {
		t.Errorf("unit %+v, %v", u, err)
	}
	proxyText, err := site.Text()
	if err != nil {
		t.Fatal(err)
	}
	unitText, err := node.Text()
	if err != nil {
		t.Fatal(err)
	}
	// Line for line what the legacy writer wrote, but for the order of the lines
	// of the proxy's nested token.
	if got, want := sorted(unitText), sorted(all["unit.properties"]); !slices.Equal(got, want) {
		t.Errorf("unit text\n%q\nwant\n%q", got, want)
	}
	nested := func(text string) map[string]string {
		m, err := plist.ParseText(text, plist.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		token, err := plist.ParseText(m["ProxyActorAuth"], plist.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range token {
			m["ProxyActorAuth/"+k] = v
		}
		delete(m, "ProxyActorAuth")
		return m
	}
	if got, want := nested(proxyText), nested(all["proxy.properties"]); !reflect.DeepEqual(got, want) {
		t.Errorf("proxy text %q\nwant %q", got, want)
	}
}

func TestTicket(t *testing.T) {
	want := plist.Ticket{Type: "unc.vm", Units: 3, Authority: site, Text: "<sharpTicket>é</sharpTicket>"}
	want.Authority.Cert = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
	nodes, err := want.Nodes()
	if err != nil {
		t.Fatal(err)
	}
	if plist.Class(nodes) != plist.TicketClass {
		t.Errorf("class %q", plist.Class(nodes))
	}
	got, err := plist.ParseTicket(nodes)
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, tt := range []struct{ name, value, want string }{
		{"__class_name__", plist.UnitSetClass, "concrete: __class_name__ is \"orca.shirako.core.UnitSet\""},
		{"cs.units", "1 ", "cs.units: \"1 \" is no 32-bit number"},
		{"ticket.resourceTicket", "", "ticket.resourceTicket: missing or empty"},
		{"ticket.authority.proxy", "", "ticket.authority.proxy/__class_name__: missing"},
		{"unknown", "x", ""},
	} {
		_, err := plist.ParseTicket(append(slices.Clone(nodes), wire.Property{Name: tt.name, Value: tt.value}))
		check(t, tt.name+"="+tt.value, err, tt.want)
	}
	for _, tt := range []struct{ without, want string }{
		{"__class_name__", "concrete: __class_name__ is missing"},
		{"cs.units", ""}, {"cs.resourceType", ""},
		{"ticket.authority.proxy", "ticket.authority.proxy: missing"},
		{"ticket.resourceTicket", "ticket.resourceTicket: missing"},
	} {
		_, err := plist.ParseTicket(slices.DeleteFunc(slices.Clone(nodes), func(p wire.Property) bool { return p.Name == tt.without }))
		check(t, "without "+tt.without, err, tt.want)
	}
	_, err = plist.ParseTicket(make([]wire.Property, wire.MaxNodes+1))
	check(t, "many nodes", err, "limit of 8192 nodes")
	_, err = plist.Ticket{Authority: site}.Nodes()
	check(t, "no text", err, "ticket has no text")
	_, err = plist.Ticket{Text: "x"}.Nodes()
	check(t, "no site", err, "ticket.authority.proxy: a proxy needs")
}

func TestProxyRefuses(t *testing.T) {
	good, err := site.Text()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ old, new, want string }{
		{"SoapAxis2AuthorityProxy", "SoapAxis2BrokerProxy", "__class_name__: is"},
		{"ProxyType=soapaxis2", "ProxyType=local", "ProxyType: is \"local\""},
		{"ProxyCallback=false\n", "", "ProxyCallback: missing"},
		{"ProxyActorName=unc-vm-am\n", "", "ProxyActorName: missing or empty"},
		{"ProxyActorGuid=" + site.GUID + "\n", "", ""},
		{site.GUID + `\n`, `other\n`, "ProxyActorAuth: names another guid"},
		{`nname\=`, `nname\=\\uz`, "ProxyActorAuth/name: malformed escape"},
		{"ProxyActorName", "Name", "ProxyActorName: missing or empty"},
	} {
		text := strings.Replace(good, tt.old, tt.new, 1)
		if text == good {
			t.Fatalf("%q is not there", tt.old)
		}
		p, err := plist.ParseProxy(text)
		check(t, text, err, tt.want)
		if tt.want == "" && p != site {
			t.Errorf("%+v", p)
		}
	}
	_, err = plist.ParseProxy(strings.NewReplacer("ProxyActorGuid", "x", `guid\=`, `x\=`).Replace(good))
	check(t, "no guid", err, "ProxyActorGuid: missing or empty")
}

func TestUnit(t *testing.T) {
	for _, want := range []plist.Unit{
		{ID: "u"},
		{ID: "u", Parent: "p", State: 6, Sequence: 1<<63 - 1, Notice: "a\nb=\x1b\u00e9"},
		{ID: "é", Properties: map[string]string{"": "x", "unit.id.x": "", "k.__class_name__": "v", "tab\t": " lead"}},
	} {
		text, err := want.Text()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := plist.ParseUnit(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q became %+v, %v", text, got, err)
		}
	}
	if u, err := plist.ParseUnit("unit.id=5f8a"); err != nil || u.ID != "5f8a" { // wire contract 4.4: the least there can be
		t.Errorf("%+v, %v", u, err)
	}
	for _, tt := range []struct{ text, want string }{
		{"", "unit.id: missing or empty"},
		{"unit.id=", "unit.id: missing or empty"},
		{"unit.id=u\nunit.state=7", "unit.state: 7 is no state"},
		{"unit.id=u\nunit.state=-1", "unit.state: -1 is no state"},
		{"unit.id=u\nunit.state=ACTIVE", "unit.state: \"ACTIVE\" is no 32-bit number"},
		{"unit.id=u\nunit.state=", "unit.state: \"\" is no"},
		{"unit.id=u\nunit.sequence=9223372036854775808", "unit.sequence"},
		{"unit.id=u\nunit.notices=\\\\u1", "unit.notices: malformed escape"},
	} {
		_, err := plist.ParseUnit(tt.text)
		check(t, tt.text, err, tt.want)
	}
	for _, tt := range []struct {
		unit plist.Unit
		want string
	}{
		{plist.Unit{}, "unit.id: a unit needs an id"},
		{plist.Unit{ID: "u", State: 7}, "unit.state: 7 is no state"},
		{plist.Unit{ID: "u", Properties: map[string]string{"unit.state": "2"}}, "unit.state: a unit's own field"},
		{plist.Unit{ID: "u", Properties: map[string]string{"unit.rid.__class_name__": ""}}, "own field"},
		{plist.Unit{ID: "u", Notice: "\xff"}, "unit.notices/orca.shirako.util.Notice.noticeString: key or value is not valid UTF-8"},
	} {
		_, err := tt.unit.Text()
		check(t, "writing", err, tt.want)
	}
}

func TestUnitSet(t *testing.T) {
	for _, want := range []plist.UnitSet{{}, {node}, {node, {ID: "second"}}} {
		nodes, err := want.Nodes()
		if err != nil {
			t.Fatal(err)
		}
		slices.Reverse(nodes) // order is not significant
		if got, err := plist.ParseUnitSet(nodes); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	list := func(pairs ...string) (out []wire.Property) {
		out = append(out, wire.Property{Name: "__class_name__", Value: plist.UnitSetClass})
		for i := 0; i < len(pairs); i += 2 {
			out = append(out, wire.Property{Name: pairs[i], Value: pairs[i+1]})
		}
		return out
	}
	for _, tt := range []struct {
		nodes []wire.Property
		want  string
	}{
		{list(), ""},
		{nil, "__class_name__ is missing"},
		{list("cs.units", "0", "unit.0", "not looked at"), ""},
		{list("cs.units", "-1"), "cs.units: -1 units"},
		{list("cs.units", "2147483647"), "cs.units: 2147483647 units in a set of 2 nodes"},
		{list("cs.units", "one"), "cs.units: \"one\""},
		{list("cs.units", "1"), "unit.0: missing"},
		{list("cs.units", "1", "unit.0", ""), "unit.0/unit.id: missing"},
		{list("cs.units", "2", "unit.0", "unit.id=u", "unit.1", "unit.id=u"), "unit.1: second unit with id \"u\""},
	} {
		_, err := plist.ParseUnitSet(tt.nodes)
		check(t, "set", err, tt.want)
	}
	_, err := plist.UnitSet{node, node}.Nodes()
	check(t, "twice", err, "second unit")
	_, err = plist.UnitSet{{}}.Nodes()
	check(t, "no id", err, "unit.0/unit.id")
	_, err = make(plist.UnitSet, wire.MaxNodes).Nodes()
	check(t, "many", err, "limit of 8190 units")
}

func FuzzParseUnit(f *testing.F) {
	for _, s := range texts(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := plist.ParseUnit(text)
		if err != nil {
			return
		}
		written, err := u.Text()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := plist.ParseUnit(written); err != nil || !reflect.DeepEqual(again, u) {
			t.Fatalf("%+v became %+v, %v", u, again, err)
		}
	})
}

func FuzzParseProxy(f *testing.F) {
	for _, s := range texts(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := plist.ParseProxy(text)
		if err != nil {
			return
		}
		written, err := p.Text()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := plist.ParseProxy(written); err != nil || again != p {
			t.Fatalf("%+v became %+v, %v", p, again, err)
		}
	})
}
