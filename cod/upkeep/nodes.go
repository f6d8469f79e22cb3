package upkeep

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/ldapschema"
)

// A Node is one node of a virtual cluster as the directory shows it.
type Node struct {
	Name     string        `json:"name"`    // host name, without domain
	Cluster  string        `json:"cluster"` // its subdomain
	Aliases  []string      `json:"aliases,omitempty"`
	ID       int           `json:"id"`
	Unit     string        `json:"unit"`
	Address  string        `json:"address"`
	Public   string        `json:"public,omitempty"` // address by which it is reached from outside
	MAC      string        `json:"mac,omitempty"`
	Host     string        `json:"host,omitempty"` // the machine it is on
	Type     string        `json:"type,omitempty"`
	Image    string        `json:"image,omitempty"`
	Boot     string        `json:"boot,omitempty"` // the operator's word
	State    string        `json:"state"`
	Hold     string        `json:"hold,omitempty"`
	Health   string        `json:"health,omitempty"`
	Note     string        `json:"note,omitempty"`
	Slice    string        `json:"slice"`
	Lease    string        `json:"lease,omitempty"`
	LeaseEnd time.Time     `json:"leaseEnd,omitzero"`
	Owner    string        `json:"owner,omitempty"`   // the authority that wrote it
	Machine  string        `json:"machine,omitempty"` // the host that a virtual one is on
	HostKey  string        `json:"hostKey,omitempty"` // that it shows
	Entry    ldapschema.DN `json:"entry"`
	Problem  string        `json:"problem,omitempty"` // why the entry cannot be read
}

// Nodes lists the nodes of all clusters, by cluster and id.
func (d Desk) Nodes(ctx context.Context) ([]Node, error) {
	all, err := d.Directory.List(ctx, cod.SlicesDN(d.Base))
	if err != nil {
		return nil, err
	}
	var out []Node
	for _, e := range all {
		if e.IsA("codNode") {
			out = append(out, node(e))
		}
	}
	slices.SortFunc(out, func(a, b Node) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Entry, b.Entry))
	})
	return out, nil
}

func node(e ldapschema.Entry) Node {
	_, name := e.DN.RDN()
	_, cluster := e.DN.Parent().Parent().RDN()
	h, err := ldapschema.ParseHost(e)
	if err != nil {
		return Node{Name: name, Cluster: cluster, Unit: e.Get("codUnit"), State: e.Get("codState"), Hold: e.Get("codHold"), Entry: e.DN, Problem: err.Error()}
	}
	n := Node{Name: h.Name, Cluster: cluster, Aliases: h.Aliases, ID: h.NodeID, Unit: h.Unit, Address: h.IP.String(), Host: h.Serial,
		Type: h.ResourceType, Image: h.Image, Boot: h.Boot, State: h.State, Hold: h.Hold, Health: h.Health, Note: h.Note,
		Slice: h.Slice, Lease: h.Lease, LeaseEnd: h.LeaseEnd, Owner: h.Owner, HostKey: h.HostKey, Entry: e.DN}
	if h.Dom0 != "" {
		_, n.Machine = h.Dom0.RDN()
	}
	if h.Public.IsValid() {
		n.Public = h.Public.String()
	}
	if !h.MAC.IsZero() {
		n.MAC = h.MAC.String()
	}
	return n
}

// Node finds one by its name, with or without its cluster's or the whole domain, or by
// its unit.
func (d Desk) Node(ctx context.Context, name string) (Node, error) {
	all, err := d.Nodes(ctx)
	if err != nil {
		return Node{}, err
	}
	var found []Node
	for _, n := range all {
		full := n.Name + "." + n.Cluster
		is := func(s string) bool { return strings.EqualFold(s, name) }
		if is(n.Name) || is(full) || n.Unit == name || slices.ContainsFunc(n.Aliases, is) {
			found = append(found, n)
		}
	}
	switch len(found) {
	case 0:
		return Node{}, absent("node", name, cod.SlicesDN(d.Base))
	case 1:
		return found[0], nil
	}
	var names []string
	for _, n := range found {
		names = append(names, n.Name+"."+n.Cluster)
	}
	return Node{}, conflict(cod.SlicesDN(d.Base), "%.64q could be any of %s", name, strings.Join(names, ", "))
}
