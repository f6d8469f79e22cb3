package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// backupFormat is the version of the archive that this program writes and reads:
// a gzip-compressed tar of plain files, the manifest last, so that a file that was
// cut off has none.
const backupFormat = 1

// Names inside an archive, and limits on it.
const (
	manifestName  = "manifest.json"
	configName    = "leasehold.yaml"
	originalName  = "original.yaml" // as the operator wrote it
	recordsName   = "records.db"
	directoryName = "directory.ldif"

	maxFiles    = 100_000
	maxManifest = 64 << 20
)

// manifest says what an archive holds.
type manifest struct {
	Format    int             `json:"format"`
	Made      time.Time       `json:"made"`
	Program   string          `json:"program"` // its version
	Host      string          `json:"host"`
	Store     string          `json:"store"` // kind of store the records come from
	Actors    []manifestActor `json:"actors"`
	Directory *int            `json:"directory,omitempty"` // entries
	Files     []manifestFile  `json:"files"`
}

type manifestActor struct {
	Name    string `json:"name"`
	GUID    string `json:"guid"`
	Role    string `json:"role"`
	Records int    `json:"records"`
}

type manifestFile struct {
	Name   string `json:"name"` // with slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // in hexadecimal
}

// archive is a backup being written.
type archive struct {
	gz    *gzip.Writer
	tar   *tar.Writer
	made  time.Time
	files []manifestFile
}

func newArchive(w io.Writer, made time.Time) *archive {
	gz := gzip.NewWriter(w)
	return &archive{gz: gz, tar: tar.NewWriter(gz), made: made}
}

// add writes one file of that size.
func (a *archive) add(name string, size int64, r io.Reader) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: a.made, Format: tar.FormatPAX}
	if err := a.tar.WriteHeader(h); err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(a.tar, sum), r)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if n != size {
		return fmt.Errorf("%s changed while it was read: %d octets, then %d", name, size, n)
	}
	a.files = append(a.files, manifestFile{name, size, hex.EncodeToString(sum.Sum(nil))})
	return nil
}

// addFile adds a file of the system.
func (a *archive) addFile(name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", path)
	}
	return a.add(name, info.Size(), f)
}

// close writes the manifest and ends the archive.
func (a *archive) close(m manifest) error {
	m.Format, m.Made, m.Files = backupFormat, a.made, a.files
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	h := &tar.Header{Typeflag: tar.TypeReg, Name: manifestName, Size: int64(len(text)), Mode: 0o600, ModTime: a.made, Format: tar.FormatPAX}
	if err := a.tar.WriteHeader(h); err != nil {
		return err
	}
	_, err = a.tar.Write(text)
	return errors.Join(err, a.tar.Close(), a.gz.Close())
}

// extract reads an archive into an empty folder and checks every octet of it
// against the manifest. Names that would leave the folder, and anything that is
// no plain file, are refused.
func extract(r io.Reader, dir string) (manifest, error) {
	gz, err := gzip.NewReader(r)
	if err != nil {
		return manifest{}, fmt.Errorf("it is no backup: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return manifest{}, err
	}
	defer root.Close()
	var m manifest
	var files []manifestFile
	for in := tar.NewReader(gz); ; {
		h, err := in.Next()
		if err == io.EOF {
			break
		}
		switch {
		case err != nil:
			return manifest{}, cutOff(err)
		case m.Format != 0:
			return manifest{}, fmt.Errorf("%q comes after the manifest", h.Name)
		case h.Typeflag != tar.TypeReg || !filepath.IsLocal(h.Name) || filepath.ToSlash(filepath.Clean(h.Name)) != h.Name:
			return manifest{}, fmt.Errorf("%q is no name of a plain file below here", h.Name)
		case len(files) == maxFiles:
			return manifest{}, fmt.Errorf("more than %d files", maxFiles)
		}
		if h.Name == manifestName {
			if m, err = readManifest(in); err != nil {
				return manifest{}, err
			}
			continue
		}
		f, err := place(root, h.Name, in)
		if err != nil {
			return manifest{}, err
		}
		files = append(files, f)
	}
	// The checksum of the compression stands at its very end.
	if _, err := io.Copy(io.Discard, gz); err != nil {
		return manifest{}, cutOff(err)
	}
	if m.Format == 0 {
		return manifest{}, errors.New("it ends without a manifest: it was cut off")
	}
	return m, compare(m.Files, files)
}

func cutOff(err error) error { return fmt.Errorf("it is damaged or cut off: %w", err) }

func readManifest(r io.Reader) (m manifest, err error) {
	text, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err != nil {
		return m, cutOff(err)
	}
	if len(text) > maxManifest {
		return m, fmt.Errorf("its manifest is longer than %d octets", maxManifest)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("its manifest cannot be read: %w", err)
	}
	if m.Format != backupFormat {
		return m, fmt.Errorf("its format is version %d; this program reads %d", m.Format, backupFormat)
	}
	return m, nil
}

// place writes one file below root.
func place(root *os.Root, name string, r io.Reader) (manifestFile, error) {
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return manifestFile{}, err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return manifestFile{}, err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, sum), r)
	if err != nil {
		err = cutOff(err)
	}
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return manifestFile{}, fmt.Errorf("%s: %w", name, err)
	}
	return manifestFile{name, n, hex.EncodeToString(sum.Sum(nil))}, nil
}

// compare holds what was found against what should be there.
func compare(want, found []manifestFile) error {
	var problems []error
	for _, w := range want {
		i := slices.IndexFunc(found, func(f manifestFile) bool { return f.Name == w.Name })
		switch {
		case i < 0:
			problems = append(problems, fmt.Errorf("%s is missing", w.Name))
		case found[i] != w:
			problems = append(problems, fmt.Errorf("%s is not as it was: %d octets with SHA-256 %s, should be %d with %s", w.Name, found[i].Size, found[i].SHA256, w.Size, w.SHA256))
		}
	}
	for _, f := range found {
		if !slices.ContainsFunc(want, func(w manifestFile) bool { return f.Name == w.Name }) {
			problems = append(problems, fmt.Errorf("%s is not in the manifest", f.Name))
		}
	}
	return errors.Join(problems...)
}
