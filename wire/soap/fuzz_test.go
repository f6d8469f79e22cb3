package soap_test

import (
	"path/filepath"
	"reflect"
	"testing"

	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmltree"
)

func seeds(f *testing.F, patterns ...string) {
	for _, p := range patterns {
		files, err := filepath.Glob(filepath.Join("testdata", p))
		if err != nil || len(files) == 0 {
			f.Fatalf("no seeds in %s: %v", p, err)
		}
		for _, file := range files {
			f.Add(read(f, file))
		}
	}
}

// FuzzDecodeBody: whatever decodes must encode, and decode again to the same.
func FuzzDecodeBody(f *testing.F) {
	seeds(f, "golden/*.xml", "loose/*.xml")
	f.Fuzz(func(t *testing.T, in []byte) {
		doc, err := xmltree.Parse(in, xmltree.DefaultLimits())
		if err != nil {
			return
		}
		m, err := soap.DecodeBody(doc.Root())
		if err != nil {
			return
		}
		out, err := soap.EncodeBody(nil, m)
		if err != nil {
			t.Fatalf("decoded %+v but cannot encode it: %v", m, err)
		}
		again, err := soap.DecodeBody(parse(t, out).Root())
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%+v became %+v, %v", m, again, err)
		}
	})
}

// FuzzDecodeEnvelope: nothing in an answer may do more than be refused, and a
// fault that was read can be sent on.
func FuzzDecodeEnvelope(f *testing.F) {
	seeds(f, "recorded/*.xml", "legacy/query*.xml")
	f.Add([]byte(fault + `<faultcode>f:Timeout</faultcode><faultstring>s</faultstring><detail><Exception>d</Exception></detail>` + over))
	f.Fuzz(func(t *testing.T, in []byte) {
		doc, err := xmltree.Parse(in, xmltree.DefaultLimits())
		if err != nil {
			return
		}
		_, n, err := soap.DecodeEnvelope(doc)
		if err != nil {
			return
		}
		fault, err := soap.DecodeFault(n)
		if err != nil {
			return
		}
		_, n, err = soap.DecodeEnvelope(parse(t, soap.EncodeFault(nil, fault)))
		if err != nil {
			t.Fatal(err)
		}
		again, err := soap.DecodeFault(n)
		if fault.Detail = ""; err != nil || again != fault {
			t.Fatalf("%+v became %+v, %v", fault, again, err)
		}
	})
}

func BenchmarkEncodeBody(b *testing.B) {
	m, err := soap.DecodeBody(payload(b, "testdata/legacy/redeem.request.xml"))
	if err != nil {
		b.Fatal(err)
	}
	var dst []byte
	for b.Loop() {
		if dst, err = soap.EncodeBody(dst[:0], m); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(dst)))
	b.ReportAllocs()
}

func BenchmarkDecodeBody(b *testing.B) {
	src := read(b, "testdata/golden/redeem.xml")
	n := parse(b, src).Root()
	for b.Loop() {
		if _, err := soap.DecodeBody(n); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
}
