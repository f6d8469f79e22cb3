package site_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/ldapschema"
)

// What a site that writes nodes is compared with: a loader that decides nothing.

// recorder is a directory that remembers what was changed in it.
type recorder struct {
	*ldapdir.Dir
	mu      sync.Mutex
	changes []ldapschema.Change
}

// Apply carries the change out and remembers it.
func (r *recorder) Apply(ctx context.Context, c ldapschema.Change) error {
	err := r.Dir.Apply(ctx, c)
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.changes = append(r.changes, c)
	}
	return err
}

// taken is what was changed since it was last called.
func (r *recorder) taken() []ldapschema.Change {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.changes
	r.changes = nil
	return out
}

// ofClusters leaves out the changes of what a site has before its first cluster.
func ofClusters(changes []ldapschema.Change) []ldapschema.Change {
	ours := map[ldapschema.DN]bool{}
	return slices.DeleteFunc(changes, func(c ldapschema.Change) bool {
		if c.Kind == ldapschema.Add {
			ours[c.DN] = c.Entry().Has("codSlice")
		}
		return !ours[c.DN]
	})
}

// waves parts changes so that those of one wave may be made in any order: entries after
// those above them, and the changes of one entry one after the other.
func waves(changes []ldapschema.Change) (out [][]ldapschema.Change) {
	last := map[ldapschema.DN]int{} // the wave in which an entry was added, or changed last
	deepest := 0
	for _, c := range changes {
		if c.Kind == ldapschema.Add {
			deepest = max(deepest, c.DN.Depth())
		}
	}
	for _, c := range changes {
		at := c.DN.Depth()
		if c.Kind != ldapschema.Add {
			at = max(last[c.DN], deepest) + 1
		}
		last[c.DN] = at
		for len(out) <= at {
			out = append(out, nil)
		}
		out[at] = append(out[at], c)
	}
	return out
}

// adds leaves out what is not a new entry.
func adds(changes []ldapschema.Change) []ldapschema.Change {
	return slices.DeleteFunc(slices.Clone(changes), func(c ldapschema.Change) bool { return c.Kind != ldapschema.Add })
}

// load makes changes as fast as slapd takes them.
func (w *bench) load(changes []ldapschema.Change, at int) time.Duration {
	w.b.Helper()
	all := waves(changes)
	began := time.Now()
	for _, wave := range all {
		line := make(chan ldapschema.Change, len(wave))
		for _, c := range wave {
			line <- c
		}
		close(line)
		var workers sync.WaitGroup
		for range at {
			workers.Go(func() {
				for c := range line {
					if err := w.dir.Dir.Apply(context.Background(), c); err != nil {
						w.b.Error(err)
						return
					}
				}
			})
		}
		workers.Wait()
	}
	return time.Since(began)
}

// clear removes the entries that were added, children first.
func (w *bench) clear(changes []ldapschema.Change) {
	w.b.Helper()
	for _, wave := range slices.Backward(waves(adds(changes))) {
		for _, c := range wave {
			w.must(w.dir.Dir.Apply(context.Background(), ldapschema.DeleteEntry(c.DN)))
		}
	}
}

// deaf is a connection that from some moment on drops whatever comes.
type deaf struct {
	net.Conn
	now atomic.Bool
}

// Read returns only at the connection's end, once nothing is to be heard any more.
func (d *deaf) Read(p []byte) (int, error) {
	if d.now.Load() {
		_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{d.Conn}, make([]byte, 64<<10))
		return 0, errors.Join(err, io.EOF)
	}
	return d.Conn.Read(p)
}

// watch has slapd tell of each change, as it tells a site, somebody who throws away what
// he is told without a look.
func (w *bench) watch() (stop func()) {
	w.b.Helper()
	raw, err := net.Dial("tcp", strings.TrimPrefix(w.slapd.URL, "ldap://"))
	w.must(err)
	d := &deaf{Conn: raw}
	c := ldap.NewConn(d, false)
	c.Start()
	w.must(c.Bind(string(w.slapd.BindDN), w.slapd.Password))
	req := ldap.NewSearchRequest(string(w.slapd.Base), ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"*", "modifiersName", "modifyTimestamp"}, nil)
	ctx, cancel := context.WithCancel(context.Background())
	res := c.Syncrepl(ctx, req, 1, ldap.SyncRequestModeRefreshAndPersist, nil, false)
	for res.Next() {
		for _, control := range res.Controls() {
			if info, ok := control.(*ldap.ControlSyncInfo); ok && (info.RefreshDelete != nil || info.RefreshPresent != nil) {
				d.now.Store(true)
				return func() { // in this order: go-ldap waits for whoever reads no answers
					cancel()
					raw.Close()
				}
			}
		}
	}
	cancel()
	w.b.Fatalf("nothing is told: %v", res.Err())
	return nil
}

// effort is the processor time that slapd and this process have used.
type effort struct{ slapd, own time.Duration }

// effort is that up to now.
func (w *bench) effort() effort {
	w.b.Helper()
	text, err := os.ReadFile("/proc/" + w.slapd.PID() + "/stat")
	w.must(err)
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:])) // from the third on, the state
	var out effort
	for _, ticks := range fields[11:13] { // utime and stime, in hundredths of a second (proc(5))
		n, err := strconv.Atoi(ticks)
		w.must(err)
		out.slapd += time.Duration(n) * (time.Second / 100)
	}
	var own syscall.Rusage
	w.must(syscall.Getrusage(syscall.RUSAGE_SELF, &own))
	out.own = time.Duration(own.Utime.Nano() + own.Stime.Nano())
	return out
}

// pace is the best of several runs: the shortest time, and the least processor time.
type pace struct {
	took time.Duration
	effort
}

// better takes one more run into account.
func (p *pace) better(w *bench, run func() time.Duration) {
	before := w.effort()
	took := run()
	after := w.effort()
	one := pace{took, effort{after.slapd - before.slapd, after.own - before.own}}
	if p.took == 0 {
		*p = one
	}
	p.took, p.slapd, p.own = min(p.took, one.took), min(p.slapd, one.slapd), min(p.own, one.own)
}
