package xmltree

import "strings"

// declaration reads the XML declaration, if there is one: version 1.0, then
// perhaps an encoding, which must be UTF-8, then perhaps standalone.
func (s *scanner) declaration() error {
	if !s.has("<?xml") || s.pos+5 >= len(s.src) || !isSpace(s.src[s.pos+5]) {
		return nil
	}
	at := s.pos
	end := strings.Index(s.src[at:], "?>")
	if end < 0 {
		return s.fail(at, "XML declaration not ended")
	}
	rest := s.src[at+len("<?xml") : at+end]
	version, rest, ok := pseudo(rest, "version")
	if !ok || version != "1.0" {
		return s.fail(at, "XML declaration of a version other than 1.0")
	}
	if encoding, after, ok := pseudo(rest, "encoding"); ok {
		if !strings.EqualFold(encoding, "UTF-8") {
			return s.fail(at, "encoding other than UTF-8")
		}
		rest = after
	}
	if standalone, after, ok := pseudo(rest, "standalone"); ok {
		if standalone != "yes" && standalone != "no" {
			return s.fail(at, "XML declaration with a bad standalone")
		}
		rest = after
	}
	if strings.Trim(rest, " \t\r\n") != "" {
		return s.fail(at, "XML declaration with something unknown")
	}
	s.pos = at + end + len("?>")
	return nil
}

// pseudo takes white space and name="value" off the front of s.
func pseudo(s, name string) (value, rest string, ok bool) {
	t := strings.TrimLeft(s, " \t\r\n")
	if len(t) == len(s) || !strings.HasPrefix(t, name) {
		return "", s, false
	}
	t = strings.TrimLeft(t[len(name):], " \t\r\n")
	if !strings.HasPrefix(t, "=") {
		return "", s, false
	}
	t = strings.TrimLeft(t[1:], " \t\r\n")
	if t == "" || t[0] != '"' && t[0] != '\'' {
		return "", s, false
	}
	end := strings.IndexByte(t[1:], t[0])
	if end < 0 {
		return "", s, false
	}
	return t[1 : 1+end], t[2+end:], true
}
