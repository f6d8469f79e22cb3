package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/wssec/keys"
)

// Load reads the configuration at path, makes its relative paths start from the
// folder it lies in, and looks at the files it names. The error is Problems
// unless the file itself could not be read.
func Load(path string) (Config, error) {
	data, err := readFile(path, MaxBytes)
	if err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	c, r := parse(path, data)
	base, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	c.resolve(base)
	checkFiles(c, r)
	return c, r.problems.err()
}

// readFile reads a file of at most limit octets; one octet more shows a longer
// file to whoever checks.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

func (c *Config) resolve(base string) {
	abs := func(p *string) {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(base, *p)
		}
	}
	abs(&c.State)
	abs(&c.Admin)
	abs(&c.Store.PasswordFile)
	if c.Directory != nil {
		abs(&c.Directory.PasswordFile)
	}
	for i := range c.Actors {
		abs(&c.Actors[i].Keys)
		if h := c.Actors[i].Handler; h != nil {
			abs(&h.Journal)
		}
		for j := range c.Actors[i].Sources {
			abs(&c.Actors[i].Sources[j])
		}
	}
	for i := range c.Peers {
		abs(&c.Peers[i].Certificate)
	}
}

// checkFiles looks at every file the configuration names. State need not exist
// yet: serve makes it.
func checkFiles(c Config, r *reader) {
	if c.Store.PasswordFile != "" {
		checkSecret(r, "store.password_file", c.Store.PasswordFile)
	}
	if c.Directory != nil && c.Directory.PasswordFile != "" {
		checkSecret(r, "directory.password_file", c.Directory.PasswordFile)
	}
	for i, a := range c.Actors {
		if a.Name != "" {
			checkKeys(r, fmt.Sprintf("actors[%d].keys", i), a.Keys, a.GUID)
		}
		for j, s := range a.Sources {
			checkFile(r, fmt.Sprintf("actors[%d].sources[%d]", i, j), s)
		}
	}
	for i, p := range c.Peers {
		if p.Certificate != "" {
			checkCertificate(r, fmt.Sprintf("peers[%d].certificate", i), p.Certificate, p.GUID)
		}
	}
}

// checkFile reports a file that is not there or is no plain file.
func checkFile(r *reader, at, path string) (fs.FileInfo, bool) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		r.add(at, "", "%v", reason(err))
	case !info.Mode().IsRegular():
		r.add(at, "", "%s is not a file", path)
	default:
		return info, true
	}
	return nil, false
}

// checkSecret also demands that nobody else can read the file.
func checkSecret(r *reader, at, path string) {
	info, ok := checkFile(r, at, path)
	if ok && info.Mode().Perm()&0o077 != 0 {
		r.add(at, "chmod 600 "+path, "%s can be read or changed by others (mode %#o)", path, info.Mode().Perm())
	}
}

// checkKeys wants the identity of an actor, made out to guid.
func checkKeys(r *reader, at, dir string, guid actors.ActorID) {
	id, err := keys.Load(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.add(at, "leasehold init makes keys", "%v", reason(err))
	case err != nil:
		r.add(at, "", "%v", err)
	case guid != "" && id.GUID != string(guid):
		r.add(at, "the GUID or the folder is the wrong one", "the key in %s was made for %s, not for %s", dir, id.GUID, guid)
	}
}

// maxCertificate bounds a certificate file.
const maxCertificate = 64 << 10

// checkCertificate wants one certificate in PEM form, made out to guid.
func checkCertificate(r *reader, at, path string, guid actors.ActorID) {
	if _, ok := checkFile(r, at, path); !ok {
		return
	}
	data, err := readFile(path, maxCertificate)
	if err != nil {
		r.add(at, "", "%v", reason(err))
		return
	}
	cert, err := keys.ParseCertificatePEM(data)
	if err != nil {
		r.add(at, "", "%s: %v", path, err)
		return
	}
	if cn := cert.Subject.CommonName; guid != "" && cn != string(guid) {
		r.add(at, "the GUID or the file is the wrong one", "%s was made out to %s, not to %s", path, cn, guid)
	}
}

// reason is the file and the cause in a file error, without the operation.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return fmt.Errorf("%s: %w", pe.Path, pe.Err)
	}
	return err
}
