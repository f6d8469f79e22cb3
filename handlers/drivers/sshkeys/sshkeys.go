/*
Package sshkeys is the driver of the keys that may log in to an account. It keeps its keys
between two lines of its own in the file of authorized keys, and leaves the rest alone.
*/
package sshkeys

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/posix"
)

// Names of the parameters.
const (
	Keys = "sshkeys.keys"
	File = "sshkeys.file"
)

// mostKeys bounds how many keys a unit may have.
const mostKeys = 100

// Driver is the driver; its zero value is ready.
type Driver struct{}

// Info lists d in a catalogue.
func (d Driver) Info() handlers.Info {
	return handlers.Info{Name: "sshkeys", Doc: "Lets SSH keys log in to an account of the unit's machine.", Driver: d, Params: []handlers.Param{
		{Name: handlers.ParamUnit, Doc: "the unit", Need: true},
		{Name: Keys, Need: true, Doc: "public keys, a line each, without options"},
		{Name: File, Site: true, Need: true, Doc: "the file of authorized keys; its folder must be there, and nobody but root should write to it (AuthorizedKeysFile of sshd_config)"},
	}}
}

// Setup enters the keys.
func (Driver) Setup(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	keys, err := parse(p[Keys])
	if err == nil && len(keys) == 0 {
		err = fmt.Errorf("sshkeys: there are no keys")
	}
	if err != nil {
		return handlers.Result{}, err
	}
	return change(ctx, on, p, keys)
}

// Teardown takes the unit's keys out again, and the file too when nothing else is in it.
func (Driver) Teardown(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	return change(ctx, on, p, nil)
}

// change makes keys the unit's only ones.
func change(ctx context.Context, on run.Runner, p handlers.Params, keys []string) (handlers.Result, error) {
	unit, err := p.Need(handlers.ParamUnit)
	if err != nil {
		return handlers.Result{}, err
	}
	if strings.ContainsFunc(unit, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return handlers.Result{}, fmt.Errorf("sshkeys: the unit %.64q cannot stand in a comment", unit)
	}
	file, err := p.Need(File)
	if err != nil {
		return handlers.Result{}, err
	}
	if err := posix.Path(file); err != nil {
		return handlers.Result{}, err
	}
	text, there, err := posix.Read(ctx, on, file)
	if err != nil {
		return handlers.Result{}, err
	}
	switch want := block(text, unit, keys); {
	case want == text && there == (want != ""):
	case want == "":
		err = posix.Remove(ctx, on, file)
	default:
		err = posix.Write(ctx, on, file, want, "0644")
	}
	return handlers.Result{Done: err == nil}, err
}

// block is text with the unit's lines replaced; none take their place when there are no
// keys.
func block(text, unit string, keys []string) string {
	begin, end := "# leasehold begin "+unit, "# leasehold end "+unit
	var out []string
	inside := false
	for line := range strings.Lines(text) {
		switch line = strings.TrimSuffix(line, "\n"); {
		case line == begin:
			inside = true
		case line == end:
			inside = false
		case !inside:
			out = append(out, line)
		}
	}
	if len(keys) > 0 {
		out = append(append(append(out, begin), keys...), end)
	}
	if len(out) == 0 {
		return ""
	}
	return strings.Join(out, "\n") + "\n"
}

// kinds are the keys that may be given: none that a machine of today refuses, and none
// with a certificate's own rules.
var kinds = []string{"ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
	"sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"}

// parse reads public keys. A line is kind, key and perhaps a comment: options, which would
// run commands, are refused.
func parse(text string) (out []string, err error) {
	for n, line := range strings.Split(text, "\n") {
		f := strings.Fields(line)
		if len(f) == 0 || f[0][0] == '#' {
			continue
		}
		if !slices.Contains(kinds, f[0]) {
			return nil, fmt.Errorf("sshkeys: line %d begins with %.40q, which is no kind of key", n+1, f[0])
		}
		if len(f) < 2 {
			return nil, fmt.Errorf("sshkeys: line %d has no key", n+1)
		}
		blob, err := base64.StdEncoding.DecodeString(f[1])
		if err != nil || len(blob) < 4+len(f[0])+4 || binary.BigEndian.Uint32(blob) != uint32(len(f[0])) || string(blob[4:4+len(f[0])]) != f[0] {
			return nil, fmt.Errorf("sshkeys: line %d is no key of the kind %s", n+1, f[0])
		}
		line := strings.Join(f, " ")
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f }) || len(line) > 8192 {
			return nil, fmt.Errorf("sshkeys: line %d is no key", n+1)
		}
		if out = append(out, line); len(out) > mostKeys {
			return nil, fmt.Errorf("sshkeys: more than %d keys", mostKeys)
		}
	}
	return out, nil
}
