package nodeagent

import (
	"errors"
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

// A parameter has its type on the wire, and its place in a request: a pointer to a string,
// octets, properties, arguments or a number.
type parameter struct {
	kind  xmlrpc.Kind
	place func(*Request) any
}

// places are all parameters by their names.
var places = map[string]parameter{
	"script":      {xmlrpc.KindString, func(r *Request) any { return &r.Script }},
	"arguments":   {xmlrpc.KindString, func(r *Request) any { return &r.Arguments }},
	"driverId":    {xmlrpc.KindString, func(r *Request) any { return &r.Driver }},
	"objectId":    {xmlrpc.KindString, func(r *Request) any { return &r.Object }},
	"actionId":    {xmlrpc.KindString, func(r *Request) any { return &r.Action }},
	"className":   {xmlrpc.KindString, func(r *Request) any { return &r.Class }},
	"alias":       {xmlrpc.KindString, func(r *Request) any { return &r.Alias }},
	"stdin":       {xmlrpc.KindBase64, func(r *Request) any { return &r.Stdin }},
	"pkg":         {xmlrpc.KindBase64, func(r *Request) any { return &r.Package }},
	"certificate": {xmlrpc.KindBase64, func(r *Request) any { return &r.Certificate }},
	"request":     {xmlrpc.KindBase64, func(r *Request) any { return &r.Message }},
	"signature":   {xmlrpc.KindBase64, func(r *Request) any { return &r.Signature }},
	"properties":  {xmlrpc.KindStruct, func(r *Request) any { return &r.Properties }},
	"args":        {xmlrpc.KindArray, func(r *Request) any { return &r.Args }},
	"n":           {xmlrpc.KindInt, func(r *Request) any { return &r.Number }},
}

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
		out = append(out, places[p].kind)
	}
	return out
}

// Params are the parameters of a request after auth.
func Params(r Request) []xmlrpc.Value {
	var out []xmlrpc.Value
	for _, name := range parameters[r.Op] {
		out = append(out, places[name].write(&r))
	}
	return out
}

// write is what a request has in the parameter's place.
func (p parameter) write(r *Request) xmlrpc.Value {
	switch from := p.place(r).(type) {
	case *[]byte:
		return xmlrpc.Base64(*from)
	case *[]Property:
		return structOf(*from)
	case *[]string:
		var items []xmlrpc.Value
		for _, a := range *from {
			items = append(items, xmlrpc.Base64([]byte(a)))
		}
		return xmlrpc.Array(items...)
	case *int32:
		return xmlrpc.Int(*from)
	case *string:
		if p.kind == xmlrpc.KindBase64 {
			return xmlrpc.Base64([]byte(*from))
		}
		return xmlrpc.String(*from)
	}
	panic("nodeagent: a parameter without a place")
}

func structOf(list []Property) xmlrpc.Value {
	members := make([]xmlrpc.Member, 0, len(list))
	seen := map[string]int{}
	for _, p := range list {
		v := xmlrpc.String(p.Value)
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
		if err := places[name].read(&r, v); err != nil {
			return r, fmt.Errorf("nodeagent: %s: %w", name, err)
		}
	}
	return r, nil
}

// read puts a value into the parameter's place.
func (p parameter) read(r *Request, v xmlrpc.Value) error {
	if v.Kind() != p.kind && p.kind != xmlrpc.KindInt {
		return fmt.Errorf("is %v, not %v", v.Kind(), p.kind)
	}
	switch to := p.place(r).(type) {
	case *string:
		text, _ := v.Raw()
		*to = strings.Clone(text)
	case *[]byte:
		*to, _ = v.Octets()
	case *[]Property:
		for k, m := range v.Members() {
			t, ok := m.Text()
			if !ok {
				return fmt.Errorf("%.60q is %v, not a string", k, m.Kind())
			}
			*to = append(*to, Property{strings.Clone(k), strings.Clone(t)})
		}
	case *[]string:
		for m := range v.Items() {
			t, ok := m.Raw()
			if !ok {
				return fmt.Errorf("holds %v", m.Kind())
			}
			*to = append(*to, strings.Clone(t))
		}
	case *int32:
		n, ok := v.Int()
		if !ok || n != int64(int32(n)) {
			return errors.New("is no 32-bit number")
		}
		*to = int32(n)
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
			add(name, xmlrpc.String(Printable(s)))
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
		add("properties", structOf(printable(r.Properties)))
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
