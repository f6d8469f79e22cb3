package config

import (
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/leasehold/leasehold/ldapschema"
)

// The kinds of store.
const (
	StoreBolt     = "bbolt"    // actors.db in State
	StoreMemory   = "memory"   // nothing outlives the process
	StoreLDAP     = "ldap"     // a directory server
	StorePostgres = "postgres" // PostgreSQL, or what speaks its protocol
)

// Store says where the actors keep their records.
type Store struct {
	Kind         string        // StoreBolt (default) or another of the kinds
	URL          string        // ldap: ldap://host:port or ldaps://host:port; postgres: postgres://user@host:port/database
	Base         ldapschema.DN // ldap: the entry everything is put under
	Bind         ldapschema.DN // ldap: whom we bind as
	PasswordFile string        // ldap, postgres: one line; must not be readable by others
	Standby      bool          // postgres: wait until whoever has the actors is gone; default false
	Lease        time.Duration // postgres: how long a process that went silent keeps its actors; default 3s
}

func readStore(v value) Store {
	o := v.object()
	defer o.done()
	s := Store{Kind: o.get("kind").word(StoreBolt, StoreMemory, StoreLDAP, StorePostgres)}
	switch s.Kind {
	case StoreLDAP:
		s.URL = o.need("url").url("", "ldap", "ldaps")
		s.Base = o.need("base").dn()
		s.Bind = o.need("bind").dn()
		s.PasswordFile = o.need("password_file").text("")
	case StorePostgres:
		s.URL = o.need("url").database()
		s.PasswordFile = o.get("password_file").text("")
		s.Standby = o.get("standby").word("false", "true") == "true"
		s.Lease = o.get("lease").duration(3*time.Second, 100*time.Millisecond)
	}
	for _, key := range []string{"url", "base", "bind", "password_file", "standby", "lease"} {
		if !o.has(key) || slices.Contains(o.asked, key) {
			continue
		}
		o.r.addAt(o.keyAt[key], join(o.path, key), "", "is not for a store of kind %s", s.Kind)
		o.get(key)
	}
	return s
}

// database is the address of a data base, without a password.
func (v value) database() string {
	return parsed(v, "", func(s string) (string, error) {
		u, err := url.Parse(s)
		switch {
		case err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Hostname() == "" || len(u.Path) < 2 || u.Fragment != "":
			return "", fmt.Errorf("is not an address such as postgres://user@host.example.org:5432/database")
		case u.Query().Has("password"):
			return "", fmt.Errorf("holds a password; secrets belong in files")
		}
		if _, secret := u.User.Password(); secret {
			return "", fmt.Errorf("holds a password; secrets belong in files")
		}
		return s, nil
	})
}

func (w *writer) store(s Store) {
	w.head("Where the actors keep their records: bbolt (a file in the state folder), ldap,", "postgres, or memory, which forgets.")
	if s == (Store{}) || s == (Store{Kind: StoreBolt}) || s == (Store{Kind: StoreMemory}) {
		kind := s.Kind
		if kind == "" {
			kind = StoreBolt
		}
		w.line(0, "store: {kind: %s}", kind)
		return
	}
	w.line(0, "store:")
	w.line(1, "kind: %s", s.Kind)
	w.optional(1, "url", s.URL)
	w.optional(1, "base", string(s.Base))
	w.optional(1, "bind", string(s.Bind))
	w.optional(1, "password_file", s.PasswordFile)
	if s.Standby {
		w.line(1, "standby: true")
	}
	if s.Lease > 0 {
		w.line(1, "lease: %s", s.Lease)
	}
}
