package policy_test

import (
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
)

// TestCheck: what policies read is checked by both families of names; everything
// else, bids among it, is nobody's business.
func TestCheck(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"elastic", "true", ""}, {"elastic", "Yes", ""}, {"elastic", "", ""}, {"elastic", "maybe", "true or false"},
		{"request.elasticSize", "FALSE", ""}, {"request.elasticSize", "2", "true or false"},
		{"deferrable", "1", ""}, {"deferrable", "soon", "true or false"}, {"request.elasticTime", "x", "true or false"},
		{"deadline", "1767225600000", ""}, {"deadline", "tomorrow", "milliseconds since 1970"}, {"deadline", "0", "milliseconds"},
		{"deadline", "99999999999999999999", "milliseconds"},
		{"queueThreshold", "5", ""}, {"queueThreshold", "-5", "whole number"}, {"priority", "7", ""}, {"priority", "high", "whole number"},
		{"units.min", "2", ""}, {"units.min", "5", "only 4 are asked for"}, {"units.max", "3", "4 are asked for"}, {"units.max", "9", ""},
		{"units.elastic", "ja", "true or false"}, {"cpu", "2", ""}, {"cpu", "-1", "whole number"}, {"memory.min", "lots", "whole number"},
		{"storage.elastic", "true", ""}, {"leaseCount", "0", "1 to 1000"}, {"leaseCount", "3", "no groupID"},
		{"bid.unitprice", "any text at all", ""}, {"bid.note", "<xml/>", ""}, {"requestType", "gold", ""}, {"pool.id", "7", ""},
		{"units", "many", ""}, {"cpu.colour", "blue", ""}, {"other", "\x00", ""},
	} {
		err := policy.Check(actors.Properties{tt.name: tt.value}, 4)
		if (err == nil) != (tt.want == "") || err != nil && (!strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.name)) {
			t.Errorf("%s=%q: %v, want %q", tt.name, tt.value, err, tt.want)
		}
	}
	err := policy.Check(actors.Properties{"cpu": "4", "cpu.max": "2", "elastic": "true"}, 1)
	if err == nil || !strings.Contains(err.Error(), "less than the least, 4") {
		t.Errorf("an empty range: %v", err)
	}
	err = policy.Check(actors.Properties{"elastic": "x", "deadline": "y"}, 1)
	if err == nil || strings.Count(err.Error(), "request property") != 2 {
		t.Errorf("two mistakes: %v", err)
	}
}

// The paper's names and the legacy ones mean the same (leasing 3.9).
func TestNamesOfBothFamilies(t *testing.T) {
	term := actors.NewTerm(10, 19)
	for _, p := range []actors.Properties{{"elastic": "true"}, {"request.elasticSize": "TRUE"}, {"units.elastic": "yes"}, {"units.min": "1", "units.max": "4"}} {
		if least, ok := (policy.Ask{Units: 4, Term: term, Properties: p}).Elastic(); !ok || least != 1 {
			t.Errorf("%v: least %d, %v", p, least, ok)
		}
	}
	for _, p := range []actors.Properties{{}, {"elastic": "false"}, {"units.min": "2"}, {"units.min": "4", "units.max": "4"}, {"elastic": "true", "groupID": "g"}} {
		if least, ok := (policy.Ask{Units: 4, Term: term, Properties: p}).Elastic(); ok || least != 4 {
			t.Errorf("%v: least %d, %v", p, least, ok)
		}
	}
	for _, p := range []actors.Properties{{"deferrable": "1"}, {"request.elasticTime": "true"}, {"groupID": "g"}} {
		if _, ok := (policy.Ask{Units: 1, Term: term, Properties: p}).Deferrable(); !ok {
			t.Errorf("%v is not deferrable", p)
		}
	}
}
