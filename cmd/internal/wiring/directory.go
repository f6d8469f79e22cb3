package wiring

import (
	"fmt"
	"path/filepath"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory/embedded"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/cod/site"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/sirupsen/logrus"
)

// directoryFile is the name of an embedded directory in the state folder.
const directoryFile = "directory.db"

// kept is where clusters are kept: a server of our own or somebody else's,
// spoken to over LDAP either way.
type kept struct {
	server *embedded.Server // nil for a server elsewhere
	dir    *ldapdir.Dir
}

// openDirectory starts the embedded server if that is what the configuration
// says, and prepares connections. A server elsewhere may be down: a site starts
// without it and goes on when it is back.
func openDirectory(c config.Config, log logrus.FieldLogger) (*kept, error) {
	conf := ldapdir.Config{URL: c.Directory.URL, BindDN: c.Directory.Bind}
	var err error
	if conf.Password, err = secret(c.Directory.PasswordFile); err != nil {
		return nil, err
	}
	d := &kept{}
	if c.Directory.Embedded() {
		listen := c.Directory.Listen
		if listen == "" {
			listen = "127.0.0.1:0"
		}
		d.server, err = embedded.Open(embedded.Config{Path: filepath.Join(c.State, directoryFile), Suffix: c.Directory.Base,
			Listen: listen, RootDN: conf.BindDN, RootPassword: conf.Password, Anonymous: true, Log: log})
		if err != nil {
			return nil, err
		}
		conf.URL = d.server.URL()
	}
	if d.dir, err = ldapdir.Open(conf); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *kept) close() {
	if d.dir != nil {
		_ = d.dir.Close()
	}
	if d.server != nil {
		_ = d.server.Close()
	}
}

// SiteConfig is how an authority with clusters names and numbers them.
func SiteConfig(c config.Config, a config.Actor) (cod.Config, error) {
	if c.Directory == nil || a.COD == nil {
		return cod.Config{}, fmt.Errorf("actor %s keeps no clusters in a directory", a.Name)
	}
	if a.COD.UIDLast < a.COD.UIDFirst {
		return cod.Config{}, fmt.Errorf("no numbers for accounts: %d to %d", a.COD.UIDFirst, a.COD.UIDLast)
	}
	numbers := cod.Range{First: a.COD.UIDFirst, Last: a.COD.UIDLast}
	out := cod.Config{Owner: string(a.GUID), Base: c.Directory.Base, Domain: a.COD.Domain, Network: a.COD.Network, BlockBits: a.COD.Block,
		Gateway: a.COD.Gateway, NextServer: a.COD.NextServer, BootFile: a.COD.BootFile, BootFileUEFI: a.COD.BootFileUEFI, UIDs: numbers, GIDs: numbers,
		Public: a.COD.Public, Bis: a.COD.Schema == "rfc2307bis", Homes: cod.Homes(a.COD.Homes), Guests: cod.Guests{URLs: a.COD.Guests.URLs}}
	out.HostKeys = a.COD.HostKeys
	out.Virtual, out.Ladder = placing(a.COD.Virtual), ladder(a.COD.LeaseEnd)
	text, err := secret(a.COD.Guests.SecretFile)
	out.Guests.Secret = []byte(text)
	return out, err
}

// newSite makes the COD side of an authority.
func (p *Process) newSite(act *Actor, d handlers.Driver, on func(actors.Unit) run.Runner, report func(actors.ActionDone)) (*site.Site, error) {
	c, err := SiteConfig(p.config, act.Config)
	if err != nil {
		return nil, err
	}
	c.Ladder.Can, c.Reserved = handlers.Capabilities(d), reserved(act.Config.Role)
	changed := func(c cod.Changed) {
		act.Host.Deliver(actors.UnitChanged{Reservation: c.Reservation, Unit: c.Unit, Properties: c.Properties})
	}
	return site.New(site.Config{COD: c, Directory: p.directory.dir, Driver: d, Runner: on, Report: report, Changed: changed, Noticed: act.notices.tell, Log: act.log,
		Serials: act.Config.COD.Serials})
}
