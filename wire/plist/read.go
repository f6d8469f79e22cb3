package plist

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/leasehold/leasehold/wire"
)

// Limits bound a text that is read. A field that is zero or negative stands for
// its default.
type Limits struct {
	Bytes int // octets of the whole text
	Keys  int // entries, a key given twice counted twice
	Key   int // octets of one key, unescaped
}

// DefaultLimits are 1 MiB, which leaves room for the site descriptions that
// legacy pools carry (wire contract 8.3), 4096 entries and keys of 1024 octets.
func DefaultLimits() Limits { return Limits{Bytes: 1 << 20, Keys: wire.MaxProperties, Key: 1024} }

func (l Limits) complete() Limits {
	d := DefaultLimits()
	if l.Bytes <= 0 {
		l.Bytes = d.Bytes
	}
	if l.Keys <= 0 {
		l.Keys = d.Keys
	}
	if l.Key <= 0 {
		l.Key = d.Key
	}
	return l
}

// ParseText reads .properties text as Java's Properties.load does, line by line:
// comments, continued lines, any of "=", ":" and blank as separator, the last of
// two entries with one key. Unlike Java it takes a character outside ASCII that
// was not escaped for what it is, refuses half a surrogate pair, and sees no entry
// in a last line of nothing but a backslash. The map is never nil. Errors are of
// type *wire.Error.
func ParseText(text string, lim Limits) (map[string]string, error) {
	lim = lim.complete()
	if len(text) > lim.Bytes {
		return nil, &wire.Error{What: fmt.Sprintf("text of %d octets is over the limit of %d", len(text), lim.Bytes)}
	}
	if !utf8.ValidString(text) {
		return nil, &wire.Error{What: "text is not valid UTF-8"}
	}
	out := make(map[string]string)
	lines := lines{rest: text}
	for n := 1; ; n++ {
		line, ok := lines.next()
		if !ok {
			return out, nil
		}
		if n > lim.Keys {
			return nil, &wire.Error{What: fmt.Sprintf("text has more than the limit of %d entries", lim.Keys)}
		}
		rawKey, rawValue := split(line)
		key, err := unescape(rawKey)
		if err != nil {
			return nil, err
		}
		if len(key) > lim.Key {
			return nil, &wire.Error{Path: wire.Clip(key), What: fmt.Sprintf("key is over the limit of %d octets", lim.Key)}
		}
		value, err := unescape(rawValue)
		if err != nil {
			return nil, within(key, err)
		}
		out[key] = value
	}
}

// lines cuts a text into logical lines: comments and blank lines left out,
// continued lines joined, leading blanks dropped, line ends removed.
type lines struct{ rest string }

func (l *lines) next() (string, bool) {
	var joined []byte // what continued lines have given so far
	for {
		l.rest = strings.TrimLeft(l.rest, " \t\f")
		if l.rest == "" {
			return string(joined), len(joined) > 0
		}
		if len(joined) == 0 && strings.IndexByte("#!\n\r", l.rest[0]) >= 0 {
			l.natural() // a comment or a blank line
			continue
		}
		line := l.natural()
		switch {
		case continues(line):
			joined = append(joined, line[:len(line)-1]...)
		case len(joined) == 0:
			return line, true
		default:
			return string(append(joined, line...)), true
		}
	}
}

// natural takes the text up to the next LF, CR or CR LF.
func (l *lines) natural() string {
	end := strings.IndexAny(l.rest, "\n\r")
	if end < 0 {
		line := l.rest
		l.rest = ""
		return line
	}
	line := l.rest[:end]
	if strings.HasPrefix(l.rest[end:], "\r\n") {
		end++
	}
	l.rest = l.rest[end+1:]
	return line
}

// continues reports whether line ends in an odd number of backslashes.
func continues(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

// split finds the first separator that is not escaped. Blanks around "=" or ":"
// belong to neither side; what follows is the value, trailing blanks included.
func split(line string) (key, value string) {
	end := 0
	for end < len(line) && !strings.ContainsRune("=: \t\f", rune(line[end])) {
		if line[end] == '\\' && end+1 < len(line) {
			end++
		}
		end++
	}
	value = strings.TrimLeft(line[end:], " \t\f")
	if value != "" && (value[0] == '=' || value[0] == ':') {
		value = strings.TrimLeft(value[1:], " \t\f")
	}
	return line[:end], value
}

// unescape undoes appendEscaped; a backslash before any other character is
// dropped.
func unescape(s string) (string, error) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, nil
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out = append(out, s[i])
			continue
		}
		i++
		if i == len(s) {
			break
		}
		switch s[i] {
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'f':
			out = append(out, '\f')
		case 'u':
			r, n, err := unicodeEscape(s[i-1:])
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
			i += n - 2
		default:
			out = append(out, s[i])
		}
	}
	return string(out), nil
}

// unicodeEscape reads the escape that s begins with, or the two of a surrogate
// pair, and says how many octets that took.
func unicodeEscape(s string) (r rune, n int, err error) {
	hi, ok := hex4(s)
	if !ok {
		return 0, 0, &wire.Error{What: fmt.Sprintf("malformed escape %q", s[:min(len(s), 6)])}
	}
	if !utf16.IsSurrogate(hi) {
		return hi, 6, nil
	}
	if lo, ok := hex4(s[6:]); ok {
		if r := utf16.DecodeRune(hi, lo); r != utf8.RuneError {
			return r, 12, nil
		}
	}
	return 0, 0, &wire.Error{What: fmt.Sprintf("escape %q is half of a surrogate pair", s[:6])}
}

func hex4(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s[2:6]) {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// within puts the key that err was found under in front of its path.
func within(key string, err error) error {
	e, ok := err.(*wire.Error)
	if !ok {
		return err
	}
	path := wire.Clip(key)
	if e.Path != "" {
		path += "/" + e.Path
	}
	return &wire.Error{Path: path, What: e.What}
}
