package xmlrpc

import (
	"encoding/base64"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/leasehold/leasehold/wire/xmltree"
)

// trimmed is the text of a scalar without the white space that some put around it.
func (r *reader) trimmed(n xmltree.Node) string { return strings.Trim(r.text(n), " \t\r\n") }

// integer reads a whole number of up to 64 bits, whatever its element promises: npm's
// xmlrpc and Perl's XMLRPC::Lite write int for every number.
func (r *reader) integer(n xmltree.Node) Value {
	s := r.trimmed(n)
	if r.err != nil {
		return Value{}
	}
	i, err := strconv.ParseInt(s, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		r.fail(n, "a number that does not fit into 64 bits")
	case err != nil:
		r.fail(n, "no number in %s", name(n))
	case n.Local() != "i8" && i >= math.MinInt32 && i <= math.MaxInt32:
		return Int(int32(i))
	default:
		return Long(i)
	}
	return Value{}
}

func (r *reader) boolean(n xmltree.Node) Value {
	switch s := r.trimmed(n); {
	case r.err != nil:
	case s == "1" || strings.EqualFold(s, "true"):
		return Bool(true)
	case s == "0" || strings.EqualFold(s, "false"):
		return Bool(false)
	default:
		r.fail(n, "a boolean that is neither 0 nor 1")
	}
	return Value{}
}

// double reads a number in decimal digits with or without a fraction and an
// exponent. Go would take more: hexadecimal, underscores, words.
func (r *reader) double(n xmltree.Node) Value {
	s := r.trimmed(n)
	if r.err != nil {
		return Value{}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.Trim(s, "+-.eE0123456789") != "" {
		r.fail(n, "no finite decimal number in %s", name(n))
		return Value{}
	}
	return Double(f)
}

// base64 decodes strictly, after white space, which most break their lines with.
func (r *reader) base64(n xmltree.Node) Value {
	s := r.text(n)
	if r.err != nil {
		return Value{}
	}
	if strings.ContainsAny(s, " \t\r\n") {
		s = spaces.Replace(s)
	}
	out, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil {
		r.fail(n, "bad base64")
		return Value{}
	}
	return Value{kind: KindBase64, text: string(out)}
}

var spaces = strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "")

func (r *reader) date(n xmltree.Node) Value {
	s := r.trimmed(n)
	if r.err != nil {
		return Value{}
	}
	if _, _, err := parseDate(s); err != nil {
		r.fail(n, "no date in %s", name(n))
		return Value{}
	}
	return Value{kind: KindDate, text: s}
}

func (r *reader) null(n xmltree.Node) Value {
	if r.trimmed(n) != "" {
		r.fail(n, "nil with content")
	}
	return Value{}
}

// compactDate is the form of the specification, which all readers take.
const compactDate = "20060102T15:04:05"

// dates are the forms of date and time that peers write; a fraction of a second may
// follow, which Parse takes by itself.
var dates = [...]string{compactDate, "2006-01-02T15:04:05", "20060102T150405"}

// zones may follow.
var zones = [...]string{"Z07:00", "Z0700", "Z07"}

// parseDate reads a date. Without a zone the time is given as if in UTC.
func parseDate(s string) (at time.Time, zoned bool, err error) {
	if len(s) > 40 || strings.Contains(s, ",") {
		return at, false, errors.New("xmlrpc: no date")
	}
	for _, form := range dates {
		if at, err = time.Parse(form, s); err == nil {
			return at, false, nil
		}
		for _, zone := range zones {
			if at, err = time.Parse(form+zone, s); err == nil {
				return at.UTC(), true, nil
			}
		}
	}
	return at, false, err
}
