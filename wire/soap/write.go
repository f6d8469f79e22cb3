package soap

import (
	"strconv"
	"strings"

	"github.com/leasehold/leasehold/wire"
)

// encoder appends canonical octets. Its first error sticks and ends the writing,
// so that encoding reads like the document.
type encoder struct {
	dst  []byte
	path []string // open elements, for errors
	err  error
}

func (e *encoder) fail(what string) {
	if e.err == nil {
		e.err = &wire.Error{Path: strings.Join(e.path, "/"), What: what}
	}
}

// wrapper writes name in the services' namespace around what body writes.
func (e *encoder) wrapper(name string, body func()) {
	e.path = append(e.path, name)
	e.dst = append(e.dst, "<ns2:"...)
	e.dst = append(e.dst, name...)
	e.dst = append(e.dst, ` xmlns:ns2="`+ServicesNS+`">`...)
	body()
	e.dst = append(e.dst, "</ns2:"...)
	e.dst = append(e.dst, name...)
	e.dst = append(e.dst, '>')
	e.path = e.path[:len(e.path)-1]
}

func (e *encoder) open(name string) {
	e.path = append(e.path, name)
	e.dst = append(e.dst, '<')
	e.dst = append(e.dst, name...)
	e.dst = append(e.dst, '>')
}

func (e *encoder) close() {
	name := e.path[len(e.path)-1]
	e.path = e.path[:len(e.path)-1]
	e.dst = append(e.dst, '<', '/')
	e.dst = append(e.dst, name...)
	e.dst = append(e.dst, '>')
}

func (e *encoder) text(name, s string) {
	if e.err != nil {
		return
	}
	e.open(name)
	var bad int
	if e.dst, bad = wire.AppendText(e.dst, s); bad >= 0 {
		e.fail(wire.IllegalText(s, bad))
	}
	e.close()
}

func (e *encoder) number(name string, n int64) {
	e.open(name)
	e.dst = strconv.AppendInt(e.dst, n, 10)
	e.close()
}

func (e *encoder) boolean(name string, b bool) {
	e.open(name)
	e.dst = strconv.AppendBool(e.dst, b)
	e.close()
}
