package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/starter"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/wssec"
)

// withLease starts a server with a store and leases two hosts on it for an hour.
func withLease(t *testing.T, place config.Store, password string) (s *victim, id string) {
	t.Helper()
	s = newVictim(t)
	s.prepare(place, password)
	s.start()
	t.Cleanup(func() { _ = s.process.Kill(); _ = s.wait() })
	s.waitServing()
	id = uuid.NewString()
	_, err := s.client.Request(t.Context(), manage.Order{Reservation: id, Slice: "kept", Type: string(starter.Type), Units: 2, Start: "+300ms", Length: "1h"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.Wait(t.Context(), manage.Goal{Ref: manage.Ref{Actor: "manager", Reservation: id}, States: []string{"Active"}, Timeout: time.Minute}); err != nil {
		t.Fatalf("%v\n%s", err, s.log.String())
	}
	return s, id
}

// backup runs a backup command that should succeed, and is what it prints.
func backup(t *testing.T, args ...string) (m manifest) {
	t.Helper()
	code, out, errs := call(t, append([]string{"backup", "--json"}, args...)...)
	if code != 0 {
		t.Fatalf("backup %v: exit %d: %s", args, code, errs)
	}
	if err := json.Unmarshal([]byte(out), &m); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return m
}

// refusedBackup runs a backup command that should fail and say why.
func refusedBackup(t *testing.T, says string, args ...string) {
	t.Helper()
	code, out, errs := call(t, append([]string{"backup"}, args...)...)
	if code == 0 || !strings.Contains(errs, says) {
		t.Errorf("backup %v: exit %d, wants to say %q: %s%s", args, code, says, out, errs)
	}
}

// shortDir is a folder whose path is short enough for a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lh-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// TestBackup makes a backup of a running server with a lease, restores it in an empty
// folder, and starts a server there: the lease goes on and ends, and the directory
// is as it was.
func TestBackup(t *testing.T) {
	t.Parallel()
	s, id := withLease(t, config.Store{}, "")
	dir := shortDir(t)
	file := filepath.Join(dir, "b.tar.gz")
	seen := map[string][]byte{} // as if peers had been here that can do without SHA-1
	for i, a := range s.config.Actors {
		seen[a.Name] = wssec.RequestsRecord(fmt.Sprintf("%08d-0000-4000-8000-000000000000", i))
		if err := os.WriteFile(filepath.Join(s.config.State, wiring.JournalFile(a.Name)), seen[a.Name], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := backup(t, "create", file, "--config", s.yaml())
	if len(m.Actors) != 3 || m.Directory == nil || *m.Directory < 10 || m.Store != "bbolt" {
		t.Errorf("the backup has %+v", m)
	}
	for _, a := range m.Actors {
		if a.Records == 0 {
			t.Errorf("no records of %s", a.Name)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
		t.Errorf("the file is %v, %v", info, err)
	}
	refusedBackup(t, "exist", "create", file, "--config", s.yaml())
	if v := backup(t, "verify", file); fmt.Sprint(v.Actors) != fmt.Sprint(m.Actors) || *v.Directory != *m.Directory {
		t.Errorf("verified %+v, made %+v", v, m)
	}
	before := s.listing()
	s.term()
	// Without a server the files themselves are read.
	off := backup(t, "create", filepath.Join(dir, "off.tar.gz"), "--config", s.yaml())
	if fmt.Sprint(off.Actors) != fmt.Sprint(m.Actors) || *off.Directory != *m.Directory {
		t.Errorf("made without a server: %+v; with it: %+v", off, m)
	}

	refusedBackup(t, "is not empty", "restore", file, dir)
	refusedBackup(t, "kept in a file", "restore", file, filepath.Join(dir, "s"), "--store")
	home := filepath.Join(dir, "new")
	backup(t, "restore", file, home)
	refusedBackup(t, "is not empty", "restore", file, home)
	if list, err := os.ReadDir(dir); err != nil || len(list) != 3 {
		t.Errorf("beside two backups and a restored folder there are %v, %v", list, err)
	}
	if err := os.RemoveAll(filepath.Dir(s.config.State)); err != nil { // the old host is gone
		t.Fatal(err)
	}
	c, err := config.Load(filepath.Join(home, "leasehold.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range c.Actors {
		kept, err := os.ReadFile(filepath.Join(home, "state", wiring.JournalFile(a.Name)))
		if err != nil || string(kept) != string(seen[a.Name]) {
			t.Errorf("the journal of %s: %d octets, of %d, %v", a.Name, len(kept), len(seen[a.Name]), err)
		}
	}
	s.config, s.client = c, manage.NewClient(c.Admin)
	s.start()
	s.waitServing()
	r, err := s.client.Show(t.Context(), manage.Ref{Actor: "manager", Reservation: id})
	if err != nil || r.State != "Active" || len(r.Held) != 2 {
		t.Fatalf("the restored lease is %+v, %v", r, err)
	}
	if after := s.listing(); after != before {
		t.Errorf("the directory had\n%s\nand is restored with\n%s", before, after)
	}
	if _, err := s.client.Close(t.Context(), manage.Ref{Actor: "manager", Reservation: id}); err != nil {
		t.Fatal(err)
	}
	s.settle()
	s.term()
}

// listing is the names in the directory as they are now.
func (s *victim) listing() string {
	file := filepath.Join(s.t.TempDir(), "ldif")
	if _, err := (backupSource{conf: s.config, socket: s.config.Admin}).directory(s.t.Context(), file); err != nil {
		s.t.Fatal(err)
	}
	list, err := readDirectory(file)
	if err != nil {
		s.t.Fatal(err)
	}
	var out strings.Builder
	for _, e := range list {
		fmt.Fprintln(&out, e.DN)
	}
	return out.String()
}

// TestBackupElsewhere backs up records that a data base or a directory server keeps,
// while the server runs, and writes them back.
func TestBackupElsewhere(t *testing.T) {
	t.Parallel()
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		server := setup.StartPostgres(t)
		url, password := server.Address(t)
		elsewhere(t, config.Store{Kind: config.StorePostgres, URL: url, Lease: 100 * time.Millisecond}, password, func() {
			name := url[strings.LastIndexByte(url, '/')+1 : strings.IndexByte(url, '?')]
			if err := server.Exec(name, "DROP TABLE leasehold_record, leasehold_fence, leasehold_schema"); err != nil {
				t.Fatal(err)
			}
		})
	})
	t.Run("ldap", func(t *testing.T) {
		t.Parallel()
		s := setup.StartSlapd(t)
		base := s.Base.Parent().Child("ou", "records")
		elsewhere(t, config.Store{Kind: config.StoreLDAP, URL: s.URL, Bind: s.BindDN, Base: base}, s.Password, func() {
			ldapdelete(t, s, string(base))
		})
	})
}

func elsewhere(t *testing.T, place config.Store, password string, lose func()) {
	s, id := withLease(t, place, password)
	dir := shortDir(t)
	file := filepath.Join(dir, "b.tar.gz")
	m := backup(t, "create", file, "--config", s.yaml())
	if v := backup(t, "verify", file); fmt.Sprint(v.Actors) != fmt.Sprint(m.Actors) || v.Actors[0].Records == 0 {
		t.Errorf("verified %+v, made %+v", v, m)
	}
	if _, err := s.client.Show(t.Context(), manage.Ref{Actor: "manager", Reservation: id}); err != nil {
		t.Errorf("the backup disturbed the server: %v", err)
	}
	s.term()
	refusedBackup(t, "exist", "restore", file, filepath.Join(dir, "a"), "--store")
	backup(t, "restore", file, filepath.Join(dir, "a"))
	lose()
	backup(t, "restore", file, filepath.Join(dir, "b"), "--store")
	c, err := config.Load(filepath.Join(dir, "b", "leasehold.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s.config, s.client = c, manage.NewClient(c.Admin)
	s.start()
	s.waitServing()
	if r, err := s.client.Show(t.Context(), manage.Ref{Actor: "manager", Reservation: id}); err != nil || r.State != "Active" {
		t.Errorf("the restored lease is %+v, %v", r, err)
	}
	s.term()
}

// ldapdelete removes a subtree with the operator's tool.
func ldapdelete(t *testing.T, s *setup.Slapd, base string) {
	t.Helper()
	out, err := exec.Command(setup.Tool(t, "ldapdelete"), "-x", "-r", "-H", s.URL, "-D", string(s.BindDN), "-w", s.Password, base).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// TestDamagedBackup cuts a backup off everywhere and changes octets in it: each time
// it is refused, and nothing is left behind.
func TestDamagedBackup(t *testing.T) {
	t.Parallel()
	s := newVictim(t)
	s.prepare(config.Store{}, "")
	if err := os.MkdirAll(s.config.State, 0o700); err != nil {
		t.Fatal(err)
	}
	refusedBackup(t, "has the server ever run?", "create", filepath.Join(shortDir(t), "b"), "--config", s.yaml())
	s, _ = withLease(t, config.Store{}, "")
	dir := shortDir(t)
	file := filepath.Join(dir, "b.tar.gz")
	backup(t, "create", file, "--config", s.yaml())
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(dir, "bad.tar.gz")
	try := func(what string, data []byte) {
		t.Helper()
		if err := os.WriteFile(bad, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if code, out, _ := call(t, "backup", "verify", bad); code == 0 {
			t.Errorf("%s: %s", what, out)
		}
		if code, _, _ := call(t, "backup", "restore", bad, filepath.Join(dir, "to")); code == 0 {
			t.Errorf("%s: it was restored", what)
		}
		if list, err := os.ReadDir(dir); err != nil || len(list) != 2 {
			t.Fatalf("%s: there is more than two files: %v, %v", what, list, err)
		}
	}
	step := max(len(whole)/12, 1)
	for n := 0; n < len(whole); n += step {
		try(fmt.Sprintf("the first %d octets of %d", n, len(whole)), whole[:n])
		if n > 10 { // what stands before is only the time of the compression
			spoilt := bytes.Clone(whole)
			spoilt[n] ^= 0x20
			try(fmt.Sprintf("octet %d of %d changed", n, len(whole)), spoilt)
		}
	}
	try("the last octet missing", whole[:len(whole)-1])
	for what, edit := range map[string]func(name string, data []byte) (string, []byte){
		"a key changed": func(name string, data []byte) (string, []byte) {
			if strings.HasSuffix(name, "identity.pem") {
				data[100] ^= 1
			}
			return name, data
		},
		"a file that leaves the folder": func(name string, data []byte) (string, []byte) {
			return strings.Replace(name, "original.yaml", "../original.yaml", 1), data
		},
		"an absolute name": func(name string, data []byte) (string, []byte) {
			return strings.Replace(name, "original.yaml", dir+"/x", 1), data
		},
		"a newer format": func(name string, data []byte) (string, []byte) {
			return name, bytes.Replace(data, []byte(`"format": 1,`), []byte(`"format": 2,`), 1)
		},
		"a record counted that is not there": func(name string, data []byte) (string, []byte) {
			return name, bytes.Replace(data, []byte(`"records": `), []byte(`"records": 1`), 1)
		},
		"a file twice": func(name string, data []byte) (string, []byte) {
			return strings.Replace(name, "original.yaml", "leasehold.yaml", 1), data
		},
		"no manifest": func(name string, data []byte) (string, []byte) {
			return strings.Replace(name, "manifest.json", "other.json", 1), data
		},
	} {
		try(what, rearchive(t, whole, edit))
	}
}

// rearchive is an archive with its files edited.
func rearchive(t *testing.T, whole []byte, edit func(string, []byte) (string, []byte)) []byte {
	t.Helper()
	gz, err := gzip.NewReader(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	w := tar.NewWriter(packed)
	for r := tar.NewReader(gz); ; {
		h, err := r.Next()
		if err != nil {
			break
		}
		var data bytes.Buffer
		if _, err := data.ReadFrom(r); err != nil {
			t.Fatal(err)
		}
		name, text := edit(h.Name, data.Bytes())
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(text)), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	packed.Close()
	return out.Bytes()
}
