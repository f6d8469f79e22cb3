package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wssec/keys"
	"github.com/leasehold/leasehold/wssec/ticket"
)

// cli is one command line and what is expected of it.
type cli struct {
	args string
	code int
	out  string // part of standard output
	errs string // part of standard error
}

func (c cli) run(t *testing.T) string {
	t.Helper()
	code, out, errs := call(t, strings.Fields(c.args)...)
	if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.errs) {
		t.Errorf("leasehold %s: exit %d\n%s%s\nwant %d, %q, %q", c.args, code, out, errs, c.code, c.out, c.errs)
	}
	return out
}

func TestTicketVerify(t *testing.T) {
	const root = " --root testdata/site.der"
	for _, c := range []cli{
		{"ticket verify testdata/sharp-sm.xml" + root, 0, "verified up to site 11111111", ""},
		{"ticket verify testdata/sharp-sm.xml --lenient" + root, 0, "sharp-lenient", ""},
		{"ticket verify testdata/sharp-FORGED-sm.xml" + root, 8, "", "not trusted"},
		{"ticket verify testdata/sharp-sm.xml --root testdata/sm.der", 8, "", "untrusted root"},
		{"ticket verify testdata/simple-sm.xml" + root, 8, "", "nobody's key vouches for"},
		{"ticket tree testdata/simple-sm.xml" + root, 1, "", "not a ticket of the SHARP form"},
		{"ticket verify testdata/signed-sm.xml --root testdata/broker.der" + root, 0, "signed by its issuer, up to site 11111111", ""},
		{"ticket verify --json testdata/signed-sm.xml --root testdata/broker.der" + root, 0, `"scheme":"signed"`, ""},
		{"ticket verify testdata/signed-sm.xml" + root, 8, "", "no key of 22222222"},
		{"ticket verify testdata/site.der" + root, 1, "", "malformed"},
		{"ticket verify testdata/none.xml" + root, 1, "", "none.xml"},
		{"ticket verify testdata/sharp-sm.xml --root testdata/sharp-sm.xml", 1, "", "sharp-sm.xml"},
		{"ticket verify testdata/sharp-sm.xml --config testdata/none.yaml", 1, "", "none.yaml"},
		{"ticket verify", 2, "", "exactly one file"},
		{"ticket tree", 2, "", "at least one file"},
		{"ticket prove", 2, "", "at least one file"},
		{"ticket verfy x", 2, "", "did you mean verify"},
		{"ticket tree testdata/sharp-sm.xml testdata/sharp-sm-extended.xml" + root, 0, "    33333333", ""},
		{"ticket tree testdata/sharp-sm.xml testdata/sharp-FORGED-sm.xml" + root, 8, "", "FORGED"},
		{"ticket prove testdata/sharp-sm.xml testdata/sharp-sm-extended.xml" + root, 3, "", "nothing is oversold"},
	} {
		c.run(t)
	}
	out := cli{"ticket verify testdata/sharp-sm.xml --json" + root, 0, "", ""}.run(t)
	var v struct {
		Scheme, Site string
		Records      []struct{ Units int }
		Orders       []string
	}
	if err := json.Unmarshal([]byte(out), &v); err != nil || v.Scheme != "sharp" || len(v.Records) != 3 || v.Records[1].Units != 100 || len(v.Orders) != 3 {
		t.Errorf("%v: %+v", err, v)
	}
}

// A broker sells 60 of 100 units twice; whoever has the site's certificate can
// prove it to whoever else has it.
func TestTicketProve(t *testing.T) {
	dir := t.TempDir()
	id := map[string]keys.Identity{}
	for name, guid := range map[string]string{"site": "1", "broker": "2", "sm1": "3", "sm2": "4"} {
		var err error
		from := time.Now().Truncate(time.Second)
		if id[name], err = keys.Generate(strings.NewReader(strings.Repeat(guid, 64)), strings.Repeat("0", 7)+guid+"-0000-4000-8000-000000000000",
			name, keys.ECDSAP256, from, from.AddDate(1, 0, 0)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".pem"), keys.CertificatePEM(id[name].Cert), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	record := func(guid, from, to string, units int) ticket.Record {
		return ticket.Record{GUID: guid, Issuer: id[from].GUID, Holder: id[to].GUID, Units: units, Type: "node", Start: 1000, NewStart: 1000, End: 90000}
	}
	root, err := ticket.Root(record("root", "site", "site", 100), id["site"].Key, id["site"].Cert)
	if err != nil {
		t.Fatal(err)
	}
	export, err := ticket.Delegate(root, record("export", "site", "broker", 100), id["site"].Key, id["broker"].Cert)
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"sm1", "sm2"} {
		text, err := ticket.Delegate(export, record("for-"+to, "broker", to, 60), id["broker"].Key, id[to].Cert)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, to+".ticket"), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := func(s string) string { return strings.ReplaceAll(s, "@", dir+"/") }
	for _, c := range []cli{
		{"ticket verify @sm1.ticket --root @site.pem", 0, "sha256-chain-1", ""},
		{"ticket tree @sm1.ticket @sm2.ticket --root @site.pem", 0, "120, at 1970-01-01T00:00:01Z", ""},
		{"ticket prove @sm1.ticket --root @site.pem", 3, "", "nothing is oversold"},
		{"ticket prove @sm1.ticket @sm2.ticket --root @site.pem", 0, `"evidence"`, ""},
		{"ticket prove @sm1.ticket @sm2.ticket --root @site.pem --out @evidence.json", 0, "oversold by  " + id["broker"].GUID, ""},
		{"ticket prove @sm1.ticket @sm2.ticket --root @site.pem --out @evidence.json", 1, "", "exists"},
		{"ticket prove @evidence.json --root @site.pem", 0, "proved", ""},
		{"ticket prove @evidence.json --root @site.pem --json", 0, `"conclusive":true`, ""},
		{"ticket prove @evidence.json --root @sm1.pem", 8, "", "untrusted root"},
	} {
		c.args, c.out = in(c.args), in(c.out)
		c.run(t)
	}
	evidence, err := os.ReadFile(filepath.Join(dir, "evidence.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "evidence.json"), []byte(strings.Replace(string(evidence), "<units>60<", "<units>90<", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	cli{in("ticket prove @evidence.json --root @site.pem"), 8, "", "signature does not verify"}.run(t)
}
