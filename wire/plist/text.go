package plist

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/leasehold/leasehold/wire"
)

// AppendText appends m as .properties text, one "key=value" line for each entry
// in the order of the keys, so that one map has one text (wire contract 4.5). An
// empty map is an empty text. The only error is a string that is not UTF-8.
func AppendText(dst []byte, m map[string]string) ([]byte, error) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		v := m[k]
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			return dst, &wire.Error{Path: wire.Clip(k), What: "key or value is not valid UTF-8"}
		}
		dst = appendEscaped(dst, k, true)
		dst = append(dst, '=')
		dst = appendEscaped(dst, v, false)
		dst = append(dst, '\n')
	}
	return dst, nil
}

// Text is AppendText into a string.
func Text(m map[string]string) (string, error) {
	b, err := AppendText(nil, m)
	return string(b), err
}

// appendEscaped writes a key or a value. Blanks are escaped wherever a reader
// would take them for a separator or skip them: all of a key's, and the first of
// a value's.
func appendEscaped(dst []byte, s string, key bool) []byte {
	for i, r := range s {
		switch {
		case r == ' ':
			if key || i == 0 {
				dst = append(dst, '\\')
			}
			dst = append(dst, ' ')
		case strings.ContainsRune(`\=:#!`, r):
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r == '\f':
			dst = append(dst, `\f`...)
		case r < 0x20 || r > 0x7E:
			dst = appendUnicode(dst, r)
		default:
			dst = append(dst, byte(r))
		}
	}
	return dst
}

// appendUnicode writes r as one escape, or two beyond the basic plane.
func appendUnicode(dst []byte, r rune) []byte {
	if r > 0xFFFF {
		hi, lo := utf16.EncodeRune(r)
		return fmt.Appendf(dst, `\u%04X\u%04X`, hi, lo)
	}
	return fmt.Appendf(dst, `\u%04X`, r)
}
