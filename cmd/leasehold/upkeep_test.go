package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/actors/store/bbolt"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/starter"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/leasehold/leasehold/conformance/setup"
)

// whole is a seat with an actor of each role.
func whole(t *testing.T) seat {
	t.Helper()
	dir, err := os.MkdirTemp("", "lh-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c, err := starter.Make(starter.Plan{Dir: dir, Nodes: 3, Listen: setup.Address(t), LDAP: setup.Address(t), Cycle: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return seat{dir, c}
}

// TestExports: an operator delegates sized hosts while everything runs; the broker
// claims them, sells a sliver of one, and the site sets it up on a host that is large
// enough.
func TestExports(t *testing.T) {
	t.Parallel()
	s := whole(t)
	for i := range s.c.Actors {
		a := &s.c.Actors[i]
		switch a.Role {
		case actors.RoleAuthority:
			a.Exports, a.Policy = nil, "match"
			a.Pools[0].Hosts = append(a.Pools[0].Hosts, config.Hosts{Name: "big", Memory: 16384, Properties: map[string]string{"cpu": "8"}})
		case actors.RoleBroker:
			a.Policy = "bestfit"
		}
	}
	p, _ := s.serve(t)
	at := " --config " + filepath.Join(s.dir, starter.File)
	cli{"export list" + at, 0, "DELEGATION", ""}.run(t)
	for _, c := range []cli{
		{"export add --to broker --type site.node --units 0 --length 1d" + at, 2, "", "units is 0, not 1 to 1000000"},
		{"export add --to brokr --type site.node --units 1 --length 1d" + at, 2, "", `did you mean "broker"?`},
		{"export add --to broker --type site.node --units 1" + at, 2, "", "give either an end or a length"},
		{"export add --type site.node --units 1 --length 1d" + at, 2, "", "to is missing"},
		{"export add --to broker --units 1 --length 1d" + at, 2, "", "type is missing"},
		{"export add --to broker --type site.node --end 2001-01-01" + at, 2, "", "is not after start"},
		{"export add --to broker --type site.node --units 4 --length 1d --set hosts=5,cpu=8" + at, 2, "", "it must be a whole number from 1 to the number of units, 4"},
		{"export claim x --from nobody" + at, 2, "", `no site is called "nobody"`},
		{"export claim x" + at, 2, "", "from whom"},
	} {
		c.run(t)
	}
	var d manage.Delegation
	out := cli{"export add --json --to broker --type site.node --units 4 --length 1d --set cpu=8,memory=16384,hosts=1" + at, 0, "", ""}.run(t)
	if err := json.Unmarshal([]byte(out), &d); err != nil || d.Units != 4 || d.Claimed != "broker" || d.Properties["hosts"] != "1" || d.ID == "" {
		t.Fatalf("%v: %+v", err, d)
	}
	cli{"export claim " + d.ID + " --from site" + at, 0, "claimed", ""}.run(t) // again, and no matter
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var r manage.Reservation
	for {
		var err error
		if r, err = p.Manage.Request(ctx, manage.Order{Slice: "vm", Type: "site.node", Units: 1, Length: "1h",
			Request: map[string]string{"cpu.min": "2", "cpu.max": "4", "memory": "8192"}}); err == nil {
			r, err = p.Manage.Wait(ctx, manage.Goal{Ref: manage.Ref{Reservation: r.Reservation}, States: []string{"Active"}, Timeout: 2 * time.Minute})
		}
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("%v: %+v", err, r)
		}
		time.Sleep(100 * time.Millisecond)
	}
	at2, err := p.Manage.Show(ctx, manage.Ref{Actor: "site", Reservation: r.Reservation})
	if err != nil || len(at2.Held) != 1 || at2.Held[0].Host != "big" {
		t.Errorf("%v: at the site %+v", err, at2)
	}
	var list []manage.Delegation
	if err := json.Unmarshal([]byte(cli{"export list --json" + at, 0, "", ""}.run(t)), &list); err != nil || len(list) != 1 || list[0].Redeemed != 1 || list[0].ID != d.ID {
		t.Errorf("%v: %+v", err, list)
	}
	cli{"export list --site site" + at, 0, "cpu=8 hosts=1 memory=16384", ""}.run(t)
}

// TestAside: a record that cannot be read is set aside and shown, the rest goes on;
// an operator mends it, and throws another away.
func TestAside(t *testing.T) {
	t.Parallel()
	s := whole(t)
	p, stop := s.serve(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var ids []string
	for _, slice := range []string{"a", "b", "c"} {
		r, err := p.Manage.Request(ctx, manage.Order{Slice: slice, Type: "site.node", Units: 1, Length: "1h"})
		if err == nil {
			r, err = p.Manage.Wait(ctx, manage.Goal{Ref: manage.Ref{Reservation: r.Reservation}, States: []string{"Active"}, Timeout: 2 * time.Minute})
		}
		if err != nil {
			t.Fatalf("%v: %+v", err, r)
		}
		ids = append(ids, r.Reservation)
	}
	stop()

	// A byte of two records at the site changes on the disk.
	f, err := bbolt.Open(filepath.Join(s.dir, "state", wiring.StoreFile))
	if err != nil {
		t.Fatal(err)
	}
	disk, err := f.Actor("site")
	if err != nil {
		t.Fatal(err)
	}
	whole, torn := map[string]string{}, map[string]string{}
	if err := disk.Load(ctx, func(rec actors.Stored) error { whole[rec.Key] = string(rec.Data); return nil }); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids[:2] {
		key := "reservation/" + id
		torn[key] = strings.Replace(whole[key], ":", ";", 1)
		if err := disk.Save(ctx, []actors.Record{{Key: key, Value: store.Raw(torn[key])}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}

	p, _ = s.serve(t)
	at := " --config " + filepath.Join(s.dir, starter.File)
	cli{"actor list" + at, 0, "2 records set aside; see leasehold actor aside", ""}.run(t)
	var list []manage.Aside
	if err := json.Unmarshal([]byte(cli{"actor aside --json" + at, 0, "", ""}.run(t)), &list); err != nil || len(list) != 2 {
		t.Fatalf("%v: %+v", err, list)
	}
	for _, r := range list {
		if r.Actor.Name != "site" || string(r.Data) != torn[r.Key] || !strings.Contains(r.Why, "invalid character") {
			t.Errorf("set aside: %+v", r)
		}
	}
	// The third lease goes on, and nobody gets the hosts of the other two.
	r, err := p.Manage.Show(ctx, manage.Ref{Actor: "site", Reservation: ids[2]})
	if err != nil || r.State != "Active" {
		t.Errorf("%v: the third lease is %+v", err, r)
	}
	first, second := "reservation/"+ids[0], "reservation/"+ids[1]
	out, mended := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "mended")
	if err := os.WriteFile(mended, []byte(whole[first]), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []cli{
		{"actor aside " + at, 0, first, ""},
		{"actor aside " + first + at, 0, "invalid character", ""},
		{"actor aside --out " + out + " " + first + at, 0, "written to", ""},
		{"actor aside nothing" + at, 3, "", "0 records"},
		{"actor aside reservation/" + at, 3, "", "2 records"},
		{"actor restore " + first + at, 2, "", "invalid character"},
		{"actor restore nothing" + at, 3, "", "no record set aside is called"},
		{"actor restore reservation/" + at, 2, "", "could be any of"},
		{"actor restore --from " + out + ".none " + first + at, 1, "", "none"},
		{"actor restore --from " + mended + " " + first + at, 0, "restored", ""},
		{"actor drop " + second + at, 0, "dropped", ""},
		{"actor drop " + second + at, 3, "", "no record set aside"},
		{"actor aside --json" + at, 0, "[]", ""},
		{"actor list" + at, 0, " ok ", ""},
	} {
		c.run(t)
	}
	if data, err := os.ReadFile(out); err != nil || string(data) != torn[first] {
		t.Errorf("%v: the octets written are %q", err, data)
	}
	r, err = p.Manage.Show(ctx, manage.Ref{Actor: "site", Reservation: ids[0]})
	if err != nil || r.State != "Active" || len(r.Held) != 1 {
		t.Errorf("%v: the mended lease is %+v", err, r)
	}
}
