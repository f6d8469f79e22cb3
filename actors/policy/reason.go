package policy

import "github.com/leasehold/leasehold/actors"

// Reason is what a policy weighed when it decided an ask. It is kept with the
// reservation, so that people can agree with the decision or argue with it.
type Reason struct {
	Rule  string    `json:"rule"`            // the policy's rule, as in "first come, first served"
	Turn  int       `json:"turn"`            // which of the round's asks it was; 1 is the first
	Of    int       `json:"of"`              // how many there were
	Tried []Attempt `json:"tried,omitempty"` // the sources in question, best first, at most MaxTried
	// Fits is the most units that one source has free over the term as asked.
	Fits int `json:"fits,omitempty"`
	// Exist is the most units that one source can give out at once, ever.
	Exist int `json:"exist,omitempty"`
	// Quota names the tightest quota that bounds the ask, and Limit is its units.
	Quota string `json:"quota,omitempty"`
	Limit int    `json:"limit,omitempty"`
	// Earliest is when all units could start as things stand; 0 means never, or
	// that nobody looked.
	Earliest actors.Millis `json:"earliest,omitempty"`
	Note     string        `json:"note,omitempty"` // what the policy adds
	// Look is the cycle from which on the policy looks at a waiting ask more closely;
	// 0 means in every round. Plans skip the rounds before.
	Look actors.Cycle `json:"look,omitempty"`
}

// MaxTried is how many sources a Reason tells about.
const MaxTried = 8

// Attempt is one source that was in question.
type Attempt struct {
	Source actors.TicketID `json:"source"`
	Site   string          `json:"site,omitempty"`
	Term   actors.Term     `json:"term"`
	Free   int             `json:"free"` // units of the ask's kind that it had over the term
	Chosen bool            `json:"chosen,omitempty"`
	Why    string          `json:"why"` // what speaks for it or against it
}
