package wiring

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/registrar/member"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/wssec"
	"github.com/sirupsen/logrus"
)

// LearnedFile is what the file in the state folder is called that keeps the actors
// which registries have listed.
const LearnedFile = "registry-actors.json"

// learned is what the process knows from registries. It outlives the process: a lease
// goes on when the registry is away. What was learned first of an actor counts; only its
// address may change.
type learned struct {
	file string
	log  logrus.FieldLogger

	acting sync.Mutex // held while actors are told and the file is written: registries bring news at once

	mu    sync.Mutex
	found map[string]map[actors.ActorID]member.Found // by URL of the registry
}

// enlisted is one actor in the file.
type enlisted struct {
	Registry string         `json:"registry"`
	ID       actors.ActorID `json:"guid"`
	Name     string         `json:"name"`
	URL      string         `json:"url"`
	Role     string         `json:"role"`
	Protocol string         `json:"protocol"`
	Cert     string         `json:"certificate"` // base64 of DER
}

// openLearned reads what former lives have learned.
func openLearned(state string, log logrus.FieldLogger) (*learned, error) {
	l := &learned{file: filepath.Join(state, LearnedFile), log: log, found: map[string]map[actors.ActorID]member.Found{}}
	data, err := os.ReadFile(l.file)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	var all []enlisted
	if err == nil {
		err = json.Unmarshal(data, &all)
	}
	for _, k := range all {
		f := member.Found{Location: actors.Location{ID: k.ID, Name: k.Name, URL: k.URL}}
		var bad error
		f.Protocol, bad = wssec.ParseProtocol(k.Protocol)
		for role := actors.RoleManager; role <= actors.RoleAuthority; role++ {
			if role.String() == k.Role {
				f.Role = role
			}
		}
		der, e := base64.StdEncoding.DecodeString(k.Cert)
		if e == nil {
			f.Cert, e = x509.ParseCertificate(der)
		}
		if err = errors.Join(err, bad, e); err != nil {
			break
		}
		l.add(k.Registry, f)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.file, err)
	}
	return l, nil
}

func (l *learned) add(url string, f member.Found) {
	if l.found[url] == nil {
		l.found[url] = map[actors.ActorID]member.Found{}
	}
	l.found[url][f.ID] = f
}

// take adds what a registry lists, and reports whether anything is new.
func (l *learned) take(url string, found []member.Found) (news bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range found {
		old, known := l.found[url][f.ID]
		switch {
		case known && old.Same(f):
			continue
		case known && (!old.Cert.Equal(f.Cert) || old.Role != f.Role || old.Name != f.Name):
			l.log.WithField("peer", f.Name).WithField("guid", f.ID).Error("the registry lists this actor with another certificate, name or role than before; what was learned first stays. Remove " + l.file + " if the change is right")
			continue
		}
		l.add(url, f)
		l.log.WithField("peer", f.Name).WithField("guid", f.ID).WithField("url", f.URL).Info("learned of an actor from the registry")
		news = true
	}
	return news
}

// of lists what a registry has listed, in order.
func (l *learned) of(url string) (out []member.Found) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(l.found[url])) {
		out = append(out, l.found[url][id])
	}
	return out
}

// save writes what is known to the file.
func (l *learned) save() error {
	l.mu.Lock()
	var all []enlisted
	for url, found := range l.found {
		for _, f := range found {
			all = append(all, enlisted{url, f.ID, f.Name, f.URL, f.Role.String(), f.Protocol.String(), base64.StdEncoding.EncodeToString(f.Cert.Raw)})
		}
	}
	l.mu.Unlock()
	slices.SortFunc(all, func(a, b enlisted) int {
		return cmp.Or(cmp.Compare(a.Registry, b.Registry), cmp.Compare(a.ID, b.ID))
	})
	data, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	next := l.file + ".new"
	if err := os.WriteFile(next, data, 0o600); err != nil {
		return err
	}
	return os.Rename(next, l.file)
}

// meetLearned gives every actor the peers that registries list for it, beside those of
// the configuration.
func (p *Process) meetLearned() {
	for _, a := range p.Actors {
		peers := a.static
		for _, m := range p.config.Registries {
			var found []member.Found
			for _, f := range p.learned.of(m.URL) {
				if m.Roles == nil || slices.Contains(m.Roles, f.Role) {
					found = append(found, f)
				}
			}
			var left []error
			peers, left = member.Learn(a.Config.GUID, a.Config.Role, peers, found, m.Profile)
			for _, err := range left {
				a.log.WithError(err).Warn("an actor that the registry lists is left out")
			}
		}
		if err := a.Registry.Replace(peers); err != nil {
			a.log.WithError(err).Error("peers of the registry")
		}
	}
}

// locations lists everybody that some actor of the process knows, for views.
func (p *Process) locations(own []actors.Location) []actors.Location {
	out := slices.Clone(own)
	for _, a := range p.Actors {
		for _, peer := range a.Registry.Peers() {
			if !slices.ContainsFunc(out, func(l actors.Location) bool { return l.ID == peer.ID }) {
				out = append(out, peer.Location)
			}
		}
	}
	return out
}

// belong keeps the process's actors registered with one registry, and asks it who else is
// there, until ctx ends.
func (p *Process) belong(ctx context.Context, c config.Membership) error {
	pin, err := member.ParsePin(c.Fingerprint)
	if err != nil {
		return err
	}
	log := p.log.WithField("registry", c.URL)
	if pin.Weak() {
		log.Warn("the registry's certificate is pinned by MD5; its SHA-256 is safer")
	}
	members := make([]*member.Member, len(p.Actors))
	var own []string
	for i, a := range p.Actors {
		members[i], err = member.New(member.Config{URL: c.URL, Pin: pin, Self: a.Identity, Location: a.Location, Role: a.Config.Role, Description: "Leasehold actor " + a.Config.Name})
		if err != nil {
			return err
		}
		defer members[i].Close()
		own = append(own, string(a.Config.GUID))
	}
	registered, silent := make([]bool, len(members)), false
	tell := func(err error) { // once, until it is well again
		if err != nil && !silent && ctx.Err() == nil {
			log.WithError(err).Warn("the registry does not answer as it should; it will be asked again")
		}
		if err == nil && silent {
			log.Info("the registry answers again")
		}
		silent = err != nil
	}
	for {
		var failed error
		for i, m := range members {
			var err error
			if registered[i] {
				err = m.Heartbeat(ctx)
			}
			if !registered[i] || errors.Is(err, member.ErrRegistry) { // it may have forgotten us
				err = m.Register(ctx)
			}
			registered[i] = err == nil
			failed = errors.Join(failed, err)
		}
		found, skipped, err := members[0].Verified(ctx, own)
		failed = errors.Join(failed, err)
		for _, err := range skipped {
			log.WithError(err).Debug("an actor that the registry lists makes no sense")
		}
		if p.learned.take(c.URL, found) {
			p.learned.acting.Lock()
			p.meetLearned()
			err := p.learned.save()
			p.learned.acting.Unlock()
			if err != nil {
				log.WithError(err).Error("what the registry lists could not be kept")
			}
		}
		tell(failed)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(c.Every):
		}
	}
}
