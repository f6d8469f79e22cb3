package soap

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// Packaging is how an envelope travels in the body of an HTTP message.
type Packaging uint8

// The packagings (wire contract 1.3).
const (
	Plain Packaging = iota + 1 // text/xml, or application/soap+xml for SOAP 1.2
	MTOM                       // multipart/related around one XOP part that refers to nothing
)

// ErrPackaging is wrapped by the errors of Unpack.
var ErrPackaging = errors.New("soap: packaging not understood")

// PlainType is the content type of Plain.
const PlainType = "text/xml; charset=UTF-8"

// Limits of packaging (wssec A19, A29).
const (
	maxParts    = 4
	maxBoundary = 70 // RFC 2046 5.1.1
	maxHeaders  = 16 // of one part
	maxLine     = 1024
)

// Unpack takes the envelope of SOAP 1.1 out of a body of the given Content-Type. The
// envelope is part of body, not a copy.
//
// Deployed actors pack every request, and some every response, as MTOM: a
// multipart/related of one part. They never refer to another part, so parts beside
// the root must be empty, and there may be no more than four. What an xop:Include
// in the envelope would mean is for nobody to find out: package wssec refuses it.
// A body that ends without its last boundary is taken, as Java servers send one;
// what is missing of an envelope the XML scanner finds. Errors wrap ErrPackaging.
func Unpack(contentType string, body []byte) ([]byte, Packaging, error) {
	return V11.unpack(contentType, body)
}

// multipart is the media type of MTOM.
const multipart = "multipart/related"

// is reports whether a parameter names the media type of the version.
func (v Version) is(media string) bool { return strings.EqualFold(media, versions[v].media) }

func (v Version) unpack(contentType string, body []byte) ([]byte, Packaging, error) {
	media, params, err := parseMedia(contentType)
	if err != nil {
		return nil, 0, err
	}
	if c, given := params["charset"]; given && !strings.EqualFold(c, "utf-8") {
		return nil, 0, fail("charset %.40q", c)
	}
	switch {
	case v.is(media):
		return body, Plain, nil
	case media != multipart:
		return nil, 0, fail("content type %.100q", contentType)
	case !strings.EqualFold(params["type"], "application/xop+xml"):
		return nil, 0, fail("multipart/related of type %.60q", params["type"])
	}
	if info, given := params["start-info"]; given && !v.is(info) {
		return nil, 0, fail("start-info %.60q", info)
	}
	root, err := v.rootPart(params["boundary"], params["start"], body)
	return root, MTOM, err
}

func fail(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrPackaging, fmt.Sprintf(format, args...))
}

// parseMedia reads a media type and its parameters (RFC 2045 5.1): names in lower
// case, none twice, a last semicolon allowed.
func parseMedia(s string) (media string, params map[string]string, err error) {
	media, rest, more := strings.Cut(s, ";")
	params = make(map[string]string)
	for more {
		var name string
		if rest = strings.TrimLeft(rest, " \t"); rest == "" {
			break
		}
		if name, rest, more = strings.Cut(rest, "="); !more {
			return "", nil, fail("content type %.100q", s)
		}
		var value string
		if strings.HasPrefix(rest, `"`) {
			if value, rest, more = strings.Cut(rest[1:], `"`); !more || strings.ContainsAny(value, "\\\r\n") {
				return "", nil, fail("content type %.100q", s)
			}
			if rest = strings.TrimLeft(rest, " \t"); rest != "" && rest[0] != ';' {
				return "", nil, fail("content type %.100q", s)
			}
			_, rest, more = strings.Cut(rest, ";")
		} else {
			value, rest, more = strings.Cut(rest, ";")
			if value = strings.TrimRight(value, " \t"); strings.ContainsAny(value, "\" \t\r\n") {
				return "", nil, fail("content type %.100q", s)
			}
		}
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := params[name]; twice || name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-*") != "" {
			return "", nil, fail("content type %.100q", s)
		}
		params[name] = value
	}
	return strings.ToLower(strings.TrimSpace(media)), params, nil
}

// rootPart finds the one part of a multipart body that is the envelope: the one
// that start names or, without start, the first.
func (v Version) rootPart(boundary, start string, body []byte) ([]byte, error) {
	if boundary == "" || len(boundary) > maxBoundary || strings.Trim(boundary, boundaryChars) != "" {
		return nil, fail("boundary %.80q", boundary)
	}
	delimiter := []byte("\r\n--" + boundary)
	rest, found := bytes.CutPrefix(bytes.TrimPrefix(body, []byte("\r\n")), delimiter[2:])
	if !found {
		return nil, fail("the body does not begin with the boundary")
	}
	var root []byte
	haveRoot := false
	ids := make(map[string]bool)
	for n := 0; ; n++ {
		if last, yes := bytes.CutPrefix(rest, []byte("--")); yes {
			if len(bytes.TrimSpace(last)) > 0 {
				return nil, fail("something after the last boundary")
			}
			break
		}
		if n == maxParts {
			return nil, fail("more parts than the limit of %d", maxParts)
		}
		if rest, found = bytes.CutPrefix(rest, []byte("\r\n")); !found {
			return nil, fail("a boundary with something after it")
		}
		head, after, err := partHeader(rest)
		if err != nil {
			return nil, err
		}
		content, next, closed := bytes.Cut(after, delimiter)
		id := head["content-id"]
		if ids[id] {
			return nil, fail("two parts of one content-id")
		}
		ids[id] = true
		switch isRoot := start == id || start == "" && n == 0; {
		case isRoot:
			if err := v.checkRoot(head); err != nil {
				return nil, err
			}
			root, haveRoot = content, true
		case len(content) > 0:
			return nil, fail("a part beside the envelope")
		}
		if !closed {
			break
		}
		rest = next
	}
	if !haveRoot {
		return nil, fail("no part is %.100q", start)
	}
	return root, nil
}

// boundaryChars are bchars of RFC 2046 5.1.1 without the space.
const boundaryChars = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'()+_,-./:=?"

// partHeader reads the header fields of a part, names in lower case.
func partHeader(rest []byte) (head map[string]string, content []byte, err error) {
	head = make(map[string]string, 3)
	for {
		line, after, ok := bytes.Cut(rest, []byte("\r\n"))
		if !ok || len(line) > maxLine {
			return nil, nil, fail("header of a part")
		}
		if rest = after; len(line) == 0 {
			return head, rest, nil
		}
		name, value, ok := strings.Cut(string(line), ":")
		name = strings.ToLower(name)
		if _, twice := head[name]; twice || !ok || strings.TrimSpace(name) != name || name == "" || len(head) == maxHeaders {
			return nil, nil, fail("header of a part")
		}
		head[name] = strings.TrimSpace(value)
	}
}

// checkRoot wants the root part to be the XOP form of the version, in octets.
func (v Version) checkRoot(head map[string]string) error {
	media, params, err := parseMedia(head["content-type"])
	if err != nil {
		return err
	}
	c, given := params["charset"]
	if media != "application/xop+xml" || !v.is(params["type"]) || given && !strings.EqualFold(c, "utf-8") {
		return fail("root part of type %.100q", head["content-type"])
	}
	switch e := strings.ToLower(head["content-transfer-encoding"]); e {
	case "", "binary", "8bit", "7bit":
		return nil
	default:
		return fail("transfer encoding %.40q", e)
	}
}

// Pack wraps an envelope as the Java stack does, and gives the Content-Type of the
// result. The name, which goes into boundary and content id, is an upper-case
// hexadecimal number that must not stand in the envelope; a random UUID without
// its hyphens will do.
func Pack(name string, envelope []byte) (contentType string, body []byte) {
	boundary, id := "MIMEBoundaryurn_uuid_"+name, "<0.urn:uuid:"+name+"@apache.org>"
	head := "--" + boundary + "\r\ncontent-type: application/xop+xml; charset=UTF-8; type=\"text/xml\";\r\n" +
		"content-transfer-encoding: binary\r\ncontent-id: " + id + "\r\n\r\n"
	tail := "\r\n--" + boundary + "--\r\n"
	body = make([]byte, 0, len(head)+len(envelope)+len(tail))
	body = append(append(append(body, head...), envelope...), tail...)
	return `multipart/related; boundary=` + boundary + `; type="application/xop+xml"; start="` + id +
		`"; start-info="text/xml"; charset=UTF-8`, body
}
