package wiring

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/crypto/ssh"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/sshrun"
)

// machines are the runners of a handler's machines, by name.
type machines struct {
	named map[string]*sshrun.Runner
	here  run.Runner // for units whose machine is not listed; nil is nowhere
}

// openMachines prepares to reach the machines; it connects to none.
func openMachines(list []config.Machine) (*machines, error) {
	out := &machines{named: map[string]*sshrun.Runner{}}
	for _, m := range list {
		r, err := openMachine(m)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("machine %s: %w", m.Name, err), out.Close())
		}
		out.named[m.Name] = r
	}
	return out, nil
}

// ways is a machine reached over SSH, for scripts that say so.
type ways struct{ *sshrun.Runner }

// Way is the same machine.
func (w ways) Way(name string) run.Runner {
	if name == run.BySSH {
		return w.Runner
	}
	return nil
}

func openMachine(m config.Machine) (*sshrun.Runner, error) {
	secret, err := os.ReadFile(m.Key)
	if err != nil {
		return nil, err
	}
	key, err := ssh.ParsePrivateKey(secret)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Key, err)
	}
	pins, err := os.ReadFile(m.HostKeys)
	if err != nil {
		return nil, err
	}
	known, err := sshrun.ParseHostKeys(string(pins))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.HostKeys, err)
	}
	return sshrun.New(sshrun.Config{Addr: m.Address, User: m.User, Key: key, HostKeys: known, Forced: m.Forced})
}

// of is the machine that a unit is on.
func (m *machines) of(u actors.Unit) run.Runner {
	name := u.Properties[handlers.ParamMachine]
	if name == "" {
		name = u.Host
	}
	return m.find(name)
}

// find is the machine of that name.
func (m *machines) find(name string) run.Runner {
	switch r := m.named[name]; {
	case r != nil:
		return ways{r}
	case m.here != nil:
		return m.here
	case len(m.named) == 0:
		return run.Nowhere{}
	}
	return unknown(name)
}

// Close ends every connection.
func (m *machines) Close() error {
	var failed []error
	for _, r := range m.named {
		failed = append(failed, r.Close())
	}
	return errors.Join(failed...)
}

// unknown is a machine that the configuration does not have.
type unknown string

// Run says so.
func (u unknown) Run(context.Context, run.Cmd) (run.Output, error) {
	return run.Output{}, fmt.Errorf("the configuration has no machine %q", string(u))
}

// migrations are the machines that domains may move to, by name. They are told by
// name in a modify and by address to the machine they leave.
func migrations(list []config.Machine) map[string]string {
	out := map[string]string{}
	for _, m := range list {
		out[m.Name] = m.Migrate
	}
	return out
}

// forced reports whether the machines take plain words only, which a driver has to
// know for all of them.
func forced(list []config.Machine) (bool, error) {
	some := slices.ContainsFunc(list, func(m config.Machine) bool { return m.Forced })
	if some && slices.ContainsFunc(list, func(m config.Machine) bool { return !m.Forced }) {
		return false, errors.New("either all machines are forced or none is")
	}
	return some, nil
}
