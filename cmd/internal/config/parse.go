package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/ldapschema"
)

// Parse reads a configuration. Name is what messages call the file. The error,
// if there is one, is Problems; the Config is then what could be read.
func Parse(name string, data []byte) (Config, error) {
	c, r := parse(name, data)
	return c, r.problems.err()
}

func parse(name string, data []byte) (Config, *reader) {
	r := &reader{file: name, places: map[string]place{}}
	root, ok := r.document(data)
	if !ok {
		return Config{}, r
	}
	o := root.object()
	if !o.given() {
		return Config{}, r
	}
	c := Config{
		Version: o.need("version").number(Version, Version, Version),
		State:   o.get("state").text("state"),
		Log:     readLog(o.get("log")),
		Store:   readStore(o.get("store")),
		Listen:  readListen(o.get("listen")),
	}
	c.Clock, c.Ticks = readClock(o.get("clock"))
	c.Directory = readDirectory(o.get("directory"))
	c.Admin = o.get("admin").text(filepath.Join(c.State, "admin.sock"))
	c.Metrics = o.get("metrics").text("")
	o.need("actors").list(func(_ int, v value) { c.Actors = append(c.Actors, readActor(v)) })
	o.get("peers").list(func(_ int, v value) { c.Peers = append(c.Peers, readPeer(v)) })
	o.get("registries").list(func(_ int, v value) { c.Registries = append(c.Registries, readMembership(v)) })
	o.done()
	checkAll(c, r)
	return c, r
}

func readLog(v value) Log {
	o := v.object()
	defer o.done()
	return Log{
		Level:  o.get("level").word("info", "debug", "warn", "error"),
		Format: o.get("format").word("text", "json"),
	}
}

const defaultAddress = "127.0.0.1:8180"

func readListen(v value) Listen {
	o := v.object()
	defer o.done()
	l := Listen{Address: o.get("address").hostPort(defaultAddress)}
	l.URL = strings.TrimRight(o.get("url").url("http://"+l.Address, "http", "https"), "/")
	return l
}

func readClock(v value) (c actors.Cycles, ticks string) {
	o := v.object()
	defer o.done()
	begin := o.get("begin").instant(time.UnixMilli(0).UTC())
	cycle := o.get("cycle").duration(time.Second, time.Millisecond)
	ticks = o.get("ticks").word(TicksWall, TicksExternal)
	return actors.Cycles{Begin: actors.Millis(begin.UnixMilli()), Length: actors.Millis(cycle.Milliseconds())}, ticks
}

func readDirectory(v value) *Directory {
	o := v.object()
	if !o.given() {
		return nil
	}
	defer o.done()
	d := &Directory{URL: "embedded"}
	where := o.get("url")
	switch s := where.text("embedded"); {
	case s == "embedded":
	case !strings.Contains(s, ":"):
		where.word("embedded")
	default:
		d.URL = where.url("embedded", "ldap", "ldaps")
	}
	d.Base = o.need("base").dn()
	if d.Embedded() {
		d.Listen = o.get("listen").hostPort("")
		d.Bind = o.get("bind").dn()
		d.PasswordFile = o.get("password_file").text("")
		return d
	}
	if l := o.get("listen"); l.given() {
		l.bad("is for an embedded directory; this one is at %s", d.URL)
	}
	d.Bind = o.need("bind").dn()
	d.PasswordFile = o.need("password_file").text("")
	return d
}

// dn is a distinguished name.
func (v value) dn() ldapschema.DN {
	return parsed(v, "", func(s string) (ldapschema.DN, error) {
		dn, err := ldapschema.ParseDN(s)
		if err != nil {
			return "", fmt.Errorf("is no name such as dc=example,dc=org: %w", err)
		}
		return dn, nil
	})
}
