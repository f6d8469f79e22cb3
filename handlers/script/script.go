/*
Package script is the language of action scripts: YAML files that say what makes a unit
usable, step by step, and what undoes it (paper B 4.1).

	version: 1
	doc: A web server on a leased node.
	on: machine
	variables:
	  user: {from: config.web.user, default: web}
	  token: {from: config.web.token, secret: true}
	actions:
	  setup:
	    steps:
	      - name: account
	        unless: [id, "${user}"]
	        run: [useradd, --create-home, "${user}"]
	        retry: {times: 3, pause: 2s}
	      - name: register
	        when: unit.resourceType == 'site.web' and defined token
	        shell: curl -sf -H "Authorization: $TOKEN" http://localhost/register
	        env: {TOKEN: "${token}"}
	  teardown:
	    steps:
	      - {unless: ["sh", "-c", "! id \"$0\"", "${user}"], run: [userdel, --remove, "${user}"]}

[Parse] reads a file and says everything that is wrong with it, by line. [Script.Begin]
starts an action for one unit, and the [Run] it gives is a machine without hands: Next says
which operations to begin, Done takes in what became of one, Over gives the result. Package
handlers/drivers/script is the hands.

# Drivers of the library

A step may call a driver. It is asked for what the action is for, so that the same step is right
in setup and in teardown: setup and join make it true, teardown and leave undo it, modify and
modify.NAME pass the subcommand on, and the other actions ask for what they are called. A step
says verb to ask for something else. Steps of an action that is called are the caller's.

	setup:
	  - {driver: useradd, properties: {unit.user: "${user}"}}
	  - {driver: systemd, properties: {systemd.unit: web.service}}
	teardown:
	  - {driver: systemd, properties: {systemd.unit: web.service}}
	  - {driver: useradd, properties: {unit.user: "${user}"}}

# What lessees write

The value of a variable may be anything. It reaches a machine as one argument, as the value
of an environment variable, or as input, and never as part of a shell's text. A secret
variable is no argument either, because everybody on a machine reads those; and it stands as
three stars in everything a Run prints.

# What is not here

Commands are run elsewhere, and time passes elsewhere: a Run says how long to wait before an
operation, and for how long it may go on.
*/
package script

import (
	"time"
)

// Version is the version of the language that this package reads.
const Version = 1

// Where a step may run, in its own words.
const (
	OnLocal   = "local"     // the machine of this program
	OnMachine = "machine"   // the machine that the unit is on, however it is reached
	OnSSH     = "ssh"       // likewise, when it is to be reached over SSH
	OnAgent   = "nodeagent" // likewise, through its node agent
)

// Runners are the places a step may run, the default first.
var Runners = []string{OnMachine, OnLocal, OnSSH, OnAgent}

// Actions are the names that actions have (leasing 5.1); a modify may also be called by its
// subcommand, as in "modify.restart". Names that begin with a dot are for call alone.
var Actions = []string{"setup", "teardown", "join", "leave", "modify", "probe", "suspend", "resume", "checkpoint", "restore"}

// A Script is one file, read and checked.
type Script struct {
	Doc       string
	On        string // where steps run that do not say
	Variables []Variable
	Actions   []Action // in the order of the file
}

// A Variable is a name that steps use beside the properties of their unit.
type Variable struct {
	Line    int
	Name    string
	Doc     string
	From    string // the property it is read from; empty means that Default is its value
	Default Text   // used when there is no such property
	Given   bool   // there is a default
	Secret  bool   // shown as three stars
}

// An Action is a list of steps under a name.
type Action struct {
	Line    int
	Name    string
	Timeout time.Duration // of all of it; 0 is none
	Steps   []Step
}

// Kind is what a step does.
type Kind int

// The kinds of steps.
const (
	KindRun      Kind = iota // a command, as a list of arguments
	KindShell                // a text for a shell, which finds variables in its environment
	KindEcho                 // a line for the log
	KindFail                 // the end, with a message
	KindSet                  // other variables
	KindCall                 // the steps of another action
	KindSteps                // steps one after another
	KindParallel             // steps side by side
	KindDriver               // a driver of the program's library
	KindAgent                // a driver package installed at the unit's node agent
)

// keys are the words that say a step's kind, in the order of the kinds.
var keys = []string{"run", "shell", "echo", "fail", "set", "call", "steps", "parallel", "driver", "agent"}

// String is the word in the file.
func (k Kind) String() string { return keys[k] }

// A Step is one step of an action.
type Step struct {
	Line   int
	Name   string // for people; what it does when the file gives none
	Kind   Kind
	When   Condition // empty is always
	On     string    // one of Runners; empty means the script's
	Ignore bool      // go on when it fails

	Timeout time.Duration // of one try; 0 is none
	Retry   Retry
	Accept  []int // exit codes that are success; none means 0
	Any     bool  // every exit code is

	Args   []Text  // run
	Unless []Text  // run, shell: when this command succeeds there is nothing to do
	Stdin  Text    // run
	Shell  string  // shell
	Env    []Named // shell; for set, driver and agent the variables or properties
	Text   Text    // echo, fail
	Code   int     // fail
	Call   string  // call
	Steps  []Step  // steps, parallel
	Driver string  // driver, agent: its name or identity
	Verb   string  // driver: setup, teardown, modify, ..., or empty for what the action is for; agent: the action's name
	Object string  // agent: the identity of an object of the driver
	Save   []Save
}

// A Named is a name and its value.
type Named struct {
	Line  int
	Name  string
	Value Text
}

// A Save keeps what a step found out. Names that begin with "unit." become properties of
// the unit when the action succeeds.
type Save struct {
	Line int
	Name string
	What string // stdout, stderr, code, or for driver and agent the name of a property
}

// Retry is how a step is tried again. The pause grows by Factor from try to try.
type Retry struct {
	Times  int           // tries after the first
	Pause  time.Duration // before the second try
	Factor float64       // at least 1
	Most   time.Duration // the longest pause
}

// Before is the pause before the n-th try; the first is 1 and has none.
func (r Retry) Before(n int) time.Duration {
	if n <= 1 {
		return 0
	}
	p := float64(r.Pause)
	for range n - 2 {
		if p *= r.Factor; p >= float64(r.Most) {
			return r.Most
		}
	}
	return min(time.Duration(p), r.Most)
}

// Action finds an action by its name; nil when there is none.
func (s *Script) Action(name string) *Action {
	for i := range s.Actions {
		if s.Actions[i].Name == name {
			return &s.Actions[i]
		}
	}
	return nil
}

// secret reports whether a variable is secret.
func (s *Script) secret(name string) bool {
	v := s.variable(name)
	return v != nil && v.Secret
}

// variable finds a variable by its name.
func (s *Script) variable(name string) *Variable {
	for i := range s.Variables {
		if s.Variables[i].Name == name {
			return &s.Variables[i]
		}
	}
	return nil
}
