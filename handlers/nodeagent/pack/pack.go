/*
Package pack makes and reads driver packages: a gzip-compressed tar with the files of one
version of a driver, a manifest that lists their digests, and a signature over the manifest.

	manifest.json   what the driver is, its actions, the SHA-256 of every other file
	manifest.sig    signature of manifest.json, with SHA-256
	manifest.crt    certificate of the key that signed, in DER

A package is read as a whole before anything of it touches a disk. What is not listed, what is
listed and missing, links, devices, names that lead out of the folder, names given twice and
everything beyond the limits are refused.
*/
package pack

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// Limits of a package.
const (
	MaxPackage  = 16 << 20 // octets, compressed
	maxUnpacked = 64 << 20 // octets of all files
	maxFiles    = 2000
	maxManifest = 1 << 20
	maxTimeout  = 24 * time.Hour
)

// Why a package is refused. Errors of Read wrap one of these.
var (
	ErrForm      = errors.New("pack: not a driver package")
	ErrUnsigned  = errors.New("pack: package not signed by anybody trusted")
	ErrTampered  = errors.New("pack: package changed after it was signed")
	ErrTooLarge  = errors.New("pack: package over a limit")
	ErrDangerous = errors.New("pack: package reaches out of its folder")
)

// Overlap says what becomes of an action while another of the same driver and object is
// under way.
type Overlap string

// The rules of overlap (nodeagent 3).
const (
	Ignore Overlap = "ignore" // both run
	Wait   Overlap = "wait"   // it waits its turn
	Cancel Overlap = "cancel" // what is under way is ended
	Refuse Overlap = "error"  // it is refused
)

// A Manifest is what a package says of itself.
type Manifest struct {
	ID      string            `json:"id"` // of the driver; a UUID, or what people call it
	Version string            `json:"version"`
	Doc     string            `json:"doc,omitempty"`
	Install []string          `json:"install,omitempty"` // run once in the folder, before the version counts
	Actions map[string]Action `json:"actions"`
	Files   map[string]string `json:"files"` // SHA-256 in hexadecimal, by name
}

// An Action is one thing that the driver does.
type Action struct {
	Run     []string `json:"run"` // the program, a file of the package or of the machine, and its arguments
	Overlap Overlap  `json:"overlap,omitempty"`
	Timeout string   `json:"timeout,omitempty"` // such as 30s; none means an hour
}

// Limit is how long the action may take.
func (a Action) Limit() time.Duration {
	d, err := time.ParseDuration(a.Timeout)
	if err != nil || d <= 0 {
		return time.Hour
	}
	return d
}

// A File is one file of a package.
type File struct {
	Name string // below the folder, with slashes
	Exec bool
	Data []byte
}

// A Package is one that was read and is whole.
type Package struct {
	Manifest Manifest
	Files    []File // by name, the manifest included
	Signer   *x509.Certificate
}

const manifest, signature, certificate = "manifest.json", "manifest.sig", "manifest.crt"

// ValidID reports whether s may name a driver, a version or an action: it may then name a
// file too.
func ValidID(s string) bool {
	return s != "" && len(s) <= 64 && s[0] != '.' && s[0] != '-' &&
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == ""
}

// safe reports whether a name stays in its folder.
func safe(name string) bool {
	return name != "" && name != "." && len(name) <= 255 && !path.IsAbs(name) && path.Clean(name) == name && name != ".." && !strings.HasPrefix(name, "../") &&
		!strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' })
}

// check says what is wrong with a manifest.
func (m Manifest) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrForm, fmt.Sprintf(format, args...))
	}
	switch {
	case !ValidID(m.ID):
		return bad("the identity %.80q", m.ID)
	case !ValidID(m.Version):
		return bad("the version %.80q", m.Version)
	case len(m.Actions) == 0:
		return bad("there are no actions")
	}
	for _, name := range slices.Sorted(maps.Keys(m.Actions)) {
		a := m.Actions[name]
		if !ValidID(name) || len(a.Run) == 0 || a.Run[0] == "" {
			return bad("the action %.80q", name)
		}
		if !slices.Contains([]Overlap{"", Ignore, Wait, Cancel, Refuse}, a.Overlap) {
			return bad("the overlap %.40q of %s; there are: ignore, wait, cancel, error", a.Overlap, name)
		}
		if d, err := time.ParseDuration(a.Timeout); a.Timeout != "" && (err != nil || d <= 0 || d > maxTimeout) {
			return bad("the timeout %.40q of %s", a.Timeout, name)
		}
	}
	return nil
}

// Read reads a package and checks all of it. trusted says whose signature counts.
func Read(data []byte, trusted func(*x509.Certificate) bool) (Package, error) {
	files, err := unpack(data, maxUnpacked)
	if err != nil {
		return Package{}, err
	}
	get := func(name string) []byte {
		i := slices.IndexFunc(files, func(f File) bool { return f.Name == name })
		if i < 0 {
			return nil
		}
		return files[i].Data
	}
	text, sig, der := get(manifest), get(signature), get(certificate)
	if text == nil {
		return Package{}, fmt.Errorf("%w: there is no %s", ErrForm, manifest)
	}
	if sig == nil || der == nil {
		return Package{}, fmt.Errorf("%w: there is no %s or no %s", ErrUnsigned, signature, certificate)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return Package{}, fmt.Errorf("%w: %s is no certificate", ErrUnsigned, certificate)
	}
	if !trusted(cert) {
		return Package{}, fmt.Errorf("%w: the key of %.60q is not known", ErrUnsigned, cert.Subject.CommonName)
	}
	if !verified(cert.PublicKey, text, sig) {
		return Package{}, fmt.Errorf("%w: the signature does not fit the manifest", ErrTampered)
	}
	p := Package{Files: files, Signer: cert}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&p.Manifest); err != nil || d.More() || len(text) > maxManifest {
		return Package{}, fmt.Errorf("%w: %s: %v", ErrForm, manifest, err)
	}
	if err := p.Manifest.check(); err != nil {
		return Package{}, err
	}
	found := 0
	for _, f := range files {
		if f.Name == manifest || f.Name == signature || f.Name == certificate {
			continue
		}
		sum := sha256.Sum256(f.Data)
		want, listed := p.Manifest.Files[f.Name]
		if !listed || want != hex.EncodeToString(sum[:]) {
			return Package{}, fmt.Errorf("%w: %.100s", ErrTampered, f.Name)
		}
		found++
	}
	if found != len(p.Manifest.Files) {
		return Package{}, fmt.Errorf("%w: a file is missing", ErrTampered)
	}
	return p, nil
}

// unpack reads an archive of at most most octets into memory.
func unpack(data []byte, most int64) (files []File, err error) {
	if len(data) > MaxPackage {
		return nil, fmt.Errorf("%w: %d octets", ErrTooLarge, len(data))
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrForm, err)
	}
	// One octet more than the limit shows that there is more.
	bounded := &io.LimitedReader{R: z, N: most + 1}
	in := tar.NewReader(bounded)
	seen := map[string]bool{}
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if bounded.N <= 0 {
			return nil, fmt.Errorf("%w: it unpacks to more than %d octets", ErrTooLarge, most)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %v", ErrForm, err)
		}
		name := strings.TrimSuffix(strings.TrimPrefix(h.Name, "./"), "/")
		if h.Typeflag == tar.TypeDir {
			if name != "" && !safe(name) {
				return nil, fmt.Errorf("%w: %.100q", ErrDangerous, h.Name)
			}
			continue
		}
		if h.Typeflag != tar.TypeReg || !safe(name) {
			return nil, fmt.Errorf("%w: %.100q", ErrDangerous, h.Name)
		}
		if seen[name] || len(files) >= maxFiles {
			return nil, fmt.Errorf("%w: %.100q is given twice, or there are more than %d files", ErrForm, name, maxFiles)
		}
		seen[name] = true
		text, err := io.ReadAll(in)
		if bounded.N <= 0 {
			return nil, fmt.Errorf("%w: it unpacks to more than %d octets", ErrTooLarge, most)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %v", ErrForm, err)
		}
		files = append(files, File{Name: name, Exec: h.Mode&0o111 != 0, Data: text})
	}
	// What follows the archive is nothing, and gzip's own sum is at the very end.
	if _, err := io.Copy(io.Discard, bounded); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrForm, err)
	}
	if bounded.N <= 0 {
		return nil, fmt.Errorf("%w: it unpacks to more than %d octets", ErrTooLarge, most)
	}
	// A file cannot be a folder too.
	for name := range seen {
		for dir := path.Dir(name); dir != "." && dir != "/"; dir = path.Dir(dir) {
			if seen[dir] {
				return nil, fmt.Errorf("%w: %.100q is a file and a folder", ErrForm, dir)
			}
		}
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return files, nil
}

func verified(key crypto.PublicKey, text, sig []byte) bool {
	sum := sha256.Sum256(text)
	switch k := key.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen() >= 2048 && rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], sig) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(k, sum[:], sig)
	}
	return false
}

// Build makes a package of files. What the manifest says of files is filled in.
func Build(m Manifest, files []File, signer crypto.Signer, cert *x509.Certificate) ([]byte, error) {
	m.Files = map[string]string{}
	files = slices.Clone(files)
	for _, f := range files {
		if !safe(f.Name) || f.Name == manifest || f.Name == signature || f.Name == certificate {
			return nil, fmt.Errorf("pack: no file of a package may be called %.100q", f.Name)
		}
		sum := sha256.Sum256(f.Data)
		m.Files[f.Name] = hex.EncodeToString(sum[:])
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	sig, err := signer.Sign(nil, sum[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	files = append(files, File{Name: manifest, Data: text}, File{Name: signature, Data: sig}, File{Name: certificate, Data: cert.Raw})
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	out := tar.NewWriter(z)
	for _, f := range files {
		mode := int64(0o644)
		if f.Exec {
			mode = 0o755
		}
		if err := out.WriteHeader(&tar.Header{Name: f.Name, Mode: mode, Size: int64(len(f.Data)), Typeflag: tar.TypeReg}); err != nil {
			return nil, err
		}
		if _, err := out.Write(f.Data); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(out.Close(), z.Close()); err != nil {
		return nil, err
	}
	// What was built must be what is read.
	_, err = Read(b.Bytes(), func(*x509.Certificate) bool { return true })
	return b.Bytes(), err
}

// ID is the driver that a package says it is of. Nothing is checked: that is for the agent
// that it is meant for.
func ID(data []byte) (string, error) {
	files, err := unpack(data, maxUnpacked)
	if err != nil {
		return "", err
	}
	for _, f := range files {
		if f.Name != manifest {
			continue
		}
		var m Manifest
		if err := json.Unmarshal(f.Data, &m); err != nil || !ValidID(m.ID) {
			return "", fmt.Errorf("%w: %s names no driver", ErrForm, manifest)
		}
		return m.ID, nil
	}
	return "", fmt.Errorf("%w: there is no %s", ErrForm, manifest)
}
