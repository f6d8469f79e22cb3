package remote_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/remote"
)

// A dead peer delays nobody else, and a newer message takes the place of one that
// waits.
func TestQueues(t *testing.T) {
	t.Parallel()
	manager, broker, site := federation(t)
	update := grant(t, broker, site)
	broker.behind(hangUp)
	for seq := 1; seq <= 3; seq++ {
		manager.Send(ask("r1", seq))
		if seq == 1 {
			manager.attempt(t)
		}
	}
	manager.Send(ask("r2", 1))
	// The manager still reaches the site while the broker is down.
	broker.Send(update)
	broker.attempt(t)
	held := manager.messages()[0].Ticket
	redeem := ask("r1", 1)
	redeem.Op, redeem.To, redeem.Ticket = actors.OpRedeem, siteGUID, held
	manager.Send(redeem)
	if a := manager.attempt(t); a.Err != nil || a.Peer != "site" {
		t.Fatalf("%+v", a)
	}
	broker.behind(nil)
	manager.later(t, time.Minute)
	for _, want := range []string{"r1#3", "r2#1"} {
		a := manager.attempt(t)
		if got := fmt.Sprintf("%s#%d", a.Message.Reservation, a.Message.Sequence); a.Err != nil || got != want {
			t.Fatalf("%s instead of %s: %v", got, want, a.Err)
		}
	}
	if c := manager.Counts(); c.Superseded != 2 || c.Queued != 5 || c.Waiting != 0 {
		t.Errorf("counts: %+v", c)
	}
}

// A message that was overtaken while it was under way is nobody's failure.
func TestOvertakenUnderWay(t *testing.T) {
	t.Parallel()
	manager, broker, _ := federation(t)
	refusing := newEndpoint(t, broker, func(context.Context, actors.Event) error { return actors.Stale })
	there, release := make(chan struct{}), make(chan struct{})
	broker.behind(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		there <- struct{}{}
		<-release
		refusing.ServeHTTP(w, r)
	})
	manager.Send(ask("r1", 1))
	<-there
	manager.Send(ask("r1", 2))
	broker.behind(nil)
	close(release)
	if a := manager.attempt(t); a.Err == nil || !a.Final || a.Message.Sequence != 1 {
		t.Errorf("the older: %+v", a)
	}
	if a := manager.attempt(t); a.Err != nil || a.Message.Sequence != 2 {
		t.Errorf("the newer: %+v", a)
	}
	if err := manager.Close(context.Background()); err != nil || len(manager.failed) != 0 {
		t.Errorf("close %v, %d reported", err, len(manager.failed))
	}
}

func TestQueueFull(t *testing.T) {
	t.Parallel()
	block := make(chan struct{})
	heard := make(chan actors.SendFailed, 10)
	manager, broker, _ := federation(t, func(c *remote.Config) {
		c.Queue = 2
		c.Failed = func(f actors.SendFailed) { <-block; heard <- f } // Send does not wait for it
	})
	broker.behind(hangUp)
	manager.Send(ask("r1", 1))
	manager.attempt(t)
	manager.Send(ask("r2", 1))
	manager.Send(ask("r3", 1)) // one too many
	manager.Send(ask("r1", 2)) // takes another's place
	stranger := ask("r4", 1)
	stranger.To = "99999999-9999-4999-8999-999999999999"
	manager.Send(stranger)
	close(block)
	if f := <-heard; f.Message.Reservation != "r3" || f.Kind != actors.Transient {
		t.Errorf("%+v", f)
	}
	if f := <-heard; f.Message.Reservation != "r4" || f.Kind != actors.NotFound {
		t.Errorf("%+v", f)
	}
	broker.behind(nil)
	manager.later(t, time.Minute)
	for _, want := range []actors.ReservationID{"r2", "r1"} {
		if a := manager.attempt(t); a.Message.Reservation != want || a.Err != nil {
			t.Errorf("%+v, want %s", a, want)
		}
	}
}

// What can never be sent is given up at once.
func TestUnsendable(t *testing.T) {
	t.Parallel()
	manager, broker, site := federation(t)
	noTerm := ask("r1", 1)
	noTerm.Term = actors.Term{}
	manager.Send(noTerm)
	if f := manager.givenUp(t); f.Kind != actors.Invalid {
		t.Errorf("no term: %+v", f)
	}
	tooMuch := grant(t, broker, site)
	tooMuch.Ticket.Units, tooMuch.Units = 11, 11
	broker.Send(tooMuch)
	if f := broker.givenUp(t); f.Kind != actors.Invalid || !strings.Contains(f.Note, "exceeds") {
		t.Errorf("more than the broker holds: %+v", f)
	}
	wrongHolder := grant(t, broker, site)
	wrongHolder.Ticket.Holder = siteGUID
	broker.Send(wrongHolder)
	if f := broker.givenUp(t); f.Kind != actors.Invalid {
		t.Errorf("ticket for another: %+v", f)
	}
	if len(manager.received())+len(broker.received()) != 0 {
		t.Error("something was sent")
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	t.Run("delivers what can go", func(t *testing.T) {
		t.Parallel()
		manager, broker, _ := federation(t)
		release := make(chan struct{})
		broker.behind(func(w http.ResponseWriter, r *http.Request, next http.Handler) { <-release; next.ServeHTTP(w, r) })
		for i := range 5 {
			manager.Send(ask(fmt.Sprint("r", i), 1))
		}
		closed := make(chan error)
		go func() { closed <- manager.Close(context.Background()) }()
		close(release)
		if err := <-closed; err != nil {
			t.Error(err)
		}
		if n := len(broker.messages()); n != 5 {
			t.Errorf("%d of 5 delivered", n)
		}
		manager.Send(ask("late", 1))
		if c := manager.Counts(); c.Queued != 5 {
			t.Error("took a message after Close")
		}
		if err := manager.Close(context.Background()); err != nil {
			t.Errorf("closing again: %v", err)
		}
	})
	t.Run("does not wait for a pause", func(t *testing.T) {
		t.Parallel()
		manager, broker, _ := federation(t)
		broker.behind(hangUp)
		manager.Send(ask("r1", 1))
		manager.attempt(t)
		if err := manager.Close(context.Background()); err == nil {
			t.Error("says that everything was delivered")
		}
	})
	t.Run("cuts off what hangs", func(t *testing.T) {
		t.Parallel()
		manager, broker, _ := federation(t)
		hangs := make(chan struct{}, 1)
		broker.behind(func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
			hangs <- struct{}{}
			<-r.Context().Done()
		})
		m := ask("r1", 1)
		m.Term = actors.NewTerm(1, 2) // a real failure now would be the last
		manager.Send(m)
		<-hangs
		manager.clock.Advance(2 * time.Hour)
		ctx, stop := context.WithCancel(context.Background())
		stop()
		if err := manager.Close(ctx); err == nil || !strings.Contains(err.Error(), "1 messages") {
			t.Errorf("close: %v", err)
		}
		if len(manager.failed) != 0 {
			t.Error("a message that was cut off counts as refused")
		}
	})
}
