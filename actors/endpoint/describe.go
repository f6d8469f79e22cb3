package endpoint

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/leasehold/leasehold/wire/wsdl"
)

// description is what other people's tools read before they call: the WSDL of the
// actor's service and the schema of its messages. It names nothing but the actor's
// role and public address, so anybody may have it.
type description struct{ wsdl, schema []byte }

func (c *Config) describe() (d description, err error) {
	// Relative to the document, so that it holds by whatever name the host is called.
	schema := url.URL{Path: c.Location.Name, RawQuery: "xsd=" + wsdl.SchemaFile}
	if d.wsdl, err = wsdl.Definitions(portOf(c.Role), c.Location.URL, schema.String()); err != nil {
		return d, err
	}
	d.schema, err = wsdl.Types()
	return d, err
}

// answer answers GET <root><name>?wsdl and ?xsd=types.xsd; false leaves every
// other request to the actor.
func (d description) answer(w http.ResponseWriter, r *http.Request, name string) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || r.URL.Path != Root+name {
		return false
	}
	var document []byte
	switch {
	case strings.EqualFold(r.URL.RawQuery, "wsdl"):
		document = d.wsdl
	case r.URL.RawQuery == "xsd="+wsdl.SchemaFile:
		document = d.schema
	default:
		return false
	}
	w.Header().Set("Content-Type", "text/xml; charset=UTF-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Write(document)
	return true
}
