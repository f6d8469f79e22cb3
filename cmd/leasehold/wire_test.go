package main

import (
	"encoding/json"
	"testing"
)

func TestWire(t *testing.T) {
	const good, bad, swapped = "testdata/redeem-request.xml", "testdata/neg-body-tampered.xml", "testdata/neg-authtoken-swapped.xml"
	t.Setenv("LEASEHOLD_CONFIG", "")
	for _, c := range []cli{
		{"wire verify " + good + " --pin testdata/sm.der", 0, "pinned for   33333333", ""},
		{"wire verify " + good + " --pin testdata/site.der", 8, "SIGNED", "not pinned for anybody"},
		{"wire verify " + good, 8, "matches", "not pinned for anybody"},
		{"wire verify " + bad + " --pin testdata/sm.der", 8, "", "digest is"},
		{"wire verify " + swapped + " --pin testdata/sm.der", 8, "", "claims to be from \"44444444"},
		{"wire show " + good, 0, "BinarySecurityToken", ""},
		{"wire show " + good + " --part Body", 0, "<soapenv:Body ", ""},
		{"wire show " + good + " --part SignedInfo", 0, "<ds:SignedInfo ", ""},
		{"wire show " + good + " --part Boddy", 2, "", "there are: Body"},
		{"wire show testdata/sharp-sm.xml", 1, "", "not a SOAP 1.1 Envelope"},
		{"wire diff " + good + " " + good, 0, "the same canonical octets", ""},
		{"wire diff " + good + " " + bad, 1, "differs at octet", "differ"},
		{"wire diff " + good, 2, "", "exactly two files"},
		{"wire diff " + good + " testdata/site.der", 1, "", "xml:"},
	} {
		c.run(t)
	}
	var v struct {
		Trusted  bool
		PinnedAs string
		Parts    []struct {
			Name   string
			Signed bool
		}
	}
	out := cli{"wire verify " + good + " --json --pin testdata/sm.der", 0, "", ""}.run(t)
	if err := json.Unmarshal([]byte(out), &v); err != nil || !v.Trusted || v.PinnedAs[:4] != "3333" || v.Parts[0].Name != "Body" || !v.Parts[0].Signed {
		t.Errorf("%v: %+v", err, v)
	}
}
