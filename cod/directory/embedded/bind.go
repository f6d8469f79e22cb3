package embedded

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/tree"
	"github.com/leasehold/leasehold/ldapschema"
)

// An identity is who a connection speaks for; the zero identity is nobody.
type identity struct {
	dn     ldapschema.DN
	writer bool // may do everything
}

// mayRead says whether entries are for this identity to see at all.
func (w identity) mayRead(s *Server) bool { return w.dn != "" || s.cfg.Anonymous }

// secrets are the attributes that only writers see. Compare and filters do not see
// them either, or a secret could be guessed letter by letter.
var secrets = []string{"userPassword", "dhcpKeySecret"}

// see is what this identity may see of an entry.
func (w identity) see(e ldapschema.Entry) ldapschema.Entry {
	if w.writer {
		return e
	}
	for _, name := range secrets {
		if e.Has(name) {
			e = e.With(name)
		}
	}
	return e
}

// bind answers a bind request (RFC 4511 4.2): simple, as the root DN or as an entry
// that has a password, or anonymous. Whatever fails, the connection is nobody's
// afterwards.
func (c *client) bind(m message) *ber.Packet {
	c.who = identity{}
	who, err := c.srv.authenticate(m)
	if err != nil {
		if codeOf(err) == directory.InvalidCredentials {
			c.log.WithError(err).Warn("bind refused")
		}
		return resultOf(opBindResponse, err)
	}
	c.who = who
	return resultOf(opBindResponse, nil)
}

func (s *Server) authenticate(m message) (identity, error) {
	var nobody identity
	f, err := parts(m.op, 3, 3)
	if err != nil {
		return nobody, err
	}
	version, err := integer(f[0], ber.TagInteger)
	if err != nil {
		return nobody, err
	}
	if version != 3 {
		return nobody, protocolError("protocol version %d; only 3 is spoken", version)
	}
	name, err := text(f[1])
	if err != nil {
		return nobody, err
	}
	if _, err := m.controlsFor(); err != nil {
		return nobody, err
	}
	refuse := func(code directory.Code, why string) (identity, error) {
		return nobody, &directory.Error{Op: "bind", DN: ldapschema.DN(name), Code: code, Err: errors.New(why)}
	}
	if !isContext(f[2], 0, ber.TypePrimitive) {
		return refuse(directory.AuthMethodNotSupported, "only simple binds are supported")
	}
	password := f[2].Data.String()
	dn, err := ldapschema.ParseDN(name)
	switch {
	case err != nil:
		return refuse(directory.InvalidDNSyntax, err.Error())
	case dn.Depth() == 0 && password == "":
		return nobody, nil
	case dn.Depth() == 0:
		return refuse(directory.InvalidCredentials, "wrong name or password")
	case password == "": // RFC 4513 5.1.2: it looks like success to careless clients
		return refuse(directory.UnwillingToPerform, "a name without a password is nobody's")
	case !s.passwordFits(dn, password):
		return refuse(directory.InvalidCredentials, "wrong name or password")
	}
	return identity{dn: dn, writer: s.isWriter(dn)}, nil
}

func (s *Server) isWriter(dn ldapschema.DN) bool {
	if s.cfg.RootDN != "" && dn.Equal(s.cfg.RootDN) {
		return true
	}
	for _, w := range s.cfg.Writers {
		if dn.Equal(w) {
			return true
		}
	}
	return false
}

func (s *Server) passwordFits(dn ldapschema.DN, password string) bool {
	if s.cfg.RootDN != "" && dn.Equal(s.cfg.RootDN) {
		return sameSecret(s.cfg.RootPassword, password)
	}
	var stored []string
	err := s.engine.view("bind", dn, func(t tree.Tree, _ store) error {
		_, e, err := t.Get("bind", dn)
		stored = e.Values("userPassword")
		return err
	})
	if err != nil {
		return false
	}
	for _, v := range stored {
		if passwordMatches(v, password) {
			return true
		}
	}
	return false
}

// passwordMatches compares a password with one as it is stored: plain, or hashed
// in the schemes {SSHA} (salted SHA-1, what slappasswd makes) or {SSHA256}.
func passwordMatches(stored, password string) bool {
	scheme, rest, ok := strings.Cut(stored, "}")
	if !ok || !strings.HasPrefix(stored, "{") {
		return sameSecret(stored, password)
	}
	raw, err := base64.StdEncoding.DecodeString(rest)
	if err != nil {
		return false
	}
	switch strings.ToUpper(scheme[1:]) {
	case "SSHA":
		if len(raw) <= sha1.Size {
			return false
		}
		sum := sha1.Sum(append([]byte(password), raw[sha1.Size:]...))
		return subtle.ConstantTimeCompare(sum[:], raw[:sha1.Size]) == 1
	case "SSHA256":
		if len(raw) <= sha256.Size {
			return false
		}
		sum := sha256.Sum256(append([]byte(password), raw[sha256.Size:]...))
		return subtle.ConstantTimeCompare(sum[:], raw[:sha256.Size]) == 1
	}
	return false
}

// sameSecret compares without telling by its time how much was right.
func sameSecret(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
