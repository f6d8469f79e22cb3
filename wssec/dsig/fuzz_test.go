package dsig_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec/c14n"
	"github.com/leasehold/leasehold/wssec/dsig"
)

// everything is a policy that takes all there is.
var everything = dsig.Policy{
	Signatures:    []string{dsig.RSASHA1, dsig.RSASHA256, dsig.RSASHA512, dsig.DSASHA1, dsig.ECDSASHA256},
	Digests:       []string{dsig.SHA1, dsig.SHA256, dsig.SHA512},
	MinRSABits:    1024,
	MaxReferences: 4,
	MaxPrefixes:   16,
	STRTransform:  true,
}

// FuzzParse reads the Signatures of any document. What is accepted says the same in
// canonical form, names what References may name, and neither verifies without a key
// nor agrees with a digest of something else.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.xml")
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
		doc, err := xmltree.Parse(src, xmltree.Limits{})
		if err != nil {
			f.Fatal(err)
		}
		for _, n := range all(doc.Root(), func(n xmltree.Node) bool { return n.Is(dsig.Space, "Signature") }) {
			f.Add(c14n.Exclusive(nil, n, nil))
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		doc, err := xmltree.Parse(src, xmltree.Limits{})
		if err != nil {
			return
		}
		for i := range doc.Len() {
			n := doc.At(i)
			if !n.Is(dsig.Space, "Signature") {
				continue
			}
			s, err := dsig.Parse(n, everything)
			if err != nil {
				if !errors.Is(err, dsig.ErrShape) && !errors.Is(err, dsig.ErrAlgorithm) && !errors.Is(err, dsig.ErrReference) {
					t.Fatalf("%v is of no kind", err)
				}
				continue
			}
			again, err := xmltree.Parse(c14n.Exclusive(nil, n, nil), xmltree.Limits{Bytes: 64 << 20, Text: 64 << 20})
			if err != nil {
				t.Fatal(err)
			}
			c, err := dsig.Parse(again.Root(), everything)
			if err != nil || c.Method() != s.Method() || !bytes.Equal(c.Value, s.Value) || c.Weak() != s.Weak() || len(c.References) != len(s.References) {
				t.Fatalf("canonical form says something else: %v", err)
			}
			if !slices.Contains(everything.Signatures, s.Method()) || len(s.References) == 0 || len(s.References) > everything.MaxReferences {
				t.Fatalf("%s with %d references", s.Method(), len(s.References))
			}
			if err := s.Verify(nil, nil); !errors.Is(err, dsig.ErrKey) {
				t.Fatalf("without a key: %v", err)
			}
			for k, r := range s.References {
				if !dsig.ValidID(r.ID) || r.ID != c.References[k].ID || r.STR != c.References[k].STR || !bytes.Equal(r.Digest(), c.References[k].Digest()) {
					t.Fatalf("reference %d: %q and %q", k, r.ID, c.References[k].ID)
				}
				// A Signature cannot hold its own digest.
				if r.Check(n, nil, 1<<20) == nil || r.CheckToken(n, nil, 1<<20) == nil {
					t.Fatalf("reference %d agrees with the Signature it is in", k)
				}
			}
		}
	})
}

// FuzzDecodeBase64 compares with taking all white space out first.
func FuzzDecodeBase64(f *testing.F) {
	for _, s := range []string{"", "AAAA", "AA==", "A A\tA\r\nA=", "=A", "AAA=A", "AB==", "\u00a0", "AAA\n=\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		plain := strings.Map(func(r rune) rune {
			if strings.ContainsRune(" \t\r\n", r) {
				return -1
			}
			return r
		}, text)
		want, wantErr := base64.StdEncoding.Strict().DecodeString(plain)
		got, err := dsig.DecodeBase64(text)
		if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, want) {
			t.Errorf("%q: %x, %v; want %x, %v", text, got, err, want, wantErr)
		}
	})
}
