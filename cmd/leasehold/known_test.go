package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/handlers/drivers/noop"
)

// known is what a test has seen of a federation's leases from outside. What the
// servers say later must go with it, whatever became of them in between.
type known struct {
	looking  sync.Mutex
	mu       sync.Mutex
	accepted map[string]bool      // reservations whose request was answered
	over     map[string]bool      // of these, seen Closed or Failed at the manager: it may forget them one day
	active   map[string]bool      // of these, seen Active at the manager
	asked    map[string]int       // highest sequence number, by actor, reservation and kind
	carried  map[string]time.Time // actions that an actor knew as carried out, and since when
	renewed  map[string]bool      // leases seen with a second ticket
	late     map[string]bool      // leases whose end the manager did not wait for any longer
}

// actionSums counts what a journal says of one action.
type actionSums struct{ began, done, again int }

func newKnown() *known {
	return &known{accepted: map[string]bool{}, over: map[string]bool{}, active: map[string]bool{}, asked: map[string]int{},
		carried: map[string]time.Time{}, renewed: map[string]bool{}, late: map[string]bool{}}
}

func (k *known) accept(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.accepted[id] = true
}

// open are the accepted reservations that the manager has to know.
func (k *known) open() (ids []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id := range k.accepted {
		if !k.over[id] {
			ids = append(ids, id)
		}
	}
	return ids
}

// any is one of them by chance; empty if there is none.
func (k *known) any(chance *rand.Rand) string {
	ids := k.open()
	if len(ids) == 0 {
		return ""
	}
	slices.Sort(ids) // by chance's own order, not the map's
	return ids[chance.IntN(len(ids))]
}

// missing are the wanted reservations that a manager's list lacks.
func missing(list []manage.Reservation, want []string) (problems []string) {
	at := map[string]bool{}
	for _, r := range list {
		at[r.Reservation] = at[r.Reservation] || r.Role == actors.RoleManager.String()
	}
	for _, id := range want {
		if !at[id] {
			problems = append(problems, fmt.Sprintf("reservation %s was accepted and is lost", id))
		}
	}
	return problems
}

// judge takes in what one server says and reports what contradicts the past: a host
// with two holders, a number that has fallen, a request that a peer has taken and
// the one who sent it has forgotten.
func (k *known) judge(list []manage.Reservation, now time.Time) (problems []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	bad := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	rise := func(key string, n int) {
		if n < k.asked[key] {
			bad("%s: number %d came after %d", key, n, k.asked[key])
		}
		k.asked[key] = max(n, k.asked[key])
	}
	holder := map[string]string{}
	for _, r := range list {
		at := r.Role + " " + r.Reservation
		rise(at+" ticket", r.TicketSeq)
		rise(at+" lease", r.LeaseSeq)
		for _, u := range r.Held {
			rise(at+" unit "+u.ID, u.Sequence)
			if u.State == actors.UnitActive.String() {
				k.carry(r.Role, "setup", u.ID, u.Sequence, now)
				k.carry(r.Role, "modify", u.ID, u.Sequence, now)
			}
		}
		switch r.Role {
		case actors.RoleManager.String():
			k.manager(r)
			// What a peer took was saved here before it was sent.
			if n := k.asked["broker "+r.Reservation+" ticket"]; r.TicketSeq < n {
				bad("%s: the broker has taken request %d, the manager knows of %d", r.Reservation, n, r.TicketSeq)
			}
			if n := k.asked["authority "+r.Reservation+" lease"]; r.LeaseSeq < n {
				bad("%s: the site has taken request %d, the manager knows of %d", r.Reservation, n, r.LeaseSeq)
			}
		case actors.RoleAuthority.String():
			for _, u := range r.Held {
				if other, twice := holder[u.Host]; twice && u.Host != "" {
					bad("host %s has units of %s and %s", u.Host, other, r.Reservation)
				}
				holder[u.Host] = r.Reservation
			}
		}
	}
	return problems
}

func (k *known) manager(r manage.Reservation) {
	switch {
	case r.State == actors.Active.String():
		k.active[r.Reservation] = true
	case final(r):
		k.over[r.Reservation] = true
	}
	if strings.Contains(r.Error, "did not leave in time") || strings.Contains(r.Error, "did not confirm that it took the units back") {
		k.late[r.Reservation] = true
	}
	if r.TicketSeq > 1 && r.State == actors.Active.String() {
		k.renewed[r.Reservation] = true
	}
}

// idle reports whether too little was seen to mean anything with so many kills.
func (k *known) idle(kills int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.accepted) < kills/2 || len(k.active) < kills/8
}

// carry notes that an actor knows an action as carried out. The lock is held.
func (k *known) carry(role, verb, unit string, sequence int, now time.Time) {
	key := fmt.Sprint(role, " ", verb, " ", unit, " ", sequence)
	if _, seen := k.carried[key]; !seen {
		k.carried[key] = now
	}
}

// runs reads the journal of an actor's driver and holds it against what was seen:
// no action was carried out twice, none begun again once it was done, none asked
// for again after the actor was known to know its result; and every unit that came
// up went away, unless the manager was dead so long that the site took it back and it
// did not wait for the guest any more.
func (k *known) runs(t *testing.T, role, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	k.mu.Lock()
	defer k.mu.Unlock()
	actions := map[string]actionSums{}
	up := map[string]string{} // reservation, by unit
	interrupted, repeated := 0, 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var l noop.Line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		key := fmt.Sprint(role, " ", l.Verb, " ", l.Unit, " ", l.Sequence)
		a := actions[key]
		switch l.What {
		case noop.Began:
			if a.done > 0 {
				t.Errorf("%s was begun again after it was done", key)
			}
			if a.began++; a.began > 1 {
				interrupted++
			}
		case noop.Done:
			if a.done++; a.done > 1 {
				t.Errorf("%s was carried out twice", key)
			}
			if l.Verb == "teardown" {
				delete(up, l.Unit)
			} else {
				up[l.Unit] = l.Reservation
			}
		case noop.Again:
			a.again++
			repeated++
			if since, known := k.carried[key]; known && l.Time.After(since) {
				t.Errorf("%s was asked for at %v, and its result was known at %v", key, l.Time, since)
			}
		}
		actions[key] = a
	}
	for unit, of := range up {
		if role != actors.RoleManager.String() || !k.late[of] {
			t.Errorf("%s: unit %s of %s came up and never went away", role, unit, of)
		}
	}
	done, modified := 0, 0
	for key, a := range actions {
		if done += a.done; strings.Contains(key, " modify ") {
			modified += a.done
		}
	}
	t.Logf("%s: %d actions carried out, %d of them modifies; %d were cut off and begun again, %d asked for again before their result was saved", role, done, modified, interrupted, repeated)
	if done == 0 {
		t.Errorf("%s: nothing was carried out", role)
	}
}
