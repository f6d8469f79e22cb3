package registrar

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/wire/xmlrpc/leasing"
	"github.com/leasehold/leasehold/wssec"
)

// Entry is one actor as it registered, and what became of that.
type Entry struct {
	GUID        string    `json:"guid"`
	Name        string    `json:"name"`
	Role        string    `json:"role"` // sm, broker or site
	Description string    `json:"description,omitempty"`
	Location    string    `json:"location"` // its address; "None" if it has none
	Class       string    `json:"class,omitempty"`
	Policy      string    `json:"policy,omitempty"` // class of its policy
	PublicKey   string    `json:"publicKey,omitempty"`
	Certificate string    `json:"certificate"` // base64 of DER, in the lines in which it came
	Abstract    string    `json:"abstract,omitempty"`
	Full        string    `json:"full,omitempty"`  // resource descriptions of a site
	Units       string    `json:"units,omitempty"` // that it can give away
	Production  bool      `json:"production"`
	Verified    bool      `json:"verified"`
	First       time.Time `json:"first"` // registered
	Last        time.Time `json:"last"`  // heard of
}

// Protocol is the word for what the actor speaks, by the form of its address: deployed
// registries know soapaxis2 alone (actor-registry 5.6).
func (e Entry) Protocol() string {
	if calls, _ := leasing.Spoken(e.Location); calls {
		return "xmlrpc"
	}
	return "soapaxis2"
}

// roleWords are the words for roles in answers, by the numbers of registrations.
var roleWords = map[string]string{"1": "sm", "2": "broker", "3": "site"}

// RoleOf is the role that a word of a registry means; false if it means none
// (actor-registry 2.1).
func RoleOf(word string) (actors.Role, bool) {
	switch strings.ToLower(word) {
	case "sm", "service", "1":
		return actors.RoleManager, true
	case "broker", "agent", "2":
		return actors.RoleBroker, true
	case "site", "authority", "3":
		return actors.RoleAuthority, true
	}
	return 0, false
}

// NumberOf is the number that a registration gives a role (actor-registry 1.2).
func NumberOf(role actors.Role) string {
	switch role {
	case actors.RoleManager:
		return "1"
	case actors.RoleBroker:
		return "2"
	}
	return "3"
}

// None is the address of an actor that has none.
const None = "None"

// Certificate64 is a certificate as registrations carry it: base64 in lines of 76, none
// of them ended at the end (actor-registry 4). Deployed registries compare the text, so
// it never changes.
func Certificate64(der []byte) string {
	text := base64.StdEncoding.EncodeToString(der)
	var b strings.Builder
	for len(text) > 76 {
		b.WriteString(text[:76])
		b.WriteByte('\n')
		text = text[76:]
	}
	b.WriteString(text)
	return b.String()
}

// ParseCertificate64 reads a certificate however its lines are broken.
func ParseCertificate64(text string) (*x509.Certificate, error) {
	if len(text) > maxCertificate {
		return nil, fmt.Errorf("a certificate of %d octets", len(text))
	}
	der, err := base64.StdEncoding.DecodeString(strings.NewReplacer("\r", "", "\n", "", " ", "", "\t", "").Replace(text))
	if err != nil {
		return nil, fmt.Errorf("the certificate is no base64: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("the certificate is none: %w", err)
	}
	return cert, nil
}

// Limits on what a registration may hold, in octets.
const (
	maxText        = 4 << 10
	maxCertificate = 16 << 10
	maxDescription = 1 << 20 // of resources
)

// check says what is wrong with a registration taken alone, or nil.
func (e Entry) check() error {
	switch {
	case !wssec.ValidLegacyGUID(e.GUID):
		return errors.New("the guid is no UUID")
	case !wssec.ValidName(e.Name):
		return errors.New("the name is none: 1 to 128 printable octets")
	case e.Role == "":
		return errors.New("the type is none of 1, 2 and 3")
	}
	for _, s := range []string{e.Description, e.Location, e.Class, e.Policy, e.PublicKey} {
		if len(s) > maxText {
			return fmt.Errorf("a text is over the limit of %d octets", maxText)
		}
	}
	if e.Location == None {
		return nil
	}
	if e.Location == "" {
		return errors.New("missing SOAP url")
	}
	u, err := url.Parse(e.Location)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return errors.New("the SOAP url is no http or https address")
	}
	return nil
}

// host is the host of the actor's address; empty if it has none.
func (e Entry) host() string {
	u, err := url.Parse(e.Location)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
