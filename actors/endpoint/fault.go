package endpoint

import (
	"strings"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
)

// faultBody is the canonical octets of a Fault that can be signed. The code is a
// qualified name in text, whose prefix exclusive canonical form would drop and a
// signature not cover; an attribute with the same prefix keeps it.
func faultBody(f wire.Fault) []byte {
	return []byte(`<soapenv:Fault xmlns:orcafault="` + soap.FaultNS + `" xmlns:soapenv="` + soap.EnvelopeNS + `" orcafault:signed="true"><faultcode>orcafault:` +
		f.Code.String() + `</faultcode><faultstring>` + canonicalText.Replace(f.String) + `</faultstring></soapenv:Fault>`)
}

var canonicalText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#xD;")
