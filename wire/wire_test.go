package wire_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/wire"
)

// table repeats wire contract 1.5, 2.2 and 5.7, as they are printed there.
const table = `
 1 claim          --BA  messageID reservation callbackURL                          request
 2 ticket         --BA  messageID reservation callbackURL                          request
 3 extendTicket   --BA  messageID reservation callbackURL                          request
 4 relinquish     --BA  messageID reservation callbackURL                          request
 5 redeem         ---A  messageID reservation callbackURL                          configuration
 6 extendLease    ---A  messageID reservation callbackURL                          configuration
 7 modifyLease    ---A  messageID reservation callbackURL                          configuration
 8 updateTicket   RMBA  messageID reservation callbackURL updateData               resource
 9 updateLease    RMBA  messageID reservation callbackURL updateData               resource
10 close          ---A  messageID reservation callbackURL                          configuration
11 query          RMBA  messageID callbackURL properties                           -
12 queryResult    RMBA  messageID requestID properties                             -
13 failedRPC      RMBA  reservationID messageID requestID errorDetails requestType -
`

func TestOperations(t *testing.T) {
	var b strings.Builder
	b.WriteByte('\n')
	for row := range wire.Operations() {
		ports := []byte("----")
		for i, p := range []wire.PortType{wire.ActorPort, wire.ManagerPort, wire.BrokerPort, wire.AuthorityPort} {
			if row.Op.OfferedBy(p) {
				ports[i] = "RMBA"[i]
			}
		}
		var parts []string
		for _, p := range row.Parts {
			if p != 0 {
				parts = append(parts, p.String())
			}
		}
		list := [...]string{"-", "request", "configuration", "resource"}[row.List]
		fmt.Fprintf(&b, "%2d %-14s %s  %-60s %s\n", row.Op, row.Name, ports, strings.Join(parts, " "), list)
		if row.Response != row.Name+"Response" || row.Op.String() != row.Name {
			t.Errorf("%+v", row)
		}
		if got, ok := wire.LookupName(row.Name); !ok || got != row {
			t.Errorf("LookupName(%s) = %+v, %v", row.Name, got, ok)
		}
		if wire.OpOf(int32(row.Op)) != row.Op {
			t.Errorf("OpOf(%d)", row.Op)
		}
	}
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	if squeeze(b.String()) != squeeze(table) {
		t.Errorf("the table is now%s", b.String())
	}
}

func TestNoOperation(t *testing.T) {
	for _, n := range []int32{-1, 0, 14, 257, -1 << 31, 1<<31 - 1} {
		if op := wire.OpOf(n); op != wire.OpUnknown {
			t.Errorf("OpOf(%d) = %v", n, op)
		}
	}
	for _, name := range []string{"", "Ticket", "ticketResponse", "nothing"} {
		if row, ok := wire.LookupName(name); ok {
			t.Errorf("LookupName(%q) = %+v", name, row)
		}
	}
	if _, ok := wire.Lookup(14); ok || wire.OpUnknown.OfferedBy(wire.AnyPort) {
		t.Error("an operation from nowhere")
	}
	if got := wire.Op(14).String() + wire.Part(0).String() + wire.Part(99).String() + wire.FaultCode(7).String(); got != "Op(14)Part(0)Part(99)FaultCode(7)" {
		t.Error(got)
	}
}

func TestFaultCodes(t *testing.T) {
	names := []string{"Unknown", "Authorization", "InvalidRequest", "LocalError", "RemoteError", "NetworkError", "Timeout"}
	for i, name := range names {
		if c := wire.FaultCode(i); c.String() != name || wire.FaultCodeOf(name) != c {
			t.Errorf("%d is %v, %s is %v", i, c, name, wire.FaultCodeOf(name))
		}
	}
	if wire.FaultCodeOf("authorization") != wire.FaultUnknown {
		t.Error("case was ignored")
	}
	for f, want := range map[wire.Fault]string{
		{Code: wire.FaultTimeout}:                                   "fault Timeout",
		{Code: wire.FaultTimeout, String: "text", Detail: "secret"}: "fault Timeout: text",
	} {
		if f.Error() != want {
			t.Errorf("got %q, want %q", f.Error(), want)
		}
	}
}

func TestLists(t *testing.T) {
	r := wire.Resources{Request: []wire.Property{{Name: "r"}}, Configuration: []wire.Property{{Name: "c"}}, Resource: []wire.Property{{Name: "o"}}}
	var got []string
	for _, l := range []wire.List{wire.RequestList, wire.ConfigurationList, wire.ResourceList} {
		got = append(got, (*r.List(l))[0].Name)
	}
	if !slices.Equal(got, []string{"r", "c", "o"}) || r.List(wire.NoList) != nil {
		t.Error(got)
	}
}

func TestClip(t *testing.T) {
	for in, want := range map[string]string{
		"":                               "",
		strings.Repeat("a", 64):          strings.Repeat("a", 64),
		strings.Repeat("a", 65):          strings.Repeat("a", 64) + "...",
		"a" + strings.Repeat("é", 40):    "a" + strings.Repeat("é", 31) + "...",
		strings.Repeat("\x80", 70):       "...",
		strings.Repeat("\U0001F600", 20): strings.Repeat("\U0001F600", 16) + "...",
	} {
		if got := wire.Clip(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":                               "",
		"tab\t, line\r\n, é, \U0001F600": "tab\t, line\r\n, é, \U0001F600",
		"a\x00b\x1bc\x1fd":               "a\uFFFDb\uFFFDc\uFFFDd",
		"\uFFFE\uFFFF\x7f":               "\uFFFD\uFFFD\x7f",
		"half\xc3":                       "half\uFFFD",
	} {
		if got := wire.Clean(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestErrorIsOneLine(t *testing.T) {
	err := &wire.Error{Path: "a\nlevel=fatal", What: "bad\x1b"}
	if got, want := err.Error(), "wire: a\uFFFDlevel=fatal: bad\uFFFD"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
