package embedded

import (
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/ldapschema"
)

// A Config says what to serve, where and to whom. Path and Suffix are needed.
type Config struct {
	Path   string        // of the data base file; made when absent
	Suffix ldapschema.DN // name of the topmost entry

	// Listen is the address to serve on, "127.0.0.1:3890"; port 0 picks one. Empty
	// serves nobody but users of Local.
	Listen string
	// TLS, when set, lets clients ask for StartTLS.
	TLS *tls.Config

	RootDN       ldapschema.DN   // may do everything; needs no entry
	RootPassword string          // empty: nobody can bind as RootDN
	Writers      []ldapschema.DN // entries that, once bound, may write as well
	Anonymous    bool            // whoever has not bound may read, secrets excepted

	Connections int           // most at once; default 256
	PDU         int           // octets of the largest request; default 4 MiB
	Pending     int           // requests under way for one connection; default 32
	Idle        time.Duration // a connection may say nothing for; default 1 h
	SizeLimit   int           // entries of one search by others than writers; 0 for no limit

	Log logrus.FieldLogger // default: none
	Now func() time.Time   // default: time.Now
}

func (c Config) check() (Config, error) {
	if c.Path == "" {
		return c, errors.New("embedded directory: no path")
	}
	if c.Suffix.Depth() == 0 {
		return c, fmt.Errorf("embedded directory: bad suffix %q", c.Suffix)
	}
	for _, dn := range append([]ldapschema.DN{c.RootDN}, c.Writers...) {
		if _, err := ldapschema.ParseDN(string(dn)); err != nil {
			return c, fmt.Errorf("embedded directory: %w", err)
		}
	}
	if (c.RootDN == "") != (c.RootPassword == "") {
		return c, errors.New("embedded directory: root DN and root password go together")
	}
	set := func(v *int, def int) {
		if *v <= 0 {
			*v = def
		}
	}
	set(&c.Connections, 256)
	set(&c.PDU, 4<<20)
	set(&c.Pending, 32)
	if c.Idle <= 0 {
		c.Idle = time.Hour
	}
	if c.Log == nil {
		silent := logrus.New()
		silent.SetLevel(logrus.PanicLevel)
		c.Log = silent
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}
