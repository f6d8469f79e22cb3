package dns

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// RNDC adds zones to a running BIND and removes them (allow-new-zones yes). A zone
// it added is one whose file lies in Dir; no other is ever removed.
type RNDC struct {
	Dir     string   // where zone files go; named must be able to write there too
	Command []string // rndc and its options; {"rndc"} when empty
	Key     string   // name of the key that may update the zones
	Timeout time.Duration
}

// suffix ends the names of our zone files.
const suffix = ".zone"

// file is where a zone's file is. Zone names have been checked by package zones;
// their slashes, of classless reverse zones (RFC 2317), do not become folders.
func (r *RNDC) file(zone string) string {
	return filepath.Join(r.Dir, strings.ReplaceAll(strings.TrimSuffix(zone, "."), "/", "+")+suffix)
}

// Check says what is wrong with the settings, or nil.
func (r *RNDC) Check() error {
	if !filepath.IsAbs(r.Dir) || strings.ContainsAny(r.Dir, "\"\\\n") {
		return fmt.Errorf("zone folder %q: an absolute path without quotes is needed, named has to find it too", r.Dir)
	}
	info, err := os.Stat(r.Dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("zone folder %s is no folder", r.Dir)
	}
	return err
}

// Add makes the server primary for a zone that begins with these records.
func (r *RNDC) Add(ctx context.Context, zone string, start []dns.RR) error {
	path := r.file(zone)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		var b bytes.Buffer
		fmt.Fprintf(&b, "; zone %s: named keeps this file from here on\n", zone)
		for _, rr := range start {
			fmt.Fprintln(&b, rr)
		}
		// Under another name first: a file that is half written is never a zone's.
		if err := os.WriteFile(path+".new", b.Bytes(), 0o644); err != nil {
			return err
		}
		if err := os.Rename(path+".new", path); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	conf := fmt.Sprintf(`{ type primary; file "%s"; update-policy { grant %s zonesub any; }; allow-transfer { key "%s"; }; };`, path, r.Key, r.Key)
	err := r.run(ctx, "addzone", `"`+zone+`"`, "IN", conf) // the quotes are for slashes
	if err != nil && strings.Contains(err.Error(), "already exists") {
		return fmt.Errorf("the server has zone %s already, without letting key %s at it: %w", zone, r.Key, err)
	}
	return err
}

// Added are the zones that Add added, by their files.
func (r *RNDC) Added() ([]string, error) {
	files, err := os.ReadDir(r.Dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), suffix); ok && f.Type().IsRegular() {
			out = append(out, strings.ReplaceAll(name, "+", "/")+".")
		}
	}
	return out, nil
}

// Remove takes a zone away that Add added.
func (r *RNDC) Remove(ctx context.Context, zone string) error {
	if _, err := os.Stat(r.file(zone)); err != nil {
		return err
	}
	if err := r.run(ctx, "delzone", "-clean", `"`+zone+`"`); err != nil && !strings.Contains(err.Error(), "not found") {
		return err
	}
	// named removes what it has written itself; ours may be left.
	for _, f := range []string{r.file(zone), r.file(zone) + ".jnl"} {
		if err := os.Remove(f); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (r *RNDC) run(ctx context.Context, args ...string) error {
	command := r.Command
	if len(command) == 0 {
		command = []string{"rndc"}
	}
	timeout := r.Timeout
	if timeout <= 0 {
		timeout = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], append(command[1:len(command):len(command)], args...)...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("rndc %s: %w: %.500s", args[0], err, strings.Join(strings.Fields(string(out)), " "))
	}
	return nil
}
