package endpoint

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/leasehold/leasehold/wssec"
)

// Journal keeps on disk which undated messages were taken, so that a restart, or
// a crash, does not let one in again (wssec A6), and which peers have signed
// without SHA-1 (wssec A13). It is one file of fixed records: written and synced
// before the message goes to the actor, read when the endpoint starts, and written
// anew when most of it is out of date. Its size is bounded by what package wssec
// remembers.
//
// The outbound side of the actor keeps its part of A13 here too: [Journal.Answers]
// are the peers that have answered without SHA-1, and [Journal.Answered] adds one.
type Journal struct {
	answers wssec.Strength

	mu     sync.Mutex
	path   string
	file   *os.File
	memory wssec.Memory // whose records these are; set when an endpoint has read them
	size   int64        // of sound records
	live   int64        // size after it was last written anew
}

// minRewrite is the size below which a journal is not worth writing anew.
const minRewrite = 256 << 10

// OpenJournal opens the file, which is made if need be. One endpoint owns it.
func OpenJournal(path string) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("endpoint: journal: %w", err)
	}
	return &Journal{path: path, file: f}, nil
}

// load restores what the file says and cuts off a record that a crash tore.
func (j *Journal) load(once *wssec.Once, requests *wssec.Strength, now time.Time) error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	data, err := io.ReadAll(io.NewSectionReader(j.file, 0, 1<<62))
	if err != nil {
		return fmt.Errorf("endpoint: journal: %w", err)
	}
	memory := wssec.Memory{Once: once, Requests: requests, Answers: &j.answers}
	sound, err := memory.Restore(data, now)
	if err != nil {
		return fmt.Errorf("endpoint: journal %s: %w at octet %d", j.path, err, sound)
	}
	if err := j.file.Truncate(int64(sound)); err != nil {
		return fmt.Errorf("endpoint: journal: %w", err)
	}
	j.memory, j.size, j.live = memory, int64(sound), int64(len(memory.Records()))
	return nil
}

// Answers are the peers that have answered without SHA-1, once an endpoint has been
// made with the journal.
func (j *Journal) Answers() *wssec.Strength { return &j.answers }

// Answered makes durable that a peer is now one of Answers.
func (j *Journal) Answered(guid string) error { return j.append(wssec.AnswersRecord(guid)) }

// append makes a record durable. When most of the file is out of date, all that is
// remembered takes its place, which holds the record already.
func (j *Journal) append(record []byte) error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil || j.memory.Once == nil {
		return errors.New("endpoint: journal: closed, or not read yet")
	}
	if j.size > minRewrite && j.size > 2*j.live {
		return j.rewrite(j.memory.Records())
	}
	_, err := j.file.WriteAt(record, j.size)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil { // the next record is written over what this one left
		return fmt.Errorf("endpoint: journal: %w", err)
	}
	j.size += int64(len(record))
	return nil
}

// rewrite puts another file in the place of this one.
func (j *Journal) rewrite(all []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(j.path), "journal.*")
	if err != nil {
		return fmt.Errorf("endpoint: journal: %w", err)
	}
	_, err = f.Write(all)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(f.Name(), j.path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(j.path))
	}
	if err != nil {
		f.Close()
		os.Remove(f.Name())
		return fmt.Errorf("endpoint: journal: %w", err)
	}
	j.file.Close()
	j.file, j.size, j.live = f, int64(len(all)), int64(len(all))
	return nil
}

// Close ends the journal. The endpoint takes no undated messages after that.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return nil
	}
	f := j.file
	j.file = nil
	return f.Close()
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
