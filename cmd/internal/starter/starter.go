/*
Package starter makes what a new installation begins with: a folder with one
commented configuration file, a key for each actor, and a password for the
directory.

The same federation is what leasehold demo runs, so the file a newcomer edits is
one that has been seen to work.
*/
package starter

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/ldapschema"
	"github.com/leasehold/leasehold/wssec/keys"
)

// File is the name of the configuration in the folder.
const File = "leasehold.yaml"

// Plan says what to start with. Fields without a stated default are required.
type Plan struct {
	Dir       string            // the folder to make; it may exist, its configuration may not
	Roles     []actors.Role     // which actors; nil means one of each
	Nodes     int               // hosts of the site
	Listen    string            // host:port; empty means the configuration's default
	URL       string            // what peers are told; empty means http:// and Listen
	Cycle     time.Duration     // 0 means one second
	Begin     time.Time         // start of cycle 0; zero means now
	Base      string            // directory base; empty means dc=site,dc=test
	Remote    *config.Directory // a directory server to use; nil means an embedded one
	LDAP      string            // embedded: where LDAP clients find it; empty means 127.0.0.1:3890
	Driver    config.Handler    // of the site; its zero value means noop without delays
	Algorithm keys.Algorithm    // of the actors' keys; 0 means ECDSA P-256
}

// names of the actors, by role.
var names = map[actors.Role]string{
	actors.RoleManager: "manager", actors.RoleBroker: "broker", actors.RoleAuthority: "site",
}

// Type is the resource type the started site offers.
const Type = actors.ResourceType("site.node")

// Make writes the folder and returns the configuration as leasehold serve would
// load it.
func Make(p Plan) (config.Config, error) {
	path := filepath.Join(p.Dir, File)
	if _, err := os.Stat(path); err == nil {
		return config.Config{}, fmt.Errorf("%s: %w; choose another folder or remove it first", path, fs.ErrExist)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return config.Config{}, err
	}
	if p.Roles == nil {
		p.Roles = []actors.Role{actors.RoleAuthority, actors.RoleBroker, actors.RoleManager}
	}
	if p.Begin.IsZero() {
		p.Begin = time.Now()
	}
	if p.Cycle == 0 {
		p.Cycle = time.Second
	}
	if p.Algorithm == 0 {
		p.Algorithm = keys.ECDSAP256
	}
	if p.Base == "" {
		p.Base = "dc=site,dc=test"
	}
	if err := os.MkdirAll(p.Dir, 0o750); err != nil {
		return config.Config{}, err
	}
	c := config.Config{
		Version: config.Version,
		Listen:  config.Listen{Address: p.Listen, URL: p.URL},
		Clock:   actors.Cycles{Begin: actors.Millis(p.Begin.Truncate(time.Second).UnixMilli()), Length: actors.Millis(p.Cycle.Milliseconds())},
	}
	has := func(r actors.Role) bool { return slices.Contains(p.Roles, r) }
	for _, role := range p.Roles {
		a, err := actor(p, role, has)
		if err != nil {
			return config.Config{}, err
		}
		c.Actors = append(c.Actors, a)
	}
	if has(actors.RoleAuthority) {
		d, err := directory(p)
		if err != nil {
			return config.Config{}, err
		}
		c.Directory = &d
	}
	if err := os.WriteFile(path, c.YAML(), 0o640); err != nil {
		return config.Config{}, err
	}
	return config.Load(path)
}

// actor makes one actor with its key.
func actor(p Plan, role actors.Role, has func(actors.Role) bool) (config.Actor, error) {
	name := names[role]
	guid := uuid.NewString()
	now := time.Now()
	id, err := keys.Generate(rand.Reader, guid, name, p.Algorithm, now.Add(-time.Hour), now.AddDate(10, 0, 0))
	if err != nil {
		return config.Actor{}, err
	}
	dir := filepath.Join("keys", name)
	if err := id.Save(filepath.Join(p.Dir, dir)); err != nil {
		return config.Actor{}, err
	}
	a := config.Actor{Name: name, GUID: actors.ActorID(guid), Role: role, Keys: dir}
	switch role {
	case actors.RoleManager:
		if has(actors.RoleBroker) {
			a.DefaultBroker = names[actors.RoleBroker]
		}
	case actors.RoleAuthority:
		driver := p.Driver
		if driver.Driver == "" {
			driver.Driver = "noop"
		}
		a.Handler = &driver
		a.Pools = []config.Pool{{Type: Type, Hosts: []config.Hosts{{Pattern: "host%03d", First: 1, Count: p.Nodes,
			MAC: "02:c0:d0:00:00:01", Memory: 4096}}}}
		a.COD = cod()
		if has(actors.RoleBroker) {
			a.Exports = []config.Export{{To: names[actors.RoleBroker], Type: Type, Units: p.Nodes, Until: p.Begin.AddDate(1, 0, 0).Truncate(time.Second)}}
		}
	}
	return a, nil
}

// directory says where clusters are kept, and makes the password of an embedded
// server.
func directory(p Plan) (config.Directory, error) {
	if p.Remote != nil {
		return *p.Remote, nil
	}
	secret := make([]byte, 16)
	if _, err := rand.Read(secret); err != nil {
		return config.Directory{}, err
	}
	const file = "directory.password"
	if err := os.WriteFile(filepath.Join(p.Dir, file), []byte(hex.EncodeToString(secret)+"\n"), 0o600); err != nil {
		return config.Directory{}, err
	}
	listen := p.LDAP
	if listen == "" {
		listen = "127.0.0.1:3890"
	}
	return config.Directory{URL: "embedded", Listen: listen, Base: ldapschema.DN(p.Base), Bind: ldapschema.DN("cn=admin," + p.Base), PasswordFile: file}, nil
}

func cod() *config.COD {
	return &config.COD{Network: netip.MustParsePrefix("10.99.0.0/16"), Domain: "site.test", UIDFirst: 30000, UIDLast: 59999}
}
