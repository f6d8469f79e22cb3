package nodeagent

import (
	"fmt"
	"strings"

	"github.com/leasehold/leasehold/wire/xmlrpc"
)

// Prefix is before the names of methods.
const Prefix = "nodeagent."

// parameters are the names of an operation's parameters after auth, in their order.
var parameters = map[Op][]string{
	ExecuteScript:        {"script", "arguments"},
	ExecuteDriver:        {"driverId", "actionId", "properties"},
	ExecuteObjectDriver:  {"driverId", "objectId", "actionId", "properties"},
	InstallDriver:        {"driverId", "className", "pkg"},
	UpgradeDriver:        {"driverId", "className", "pkg"},
	UninstallDriver:      {"driverId"},
	RollbackDriver:       {"driverId"},
	Run:                  {"args", "stdin"},
	TestFunc:             {"n"},
	RegisterKey:          {"alias", "certificate"},
	UnregisterKey:        {"alias"},
	RegisterAuthorityKey: {"alias", "certificate", "request", "signature"},
	GetServiceKey:        {},
}

// kinds are the types of parameters by their names; the others are strings.
var kinds = map[string]xmlrpc.Kind{"properties": xmlrpc.KindStruct, "pkg": xmlrpc.KindBase64, "args": xmlrpc.KindArray, "stdin": xmlrpc.KindBase64,
	"n": xmlrpc.KindInt, "certificate": xmlrpc.KindBase64, "request": xmlrpc.KindBase64, "signature": xmlrpc.KindBase64}

// Signature is the types of an operation's result and parameters (system.methodSignature).
func Signature(op Op) []xmlrpc.Kind {
	out := []xmlrpc.Kind{xmlrpc.KindStruct}
	switch op {
	case TestFunc, RegisterKey, UnregisterKey:
		out[0] = xmlrpc.KindInt
	}
	if op.Signed() {
		out = append(out, xmlrpc.KindStruct)
	}
	for _, p := range parameters[op] {
		k, ok := kinds[p]
		if !ok {
			k = xmlrpc.KindString
		}
		out = append(out, k)
	}
	return out
}

// Params are the parameters of a request after auth.
func Params(r Request) []xmlrpc.Value {
	var out []xmlrpc.Value
	for _, name := range parameters[r.Op] {
		out = append(out, param(r, name))
	}
	return out
}

func param(r Request, name string) xmlrpc.Value {
	switch name {
	case "script":
		return xmlrpc.String(r.Script)
	case "arguments":
		return xmlrpc.String(r.Arguments)
	case "driverId":
		return xmlrpc.String(r.Driver)
	case "objectId":
		return xmlrpc.String(r.Object)
	case "actionId":
		return xmlrpc.String(r.Action)
	case "className":
		return xmlrpc.String(r.Class)
	case "pkg":
		return xmlrpc.Base64(r.Package)
	case "properties":
		return structOf(r.Properties)
	case "args":
		var items []xmlrpc.Value
		for _, a := range r.Args {
			items = append(items, xmlrpc.Base64([]byte(a)))
		}
		return xmlrpc.Array(items...)
	case "stdin":
		return xmlrpc.Base64([]byte(r.Stdin))
	case "n":
		return xmlrpc.Int(r.Number)
	case "alias":
		return xmlrpc.String(r.Alias)
	case "certificate":
		return xmlrpc.Base64(r.Certificate)
	case "request":
		return xmlrpc.Base64(r.Message)
	}
	return xmlrpc.Base64(r.Signature)
}

func structOf(list []Property) xmlrpc.Value {
	members := make([]xmlrpc.Member, 0, len(list))
	seen := map[string]int{}
	for _, p := range list {
		v := xmlrpc.String(Printable(strings.ReplaceAll(p.Value, "\r", "?")))
		if i, twice := seen[p.Name]; twice {
			members[i].Value = v
			continue
		}
		seen[p.Name] = len(members)
		members = append(members, xmlrpc.Member{Name: p.Name, Value: v})
	}
	return xmlrpc.Struct(members...)
}

// Named is the struct that is signed for the parameters of an operation: each under its
// name.
func Named(op Op, params []xmlrpc.Value) (xmlrpc.Value, error) {
	names := parameters[op]
	if len(params) != len(names) {
		return xmlrpc.Value{}, fmt.Errorf("nodeagent: %s has %d parameters after auth, not %d", op, len(names), len(params))
	}
	members := make([]xmlrpc.Member, len(names))
	for i, name := range names {
		members[i] = xmlrpc.Member{Name: name, Value: params[i]}
	}
	return xmlrpc.Struct(members...), nil
}

// FromParams reads the parameters of an operation after auth.
func FromParams(op Op, params []xmlrpc.Value) (r Request, err error) {
	r.Op = op
	named, err := Named(op, params)
	if err != nil {
		return r, err
	}
	for name, v := range named.Members() {
		if err := r.take(name, v); err != nil {
			return r, fmt.Errorf("nodeagent: %s: %w", name, err)
		}
	}
	return r, nil
}

func (r *Request) take(name string, v xmlrpc.Value) error {
	text, isText := v.Text()
	raw, isRaw := v.Octets()
	switch kinds[name] {
	case xmlrpc.KindBase64:
		if !isRaw {
			return fmt.Errorf("is %v, not base64", v.Kind())
		}
	case xmlrpc.KindStruct:
		for k, m := range v.Members() {
			t, ok := m.Text()
			if !ok {
				return fmt.Errorf("%.60q is %v, not a string", k, m.Kind())
			}
			r.Properties = append(r.Properties, Property{strings.Clone(k), strings.Clone(t)})
		}
		return nil
	case xmlrpc.KindArray:
		for m := range v.Items() {
			t, ok := m.Raw()
			if !ok {
				return fmt.Errorf("holds %v", m.Kind())
			}
			r.Args = append(r.Args, strings.Clone(t))
		}
		return nil
	case xmlrpc.KindInt:
		n, ok := v.Int()
		if !ok || n != int64(int32(n)) {
			return fmt.Errorf("is no 32-bit number")
		}
		r.Number = int32(n)
		return nil
	default:
		if !isText {
			return fmt.Errorf("is %v, not a string", v.Kind())
		}
	}
	text, raw = strings.Clone(text), append([]byte(nil), raw...)
	switch name {
	case "script":
		r.Script = text
	case "arguments":
		r.Arguments = text
	case "driverId":
		r.Driver = text
	case "objectId":
		r.Object = text
	case "actionId":
		r.Action = text
	case "className":
		r.Class = text
	case "pkg":
		r.Package = raw
	case "stdin":
		r.Stdin = string(raw)
	case "alias":
		r.Alias = text
	case "certificate":
		r.Certificate = raw
	case "request":
		r.Message = raw
	case "signature":
		r.Signature = raw
	}
	return nil
}

// Value is an answer as a value. Output of Run is base64, since programs print anything.
func Value(r Response) xmlrpc.Value {
	switch r.Op {
	case TestFunc, RegisterKey, UnregisterKey:
		return xmlrpc.Int(r.Code)
	}
	members := []xmlrpc.Member{{Name: "code", Value: xmlrpc.Int(r.Code)}}
	add := func(name string, v xmlrpc.Value) { members = append(members, xmlrpc.Member{Name: name, Value: v}) }
	text := func(name, s string) {
		if s != "" {
			add(name, xmlrpc.String(Printable(strings.ReplaceAll(s, "\r", "?"))))
		}
	}
	switch r.Op {
	case ExecuteScript:
		text("message", r.Message)
		text("stdOut", r.Stdout)
		text("stdError", r.Stderr)
	case Run:
		text("message", r.Message)
		add("stdOut", xmlrpc.Base64([]byte(r.Stdout)))
		add("stdError", xmlrpc.Base64([]byte(r.Stderr)))
	case RegisterAuthorityKey:
		add("response", xmlrpc.Base64(r.Reply))
		add("key", xmlrpc.Base64(r.Key))
	case GetServiceKey:
		add("key", xmlrpc.Base64(r.Key))
	default:
		add("properties", structOf(r.Properties))
	}
	return xmlrpc.Struct(members...)
}

// FromValue reads an answer.
func FromValue(op Op, v xmlrpc.Value) (r Response, err error) {
	r.Op = op
	code := v
	if v.Kind() == xmlrpc.KindStruct {
		code = v.Member("code")
	}
	n, ok := code.Int()
	if !ok || n != int64(int32(n)) {
		return r, fmt.Errorf("nodeagent: the answer to %s has no code", op)
	}
	r.Code = int32(n)
	raw := func(name string) string { s, _ := v.Member(name).Raw(); return strings.Clone(s) }
	r.Message, r.Stdout, r.Stderr = raw("message"), raw("stdOut"), raw("stdError")
	r.Reply, r.Key = []byte(raw("response")), []byte(raw("key"))
	for k, m := range v.Member("properties").Members() {
		t, _ := m.Text()
		r.Properties = append(r.Properties, Property{strings.Clone(k), strings.Clone(t)})
	}
	return r, nil
}
