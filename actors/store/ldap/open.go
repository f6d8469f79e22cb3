package ldap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/ldapschema"
)

// Config says where the records are. Server.URL and Base are needed.
type Config struct {
	Server ldapdir.Config // Connections is how many records are written at once; default 8
	// Base is the entry everything is put below. If it is named by ou and absent, it
	// is made.
	Base ldapschema.DN
	// Timeout bounds what has to be finished once it has begun; default 30 s.
	Timeout time.Duration
	// Migrated, when set, is told that an actor's records were brought to a newer
	// schema version, and the entry below which they are kept as they were before.
	Migrated func(actor string, from, to int, kept ldapschema.DN)
}

// A server is what this package needs of a directory.
type server interface {
	Apply(ctx context.Context, c ldapschema.Change) error
	Read(ctx context.Context, dn ldapschema.DN) (ldapschema.Entry, error)
	Children(ctx context.Context, base ldapschema.DN) ([]ldapschema.Entry, error)
	Rename(ctx context.Context, dn, rdn ldapschema.DN) error
	Close() error
}

// limits are when things are divided.
type limits struct {
	journal int // octets of a batch that go into the holding's own entry
	part    int // octets of one further entry, and of a record's own data
	page    int // octets of a batch that go into the log
	pages   int // batches in the log, beside the journal
	log     int // octets of all of them
	writers int // records written at once
}

// A Repository is the place of all actors' records. It is safe for concurrent use.
type Repository struct {
	dir     server
	base    ldapschema.DN
	limits  limits
	timeout time.Duration
	steps   []step
	told    func(actor string, from, to int, kept ldapschema.DN)

	mu     sync.Mutex
	open   map[string]*actorStore
	laid   bool // the base is there
	closed bool
}

// Open prepares to use a server. It does not connect.
func Open(cfg Config) (*Repository, error) {
	if cfg.Server.Connections <= 0 {
		cfg.Server.Connections = 8
	}
	if _, err := ldapschema.ParseDN(string(cfg.Base)); err != nil || cfg.Base.Depth() == 0 {
		return nil, fmt.Errorf("store: LDAP: %q is no base for records", cfg.Base)
	}
	dir, err := ldapdir.Open(cfg.Server)
	if err != nil {
		return nil, fmt.Errorf("store: LDAP: %w", err)
	}
	r := newRepository(dir, cfg.Base)
	r.limits.writers = cfg.Server.Connections
	if cfg.Timeout > 0 {
		r.timeout = cfg.Timeout
	}
	if cfg.Migrated != nil {
		r.told = cfg.Migrated
	}
	return r, nil
}

func newRepository(dir server, base ldapschema.DN) *Repository {
	return &Repository{dir: dir, base: base, limits: limits{journal: 64 << 10, part: 512 << 10, page: 512 << 10, pages: 128, log: 8 << 20, writers: 8},
		timeout: 30 * time.Second, steps: migrations, told: func(string, int, int, ldapschema.DN) {}, open: map[string]*actorStore{}}
}

// Actor opens the store of the actor called name, creating it if it is new. Whoever
// had it open before can save nothing any more; in this process a second store of
// one actor is refused with store.ErrInUse.
func (r *Repository) Actor(ctx context.Context, name string) (store.Store, error) {
	if name == "" || len(name) > store.MaxKey {
		return nil, fmt.Errorf("store: an actor's name has 1 to %d octets, this one has %d", store.MaxKey, len(name))
	}
	s := r.store(name, r.base.Child("lhName", nameOf(name)))
	r.mu.Lock()
	_, twice := r.open[name]
	closed := r.closed
	if !twice && !closed {
		r.open[name] = s
	}
	r.mu.Unlock()
	if closed {
		return nil, store.ErrClosed
	}
	if twice {
		return nil, fmt.Errorf("store: actor %q is %w by this process", name, store.ErrInUse)
	}
	err := r.lay(ctx)
	if err == nil {
		err = s.takeOver(ctx)
	}
	if err != nil {
		s.Close()
		return nil, problem(err)
	}
	return s, nil
}

// lay adds the base, if it is ours to add, without asking whether it is there: some
// slapd 2.5 end themselves when the first question about a data base finds nothing
// in it at all. Who may not add entries there is told by what follows.
func (r *Repository) lay(ctx context.Context) error {
	r.mu.Lock()
	laid := r.laid
	r.mu.Unlock()
	name, value := r.base.RDN()
	if laid || !strings.EqualFold(name, "ou") {
		return nil
	}
	base, err := ldapschema.OrganizationalUnit(r.base.Parent(), value, "records of actors")
	if err != nil {
		return err
	}
	err = r.dir.Apply(ctx, ldapschema.Change{Kind: ldapschema.Add, DN: base.DN, Attrs: base.Attrs})
	switch {
	case errors.Is(err, directory.ErrNotFound):
		return fmt.Errorf("the entry above %s has to be loaded first, with ldapadd: %w", r.base, err)
	case errors.Is(err, directory.ErrUnavailable):
		return err
	case err == nil || errors.Is(err, directory.ErrExists):
		r.mu.Lock()
		r.laid = true
		r.mu.Unlock()
	}
	return nil
}

// store is an actor's store below dn; nothing is held yet.
func (r *Repository) store(name string, dn ldapschema.DN) *actorStore {
	return &actorStore{repo: r, name: name, dn: dn, owner: newOwner(), schema: len(r.steps) + 1,
		turn: make(chan struct{}, 1), closed: make(chan struct{})}
}

// Actors are the names of all actors that ever were opened, in order.
func (r *Repository) Actors(ctx context.Context) ([]string, error) {
	entries, err := r.dir.Children(ctx, r.base)
	if errors.Is(err, directory.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, problem(err)
	}
	var names []string
	for _, e := range entries {
		if name, ok := actorOf(e.Get("lhName")); ok && e.HasValue("objectClass", "lhActor") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Close closes every store and disconnects.
func (r *Repository) Close() error {
	r.mu.Lock()
	open := r.open
	r.open, r.closed = map[string]*actorStore{}, true
	r.mu.Unlock()
	for _, s := range open {
		s.Close()
	}
	return r.dir.Close()
}

// problem gives the directory's errors a place.
func problem(err error) error {
	if err == nil || errors.Is(err, store.ErrClosed) || errors.Is(err, store.ErrFenced) {
		return err
	}
	return fmt.Errorf("store: LDAP: %w", err)
}

// actorStore is the store of one actor. The fields below turn belong to whoever
// has it.
type actorStore struct {
	repo   *Repository
	name   string
	dn     ldapschema.DN // of the actor's entry
	owner  string
	schema int // version that this program writes
	once   sync.Once
	closed chan struct{}

	turn    chan struct{} // holds one token: loads and saves take turns
	fenced  bool
	unsure  bool            // some write may or may not have happened, or has yet to: take over from ourselves
	holding holding         // zero owner: none yet
	number  uint64          // of the last batch
	pages   int             // of the log, beside the journal
	logged  int             // octets of them
	journal map[string]bool // keys that journal or log put, or else remove
	later   []store.Write   // what of them is not carried out yet, one for a key

	mu    sync.Mutex          // writers share what is below
	names map[string]struct{} // of the entries below the holding
	long  map[string]int      // how many further parts the values of some keys have
}

// home is the entry that everything is below.
func (s *actorStore) home() ldapschema.DN { return s.dn.Child("lhName", s.holding.String()) }

// takeOver makes the holding ours by renaming it, whosever it is the first time
// and afterwards only our own, and carries out what its journal says.
func (s *actorStore) takeOver(ctx context.Context) error {
	const patience = 20 // others may be taking over at the same moment
	for range patience {
		found, version, err := s.find(ctx)
		if err != nil {
			return err
		}
		if version > s.schema {
			return fmt.Errorf("%w: the schema version of actor %q is %d, newer than this program's %d; use the program that wrote it, or a later one",
				store.ErrSchema, s.name, version, s.schema)
		}
		if s.holding.owner != "" && found.owner != s.owner {
			s.fenced = true
			return store.ErrFenced
		}
		next := holding{found.generation + 1, s.owner}
		err = s.repo.dir.Rename(ctx, s.dn.Child("lhName", found.String()), ldapschema.DN("").Child("lhName", next.String()))
		if errors.Is(err, directory.ErrNotFound) || errors.Is(err, directory.ErrExists) {
			continue
		}
		if err != nil {
			return fmt.Errorf("taking over from %s: %w", found, err)
		}
		s.holding = next
		if err := s.settle(ctx); err != nil || version == s.schema {
			return err
		}
		return s.migrate(ctx, version)
	}
	return fmt.Errorf("actor %q is being taken over by others again and again", s.name)
}

// find is the name of the holding, which is made if the actor is new, and the
// schema version of what is below it.
func (s *actorStore) find(ctx context.Context) (holding, int, error) {
	h, version, err := s.current(ctx)
	if !errors.Is(err, directory.ErrNotFound) || s.holding.owner != "" {
		return h, version, err
	}
	if err := s.plant(ctx); err != nil {
		return holding{}, 0, err
	}
	return s.current(ctx)
}

// current is the one holding below the actor and its schema version; ErrNotFound
// when there is none.
func (s *actorStore) current(ctx context.Context) (found holding, version int, err error) {
	entries, err := s.repo.dir.Children(ctx, s.dn)
	if err != nil {
		return found, 0, err
	}
	n := 0
	for _, e := range entries {
		if !e.HasValue("objectClass", "lhHolding") {
			continue
		}
		if found, err = parseHolding(e.Get("lhName")); err != nil {
			return found, 0, fmt.Errorf("%w: %w", store.ErrSchema, err)
		}
		version = max(1, int(number(e, "lhSchema"))) // the first programs did not say
		n++
	}
	switch n {
	case 0:
		return found, 0, fmt.Errorf("%w: actor %q holds nothing", directory.ErrNotFound, s.name)
	case 1:
		return found, version, nil
	}
	return found, 0, fmt.Errorf("%w: actor %q has %d holdings; one is a copy that somebody made", store.ErrSchema, s.name, n)
}

// plant makes the entries of a new actor. The first holding always
// has the same name, so that two who make it make one.
func (s *actorStore) plant(ctx context.Context) error {
	err := ignore(directory.ErrExists, s.add(ctx, s.dn, "lhActor"))
	if err == nil {
		err = s.accustom(ctx)
	}
	if err == nil {
		first := s.dn.Child("lhName", holding{}.String())
		err = ignore(directory.ErrExists, s.add(ctx, first, "lhHolding", attr("lhSequence", "0"), attr("lhSchema", strconv.Itoa(s.schema))))
	}
	if err != nil {
		return fmt.Errorf("making a place for actor %q: %w", s.name, err)
	}
	return nil
}

// accustom makes an entry with all our attributes and removes it. Some slapd 2.5 number
// an attribute when it is written for the first time, and when that write fails for want
// of room they give the number out all the same: what is then written with it can never
// be read again. So each is written while there is room, before anything is kept.
func (s *actorStore) accustom(ctx context.Context) error {
	dn := s.dn.Child("lhName", "~attributes")
	err := ignore(directory.ErrExists, s.add(ctx, dn, "lhRecord",
		attr("lhKey", "~attributes"), attr("lhSequence", "0"), attr("lhData", "0"), attr("lhParts", "0")))
	if err != nil {
		return err
	}
	return ignore(directory.ErrNotFound, s.repo.dir.Apply(ctx, ldapschema.DeleteEntry(dn)))
}

func ignore(what, err error) error {
	if errors.Is(err, what) {
		return nil
	}
	return err
}

func attr(name string, values ...string) ldapschema.Attr {
	return ldapschema.Attr{Name: name, Values: values}
}

// add makes an entry of one of our classes.
func (s *actorStore) add(ctx context.Context, dn ldapschema.DN, class string, attrs ...ldapschema.Attr) error {
	_, name := dn.RDN()
	all := append([]ldapschema.Attr{attr("objectClass", "top", class), attr("lhName", name)}, attrs...)
	return s.repo.dir.Apply(ctx, ldapschema.Change{Kind: ldapschema.Add, DN: dn, Attrs: all})
}

// Close lets another store be opened for the actor.
func (s *actorStore) Close() error {
	s.once.Do(func() {
		close(s.closed)
		s.turn <- struct{}{} // what is under way ends first
		<-s.turn
		s.repo.mu.Lock()
		defer s.repo.mu.Unlock()
		if s.repo.open[s.name] == s {
			delete(s.repo.open, s.name)
		}
	})
	return nil
}

// begin takes the turn; whoever has it gives it back with end.
func (s *actorStore) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	err := error(nil)
	select {
	case <-s.closed:
		err = store.ErrClosed
	default:
		if s.fenced {
			err = store.ErrFenced
		} else if s.unsure {
			err = s.takeOver(ctx)
		}
	}
	if err != nil {
		s.end()
	}
	return err
}

func (s *actorStore) end() { <-s.turn }

var _ store.Store = (*actorStore)(nil)
var _ server = (*ldapdir.Dir)(nil)
