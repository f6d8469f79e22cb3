package peers

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/wsdl"
)

// TestSchema: xmllint finds every message of ours valid by the schema we publish,
// and a message with a misspelt part not.
func TestSchema(t *testing.T) {
	t.Parallel()
	lint, dir := setup.Tool(t, "xmllint"), t.TempDir()
	types, err := wsdl.Types()
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, wsdl.SchemaFile), types)
	write(t, filepath.Join(dir, "wrappers.xsd"), []byte(wrappers()))
	check := func(name, text string) error {
		path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".xml")
		write(t, path, []byte(text))
		log, err := exec.Command(lint, "--nonet", "--noout", "--schema", filepath.Join(dir, "wrappers.xsd"), path).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w\n%s", err, log)
		}
		return nil
	}
	for kind, m := range everything() {
		text := body(t, m)
		if err := check(kind, text); err != nil {
			t.Errorf("%s: %v\n%s", kind, err, text)
		}
		wrong := strings.Replace(text, "messageID>", "messageId>", 2)
		if err := check(kind+" wrong", wrong); err == nil {
			t.Errorf("%s: xmllint checks nothing", kind)
		}
	}
}

// wrappers is a schema of the elements that rpc style makes of the operations.
func wrappers() string {
	var s strings.Builder
	s.WriteString(`<schema xmlns="http://www.w3.org/2001/XMLSchema" xmlns:b="` + wsdl.BeansNS + `" targetNamespace="` + soap.ServicesNS + `">` +
		`<import namespace="` + wsdl.BeansNS + `" schemaLocation="` + wsdl.SchemaFile + `"/>`)
	for op := range wire.Operations() {
		s.WriteString(`<element name="` + op.Name + `"><complexType><sequence>`)
		for _, part := range op.Parts {
			switch part {
			case 0:
			case wire.PartReservation, wire.PartUpdateData, wire.PartProperties:
				fmt.Fprintf(&s, `<element name="%s" type="b:%s"/>`, part, part)
			default:
				fmt.Fprintf(&s, `<element name="%s" type="string"/>`, part)
			}
		}
		s.WriteString(`</sequence></complexType></element>`)
	}
	return s.String() + `</schema>`
}
