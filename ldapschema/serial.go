package ldapschema

import "strconv"

// NextSerial is the change that raises the serial number in a zone's entry by one
// (RFC 1982 3.1; zero is passed over, since some servers take it for none). It fails
// when somebody else has changed the SOA record meanwhile, and changes no other field
// of it.
func NextSerial(zone Entry) (Change, error) {
	if _, err := ParseZone(zone); err != nil {
		return Change{}, err
	}
	old := zone.Get("sOARecord")
	start, end := field(old, 2)
	n, err := strconv.ParseUint(old[start:end], 10, 32)
	if err != nil {
		return Change{}, &Error{zone.DN, "sOARecord", BadValue, "its serial number is none"}
	}
	next := uint32(n) + 1
	if next == 0 {
		next = 1
	}
	return Change{Kind: Modify, DN: zone.DN, Mods: []Mod{
		{Op: ModDelete, Attr: "sOARecord", Values: []string{old}},
		{Op: ModAdd, Attr: "sOARecord", Values: []string{old[:start] + strconv.FormatUint(uint64(next), 10) + old[end:]}},
	}}, nil
}

// field is where the n-th word of a line lies, from 0 on, as strings.Fields counts; the
// line's end when there are not so many.
func field(line string, n int) (start, end int) {
	for end < len(line) {
		for start = end; start < len(line) && blank(line[start]); start++ {
		}
		for end = start; end < len(line) && !blank(line[end]); end++ {
		}
		if n == 0 {
			return start, end
		}
		n--
	}
	return len(line), len(line)
}

func blank(c byte) bool {
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f'
}
