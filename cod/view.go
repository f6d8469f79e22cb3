package cod

import (
	"cmp"
	"slices"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod/pool"
)

// View is the site as people and programs see it.
type View struct {
	Clusters []ClusterView `json:"clusters"`
	Waiting  []NodeView    `json:"waiting,omitempty"` // units without an id: not placed yet, or refused
	// Conflicts are where the directory says otherwise than the site would have it.
	Conflicts []ConflictView `json:"conflicts,omitempty"`
	Fenced    string         `json:"fenced,omitempty"` // why this process writes nothing any more
	// Strays are entries that bear our mark and belong to no cluster or node. Nobody
	// removes them but an operator, or by an operator's word (Sweep).
	Strays []StrayView `json:"strays,omitempty"`
	// Hosts are those that virtual machines are placed on.
	Hosts []pool.Host `json:"hosts,omitempty"`
}

// StrayView is an entry of ours without a node.
type StrayView struct {
	Entry string        `json:"entry"`
	Unit  actors.UnitID `json:"unit,omitempty"` // it was a node's, of this unit
	Slice string        `json:"slice,omitempty"`
	By    string        `json:"by,omitempty"` // who wrote it last, if known
	Since time.Time     `json:"since,omitzero"`
}

// ClusterView is one slice's cluster.
type ClusterView struct {
	Slice   actors.SliceID `json:"slice"`
	Name    string         `json:"name"`
	Domain  string         `json:"domain"` // its DNS subdomain, in full
	Entry   string         `json:"entry"`  // the name of its directory entry
	Block   string         `json:"block"`
	Group   int            `json:"group"` // gidNumber
	Logins  []string       `json:"logins,omitempty"`
	Phase   string         `json:"phase"`
	Hold    string         `json:"hold,omitempty"`    // an operator's: who keeps us from working on it, and why
	Problem string         `json:"problem,omitempty"` // what the directory refuses
	Nodes   []NodeView     `json:"nodes"`
}

// NodeView is one node.
type NodeView struct {
	Unit     actors.UnitID `json:"unit"`
	ID       int           `json:"id,omitempty"`
	Name     string        `json:"name,omitempty"`
	Address  string        `json:"address,omitempty"`
	MAC      string        `json:"mac,omitempty"`
	Host     string        `json:"host,omitempty"`
	Machine  string        `json:"machine,omitempty"` // the host that a virtual one is on
	Lease    string        `json:"lease"`
	LeaseEnd time.Time     `json:"leaseEnd,omitzero"`
	Image    string        `json:"image,omitempty"`
	Boot     string        `json:"boot,omitempty"`    // what an operator has it boot, whatever its state
	Hold     string        `json:"hold,omitempty"`    // an operator's: who keeps us from working on it, and why
	Unasked  bool          `json:"unasked,omitempty"` // it was found in the directory, and the authority has asked nothing of it
	State    string        `json:"state"`
	Means    string        `json:"means"`             // the state in a sentence
	Waiting  string        `json:"waiting,omitempty"` // whom or what it waits for
	Trouble  string        `json:"trouble,omitempty"`
}

// View shows all clusters in order of their names, and their nodes in order of their
// ids.
func (m *Machine) View() View {
	v := View{Strays: m.others.strays(), Fenced: m.fenced, Conflicts: m.conflicts(), Hosts: m.pool.Hosts()}
	for _, c := range m.ordered() {
		cv := ClusterView{
			Slice: c.slice.ID, Name: c.slice.Name, Domain: c.label + "." + m.cfg.Domain, Entry: string(m.cfg.clusterDN(c.label)),
			Block: c.block.String(), Group: c.gid, Phase: c.phase.String(), Hold: c.hold, Problem: c.shelf.refused,
		}
		for _, a := range c.accounts {
			cv.Logins = append(cv.Logins, a.login)
		}
		for _, id := range c.ids() {
			cv.Nodes = append(cv.Nodes, c.nodes[id].view())
		}
		v.Clusters = append(v.Clusters, cv)
	}
	for _, n := range m.units {
		if n.cluster == nil {
			v.Waiting = append(v.Waiting, n.view())
		}
	}
	slices.SortFunc(v.Waiting, func(a, b NodeView) int { return cmp.Compare(a.Unit, b.Unit) })
	return v
}

func (n *node) view() NodeView {
	v := NodeView{
		Unit: n.unit, Lease: n.lease, LeaseEnd: n.leaseEnd, State: n.state.String(), Means: n.state.Means(),
		Waiting: n.waiting(), Trouble: n.trouble, Image: n.image, Boot: n.boot, Hold: n.stopped, Unasked: n.action.Verb == 0 && n.next == nil,
	}
	if n.cluster != nil {
		v.ID, v.Name, v.Address, v.MAC, v.Host, v.Machine = n.id, n.owner(), n.addr.String(), n.mac.String(), n.host, n.dom0
	}
	return v
}

// waiting says what the node waits for, for operators.
func (n *node) waiting() string {
	switch {
	case n.stopped != "":
		return "an operator to release it"
	case n.held():
		return "an operator to release its cluster"
	case n.waits != nil && n.waits.hold != "":
		return "an operator to release its cluster"
	case n.waits != nil:
		if s := &n.waits.shelf; s.tries > 0 {
			return "its cluster, which waits for " + s.waiting()
		}
		return "its cluster, which is " + n.waits.phase.String()
	case n.calling != 0:
		return "the driver"
	case n.shelf.tries > 0:
		return n.shelf.waiting()
	case n.shelf.token != 0:
		return "the directory"
	case n.answer == nil && n.action.Verb == 0:
		return "an action of the authority"
	case n.answer == nil && n.calls > 0:
		return "the next look at the driver's work"
	}
	return ""
}

// waiting says why the directory is asked again, and what it said.
func (s *shelf) waiting() string {
	if s.note == "" {
		return "the directory, which does not answer"
	}
	return "the directory: " + s.note
}
