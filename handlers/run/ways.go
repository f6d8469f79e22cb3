package run

import (
	"context"
	"fmt"
)

// Names of the ways in which a machine can be reached.
const (
	BySSH   = "ssh"
	ByAgent = "nodeagent"
)

// Ways is a Runner for a machine that can be reached in several ways, and that says which.
type Ways interface {
	Runner
	Way(name string) Runner // nil when it cannot be reached so
}

// By is the Runner that reaches on's machine in one way, or one that refuses every command
// and says why.
func By(on Runner, way string) Runner {
	if w, ok := on.(Ways); ok {
		if r := w.Way(way); r != nil {
			return r
		}
	}
	return noWay(way)
}

// noWay is a machine that is not reached so.
type noWay string

// Run says so.
func (w noWay) Run(_ context.Context, c Cmd) (Output, error) {
	return Output{}, fmt.Errorf("run: the unit's machine is not reached by %s, which %.40s was to be run through", string(w), c)
}

// A Call is an action of a driver package that is installed at a node agent.
type Call struct {
	Driver, Object, Action string // Object is empty for a driver without objects
	Properties             map[string]string
}

// An Invoker is a Runner that reaches a node agent, which has driver packages besides
// running commands. Code 0 is success; the meaning of others is in package handlers.
type Invoker interface {
	Runner
	Invoke(ctx context.Context, c Call) (code int, properties map[string]string, err error)
}
