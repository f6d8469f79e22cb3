package actors

import (
	"encoding/json"
	"strconv"
)

// AppendUnits appends the durable form of units to dst: the octets that
// encoding/json makes of them, for a tenth of the time. Records are mostly units.
func AppendUnits(dst []byte, units []Unit) []byte {
	dst = append(dst, '[')
	for i := range units {
		u := &units[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(append(dst, `{"id":`...), string(u.ID))
		if u.Host != "" {
			dst = AppendString(append(dst, `,"host":`...), u.Host)
		}
		dst = strconv.AppendUint(append(dst, `,"state":`...), uint64(u.State), 10)
		dst = strconv.AppendInt(append(dst, `,"sequence":`...), int64(u.Sequence), 10)
		if u.Attempts != 0 {
			dst = strconv.AppendInt(append(dst, `,"attempts":`...), int64(u.Attempts), 10)
		}
		if len(u.Properties) > 0 {
			dst = u.Properties.AppendRecord(append(dst, `,"properties":`...))
		}
		if u.Notice != "" {
			dst = AppendString(append(dst, `,"notice":`...), u.Notice)
		}
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// AppendRecord appends the durable form of properties, as encoding/json has it.
func (p Properties) AppendRecord(dst []byte) []byte {
	if p == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, '{')
	for i, k := range p.Keys() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(append(AppendString(dst, k), ':'), p[k])
	}
	return append(dst, '}')
}

// AppendString appends a string as encoding/json has it, quotes included.
func AppendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			text, _ := json.Marshal(s) // a string always has a form
			return append(dst, text...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}
