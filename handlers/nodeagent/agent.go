/*
Package nodeagent is the agent on a node: it keeps the keys that may speak to it, installs
driver packages, and runs their actions and commands, as the operations of the legacy service
do (nodeagent 1 to 3).

	keys.go       who may speak, and what each may ask for
	master.go     the first key, by a token that the node was booted with
	drivers.go    packages: install, upgrade, back to the version before, uninstall
	action.go     actions and commands, and what becomes of two at once
	supervise.go  the process that each runs under, which outlives the agent

What it keeps is in one folder. Every change is whole or not there: what a crash left over is
removed when the agent starts again, and an action that went on meanwhile is found again with
its result.

HTTP and signatures are package serve's.
*/
package nodeagent

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/leasehold/leasehold/wssec/keys"

	wire "github.com/leasehold/leasehold/wire/nodeagent"
)

// Config is what an agent needs. Dir and Supervisor are required.
type Config struct {
	Dir         string   // where it keeps everything; made if it is not there
	CommandLine string   // the kernel's, or what stands for it: AUTH_HASH and NODE_TOKEN
	Supervisor  []string // the command that calls Supervise, to which the folder is added
	Rights      []Right  // what keys that are registered later may ask for; none means all but keys
	AtOnce      int      // calls that run something, or wait to, at once; 0 means 32
	Log         func(format string, args ...any)
	Now         func() time.Time // nil means the real one
}

// Agent is an agent; it is safe for concurrent use.
type Agent struct {
	cfg      Config
	identity keys.Identity
	slots    chan struct{}

	mu      sync.Mutex
	keys    map[string]*Key    // by alias
	drivers map[string]*driver // by identity
	seen    map[string]*action // under way, by identity

	changing sync.Mutex // one change of drivers or keys at a time
}

// Open starts an agent on its folder: it makes its key if it has none, reads what it keeps,
// removes what a crash left over, and finds the actions that went on.
func Open(cfg Config) (*Agent, error) {
	if cfg.Log == nil {
		cfg.Log = func(string, ...any) {}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rights == nil {
		cfg.Rights = []Right{RightDrivers, RightInvoke, RightScript}
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, err
	}
	cfg.Dir = dir
	a := &Agent{cfg: cfg, slots: make(chan struct{}, cmp.Or(cfg.AtOnce, 32)), keys: map[string]*Key{}, drivers: map[string]*driver{}, seen: map[string]*action{}}
	for _, sub := range []string{"", "keys", "drivers", "actions"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, fmt.Errorf("nodeagent: %w", err)
		}
	}
	if err := errors.Join(a.loadIdentity(), a.loadKeys(), a.loadDrivers()); err != nil {
		return nil, err
	}
	return a, a.loadActions()
}

// loadIdentity reads the agent's own key, or makes it: RSA, which deployed callers need.
func (a *Agent) loadIdentity() error {
	dir := filepath.Join(a.cfg.Dir, "server")
	id, err := keys.Load(dir)
	if errors.Is(err, os.ErrNotExist) {
		now := a.cfg.Now()
		if id, err = keys.Generate(rand.Reader, uuid(), "nodeagent", keys.RSA2048, now.Add(-time.Hour), now.AddDate(10, 0, 0)); err == nil {
			err = id.Save(dir)
		}
	}
	if err != nil {
		return fmt.Errorf("nodeagent: the agent's own key: %w", err)
	}
	a.identity = id
	return nil
}

// Identity is the agent's own, with which it signs answers.
func (a *Agent) Identity() keys.Identity { return a.identity }

// uuid is a random UUID (RFC 9562 5.4). It is written here so that nodes need no library.
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Do carries out a request of the key's holder; key is nil for requests that need not be
// signed. It waits for the end of what it starts; when ctx ends first, that goes on.
func (a *Agent) Do(ctx context.Context, key *Key, r wire.Request) wire.Response {
	out := a.do(ctx, key, r)
	out.Op = r.Op
	if out.Code != wire.OK && r.Op != wire.TestFunc {
		a.cfg.Log("%s of %s %s: code %d %s", r.Op, key.name(), r.Driver, out.Code, out.Message)
	}
	return out
}

func (a *Agent) do(ctx context.Context, key *Key, r wire.Request) wire.Response {
	need := map[wire.Op]Right{wire.ExecuteScript: RightScript, wire.Run: RightScript, wire.ExecuteDriver: RightInvoke, wire.ExecuteObjectDriver: RightInvoke,
		wire.InstallDriver: RightDrivers, wire.UpgradeDriver: RightDrivers, wire.UninstallDriver: RightDrivers, wire.RollbackDriver: RightDrivers,
		wire.RegisterKey: RightKeys, wire.UnregisterKey: RightKeys}
	if right := need[r.Op]; r.Op.Signed() && (key == nil || right != "" && !slices.Contains(key.Rights, right)) {
		return refused(wire.InvalidArguments, "the key has not the right %q", right)
	}
	switch r.Op {
	case wire.TestFunc:
		return wire.Response{Code: r.Number + 10}
	case wire.GetServiceKey:
		return wire.Response{Key: a.identity.Cert.Raw}
	case wire.RegisterAuthorityKey:
		return a.registerAuthority(r)
	case wire.RegisterKey:
		return a.register(r)
	case wire.UnregisterKey:
		return a.unregister(r)
	case wire.InstallDriver, wire.UpgradeDriver:
		return a.install(ctx, r)
	case wire.UninstallDriver:
		return a.uninstall(r)
	case wire.RollbackDriver:
		return a.rollback(r)
	case wire.ExecuteDriver, wire.ExecuteObjectDriver:
		return a.invoke(ctx, r)
	case wire.ExecuteScript, wire.Run:
		return a.command(ctx, r)
	}
	return refused(wire.InvalidArguments, "there is no operation %s", r.Op)
}

// refused is an answer that says why not, in the way that each operation can.
func refused(code int32, format string, args ...any) wire.Response {
	text := fmt.Sprintf(format, args...)
	return wire.Response{Code: code, Message: text, Properties: []wire.Property{{Name: "driver.exception.message", Value: text}}}
}
