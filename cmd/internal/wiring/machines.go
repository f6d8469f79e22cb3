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
	"github.com/leasehold/leasehold/handlers/run/agentrun"
	"github.com/leasehold/leasehold/handlers/run/sshrun"
	"github.com/leasehold/leasehold/wssec/keys"
)

// machines are the runners of a handler's machines, by name.
type machines struct {
	named map[string]*ways
	here  run.Runner // for units whose machine is not listed; nil is nowhere
}

// openMachines prepares to reach the machines; it connects to none.
func openMachines(list []config.Machine) (*machines, error) {
	out := &machines{named: map[string]*ways{}}
	for _, m := range list {
		w := &ways{}
		out.named[m.Name] = w
		var err error
		if m.Address != "" {
			w.ssh, err = openMachine(m)
		}
		if err == nil && m.Agent != "" {
			w.agent, err = openAgent(m)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("machine %s: %w", m.Name, err), out.Close())
		}
	}
	return out, nil
}

// ways is a machine that is reached over SSH, through its node agent, or both.
type ways struct {
	ssh   *sshrun.Runner
	agent *agentrun.Runner
}

// Way is the machine over the one or the other.
func (w *ways) Way(name string) run.Runner {
	switch {
	case name == run.BySSH && w.ssh != nil:
		return w.ssh
	case name == run.ByAgent && w.agent != nil:
		return w.agent
	}
	return nil
}

// Run carries a command out over SSH if it can, and else through the agent.
func (w *ways) Run(ctx context.Context, c run.Cmd) (run.Output, error) {
	return w.Watch(ctx, c, nil)
}

// Watch is Run, and tells what the command prints.
func (w *ways) Watch(ctx context.Context, c run.Cmd, tell func(string)) (run.Output, error) {
	switch {
	case w.ssh != nil:
		return w.ssh.Watch(ctx, c, tell)
	case tell == nil:
		return w.agent.Run(ctx, c)
	}
	return run.Watch(ctx, w.agent, c, tell)
}

// close ends the connections.
func (w *ways) close() (err error) {
	if w.ssh != nil {
		err = w.ssh.Close()
	}
	if w.agent != nil {
		err = errors.Join(err, w.agent.Close())
	}
	return err
}

func openAgent(m config.Machine) (*agentrun.Runner, error) {
	data, err := os.ReadFile(m.Certificate)
	if err != nil {
		return nil, err
	}
	cert, err := keys.ParseCertificatePEM(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Certificate, err)
	}
	id, err := keys.Load(m.Identity)
	if err != nil {
		return nil, err
	}
	return agentrun.New(agentrun.Config{URL: m.Agent, Agent: cert, Identity: id})
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
	return sshrun.New(sshrun.Config{Addr: m.Address, User: m.User, Key: key, HostKeys: known, Forced: m.Forced, Sudo: m.Sudo})
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
		return r
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
		failed = append(failed, r.close())
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
