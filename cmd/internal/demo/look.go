package demo

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/ldapschema"
)

// look is an operator at the directory, with a connection of his own.
type look struct {
	dir    *ldapdir.Dir
	url    string
	base   ldapschema.DN
	bind   string
	open   bool                   // anybody may read
	before map[ldapschema.DN]bool // names of the entries that were there at first
	host   ldapschema.DN          // the entry that was edited
}

func directory(url, base, bind string) config.Directory {
	return config.Directory{URL: url, Base: ldapschema.DN(base), Bind: ldapschema.DN(bind)}
}

// openLook connects and remembers what is there.
func openLook(ctx context.Context, c config.Config) (*look, error) {
	d := *c.Directory
	l := &look{url: d.URL, base: d.Base, bind: string(d.Bind), before: map[ldapschema.DN]bool{}}
	if d.Embedded() {
		l.url, l.open = "ldap://"+d.Listen, true
	}
	conf := ldapdir.Config{URL: l.url, BindDN: d.Bind}
	if d.PasswordFile != "" {
		data, err := os.ReadFile(d.PasswordFile)
		if err != nil {
			return nil, err
		}
		conf.Password = strings.TrimRight(string(data), "\r\n")
	}
	var err error
	if l.dir, err = ldapdir.Open(conf); err != nil {
		return nil, err
	}
	list, err := l.dir.List(ctx, l.base)
	if err != nil {
		l.close()
		return nil, err
	}
	for _, e := range list {
		l.before[e.DN.Normal()] = true
	}
	return l, nil
}

func (l *look) close() { _ = l.dir.Close() }

// command is what to type to look around.
func (l *look) command() string {
	if l.open || l.bind == "" {
		return fmt.Sprintf("ldapsearch -x -LLL -H %s -b '%s'", l.url, l.base)
	}
	return fmt.Sprintf("ldapsearch -x -LLL -H %s -D '%s' -W -b '%s'", l.url, l.bind, l.base)
}

// added lists the entries that were not there at first.
func (l *look) added(ctx context.Context) ([]ldapschema.Entry, error) {
	list, err := l.dir.List(ctx, l.base)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list, func(e ldapschema.Entry) bool { return l.before[e.DN.Normal()] }), nil
}

// nodes are the hosts among entries.
func nodes(entries []ldapschema.Entry) []ldapschema.Entry {
	return slices.DeleteFunc(slices.Clone(entries), func(e ldapschema.Entry) bool {
		return !slices.ContainsFunc(e.Values("objectClass"), func(c string) bool { return strings.EqualFold(c, "ipHost") })
	})
}

// describe writes a description into the first host's entry.
func (l *look) describe(ctx context.Context, text string) (ldapschema.DN, error) {
	added, err := l.added(ctx)
	if err != nil {
		return "", err
	}
	hosts := nodes(added)
	if len(hosts) == 0 {
		return "", fmt.Errorf("there is no host in the directory")
	}
	l.host = hosts[0].DN
	return l.host, l.dir.Apply(ctx, ldapschema.Change{Kind: ldapschema.Modify, DN: l.host,
		Mods: []ldapschema.Mod{{Op: ldapschema.ModReplace, Attr: "description", Values: []string{text}}}})
}

// described reports whether the description is still there.
func (l *look) described(ctx context.Context, text string) (bool, error) {
	e, err := l.dir.Read(ctx, l.host)
	return err == nil && e.Get("description") == text, err
}
