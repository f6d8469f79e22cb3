package pack

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wssec/keys"
)

func identity(t testing.TB) keys.Identity {
	t.Helper()
	id, err := keys.Generate(rand.Reader, "11111111-1111-1111-1111-111111111111", "publisher", keys.ECDSAP256, time.Unix(0, 0), time.Unix(1<<33, 0))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func sample() (Manifest, []File) {
	return Manifest{ID: "web", Version: "1.0", Actions: map[string]Action{"test": {Run: []string{"bin/test"}, Overlap: Wait, Timeout: "5s"}}},
		[]File{{Name: "bin/test", Exec: true, Data: []byte("#!/bin/sh\n")}, {Name: "README", Data: []byte("hello")}}
}

func anybody(*x509.Certificate) bool { return true }

func TestBuildAndRead(t *testing.T) {
	t.Parallel()
	id := identity(t)
	m, files := sample()
	data, err := Build(m, files, id.Key, id.Cert)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Read(data, func(c *x509.Certificate) bool { return c.Equal(id.Cert) })
	if err != nil || len(p.Files) != 5 || p.Manifest.Actions["test"].Limit() != 5*time.Second || len(p.Manifest.Files) != 2 {
		t.Fatalf("%+v, %v", p.Manifest, err)
	}
	if _, err := Read(data, func(*x509.Certificate) bool { return false }); !errors.Is(err, ErrUnsigned) {
		t.Error(err)
	}
	for _, bad := range []func(*Manifest){
		func(m *Manifest) { m.ID = "../x" }, func(m *Manifest) { m.Version = "" }, func(m *Manifest) { m.Actions = nil },
		func(m *Manifest) { m.Actions = map[string]Action{"a": {}} },
		func(m *Manifest) { m.Actions = map[string]Action{"a": {Run: []string{"x"}, Overlap: "maybe"}} },
		func(m *Manifest) { m.Actions = map[string]Action{"a": {Run: []string{"x"}, Timeout: "soon"}} },
	} {
		m, files := sample()
		bad(&m)
		if _, err := Build(m, files, id.Key, id.Cert); !errors.Is(err, ErrForm) {
			t.Errorf("%+v: %v", m, err)
		}
	}
}

// change rewrites an archive, header by header.
func change(t testing.TB, data []byte, each func(h *tar.Header, text []byte) []byte, more ...*tar.Header) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	in, out := tar.NewReader(z), tar.NewWriter(zw)
	put := func(h *tar.Header, text []byte) {
		h.Size = int64(len(text))
		if err := out.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	for {
		h, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if text = each(h, text); text != nil {
			put(h, text)
		}
	}
	for _, h := range more {
		put(h, nil)
	}
	if err := errors.Join(out.Close(), zw.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func same(_ *tar.Header, text []byte) []byte { return text }

func TestRefused(t *testing.T) {
	t.Parallel()
	id := identity(t)
	m, files := sample()
	good, err := Build(m, files, id.Key, id.Cert)
	if err != nil {
		t.Fatal(err)
	}
	without := func(name string) []byte {
		return change(t, good, func(h *tar.Header, text []byte) []byte {
			if h.Name == name {
				return nil
			}
			return text
		})
	}
	edit := func(name, from, to string) []byte {
		return change(t, good, func(h *tar.Header, text []byte) []byte {
			if h.Name == name {
				return []byte(strings.Replace(string(text), from, to, 1))
			}
			return text
		})
	}
	other := identity(t)
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"no archive":           {[]byte("hello"), ErrForm},
		"cut short":            {good[:len(good)/2], ErrForm},
		"too long":             {make([]byte, MaxPackage+1), ErrTooLarge},
		"no manifest":          {without("manifest.json"), ErrForm},
		"no signature":         {without("manifest.sig"), ErrUnsigned},
		"no certificate":       {without("manifest.crt"), ErrUnsigned},
		"a file is missing":    {without("README"), ErrTampered},
		"a file is changed":    {edit("README", "hello", "hullo"), ErrTampered},
		"a manifest is edited": {edit("manifest.json", "1.0", "2.0"), ErrTampered},
		"another's signature": {change(t, good, func(h *tar.Header, text []byte) []byte {
			if h.Name == "manifest.crt" {
				return other.Cert.Raw
			}
			return text
		}), ErrTampered},
		"a file more":       {change(t, good, same, &tar.Header{Name: "more", Typeflag: tar.TypeReg}), ErrTampered},
		"out of the folder": {change(t, good, same, &tar.Header{Name: "../evil", Typeflag: tar.TypeReg}), ErrDangerous},
		"out in the middle": {change(t, good, same, &tar.Header{Name: "bin/../../evil", Typeflag: tar.TypeReg}), ErrDangerous},
		"absolute":          {change(t, good, same, &tar.Header{Name: "/etc/evil", Typeflag: tar.TypeReg}), ErrDangerous},
		"a folder outside":  {change(t, good, same, &tar.Header{Name: "../evil/", Typeflag: tar.TypeDir}), ErrDangerous},
		"a link":            {change(t, good, same, &tar.Header{Name: "l", Linkname: "/etc", Typeflag: tar.TypeSymlink}), ErrDangerous},
		"a hard link":       {change(t, good, same, &tar.Header{Name: "l", Linkname: "README", Typeflag: tar.TypeLink}), ErrDangerous},
		"a device":          {change(t, good, same, &tar.Header{Name: "d", Typeflag: tar.TypeChar}), ErrDangerous},
		"twice":             {change(t, good, same, &tar.Header{Name: "README", Typeflag: tar.TypeReg}), ErrForm},
		"file and folder":   {change(t, good, same, &tar.Header{Name: "README/x", Typeflag: tar.TypeReg}), ErrForm},
	} {
		if _, err := Read(c.data, anybody); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// What unpacks to more than the limit is refused as soon as it does, wherever it is.
func TestBomb(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]int64{"one long file": 1 << 30, "after the archive": 0} {
		var bomb bytes.Buffer
		z := gzip.NewWriter(&bomb)
		w := tar.NewWriter(z)
		if err := w.WriteHeader(&tar.Header{Name: "zero", Mode: 0o644, Size: header}); err != nil {
			t.Fatal(err)
		}
		if header == 0 {
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := z.Write(make([]byte, 4<<20)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := unpack(bomb.Bytes(), 1<<20); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	id := identity(f)
	m, files := sample()
	good, err := Build(m, files, id.Key, id.Cert)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(change(f, good, same, &tar.Header{Name: "../evil", Typeflag: tar.TypeReg}))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Read(data, anybody)
		if err != nil {
			return
		}
		for _, file := range p.Files {
			if !safe(file.Name) {
				t.Errorf("%q was let through", file.Name)
			}
		}
	})
}
