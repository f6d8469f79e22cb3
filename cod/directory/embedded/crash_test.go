package embedded_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/cod/directory/dirtest"
	"github.com/leasehold/leasehold/cod/directory/embedded"
	"github.com/leasehold/leasehold/ldapschema"
)

// victimEnv names, to a process that is to be killed, the file it writes.
const victimEnv = "LEASEHOLD_TEST_VICTIM"

// TestMain runs the tests, or the victim of TestKilled.
func TestMain(m *testing.M) {
	if path := os.Getenv(victimEnv); path != "" {
		victim(path)
	}
	os.Exit(m.Run())
}

// victim adds entries and says so after each answer, until it is killed.
func victim(path string) {
	s, err := embedded.Open(embedded.Config{Path: path, Suffix: dirtest.Base})
	if err != nil {
		panic(err)
	}
	d := s.Local("cn=victim")
	add := func(e ldapschema.Entry, err error) {
		if err == nil {
			err = d.Apply(context.Background(), ldapschema.AddEntry(e))
		}
		if err != nil {
			panic(err)
		}
	}
	add(ldapschema.Base(dirtest.Base, "test"))
	for i := 0; ; i++ {
		add(ldapschema.OrganizationalUnit(dirtest.Base, strconv.Itoa(i), ""))
		fmt.Println(i)
	}
}

// TestKilled: what was answered before the process was killed is there afterwards,
// and the file opens again.
func TestKilled(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	cfg.Listen = ""
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimEnv+"="+cfg.Path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	answered := 0
	for answered < 50 && lines.Scan() {
		answered++
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		answered++
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") || answered < 50 {
		t.Fatalf("the victim ended by itself after %d: %v", answered, err)
	}
	got, err := start(t, cfg).Local("").List(t.Context(), dirtest.Base)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got) - 1; n < answered || n > answered+1 {
		t.Errorf("%d entries, %d were answered", n, answered)
	}
}
