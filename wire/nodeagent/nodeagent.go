/*
Package nodeagent is the messages of node agents: the operations of the legacy service as
plain structs, and their two renderings, SOAP (nodeagent 1.1) and XML-RPC (nodeagent 5).

	soap.go     the child of soap:Body, unqualified children in any order
	xmlrpc.go   positional parameters, and the struct that is signed for them

Signatures are package wssec's, and what an operation does is handlers/nodeagent's.
*/
package nodeagent

// Op is an operation, by its name on the wire.
type Op string

// The operations. Rollback and Run are of ours, and have no SOAP.
const (
	ExecuteScript        Op = "executeScript"
	ExecuteDriver        Op = "executeDriver"
	ExecuteObjectDriver  Op = "executeObjectDriver"
	InstallDriver        Op = "installDriver"
	UpgradeDriver        Op = "upgradeDriver"
	UninstallDriver      Op = "uninstallDriver"
	RollbackDriver       Op = "rollbackDriver" // to the version before
	Run                  Op = "run"            // a command with its arguments as they are, and input
	TestFunc             Op = "testFunc"       // n + 10
	RegisterKey          Op = "registerKey"
	UnregisterKey        Op = "unregisterKey"
	RegisterAuthorityKey Op = "registerAuthorityKey" // the first key; unsigned
	GetServiceKey        Op = "getServiceKey"        // unsigned
)

// Signed reports whether requests of the operation have to be signed: all but those by
// which keys become known.
func (o Op) Signed() bool { return o != RegisterAuthorityKey && o != GetServiceKey }

// Codes of the service (nodeagent 1.3).
const (
	OK                  = 0
	InternalError       = 1
	InvalidArguments    = 2
	InvalidDriver       = 3
	InternalDriverError = 4
	KeyAlready          = 5
)

// Codes about packages and of drivers (nodeagent 3). A driver's own are below Own.
const (
	AlreadyInstalled = -1003
	CleanUp          = -1004
	NotInstalled     = -1005
	NoDirectory      = -1006
	NotExpanded      = -1007

	UnknownAction = -10
	BadArguments  = -20
	Overlap       = -50
	Interrupted   = -60
	Own           = -10000
)

// A Property is a name and its value.
type Property struct{ Name, Value string }

// A Request is what is asked of an agent. Only the fields of its operation are looked at.
type Request struct {
	Op                     Op
	Driver, Object, Action string
	Class                  string // of drivers: kept, and not used
	Package                []byte // of drivers: the archive
	Properties             []Property
	Script, Arguments      string
	Args                   []string // of Run
	Stdin                  string   // of Run
	Alias                  string
	Certificate            []byte // DER
	Message, Signature     []byte // of RegisterAuthorityKey
	Number                 int32  // of TestFunc
}

// A Response is the answer.
type Response struct {
	Op             Op
	Code           int32
	Message        string // what went wrong, for scripts
	Stdout, Stderr string
	Properties     []Property
	Reply, Key     []byte // of RegisterAuthorityKey and GetServiceKey
}

// Map is properties by their names; of several with one name the last counts.
func Map(list []Property) map[string]string {
	out := make(map[string]string, len(list))
	for _, p := range list {
		out[p.Name] = p.Value
	}
	return out
}

// Ops are all operations.
var Ops = []Op{ExecuteScript, ExecuteDriver, ExecuteObjectDriver, InstallDriver, UpgradeDriver, UninstallDriver,
	RollbackDriver, Run, TestFunc, RegisterKey, UnregisterKey, RegisterAuthorityKey, GetServiceKey}
