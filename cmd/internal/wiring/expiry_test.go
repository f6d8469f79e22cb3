package wiring

import (
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/keys"
)

var expiryStart = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func identityUntil(t *testing.T, guid, name string, days int) keys.Identity {
	t.Helper()
	id, err := keys.Generate(rand.Reader, guid, name, keys.ECDSAP256, expiryStart.AddDate(-1, 0, 0), expiryStart.Add(time.Duration(days)*day))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Each certificate that ends, ours or a peer's, is spoken of once a day from thirty
// days before its end, as a warning, and as an error once it is over; the second key
// of a peer too, and what is taken though it is over.
func TestExpiryWatch(t *testing.T) {
	t.Parallel()
	const own, other, guest = "0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0001", "0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0002", "0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0003"
	site := identityUntil(t, own, "site", 32)
	who := people{ids: map[actors.ActorID]keys.Identity{own: site}, all: []registry.Peer{
		{Location: actors.Location{ID: own, Name: "site"}, Certs: []*x509.Certificate{site.Cert}},
		{Location: actors.Location{ID: other, Name: "other"}, Certs: []*x509.Certificate{
			identityUntil(t, other, "other", 400).Cert, identityUntil(t, other, "other", 3).Cert,
		}},
		{Location: actors.Location{ID: guest, Name: "guest"}, Certs: []*x509.Certificate{identityUntil(t, guest, "guest", 0).Cert},
			Policy: wssec.Policy{ExpiredUntil: expiryStart.Add(2 * day)}},
	}}
	c := clock.NewManual(expiryStart)
	log, hook := logtest.NewNullLogger()
	w := watchExpiry(c, who.certificates(), log)
	entries := func() []string {
		var out []string
		for _, e := range hook.AllEntries() {
			out = append(out, fmt.Sprintf("%v %s", e.Level, e.Message))
			if e.Data["fingerprint"] == "" || e.Data["until"] == "" {
				t.Errorf("%s: %v", e.Message, e.Data)
			}
		}
		hook.Reset()
		return out
	}
	for i, want := range [][]string{
		{"warning certificate of peer other expires in 3 days", "error certificate of peer guest expired less than a day ago, and is taken for some time yet"},
		{"warning certificate of peer other expires in 2 days", "error certificate of peer guest expired 1 day ago, and is taken for some time yet"},
		{"warning certificate of our actor site expires in 30 days", "warning certificate of peer other expires in 1 day", "error certificate of peer guest expired 2 days ago"},
		{"warning certificate of our actor site expires in 29 days", "error certificate of peer other expired less than a day ago", "error certificate of peer guest expired 3 days ago"},
	} {
		if got := entries(); !slices.Equal(got, want) {
			t.Errorf("day %d: %q, want %q", i, got, want)
		}
		for range 4 { // four times a day, and it is said once
			c.Advance(day / 4)
		}
	}
	if got := entries(); len(got) != 3 {
		t.Errorf("on the next day: %q", got)
	}
	w.stop()
	if c.Advance(10 * day); len(entries()) != 0 || c.Pending() != 0 {
		t.Error("it goes on after its end")
	}
}

// A certificate that ends between two looks is an error from that moment on.
func TestExpiryToTheMinute(t *testing.T) {
	t.Parallel()
	const own = "0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0001"
	id := identityUntil(t, own, "site", 1)
	c := clock.NewManual(expiryStart.Add(-90 * time.Minute))
	log, hook := logtest.NewNullLogger()
	w := watchExpiry(c, []dated{{name: "site", own: true, cert: id.Cert}}, log)
	defer w.stop()
	hook.Reset()
	c.Advance(day + 89*time.Minute)
	if e := hook.LastEntry(); e == nil || e.Level != logrus.WarnLevel || len(hook.AllEntries()) != 1 {
		t.Fatalf("%+v", e)
	}
	c.Advance(time.Minute)
	if e := hook.LastEntry(); e.Level != logrus.ErrorLevel || len(hook.AllEntries()) != 2 {
		t.Errorf("%v %s", e.Level, e.Message)
	}
}

// Looking because of one certificate does not say the others again.
func TestExpiryOfOthers(t *testing.T) {
	t.Parallel()
	const own, other = "0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0001", "0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0002"
	c := clock.NewManual(expiryStart.Add(6 * time.Hour))
	log, hook := logtest.NewNullLogger()
	w := watchExpiry(c, []dated{
		{name: "site", own: true, cert: identityUntil(t, own, "site", 10).Cert}, {name: "other", cert: identityUntil(t, other, "other", 31).Cert},
	}, log)
	defer w.stop()
	hook.Reset()
	c.Advance(18 * time.Hour) // thirty days before the end of the other's
	if all := hook.AllEntries(); len(all) != 1 || all[0].Message != "certificate of peer other expires in 30 days" {
		t.Errorf("%d entries, %v", len(all), all)
	}
	hook.Reset()
	c.Advance(6 * time.Hour)
	if all := hook.AllEntries(); len(all) != 1 || all[0].Message != "certificate of our actor site expires in 8 days" {
		t.Errorf("%d entries, %v", len(all), all)
	}
}
