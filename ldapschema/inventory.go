package ldapschema

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// What a site has, whoever leases it: its machines and its images. Operators write
// these entries; the authority only reads them.

// An InventoryHost is one machine that a site can lease.
type InventoryHost struct {
	Name        string
	Aliases     []string
	Type        string     // resource type it is leased as
	IP          netip.Addr // of its own, for management; it may have none
	MAC         MAC
	Memory      int // MiB
	CPU         int // hundredths of a core
	Bandwidth   int // kbit/s
	Serial      string
	Health      string            // good when empty; suspect, quarantined or retired
	Hold        string            // an operator's word why it is not to be assigned; empty when it may be
	Note        string            // for people
	Properties  map[string]string // anything else that drivers should know
	Description string
}

// Usable says whether nothing in the entry speaks against assigning the machine.
func (h InventoryHost) Usable() bool {
	return h.Hold == "" && (h.Health == "" || strings.EqualFold(h.Health, "good"))
}

// InventoryEntry is the entry cn=Name of a machine: device, ieee802Device and codHost,
// and ipHost when it has an address.
func InventoryEntry(under DN, h InventoryHost) (Entry, error) {
	b := New(under.Child("cn", h.Name), "top", "device", "ieee802Device", "codHost")
	if h.IP.IsValid() {
		b.Class("ipHost").Set("ipHostNumber", h.IP.String())
	}
	for _, name := range slices.Sorted(maps.Keys(h.Properties)) {
		if name == "" || strings.ContainsAny(name, "= ") {
			b.Fail(&Error{b.e.DN, "codProperty", BadValue, "a name has neither blanks nor ="})
		}
		b.Set("codProperty", name+"="+h.Properties[name])
	}
	return b.Set("cn", h.Aliases...).
		Need("codResourceType", h.Type).
		Set("macAddress", macText(h.MAC)).
		Set("codMemory", number(h.Memory)).
		Set("codCpu", number(h.CPU)).
		Set("codBandwidth", number(h.Bandwidth)).
		Set("serialNumber", h.Serial).
		Set("codHealth", h.Health).
		Set("codHold", h.Hold).
		Set("codNote", h.Note).
		Set("description", h.Description).
		Build()
}

// ParseInventoryHost reads a machine's entry back.
func ParseInventoryHost(e Entry) (InventoryHost, error) {
	r := reader{e: e}
	r.class("codHost")
	h := InventoryHost{
		Type: r.text("codResourceType"), MAC: r.mac("macAddress", r.text("macAddress")),
		Memory: int(r.number("codMemory")), CPU: int(r.number("codCpu")), Bandwidth: int(r.number("codBandwidth")),
		Serial: r.text("serialNumber"), Health: r.text("codHealth"), Hold: r.text("codHold"), Note: r.text("codNote"),
		Description: r.text("description"),
	}
	if e.Has("ipHostNumber") {
		h.IP = r.addr("ipHostNumber", r.text("ipHostNumber"))
	}
	h.Name, h.Aliases = namesOf(e)
	for _, v := range e.Values("codProperty") {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			r.fail("codProperty", BadValue, "not of the form name=value")
		}
		if h.Properties == nil {
			h.Properties = map[string]string{}
		}
		if _, twice := h.Properties[name]; twice {
			r.fail("codProperty", BadValue, "two values of "+name)
		}
		h.Properties[name] = value
	}
	if r.err != nil {
		return InventoryHost{}, r.err
	}
	return h, nil
}

// An Image is what machines boot over the network, or are copied from. Kernel and
// Initrd are named as the boot server's clients name them, below its root.
type Image struct {
	Name        string
	Kernel      string
	Initrd      string
	Options     string // for the kernel
	Up          string // what nodes boot while they are in service: image or local; empty means local
	Source      string // where the contents are: a file, volume or URL
	Format      string // raw, qcow2, tar or volume
	Size        int64  // octets of the contents; 0 says nothing
	Digest      string // of the contents, "sha256:" and hexadecimal digits
	Description string
}

// ImageEntry is the entry cn=Name of an image: device and codBootImage.
func ImageEntry(under DN, i Image) (Entry, error) {
	return New(under.Child("cn", i.Name), "top", "device", "codBootImage").
		Set("codKernel", i.Kernel).
		Set("codInitrd", i.Initrd).
		Set("codKernelOptions", i.Options).
		Set("codBootUp", i.Up).
		Set("codImageSource", i.Source).
		Set("codImageFormat", i.Format).
		Set("codImageSize", number(i.Size)).
		Set("codImageDigest", i.Digest).
		Set("description", i.Description).
		Build()
}

// ParseImage reads an image's entry back.
func ParseImage(e Entry) (Image, error) {
	r := reader{e: e}
	r.class("codBootImage")
	i := Image{Kernel: r.text("codKernel"), Initrd: r.text("codInitrd"), Options: r.text("codKernelOptions"),
		Up: r.text("codBootUp"), Source: r.text("codImageSource"), Format: r.text("codImageFormat"), Size: r.number("codImageSize"),
		Digest: r.text("codImageDigest"), Description: r.text("description")}
	i.Name, _ = namesOf(e)
	if r.err != nil {
		return Image{}, r.err
	}
	return i, nil
}
