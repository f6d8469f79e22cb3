package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/starter"
)

// TestTruncatedImage: an image that was cut short since it was put into the registry is
// staged for nobody, and the lessee hears why.
func TestTruncatedImage(t *testing.T) {
	t.Parallel()
	s := whole(t)
	to, file := t.TempDir(), filepath.Join(t.TempDir(), "debian.raw")
	for i := range s.c.Actors {
		if a := &s.c.Actors[i]; a.Role == actors.RoleAuthority {
			a.Handler = &config.Handler{Driver: "stage", Here: true, Settings: map[string]string{"stage.how": "copy", "stage.folder": to}}
		}
	}
	if err := os.WriteFile(file, make([]byte, 8192), 0o600); err != nil {
		t.Fatal(err)
	}
	p, _ := s.serve(t)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	for add := []string{"cod", "image", "add", "debian", "--file", file, "--format", "raw", "--config", filepath.Join(s.dir, starter.File)}; ; time.Sleep(50 * time.Millisecond) {
		code, out, errs := call(t, add...)
		if code == 0 {
			break
		}
		if code != 3 || ctx.Err() != nil { // the site has yet to lay its tree out
			t.Fatalf("exit %d\n%s%s", code, out, errs)
		}
	}
	if err := os.Truncate(file, 4096); err != nil {
		t.Fatal(err)
	}
	const why = "debian.raw is truncated: it has 4096 octets of 8192"
	var r manage.Reservation
	for told := false; !told; {
		var err error
		if r, err = p.Manage.Request(ctx, manage.Order{Slice: "web", Type: "site.node", Units: 1, Length: "1h", Config: map[string]string{"image.id": "debian"}}); err != nil {
			if ctx.Err() != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond) // the broker has nothing to sell yet
			continue
		}
		for r.Error == "" {
			if r, err = p.Manage.Show(ctx, manage.Ref{Reservation: r.Reservation}); err != nil || r.State == "Active" {
				t.Fatalf("%v: %+v", err, r)
			}
			time.Sleep(20 * time.Millisecond)
		}
		told = strings.Contains(r.Error, why)
		if !told && !strings.Contains(r.Error, "no image") { // the site has yet to hear of the image
			t.Fatalf("the lessee hears %q", r.Error)
		}
	}
	if left, err := os.ReadDir(to); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
