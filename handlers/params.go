package handlers

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Names every driver may rely on in its Params, whoever calls it.
const (
	ParamUnit        = "unit.id"           // the unit, unique at the site
	ParamHost        = "unit.parent.id"    // the piece of inventory it lives on
	ParamType        = "unit.resourceType" // its resource type
	ParamReservation = "unit.rid"          // the reservation that leases it
	ParamSlice       = "unit.sliceid"      // the slice it belongs to
	ParamSequence    = "action.sequence"   // the sequence number of the action
	// ParamMachine names the machine that the unit is on, where it is not named after its
	// piece of inventory. A driver that moves a unit reports it.
	ParamMachine = "machine"
	// ParamKeep asks a teardown to leave the unit's checkpoint, if it has one.
	ParamKeep   = "handler.keep"
	ParamAction = "action.name" // join or leave for a guest's own handlers; else absent, or the verb
)

// What a site that knows its nodes' keys tells drivers, and of the first the public half to
// lessees.
const (
	FactHostKey    = "host.ssh.key"    // the key that the node shows to those who log in, as a line
	ParamHostKey   = "node.host.key"   // its private half, in OpenSSH's form; never reported
	ParamAdminKeys = "node.admin.keys" // public keys that may log in, a line each
)

// ImageWord begins the names of what a site's image registry says of the image that a node
// is to have. No lessee says any of it: a source can be any file of the site.
const ImageWord = "node.image."

// What the registry says. An image that it does not have has none of them.
const (
	ParamImageSource = ImageWord + "source" // where the contents are: a file, volume or URL
	ParamImageFormat = ImageWord + "format" // raw, qcow2, tar or volume
	ParamImageBytes  = ImageWord + "bytes"  // octets of the contents
	ParamImageDigest = ImageWord + "digest" // of the contents, "sha256:" and hexadecimal digits
)

// Names of how much a unit has (leasing 4.8.5). Drivers of what can be cut to size read
// them, sites that place units set them.
const (
	ResourceMemory    = "unit.resource.memory"     // MiB
	ResourceVCPUs     = "unit.resource.vcpus"      // virtual processors
	ResourceCPUWeight = "unit.resource.cpu.weight" // share of the processors, 256 being one
	ResourceCPUCap    = "unit.resource.cpu.cap"    // at most so many hundredths of a processor; 0 is no limit
	ResourceBandwidth = "unit.resource.bandwidth"  // at most so many kbit/s in either direction; 0 is no limit
)

// Params are the named values of one call. A driver reads them and never
// changes them.
type Params map[string]string

// Get is the value of name, or def when it is absent or empty.
func (p Params) Get(name, def string) string {
	if v := p[name]; v != "" {
		return v
	}
	return def
}

// Need is the value of name, and an error that names it when it is absent.
func (p Params) Need(name string) (string, error) {
	if v := p[name]; v != "" {
		return v, nil
	}
	return "", fmt.Errorf("handlers: parameter %s is missing", name)
}

// Millis reads name as a whole number of milliseconds from 0 to a day; def when
// it is absent.
func (p Params) Millis(name string, def time.Duration) (time.Duration, error) {
	n, err := p.number(name, int(def/time.Millisecond), 24*60*60*1000)
	return time.Duration(n) * time.Millisecond, err
}

// Count reads name as a whole number from 0 to a million; def when it is absent.
func (p Params) Count(name string, def int) (int, error) { return p.number(name, def, 1_000_000) }

func (p Params) number(name string, def, most int) (int, error) {
	v := p[name]
	if v == "" {
		return def, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("handlers: parameter %s is no whole number from 0 to %d", name, most)
	}
	return n, nil
}

// Share reads name as a number from 0 to 1, such as a probability; def when it
// is absent.
func (p Params) Share(name string, def float64) (float64, error) {
	v := p[name]
	if v == "" {
		return def, nil
	}
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || !(f >= 0 && f <= 1) {
		return 0, fmt.Errorf("handlers: parameter %s is no number from 0 to 1", name)
	}
	return f, nil
}

// Given is what a lessee says, as far as it is the lessee's to say: without the names that
// only sites and drivers use, and without those that begin with a word of reserved, such
// as "xen.", which the site's inventory gives or nobody does.
func Given(p map[string]string, reserved ...string) Params {
	out := Params{}
	for k, v := range p {
		own := k == ParamMachine || k == ParamKeep || strings.HasPrefix(k, ImageWord)
		for _, word := range reserved {
			own = own || strings.HasPrefix(k, word)
		}
		if !own {
			out[k] = v
		}
	}
	return out
}
