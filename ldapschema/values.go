package ldapschema

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// A MAC is an Ethernet address.
type MAC [6]byte

// ParseMAC reads six pairs of hexadecimal digits parted by colons, the form of RFC
// 2307 and the only one dhcpd finds hosts by.
func ParseMAC(s string) (MAC, error) {
	var m MAC
	if len(s) != 17 {
		return MAC{}, fmt.Errorf("%.32q is not a MAC address", s)
	}
	for i := range m {
		hi, ok1 := hexDigit(s[3*i])
		lo, ok2 := hexDigit(s[3*i+1])
		if !ok1 || !ok2 || i < 5 && s[3*i+2] != ':' {
			return MAC{}, fmt.Errorf("%.32q is not a MAC address", s)
		}
		m[i] = hi<<4 | lo
	}
	return m, nil
}

// String is the address in lower case: "52:54:00:99:00:01".
func (m MAC) String() string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}

// IsZero says whether m is no address at all.
func (m MAC) IsZero() bool { return m == MAC{} }

// A Mark says for whom an entry was written and by whom. Entries that carry one
// are of class codManaged, or of another class of ours, and so can be told from
// those that operators made.
type Mark struct {
	Slice      string // slice the entry belongs to
	Lease      string // reservation it was made for
	Unit       string // unit of the leasing authority that it belongs to
	Generation int64  // of the writer: grows with every change of its mind
	Owner      string // actor that wrote it
	Note       string // for people: why it is as it is
}

// IsZero says whether there is nothing to say.
func (m Mark) IsZero() bool { return m == Mark{} }

// mark sets m's values, and the class they need unless the entry has one already.
func (b *Builder) mark(m Mark) *Builder {
	if m.IsZero() {
		return b
	}
	if !b.e.IsA("codNode") && !b.e.IsA("codVirtualCluster") {
		b.Class("codManaged")
		b.Set("codLease", m.Lease)
	} else if b.e.IsA("codNode") {
		b.Set("codLease", m.Lease)
	}
	return b.Set("codSlice", m.Slice).Set("codUnit", m.Unit).Set("codGeneration", number(m.Generation)).
		Set("codOwner", m.Owner).Set("codNote", m.Note)
}

// markOf reads a Mark back.
func markOf(r *reader) Mark {
	return Mark{
		Slice: r.text("codSlice"), Lease: r.text("codLease"), Unit: r.text("codUnit"), Generation: r.number("codGeneration"),
		Owner: r.text("codOwner"), Note: r.text("codNote"),
	}
}

// number writes n, and nothing for 0: in these entries 0 and absent are one.
func number[T int | int64](n T) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(int64(n), 10)
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return FormatTime(t)
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// A reader takes an entry apart and remembers the first value it could not read.
type reader struct {
	e   Entry
	err error
}

func (r *reader) fail(attr string, p Problem, what string) {
	if r.err == nil {
		r.err = &Error{r.e.DN, attr, p, what}
	}
}

// class requires the entry to be of the class.
func (r *reader) class(name string) {
	if !r.e.IsA(name) {
		r.fail("objectClass", BadClasses, "not a "+name)
	}
}

func (r *reader) text(attr string) string { return r.e.Get(attr) }

func (r *reader) number(attr string) int64 {
	v := r.e.Get(attr)
	if v == "" {
		return 0
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		r.fail(attr, BadValue, "not a number")
	}
	return n
}

func (r *reader) time(attr string) time.Time {
	v := r.e.Get(attr)
	if v == "" {
		return time.Time{}
	}
	t, err := ParseTime(v)
	if err != nil {
		r.fail(attr, BadValue, "not a time")
		return time.Time{}
	}
	return t.UTC()
}

func (r *reader) addr(attr, v string) netip.Addr {
	if v == "" {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(v)
	if err != nil {
		r.fail(attr, BadValue, "not an address")
	}
	return a
}

func (r *reader) mac(attr, v string) MAC {
	if v == "" {
		return MAC{}
	}
	m, err := ParseMAC(v)
	if err != nil {
		r.fail(attr, BadValue, "not a MAC address")
	}
	return m
}

// network reads ipNetworkNumber and ipNetmaskNumber. RFC 2307 lets a network
// number omit octets of zero at its end.
func (r *reader) network() netip.Prefix {
	num := r.e.Get("ipNetworkNumber")
	if num == "" {
		return netip.Prefix{}
	}
	for strings.Count(num, ".") < 3 && !strings.Contains(num, ":") {
		num += ".0"
	}
	a := r.addr("ipNetworkNumber", num)
	bits := a.BitLen()
	if mask := r.e.Get("ipNetmaskNumber"); mask != "" {
		m := r.addr("ipNetmaskNumber", mask)
		if !m.Is4() || !a.Is4() {
			r.fail("ipNetmaskNumber", BadValue, "not an IPv4 netmask")
			return netip.Prefix{}
		}
		bits = 0
		for _, o := range m.As4() {
			for ; o&0x80 != 0; o <<= 1 {
				bits++
			}
		}
		if p := netip.PrefixFrom(a, bits); maskOf(p) != m {
			r.fail("ipNetmaskNumber", BadValue, "not an IPv4 netmask")
			return netip.Prefix{}
		}
	}
	return netip.PrefixFrom(a, bits)
}

// setNetwork writes p as RFC 2307 does: the network number and, for IPv4, the mask.
func (b *Builder) setNetwork(p netip.Prefix) *Builder {
	if !p.IsValid() {
		return b
	}
	b.Set("ipNetworkNumber", p.Masked().Addr().String())
	if p.Addr().Is4() {
		b.Set("ipNetmaskNumber", maskOf(p).String())
	}
	return b
}

// maskOf is the mask of an IPv4 prefix, as an address.
func maskOf(p netip.Prefix) netip.Addr {
	mask := ^uint32(0) << (32 - p.Bits())
	return netip.AddrFrom4([4]byte{byte(mask >> 24), byte(mask >> 16), byte(mask >> 8), byte(mask)})
}
