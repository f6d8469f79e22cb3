package script

import "slices"

// Planned is one line of what a run would do.
type Planned struct {
	Line    int      `json:"line"`
	Step    string   `json:"step"`
	On      string   `json:"on,omitempty"`
	Asks    bool     `json:"asks,omitempty"`    // a look whether there is anything to do
	Command []string `json:"command,omitempty"` // its arguments
	Input   string   `json:"input,omitempty"`   // given to the command, secrets as stars
	Says    string   `json:"says,omitempty"`    // a line for the log
}

// mostPlanned bounds a plan.
const mostPlanned = 2000

// Plan plays a run to its end in thought: every look says that there is something to do,
// and every command succeeds and prints nothing. The run is used up.
func (r *Run) Plan() ([]Planned, Result) {
	var out []Planned
	for {
		ops, said := r.Next()
		for _, s := range said {
			out = append(out, Planned{Line: s.Line, Step: s.Step, Says: s.Text})
		}
		for _, op := range ops {
			p := Planned{Line: op.Line, Step: r.Redact(op.Step), On: op.On, Asks: op.Asks, Input: r.Redact(op.Cmd.Stdin)}
			for _, a := range op.Cmd.Args {
				p.Command = append(p.Command, r.Redact(a))
			}
			if op.Kind != KindRun {
				p.Command = []string{op.Kind.String(), op.Driver, op.Verb}
				for _, name := range slices.Sorted(mapKeys(op.Params)) {
					p.Command = append(p.Command, name+"="+r.Redact(op.Params[name]))
				}
			}
			out = append(out, p)
			o := Outcome{}
			if op.Asks {
				o.Code = 1
			}
			r.Done(op.ID, o)
		}
		if res, over := r.Over(); over || len(out) > mostPlanned {
			return out, res
		}
	}
}
