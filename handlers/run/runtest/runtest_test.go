package runtest_test

import (
	"strings"
	"testing"

	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/runtest"
)

func cmd(args ...string) run.Cmd { return run.Cmd{Args: args} }

func TestPlaysInOrder(t *testing.T) {
	t.Parallel()
	s := runtest.New(`
		# a comment
		id ada => 1: no such user
		useradd "a b" => 0: made\nit`)
	out, err := s.Run(t.Context(), cmd("id", "ada"))
	if err != nil || out.Code != 1 || out.Stderr != "no such user" {
		t.Fatal(out, err)
	}
	out, err = s.Run(t.Context(), cmd("useradd", "a b"))
	if err != nil || out.Stdout != "made\nit" {
		t.Fatal(out, err)
	}
	if err := s.Done(); err != nil {
		t.Fatal(err)
	}
}

func TestNoticesEveryDifference(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, transcript, want string
		ask                    []run.Cmd
	}{
		{"other command", "id ada => 0:", `got "id bob"`, []run.Cmd{cmd("id", "bob")}},
		{"too many", "id ada => 0:", "after the end", []run.Cmd{cmd("id", "ada"), cmd("id", "ada")}},
		{"too few", "id ada => 0:\nid bob => 0:", "never asked", []run.Cmd{cmd("id", "ada")}},
		{"no arrow", "id ada", "no =>", nil},
		{"no code", "id ada => x:", "exit code", nil},
		{"no colon", "id ada => 0", "no colon", nil},
	} {
		s := runtest.New(c.transcript)
		for _, a := range c.ask {
			s.Run(t.Context(), a) // a difference is kept for Done
		}
		if err := s.Done(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
