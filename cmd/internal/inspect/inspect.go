// Package inspect takes secured SOAP messages apart for people who wonder why a
// peer refuses one: which parts there are, their canonical octets and digests,
// which are signed, and by which key.
//
// It is a second reader on purpose. It follows a signature's own words as far as
// they go and reports all of it, where package wssec stops at the first thing it
// does not like; nothing here decides what a server accepts.
package inspect

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec/c14n"
)

// Namespaces of the parts of a message.
const (
	soapNS = "http://schemas.xmlsoap.org/soap/envelope/"
	wsseNS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
	wsuNS  = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
	secNS  = "http://issg.cs.duke.edu/sharp/sec"
	dsNS   = "http://www.w3.org/2000/09/xmldsig#"
)

// maxCanonical bounds a canonical form as a multiple of the document.
const maxCanonical = 8

// Message is a SOAP envelope taken apart.
type Message struct {
	Parts     []Part     `json:"parts"`
	Signature *Signature `json:"signature,omitempty"` // nil if there is none
	GUID      string     `json:"guid,omitempty"`      // who the AuthToken says it is from
	Name      string     `json:"name,omitempty"`
	Problems  []string   `json:"problems"` // why it would not be believed, if there is anything

	doc  *xmltree.Document
	body xmltree.Node
}

// Part is an element of the header, of Security, or the Body.
type Part struct {
	Name      string `json:"name"`
	ID        string `json:"id,omitempty"`
	Octets    int    `json:"octets"` // of its exclusive canonical form, without a prefix list
	SHA1      string `json:"sha1"`   // Base64, of that form
	SHA256    string `json:"sha256"`
	Signed    bool   `json:"signed"` // a reference names it and its digest is right
	canonical []byte
	node      xmltree.Node
}

// Canonical is the octets of the part in canonical form.
func (p Part) Canonical() []byte { return p.canonical }

// Parse takes apart a document, which must be well-formed and within limits.
func Parse(data []byte) (*Message, error) {
	doc, err := xmltree.Parse(bytes.TrimSpace(data), xmltree.DefaultLimits())
	if err != nil {
		return nil, err
	}
	m := &Message{doc: doc, Problems: []string{}}
	root := doc.Root()
	if !root.Is(soapNS, "Envelope") {
		return nil, fmt.Errorf("the root element is %q, not a SOAP 1.1 Envelope", clip(root.Local()))
	}
	header := root.Child(soapNS, "Header")
	m.body = root.Child(soapNS, "Body")
	if !m.body.Valid() {
		return nil, errors.New("the Envelope has no Body")
	}
	nodes := []xmltree.Node{m.body}
	signatures := 0
	for n := range header.Children() {
		if !n.Is(wsseNS, "Security") {
			nodes = append(nodes, n)
			continue
		}
		for c := range n.Children() {
			if !c.Is(dsNS, "Signature") {
				nodes = append(nodes, c)
				continue
			}
			if signatures++; signatures == 1 {
				m.Signature = readSignature(c)
			}
		}
	}
	for _, n := range nodes {
		form, err := canonical(n, nil)
		if err != nil {
			return nil, err
		}
		one, two := sha1.Sum(form), sha256.Sum256(form)
		m.Parts = append(m.Parts, Part{Name: n.Local(), ID: idOf(n), Octets: len(form), canonical: form, node: n,
			SHA1: base64.StdEncoding.EncodeToString(one[:]), SHA256: base64.StdEncoding.EncodeToString(two[:])})
		if n.Is(secNS, "AuthToken") {
			m.GUID, _ = n.Attr(secNS, "guid")
			m.Name, _ = n.Attr(secNS, "name")
		}
	}
	switch {
	case signatures == 0:
		m.problem("there is no signature")
	case signatures > 1:
		m.problem("there are %d signatures", signatures)
	default:
		m.follow()
	}
	return m, nil
}

func (m *Message) problem(format string, args ...any) {
	m.Problems = append(m.Problems, fmt.Sprintf(format, args...))
}

// follow compares each reference with what it names.
func (m *Message) follow() {
	ids := map[string][]xmltree.Node{}
	for i := range m.doc.Len() {
		for a := range m.doc.At(i).Attrs() {
			if len(a.Local) == 2 && strings.EqualFold(a.Local, "id") {
				ids[a.Value] = append(ids[a.Value], m.doc.At(i))
			}
		}
	}
	for i := range m.Signature.References {
		r := &m.Signature.References[i]
		targets := ids[strings.TrimPrefix(r.URI, "#")]
		switch {
		case !strings.HasPrefix(r.URI, "#") || r.URI == "#":
			r.Problem = "refers to something outside the message"
		case len(targets) == 0:
			r.Problem = "no element has this id"
		case len(targets) > 1:
			r.Problem = fmt.Sprintf("%d elements have this id", len(targets))
		case r.token:
			if targets = m.tokenOf(targets[0]); len(targets) != 1 {
				r.Problem = "names no token in the message"
			} else {
				r.check(targets[0])
			}
		default:
			r.check(targets[0])
		}
		if r.Problem != "" {
			m.problem("reference %s: %s", r.URI, r.Problem)
			continue
		}
		for k := range m.Parts {
			if m.Parts[k].node == targets[0] {
				m.Parts[k].Signed, r.Part = true, m.Parts[k].Name
			}
		}
		if r.Part == "" {
			m.problem("reference %s: signs an element %s elsewhere in the message", r.URI, targets[0].Local())
		}
	}
	if !m.Parts[0].Signed {
		m.problem("the Body is not signed")
	}
}

// tokenOf is the one BinarySecurityToken, for a SecurityTokenReference that refers to
// it.
func (m *Message) tokenOf(reference xmltree.Node) (found []xmltree.Node) {
	uri, _ := reference.Child(wsseNS, "Reference").Attr("", "URI")
	for _, p := range m.Parts {
		if p.node.Is(wsseNS, "BinarySecurityToken") && p.ID != "" && uri == "#"+p.ID && reference.Is(wsseNS, "SecurityTokenReference") {
			found = append(found, p.node)
		}
	}
	return found
}

func canonical(n xmltree.Node, prefixes []string) ([]byte, error) {
	return c14n.Bounded(nil, n, prefixes, maxCanonical*n.Document().Size()+64<<10)
}

func idOf(n xmltree.Node) string {
	if id, ok := n.Attr(wsuNS, "Id"); ok {
		return id
	}
	id, _ := n.Attr("", "Id")
	return id
}

func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}
