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

// newSite makes the COD side of an authority.
func (p *Process) newSite(act *Actor, d handlers.Driver, on func(actors.Unit) run.Runner, report func(actors.ActionDone)) (*site.Site, error) {
	c := act.Config.COD
	if c.UIDLast < c.UIDFirst {
		return nil, fmt.Errorf("no numbers for accounts: %d to %d", c.UIDFirst, c.UIDLast)
	}
	numbers := cod.Range{First: c.UIDFirst, Last: c.UIDLast}
	return site.New(site.Config{
		COD: cod.Config{Owner: string(act.Config.GUID), Base: p.config.Directory.Base, Domain: c.Domain,
			Network: c.Network, UIDs: numbers, GIDs: numbers, BlockBits: c.Block, Gateway: c.Gateway, NextServer: c.NextServer,
			BootFile: c.BootFile, Homes: cod.Homes(c.Homes)},
		Directory: p.directory.dir, Driver: d, Runner: on, Report: report, Log: act.log})
}
