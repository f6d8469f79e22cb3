package dsig

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec/c14n"
)

// Policy says which signatures are good enough. The zero Policy accepts none.
type Policy struct {
	Signatures    []string // allowed SignatureMethods, such as [RSASHA256]
	Digests       []string // allowed DigestMethods, such as [SHA256]
	MinRSABits    int      // shortest RSA key
	MaxReferences int      // most References (wssec.md A20)
	MaxPrefixes   int      // most tokens of one PrefixList
	STRTransform  bool     // References may digest the token a SecurityTokenReference names
}

// Signature is a ds:Signature of acceptable shape. Nothing in it is verified.
type Signature struct {
	Value      []byte       // octets of SignatureValue
	References []Reference  // in document order
	KeyInfo    xmltree.Node // invalid if there is none

	signedInfo xmltree.Node
	prefixes   []string
	method     *method
	policy     Policy
}

// Reference is what one ds:Reference claims: the element with this id has this
// digest. It counts only once the Signature has verified.
type Reference struct {
	ID string // without the '#'
	// STR says that the element with this id is a SecurityTokenReference, and that
	// the digest is that of the token it refers to: see CheckToken.
	STR bool

	digest   *digest
	value    []byte
	prefixes []string
}

// Method is the name of the signature algorithm.
func (s Signature) Method() string { return s.method.name }

// Digest is the octets of DigestValue, which nobody may change.
func (r Reference) Digest() []byte { return r.value }

// Weak reports whether SHA-1 is any part of the signature.
func (s Signature) Weak() bool {
	if s.method.digest.name == SHA1 {
		return true
	}
	return slices.ContainsFunc(s.References, func(r Reference) bool { return r.digest.name == SHA1 })
}

// Parse reads the ds:Signature n: SignedInfo, SignatureValue and perhaps
// KeyInfo, in this order and nothing else.
func Parse(n xmltree.Node, p Policy) (Signature, error) {
	if !n.Is(Space, "Signature") {
		return Signature{}, fmt.Errorf("%w: no Signature", ErrShape)
	}
	if err := onlyAttrs(n, "Id"); err != nil {
		return Signature{}, err
	}
	var room [3]xmltree.Node
	kids, err := children(room[:0], n, 3)
	if err != nil {
		return Signature{}, err
	}
	if len(kids) < 2 || !kids[0].Is(Space, "SignedInfo") || !kids[1].Is(Space, "SignatureValue") ||
		len(kids) == 3 && !kids[2].Is(Space, "KeyInfo") {
		return Signature{}, fmt.Errorf("%w: Signature with other children", ErrShape)
	}
	s := Signature{signedInfo: kids[0], policy: p}
	if len(kids) == 3 {
		s.KeyInfo = kids[2]
	}
	if s.Value, err = decodeText(kids[1]); err != nil {
		return Signature{}, err
	}
	return s, s.parseSignedInfo(kids[0])
}

func (s *Signature) parseSignedInfo(n xmltree.Node) error {
	if err := onlyAttrs(n, "Id"); err != nil {
		return err
	}
	var room [10]xmltree.Node
	kids, err := children(room[:0], n, 2+s.policy.MaxReferences)
	if err != nil {
		return err
	}
	if len(kids) < 3 || !kids[0].Is(Space, "CanonicalizationMethod") || !kids[1].Is(Space, "SignatureMethod") {
		return fmt.Errorf("%w: SignedInfo with other children", ErrShape)
	}
	if s.prefixes, err = s.policy.canonicalisation(kids[0]); err != nil {
		return err
	}
	name, err := algorithm(kids[1])
	if err != nil {
		return err
	}
	i := slices.IndexFunc(methods[:], func(m method) bool { return m.name == name })
	if i < 0 || !slices.Contains(s.policy.Signatures, name) {
		return fmt.Errorf("%w: SignatureMethod %.100q", ErrAlgorithm, name)
	}
	s.method = &methods[i]
	s.References = make([]Reference, len(kids)-2)
	for i, kid := range kids[2:] {
		if err := s.policy.reference(&s.References[i], kid); err != nil {
			return err
		}
		for k := range s.References[:i] {
			if s.References[k].ID == s.References[i].ID {
				return fmt.Errorf("%w: one id referenced twice", ErrReference)
			}
		}
	}
	return nil
}

// reference reads a ds:Reference into r.
func (p *Policy) reference(r *Reference, n xmltree.Node) (err error) {
	if !n.Is(Space, "Reference") {
		return fmt.Errorf("%w: SignedInfo with other children", ErrShape)
	}
	if err := onlyAttrs(n, "URI", "Id"); err != nil {
		return err
	}
	uri, _ := n.Attr("", "URI")
	id, local := strings.CutPrefix(uri, "#")
	if !local || !ValidID(id) {
		return fmt.Errorf("%w: URI %.100q", ErrReference, uri)
	}
	var room [3]xmltree.Node
	kids, err := children(room[:0], n, 3)
	if err != nil {
		return err
	}
	if len(kids) != 3 || !kids[0].Is(Space, "Transforms") || !kids[1].Is(Space, "DigestMethod") || !kids[2].Is(Space, "DigestValue") {
		return fmt.Errorf("%w: Reference with other children", ErrShape)
	}
	var inner [1]xmltree.Node
	transforms, err := children(inner[:0], kids[0], 1)
	if err != nil {
		return fmt.Errorf("%w: transforms", ErrReference)
	}
	if err := onlyAttrs(kids[0]); err != nil {
		return err
	}
	if len(transforms) != 1 || !transforms[0].Is(Space, "Transform") {
		return fmt.Errorf("%w: transforms", ErrReference)
	}
	if name, _ := transforms[0].Attr("", "Algorithm"); p.STRTransform && name == strTransform {
		r.STR, err = true, p.strParameters(transforms[0])
	} else {
		r.prefixes, err = p.canonicalisation(transforms[0])
	}
	if err != nil {
		return err
	}
	name, err := algorithm(kids[1])
	if err != nil {
		return err
	}
	i := slices.IndexFunc(digests[:], func(d digest) bool { return d.name == name })
	if i < 0 || !slices.Contains(p.Digests, name) {
		return fmt.Errorf("%w: DigestMethod %.100q", ErrAlgorithm, name)
	}
	r.ID, r.digest = id, &digests[i]
	if r.value, err = decodeText(kids[2]); err != nil {
		return err
	}
	if len(r.value) != r.digest.size {
		return fmt.Errorf("%w: a digest of %d octets", ErrShape, len(r.value))
	}
	return nil
}

// The transform that replaces a SecurityTokenReference by its token, and the
// namespace of its parameters (WSS SOAP Message Security 1.0, 8.3).
const (
	strTransform = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform"
	wsseSpace    = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
)

// strParameters wants the parameters of an STR-Transform to name exclusive
// canonicalisation, without prefixes: the token need not stand where they mean
// anything.
func (p *Policy) strParameters(n xmltree.Node) error {
	if err := onlyAttrs(n, "Algorithm"); err != nil {
		return err
	}
	for _, want := range [2][2]string{{wsseSpace, "TransformationParameters"}, {Space, "CanonicalizationMethod"}} {
		var room [1]xmltree.Node
		kids, err := children(room[:0], n, 1)
		if err != nil || len(kids) != 1 || !kids[0].Is(want[0], want[1]) {
			return fmt.Errorf("%w: parameters of STR-Transform", ErrShape)
		}
		if n = kids[0]; n.Space() == wsseSpace && onlyAttrs(n) != nil {
			return fmt.Errorf("%w: parameters of STR-Transform", ErrShape)
		}
	}
	prefixes, err := p.canonicalisation(n)
	if err == nil && len(prefixes) > 0 {
		err = fmt.Errorf("%w: prefixes of STR-Transform", ErrShape)
	}
	return err
}

// canonicalisation reads a CanonicalizationMethod or Transform, which must name
// exclusive canonicalisation, and gives its prefix list.
func (p *Policy) canonicalisation(n xmltree.Node) ([]string, error) {
	if err := onlyAttrs(n, "Algorithm"); err != nil {
		return nil, err
	}
	if name, _ := n.Attr("", "Algorithm"); name != c14n.Algorithm {
		return nil, fmt.Errorf("%w: canonicalisation or transform %.100q", ErrAlgorithm, name)
	}
	var room [1]xmltree.Node
	kids, err := children(room[:0], n, 1)
	if err != nil || len(kids) == 0 {
		return nil, err
	}
	if !kids[0].Is(c14n.Algorithm, "InclusiveNamespaces") || onlyAttrs(kids[0], "PrefixList") != nil {
		return nil, fmt.Errorf("%w: unknown parameter of canonicalisation", ErrShape)
	}
	if err := empty(kids[0]); err != nil {
		return nil, err
	}
	list, _ := kids[0].Attr("", "PrefixList")
	prefixes := strings.FieldsFunc(list, isSpace)
	if len(prefixes) > p.MaxPrefixes {
		return nil, fmt.Errorf("%w: %d prefixes, at most %d are allowed", ErrReference, len(prefixes), p.MaxPrefixes)
	}
	return prefixes, nil
}

// space is what XML counts as white space.
const space = " \t\r\n"

func isSpace(r rune) bool { return strings.ContainsRune(space, r) }

// ValidID reports whether id is one that References may name: an ASCII letter
// or underscore, then letters, digits, '.', '_' and '-' (wssec.md A3).
func ValidID(id string) bool {
	for i := 0; i < len(id); i++ {
		c := id[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
		case i > 0 && (c >= '0' && c <= '9' || c == '.' || c == '-'):
		default:
			return false
		}
	}
	return id != ""
}

// algorithm is the Algorithm of an element that may have no parameters: no
// HMACOutputLength, no digest of another algorithm (wssec.md A12).
func algorithm(n xmltree.Node) (string, error) {
	if err := onlyAttrs(n, "Algorithm"); err != nil {
		return "", err
	}
	if err := empty(n); err != nil {
		return "", err
	}
	name, _ := n.Attr("", "Algorithm")
	return name, nil
}

func empty(n xmltree.Node) error {
	if kids, err := children(nil, n, 0); err != nil || len(kids) > 0 {
		return fmt.Errorf("%w: %s has parameters", ErrShape, n.Local())
	}
	return nil
}

// children appends to kids the elements inside n, of which there may be most,
// with nothing but white space between them.
func children(kids []xmltree.Node, n xmltree.Node, most int) ([]xmltree.Node, error) {
	for i := n.Index() + 1; i < n.End(); {
		c := n.Document().At(i)
		i = c.End()
		if c.IsText() {
			if strings.Trim(c.Data(), space) != "" {
				return nil, fmt.Errorf("%w: text in %s", ErrShape, n.Local())
			}
			continue
		}
		if len(kids) == most {
			return nil, fmt.Errorf("%w: more than %d children in %s", ErrShape, most, n.Local())
		}
		kids = append(kids, c)
	}
	return kids, nil
}

// onlyAttrs refuses attributes other than these, which are in no namespace.
func onlyAttrs(n xmltree.Node, names ...string) error {
	for a := range n.Attrs() {
		if a.Space != "" || !slices.Contains(names, a.Local) {
			return fmt.Errorf("%w: attribute of %s", ErrShape, n.Local())
		}
	}
	return nil
}

// decodeText is the base64 text of an element without children or attributes
// other than Id. White space is allowed anywhere, as legacy stacks wrap lines.
func decodeText(n xmltree.Node) ([]byte, error) {
	if err := onlyAttrs(n, "Id"); err != nil {
		return nil, err
	}
	for range n.Children() {
		return nil, fmt.Errorf("%w: element in %s", ErrShape, n.Local())
	}
	b, err := DecodeBase64(n.Text())
	if err != nil || len(b) == 0 {
		return nil, fmt.Errorf("%w: %s is not base64", ErrShape, n.Local())
	}
	return b, nil
}

// DecodeBase64 decodes the base64 of XML Schema: white space anywhere, padding
// required, unused bits zero.
func DecodeBase64(text string) ([]byte, error) {
	if strings.ContainsAny(text, " \t") { // the package itself skips line ends
		text = strings.NewReplacer(" ", "", "\t", "").Replace(text)
	}
	return strictBase64.DecodeString(text)
}

var strictBase64 = base64.StdEncoding.Strict()
