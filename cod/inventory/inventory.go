package inventory

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/leasehold/leasehold/ldapschema"
)

// Limits on what is read.
const (
	MaxBytes = 32 << 20 // of one text
	MaxHosts = 100_000
	maxNotes = 1000
	maxDepth = 32   // of blocks in blocks
	maxWord  = 4096 // octets
	maxWords = 4096 // of one statement
)

// A Note is something in a text that did not become part of a machine.
type Note struct {
	Line int    `json:"line"` // from 1; 0 for the text as a whole
	Text string `json:"text"`
}

// String is the note as one line.
func (n Note) String() string {
	if n.Line == 0 {
		return n.Text
	}
	return fmt.Sprintf("line %d: %s", n.Line, n.Text)
}

// A Reading is what came of a text.
type Reading struct {
	Hosts []ldapschema.InventoryHost
	Lines []int // where each of Hosts stands
	Notes []Note
	more  int // notes beyond the limit
	names map[string]int
	macs  map[ldapschema.MAC]int
}

var errHosts = fmt.Errorf("inventory: more than %d machines", MaxHosts)

// start checks a text's size.
func start(text string) (*Reading, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("inventory: the text is longer than %d octets", MaxBytes)
	}
	return &Reading{names: map[string]int{}, macs: map[ldapschema.MAC]int{}}, nil
}

func (r *Reading) note(line int, format string, args ...any) {
	if len(r.Notes) == maxNotes {
		r.more++
		return
	}
	r.Notes = append(r.Notes, Note{line, fmt.Sprintf(format, args...)})
}

// done closes the list of notes.
func (r *Reading) done() Reading {
	if r.more > 0 {
		r.Notes = append(r.Notes, Note{0, fmt.Sprintf("and %d more like these", r.more)})
	}
	return *r
}

// add takes a machine, unless its name or hardware address is another's.
func (r *Reading) add(line int, h ldapschema.InventoryHost) error {
	switch {
	case r.names[h.Name] != 0:
		r.note(line, "%s: the name is in line %d already; not taken", h.Name, r.names[h.Name])
		return nil
	case !h.MAC.IsZero() && r.macs[h.MAC] != 0:
		r.note(line, "%s: the hardware address %s is in line %d already; not taken", h.Name, h.MAC, r.macs[h.MAC])
		return nil
	case len(r.Hosts) == MaxHosts:
		return errHosts
	}
	r.names[h.Name] = max(line, 1)
	if !h.MAC.IsZero() {
		r.macs[h.MAC] = max(line, 1)
	}
	r.Hosts, r.Lines = append(r.Hosts, h), append(r.Lines, line)
	return nil
}

// Name makes what a machine is called out of what a file calls it: its first label, and
// the whole as an alias when there is more. False when it is no host name.
func Name(s string) (short string, aliases []string, ok bool) {
	s = strings.ToLower(strings.TrimSuffix(s, "."))
	short, rest, _ := strings.Cut(s, ".")
	if !label(short) || len(s) > 253 {
		return "", nil, false
	}
	if rest != "" {
		for l := range strings.SplitSeq(rest, ".") {
			if !label(l) {
				return "", nil, false
			}
		}
		aliases = []string{s}
	}
	return short, aliases, true
}

// label reports whether s is one label of a host name (RFC 1123 2.1).
func label(s string) bool {
	return s != "" && len(s) <= 63 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" &&
		s[0] != '-' && s[len(s)-1] != '-'
}

// Hardware reads an address of one station, with colons or hyphens, each octet of one
// digit or two.
func Hardware(s string) (ldapschema.MAC, error) {
	parts := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ':' || r == '-' })
	for i, p := range parts {
		if len(p) == 1 {
			parts[i] = "0" + p
		}
	}
	mac, err := ldapschema.ParseMAC(strings.Join(parts, ":"))
	if err == nil && (mac.IsZero() || mac[0]&1 != 0) {
		err = errors.New("not the address of one station")
	}
	return mac, err
}

// machineAddr reports whether an address can be a machine's own.
func machineAddr(a netip.Addr) bool {
	return a.IsValid() && !a.IsLoopback() && !a.IsMulticast() && !a.IsUnspecified() && !a.IsLinkLocalUnicast() && a.Zone() == "" &&
		a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}
