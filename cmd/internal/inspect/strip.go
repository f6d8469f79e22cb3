package inspect

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"

	"github.com/leasehold/leasehold/wire/soap"
)

// Strip takes the document out of what somebody recorded: an HTTP message with its
// head, in chunks or not, a package of one part as Java peers send it, or the document
// itself. What it does not understand it leaves as it is.
func Strip(data []byte) []byte {
	body, kind := unframe(data)
	if first, _, ok := bytes.Cut(body, []byte("\r\n")); ok && kind == "" && bytes.HasPrefix(first, []byte("--")) {
		kind = `multipart/related; type="application/xop+xml"; boundary="` + string(first[2:]) + `"`
	}
	if strings.HasPrefix(strings.ToLower(kind), "multipart/") {
		if envelope, _, err := soap.Unpack(kind, body); err == nil {
			return envelope
		}
	}
	return body
}

// unframe takes the head and the chunks of an HTTP message off, and gives its content
// type.
func unframe(data []byte) (body []byte, kind string) {
	request, response := bytes.HasPrefix(data, []byte("POST ")), bytes.HasPrefix(data, []byte("HTTP/"))
	if !request && !response {
		return data, ""
	}
	for _, gap := range []string{"\r\n\r\n", "\n\n"} { // people cut lengths out, and then the rest counts
		if _, after, ok := bytes.Cut(data, []byte(gap)); ok {
			body = after
			break
		}
	}
	in := bufio.NewReader(bytes.NewReader(data))
	var head http.Header
	var framed io.ReadCloser
	if request {
		r, err := http.ReadRequest(in)
		if err != nil {
			return body, ""
		}
		head, framed = r.Header, r.Body
	} else {
		r, err := http.ReadResponse(in, nil)
		if err != nil {
			return body, ""
		}
		head, framed = r.Header, r.Body
	}
	defer framed.Close()
	if whole, err := io.ReadAll(framed); err == nil && len(whole) > 0 {
		body = whole
	}
	return body, head.Get("Content-Type")
}
