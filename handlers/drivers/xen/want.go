package xen

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/leasehold/leasehold/handlers"
)

// want is what a unit's domain should be.
type want struct {
	name, uuid string
	size
	most          size // it can grow to without a new start; memory and vcpus
	mac, bridge   string
	kind          string // empty when nothing is said
	kernel, extra string
	ramdisk, disk string
}

// size is how much a domain has.
type size struct {
	memory    int // MiB
	vcpus     int
	weight    int // 1 to 65535; 0 when nothing is said
	cap       int // hundredths of a processor, 0 for no limit; -1 when nothing is said
	bandwidth int // kbit/s in either direction, 0 for no limit; -1 when nothing is said
}

// The most that a domain can be asked to have.
const (
	mostMemory    = 1 << 24 // MiB
	mostVCPUs     = 4096
	mostWeight    = 65535
	mostCap       = 100 * mostVCPUs
	mostBandwidth = 1_000_000_000
)

// read takes the parameters apart. Whatever a lessee wrote into one reaches xl as one
// value, or not at all.
func (d *Driver) read(p handlers.Params) (w want, err error) {
	need := func(name string) string {
		v, e := p.Need(name)
		if err == nil {
			err = e
		}
		return v
	}
	number := func(name string, least, most, def int) int {
		n, e := count(p[name], least, most, def)
		if err == nil && e != nil {
			err = fmt.Errorf("xen: %s %w", name, e)
		}
		return n
	}
	w = want{
		name: need(Name), uuid: uuidOf(need(handlers.ParamUnit)), mac: strings.ToLower(need(MAC)), kernel: need(Kernel),
		ramdisk: p[Ramdisk], extra: p[Extra], disk: p[Disk], bridge: p.Get(Bridge, d.cfg.Bridge), kind: p.Get(Type, d.cfg.Type),
		size: size{
			memory: number(Memory, 1, mostMemory, d.cfg.Memory), vcpus: number(VCPUs, 1, mostVCPUs, d.cfg.VCPUs),
			weight: number(CPUWeight, 1, mostWeight, 0), cap: number(CPUCap, 0, mostCap, -1),
			bandwidth: number(Bandwidth, 0, mostBandwidth, -1),
		},
	}
	w.most = size{memory: number(MaxMemory, 1, mostMemory, w.memory), vcpus: number(MaxVCPUs, 1, mostVCPUs, w.vcpus)}
	if err != nil {
		return want{}, err
	}
	w.most.memory, w.most.vcpus = max(w.most.memory, w.memory), max(w.most.vcpus, w.vcpus)
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	switch {
	case !plain(w.name, letters) || len(w.name) > 64 || w.name[0] == '-' || w.name[0] == '.':
		return want{}, fmt.Errorf("xen: %.64q cannot name a domain", w.name)
	case !plain(w.mac, "0123456789abcdef:") || len(w.mac) != 17:
		return want{}, fmt.Errorf("xen: %.64q is no hardware address", w.mac)
	case !plain(w.bridge, letters):
		return want{}, fmt.Errorf("xen: %.64q is no bridge", w.bridge)
	case w.kind != "" && w.kind != "pv" && w.kind != "pvh":
		return want{}, fmt.Errorf("xen: type %.16q is neither pv nor pvh", w.kind)
	}
	for _, v := range []string{w.kernel, w.ramdisk, w.extra, w.disk} {
		if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\'' || r == '\\' }) || len(v) > 1024 {
			return want{}, fmt.Errorf("xen: %.64q cannot stand in a domain's configuration", v)
		}
	}
	return w, nil
}

// count reads a whole number within bounds; def when there is none.
func count(text string, least, most, def int) (int, error) {
	if text == "" {
		return def, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("is no whole number from %d to %d: %.32q", least, most, text)
	}
	return n, nil
}

func plain(s, letters string) bool { return s != "" && strings.Trim(s, letters) == "" }

// writable reports whether the domain has a disk that it may write.
func (w want) writable() bool {
	return slices.ContainsFunc(w.disks(), func(d string) bool { return !strings.Contains(d, "access=ro") && !strings.HasSuffix(d, ",r") })
}

// disks are the specifications of its disks: what it starts from, and volumes.
func (w want) disks() []string {
	return strings.FieldsFunc(w.disk, func(r rune) bool { return r == ';' })
}

// uuidOf is a UUID made from a unit's identity; the same unit always has the same.
func uuidOf(unit string) string {
	h := sha256.Sum256([]byte("leasehold unit " + unit))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80 // version 8: ours to define (RFC 9562 5.8)
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// A setting is one line of a domain's configuration (xl.cfg(5), xmdomain.cfg(5)).
type setting struct {
	name, value string
	form        form
}

type form uint8

const (
	number form = iota
	text
	list // of values, parted by semicolons
)

// quoted is the value in the language that xl and xm read from files.
func (s setting) quoted() string {
	switch s.form {
	case text:
		return `"` + s.value + `"`
	case list:
		return `["` + strings.Join(strings.Split(s.value, ";"), `","`) + `"]`
	}
	return s.value
}

// settings is the domain's configuration.
func (w want) settings(tool string) []setting {
	var out []setting
	add := func(name, value string, f form) { out = append(out, setting{name, value, f}) }
	add("name", w.name, text)
	add("uuid", w.uuid, text)
	if tool == toolXL { // xm makes paravirtual ones unless told otherwise
		add("type", w.kindFor(tool), text)
	}
	add("kernel", w.kernel, text)
	add("memory", strconv.Itoa(w.memory), number)
	switch {
	case w.most.vcpus == w.vcpus:
		add("vcpus", strconv.Itoa(w.vcpus), number)
	case tool == toolXM: // which has a mask of those that are on
		add("vcpus", strconv.Itoa(w.most.vcpus), number)
		add("vcpu_avail", strconv.FormatUint(1<<min(w.vcpus, 62)-1, 10), number)
	default:
		add("vcpus", strconv.Itoa(w.vcpus), number)
		add("maxvcpus", strconv.Itoa(w.most.vcpus), number)
	}
	if w.most.memory > w.memory {
		add("maxmem", strconv.Itoa(w.most.memory), number)
	}
	add("vif", "mac="+w.mac+",bridge="+w.bridge, list)
	add("on_poweroff", "destroy", text)
	add("on_reboot", "restart", text)
	add("on_crash", "destroy", text)
	if w.ramdisk != "" {
		add("ramdisk", w.ramdisk, text)
	}
	if w.extra != "" {
		add("extra", w.extra, text)
	}
	if w.disk != "" {
		add("disk", strings.Join(w.disks(), ";"), list)
	}
	if w.weight > 0 {
		add("cpu_weight", strconv.Itoa(w.weight), number)
	}
	if w.cap > 0 {
		name := "cap"
		if tool == toolXM {
			name = "cpu_cap"
		}
		add(name, strconv.Itoa(w.cap), number)
	}
	return out
}

// kindFor is the kind of domain that a tool makes.
func (w want) kindFor(tool string) string {
	switch {
	case w.kind != "":
		return w.kind
	case tool == toolXM:
		return "pv"
	}
	return "pvh"
}
