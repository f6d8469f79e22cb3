package localrun_test

import (
	"os"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/localrun"
	"github.com/leasehold/leasehold/handlers/run/runtest"
)

func TestSuite(t *testing.T) {
	t.Parallel()
	runtest.Suite(t, localrun.Runner{})
}

// TestSurroundings: a command sees the folder and the environment it is given, and
// nothing of ours.
func TestSurroundings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o, err := localrun.Runner{Dir: dir, Env: []string{"A=b"}}.Run(t.Context(), run.Cmd{Args: []string{"/bin/sh", "-c", "pwd; echo $A $HOME"}})
	if err != nil || !strings.HasSuffix(strings.TrimSpace(o.Stdout), "b") || !strings.Contains(o.Stdout, dir) {
		t.Errorf("%+v, %v", o, err)
	}
	o, err = localrun.Runner{}.Run(t.Context(), run.Cmd{Args: []string{"env"}})
	if err != nil || o.Stdout != "PATH="+os.Getenv("PATH")+"\n" {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err = (localrun.Runner{}).Run(t.Context(), run.Cmd{Args: []string{"there-is-no-such-program"}}); err == nil {
		t.Error("a program that is not there ran")
	}
}
