package xmltree

import "unicode/utf8"

// Classes of ASCII octets, for the inner loops.
const (
	nameStart = 1 << iota // may begin a name
	namePart              // may continue a name
	space                 // XML white space
	lively                // text does not just go on with it: see dull
)

var class = func() (t [256]uint8) {
	for c := 'a'; c <= 'z'; c++ {
		t[c] = nameStart | namePart
		t[c-'a'+'A'] = nameStart | namePart
	}
	t['_'] = nameStart | namePart
	for c := '0'; c <= '9'; c++ {
		t[c] = namePart
	}
	t['-'], t['.'] = namePart, namePart
	t[' '], t['\t'], t['\n'], t['\r'] = space, space, space, space
	for c := range t {
		if c < 0x20 || c >= utf8.RuneSelf || c == '<' || c == '>' || c == '&' {
			t[c] |= lively
		}
	}
	return t
}()

func isSpace(c byte) bool { return class[c]&space != 0 }

// isChar reports whether XML 1.0 2.2 has the character.
func isChar(r rune) bool {
	switch {
	case r < 0x20:
		return r == '\t' || r == '\n' || r == '\r'
	case r <= 0xD7FF:
		return true
	case r < 0xE000:
		return false
	case r <= 0xFFFD:
		return true
	}
	return r >= 0x10000 && r <= 0x10FFFF
}

// isNameStart and isNamePart are XML 1.0 (fifth edition) 2.3 without the colon,
// for characters outside ASCII.
func isNameStart(r rune) bool {
	switch {
	case r < 0xC0 || r == 0xD7 || r == 0xF7:
		return false
	case r <= 0x2FF, r >= 0x370 && r <= 0x37D, r >= 0x37F && r <= 0x1FFF:
		return true
	case r == 0x200C || r == 0x200D:
		return true
	case r >= 0x2070 && r <= 0x218F, r >= 0x2C00 && r <= 0x2FEF, r >= 0x3001 && r <= 0xD7FF:
		return true
	case r >= 0xF900 && r <= 0xFDCF, r >= 0xFDF0 && r <= 0xFFFD, r >= 0x10000 && r <= 0xEFFFF:
		return true
	}
	return false
}

func isNamePart(r rune) bool {
	return isNameStart(r) || r == 0xB7 || r >= 0x300 && r <= 0x36F || r == 0x203F || r == 0x2040
}

// firstIllegal is the offset of the first octet that is not part of a legal
// character in UTF-8, or -1. The scanner meets every octet anyway; this is for
// telling what is wrong with a document once something is.
func firstIllegal(s []byte) int {
	for i := 0; i < len(s); {
		if class[s[i]]&lively == 0 {
			i++
			continue
		}
		r, size := utf8.DecodeRune(s[i:])
		if r == utf8.RuneError && size == 1 || !isChar(r) {
			return i
		}
		i += size
	}
	return -1
}
