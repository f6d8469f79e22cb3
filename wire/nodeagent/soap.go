package nodeagent

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/xmltree"
)

// Namespace is that of the top elements; what is inside them has none.
const Namespace = "http://orca/nodeagent/documents"

// element is how an operation is called in SOAP.
var element = map[Op][2]string{
	ExecuteScript:        {"scriptElement", "scriptResultElement"},
	ExecuteDriver:        {"driverRequestElement", "resultElement"},
	ExecuteObjectDriver:  {"driverObjectRequestElement", "resultElement"},
	InstallDriver:        {"driverElement", "resultElement"},
	UpgradeDriver:        {"driverElement", "resultElement"},
	UninstallDriver:      {"driverElement", "resultElement"},
	TestFunc:             {"testFuncElement", "testFuncResultElement"},
	RegisterKey:          {"registerKeyElement", "registerKeyResultElement"},
	UnregisterKey:        {"unregisterKeyElement", "unregisterKeyResultElement"},
	RegisterAuthorityKey: {"registerAuthorityKeyElement", "registerAuthorityKeyResultElement"},
	GetServiceKey:        {"getServiceKeyElement", "getServiceKeyResultElement"},
}

// writer writes the canonical octets of one element.
type writer struct {
	b   []byte
	err error
}

func (w *writer) text(name, value string) {
	w.b = append(append(append(w.b, '<'), name...), '>')
	bad := 0
	if w.b, bad = wire.AppendText(w.b, value); bad >= 0 {
		w.err = fmt.Errorf("nodeagent: %s holds what XML cannot carry", name)
	}
	w.b = append(append(append(w.b, "</"...), name...), '>')
}

func (w *writer) optional(name, value string) {
	if value != "" {
		w.text(name, value)
	}
}

// bytes writes an element for each octet, as a signed number: that is what the schema
// says (nodeagent 1.1).
func (w *writer) bytes(name string, value []byte) {
	for _, b := range value {
		w.text(name, strconv.Itoa(int(int8(b))))
	}
}

func (w *writer) properties(list []Property) {
	if len(list) == 0 {
		return
	}
	w.b = append(w.b, "<properties>"...)
	for _, p := range list {
		w.b = append(w.b, "<property>"...)
		w.text("name", p.Name)
		w.text("value", p.Value)
		w.b = append(w.b, "</property>"...)
	}
	w.b = append(w.b, "</properties>"...)
}

// whole frames what was written.
func (w *writer) whole(name string) ([]byte, error) {
	if w.err != nil {
		return nil, w.err
	}
	out := []byte(`<n:` + name + ` xmlns:n="` + Namespace + `">`)
	return append(append(out, w.b...), "</n:"+name+">"...), nil
}

// EncodeRequest is the canonical octets of a request: the child of soap:Body.
func EncodeRequest(r Request) ([]byte, error) {
	names, ok := element[r.Op]
	if !ok {
		return nil, fmt.Errorf("nodeagent: %s cannot be said in SOAP", r.Op)
	}
	w := &writer{}
	switch r.Op {
	case ExecuteScript:
		w.text("script", r.Script)
		w.optional("arguments", r.Arguments)
	case ExecuteDriver, ExecuteObjectDriver:
		w.text("driverId", r.Driver)
		if r.Op == ExecuteObjectDriver {
			w.text("objectId", r.Object)
		}
		w.text("actionId", r.Action)
		w.properties(r.Properties)
	case InstallDriver, UpgradeDriver, UninstallDriver:
		w.text("driverId", r.Driver)
		w.optional("className", r.Class)
		w.optional("pkg", base64.StdEncoding.EncodeToString(r.Package))
	case TestFunc:
		w.b = strconv.AppendInt(w.b, int64(r.Number), 10)
	case RegisterKey:
		w.text("alias", r.Alias)
		w.bytes("publickey", r.Certificate)
	case UnregisterKey:
		w.text("alias", r.Alias)
	case RegisterAuthorityKey:
		w.text("alias", r.Alias)
		w.bytes("certificate", r.Certificate)
		w.bytes("request", r.Message)
		w.bytes("signature", r.Signature)
	}
	return w.whole(names[0])
}

// EncodeResponse is the canonical octets of an answer.
func EncodeResponse(r Response) ([]byte, error) {
	names, ok := element[r.Op]
	if !ok {
		return nil, fmt.Errorf("nodeagent: %s cannot be said in SOAP", r.Op)
	}
	w := &writer{}
	code := strconv.Itoa(int(r.Code))
	switch r.Op {
	case TestFunc, RegisterKey, UnregisterKey:
		w.b = append(w.b, code...)
		return w.whole(names[1])
	}
	w.text("code", code)
	switch r.Op {
	case ExecuteScript:
		w.optional("message", Printable(r.Message))
		w.optional("stdOut", Printable(r.Stdout))
		w.optional("stdError", Printable(r.Stderr))
	case RegisterAuthorityKey:
		w.bytes("response", r.Reply)
		w.bytes("key", r.Key)
	case GetServiceKey:
		w.bytes("key", r.Key)
	default:
		w.properties(printable(r.Properties))
	}
	return w.whole(names[1])
}

// Printable puts a question mark for what XML cannot carry.
func Printable(s string) string {
	return strings.ReplaceAll(wire.Clean(s), string(utf8.RuneError), "?")
}

// printable is what a driver said, so that it can be written whatever it is.
func printable(list []Property) []Property {
	out := make([]Property, len(list))
	for i, p := range list {
		out[i] = Property{Printable(p.Name), Printable(p.Value)}
	}
	return out
}

// fields are the children of an element by their names: each once, but for those that
// may be repeated.
func fields(n xmltree.Node, single, repeated []string) (map[string][]xmltree.Node, error) {
	out := map[string][]xmltree.Node{}
	for c := range n.Children() {
		name := c.Local()
		if c.Space() != "" {
			return nil, fmt.Errorf("nodeagent: %.60q in %s has a namespace", name, n.Local())
		}
		known, many := slices.Contains(single, name), slices.Contains(repeated, name)
		if !known && !many {
			return nil, fmt.Errorf("nodeagent: %s has no %.60q", n.Local(), name)
		}
		if !many && len(out[name]) > 0 {
			return nil, fmt.Errorf("nodeagent: %s has two of %s", n.Local(), name)
		}
		out[name] = append(out[name], c)
	}
	return out, nil
}

func first(list []xmltree.Node) string {
	if len(list) == 0 {
		return ""
	}
	return list[0].Text()
}

// octets reads one element for each octet, or base64 in one element, as some write what
// the schema calls bytes.
func octets(list []xmltree.Node) ([]byte, error) {
	if len(list) == 1 {
		if b, err := base64.StdEncoding.DecodeString(unspaced(list[0].Text())); err == nil && len(b) > 1 {
			return b, nil
		}
	}
	out := make([]byte, 0, len(list))
	for _, n := range list {
		v, err := strconv.Atoi(strings.TrimSpace(n.Text()))
		if err != nil || v < -128 || v > 255 {
			return nil, fmt.Errorf("nodeagent: %.40q is no octet in %s", n.Text(), n.Local())
		}
		out = append(out, byte(v))
	}
	return out, nil
}

func unspaced(s string) string { return strings.Join(strings.Fields(s), "") }

func properties(list []xmltree.Node) (out []Property, err error) {
	if len(list) == 0 {
		return nil, nil
	}
	f, err := fields(list[0], nil, []string{"property"})
	if err != nil {
		return nil, err
	}
	for _, n := range f["property"] {
		p, err := fields(n, []string{"name", "value"}, nil)
		if err != nil {
			return nil, err
		}
		if first(p["name"]) == "" {
			return nil, fmt.Errorf("nodeagent: a property without a name")
		}
		out = append(out, Property{strings.Clone(first(p["name"])), strings.Clone(first(p["value"]))})
	}
	return out, nil
}

// DecodeRequest reads the child of soap:Body. Install, upgrade and uninstall have one
// element: which is meant says the SOAPAction, or a name with slashes that ends with it.
func DecodeRequest(n xmltree.Node, action string) (r Request, err error) {
	action = strings.Trim(strings.TrimSpace(action), `"`)
	action = action[strings.LastIndexAny(action, "/#:")+1:]
	if n.Space() != Namespace {
		return r, fmt.Errorf("nodeagent: %.60q is not of the service's namespace", n.Local())
	}
	for _, op := range Ops {
		if names := element[op]; names[0] == n.Local() && (names[0] != "driverElement" || string(op) == action) {
			r.Op = op
		}
	}
	if r.Op == "" {
		return r, fmt.Errorf("nodeagent: no operation has the element %.60q and the action %.60q", n.Local(), action)
	}
	if r.Op == TestFunc {
		v, err := strconv.ParseInt(strings.TrimSpace(n.Text()), 10, 32)
		r.Number = int32(v)
		return r, err
	}
	f, err := fields(n, []string{"script", "arguments", "driverId", "objectId", "actionId", "className", "path", "pkg", "properties", "alias"},
		[]string{"publickey", "certificate", "request", "signature"})
	if err != nil {
		return r, err
	}
	text := func(name string) string { return strings.Clone(first(f[name])) }
	r.Script, r.Arguments, r.Driver, r.Object, r.Action = text("script"), text("arguments"), text("driverId"), text("objectId"), text("actionId")
	r.Class, r.Alias = text("className"), text("alias")
	if r.Properties, err = properties(f["properties"]); err != nil {
		return r, err
	}
	if r.Package, err = base64.StdEncoding.DecodeString(unspaced(first(f["pkg"]))); err != nil {
		return r, fmt.Errorf("nodeagent: pkg is no base64")
	}
	for _, b := range []struct {
		name string
		to   *[]byte
	}{{"publickey", &r.Certificate}, {"certificate", &r.Certificate}, {"request", &r.Message}, {"signature", &r.Signature}} {
		if len(f[b.name]) > 0 {
			if *b.to, err = octets(f[b.name]); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

// DecodeResponse reads the answer to an operation.
func DecodeResponse(n xmltree.Node, op Op) (r Response, err error) {
	r.Op = op
	if !n.Is(Namespace, element[op][1]) {
		return r, fmt.Errorf("nodeagent: %.60q is no answer to %s", n.Local(), op)
	}
	switch op {
	case TestFunc, RegisterKey, UnregisterKey:
		v, err := strconv.ParseInt(strings.TrimSpace(n.Text()), 10, 32)
		r.Code = int32(v)
		return r, err
	}
	f, err := fields(n, []string{"code", "message", "stdOut", "stdError", "properties"}, []string{"response", "key"})
	if err != nil {
		return r, err
	}
	v, err := strconv.ParseInt(strings.TrimSpace(first(f["code"])), 10, 32)
	if err != nil {
		return r, fmt.Errorf("nodeagent: the code %.40q is no number", first(f["code"]))
	}
	r.Code = int32(v)
	r.Message, r.Stdout, r.Stderr = strings.Clone(first(f["message"])), strings.Clone(first(f["stdOut"])), strings.Clone(first(f["stdError"]))
	if r.Properties, err = properties(f["properties"]); err != nil {
		return r, err
	}
	if r.Reply, err = octets(f["response"]); err == nil {
		r.Key, err = octets(f["key"])
	}
	return r, err
}
