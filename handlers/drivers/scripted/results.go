package scripted

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/leasehold/leasehold/handlers"
)

// Results keeps, for each unit, the key of its last action and what it ended with. The
// zero value keeps them in memory; those of OpenResults are in a folder, a file for a unit.
type Results struct {
	dir string
	mu  sync.Mutex
	all map[string]result // without a folder
}

// result is what is kept.
type result struct {
	Unit       string            `json:"unit"`
	Key        string            `json:"key"`
	Code       int               `json:"code"`
	Note       string            `json:"note,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
}

// OpenResults keeps results in a folder, which it makes if it is not there.
func OpenResults(dir string) (*Results, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("scripted: %w", err)
	}
	return &Results{dir: dir}, nil
}

func (r *Results) file(unit string) string {
	sum := sha256.Sum256([]byte(unit))
	return filepath.Join(r.dir, hex.EncodeToString(sum[:16])+".json")
}

// find is what is kept under a key.
func (r *Results) find(unit, key string) (result, bool, error) {
	if key == "" {
		return result{}, false, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dir == "" {
		x, ok := r.all[unit]
		return x, ok && x.Key == key, nil
	}
	data, err := os.ReadFile(r.file(unit))
	if errors.Is(err, fs.ErrNotExist) {
		return result{}, false, nil
	}
	var x result
	if err == nil {
		// A file that a full disk left half written is no result.
		if json.Unmarshal(data, &x) != nil {
			return result{}, false, nil
		}
	}
	return x, err == nil && x.Unit == unit && x.Key == key, err
}

// keep makes a result durable before anybody hears of it.
func (r *Results) keep(unit string, x result) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	x.Unit = unit
	if r.dir == "" {
		if r.all == nil {
			r.all = map[string]result{}
		}
		r.all[unit] = x
		return nil
	}
	data, err := json.Marshal(x)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(r.dir, ".new-*")
	if err != nil {
		return fmt.Errorf("scripted: the result of %s cannot be kept: %w", unit, err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), r.file(unit))
	}
	if err == nil {
		var d *os.File
		if d, err = os.Open(r.dir); err == nil {
			err = errors.Join(d.Sync(), d.Close())
		}
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("scripted: the result of %s cannot be kept: %w", unit, err)
	}
	return nil
}

// drop forgets a unit.
func (r *Results) drop(unit string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dir == "" {
		delete(r.all, unit)
		return nil
	}
	if err := os.Remove(r.file(unit)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("scripted: the result of %s cannot be dropped: %w", unit, err)
	}
	return nil
}

func (x result) result() handlers.Result {
	return handlers.Result{Done: x.Code == 0, Note: x.Note, Properties: x.Properties}
}

func (x result) err() error {
	if x.Code == 0 {
		return nil
	}
	return handlers.Exit{Code: x.Code, Note: x.Note}
}
