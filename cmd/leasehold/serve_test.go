package main

import (
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/config"
)

// TestServiceManager: the one that started the server is told when it is ready, and then
// every command finds what is configured; and when it begins to stop.
func TestServiceManager(t *testing.T) {
	s := newVictim(t)
	s.prepare(config.Store{}, "")
	told, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(filepath.Dir(s.config.State), "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer told.Close()
	hears := func(want string) {
		t.Helper()
		b := make([]byte, 100)
		if err := told.SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
			t.Fatal(err)
		}
		n, err := told.Read(b)
		if err != nil || string(b[:n]) != want {
			t.Fatalf("the service manager hears %q, want %q, %v\n%s", b[:n], want, err, s.log.String())
		}
	}
	t.Setenv("NOTIFY_SOCKET", told.LocalAddr().String())
	s.start()
	hears("READY=1")
	if _, err := s.client.Request(t.Context(), manage.Order{Slice: "web", Type: "site.nod", Units: 1, Length: "1m"}); err == nil {
		t.Error("a type that nobody sells was asked for") // the broker knows what it sells
	}
	r, err := s.client.Request(t.Context(), manage.Order{Slice: "web", Type: "site.node", Units: 1, Length: "1m"})
	if err != nil || r.Reservation == "" {
		t.Errorf("%+v, %v", r, err)
	}
	s.term()
	hears("STOPPING=1")
}

// TestEarlyCommand: a command that comes while the server starts hears nothing but what
// is true later.
func TestEarlyCommand(t *testing.T) {
	s := newVictim(t)
	s.prepare(config.Store{}, "")
	for range 3 {
		s.start()
		for deadline := time.Now().Add(2 * time.Minute); ; {
			_, err := s.client.Request(t.Context(), manage.Order{Slice: "web", Type: "site.node", Units: 1, Length: "1m"})
			if err == nil {
				break
			}
			if !errors.Is(err, manage.ErrUnreachable) || time.Now().After(deadline) {
				t.Fatalf("%v\n%s", err, s.log.String())
			}
		}
		s.term()
	}
}
