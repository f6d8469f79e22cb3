package config

import (
	"crypto/tls"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors/registrar"
)

// Registrar is the configuration of leasehold registry serve.
type Registrar struct {
	Listen      string // address for TLS
	Plain       string // address without TLS, for questions only; empty means none
	State       string // file of the records
	Admin       string // socket of the operators' commands
	Certificate string // of the server, PEM
	Key         string
	Log         Log
	TLS         uint16 // least version; 1.2 unless the file says 1.0
	// The next four are registrar.Config's.
	Lax, AnyAddress, Everybody, AutoVerify bool
	Alive                                  time.Duration
	Images                                 []registrar.Image
	Controllers                            []registrar.Controller
}

// LoadRegistrar reads the configuration of a registry and makes its relative paths start
// from the folder it lies in. The error is Problems unless the file itself could not be
// read.
func LoadRegistrar(path string) (Registrar, error) {
	data, err := readFile(path, MaxBytes)
	if err != nil {
		return Registrar{}, fmt.Errorf("configuration: %w", err)
	}
	r := &reader{file: path, places: map[string]place{}}
	root, ok := r.document(data)
	if !ok {
		return Registrar{}, r.problems.err()
	}
	c := readRegistrar(root)
	base, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return Registrar{}, fmt.Errorf("configuration: %w", err)
	}
	for _, p := range []*string{&c.State, &c.Admin, &c.Certificate, &c.Key} {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(base, *p)
		}
	}
	return c, r.problems.err()
}

func readRegistrar(v value) Registrar {
	o := v.object()
	if !o.given() {
		return Registrar{}
	}
	defer o.done()
	o.need("version").number(Version, Version, Version)
	c := Registrar{
		Listen: o.get("listen").hostPort("127.0.0.1:12443"), Plain: o.get("plain").hostPort(""),
		State: o.get("state").text("registry.db"), Admin: o.get("admin").text("registry.sock"),
		Certificate: o.need("certificate").text(""), Key: o.need("key").text(""), Log: readLog(o.get("log")),
		Lax:        o.get("client_certificates").word("required", "wanted") == "wanted",
		AnyAddress: o.get("client_addresses").word("own", "any") == "any",
		Everybody:  o.get("loopback_actors").word("hidden", "listed") == "listed",
		AutoVerify: o.get("verify").word("operator", "nobody") == "nobody",
		Alive:      o.get("alive").duration(3*time.Minute-time.Second, time.Second),
		TLS:        tls.VersionTLS12,
	}
	if o.get("tls").word("1.2", "1.0") == "1.0" {
		c.TLS = tls.VersionTLS10
	}
	o.get("images").list(func(_ int, v value) {
		i := v.object()
		defer i.done()
		text := func(key string) string { return i.get(key).text("") }
		c.Images = append(c.Images, registrar.Image{Name: i.need("name").text(""), Version: text("version"), NeucaVersion: text("neuca_version"),
			URL: text("url"), Hash: text("hash"), Owner: text("owner"), Description: text("description"), Date: text("date"), Default: i.get("default").flag()})
	})
	o.get("controllers").list(func(_ int, v value) {
		i := v.object()
		defer i.done()
		c.Controllers = append(c.Controllers, registrar.Controller{Name: i.need("name").text(""), URL: i.need("url").text(""),
			Description: i.get("description").text(""), Enabled: i.get("enabled").word("true", "false") == "true"})
	})
	return c
}

// RegistrarFile is the configuration that leasehold registry init writes.
func RegistrarFile(listen string) []byte {
	return []byte(strings.ReplaceAll(`# Configuration of leasehold registry serve. Relative paths start from this file's folder.
version: 1

# The address for actors. They register over TLS with their own certificates; the server's
# is pinned by them, so nobody has to have signed it.
listen: LISTEN
certificate: keys/certificate.pem
key: keys/identity.pem

# Another address, without TLS, where anybody may ask and nobody may register.
# plain: 127.0.0.1:12080

# The records, and the socket of leasehold registry list, verify and the others.
state: registry.db
admin: registry.sock

# required: whoever registers must show the certificate it registers. wanted: it may do
# without, as with deployed registries.
client_certificates: required
# own: an actor must register from the host that its address names. any: from anywhere.
client_addresses: own
# hidden: actors on loopback addresses are of no use to others. listed: they are, here.
loopback_actors: hidden
# operator: leasehold registry verify makes an actor known to others. nobody: it is known
# at once. For tests.
verify: operator
# How long after it was last heard of an actor is listed.
alive: 2m59s
`, "LISTEN", quote(listen)))
}
