package cod_test

import (
	"context"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/ldapschema"
)

// TestImageRegistry: a driver hears what the registry says of the image that the lessee
// names, as it is when the driver is called; and nothing that the lessee says itself.
func TestImageRegistry(t *testing.T) {
	t.Parallel()
	w := newWorld(t, siteConfig())
	var told handlers.Params
	w.drive = func(d cod.Drive) (handlers.Result, error) {
		told = d.Params
		return handlers.Result{Done: true}, nil
	}
	put := func(i ldapschema.Image) {
		t.Helper()
		e, err := ldapschema.ImageEntry(cod.ImagesDN(siteBase), i)
		if err != nil {
			t.Fatal(err)
		}
		_ = w.dir.Apply(context.Background(), ldapschema.DeleteEntry(e.DN)) // the one before
		if err := w.dir.Apply(context.Background(), ldapschema.AddEntry(e)); err != nil {
			t.Fatal(err)
		}
		w.step(cod.Seen{Entry: e})
	}
	heard := func(want ...string) {
		t.Helper()
		for i, name := range []string{handlers.ParamImageSource, handlers.ParamImageFormat, handlers.ParamImageBytes, handlers.ParamImageDigest} {
			if got, ok := told[name]; got != want[i] || ok != (want[i] != "") {
				t.Errorf("%s is told as %q, not %q", name, got, want[i])
			}
		}
	}
	put(ldapschema.Image{Name: "Debian", Source: "/srv/debian.raw", Format: "raw", Size: 4096, Digest: "sha256:" + "00"})
	ask := func(unit, image string) {
		t.Helper()
		told = nil
		a := setup(unit, "alpha", 1)
		a.Properties = actors.Properties{cod.PropImageID: image, handlers.ParamImageSource: "/etc/shadow", handlers.ParamImageFormat: "raw"}
		w.step(cod.Do{Action: a})
		w.rest()
		if told == nil {
			t.Fatal("the driver is not called")
		}
	}
	ask("u1", "debian")
	heard("/srv/debian.raw", "raw", "4096", "sha256:00")
	ask("u2", "none")
	heard("", "", "", "")
	put(ldapschema.Image{Name: "Debian", Source: "/srv/debian.qcow2"})
	ask("u3", "debian")
	heard("/srv/debian.qcow2", "", "", "")
	w.load() // what is there is read again
	ask("u4", "debian")
	heard("/srv/debian.qcow2", "", "", "")
	w.step(cod.Lost{DN: cod.ImagesDN(siteBase).Child("cn", "debian")})
	ask("u5", "debian")
	heard("", "", "", "")
}
