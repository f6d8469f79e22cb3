package group_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/cmd/internal/group"
)

func TestParse(t *testing.T) {
	g, err := group.Parse("f", []byte(`
slice: render
type: site.node
length: 4h
renew: true
on_failure: fail
config: {image: debian, a: "1"}
requests:
  - name: files
  - name: workers
    units: 8
    renew: false
    config: {a: "2"}
    after:
      - request: files
        pass: {unit.manage.ip: nfs.server}
        until: joined
      - {reservation: 4f0c, on_failure: skip, pass: none}
  - name: head
    end: "2030-05-01 12:00"
    after: [workers, {request: files, gate: join}]
`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(g, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want := `{
 "orders": [
  {
   "slice": "render",
   "type": "site.node",
   "units": 1,
   "length": "4h",
   "renewable": true,
   "config": {
    "a": "1",
    "image": "debian"
   },
   "name": "files"
  },
  {
   "slice": "render",
   "type": "site.node",
   "units": 8,
   "length": "4h",
   "config": {
    "a": "2",
    "image": "debian"
   },
   "name": "workers",
   "after": [
    {
     "order": "files",
     "pass": {
      "unit.manage.ip": "nfs.server"
     },
     "joined": true,
     "required": true
    },
    {
     "reservation": "4f0c",
     "pass": {}
    }
   ]
  },
  {
   "slice": "render",
   "type": "site.node",
   "units": 1,
   "end": "2030-05-01 12:00",
   "renewable": true,
   "config": {
    "a": "1",
    "image": "debian"
   },
   "name": "head",
   "after": [
    {
     "order": "workers",
     "pass": null,
     "required": true
    },
    {
     "order": "files",
     "gate": "join",
     "pass": null,
     "required": true
    }
   ]
  }
 ]
}`
	if string(got) != want {
		t.Errorf("got\n%s", got)
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "the file is empty",
		"slice: x":                              "requests is missing",
		"requests: [{nmae: a}]":                 `line 1: field nmae is not known here; did you mean "name"?`,
		"requests: [{unitz: 1, tpye: x}]":       `field unitz is not known here; did you mean "units"?; line 1: field tpye`,
		"togehter: true\nrequests: [{}]":        `field togehter is not known here; did you mean "together"?`,
		"requests: [{units: many}]":             "line 1: cannot unmarshal",
		"requests: [{after: [{reqest: a}]}]":    `field reqest is not known here; did you mean "request"?`,
		"requests: [{after: [{pass: some}]}]":   `pass is "some"`,
		"requests: [{after: [{until: later}]}]": `until is "later"`,
		"on_failure: cry\nrequests: [{}]":       `on_failure is "cry"`,
		"name: a\nrequests: [{}]":               "belong to one request each",
		"requests: [{}]\n---\nrequests: [{}]":   "one document",
		"requests: {":                           "f: yaml:",
	} {
		if _, err := group.Parse("f", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := group.Parse("f", make([]byte, group.MaxBytes+1)); err == nil {
		t.Error("a file of any size is read")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("slice: x\nrequests: [{name: a, after: [b, {request: c, pass: {x: y}}]}]"))
	f.Add([]byte("requests:\n- after:\n  - pass: none"))
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := group.Parse("f", data)
		if err == nil && len(g.Orders) == 0 {
			t.Error("a group of nothing was taken")
		}
	})
}
