/*
Package ldapvalue is the driver that keeps one value in an entry of an LDAP directory: a member
of a group, a host that an account may use. The entry itself is somebody else's and stays.
*/
package ldapvalue

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
)

// Names of the parameters.
const (
	URL          = "ldap.url"
	StartTLS     = "ldap.starttls"
	Bind         = "ldap.bind"
	PasswordFile = "ldap.password_file"
	Entry        = "ldap.entry"
	Attribute    = "ldap.attribute"
	Value        = "ldap.value"
)

// Driver is the driver.
type Driver struct {
	TLS     *tls.Config   // for ldaps and StartTLS; nil trusts what the machine trusts
	Timeout time.Duration // of connecting and of each question; 0 means 10 s
}

// Info lists d in a catalogue.
func (d Driver) Info() handlers.Info {
	return handlers.Info{Name: "ldapvalue", Doc: "Keeps a value in an entry of an LDAP directory.", Driver: d, Params: []handlers.Param{
		{Name: URL, Site: true, Need: true, Doc: "the server: ldap://, ldaps:// or ldapi://"},
		{Name: StartTLS, Site: true, Default: "false", Doc: "true encrypts a connection of ldap://"},
		{Name: Bind, Site: true, Doc: "who we are there; nobody in particular when nothing is said"},
		{Name: PasswordFile, Site: true, Doc: "file with the password, on the machine of this program"},
		{Name: Entry, Site: true, Need: true, Doc: "the entry's distinguished name"},
		{Name: Attribute, Site: true, Need: true, Doc: "the attribute, such as memberUid"},
		{Name: Value, Site: true, Need: true, Doc: "the value that it has while the unit is up"},
	}}
}

// Setup adds the value if it is not there.
func (d Driver) Setup(ctx context.Context, _ run.Runner, p handlers.Params) (handlers.Result, error) {
	return d.reach(ctx, p, func(r *ldap.ModifyRequest, attribute, value string) { r.Add(attribute, []string{value}) },
		ldap.LDAPResultAttributeOrValueExists)
}

// Teardown takes the value out. An entry that is gone has it no more.
func (d Driver) Teardown(ctx context.Context, _ run.Runner, p handlers.Params) (handlers.Result, error) {
	return d.reach(ctx, p, func(r *ldap.ModifyRequest, attribute, value string) { r.Delete(attribute, []string{value}) },
		ldap.LDAPResultNoSuchAttribute, ldap.LDAPResultNoSuchObject)
}

// reach makes one change; answers that say that it is made already are success.
func (d Driver) reach(ctx context.Context, p handlers.Params, change func(*ldap.ModifyRequest, string, string), already ...uint16) (handlers.Result, error) {
	var w [3]string
	for i, name := range []string{Entry, Attribute, Value} {
		v, err := p.Need(name)
		if err != nil {
			return handlers.Result{}, err
		}
		w[i] = v
	}
	if _, err := ldap.ParseDN(w[0]); err != nil {
		return handlers.Result{}, fmt.Errorf("ldapvalue: %.100q is no distinguished name: %w", w[0], err)
	}
	c, err := d.dial(ctx, p)
	if err != nil {
		return handlers.Result{}, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	r := ldap.NewModifyRequest(w[0], nil)
	change(r, w[1], w[2])
	if err = c.Modify(r); err != nil && ldap.IsErrorAnyOf(err, already...) {
		err = nil
	}
	if err != nil {
		return handlers.Result{}, fmt.Errorf("ldapvalue: %s of %s: %w", w[1], w[0], errors.Join(ctx.Err(), err))
	}
	return handlers.Result{Done: true}, nil
}

func (d Driver) dial(ctx context.Context, p handlers.Params) (*ldap.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	text, err := p.Need(URL)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("ldapvalue: %.100q is no address", text)
	}
	timeout := d.Timeout
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	conf := d.TLS.Clone()
	if conf == nil {
		conf = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if conf.ServerName == "" {
		conf.ServerName = u.Hostname()
	}
	c, err := ldap.DialURL(text, ldap.DialWithDialer(&net.Dialer{Timeout: timeout}), ldap.DialWithTLSConfig(conf))
	if err != nil {
		return nil, fmt.Errorf("ldapvalue: %w", err)
	}
	c.SetTimeout(timeout)
	if p[StartTLS] == "true" {
		err = c.StartTLS(conf)
	}
	if err == nil && p[Bind] != "" {
		var password []byte
		if file := p[PasswordFile]; file != "" {
			password, err = os.ReadFile(file)
		}
		if err == nil {
			err = c.Bind(p[Bind], strings.TrimRight(string(password), "\r\n"))
		}
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("ldapvalue: %w", err)
	}
	return c, nil
}
