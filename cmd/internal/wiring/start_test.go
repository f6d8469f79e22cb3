package wiring_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/sirupsen/logrus"
)

// TestNewFails: a process that cannot start says why, and lets go of what it had
// opened, so that the next try can have it.
func TestNewFails(t *testing.T) {
	t.Parallel()
	_, c := part(t, actors.RoleBroker)
	l, err := net.Listen("tcp", c.Listen.Address)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := wiring.New(t.Context(), c, logrus.New()); err == nil || !strings.Contains(err.Error(), "address already in use") {
			t.Fatalf("with its address in use: %v", err)
		}
	}
	l.Close()
	p, err := wiring.New(t.Context(), c, logrus.New())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- p.Serve(ctx) }()
	<-p.Ready()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
