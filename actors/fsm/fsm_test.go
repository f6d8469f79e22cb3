package fsm_test

import (
	"fmt"
	"testing"

	"github.com/leasehold/leasehold/actors/fsm"
)

var door = fsm.New(
	fsm.Row[string]{State: "open", Means: "one may pass", To: []string{"shut"}},
	fsm.Row[string]{State: "shut", Means: "one may knock", To: []string{"open", "locked"}},
	fsm.Row[string]{State: "locked", Means: "one may wait", To: []string{"shut"}},
)

func ExampleTable_Draw() {
	fmt.Print(door.Draw())
	// Output:
	// stateDiagram-v2
	//     s0: open
	//     s1: shut
	//     s2: locked
	//     s0 --> s1
	//     s1 --> s0
	//     s1 --> s2
	//     s2 --> s1
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		from, to string
		legal    bool
	}{
		{"open", "shut", true}, {"open", "open", true}, {"open", "locked", false},
		{"ajar", "ajar", false}, {"shut", "ajar", false},
	} {
		if err := door.Check(tt.from, tt.to); (err == nil) != tt.legal {
			t.Errorf("Check(%s, %s) = %v, want legal=%v", tt.from, tt.to, err, tt.legal)
		}
	}
	if got := door.Means("shut"); got != "one may knock" {
		t.Errorf("Means(shut) = %q", got)
	}
}

func TestNewRefusesHoles(t *testing.T) {
	for name, rows := range map[string][]fsm.Row[int]{
		"target without a row": {{State: 1, To: []int{2}}},
		"two rows for a state": {{State: 1}, {State: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("New accepted it")
				}
			}()
			fsm.New(rows...)
		})
	}
}
