package wiring

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors/emulate"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/adaptive"
	"github.com/leasehold/leasehold/actors/policy/bestfit"
	"github.com/leasehold/leasehold/actors/policy/edf"
	"github.com/leasehold/leasehold/actors/policy/evenload"
	"github.com/leasehold/leasehold/actors/policy/fcfs"
	"github.com/leasehold/leasehold/actors/policy/firstfit"
	"github.com/leasehold/leasehold/actors/policy/manual"
	"github.com/leasehold/leasehold/actors/policy/match"
	"github.com/leasehold/leasehold/actors/policy/priority"
	"github.com/leasehold/leasehold/actors/policy/propshare"
	"github.com/leasehold/leasehold/actors/policy/quarantine"
	"github.com/leasehold/leasehold/actors/policy/static"
	"github.com/leasehold/leasehold/actors/policy/worstfit"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/exec"
	"github.com/leasehold/leasehold/handlers/drivers/file"
	"github.com/leasehold/leasehold/handlers/drivers/image"
	"github.com/leasehold/leasehold/handlers/drivers/ldapvalue"
	"github.com/leasehold/leasehold/handlers/drivers/lvm"
	"github.com/leasehold/leasehold/handlers/drivers/mount"
	"github.com/leasehold/leasehold/handlers/drivers/nfsexport"
	"github.com/leasehold/leasehold/handlers/drivers/noop"
	"github.com/leasehold/leasehold/handlers/drivers/scripted"
	"github.com/leasehold/leasehold/handlers/drivers/snmp"
	"github.com/leasehold/leasehold/handlers/drivers/sshkeys"
	"github.com/leasehold/leasehold/handlers/drivers/stage"
	"github.com/leasehold/leasehold/handlers/drivers/systemd"
	"github.com/leasehold/leasehold/handlers/drivers/useradd"
	"github.com/leasehold/leasehold/handlers/drivers/xen"
	"github.com/leasehold/leasehold/handlers/drivers/zfs"
	"github.com/leasehold/leasehold/handlers/run/localrun"
	"github.com/leasehold/leasehold/handlers/run/sshrun"
)

// brokerPolicies are the broker policies this program has, by the names used in
// configuration. A new one is a line here.
var brokerPolicies = map[string]func(policy.Settings) policy.Broker{
	"bestfit":   func(policy.Settings) policy.Broker { return bestfit.Policy{} },
	"edf":       func(policy.Settings) policy.Broker { return edf.Policy{} },
	"evenload":  func(policy.Settings) policy.Broker { return evenload.Policy{} },
	"fcfs":      func(policy.Settings) policy.Broker { return fcfs.Policy{} },
	"manual":    func(policy.Settings) policy.Broker { return manual.Policy{} },
	"priority":  func(s policy.Settings) policy.Broker { return priority.New(s) },
	"propshare": func(s policy.Settings) policy.Broker { return propshare.New(s) },
	"worstfit":  func(policy.Settings) policy.Broker { return worstfit.Policy{} },
}

// authorityPolicies are the assignment policies, likewise.
var authorityPolicies = map[string]policy.Authority{
	"firstfit":   firstfit.Policy{},
	"match":      match.Policy{},
	"quarantine": quarantine.Policy{},
}

// managerPolicies are the policies by which a manager leases for guests, likewise.
var managerPolicies = map[string]func(policy.GuestSettings) policy.Manager{
	"adaptive": func(s policy.GuestSettings) policy.Manager { return adaptive.Policy{GuestSettings: s} },
	"static":   func(s policy.GuestSettings) policy.Manager { return static.Policy{GuestSettings: s} },
}

// Policies finds the same policies for the emulator.
func Policies() emulate.Policies {
	return emulate.Policies{
		Broker: func(name string, s policy.Settings) (policy.Broker, error) {
			make, err := pick("broker policy", name, "fcfs", brokerPolicies)
			if err != nil {
				return nil, err
			}
			return make(s), nil
		},
		Authority: func(name string) (policy.Authority, error) {
			return pick("assignment policy", name, "firstfit", authorityPolicies)
		},
		Manager: func(name string, s policy.GuestSettings) (policy.Manager, error) {
			make, err := pick("manager's policy", name, "adaptive", managerPolicies)
			if err != nil {
				return nil, err
			}
			return make(s), nil
		},
	}
}

// drivers makes the drivers of one actor as its configuration says. A new one is
// a line here, and a name in package config. A script's steps may use all the others.
func drivers(h config.Handler, journal *noop.Journal, on *machines, act scripted.Config) (handlers.Catalogue, error) {
	forced, err := forced(h.Machines)
	if err != nil {
		return handlers.Catalogue{}, err
	}
	var all handlers.Catalogue
	act.Local = localrun.Runner{}
	act.Drivers = func(name string) (handlers.Info, bool) {
		info, ok := all.Find(name)
		return info, ok && name != "script"
	}
	idle := noop.Config{Setup: h.SetupDelay, Teardown: h.TeardownDelay, FailFirst: h.FailFirst,
		Probability: h.FailProbability, FailAlways: h.FailAlways, Now: time.Now, Chance: rand.Float64, Journal: journal}
	slow, broken := idle, idle
	slow.Setup, slow.Teardown, slow.Modify = cmp.Or(idle.Setup, time.Second), cmp.Or(idle.Teardown, time.Second), time.Second
	broken.FailAlways = cmp.Or(idle.FailAlways, "setup")
	all, err = handlers.NewCatalogue(
		scripted.New(act).Info(),
		xen.New(xen.Config{Forced: forced, Tool: h.Tool, Hosts: migrations(h.Machines), Reach: on.find}).Info(),
		exec.Driver{}.Info(),
		file.New().Info(),
		file.NewTemplate().Info(),
		useradd.Driver{}.Info(),
		sshkeys.Driver{}.Info(),
		nfsexport.Driver{}.Info(),
		mount.Driver{}.Info(),
		lvm.Driver{}.Info(),
		stage.Driver{Answers: sshrun.Shows}.Info(),
		zfs.Driver{}.Info(),
		image.Driver{}.Info(),
		systemd.Driver{}.Info(),
		snmp.Driver{}.Info(),
		ldapvalue.Driver{}.Info(),
		noop.New(idle).Info(),
		noop.New(slow).InfoAs("delay", "Touches nothing and takes its time, a second unless it is told otherwise."),
		noop.New(broken).InfoAs("fail", "Touches nothing and fails, at setups unless it is told otherwise."),
	)
	return all, err
}

// Catalogue is the drivers of this program, for people to read about and to try: those
// that scripts use, and act itself. Nothing is configured.
func Catalogue(act scripted.Config) (handlers.Catalogue, error) {
	return drivers(config.Handler{}, nil, &machines{}, act)
}

// pick finds name in a list, with the whole list in the error.
func pick[T any](what, name, def string, list map[string]T) (T, error) {
	if name == "" {
		name = def
	}
	p, ok := list[name]
	if !ok {
		return p, fmt.Errorf("there is no %s %q; there are: %s", what, name, strings.Join(slices.Sorted(maps.Keys(list)), ", "))
	}
	return p, nil
}
