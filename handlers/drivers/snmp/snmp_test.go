package snmp_test

import (
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/snmp"
	"github.com/leasehold/leasehold/handlers/drivertest"
	"github.com/leasehold/leasehold/handlers/run"
)

const sysName, sysContact = ".1.3.6.1.2.1.1.5.0", ".1.3.6.1.2.1.1.4.0"

// name is what net-snmp's agent says of a variable, asked without the driver.
func name(t *testing.T, s *setup.SNMPD, oid string) string {
	t.Helper()
	host, port, _ := net.SplitHostPort(s.Addr)
	n, _ := strconv.Atoi(port)
	c := &gosnmp.GoSNMP{Target: host, Port: uint16(n), Version: gosnmp.Version2c, Community: s.Community, Timeout: 20 * time.Second, Retries: 2, MaxOids: 1}
	if err := c.Connect(); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got, err := c.Get([]string{oid})
	if err != nil || len(got.Variables) != 1 {
		t.Fatal(got, err)
	}
	text, _ := got.Variables[0].Value.([]byte)
	return string(text)
}

func TestSuite(t *testing.T) {
	t.Parallel()
	s := setup.StartSNMPD(t)
	for way, p := range map[string]handlers.Params{
		"version 2c": {snmp.Community: s.Community, snmp.OID: sysName},
		"version 3":  {snmp.User: s.User, snmp.Auth: s.Password, snmp.Privacy: s.Password, snmp.OID: sysContact},
	} {
		t.Run(way, func(t *testing.T) {
			d := snmp.Driver{Timeout: 20 * time.Second}
			p[snmp.Agent], p[snmp.Type], p[snmp.Value], p[snmp.Down] = s.Addr, "string", "up", "down"
			drivertest.Run(t, func(t *testing.T) drivertest.World {
				if _, err := d.Teardown(t.Context(), run.Nowhere{}, p); err != nil {
					t.Fatal(err)
				}
				return drivertest.World{Driver: d, Params: p,
					Up:    func() bool { return name(t, s, p[snmp.OID]) == "up" },
					Clean: func() bool { return name(t, s, p[snmp.OID]) == "down" }}
			})
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	s := setup.StartSNMPD(t)
	for says, change := range map[string]map[string]string{
		"snmp.value is missing":      {snmp.Value: ""},
		"no object identifier":       {snmp.OID: "sysName.0"},
		"has no variable":            {snmp.OID: ".1.3.6.1.2.1.1.99.0"},
		"refuses the value":          {snmp.OID: ".1.3.6.1.2.1.1.1.0"}, // sysDescr is not for writing
		"is no 32-bit number":        {snmp.Type: "integer"},
		"there is no type":           {snmp.Type: "float"},
		"not of the form":            {snmp.Agent: "somewhere"},
		"neither snmp.community nor": {snmp.Community: ""},
		"needs snmp.auth":            {snmp.User: "x", snmp.Privacy: "12345678"},
		"is no IPv4 address":         {snmp.Type: "address"},
		"is not hexadecimal":         {snmp.Type: "hex"},
	} {
		p := handlers.Params{snmp.Agent: s.Addr, snmp.Community: s.Community, snmp.OID: sysName, snmp.Type: "string", snmp.Value: "x"}
		for k, v := range change {
			p[k] = v
		}
		if _, err := (snmp.Driver{Timeout: 20 * time.Second}).Setup(t.Context(), run.Nowhere{}, p); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want %q", change, err, says)
		}
	}
	// Nobody answers for a community that does not exist.
	p := handlers.Params{snmp.Agent: s.Addr, snmp.Community: "wrong", snmp.OID: sysName, snmp.Type: "string", snmp.Value: "x"}
	if _, err := (snmp.Driver{Timeout: 50 * time.Millisecond}).Setup(t.Context(), run.Nowhere{}, p); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Error(err)
	}
	delete(p, snmp.Down)
	if r, err := (snmp.Driver{}).Teardown(t.Context(), run.Nowhere{}, p); err != nil || !r.Done {
		t.Error(r, err)
	}
	if _, err := handlers.NewCatalogue(snmp.Driver{}.Info()); err != nil {
		t.Error(err)
	}
}
