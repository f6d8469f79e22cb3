package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store/bbolt"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/leasehold/leasehold/ldapschema"
	"github.com/sirupsen/logrus"
)

// createBackup makes a backup of the server with that configuration file. An admin
// socket other than the configuration's may be given.
func createBackup(ctx context.Context, path, socket, file string) (m manifest, err error) {
	conf, err := config.Load(path)
	if err != nil {
		return m, err
	}
	if socket == "" {
		socket = conf.Admin
	}
	if _, err := os.Lstat(file); err == nil {
		return m, fmt.Errorf("%s: %w; choose another name", file, fs.ErrExist)
	}
	work, err := os.MkdirTemp(filepath.Dir(file), ".backup-") // mode 0700
	if err != nil {
		return m, err
	}
	defer os.RemoveAll(work)
	m = manifest{Program: version, Store: conf.Store.Kind}
	m.Host, _ = os.Hostname()
	server := backupSource{conf: conf, socket: socket}
	// The directory first: a lease made in between is then in the records alone, and
	// the restored server puts its entries where they are missing.
	if conf.Directory != nil {
		n, err := server.directory(ctx, filepath.Join(work, directoryName))
		if err != nil {
			return m, fmt.Errorf("directory: %w", err)
		}
		m.Directory = &n
	}
	if err := server.records(ctx, filepath.Join(work, recordsName)); err != nil {
		return m, fmt.Errorf("records: %w", err)
	}
	if m.Actors, err = count(ctx, conf, filepath.Join(work, recordsName)); err != nil {
		return m, fmt.Errorf("records: %w", err)
	}
	// After the records: what was taken before is not taken again.
	for _, a := range conf.Actors {
		if err := copyJournal(filepath.Join(conf.State, wiring.JournalFile(a.Name)), filepath.Join(work, wiring.JournalFile(a.Name))); err != nil {
			return m, fmt.Errorf("journal of %s: %w", a.Name, err)
		}
	}
	part := filepath.Join(work, "archive")
	if m, err = pack(part, m, path, conf, work); err != nil {
		return m, err
	}
	// A link, unlike a rename, never takes the place of a file that came meanwhile.
	if err := os.Link(part, file); err != nil {
		return m, err
	}
	return m, nil
}

// pack writes the archive.
func pack(part string, m manifest, path string, conf config.Config, work string) (manifest, error) {
	out, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return m, err
	}
	defer out.Close()
	a := newArchive(out, time.Now().UTC().Truncate(time.Second))
	m.Made = a.made
	moved, files, err := portable(conf)
	if err != nil {
		return m, err
	}
	text := moved.YAML()
	if err := a.add(configName, int64(len(text)), strings.NewReader(string(text))); err != nil {
		return m, err
	}
	if err := a.addFile(originalName, path); err != nil {
		return m, err
	}
	for _, f := range files {
		// A result may be dropped meanwhile, with the unit that it is of.
		if err := a.addFile(f.name, f.path); err != nil && !(errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(f.name, "state/results/")) {
			return m, err
		}
	}
	for _, name := range []string{directoryName, recordsName} {
		if err := a.addFile(name, filepath.Join(work, name)); err != nil && !(name == directoryName && conf.Directory == nil) {
			return m, err
		}
	}
	if conf.Ticks == config.TicksExternal {
		// A clock that has never been moved has no file.
		if err := a.addFile(moved.State+"/"+wiring.ClockFile, filepath.Join(conf.State, wiring.ClockFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return m, err
		}
	}
	if len(conf.Registries) > 0 {
		// Before a registry has listed anybody there is no file.
		if err := a.addFile(moved.State+"/"+wiring.LearnedFile, filepath.Join(conf.State, wiring.LearnedFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return m, err
		}
	}
	for _, actor := range conf.Actors {
		name := wiring.JournalFile(actor.Name)
		if err := a.addFile(moved.State+"/"+name, filepath.Join(work, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return m, err
		}
	}
	return m, errors.Join(a.close(m), out.Sync(), out.Close())
}

// copyJournal copies a journal that a server may be writing to: what is there now. A
// last record that is cut short is cut off when it is read. No journal is no error.
func copyJournal(from, to string) error {
	in, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// named is a file and its name in the archive.
type named struct{ name, path string }

// portable is c with every path starting from the folder the file will lie in, and
// the files at those paths.
func portable(c config.Config) (config.Config, []named, error) {
	var files []named
	before := c
	take := func(p *string, name string) {
		if *p != "" {
			files = append(files, named{name, *p})
			*p = name
		}
	}
	if rel, err := filepath.Rel(c.State, c.Admin); err == nil && filepath.IsLocal(rel) {
		c.Admin = "" // where it is by default
	}
	c.State = "state"
	take(&c.Store.PasswordFile, "secrets/store")
	if c.Directory != nil {
		d := *c.Directory
		take(&d.PasswordFile, "secrets/directory")
		c.Directory = &d
	}
	own := append([]config.Actor(nil), c.Actors...)
	for i, a := range own {
		dir := "keys/" + a.Name
		list, err := folder(dir, a.Keys)
		if err != nil {
			return c, nil, err
		}
		files = append(files, list...)
		own[i].Keys = dir
		if a.Handler != nil {
			h, list, err := portableHandler(a.Name, *a.Handler, wiring.ResultsFolder(before, a.Name))
			if err != nil {
				return c, nil, err
			}
			own[i].Handler, files = &h, append(files, list...)
		}
		if a.COD != nil {
			moved := *a.COD
			take(&moved.Guests.SecretFile, "secrets/guests-"+a.Name)
			own[i].COD = &moved
		}
		own[i].Sources = append([]string(nil), a.Sources...)
		for j := range a.Sources {
			take(&own[i].Sources[j], fmt.Sprintf("tickets/%s-%d.ticket", a.Name, j+1))
		}
	}
	c.Actors = own
	others := append([]config.Peer(nil), c.Peers...)
	for i, p := range others {
		others[i].Certificates = append([]string(nil), p.Certificates...)
		for j := range p.Certificates {
			name := "peers/" + p.Name + ".pem"
			if j > 0 {
				name = fmt.Sprintf("peers/%s-%d.pem", p.Name, j+1)
			}
			take(&others[i].Certificates[j], name)
		}
	}
	c.Peers = others
	return c, files, nil
}

// backupSource gets copies from a running server, or makes them when there is none.
type backupSource struct {
	conf   config.Config
	socket string
}

// errNoServer says that nobody serves the admin socket.
var errNoServer = errors.New("no server is running")

// fetch copies what the server gives out at a path.
func (s backupSource) fetch(ctx context.Context, at, file string) error {
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", s.socket)
	}}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://leasehold"+at, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return errNoServer
	}
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 1000))
		return fmt.Errorf("the server answers %s: %s", res.Status, strings.TrimSpace(string(text)))
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, res.Body)
	return errors.Join(err, f.Close())
}

// records makes a file with the records of all actors.
func (s backupSource) records(ctx context.Context, file string) error {
	if s.conf.Store.Kind == config.StoreBolt {
		if err := s.fetch(ctx, wiring.CopyStorePath, file); !errors.Is(err, errNoServer) {
			return err
		}
	}
	err := wiring.CopyStore(ctx, s.conf, file)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w (has the server ever run?)", err)
	}
	return err
}

// directory makes a file with the entries of the directory, and counts them.
func (s backupSource) directory(ctx context.Context, file string) (int, error) {
	err := s.fetch(ctx, wiring.CopyDirectoryPath, file)
	if err == nil {
		list, err := readDirectory(file)
		return len(list), err
	}
	if !errors.Is(err, errNoServer) {
		return 0, err
	}
	list, err := wiring.CopyDirectory(ctx, s.conf, silent())
	if err != nil {
		return 0, err
	}
	return len(list), os.WriteFile(file, []byte(ldapschema.LDIF(list)), 0o600)
}

// readDirectory reads the entries of a backup.
func readDirectory(file string) ([]ldapschema.Entry, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ldapschema.ParseLDIF(f, ldapschema.LDIFLimits{Bytes: 1 << 32, Line: 64 << 20, Entries: 100_000_000, Values: 10_000_000})
}

// count lists the actors of a configuration and how many records each has in a file.
// Actors that the file has besides are listed too: they may come back one day.
func count(ctx context.Context, conf config.Config, file string) ([]manifestActor, error) {
	f, err := bbolt.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	records := map[string]int{}
	if err := f.Snapshot(ctx, func(actor string, _ actors.Stored) error { records[actor]++; return nil }); err != nil {
		return nil, err
	}
	var out []manifestActor
	for _, a := range conf.Actors {
		out = append(out, manifestActor{a.Name, string(a.GUID), a.Role.String(), records[a.Name]})
		delete(records, a.Name)
	}
	names, err := f.Actors()
	for _, name := range names {
		if n := records[name]; n > 0 {
			out = append(out, manifestActor{Name: name, Records: n})
		}
	}
	return out, err
}

// silent is a log that nobody reads.
func silent() logrus.FieldLogger {
	l := logrus.New()
	l.SetOutput(io.Discard)
	return l
}
