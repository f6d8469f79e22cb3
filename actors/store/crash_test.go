package store_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/actors/store/bbolt"
	"github.com/leasehold/leasehold/actors/store/ldap"
	"github.com/leasehold/leasehold/actors/store/postgres"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

var kills = flag.Int("kills", 12, "how often TestCrash kills the writer of each store")

// writerEnv makes this program the writer that TestCrash kills.
const writerEnv = "LEASEHOLD_TEST_WRITER"

func TestMain(m *testing.M) {
	if place := os.Getenv(writerEnv); place != "" {
		if err := write(context.Background(), place); err != nil {
			fmt.Println("failed:", err)
		}
		return
	}
	flag.Parse()
	os.Exit(m.Run())
}

// A place is where a writer writes, and how far the ones before it came.
type place struct {
	Bolt     string     // file
	LDAP     *recordsAt // server
	Postgres string     // data base
	From     int        // batches that were acknowledged
	Until    int        // stop after this many; 0 for never
}

// recordsAt is a place in a directory server.
type recordsAt struct {
	Server ldapdir.Config
	Base   ldapschema.DN
}

// open opens the one actor there.
func (p place) open(ctx context.Context) (store.Store, func() error, error) {
	switch {
	case p.Bolt != "":
		f, err := bbolt.Open(p.Bolt)
		if err != nil {
			return nil, nil, err
		}
		s, err := f.Actor("actor")
		return s, f.Close, err
	case p.LDAP != nil:
		r, err := ldap.Open(ldap.Config{Server: p.LDAP.Server, Base: p.LDAP.Base})
		if err != nil {
			return nil, nil, err
		}
		s, err := r.Actor(ctx, "actor")
		return s, r.Close, err
	}
	// A short lease: the one before was killed and has given up nothing.
	db, err := postgres.Open(ctx, postgres.Config{URL: p.Postgres, Lease: 300 * time.Millisecond, Patience: time.Minute})
	if err != nil {
		return nil, nil, err
	}
	s, err := db.Actor(ctx, "actor")
	return s, db.Close, err
}

// An origin is where a value comes from: write i of batch n.
type origin struct{ n, i int }

// AppendRecord is the value itself: it says where it comes from, and is between a
// few octets and three thousand long, now and then too long for one entry or page.
func (o origin) AppendRecord(dst []byte) ([]byte, error) {
	chance := rand.New(rand.NewPCG(uint64(o.n), uint64(o.i)))
	size := chance.IntN(3000)
	if chance.IntN(200) == 0 {
		size = 600 << 10
	}
	return append(fmt.Appendf(dst, "%d.%d ", o.n, o.i), bytes.Repeat([]byte{byte(o.n)}, size)...), nil
}

// batch is the n-th batch that writers save: one to eight records, a third of them
// removals, of forty keys. The first is always put, so each batch shows.
func batch(n int) (out []actors.Record) {
	chance := rand.New(rand.NewPCG(1, uint64(n)))
	count := 1 + chance.IntN(8)
	if chance.IntN(3) == 0 {
		count = 1
	}
	for i := range count {
		rec := actors.Record{Key: fmt.Sprintf("record/%02d", chance.IntN(40)), Value: origin{n, i}}
		if i > 0 && chance.IntN(3) == 0 {
			rec.Value = nil
		}
		out = append(out, rec)
	}
	slices.Reverse(out) // what is always put comes last, and counts
	return out
}

// model is what a store holds after the first n batches.
func model(n int) map[string]origin {
	all := map[string]origin{}
	for b := range n {
		for _, r := range batch(b + 1) {
			if o, ok := r.Value.(origin); ok {
				all[r.Key] = o
			} else {
				delete(all, r.Key)
			}
		}
	}
	return all
}

// write opens the store, finds out how far it came, and goes on, saying each batch
// that was acknowledged.
func write(ctx context.Context, text string) error {
	var p place
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return err
	}
	s, shut, err := p.open(ctx)
	if err != nil {
		return err
	}
	n, err := progress(ctx, s, p.From)
	if err != nil {
		return err
	}
	fmt.Println(n)
	for p.Until == 0 || n < p.Until {
		if err := s.Save(ctx, batch(n+1)); err != nil {
			return err
		}
		n++
		fmt.Println(n)
	}
	return shut()
}

// progress is how many batches are in the store: as many as were acknowledged, or
// one more, each whole.
func progress(ctx context.Context, s store.Store, acknowledged int) (int, error) {
	found := map[string]origin{}
	err := s.Load(ctx, func(r actors.Stored) error {
		var o origin
		if _, err := fmt.Sscanf(string(r.Data[:min(len(r.Data), 40)]), "%d.%d ", &o.n, &o.i); err != nil {
			return fmt.Errorf("%s holds nonsense: %w", r.Key, err)
		}
		if want, _ := o.AppendRecord(nil); !bytes.Equal(r.Data, want) {
			return fmt.Errorf("%s holds %d octets, and not the %d of write %d of batch %d", r.Key, len(r.Data), len(want), o.i, o.n)
		}
		found[r.Key] = o
		return nil
	})
	if err != nil {
		return 0, err
	}
	for n := acknowledged; n <= acknowledged+1; n++ {
		if maps.Equal(found, model(n)) {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%d batches were acknowledged, and the store holds\n%v\nnot\n%v", acknowledged, found, model(acknowledged))
}

// TestCrash kills a process that writes to each of the durable stores with SIGKILL,
// at random moments: while it opens, repairs, loads and saves. The next process finds
// everything that was acknowledged and no torn batch. -kills says how often.
func TestCrash(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(*testing.T) place{
		"bbolt": func(t *testing.T) place { return place{Bolt: filepath.Join(t.TempDir(), "store")} },
		"ldap": func(t *testing.T) place {
			s := setup.StartSlapd(t)
			return place{LDAP: &recordsAt{Base: s.Base.Parent().Child("ou", "records"),
				Server: ldapdir.Config{URL: s.URL, BindDN: s.BindDN, Password: s.Password, Timeout: time.Minute}}}
		},
		"postgres": func(t *testing.T) place {
			return place{Postgres: setup.StartPostgres(t).Database(t)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			crash(t, make(t))
		})
	}
}

func crash(t *testing.T, p place) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 1))
	atWork := 0
	for k := range *kills {
		// One in four dies at any moment from its start, the others while they save:
		// so much is acknowledged before, and not so much time passes, that this
		// counts on a quick machine.
		d := death{wait: time.Duration(chance.IntN(240_000)) * time.Microsecond}
		if chance.IntN(4) > 0 {
			d = death{said: 1 + chance.IntN(8), wait: time.Duration(chance.IntN(5_000)) * time.Microsecond}
		}
		before := p.From
		p.From = run(t, p, &d)
		if t.Failed() {
			t.Fatalf("after kill %d", k+1)
		}
		if p.From > before {
			atWork++
		}
	}
	p.Until = p.From + 20
	p.From = run(t, p, nil)
	if p.From != p.Until {
		t.Errorf("in the end the writer saved %d of %d batches", p.From, p.Until)
	}
	t.Logf("%d kills, %d of them after something was saved; %d batches", *kills, atWork, p.From)
}

// A death is when a writer is killed.
type death struct {
	said int           // it has said so much: how far it finds itself, then a line a batch
	wait time.Duration // and so much time has passed since, or since its start
}

// run starts a writer and lets it die, or come to its own end. It returns the
// number of batches acknowledged.
func run(t *testing.T, p place, d *death) int {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), writerEnv+"="+string(text))
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := 0
	mark := func() {
		if d != nil && said == d.said {
			time.AfterFunc(d.wait, func() { _ = cmd.Process.Kill() })
		}
	}
	mark()
	last := p.From
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var n int
		if _, err := fmt.Sscan(lines.Text(), &n); err != nil || n != last && n != last+1 {
			t.Errorf("after batch %d the writer says: %s", last, lines.Text())
			break
		}
		last = n
		said++
		mark()
	}
	_ = cmd.Process.Kill()
	err = cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !(errors.As(err, &exit) && strings.Contains(err.Error(), "killed")) {
		t.Errorf("the writer ended with %v\n%s", err, complaints.String())
	}
	return last
}
