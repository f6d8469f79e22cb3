package storetest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store/memory"
	"github.com/leasehold/leasehold/actors/store/storetest"
)

var errAsked = errors.New("asked for")

func TestFaulty(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault storetest.Fault
		want  error
		kept  bool
		crash bool
	}{
		{"refused", storetest.Fault{Err: errAsked}, errAsked, false, false},
		{"answer lost", storetest.Fault{Err: errAsked, Written: true}, errAsked, true, false},
		{"crash before", storetest.Fault{Panic: true}, nil, false, true},
		{"crash after", storetest.Fault{Panic: true, Written: true}, nil, true, true},
		{"nothing", storetest.Fault{}, nil, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			disk := memory.New()
			s := storetest.NewFaulty(disk).Fail(2, tt.fault)
			save := func(key string) (err error, crashed bool) {
				defer func() { _, crashed = recover().(storetest.Crash) }()
				return s.Save(t.Context(), []actors.Record{storetest.Record(key, "1")}), false
			}
			for i, key := range []string{"first", "second", "third"} {
				err, crashed := save(key)
				if i != 1 && (err != nil || crashed) {
					t.Errorf("save %d: %v, crashed %v", i+1, err, crashed)
				}
				if i == 1 && (!errors.Is(err, tt.want) || crashed != tt.crash) {
					t.Errorf("the failing save: %v, crashed %v", err, crashed)
				}
			}
			all := storetest.All(t, disk)
			if _, kept := all["second"]; kept != tt.kept || len(all) != map[bool]int{true: 3, false: 2}[tt.kept] || s.Saves() != 3 {
				t.Errorf("the disk holds %v after %d saves", all, s.Saves())
			}
		})
	}
}

func TestFaultyBlocks(t *testing.T) {
	t.Parallel()
	s := storetest.NewFaulty(memory.New())
	s.FailAll(&storetest.Fault{Block: make(chan struct{})})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Save(ctx, []actors.Record{storetest.Record("a", "1")}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	s.FailAll(nil)
	if err := s.Save(t.Context(), []actors.Record{storetest.Record("a", "1")}); err != nil {
		t.Error(err)
	}
}
