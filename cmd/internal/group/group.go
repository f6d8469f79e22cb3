/*
Package group reads the file of a lease group: several requests for one service
manager, some of which come after others.

	slice: render
	type: site.node            # for every request that says nothing else
	length: 4h
	on_failure: fail           # of a predecessor; or skip, which is the default
	together: true             # their broker grants all with one start, or none
	requests:
	  - name: files
	    units: 1
	  - name: workers
	    units: 8
	    after:
	      - request: files     # redeemed when files has its lease
	        pass: {unit.manage.ip: nfs.server}
	  - name: head
	    after:
	      - {request: workers, gate: join, pass: none}

[manage.After] says what the fields of after mean.
*/
package group

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors/check"
	"github.com/leasehold/leasehold/actors/manage"
	"go.yaml.in/yaml/v3"
)

// MaxBytes bounds a file.
const MaxBytes = 1 << 20

// file is the whole file: what holds for every request, and the requests.
type file struct {
	Manager   string    `yaml:"manager"`
	OnFailure string    `yaml:"on_failure"`
	Together  bool      `yaml:"together"`
	Common    request   `yaml:",inline"`
	Requests  []request `yaml:"requests"`
}

// request is one request, or what all have in common.
type request struct {
	Name    string            `yaml:"name"`
	ID      string            `yaml:"id"`
	Slice   string            `yaml:"slice"`
	Broker  string            `yaml:"broker"`
	Type    string            `yaml:"type"`
	Units   int               `yaml:"units"`
	Start   string            `yaml:"start"`
	End     string            `yaml:"end"`
	Length  string            `yaml:"length"`
	Renew   *bool             `yaml:"renew"`
	Request map[string]string `yaml:"request"`
	Config  map[string]string `yaml:"config"`
	Local   map[string]string `yaml:"local"`
	After   []after           `yaml:"after"`
}

// after is one predecessor. The short form is the name of a request.
type after struct {
	Request     string `yaml:"request"`
	Reservation string `yaml:"reservation"`
	Gate        string `yaml:"gate"`
	Pass        pass   `yaml:"pass"`
	Until       string `yaml:"until"`
	OnFailure   string `yaml:"on_failure"`
}

// UnmarshalYAML reads either form.
func (a *after) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return n.Decode(&a.Request)
	}
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 { // a Decoder's KnownFields ends here
		key, known := n.Content[i].Value, fields(reflect.TypeFor[after]())
		if !slices.Contains(known, key) {
			return fmt.Errorf("line %d: field %s is not known here%s", n.Content[i].Line, key, check.Perhaps(key, known))
		}
	}
	type plain after
	return n.Decode((*plain)(a))
}

// pass is what is passed on: all, none, or names.
type pass struct {
	none  bool
	names map[string]string
}

// UnmarshalYAML reads a word or a mapping.
func (p *pass) UnmarshalYAML(n *yaml.Node) error {
	switch {
	case n.Kind == yaml.MappingNode:
		p.none = true
		return n.Decode(&p.names)
	case n.Value == "none":
		p.none = true
	case n.Value != "all":
		return fmt.Errorf("line %d: pass is %q, not all, none or a mapping of names", n.Line, n.Value)
	}
	return nil
}

// filter is nil for all, empty for none.
func (p pass) filter() map[string]string {
	if p.none && p.names == nil {
		return map[string]string{}
	}
	return p.names
}

// Parse reads a file. Name is what messages call it.
func Parse(name string, data []byte) (g manage.Group, err error) {
	defer func() {
		if p := recover(); p != nil { // the library panics on a few malformed comments
			err = fmt.Errorf("not YAML: %v", p)
		}
		if err != nil {
			g, err = manage.Group{}, fmt.Errorf("%s: %w", name, err)
		}
	}()
	if len(data) > MaxBytes {
		return g, fmt.Errorf("%d octets are more than the limit of %d", len(data), MaxBytes)
	}
	var f file
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the file is empty")
		}
		return g, plain(err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return g, errors.New("the file must hold one document")
	}
	return f.group()
}

// plain is an error of the library without the names of Go, and with what was meant.
func plain(err error) error {
	wrong := (*yaml.TypeError)(nil)
	if !errors.As(err, &wrong) {
		return err
	}
	lines := make([]string, len(wrong.Errors))
	for i, text := range wrong.Errors {
		lines[i] = text
		if before, typ, ok := strings.Cut(text, " not found in type group."); ok {
			known := fields(reflect.TypeFor[request]())
			if typ == "file" {
				known = append(known, fields(reflect.TypeFor[file]())...)
			}
			_, key, _ := strings.Cut(before, "field ")
			lines[i] = before + " is not known here" + check.Perhaps(key, known)
		}
	}
	return errors.New(strings.Join(lines, "; "))
}

// fields is the names that a mapping may have.
func fields(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func (f file) group() (manage.Group, error) {
	g := manage.Group{Actor: f.Manager, Together: f.Together}
	var bad []error
	if len(f.Requests) == 0 {
		bad = append(bad, errors.New("requests is missing: say what to lease"))
	}
	if f.Common.Name != "" || f.Common.ID != "" || f.Common.After != nil {
		bad = append(bad, errors.New("name, id and after belong to one request each"))
	}
	required, err := fails("on_failure", f.OnFailure, false)
	bad = append(bad, err)
	for i, r := range f.Requests {
		label := r.Name
		if label == "" {
			label = fmt.Sprintf("request %d", i+1)
		}
		o := r.order(f.Common)
		for _, a := range r.After {
			p, err := a.order(required)
			if err != nil {
				bad = append(bad, fmt.Errorf("%s: %w", label, err))
			}
			o.After = append(o.After, p)
		}
		g.Orders = append(g.Orders, o)
	}
	return g, errors.Join(bad...)
}

// order is r, with what it leaves out from common.
func (r request) order(common request) manage.Order {
	or := func(a, b string) string {
		if a != "" {
			return a
		}
		return b
	}
	o := manage.Order{Name: r.Name, Reservation: r.ID, Slice: or(r.Slice, common.Slice), Broker: or(r.Broker, common.Broker),
		Type: or(r.Type, common.Type), Units: r.Units, Start: or(r.Start, common.Start), End: r.End, Length: r.Length,
		Request: over(common.Request, r.Request), Config: over(common.Config, r.Config), Local: over(common.Local, r.Local)}
	if o.Units == 0 {
		o.Units = max(common.Units, 1)
	}
	if o.End == "" && o.Length == "" {
		o.End, o.Length = common.End, common.Length
	}
	switch {
	case r.Renew != nil:
		o.Renewable = *r.Renew
	case common.Renew != nil:
		o.Renewable = *common.Renew
	}
	return o
}

func over(a, b map[string]string) map[string]string {
	if len(a) == 0 {
		return b
	}
	out := map[string]string{}
	for _, m := range []map[string]string{a, b} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

func (a after) order(required bool) (manage.After, error) {
	p := manage.After{Order: a.Request, Reservation: a.Reservation, Gate: a.Gate, Pass: a.Pass.filter()}
	var err error
	if p.Required, err = fails("on_failure", a.OnFailure, required); err != nil {
		return p, err
	}
	switch a.Until {
	case "", "leased":
	case "joined":
		p.Joined = a.Gate != "join"
	default:
		return p, fmt.Errorf("until is %q, not leased or joined", a.Until)
	}
	return p, nil
}

func fails(field, word string, def bool) (bool, error) {
	switch word {
	case "":
		return def, nil
	case "fail":
		return true, nil
	case "skip":
		return false, nil
	}
	return def, fmt.Errorf("%s is %q, not fail or skip", field, word)
}
