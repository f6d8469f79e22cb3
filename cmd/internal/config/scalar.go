package config

import (
	"encoding/hex"
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/leasehold/leasehold/actors"
)

// text is the scalar as written, or def when the key is absent. A key with
// nothing behind it is an error: it is a value somebody forgot.
func (v value) text(def string) string {
	if !v.given() {
		return def
	}
	switch {
	case v.n.Kind != yaml.ScalarNode:
		v.bad("must be a single value, not %s", v.kind())
	case v.n.Tag == "!!null" || v.n.Value == "":
		v.bad("is empty")
	case strings.ContainsFunc(v.n.Value, func(c rune) bool { return c < ' ' || c == 0x7f }):
		v.bad("holds a control character or a line break")
	default:
		return v.n.Value
	}
	return def
}

// parsed reads v with f, which says what it expects in words when it refuses.
func parsed[T any](v value, def T, f func(string) (T, error)) T {
	s := v.text("")
	if s == "" {
		return def
	}
	out, err := f(s)
	if err != nil {
		v.bad("%q %v", s, err)
		return def
	}
	return out
}

// word is one of some words: def, which may be none, or another.
func (v value) word(def string, others ...string) string {
	s := v.text(def)
	if s == def || slices.Contains(others, s) {
		return s
	}
	known := others
	if def != "" {
		known = append([]string{def}, others...)
	}
	v.r.add(v.path, meant(s, known), "unknown value %q", s)
	return def
}

// number is an integer from lo to hi.
func (v value) number(def, lo, hi int) int {
	return parsed(v, def, func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err != nil {
			return 0, fmt.Errorf("is not a whole number")
		}
		if n < lo || n > hi {
			return 0, fmt.Errorf("is not between %d and %d", lo, hi)
		}
		return n, nil
	})
}

// fraction is a number from 0 to 1.
func (v value) fraction() float64 {
	return parsed(v, 0, func(s string) (float64, error) {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(f) || f < 0 || f > 1 {
			return 0, fmt.Errorf("is not a number from 0 to 1")
		}
		return f, nil
	})
}

// duration is a span such as 250ms or 1m30s, at least least.
func (v value) duration(def, least time.Duration) time.Duration {
	return parsed(v, def, func(s string) (time.Duration, error) {
		d, err := time.ParseDuration(s)
		if err != nil {
			return 0, fmt.Errorf("is not a duration such as 500ms, 10s or 2h")
		}
		if d < least {
			return 0, fmt.Errorf("is shorter than %v", least)
		}
		if d%time.Millisecond != 0 {
			return 0, fmt.Errorf("is finer than a millisecond")
		}
		return d, nil
	})
}

// instant is an RFC 3339 time in whole milliseconds, returned in UTC.
func (v value) instant(def time.Time) time.Time {
	return parsed(v, def, func(s string) (time.Time, error) {
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return t, fmt.Errorf("is not an RFC 3339 time such as 2030-01-31T12:00:00Z")
		}
		if t.Year() < 1970 || t.Year() > 9999 {
			return t, fmt.Errorf("is not between the years 1970 and 9999")
		}
		if t.Nanosecond()%int(time.Millisecond) != 0 {
			return t, fmt.Errorf("is finer than a millisecond")
		}
		return t.UTC(), nil
	})
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// name is what people call an actor or a host.
func (v value) name() string {
	return parsed(v, "", func(s string) (string, error) {
		if !nameForm.MatchString(s) {
			return "", fmt.Errorf("is not a name: 1 to 63 letters, digits, dots, dashes and underscores")
		}
		return s, nil
	})
}

// guid is an identity: a UUID in lower case.
func (v value) guid() actors.ActorID {
	return parsed(v, "", func(s string) (actors.ActorID, error) {
		low := strings.ToLower(s)
		if !isUUID(low) {
			return "", fmt.Errorf("is not a UUID such as 6ba7b810-9dad-41d1-80b4-00c04fd430c8")
		}
		if low != s {
			return "", fmt.Errorf("must be in lower case: %s", low)
		}
		return actors.ActorID(s), nil
	})
}

func isUUID(s string) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	_, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	return err == nil && strings.Count(s, "-") == 4
}

// hostPort is an address to bind: host:port, the host may be empty.
func (v value) hostPort(def string) string {
	return parsed(v, def, func(s string) (string, error) {
		_, port, err := net.SplitHostPort(s)
		if err != nil {
			return "", fmt.Errorf("is not host:port")
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || port != strconv.FormatUint(n, 10) {
			return "", fmt.Errorf("has no port number from 0 to 65535")
		}
		return s, nil
	})
}

// url is an absolute address with one of the schemes.
func (v value) url(def string, schemes ...string) string {
	return parsed(v, def, func(s string) (string, error) {
		u, err := url.Parse(s)
		switch {
		case err != nil || u.Scheme == "" || u.Host == "" || u.Hostname() == "":
			return "", fmt.Errorf("is not an absolute address such as %s://host.example.org:8180/", schemes[0])
		case !slices.Contains(schemes, u.Scheme):
			return "", fmt.Errorf("has scheme %s; it must be %s", u.Scheme, strings.Join(schemes, " or "))
		case u.User != nil:
			return "", fmt.Errorf("holds a user name; secrets belong in files")
		case u.Fragment != "" || u.RawQuery != "":
			return "", fmt.Errorf("has a query or a fragment")
		}
		return s, nil
	})
}

// network is a CIDR block written with its first address.
func (v value) network() netip.Prefix {
	return parsed(v, netip.Prefix{}, func(s string) (netip.Prefix, error) {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return p, fmt.Errorf("is not a network such as 10.1.0.0/24")
		}
		if p != p.Masked() {
			return p, fmt.Errorf("has bits beyond its prefix; did you mean %v?", p.Masked())
		}
		return p, nil
	})
}

// address is an IPv4 address; none where it is not given.
func (v value) address() netip.Addr {
	return parsed(v, netip.Addr{}, func(s string) (netip.Addr, error) {
		a, err := netip.ParseAddr(s)
		if err != nil || !a.Is4() {
			return netip.Addr{}, fmt.Errorf("is not an IPv4 address such as 10.1.0.1")
		}
		return a, nil
	})
}

// domain is a DNS name of two labels or more, in lower case, without a final dot.
func (v value) domain() string {
	return parsed(v, "", func(s string) (string, error) {
		labels := strings.Split(s, ".")
		ok := len(s) <= 253 && len(labels) >= 2
		for _, l := range labels {
			ok = ok && labelForm.MatchString(l)
		}
		if !ok {
			return "", fmt.Errorf("is not a lower-case domain such as cluster.example.org")
		}
		return s, nil
	})
}

var labelForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// mac is a 48-bit hardware address, returned in lower case with colons.
func (v value) mac() string {
	return parsed(v, "", func(s string) (string, error) {
		m, err := net.ParseMAC(s)
		if err != nil || len(m) != 6 {
			return "", fmt.Errorf("is not a MAC address such as 02:00:00:00:00:01; put it in quotes")
		}
		return m.String(), nil
	})
}

// macPlus counts a MAC address up by n; false when it runs over. An empty one
// stays empty.
func macPlus(mac string, n int) (string, bool) {
	m, err := net.ParseMAC(mac)
	if err != nil {
		return "", true
	}
	var x uint64
	for _, b := range m {
		x = x<<8 | uint64(b)
	}
	x += uint64(n)
	for i := range m {
		m[len(m)-1-i] = byte(x >> (8 * i))
	}
	return m.String(), x>>48 == 0
}

var uidRange = regexp.MustCompile(`^([0-9]{1,9})-([0-9]{1,9})$`)

// uids is a range of account numbers, first-last.
func (v value) uids() (first, last int) {
	r := parsed(v, [2]int{}, func(s string) (r [2]int, err error) {
		m := uidRange.FindStringSubmatch(s)
		if m == nil {
			return r, fmt.Errorf("is not a range such as 20000-29999")
		}
		r[0], _ = strconv.Atoi(m[1])
		r[1], _ = strconv.Atoi(m[2])
		if r[0] < 1000 || r[1] < r[0] {
			return [2]int{}, fmt.Errorf("must start at 1000 or above and not end before it starts")
		}
		return r, nil
	})
	return r[0], r[1]
}

var typeForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,126}$`)

// resourceType is the name of a kind of thing to lease, such as site1.node.
func (v value) resourceType() actors.ResourceType {
	return parsed(v, "", func(s string) (actors.ResourceType, error) {
		if !typeForm.MatchString(s) {
			return "", fmt.Errorf("is not a resource type such as site1.node")
		}
		return actors.ResourceType(s), nil
	})
}
