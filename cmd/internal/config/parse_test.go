package config

import (
	"flag"
	"net/netip"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/dsig"
)

var update = flag.Bool("update", false, "write testdata/written.yaml anew")

func full(t testing.TB) Config {
	t.Helper()
	data, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Parse("full.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFull(t *testing.T) {
	t.Parallel()
	const id = "0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f000"
	want := Config{
		Version: 1,
		State:   "/var/lib/leasehold",
		Admin:   "/run/leasehold/admin.sock",
		Metrics: "127.0.0.1:9180",
		Log:     Log{Level: "debug", Format: "json"},
		Store: Store{Kind: StorePostgres, URL: "postgres://leasehold@db.example.org:5432/leases?sslmode=verify-full",
			PasswordFile: "secrets/db", Standby: true, Lease: 5 * time.Second},
		Listen: Listen{Address: "0.0.0.0:8180", URL: "https://leases.example.org"},
		Clock:  actors.Cycles{Begin: actors.Millis(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()), Length: 250},
		Ticks:  TicksExternal,
		Directory: &Directory{
			URL: "ldaps://ldap.example.org:636", Base: "ou=cod,dc=example,dc=org",
			Bind: "cn=leasehold,dc=example,dc=org", PasswordFile: "secrets/ldap",
		},
		Actors: []Actor{{
			Name: "site1", GUID: id + "1", Role: actors.RoleAuthority, Keys: "keys/site1", Policy: "firstfit",
			Handler: &Handler{
				Driver: "noop", SetupDelay: 2 * time.Second, TeardownDelay: 500 * time.Millisecond, CallLimit: 3 * time.Minute,
				FailFirst: 1, FailProbability: 0.25, FailAlways: "teardown", Journal: "state/site1.runs",
			},
			Pools: []Pool{
				{Type: "site1.node", Hosts: []Hosts{
					{Name: "big", MAC: "02:00:00:00:02:00", Memory: 65536, Properties: map[string]string{"rack": "r1", "row": "3"}},
					{Pattern: "node%02d", First: 0, Count: 12, MAC: "02:00:00:00:00:fe", Memory: 2048},
				}},
				{Type: "site1.disk", Hosts: []Hosts{{Pattern: "disk%d", First: 1, Count: 2}}},
			},
			Exports: []Export{
				{To: "broker1", Type: "site1.node", Units: 10, Until: time.Date(2030, 1, 1, 0, 0, 0, 5e8, time.UTC),
					Properties: map[string]string{"memory": "2048", "owner": "lab 3"}},
				{To: "elsewhere", Type: "site1.node", Units: 3, Until: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), Tickets: "sharp"},
			},
			COD: &COD{Network: netip.MustParsePrefix("10.1.0.0/24"), Domain: "c.example.org", UIDFirst: 20000, UIDLast: 29999, MaxRemoval: 50, Serials: true,
				Block: 28, Gateway: netip.MustParseAddr("10.1.0.1"), NextServer: netip.MustParseAddr("10.1.0.2"), BootFile: "pxelinux.0", BootFileUEFI: "grub/x86_64-efi/core.efi", Schema: "rfc2307bis", Public: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/28")},
				Homes:    Homes{Server: "nfs.example.org", Path: "/export", Options: "-fstype=nfs4,rw"},
				Guests:   Guests{URLs: []string{"ldaps://ldap.c.example.org"}, SecretFile: "secrets/guests"},
				HostKeys: true,
				Virtual: &Virtual{Types: []actors.ResourceType{"site.vm"}, Policy: "bestfit", Unit: Size{CPU: 100, Memory: 256},
					Hosts:  []VirtualHost{{Name: "dom0a", Size: Size{CPU: 400, Memory: 2048}}},
					Slices: []actors.SliceID{"0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0a01"}, Leased: Size{CPU: 800, Memory: 4096, Bandwidth: 1000000}},
				LeaseEnd: &LeaseEnd{Then: "suspend", Warn: 10 * time.Minute, Grace: 24 * time.Hour, Most: 72 * time.Hour}},
		}, {
			Name: "broker1", GUID: id + "2", Role: actors.RoleBroker, Keys: "/etc/leasehold/broker1", Policy: "propshare",
			Weights: map[string]int{"sm1": 3, "elsewhere": 1}, Priorities: map[string]int{"sm1": 2}, Balance: true, Renewals: "by class", Advance: 3, RedeemWithin: 15 * time.Minute,
			Quotas:  []Quota{{Client: "sm1", Units: 6}, {Each: "slice", Type: "site1.node", Units: 4}, {Slice: "web"}},
			Sources: []string{"tickets/site1"}, Claims: []Claim{{From: "site1", Reservation: "4f0c"}},
			Buys: []Buy{
				{From: "elsewhere", Type: "site9.node", Units: 8, Length: 24 * time.Hour, Renew: true},
				{From: "elsewhere", Type: "site9.node", Units: 2, Length: 90 * time.Minute, Name: "extra", Request: map[string]string{"elastic": "true"}},
			},
		}, {
			Name: "sm1", GUID: id + "3", Role: actors.RoleManager, Keys: "keys/sm1",
			Guests: []Guest{{Slice: "web", Type: "site1.node", Policy: "adaptive", Length: 2 * time.Hour, Lead: time.Minute, Chunk: 4, Surplus: "return",
				Least: 1, Most: 20, PerUnit: 100, Filter: &Filter{Window: 10, Step: 0.5, Damping: 0.5},
				Signal:  &Signal{Command: []string{"/usr/bin/load", "--what now"}, Every: 30 * time.Second},
				Request: map[string]string{"elastic": "true"}},
				{Slice: "mail", Type: "site1.node", Broker: "broker1", Policy: "static", Units: 2, Length: 24 * time.Hour, Renew: true, Surplus: "keep",
					Config: map[string]string{"host.prefix": "m"}, Local: map[string]string{"a": "b"}}},
			DefaultBroker: "broker1", Handler: &Handler{Driver: "noop"},
		}},
		Peers: []Peer{{
			Name: "elsewhere", GUID: id + "4", Role: actors.RoleBroker, URL: "http://broker.example.net:8180/soap",
			Policy: wssec.Strict.Policy(), Certificates: []string{"peers/elsewhere.pem"},
		}, {
			Name: "guest", GUID: id + "5", Role: actors.RoleManager, URL: "https://guest.example.net",
			Policy: wssec.Strict.Policy(), Certificates: []string{"peers/guest.pem"}, Allow: []actors.Op{actors.OpRedeem, actors.OpClose},
		}, {
			Name: "old", GUID: "46AEA103-1185-4E69-8AFA-53194582F5A9", Role: actors.RoleAuthority, URL: "http://old.example.net:8080/orca/services/old",
			Certificates: []string{"peers/old.pem", "peers/old-next.pem"},
			Policy: wssec.Policy{
				Profile: wssec.Legacy, Signatures: []string{dsig.RSASHA1, dsig.RSASHA256, dsig.DSASHA1, dsig.ECDSASHA256},
				Digests: []string{dsig.SHA1, dsig.SHA512}, MinRSABits: 2048, Tokens: wssec.TokenDirect | wssec.TokenSKI | wssec.TokenTransform,
				ExpiredUntil: time.Date(2030, 6, 1, 0, 0, 0, 0, time.UTC), MTOM: true, AnyCaseGUID: true, FinalConfirmation: true,
			},
		}, {
			Name: "between", GUID: id + "6", Role: actors.RoleManager, URL: "http://between.example.net:8080/orca/services/between",
			Policy: wssec.Policy{Profile: wssec.LegacyStrong, Mutual: true}, Certificates: []string{"peers/between.pem"},
		}, {
			Name: "calls", GUID: id + "7", Role: actors.RoleManager, URL: "http://calls.example.net:8080/orca/xmlrpc/calls",
			Policy: wssec.Policy{Profile: wssec.Strict, Protocol: wssec.XMLRPC}, Certificates: []string{"peers/calls.pem"},
		}, {
			Name: "proxied", GUID: id + "8", Role: actors.RoleManager, URL: "http://proxy.example.net/proxied",
			Policy: wssec.Policy{Profile: wssec.Strict, Protocol: wssec.XMLRPC}, Certificates: []string{"peers/proxied.pem"},
		}, {
			Name: "odd", GUID: id + "9", Role: actors.RoleManager, URL: "http://odd.example.net/orca/xmlrpc/odd",
			Policy: wssec.Strict.Policy(), Certificates: []string{"peers/odd.pem"},
		}},
		Registries: []Membership{
			{URL: "https://registry.example.org:12443/registry/", Fingerprint: "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF", Profile: wssec.Legacy,
				Roles: []actors.Role{actors.RoleBroker, actors.RoleAuthority}, Every: 30 * time.Second},
			{URL: "https://other.example.org/", Fingerprint: "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF", Profile: wssec.Strict, Every: time.Minute},
		},
	}
	if got := full(t); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

// TestDefaults: what stands beside the fields in config.go is what a short file gets.
func TestDefaults(t *testing.T) {
	t.Parallel()
	c, err := Parse("short.yaml", []byte(`
version: 1
actors:
- {name: b, guid: 0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0001, role: broker}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Version: 1, State: "state", Admin: "state/admin.sock",
		Log:    Log{Level: "info", Format: "text"},
		Listen: Listen{Address: "127.0.0.1:8180", URL: "http://127.0.0.1:8180"}, Store: Store{Kind: StoreBolt},
		Clock: actors.Cycles{Begin: 0, Length: 1000}, Ticks: TicksWall,
		Actors: []Actor{{Name: "b", GUID: "0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0001", Role: actors.RoleBroker, Keys: "keys/b", Policy: "fcfs"}},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got\n%+v\nwant\n%+v", c, want)
	}
}

func TestInventory(t *testing.T) {
	t.Parallel()
	hosts := full(t).Actors[0].Pools[0].Inventory()
	if len(hosts) != 13 {
		t.Fatalf("%d hosts, want 13", len(hosts))
	}
	want := map[int]Host{
		0: {Name: "big", MAC: "02:00:00:00:02:00", Memory: 65536, Properties: map[string]string{"rack": "r1", "row": "3"}},
		1: {Name: "node00", MAC: "02:00:00:00:00:fe", Memory: 2048},
		2: {Name: "node01", MAC: "02:00:00:00:00:ff", Memory: 2048},
	}
	for i, h := range want {
		if !reflect.DeepEqual(hosts[i], h) {
			t.Errorf("host %d is %+v, want %+v", i, hosts[i], h)
		}
	}
}
