package run_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/leasehold/leasehold/handlers/run"
)

func ExampleCmd_String() {
	fmt.Println(run.Cmd{Args: []string{"useradd", "--comment", "Ada; rm -rf /", "", "ada"}})
	// Output: useradd --comment "Ada; rm -rf /" "" ada
}

// echo answers every command.
type echo struct{}

func (echo) Run(_ context.Context, c run.Cmd) (run.Output, error) {
	return run.Output{Stdout: c.String()}, nil
}

func TestCutter(t *testing.T) {
	t.Parallel()
	c := &run.Cutter{On: echo{}, Left: 2}
	for n := range 4 {
		_, err := c.Run(t.Context(), run.Cmd{Args: []string{"true"}})
		if got, want := errors.Is(err, run.ErrCut), n >= 2; got != want || c.Cut != want {
			t.Errorf("command %d: %v, cut %v", n+1, err, c.Cut)
		}
	}
}

func TestNowhere(t *testing.T) {
	t.Parallel()
	if _, err := (run.Nowhere{}).Run(t.Context(), run.Cmd{Args: []string{"true"}}); !errors.Is(err, run.ErrNowhere) {
		t.Error(err)
	}
}
