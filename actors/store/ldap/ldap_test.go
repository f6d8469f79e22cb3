package ldap_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/actors/store/ldap"
	"github.com/leasehold/leasehold/actors/store/storetest"
	"github.com/leasehold/leasehold/cod/directory/embedded"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

// onSlapd is a real OpenLDAP, its tree still to be made.
func onSlapd(t testing.TB) (ldap.Config, *setup.Slapd) {
	t.Helper()
	s := setup.StartSlapd(t)
	cfg := ldap.Config{Server: ldapdir.Config{URL: s.URL, BindDN: s.BindDN, Password: s.Password, Timeout: 30 * time.Second},
		Base: s.Base.Parent().Child("ou", "records")}
	return cfg, s
}

// onEmbedded is the program's own server.
func onEmbedded(t testing.TB) ldap.Config {
	t.Helper()
	const suffix, admin = ldapschema.DN("dc=test"), ldapschema.DN("cn=admin,dc=test")
	s, err := embedded.Open(embedded.Config{Path: filepath.Join(t.TempDir(), "db"), Suffix: suffix, Listen: "127.0.0.1:0", RootDN: admin, RootPassword: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	top, err := ldapschema.Base(suffix, "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Local(admin).Apply(t.Context(), ldapschema.Change{Kind: ldapschema.Add, DN: suffix, Attrs: top.Attrs}); err != nil {
		t.Fatal(err)
	}
	return ldap.Config{Server: ldapdir.Config{URL: s.URL(), BindDN: admin, Password: "secret"}, Base: suffix.Child("ou", "records")}
}

func open(t testing.TB, cfg ldap.Config) *ldap.Repository {
	t.Helper()
	r, err := ldap.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func actor(t testing.TB, r *ldap.Repository, name string) store.Store {
	t.Helper()
	s, err := r.Actor(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// whole is one actor's store that closes its connections too.
type whole struct {
	store.Store
	repo *ldap.Repository
}

func (w whole) Close() error { return errors.Join(w.Store.Close(), w.repo.Close()) }

func TestSuite(t *testing.T) {
	t.Parallel()
	slapd, _ := onSlapd(t)
	for name, cfg := range map[string]ldap.Config{"Slapd": slapd, "Embedded": onEmbedded(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t *testing.T) func() store.Store {
				return func() store.Store {
					r := open(t, cfg)
					return whole{actor(t, r, t.Name()), r}
				}
			})
		})
	}
}

func save(t testing.TB, s store.Store, batch ...actors.Record) {
	t.Helper()
	if err := s.Save(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

func TestActors(t *testing.T) {
	t.Parallel()
	cfg, _ := onSlapd(t)
	ctx := t.Context()
	r := open(t, cfg)
	if names, err := r.Actors(ctx); err != nil || len(names) != 0 {
		t.Errorf("before anything: %q, %v", names, err)
	}
	odd := "b, with=signs\xff\x00"
	a, b := actor(t, r, "a"), actor(t, r, odd)
	save(t, a, storetest.Record("k", "a's"), storetest.Record(strings.Repeat("k", store.MaxKey), "long"))
	save(t, b, storetest.Record("k", "b's"))
	if _, err := r.Actor(ctx, "a"); !errors.Is(err, store.ErrInUse) {
		t.Errorf("a second store of an actor: %v, want ErrInUse", err)
	}
	for _, name := range []string{"", strings.Repeat("n", store.MaxKey+1)} {
		if _, err := r.Actor(ctx, name); err == nil {
			t.Errorf("an actor's name of %d octets was taken", len(name))
		}
	}
	if names, err := r.Actors(ctx); err != nil || fmt.Sprintf("%q", names) != fmt.Sprintf("%q", []string{"a", odd}) {
		t.Errorf("actors %q, %v", names, err)
	}
	var all []string
	err := open(t, cfg).Snapshot(ctx, func(actor string, rec actors.Stored) error {
		all = append(all, fmt.Sprintf("%.1s %.1s=%s", actor, rec.Key, rec.Data))
		return nil
	})
	if err != nil || strings.Join(all, ";") != "a k=a's;a k=long;b k=b's" {
		t.Errorf("a snapshot has %q, %v", all, err)
	}
	// The snapshot has fenced nobody; whoever opens the actor does.
	save(t, a, storetest.Record("k", "still"))
	next := actor(t, open(t, cfg), "a")
	for _, batch := range [][]actors.Record{{storetest.Record("k", "late")}, {storetest.Record("k", "late"), storetest.Record("new", "late")}, {storetest.Record("new", "late")}} {
		if err := a.Save(ctx, batch); !errors.Is(err, store.ErrFenced) || !store.Permanent(err) {
			t.Errorf("the former holder saves and is told %v", err)
		}
	}
	if err := a.Load(ctx, func(actors.Stored) error { return nil }); !errors.Is(err, store.ErrFenced) {
		t.Errorf("the former holder loads and is told %v", err)
	}
	if got := storetest.All(t, next); len(got) != 2 || got["k"] != "still" {
		t.Errorf("the new holder finds %.99v", got)
	}
	r.Close()
	if _, err := r.Actor(ctx, "c"); !errors.Is(err, store.ErrClosed) {
		t.Errorf("after closing: %v", err)
	}
}

// TestSnapshotOfBusyActor copies an actor while it saves: every copy is of one
// moment.
func TestSnapshotOfBusyActor(t *testing.T) {
	t.Parallel()
	cfg := onEmbedded(t)
	s := actor(t, open(t, cfg), "a")
	done, enough := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for n := 1; n <= 2000; n++ {
			select {
			case <-enough:
				return
			default:
			}
			text := fmt.Sprint(n)
			// The first is written without a journal.
			for _, batch := range [][]actors.Record{{storetest.Record("first", text)}, {storetest.Record("left", text), storetest.Record("right", text)}} {
				if err := s.Save(t.Context(), batch); err != nil {
					t.Error(err)
				}
			}
			time.Sleep(time.Duration(n%5) * 5 * time.Millisecond)
		}
	}()
	reader := open(t, cfg)
	for copies, busy := 0, 0; ; {
		all := map[string]string{}
		if err := reader.Snapshot(t.Context(), func(_ string, rec actors.Stored) error { all[rec.Key] = string(rec.Data); return nil }); err != nil {
			busy++ // said, and nothing wrong given out
		} else {
			copies++
		}
		var first, left int
		fmt.Sscan(all["first"], &first)
		fmt.Sscan(all["left"], &left)
		if all["left"] != all["right"] || first != left && first != left+1 {
			t.Errorf("a snapshot has %v", all)
		}
		if copies == 20 {
			close(enough)
			<-done
			t.Logf("%d times too busy", busy)
			return
		}
		select {
		case <-done:
			t.Fatalf("%d copies, %d times too busy: too few to mean anything", copies, busy)
		default:
		}
	}
}

// TestLarge: values and batches too long for one entry.
func TestLarge(t *testing.T) {
	t.Parallel()
	cfg, _ := onSlapd(t)
	s := actor(t, open(t, cfg), "a")
	want := map[string]string{}
	var batch []actors.Record
	for i, size := range []int{0, 1, 511 << 10, 512 << 10, 513 << 10, 3 << 20} {
		key := fmt.Sprint(i)
		want[key] = string(bytes.Repeat([]byte{byte(i), 0xff}, size/2))
		batch = append(batch, storetest.Record(key, want[key]))
	}
	save(t, s, batch...)
	if got := storetest.All(t, s); !maps.Equal(got, want) {
		t.Error("large values came back different")
	}
	save(t, s, storetest.Record("5", "small"), storetest.Gone("4"))
	delete(want, "4")
	want["5"] = "small"
	s.Close()
	if got := storetest.All(t, actor(t, open(t, cfg), "a")); !maps.Equal(got, want) {
		t.Error("after some were shortened they came back different")
	}
}

// TestSlapdCrash kills slapd with SIGKILL while a writer saves, again and again. What
// was acknowledged is there afterwards, and the writer goes on by itself.
func TestSlapdCrash(t *testing.T) {
	t.Parallel()
	cfg, slapd := onSlapd(t)
	s := actor(t, open(t, cfg), "a")
	acknowledged := 0
	for round := range 5 {
		for range 20 {
			acknowledged++
			text := fmt.Sprint(acknowledged)
			save(t, s, storetest.Record("left", text), storetest.Record("right", text))
		}
		killed := make(chan struct{})
		go func() {
			time.Sleep(time.Duration(round) * 5 * time.Millisecond)
			slapd.Kill()
			close(killed)
		}()
		// It fails at some moment, and is tried again as a host would.
		text := ""
		for failed := false; !failed; {
			acknowledged++
			text = fmt.Sprint(acknowledged)
			failed = s.Save(t.Context(), []actors.Record{storetest.Record("left", text), storetest.Record("right", text)}) != nil
		}
		<-killed
		slapd.Start()
		save(t, s, storetest.Record("left", text), storetest.Record("right", text))
		if got := storetest.All(t, s); got["left"] != text || got["right"] != text {
			t.Fatalf("round %d: %s was acknowledged, found %v", round, text, got)
		}
	}
}

// TestFrozenSlapd stops slapd until a save gives up, and lets it carry out what it
// had received: late requests change nothing.
func TestFrozenSlapd(t *testing.T) {
	t.Parallel()
	cfg, slapd := onSlapd(t)
	cfg.Server.Timeout = 500 * time.Millisecond
	s := actor(t, open(t, cfg), "a")
	for n := range 3 {
		save(t, s, storetest.Record("k", "before"), storetest.Record("l", "before"))
		slapd.Freeze()
		batch := []actors.Record{storetest.Record("k", "late")}
		if n > 0 {
			batch = append(batch, storetest.Record("l", "late"), storetest.Record("new", "late"))
		}
		if err := s.Save(t.Context(), batch); err == nil || store.Permanent(err) {
			t.Fatalf("a frozen server: %v", err)
		}
		slapd.Thaw()
		want := map[string]string{"k": "after", "l": fmt.Sprint(n), "new": "after"}
		for {
			err := s.Save(t.Context(), []actors.Record{storetest.Record("k", "after"), storetest.Record("l", fmt.Sprint(n)), storetest.Record("new", "after")})
			if err == nil {
				break
			}
			if store.Permanent(err) {
				t.Fatal(err)
			}
		}
		if got := storetest.All(t, s); !maps.Equal(got, want) {
			t.Errorf("it holds %v, want %v", got, want)
		}
	}
}

// TestForeign: what is wrong with the place is said.
func TestForeign(t *testing.T) {
	t.Parallel()
	cfg := onEmbedded(t)
	ctx := t.Context()
	save(t, actor(t, open(t, cfg), "a"), storetest.Record("k", "v"))
	dir, err := ldapdir.Open(cfg.Server)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	add := func(dn ldapschema.DN, class string) {
		t.Helper()
		_, name := dn.RDN()
		c := ldapschema.Change{Kind: ldapschema.Add, DN: dn, Attrs: []ldapschema.Attr{
			{Name: "objectClass", Values: []string{"top", class}}, {Name: "lhName", Values: []string{name}}, {Name: "lhSequence", Values: []string{"0"}}}}
		if err := dir.Apply(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	add(cfg.Base.Child("lhName", "a").Child("lhName", "7-copy"), "lhHolding")
	if _, err := open(t, cfg).Actor(ctx, "a"); !errors.Is(err, store.ErrSchema) || !strings.Contains(err.Error(), "2 holdings") {
		t.Errorf("an actor with two holdings: %v", err)
	}
	actor(t, open(t, cfg), "b")
	add(cfg.Base.Child("lhName", "b").Child("lhName", "07-x"), "lhHolding")
	if _, err := open(t, cfg).Actor(ctx, "b"); !errors.Is(err, store.ErrSchema) || !strings.Contains(err.Error(), "07-x") {
		t.Errorf("a holding of no name of ours: %v", err)
	}
	for _, bad := range []ldap.Config{
		{Server: cfg.Server}, {Server: cfg.Server, Base: "nonsense"}, {Server: ldapdir.Config{URL: "http://x"}, Base: cfg.Base},
	} {
		if _, err := ldap.Open(bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
	cfg.Base = "cn=nowhere,dc=test"
	if _, err := open(t, cfg).Actor(ctx, "a"); err == nil || !strings.Contains(err.Error(), "making a place") {
		t.Errorf("a base that is not there and not for us to make: %v", err)
	}
}

// TestEmptyServer: in a data base without a single entry nothing is looked for, which
// would be the end of some slapd 2.5; the operator is told what to load.
func TestEmptyServer(t *testing.T) {
	t.Parallel()
	cfg, s := onSlapd(t)
	auth := []string{"-x", "-H", s.URL, "-D", string(s.BindDN), "-w", s.Password}
	if out, err := exec.Command(setup.Tool(t, "ldapdelete"), append(auth, "dc=test")...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for range 3 {
		if _, err := open(t, cfg).Actor(t.Context(), "actor"); err == nil || !strings.Contains(err.Error(), "the entry above ou=records,dc=test has to be loaded first") {
			t.Errorf("opened in an empty server: %v", err)
		}
	}
	add := exec.Command(setup.Tool(t, "ldapadd"), auth...)
	add.Stdin = strings.NewReader("dn: dc=test\nobjectClass: domain\ndc: test\n")
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	save := storetest.Record("k", "v")
	a := actor(t, open(t, cfg), "actor")
	if err := a.Save(t.Context(), []actors.Record{save}); err != nil {
		t.Error(err)
	}
}
