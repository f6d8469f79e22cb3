package noop

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/leasehold/leasehold/handlers"
)

// What a line of a journal can say of a run.
const (
	Began = "began" // work on an action begins; after a crash in the middle, once more
	Done  = "done"  // the action was carried out; at most once for each action
	Again = "again" // an action was asked for that had been carried out already
)

// Line is one line of a journal, as JSON. Reservation, Unit, Verb and Sequence
// together name an action.
type Line struct {
	Time        time.Time `json:"time"`
	What        string    `json:"what"`
	Verb        string    `json:"verb"`
	Unit        string    `json:"unit"`
	Reservation string    `json:"reservation,omitempty"`
	Sequence    string    `json:"sequence,omitempty"`
}

// Journal is the driver's world in a file: what is up outlives the process, as
// machines do, and every run leaves a line that is on the disk before the run
// counts. One driver uses one journal at a time.
type Journal struct {
	mu    sync.Mutex
	file  *os.File
	size  int64            // of its whole lines
	units map[string]*unit // as the file left them; taken over by New
}

// OpenJournal opens or creates a journal and reads what is up. A last line that a
// crash cut off is removed: its run did not count.
func OpenJournal(path string) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("noop: journal: %w", err)
	}
	j := &Journal{file: f, units: map[string]*unit{}}
	if err := j.read(); err != nil {
		return nil, errors.Join(fmt.Errorf("noop: journal %s: %w", path, err), f.Close())
	}
	return j, nil
}

// read plays the lines and leaves the file at the end of the last whole one.
func (j *Journal) read() error {
	data, err := io.ReadAll(j.file)
	if err != nil {
		return err
	}
	whole := bytes.LastIndexByte(data, '\n') + 1
	number := 0
	for text := range bytes.Lines(data[:whole]) {
		number++
		var l Line
		if err := json.Unmarshal(text, &l); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		if l.What == Done {
			j.play(l)
		}
	}
	j.size = int64(whole)
	return j.cut()
}

// cut removes what stands after the last whole line.
func (j *Journal) cut() error {
	if err := j.file.Truncate(j.size); err != nil {
		return err
	}
	_, err := j.file.Seek(j.size, io.SeekStart)
	return err
}

// play brings the units to where a finished run left them.
func (j *Journal) play(l Line) {
	if l.Verb == verbs[teardown] {
		delete(j.units, l.Unit)
		return
	}
	j.units[l.Unit] = &unit{work: idle, up: true, last: l.Sequence}
}

// note writes one line. It is durable when note returns nil.
func (j *Journal) note(what string, verb int, p handlers.Params) error {
	if j == nil {
		return nil
	}
	text, err := json.Marshal(Line{Time: time.Now().UTC(), What: what, Verb: verbs[verb], Unit: p[handlers.ParamUnit],
		Reservation: p[handlers.ParamReservation], Sequence: p[handlers.ParamSequence]})
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	n, err := j.file.Write(append(text, '\n'))
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("noop: journal: %w", errors.Join(err, j.cut()))
	}
	j.size += int64(n)
	return nil
}

// Close closes the file; a driver that goes on using it fails.
func (j *Journal) Close() error { return j.file.Close() }
