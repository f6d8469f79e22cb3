package manage_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manage"
)

func TestModify(t *testing.T) {
	both(t, func(t *testing.T, o *office) {
		o.put("sm-blue", "r1", "web", actors.Active)
		o.put("site", "r1", "web", actors.Active)
		m := manage.Modification{Ref: manage.Ref{Reservation: "r1"}, Number: 3, Subcommand: "resize", Arguments: map[string]string{"memory": "2048"}}
		r, err := o.Modify(t.Context(), m)
		if err != nil || r.Actor.Name != "sm-blue" || r.Pending != "ModifyingLease" {
			t.Fatalf("%+v, %v", r, err)
		}
		want := actors.Modify{Reservation: "r1", Number: 3, Subcommand: "resize", Arguments: actors.Properties{"memory": "2048"}}
		if got := o.last("sm-blue"); !reflect.DeepEqual(got, want) {
			t.Errorf("the manager was asked %+v, want %+v", got, want)
		}
		// It is Active all the time; settled is another thing.
		ref := manage.Ref{Reservation: "r1"}
		if r, err = o.Wait(t.Context(), manage.Goal{Ref: ref, States: []string{"Active"}}); err != nil {
			t.Errorf("%+v, %v", r, err)
		}
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer stop()
		if r, err = o.Wait(ctx, manage.Goal{Ref: ref, States: []string{"Active"}, Settled: true}); err == nil {
			t.Errorf("settled too early: %+v", r)
		}
		o.move("sm-blue", "r1", "Active")
		if r, err = o.Wait(t.Context(), manage.Goal{Ref: ref, States: []string{"Active"}, Settled: true}); err != nil || r.Pending != "None" {
			t.Errorf("%+v, %v", r, err)
		}
		for _, tt := range []struct {
			m     manage.Modification
			is    error
			exit  int
			parts string
		}{
			{manage.Modification{Ref: ref}, actors.Invalid, 2, "subcommand is missing"},
			{manage.Modification{Ref: ref, Subcommand: "x", Number: -1}, actors.Invalid, 2, "number is -1"},
			{manage.Modification{Ref: ref, Subcommand: "x", Arguments: map[string]string{"": "y"}}, actors.Invalid, 2, "without a name"},
			{manage.Modification{Ref: manage.Ref{Actor: "site", Reservation: "r1"}, Subcommand: "x"}, actors.Invalid, 2, "only a manager does this"},
		} {
			_, err := o.Modify(t.Context(), tt.m)
			refused(t, err, tt.is, tt.exit, tt.parts)
		}
	})
}
