package xmlrpc

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Zipped reports whether a body is gzip. Senders announce it when it is not, and the
// other way round, so the octets decide (xmlrpc-controller 6.1).
func Zipped(body []byte) bool { return bytes.HasPrefix(body, []byte{0x1f, 0x8b}) }

// Unzip unfolds a body that is gzip, and gives any other back as it is. What unfolds
// to more than the limit is refused as soon as it does; less is never kept than was
// sent.
func Unzip(body []byte, lim Limits) ([]byte, error) {
	if !Zipped(body) {
		return body, nil
	}
	most := lim.Complete().Bytes
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, &Error{Code: NotWellFormed, Offset: -1, Err: fmt.Errorf("gzip: %w", err)}
	}
	out, err := io.ReadAll(io.LimitReader(z, int64(most)+1))
	switch {
	case len(out) > most:
		return nil, tooLong(most)
	case err != nil:
		return nil, &Error{Code: NotWellFormed, Offset: -1, Err: fmt.Errorf("gzip: %w", err)}
	}
	return out, nil
}

func tooLong(most int) *Error {
	return &Error{Code: NotACall, Offset: -1, What: fmt.Sprintf("more octets than the limit of %d", most)}
}

// toUTF8 writes a document in UTF-8 if its declaration names one of the two other
// encodings that peers use: US-ASCII, and ISO-8859-1. Every other document is given
// back as it is, for the scanner to judge.
func toUTF8(doc []byte, most int) ([]byte, error) {
	from, to, name := encodingOf(doc)
	switch {
	case name == "" || strings.EqualFold(name, "utf-8"):
		return doc, nil
	case strings.EqualFold(name, "us-ascii"), strings.EqualFold(name, "ascii"):
		if i := bytes.IndexFunc(doc, func(r rune) bool { return r >= utf8.RuneSelf }); i >= 0 {
			return nil, &Error{Code: NotWellFormed, Offset: i, What: "an octet that is not US-ASCII, as the document says it is"}
		}
		return append(append(bytes.Clone(doc[:from]), "UTF-8"...), doc[to:]...), nil
	case strings.EqualFold(name, "iso-8859-1"), strings.EqualFold(name, "latin1"):
		if len(doc) > most {
			return nil, tooLong(most)
		}
		out := make([]byte, 0, len(doc)+len(doc)/8)
		out = append(append(out, doc[:from]...), "UTF-8"...)
		for _, c := range doc[to:] {
			out = utf8.AppendRune(out, rune(c))
		}
		return out, nil
	}
	return nil, &Error{Code: NotWellFormed, Offset: from, What: fmt.Sprintf("encoding %.40q; UTF-8, US-ASCII and ISO-8859-1 are read here", name)}
}

// encodingOf is the encoding that the declaration of a document names, and where.
func encodingOf(doc []byte) (from, to int, name string) {
	if !bytes.HasPrefix(doc, []byte("<?xml")) {
		return 0, 0, ""
	}
	end := bytes.Index(doc[:min(len(doc), 256)], []byte("?>"))
	if end < 0 {
		return 0, 0, ""
	}
	const word = "encoding"
	at := bytes.Index(doc[:end], []byte(word))
	if at < 0 {
		return 0, 0, ""
	}
	from = at + len(word)
	for from < end && strings.IndexByte(" \t\r\n=", doc[from]) >= 0 {
		from++
	}
	quote := doc[from]
	if quote != '"' && quote != '\'' {
		return 0, 0, ""
	}
	from++
	n := bytes.IndexByte(doc[from:end], quote)
	if n < 0 {
		return 0, 0, ""
	}
	return from, from + n, string(doc[from : from+n])
}
