package noop_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/noop"
	"github.com/leasehold/leasehold/handlers/drivertest"
	"github.com/leasehold/leasehold/handlers/run"
)

func journal(t *testing.T, path string) *noop.Journal {
	t.Helper()
	j, err := noop.OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// TestJournal: what is up outlives the driver, and each action is carried out once,
// however often it is asked for and by however many processes after one another.
func TestJournal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	do := func(verb, unit, sequence string) {
		t.Helper()
		j := journal(t, path)
		defer j.Close()
		d := noop.New(noop.Config{Journal: j})
		call := d.Setup
		if verb == "teardown" {
			call = d.Teardown
		}
		for range 2 {
			res, err := call(t.Context(), run.Nowhere{}, handlers.Params{handlers.ParamUnit: unit, handlers.ParamReservation: "r", handlers.ParamSequence: sequence})
			if err != nil || !res.Done {
				t.Fatalf("%s %s: %+v, %v", verb, unit, res, err)
			}
		}
		if up := slices.Contains(d.Up(), unit); up != (verb == "setup") {
			t.Errorf("after %s %s: up %v", verb, unit, up)
		}
	}
	do("setup", "u1", "1")
	do("setup", "u1", "1")
	do("setup", "u1", "2")
	do("setup", "u2", "1")
	do("teardown", "u1", "3")
	do("teardown", "u1", "3")
	// A crash in the middle of a line: that run did not count.
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"what":"done","verb":"teardown","unit":"u2"`); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if up := noop.New(noop.Config{Journal: journal(t, path)}).Up(); !slices.Equal(up, []string{"u2"}) {
		t.Errorf("up after a crash: %q", up)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for text := range bytes.Lines(data) {
		var l noop.Line
		if err := json.Unmarshal(text, &l); err != nil || time.Since(l.Time) > time.Minute || l.Reservation != "r" {
			t.Fatalf("%s: %v", text, err)
		}
		got = append(got, strings.Join([]string{l.What, l.Verb, l.Unit, l.Sequence}, " "))
	}
	want := []string{
		"began setup u1 1", "done setup u1 1", "again setup u1 1", "again setup u1 1", "again setup u1 1",
		"done setup u1 2", "again setup u1 2", "began setup u2 1", "done setup u2 1", "again setup u2 1",
		"began teardown u1 3", "done teardown u1 3", "again teardown u1 3", "again teardown u1 3", "again teardown u1 3",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the journal says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestJournalSuite(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, func(t *testing.T) drivertest.World {
		d := noop.New(noop.Config{Journal: journal(t, filepath.Join(t.TempDir(), "journal"))})
		return drivertest.World{Driver: d, Params: params(), Up: func() bool { return slices.Contains(d.Up(), "u1") }}
	})
}

// TestJournalRefuses: a file that is something else stays as it is, and a driver that
// can write nothing down does nothing.
func TestJournalRefuses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "poem")
	if err := os.WriteFile(path, []byte("a rose\nis a rose"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := noop.OpenJournal(path); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("opening a poem: %v", err)
	}
	if data, _ := os.ReadFile(path); string(data) != "a rose\nis a rose" {
		t.Errorf("the poem is now %q", data)
	}
	j := journal(t, filepath.Join(t.TempDir(), "journal"))
	d := noop.New(noop.Config{Journal: j})
	j.Close()
	if res, err := d.Setup(t.Context(), run.Nowhere{}, params()); err == nil || res.Done || len(d.Up()) > 0 {
		t.Errorf("without a journal to write in: %+v, %v, up %q", res, err, d.Up())
	}
}
