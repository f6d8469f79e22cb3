package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/leasehold/leasehold/wire/xmlrpc"
)

// What one multicall may ask for: calls, and octets of their results as they are written.
// The call that goes beyond the second is the last one made.
const (
	maxCalls   = 128
	maxResults = 16 << 20
)

// system are the methods about the table.
func (s *Server) system() []Method {
	text, list, record := xmlrpc.KindString, xmlrpc.KindArray, xmlrpc.KindStruct
	return []Method{
		{"system.listMethods", "Lists the names of all methods.", [][]xmlrpc.Kind{{list}}, s.list},
		{"system.methodHelp", "Says in a sentence what a method does.", [][]xmlrpc.Kind{{text, text}}, s.help},
		{"system.methodSignature", "Lists the types that a method takes, each list after the type of its result.", [][]xmlrpc.Kind{{list, text}}, s.signature},
		{"system.multicall", "Makes several calls, given as structs of methodName and params, and gives their results or faults.", [][]xmlrpc.Kind{{list, list}}, nil},
		{"system.getCapabilities", "Says which conventions this server keeps, and where they are written.", [][]xmlrpc.Kind{{record}}, s.capabilities},
	}
}

func (s *Server) list(context.Context, Call) (xmlrpc.Value, error) {
	var names []xmlrpc.Value
	for _, name := range slices.Sorted(maps.Keys(s.methods)) {
		names = append(names, xmlrpc.String(name))
	}
	return xmlrpc.Array(names...), nil
}

// named is the method that the one parameter of a call names.
func (s *Server) named(c Call) (*Method, error) {
	name, _ := c.Params[0].Text()
	m := s.methods[name]
	if m == nil {
		return nil, noMethod(name)
	}
	return m, nil
}

func (s *Server) help(_ context.Context, c Call) (xmlrpc.Value, error) {
	m, err := s.named(c)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	return xmlrpc.String(m.Help), nil
}

// signature answers with a text for a method that looks for itself, as servers do.
func (s *Server) signature(_ context.Context, c Call) (xmlrpc.Value, error) {
	m, err := s.named(c)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	if m.Signatures == nil {
		return xmlrpc.String("undef"), nil
	}
	var all []xmlrpc.Value
	for _, kinds := range m.Signatures {
		var words []xmlrpc.Value
		for _, k := range kinds {
			words = append(words, xmlrpc.String(k.String()))
		}
		all = append(all, xmlrpc.Array(words...))
	}
	return xmlrpc.Array(all...), nil
}

func (s *Server) capabilities(context.Context, Call) (xmlrpc.Value, error) {
	spec := func(name, url string, version int32) xmlrpc.Member {
		return xmlrpc.Member{Name: name, Value: xmlrpc.Struct(
			xmlrpc.Member{Name: "specUrl", Value: xmlrpc.String(url)}, xmlrpc.Member{Name: "specVersion", Value: xmlrpc.Int(version)})}
	}
	return xmlrpc.Struct(
		spec("xmlrpc", "http://www.xmlrpc.com/spec", 1),
		spec("introspection", "http://phpxmlrpc.sourceforge.net/doc-2/ch10.html", 2),
		spec("system.multicall", "http://www.xmlrpc.com/discuss/msgReader$1208", 1),
		spec("faults_interop", "http://xmlrpc-epi.sourceforge.net/specs/rfc.fault_codes.php", 20010516),
	), nil
}

// multicall makes calls one after the other. One that fails is a fault in its place.
func (s *Server) multicall(ctx context.Context, c Call) (xmlrpc.Value, error) {
	if c.Params[0].Len() > maxCalls {
		return xmlrpc.Value{}, &xmlrpc.Fault{Code: xmlrpc.WrongParams, Text: fmt.Sprintf("more calls at once than the limit of %d", maxCalls)}
	}
	var results []xmlrpc.Value
	room := maxResults
	for one := range c.Params[0].Items() {
		inner, v, err := c, xmlrpc.Value{}, error(errFull)
		if room > 0 {
			v, err = s.one(ctx, &inner, one)
		}
		if err == nil {
			var doc []byte
			doc, err = s.written(inner, v)
			room -= len(doc)
		}
		if err != nil {
			f := s.public(inner, err)
			v = xmlrpc.Struct(xmlrpc.Member{Name: "faultCode", Value: xmlrpc.Int(f.Code)}, xmlrpc.Member{Name: "faultString", Value: xmlrpc.String(f.Text)})
		} else {
			v = xmlrpc.Array(v)
		}
		results = append(results, v)
	}
	return xmlrpc.Array(results...), nil
}

// errFull is the result of a call that was not made any more.
var errFull = &xmlrpc.Fault{Code: xmlrpc.Internal, Text: "not called: the results of the calls before it are as long as one answer may be"}

// one makes one call of a multicall, which c then is.
func (s *Server) one(ctx context.Context, c *Call, v xmlrpc.Value) (xmlrpc.Value, error) {
	name, named := v.Member("methodName").Text()
	params := v.Member("params")
	switch {
	case !named || params.Kind() != xmlrpc.KindArray:
		return xmlrpc.Value{}, &xmlrpc.Fault{Code: xmlrpc.WrongParams, Text: "each call is a struct of methodName, a string, and params, an array"}
	case name == "system.multicall":
		return xmlrpc.Value{}, &xmlrpc.Fault{Code: xmlrpc.Recursive, Text: "system.multicall inside itself"}
	}
	c.Call = xmlrpc.Call{Method: name, Params: slices.Collect(params.Items())}
	return s.call(ctx, *c)
}

// written is the answer of one result. One that XML-RPC cannot carry is a mistake on this
// side.
func (s *Server) written(c Call, v xmlrpc.Value) ([]byte, error) {
	doc, err := xmlrpc.AppendAnswer(nil, v, s.cfg.Dialect)
	if err != nil {
		s.cfg.Failed(c, err)
		return nil, &xmlrpc.Fault{Code: xmlrpc.Internal, Text: "the result cannot be written in XML-RPC"}
	}
	return doc, nil
}

// public is what a client may know about an error.
func (s *Server) public(c Call, err error) xmlrpc.Fault {
	var fault *xmlrpc.Fault
	var broken *xmlrpc.Error
	switch {
	case errors.As(err, &fault):
		return *fault
	case errors.As(err, &broken):
		return *broken.Fault()
	}
	s.cfg.Failed(c, err)
	return xmlrpc.Fault{Code: xmlrpc.Internal, Text: "internal error"}
}
