package config

import (
	"fmt"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/ldapschema"
	"github.com/leasehold/leasehold/wssec"
)

// Version is the one version of the format that this program reads.
const Version = 1

// Config is everything leasehold serve is told. Paths are as written until Load
// has made them absolute.
type Config struct {
	Version   int
	State     string // folder of what this process keeps; default "state"
	Admin     string // Unix socket of the operator commands; default "admin.sock" in State
	Metrics   string // loopback host:port of the metrics page; empty for none
	Log       Log
	Listen    Listen
	Store     Store
	Clock     actors.Cycles // begin default 1970-01-01T00:00:00Z, cycle default one second
	Ticks     string        // TicksWall (default), or TicksExternal: operators move the clock
	Directory *Directory    // nil: no directory, and no actor has a COD block
	Actors    []Actor
	Peers     []Peer
	// Registries are those that the actors register with, and learn of others from.
	Registries []Membership
}

// Who moves the actors' clock.
const (
	TicksWall     = "wall"     // it is this machine's own
	TicksExternal = "external" // operators, with leasehold clock tick; for emulations
)

// Log says what is logged, to standard error.
type Log struct {
	Level  string // debug, info (default), warn or error
	Format string // text (default) or json
}

// Listen says where peers reach the actors of this process.
type Listen struct {
	Address string // host:port to bind; default 127.0.0.1:8180
	URL     string // what peers are told, without a final slash; default http:// and Address
}

// Directory is where COD keeps its entries.
type Directory struct {
	URL          string        // "embedded" (default), ldap://host:port or ldaps://host:port
	Listen       string        // embedded: host:port for LDAP clients; default none
	Base         ldapschema.DN // the entry everything is put under
	Bind         ldapschema.DN // whom we bind as
	PasswordFile string        // one line; must not be readable by others
}

// Embedded reports whether the directory runs inside this process.
func (d Directory) Embedded() bool { return d.URL == "embedded" }

// Actor is one actor that this process hosts.
type Actor struct {
	Name string
	GUID actors.ActorID // a lower-case UUID
	Role actors.Role
	Keys string // folder of the actor's identity (wssec/keys); default keys/NAME

	// Policy decides for brokers who gets what (fcfs, the default) and for
	// authorities which hosts serve a lease (firstfit, the default). Weights are
	// clients' shares under propshare, by the names of the actors, priorities their
	// places under priority; larger goes first.
	Policy     string
	Weights    map[string]int
	Priorities map[string]int
	Balance    bool    // brokers under priority: spread over sites evenly
	Quotas     []Quota // brokers: what clients and slices may hold, under any policy
	// Renewals is by class when a priority policy may serve new asks of a higher
	// class before extensions of a lower one; empty or first, the default, when not.
	Renewals string
	// Advance makes a broker decide this many cycles before what is asked for starts,
	// and not sooner; legacy brokers do so three cycles before. 0 decides at once.
	Advance int
	// RedeemWithin is how long after its start a broker's ticket may be redeemed; 0,
	// the default, sets no limit.
	RedeemWithin time.Duration

	Handler *Handler // managers: join and leave; authorities: setup and teardown

	Guests        []Guest  // managers: whom they lease for by themselves
	DefaultBroker string   // managers: name of the broker asked when a request names none
	Sources       []string // brokers: files with the tickets they sell from
	Claims        []Claim  // brokers: what sites exported to them, to be fetched
	Buys          []Buy    // brokers: what they buy from other brokers, to be sold on

	Pools   []Pool   // authorities: what there is to lease
	Exports []Export // authorities: what is delegated to brokers
	COD     *COD     // authorities: clusters kept in the directory; nil for none
}

// Pool is the inventory of one resource type at an authority.
type Pool struct {
	Type  actors.ResourceType
	Hosts []Hosts
}

// Inventory lists the hosts of the pool one by one, in the order written.
func (p Pool) Inventory() []Host {
	var out []Host
	for _, h := range p.Hosts {
		out = append(out, h.each()...)
	}
	return out
}

// Hosts is one line of inventory: one host by name, or Count alike whose names
// follow a pattern such as node%02d.
type Hosts struct {
	Name       string            // one host; empty when Pattern is given
	Pattern    string            // a name with one %d or %0Nd in it
	First      int               // number of the first host of a pattern; default 1
	Count      int               // how many hosts follow the pattern
	MAC        string            // of the first host, counted up for the others; may be empty
	Memory     int               // mebibytes; 0 says nothing
	Properties map[string]string // anything else handlers should know
}

// Host is one machine.
type Host struct {
	Name       string
	MAC        string // lower case with colons, or empty
	Memory     int    // mebibytes; 0 says nothing
	Properties map[string]string
}

func (h Hosts) each() []Host {
	if h.Pattern == "" {
		return []Host{{Name: h.Name, MAC: h.MAC, Memory: h.Memory, Properties: h.Properties}}
	}
	out := make([]Host, 0, h.Count)
	for i := range h.Count {
		mac, _ := macPlus(h.MAC, i)
		out = append(out, Host{
			Name: fmt.Sprintf(h.Pattern, h.First+i), MAC: mac,
			Memory: h.Memory, Properties: h.Properties,
		})
	}
	return out
}

// Claim is an export to be fetched from a site.
type Claim struct {
	From        string               // name of the site, here or among the peers
	Reservation actors.ReservationID // what the site's administrator calls the export
}

// Buy is units that a broker buys from another one.
type Buy struct {
	From  string // name of the broker that sells, here or among the peers
	Type  actors.ResourceType
	Units int
	// Length is how long each term lasts, from when it is asked for.
	Length time.Duration
	// Renew keeps the units held: the term is prolonged when half of it has passed,
	// and asked for anew when that was refused. Default true.
	Renew bool
	// Name is what operators call the holding; default one that follows from the rest.
	Name    actors.ReservationID
	Request map[string]string // properties for the other broker's policy
}

// Export is a standing delegation from an authority to a broker.
type Export struct {
	To    string // name of a broker, here or among the peers
	Type  actors.ResourceType
	Units int
	Until time.Time // the delegation's last instant
	// Tickets is the scheme of the ticket: sha256, or sharp for a broker that sells
	// to legacy actors. Empty means what the broker's profile reads.
	Tickets string
	// Properties are certified with the delegation: the size of its hosts (cpu, memory,
	// bandwidth, storage; hosts is how many the units are cut from) and anything else
	// that buyers should know.
	Properties map[string]string
}

// Handler says which driver carries out an actor's actions. The driver noop
// changes nothing; it takes its time and fails as told.
type Handler struct {
	Driver          string        // one of the drivers of the program; see leasehold handler list
	Script          string        // file with the actions of the driver script
	Results         string        // folder where it keeps results; default one in the state folder
	Here            bool          // units whose machine is not listed are worked on from this one
	SetupDelay      time.Duration // how long a setup takes; default 0
	TeardownDelay   time.Duration // how long a teardown takes; default 0
	CallLimit       time.Duration // how long one call of the driver may take before it is called off and tried again; 0 means 10m
	FailFirst       int           // this many tries of each action fail first; default 0
	FailProbability float64       // chance that a later try fails, 0 to 1; default 0
	FailAlways      string        // setup, teardown or both: what never succeeds; default none of them
	Journal         string        // file with what is up and what ran, kept over restarts; default none
	Machines        []Machine     // where drivers work
	Tool            string        // what xen manages these machines with, xl or xm; default whichever answers
	// Settings are parameters of the driver that the site gives, over what units say.
	Settings map[string]string
}

// SettingPassword is the setting that names a file of this machine.
const SettingPassword = "ldap.password_file"

// Machine is one that a driver works on, over SSH or through its node agent. A unit is on the machine that its
// host's property "machine" names, or else on the one with the host's own name.
type Machine struct {
	Name     string
	Address  string // host:port of its sshd
	User     string // default root
	Key      string // file with our private key
	HostKeys string // file with the host keys it may show
	Forced   bool   // its key is tied to dom0-shell
	Sudo     bool   // what runs there runs through sudo, as the user is not root
	Migrate  string // address that domains are sent to when they move there; default the address without the port
	// Agent is its node agent, for scripts and drivers that go through one, beside SSH or
	// instead of it: the address of its XML-RPC, the file of its certificate, and the folder of
	// the keys that it knows us by.
	Agent, Certificate, Identity string
}

// Peer is an actor elsewhere that ours may speak with.
type Peer struct {
	Name string
	GUID actors.ActorID
	Role actors.Role
	URL  string // full address of its endpoint
	// Policy is how messages to and from it are signed and packed: profile strict
	// (default), legacy or legacy-strong, and where it departs from that; and in which
	// protocol they are.
	Policy wssec.Policy
	// Certificates are the files with the certificates whose keys are pinned. Several
	// overlap while the peer changes its key; tickets are granted to the first.
	Certificates []string
	Allow        []actors.Op // operations it may call; nil means what its role gives it
}

// Holding is what operators call something that a broker buys: its name, or one that
// follows from who buys what from whom.
func (c Config) Holding(a Actor, b Buy) actors.ReservationID {
	if b.Name != "" {
		return b.Name
	}
	from, _, _ := c.Find(b.From)
	return actors.ReservationID(actors.DeriveID("buys", string(a.GUID), string(from), string(b.Type)))
}

// Find is the actor or peer of that name: its GUID and role.
func (c Config) Find(name string) (actors.ActorID, actors.Role, bool) {
	for _, a := range c.Actors {
		if a.Name == name {
			return a.GUID, a.Role, true
		}
	}
	for _, p := range c.Peers {
		if p.Name == name {
			return p.GUID, p.Role, true
		}
	}
	return "", 0, false
}
