package manage_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manage"
)

// waiting starts a Wait and returns when it sleeps.
func (o *office) waiting(g manage.Goal) chan outcome {
	o.Helper()
	done := make(chan outcome, 1)
	go func() {
		r, err := o.Wait(o.Context(), g)
		done <- outcome{r, err}
	}()
	if err := o.hand.Await(o.Context(), 1); err != nil {
		o.Fatal(err)
	}
	return done
}

type outcome struct {
	r   manage.Reservation
	err error
}

func TestWait(t *testing.T) {
	both(t, func(t *testing.T, o *office) {
		o.put("sm-blue", "r1", "web", actors.Nascent)
		goal := func(states ...string) manage.Goal {
			return manage.Goal{Ref: manage.Ref{Reservation: "r1"}, States: states, Timeout: time.Hour}
		}
		if r, err := o.Wait(t.Context(), goal("nascent", "Active")); err != nil || r.State != "Nascent" {
			t.Errorf("already there: %v, %v", r.State, err)
		}
		done := o.waiting(goal("active"))
		o.put("sm-blue", "other", "web", actors.Active)
		o.move("sm-blue", "r1", "Ticketed")
		o.move("sm-blue", "r1", "Active")
		if got := <-done; got.err != nil || got.r.State != "Active" {
			t.Errorf("reached: %+v", got)
		}
		done = o.waiting(goal("Closed"))
		o.move("sm-blue", "r1", "Failed") // Closed may follow Failed
		o.move("sm-blue", "r1", "Closed")
		if got := <-done; got.err != nil || got.r.State != "Closed" {
			t.Errorf("closed by way of failed: %+v", got)
		}
	})
}

func TestWaitInVain(t *testing.T) {
	both(t, func(t *testing.T, o *office) {
		o.put("sm-blue", "r1", "web", actors.Nascent)
		if _, err := o.Close(t.Context(), manage.Ref{Reservation: "r1"}); err != nil { // it waits for a site
			t.Fatal(err)
		}
		ref := manage.Ref{Reservation: "r1"}
		done := o.waiting(manage.Goal{Ref: ref, States: []string{"Active"}, Timeout: 5 * time.Minute})
		o.hand.Advance(5 * time.Minute)
		got := <-done
		refused(t, got.err, manage.ErrPending, 6, "after 5m0s", "it is CloseWait, waiting for site y until 2030-05-01T12:30:00Z")
		if got.r.Reservation != "r1" || got.r.State != "CloseWait" {
			t.Errorf("the reservation beside the error is %+v", got.r)
		}

		done = o.waiting(manage.Goal{Ref: ref, States: []string{"Active", "Ticketed"}, Timeout: time.Hour})
		o.move("sm-blue", "r1", "Failed")
		got = <-done
		refused(t, got.err, manage.ErrEnded, 1, "not Active or Ticketed: it is Failed")
		if strings.Contains(got.err.Error(), actors.Other.Error()) {
			t.Errorf("a lease that was refused is no internal error: %v", got.err)
		}
		if got.r.State != "Failed" {
			t.Errorf("the reservation beside the error is %+v", got.r)
		}

		done = o.waiting(manage.Goal{Ref: ref, States: []string{"Closed"}, Timeout: time.Hour})
		o.move("sm-blue", "r1", "forget")
		if got := <-done; got.err != nil || got.r.State != "Closed" {
			t.Errorf("forgotten while waiting for the end: %+v", got)
		}

		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		o.put("sm-blue", "r2", "web", actors.Nascent)
		_, err := o.Wait(ctx, manage.Goal{Ref: manage.Ref{Reservation: "r2"}, States: []string{"Active"}})
		if manage.ExitCode(err) != 6 {
			t.Errorf("at the context's deadline: %v (exit %d)", err, manage.ExitCode(err))
		}
		for _, tt := range []struct {
			g     manage.Goal
			is    error
			exit  int
			parts string
		}{
			{manage.Goal{Ref: ref}, actors.Invalid, 2, "no state was named"},
			{manage.Goal{Ref: ref, States: []string{"Activ"}}, actors.Invalid, 2, `did you mean "Active"?`},
			{manage.Goal{Ref: manage.Ref{Reservation: "r9"}, States: []string{"Active"}}, actors.NotFound, 3, "r9"},
		} {
			_, err := o.Wait(t.Context(), tt.g)
			refused(t, err, tt.is, tt.exit, tt.parts)
		}
		if _, err := o.Wait(t.Context(), manage.Goal{Ref: ref, States: []string{"Active"}, Timeout: -1}); manage.ExitCode(err) != 2 {
			t.Errorf("a negative timeout: %v", err)
		}
	})
}

// next reads one change.
func next(t *testing.T, s manage.Stream) manage.Change {
	t.Helper()
	c, err := s.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func brief(c manage.Change) string {
	if c.Lost > 0 {
		return fmt.Sprintf("lost %d", c.Lost)
	}
	return fmt.Sprintf("%s/%s %s>%s", c.Actor.Name, c.Reservation, c.From, c.To)
}

func TestWatch(t *testing.T) {
	both(t, func(t *testing.T, o *office) {
		watch := func(f manage.Filter) manage.Stream {
			s, err := o.Watch(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		o.put("site", "r0", "web", actors.Ticketed)
		all := watch(manage.Filter{})
		site := watch(manage.Filter{Actor: "site"})
		web := watch(manage.Filter{Slice: "web", States: []string{"active", "closed"}})
		o.put("sm-blue", "r1", "web", actors.Active)
		o.put("site", "r2", "mail", actors.Active)
		o.put("site", "r3", "web", actors.Active)
		o.move("site", "r0", "forget")
		for _, tt := range []struct {
			s    manage.Stream
			want []string
		}{
			{all, []string{"sm-blue/r1 >Nascent,Ticketing", "sm-blue/r1 Nascent,Ticketing>Active,None", "site/r2 >Nascent,Ticketing",
				"site/r2 Nascent,Ticketing>Active,None", "site/r3 >Nascent,Ticketing", "site/r3 Nascent,Ticketing>Active,None",
				"site/r0 Ticketed,None>Closed,None"}},
			{site, []string{"site/r2 >Nascent,Ticketing", "site/r2 Nascent,Ticketing>Active,None", "site/r3 >Nascent,Ticketing"}},
			{web, []string{"sm-blue/r1 Nascent,Ticketing>Active,None", "site/r3 Nascent,Ticketing>Active,None", "site/r0 Ticketed,None>Closed,None"}},
		} {
			for _, want := range tt.want {
				c := next(t, tt.s)
				if got := brief(c); got != want {
					t.Fatalf("got %s, want %s", got, want)
				}
				if !c.Time.Equal(noon) || c.Role == "" || c.Actor.ID == "" {
					t.Errorf("incomplete: %+v", c)
				}
			}
		}
		golden(t, "change.json", func() manage.Change {
			o.put("broker", "r4", "web", actors.Ticketed)
			return next(t, all)
		}())

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := web.Next(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("a cancelled reader got %v", err)
		}
		if err := all.Close(); err != nil {
			t.Error(err)
		}
		for range 3 { // what was gathered may come first
			if _, err := all.Next(t.Context()); err != nil {
				if !errors.Is(err, io.EOF) {
					t.Errorf("after the end: %v, want io.EOF", err)
				}
				break
			}
		}
		_, err := o.Watch(t.Context(), manage.Filter{States: []string{"Opened"}})
		refused(t, err, actors.Invalid, 2, "no state is called")
		_, err = o.Watch(t.Context(), manage.Filter{Actor: "nobody"})
		refused(t, err, actors.NotFound, 3)
	})
}

// TestForgottenBeforeRead: whose slice nobody can tell any more is not hidden.
func TestForgottenBeforeRead(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s, err := o.Watch(t.Context(), manage.Filter{Slice: "web", States: []string{"Closed"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct{ id, slice string }{{"r1", "mail"}, {"r2", "mail"}} {
		o.put("site", actors.ReservationID(r.id), r.slice, actors.Active)
		o.move("site", actors.ReservationID(r.id), "Closed")
	}
	o.move("site", "r1", "forget")
	for _, want := range []string{"site/r1 Active,None>Closed,None", "site/r1 Closed,None>Closed,None"} {
		if got := brief(next(t, s)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestSlowWatcher: the oldest are dropped and the reader is told how many.
func TestSlowWatcher(t *testing.T) {
	t.Parallel()
	o := newOffice(t, func(cfg *manage.Config) { cfg.Buffer = 3 })
	s, err := o.Watch(t.Context(), manage.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	o.put("site", "r1", "web", actors.Ticketed)
	for range 4 {
		o.move("site", "r1", "Active")
	}
	for i, want := range []string{"lost 3", "site/r1 Active,None>Active,None", "site/r1 Active,None>Active,None", "site/r1 Active,None>Active,None"} {
		if got := brief(next(t, s)); got != want {
			t.Errorf("change %d is %s, want %s", i, got, want)
		}
	}
	o.move("site", "r1", "Closed")
	if got := brief(next(t, s)); got != "site/r1 Active,None>Closed,None" {
		t.Errorf("afterwards: %s", got)
	}
}

// TestWatcherLimit: streams and waits have a limit, and give their place back.
func TestWatcherLimit(t *testing.T) {
	both(t, func(t *testing.T, o *office) {
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := o.Watch(ctx, manage.Filter{}); err != nil {
			t.Fatal(err)
		}
		second, err := o.Watch(t.Context(), manage.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = o.Watch(t.Context(), manage.Filter{})
		refused(t, err, actors.Exhausted, 5, "too many")
		_, err = o.Wait(t.Context(), manage.Goal{Ref: manage.Ref{Reservation: "r"}, States: []string{"Active"}})
		refused(t, err, actors.Exhausted, 5, "too many")
		cancel()
		second.Close()
		for range 2 {
			for { // the socket takes a moment to notice
				if _, err = o.Watch(t.Context(), manage.Filter{}); err == nil {
					break
				}
				refused(t, err, actors.Exhausted, 5)
				time.Sleep(time.Millisecond)
			}
		}
	}, func(cfg *manage.Config) { cfg.Watchers = 2 })
}
