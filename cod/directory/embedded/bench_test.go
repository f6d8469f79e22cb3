package embedded_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/dirtest"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/ldapschema"
)

func benchDir(b *testing.B) directory.Directory {
	d, err := ldapdir.Open(ldapdir.Config{URL: start(b, config(b)).URL(), BindDN: rootDN, Password: password, Connections: 16})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { d.Close() })
	e, err := ldapschema.Base(dirtest.Base, "test")
	if err == nil {
		err = d.Apply(b.Context(), ldapschema.AddEntry(e))
	}
	if err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(8) // 16 clients on two cores
	b.ResetTimer()
	return d
}

// BenchmarkAdd is durable adds by many clients at once over loopback.
func BenchmarkAdd(b *testing.B) {
	d := benchDir(b)
	var n atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			e, err := ldapschema.OrganizationalUnit(dirtest.Base, fmt.Sprint(n.Add(1)), "")
			if err == nil {
				err = d.Apply(b.Context(), ldapschema.AddEntry(e))
			}
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkModify is durable changes of one entry.
func BenchmarkModify(b *testing.B) {
	d := benchDir(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c := ldapschema.Change{Kind: ldapschema.Modify, DN: dirtest.Base, Mods: []ldapschema.Mod{{Op: ldapschema.ModReplace, Attr: "description", Values: []string{"x"}}}}
			if err := d.Apply(b.Context(), c); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkRead is base searches.
func BenchmarkRead(b *testing.B) {
	d := benchDir(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := d.Read(b.Context(), dirtest.Base); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
