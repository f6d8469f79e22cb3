package config

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/handlers/script"
	"github.com/leasehold/leasehold/wssec"
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
	return LoadText(path, data)
}

// LoadText is Load for a text that is to be written to path and not there yet.
func LoadText(path string, data []byte) (Config, error) {
	c, r, err := load(path, data)
	if err != nil {
		return Config{}, err
	}
	return c, r.problems.err()
}

// Check reads the configuration at path as Load does and says everything that is
// wrong with it, and then what people should look at: certificates that end soon,
// or have ended. The error is that of a file that could not be read.
func Check(path string, now time.Time) (Problems, error) {
	data, err := readFile(path, MaxBytes)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	_, r, err := load(path, data)
	if err != nil {
		return nil, err
	}
	wrong, _ := r.problems.err().(Problems)
	r.problems = nil
	for _, d := range r.certs {
		warning := wssec.ExpiryWarning(d.cert, now)
		if warning == "" {
			continue
		}
		if now.After(d.cert.NotAfter) && now.Before(d.until) {
			warning += ", and is taken until " + instant(d.until)
		}
		r.add(d.at, "", "the certificate %s", strings.Replace(warning, "not valid yet", "is not valid yet", 1))
		r.problems[len(r.problems)-1].Warning = true
	}
	warnings, _ := r.problems.err().(Problems)
	return append(wrong, warnings...), nil
}

// dated is a certificate that was found where the configuration says.
type dated struct {
	at    string
	cert  *x509.Certificate
	until time.Time // a peer's allowance after its end; or zero
}

func load(path string, data []byte) (Config, *reader, error) {
	c, r := parse(path, data)
	base, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return Config{}, r, fmt.Errorf("configuration: %w", err)
	}
	c.resolve(base)
	checkFiles(c, r)
	return c, r, nil
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
		if cod := c.Actors[i].COD; cod != nil {
			abs(&cod.Guests.SecretFile)
		}
		if h := c.Actors[i].Handler; h != nil {
			abs(&h.Journal)
			abs(&h.Script)
			abs(&h.Results)
			if file := h.Settings[SettingPassword]; file != "" {
				abs(&file)
				h.Settings[SettingPassword] = file
			}
			for j := range h.Machines {
				abs(&h.Machines[j].Key)
				abs(&h.Machines[j].HostKeys)
				abs(&h.Machines[j].Certificate)
				abs(&h.Machines[j].Identity)
			}
		}
		for j := range c.Actors[i].Sources {
			abs(&c.Actors[i].Sources[j])
		}
	}
	for i := range c.Peers {
		for j := range c.Peers[i].Certificates {
			abs(&c.Peers[i].Certificates[j])
		}
	}
}

// checkScript reads an action script, whose problems are the configuration's.
func checkScript(r *reader, path, file string) {
	data, err := os.ReadFile(file)
	if err == nil {
		_, err = script.Parse(file, data)
	}
	var problems script.Problems
	if errors.As(err, &problems) {
		for _, p := range problems {
			r.add(path, "", "%v", p)
		}
	} else if err != nil {
		r.add(path, "", "%v", err)
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
	pinned := map[string]string{} // keys, to whose they are
	var curves []string           // our actors whose keys are not RSA
	for i, a := range c.Actors {
		if a.Name != "" {
			if cert := checkKeys(r, fmt.Sprintf("actors[%d].keys", i), a.Keys, a.GUID); cert != nil {
				checkOwner(r, fmt.Sprintf("actors[%d].keys", i), pinned, cert, a.Name)
				r.certs = append(r.certs, dated{at: fmt.Sprintf("actors[%d].keys", i), cert: cert})
				if err := wssec.Strict.Policy().Suits(cert.PublicKey); err != nil && len(c.Actors) > 1 {
					r.add(fmt.Sprintf("actors[%d].keys", i), "", "actors of one process are strict peers of one another: %v", err)
				}
				if cert.PublicKeyAlgorithm != x509.RSA {
					curves = append(curves, a.Name)
				}
			}
		}
		if a.COD != nil && a.COD.Guests.SecretFile != "" {
			checkSecret(r, fmt.Sprintf("actors[%d].cod.guests.secret_file", i), a.COD.Guests.SecretFile)
		}
		if h := a.Handler; h != nil {
			if file := h.Settings[SettingPassword]; file != "" {
				checkSecret(r, fmt.Sprintf("actors[%d].handler.settings.%s", i, SettingPassword), file)
			}
			if h.Script != "" {
				checkScript(r, fmt.Sprintf("actors[%d].handler.script", i), h.Script)
			}
			for j, m := range h.Machines {
				at := fmt.Sprintf("actors[%d].handler.machines[%d].", i, j)
				if m.Address != "" {
					checkSecret(r, at+"key", m.Key)
					checkFile(r, at+"host_keys", m.HostKeys)
				}
				if m.Agent != "" {
					checkFile(r, at+"certificate", m.Certificate)
					checkSecret(r, at+"identity", filepath.Join(m.Identity, "identity.pem"))
				}
			}
		}
		for j, s := range a.Sources {
			checkFile(r, fmt.Sprintf("actors[%d].sources[%d]", i, j), s)
		}
	}
	for i, p := range c.Peers {
		at := fmt.Sprintf("peers[%d].certificate", i)
		for j, file := range p.Certificates {
			at := at
			if listed := fmt.Sprintf("%s[%d]", at, j); r.places[listed] != (place{}) {
				at = listed
			}
			cert := checkCertificate(r, at, file, p.GUID)
			if cert == nil {
				continue
			}
			checkOwner(r, at, pinned, cert, p.Name)
			r.certs = append(r.certs, dated{at, cert, p.Policy.ExpiredUntil})
			if p.Policy.Check() != nil {
				continue // said already
			}
			if err := p.Policy.Suits(cert.PublicKey); err != nil {
				r.add(at, "", "profile %v: %v", p.Policy.Profile, err)
			}
		}
		if legacy := p.Policy.Profile == wssec.Legacy || p.Policy.Profile == wssec.LegacyStrong; legacy && len(curves) > 0 {
			r.add(fmt.Sprintf("peers[%d].profile", i), "leasehold init --key rsa-2048 makes them",
				"profile %v needs RSA keys on our side, which %s has not", p.Policy.Profile, strings.Join(curves, ", "))
		}
	}
}

// checkOwner reports a key that somebody else has already.
func checkOwner(r *reader, at string, pinned map[string]string, cert *x509.Certificate, name string) {
	key := string(cert.RawSubjectPublicKeyInfo)
	if first, taken := pinned[key]; taken && first != name {
		r.add(at, "", "it holds the key of %s: nobody could tell the two apart", first)
		return
	}
	pinned[key] = name
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

// checkKeys wants the identity of an actor, made out to guid, and gives its
// certificate.
func checkKeys(r *reader, at, dir string, guid actors.ActorID) *x509.Certificate {
	id, err := keys.Load(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.add(at, "leasehold init makes keys", "%v", reason(err))
	case err != nil:
		r.add(at, "", "%v", err)
	case guid != "" && id.GUID != string(guid):
		r.add(at, "the GUID or the folder is the wrong one", "the key in %s was made for %s, not for %s", dir, id.GUID, guid)
	default:
		return id.Cert
	}
	return nil
}

// maxCertificate bounds a certificate file.
const maxCertificate = 64 << 10

// checkCertificate wants one certificate in PEM form, made out to guid, and gives
// it.
func checkCertificate(r *reader, at, path string, guid actors.ActorID) *x509.Certificate {
	if _, ok := checkFile(r, at, path); !ok {
		return nil
	}
	data, err := readFile(path, maxCertificate)
	if err != nil {
		r.add(at, "", "%v", reason(err))
		return nil
	}
	cert, err := keys.ParseCertificatePEM(data)
	if err != nil {
		r.add(at, "", "%s: %v", path, err)
		return nil
	}
	if cn := cert.Subject.CommonName; guid != "" && cn != string(guid) {
		r.add(at, "the GUID or the file is the wrong one", "%s was made out to %s, not to %s", path, cn, guid)
		return nil
	}
	return cert
}

// reason is the file and the cause in a file error, without the operation.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return fmt.Errorf("%s: %w", pe.Path, pe.Err)
	}
	return err
}
