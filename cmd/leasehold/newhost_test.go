package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/starter"
	"github.com/leasehold/leasehold/conformance/setup"
)

// TestBackupNewHost loses everything but a backup: the folder, the LDAP server with
// the directory, and the data base or LDAP server with the records. Restored to
// another folder and other, empty servers, the federation goes on: a lease is there,
// another is made, both end, and the directory is as it was.
func TestBackupNewHost(t *testing.T) {
	t.Parallel()
	// replace is an empty slapd that knows the old one's password.
	replace := func(t *testing.T, old *setup.Slapd) *setup.Slapd {
		s := setup.StartSlapd(t)
		s.Password = old.Password
		s.Configure("rootpw " + old.Password)
		return s
	}
	t.Run("ldap", func(t *testing.T) {
		t.Parallel()
		d := setup.StartSlapd(t)
		place := config.Store{Kind: config.StoreLDAP, URL: d.URL, Bind: d.BindDN, Base: d.Base.Parent().Child("ou", "records")}
		newHost(t, d, place, d.Password, func() []string {
			d.Stop()
			next := replace(t, d)
			return []string{"--store", "--store-url", next.URL, "--directory", "--directory-url", next.URL}
		})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		d, p := setup.StartSlapd(t), setup.StartPostgres(t)
		url, password := p.Address(t)
		newHost(t, d, config.Store{Kind: config.StorePostgres, URL: url, Lease: 100 * time.Millisecond}, password, func() []string {
			d.Stop()
			p.Stop()
			next := setup.StartPostgres(t)
			url, _ := next.Address(t)
			if err := next.Exec("postgres", "ALTER USER leasehold PASSWORD '"+password+"'"); err != nil {
				t.Fatal(err)
			}
			return []string{"--store", "--store-url", url, "--directory", "--directory-url", replace(t, d).URL}
		})
	})
}

func newHost(t *testing.T, d *setup.Slapd, place config.Store, password string, lose func() []string) {
	s := newVictim(t)
	s.prepare(place, password, func(p *starter.Plan) {
		if err := os.WriteFile(p.Dir+"/slapd.password", []byte(d.Password), 0o600); err != nil {
			t.Fatal(err)
		}
		p.Remote = &config.Directory{URL: d.URL, Base: d.Base, Bind: d.BindDN, PasswordFile: "slapd.password"}
	})
	s.start()
	s.waitServing()
	empty := s.entries()
	lease := func(length string) string {
		id := uuid.NewString()
		order := manage.Order{Reservation: id, Slice: "kept", Type: string(starter.Type), Units: 2, Start: "+300ms", Length: length}
		if _, err := s.client.Request(t.Context(), order); err != nil {
			t.Fatal(err)
		}
		goal := manage.Goal{Ref: manage.Ref{Actor: "manager", Reservation: id}, States: []string{"Active"}, Timeout: time.Minute}
		if _, err := s.client.Wait(t.Context(), goal); err != nil {
			t.Fatalf("%v\n%s", err, s.log.String())
		}
		s.known.accept(id)
		return id
	}
	first := lease("1h")
	before := s.listing()
	dir := shortDir(t)
	file := filepath.Join(dir, "b.tar.gz")
	backup(t, "create", file, "--config", s.yaml())
	backup(t, "verify", file)
	s.kill()
	if err := os.RemoveAll(filepath.Dir(s.config.State)); err != nil {
		t.Fatal(err)
	}
	flags := lose()
	home := filepath.Join(dir, "new")
	backup(t, append([]string{"restore", file, home}, flags...)...)
	refusedBackup(t, "exist", append([]string{"restore", file, filepath.Join(dir, "again")}, flags...)...)
	c, err := config.Load(filepath.Join(home, "leasehold.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s.config, s.client = c, manage.NewClient(c.Admin)
	s.start()
	s.waitServing()
	r, err := s.client.Show(t.Context(), manage.Ref{Actor: "manager", Reservation: first})
	if err != nil || r.State != "Active" || len(r.Held) != 2 {
		t.Fatalf("the restored lease is %+v, %v", r, err)
	}
	if after := s.listing(); after != before {
		t.Errorf("the directory had\n%s\nand is restored with\n%s", before, after)
	}
	second := lease("1h")
	for _, id := range []string{first, second} {
		if _, err := s.client.Close(t.Context(), manage.Ref{Actor: "manager", Reservation: id}); err != nil {
			t.Error(err)
		}
	}
	s.settle()
	if after := s.entries(); after != empty {
		t.Errorf("without leases the directory had\n%s\nand in the end has\n%s", empty, after)
	}
	s.term()
}
