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
type Journal struct {
	mu   sync.Mutex
	path string
	file *os.File
	size int64 // of sound records
	live int64 // size after it was last written anew
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
func (j *Journal) load(once *wssec.Once, strength *wssec.Strength, now time.Time) error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	data, err := io.ReadAll(io.NewSectionReader(j.file, 0, 1<<62))
	if err != nil {
		return fmt.Errorf("endpoint: journal: %w", err)
	}
	sound, err := wssec.Restore(data, once, strength, now)
	if err != nil {
		return fmt.Errorf("endpoint: journal %s: %w at octet %d", j.path, err, sound)
	}
	if err := j.file.Truncate(int64(sound)); err != nil {
		return fmt.Errorf("endpoint: journal: %w", err)
	}
	j.size, j.live = int64(sound), int64(len(wssec.Records(once, strength)))
	return nil
}

// append makes a record durable. When most of the file is out of date, it is
// replaced by all, which holds the record already.
func (j *Journal) append(record []byte, all func() []byte) error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return errors.New("endpoint: journal: closed")
	}
	if j.size > minRewrite && j.size > 2*j.live {
		return j.rewrite(all())
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
