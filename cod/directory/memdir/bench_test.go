package memdir_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/leasehold/leasehold/cod/directory/dirtest"
	"github.com/leasehold/leasehold/cod/directory/memdir"
	"github.com/leasehold/leasehold/ldapschema"
)

// BenchmarkApply is what a simulated site pays for each node: one add of a host,
// one modification, one read.
func BenchmarkApply(b *testing.B) {
	d, err := memdir.New(dirtest.Base)
	if err != nil {
		b.Fatal(err)
	}
	base, err := ldapschema.Base(dirtest.Base, "test")
	if err == nil {
		err = d.Apply(b.Context(), ldapschema.AddEntry(base))
	}
	for n := 0; b.Loop() && err == nil; n++ {
		var e ldapschema.Entry
		e, err = ldapschema.HostEntry(dirtest.Base, ldapschema.Host{Name: fmt.Sprint("n", n), IP: netip.AddrFrom4([4]byte{10, 0, 0, 1}), State: "priming"})
		if err == nil {
			err = d.Apply(b.Context(), ldapschema.AddEntry(e))
		}
		if err == nil {
			change, _, _ := ldapschema.Merge(e, e, e.With("codState", "active"))
			err = d.Apply(b.Context(), change)
		}
		if err == nil {
			_, err = d.Read(b.Context(), e.DN)
		}
	}
	if err != nil {
		b.Fatal(err)
	}
}
