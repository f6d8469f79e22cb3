package ldapschema

import (
	"crypto/sha1"
	"encoding/base64"
	"slices"
	"strconv"
)

// An AccountRecord is one person's account on the nodes of a slice.
type AccountRecord struct {
	UID      string // login name
	Name     string // full name, cn
	Surname  string // sn; the login name when empty
	Number   int    // uidNumber
	Group    int    // gidNumber
	Home     string // "/home/<UID>" when empty
	Shell    string
	Mail     string
	Password string   // as the server stores it ([StoredPassword]), or empty
	Keys     []string // public keys that log in, as authorized_keys holds them
	Mark
}

// Account is the entry uid=UID: inetOrgPerson, so that every tool shows it as a
// person, posixAccount and shadowAccount, so that nodes know it, and ldapPublicKey when it has keys.
func Account(under DN, a AccountRecord) (Entry, error) {
	name, sn, home := a.Name, a.Surname, a.Home
	if name == "" {
		name = a.UID
	}
	if sn == "" {
		sn = a.UID
	}
	if home == "" {
		home = "/home/" + a.UID
	}
	b := New(under.Child("uid", a.UID), "top", "person", "organizationalPerson", "inetOrgPerson", "posixAccount", "shadowAccount")
	if len(a.Keys) > 0 {
		b.Class("ldapPublicKey").Set("sshPublicKey", a.Keys...)
	}
	return b.Set("cn", name).
		Set("sn", sn).
		Set("uidNumber", strconv.Itoa(a.Number)).
		Set("gidNumber", strconv.Itoa(a.Group)).
		Set("homeDirectory", home).
		Set("loginShell", a.Shell).
		Set("mail", a.Mail).
		Set("userPassword", a.Password).
		mark(a.Mark).
		Build()
}

// ParseAccount reads an account's entry back.
func ParseAccount(e Entry) (AccountRecord, error) {
	r := reader{e: e}
	r.class("posixAccount")
	a := AccountRecord{
		UID: r.text("uid"), Name: r.text("cn"), Surname: r.text("sn"), Number: int(r.number("uidNumber")),
		Group: int(r.number("gidNumber")), Home: r.text("homeDirectory"), Shell: r.text("loginShell"),
		Mail: r.text("mail"), Password: r.text("userPassword"), Keys: e.Values("sshPublicKey"), Mark: markOf(&r),
	}
	if r.err != nil {
		return AccountRecord{}, r.err
	}
	return a, nil
}

// StoredPassword is a password as servers store it: salted SHA-1 ({SSHA}), which all of
// them know, and which is enough for a password that nobody can guess. It is for those.
func StoredPassword(password string, salt []byte) string {
	sum := sha1.Sum(slices.Concat([]byte(password), salt))
	return "{SSHA}" + base64.StdEncoding.EncodeToString(slices.Concat(sum[:], salt))
}

// A GroupRecord is one group of accounts.
type GroupRecord struct {
	Name    string
	Number  int      // gidNumber
	Members []string // login names
	// Entries are the members' entries, one at least, for a directory with RFC 2307bis; nil
	// for one with RFC 2307.
	Entries []DN
	Mark
}

// Group is the entry cn=Name of class posixGroup, and of class groupOfNames where the
// directory has RFC 2307bis. Programs that understand either find the members.
func Group(under DN, g GroupRecord) (Entry, error) {
	b := New(under.Child("cn", g.Name), "top")
	if len(g.Entries) > 0 {
		b.Class("groupOfNames")
	}
	for _, dn := range g.Entries {
		b.Set("member", string(dn))
	}
	return b.Class("posixGroup").
		Set("gidNumber", strconv.Itoa(g.Number)).
		Set("memberUid", g.Members...).
		mark(g.Mark).
		Build()
}

// ParseGroup reads a group's entry back.
func ParseGroup(e Entry) (GroupRecord, error) {
	r := reader{e: e}
	r.class("posixGroup")
	g := GroupRecord{Name: r.text("cn"), Number: int(r.number("gidNumber")), Members: e.Values("memberUid"), Mark: markOf(&r)}
	for _, dn := range e.Values("member") {
		g.Entries = append(g.Entries, DN(dn))
	}
	if r.err != nil {
		return GroupRecord{}, r.err
	}
	return g, nil
}

// Members is the entry cn=name of class groupOfNames: people or programs by their
// entries, as access rules of servers use them.
func Members(under DN, name string, members ...DN) (Entry, error) {
	b := New(under.Child("cn", name), "top", "groupOfNames")
	for _, m := range members {
		b.Set("member", string(m))
	}
	return b.Build()
}

// Daemon is the entry cn=name by which a program binds with a password, given as
// the server is to store it.
func Daemon(under DN, name, password string) (Entry, error) {
	return New(under.Child("cn", name), "top", "applicationProcess", "simpleSecurityObject").
		Need("userPassword", password).
		Build()
}

// A Mount is one line of an automount map.
type Mount struct {
	Key         string // directory, or "*" for any
	Information string // options and place: "-rw,hard nfs1:/export/home/&"
}

// AutomountMap is the entry automountMapName=name; its mounts lie below it.
func AutomountMap(under DN, name string) (Entry, error) {
	return New(under.Child("automountMapName", name), "top", "automountMap").Build()
}

// AutomountEntry is the entry automountKey=Key below its map's entry.
func AutomountEntry(under DN, m Mount) (Entry, error) {
	return New(under.Child("automountKey", m.Key), "top", "automount").
		Need("automountInformation", m.Information).
		Build()
}
