package cod

import (
	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/ldapschema"
)

// Event is something that happened at the site. The set is closed: the types
// below and no others.
type Event interface{ event() }

// Do asks for an action on one unit. The same action may be asked for again.
type Do struct{ Action actors.Action }

// Written answers a Write.
type Written struct {
	Token   Token
	Applied int     // how many of its changes took effect, from the first
	Outcome Outcome // what became of the next one; Done when all took effect
	Note    string  // for people, when Outcome is not Done
}

// Found answers a Read.
type Found struct {
	Token   Token
	Entry   ldapschema.Entry // when Outcome is Done
	Outcome Outcome
	Note    string
}

// Driven answers a Drive.
type Driven struct {
	Token  Token
	Result handlers.Result
	Failed string // why the driver gave up; empty if it did not
	Code   int    // of a modify that failed (handlers.CodeOf)
}

// Seen says that an entry below Base is there, or is now as told: whoever watches the
// directory was told so. What is told may be older than what this machine has written
// since.
type Seen struct {
	Entry  ldapschema.Entry
	Writer ldapschema.DN // who wrote it last; empty when unknown
	At     actors.Millis // and when; 0 when unknown
}

// Lost says that an entry below Base is not there any more.
type Lost struct{ DN ldapschema.DN }

// Synced says that everything there is has been Seen, and that from now on changes
// will be.
type Synced struct{}

// Forget is an operator's word that a unit nobody works on any more is really gone:
// its entries are removed without asking the driver. It concerns nodes that are
// suspect, and nodes loaded from the directory that the authority has not asked for;
// for others it does nothing.
type Forget struct{ Unit actors.UnitID }

// Sweep is an operator's word that what stands in the directory of a unit that no node
// has may go: entries with our mark whose node's own entry is gone.
type Sweep struct{ Unit actors.UnitID }

// Tick says that time has passed; the instant is the step's own argument.
type Tick struct{}

func (Do) event()      {}
func (Written) event() {}
func (Found) event()   {}
func (Driven) event()  {}
func (Seen) event()    {}
func (Lost) event()    {}
func (Synced) event()  {}
func (Sweep) event()   {}
func (Forget) event()  {}
func (Tick) event()    {}

// Outcome is what became of one directory operation.
type Outcome uint8

// The outcomes of an operation on an entry.
const (
	Done        Outcome = iota // carried out
	Exists                     // an add found an entry of that name
	Missing                    // there is no entry of that name
	Conflict                   // the assertion failed, or entries lie below
	Refused                    // the directory will never accept it: schema or access
	Unavailable                // nobody knows, or not now; ask again later
)

var outcomeNames = [...]string{"done", "exists", "missing", "conflict", "refused", "unavailable"}

// String names the outcome.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return "unknown outcome"
}

// Token pairs an answer with what was asked. Tokens are never used twice in the
// life of a machine; an answer with an unknown token is ignored.
type Token uint64

// Effects is everything one step asks of the outside world. The fields may be
// carried out at the same time; what must wait for something else is asked for
// only when that has been answered.
type Effects struct {
	Write  []Write
	Read   []Read
	Drive  []Drive
	Report []actors.ActionDone
	Warn   []Warning    // of leases that end soon
	Moved  []Transition // for logs and watchers
	Notice []Notice     // of what others did to our entries
	// Changed is what lessees have to hear because an operator changed their nodes.
	Changed []Changed
	Wake    actors.Millis // deliver Tick then; actors.Forever asks for nothing
}

// Write asks for changes to the directory, in this order, up to the first that
// is not carried out.
type Write struct {
	Token   Token
	Changes []ldapschema.Change
}

// Read asks for one entry.
type Read struct {
	Token Token
	DN    ldapschema.DN
}

// Drive asks the driver for one call. There is never more than one under way on
// a unit.
type Drive struct {
	Token  Token
	Verb   actors.Verb // Setup, Teardown or ModifyUnit
	Type   actors.ResourceType
	Unit   actors.Unit
	Params handlers.Params
}

// Changed is what is true of a node that is up, an operator's edits among it. An empty
// value says that it has nothing of that name.
type Changed struct {
	Reservation actors.ReservationID
	Unit        actors.UnitID
	Properties  actors.Properties
}

// Transition is one move of one node.
type Transition struct {
	Unit     actors.UnitID
	From, To State
	Why      string
}
