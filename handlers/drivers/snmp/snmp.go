/*
Package snmp is the driver that sets one variable of a network device over SNMP, and gives it
another value when the unit is torn down: a port that is switched on, an outlet. What the
device says afterwards is what counts, not that it took the value.
*/
package snmp

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
)

// Names of the parameters.
const (
	Agent     = "snmp.agent"
	Community = "snmp.community"
	User      = "snmp.user"
	Auth      = "snmp.auth"
	Privacy   = "snmp.privacy"
	OID       = "snmp.oid"
	Type      = "snmp.type"
	Value     = "snmp.value"
	Down      = "snmp.down"
)

// Driver is the driver.
type Driver struct {
	Timeout time.Duration // of one question, which is repeated twice; 0 means 3 s
}

// Info lists d in a catalogue.
func (d Driver) Info() handlers.Info {
	return handlers.Info{Name: "snmp", Doc: "Sets a variable of a network device over SNMP.", Driver: d, Params: []handlers.Param{
		{Name: Agent, Site: true, Need: true, Doc: "the device, host:port"},
		{Name: Community, Site: true, Doc: "the community, for version 2c"},
		{Name: User, Site: true, Doc: "the user, for version 3"},
		{Name: Auth, Site: true, Doc: "the user's password for SHA-256; 8 characters or more"},
		{Name: Privacy, Site: true, Doc: "the user's password for AES; 8 characters or more"},
		{Name: OID, Site: true, Need: true, Doc: "the variable, such as .1.3.6.1.2.1.2.2.1.7.12 (ifAdminStatus of the twelfth port)"},
		{Name: Type, Site: true, Default: "integer", Doc: "integer, gauge, string, hex, oid or address"},
		{Name: Value, Site: true, Need: true, Doc: "its value while the unit is up"},
		{Name: Down, Site: true, Doc: "its value when the unit is torn down; left as it is when nothing is said"},
	}}
}

// Setup gives the variable its value.
func (d Driver) Setup(ctx context.Context, _ run.Runner, p handlers.Params) (handlers.Result, error) {
	value, err := p.Need(Value)
	if err != nil {
		return handlers.Result{}, err
	}
	return d.reach(ctx, p, value)
}

// Teardown gives the variable the value that it has without the unit.
func (d Driver) Teardown(ctx context.Context, _ run.Runner, p handlers.Params) (handlers.Result, error) {
	value, ok := p[Down]
	if !ok {
		return handlers.Result{Done: true}, ctx.Err()
	}
	return d.reach(ctx, p, value)
}

// reach sets the variable if it has another value, and looks again.
func (d Driver) reach(ctx context.Context, p handlers.Params, text string) (handlers.Result, error) {
	if err := ctx.Err(); err != nil {
		return handlers.Result{}, err
	}
	want, err := pdu(p, text)
	if err != nil {
		return handlers.Result{}, err
	}
	s, err := d.dial(ctx, p)
	if err != nil {
		return handlers.Result{}, err
	}
	defer s.Close()
	for _, last := range []bool{false, true} {
		got, err := s.Get([]string{want.Name})
		if err != nil {
			return handlers.Result{}, fmt.Errorf("snmp: %s does not answer: %w", s.Target, err)
		}
		if got.Error != gosnmp.NoError || len(got.Variables) != 1 {
			return handlers.Result{}, fmt.Errorf("snmp: %s refuses to tell %s: %s", s.Target, want.Name, got.Error)
		}
		v := got.Variables[0]
		if v.Type == gosnmp.NoSuchObject || v.Type == gosnmp.NoSuchInstance {
			return handlers.Result{}, fmt.Errorf("snmp: %s has no variable %s", s.Target, want.Name)
		}
		if same(v, want) {
			return handlers.Result{Done: true}, nil
		}
		if last {
			return handlers.Result{}, fmt.Errorf("snmp: %s took the value, and %s has another", s.Target, want.Name)
		}
		set, err := s.Set([]gosnmp.SnmpPDU{want})
		if err != nil {
			return handlers.Result{}, fmt.Errorf("snmp: %s does not answer: %w", s.Target, err)
		}
		if set.Error != gosnmp.NoError {
			return handlers.Result{}, fmt.Errorf("snmp: %s refuses the value of %s: %s", s.Target, want.Name, set.Error)
		}
	}
	return handlers.Result{}, nil
}

// dial prepares to ask the device.
func (d Driver) dial(ctx context.Context, p handlers.Params) (*gosnmp.GoSNMP, error) {
	agent, err := p.Need(Agent)
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(agent)
	if err != nil {
		return nil, fmt.Errorf("snmp: the device %.80q is not of the form host:port", agent)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return nil, fmt.Errorf("snmp: %.20q is no port", port)
	}
	s := &gosnmp.GoSNMP{Target: host, Port: uint16(n), Context: ctx, Timeout: d.Timeout, Retries: 2, MaxOids: 1,
		Version: gosnmp.Version2c, Community: p[Community]}
	if s.Timeout == 0 {
		s.Timeout = 3 * time.Second
	}
	if user := p[User]; user != "" {
		u := &gosnmp.UsmSecurityParameters{UserName: user}
		s.Version, s.SecurityModel, s.SecurityParameters, s.MsgFlags = gosnmp.Version3, gosnmp.UserSecurityModel, u, gosnmp.NoAuthNoPriv
		auth, privacy := p[Auth], p[Privacy]
		if privacy != "" && auth == "" {
			return nil, fmt.Errorf("snmp: %s needs %s too", Privacy, Auth)
		}
		if auth != "" {
			u.AuthenticationProtocol, u.AuthenticationPassphrase, s.MsgFlags = gosnmp.SHA256, auth, gosnmp.AuthNoPriv
		}
		if privacy != "" {
			u.PrivacyProtocol, u.PrivacyPassphrase, s.MsgFlags = gosnmp.AES, privacy, gosnmp.AuthPriv
		}
	} else if s.Community == "" {
		return nil, fmt.Errorf("snmp: neither %s nor %s is given", Community, User)
	}
	if err := s.Connect(); err != nil {
		return nil, fmt.Errorf("snmp: %w", err)
	}
	return s, nil
}

// pdu is the variable with a value in the form of its type.
func pdu(p handlers.Params, text string) (out gosnmp.SnmpPDU, err error) {
	oid, err := p.Need(OID)
	if err != nil {
		return out, err
	}
	if out.Name, err = identifier(oid); err != nil {
		return out, err
	}
	switch kind := p.Get(Type, "integer"); kind {
	case "integer":
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return out, fmt.Errorf("snmp: %.40q is no 32-bit number", text)
		}
		out.Type, out.Value = gosnmp.Integer, int(n)
	case "gauge":
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return out, fmt.Errorf("snmp: %.40q is no 32-bit number without a sign", text)
		}
		out.Type, out.Value = gosnmp.Gauge32, uint32(n)
	case "string":
		out.Type, out.Value = gosnmp.OctetString, []byte(text)
	case "hex":
		b, err := hex.DecodeString(text)
		if err != nil {
			return out, fmt.Errorf("snmp: %.40q is not hexadecimal", text)
		}
		out.Type, out.Value = gosnmp.OctetString, b
	case "oid":
		out.Type = gosnmp.ObjectIdentifier
		out.Value, err = identifier(text)
	case "address":
		ip := net.ParseIP(text).To4()
		if ip == nil {
			return out, fmt.Errorf("snmp: %.40q is no IPv4 address", text)
		}
		out.Type, out.Value = gosnmp.IPAddress, ip.String()
	default:
		return out, fmt.Errorf("snmp: there is no type %.20q; there are: integer, gauge, string, hex, oid, address", kind)
	}
	return out, err
}

// identifier is an object identifier with its leading dot.
func identifier(s string) (string, error) {
	parts := strings.Split(strings.TrimPrefix(s, "."), ".")
	for _, x := range parts {
		if _, err := strconv.ParseUint(x, 10, 32); err != nil || len(parts) < 2 || len(parts) > 128 {
			return "", fmt.Errorf("snmp: %.80q is no object identifier in numbers", s)
		}
	}
	return "." + strings.Join(parts, "."), nil
}

// same reports whether a device's variable has the value wanted.
func same(got, want gosnmp.SnmpPDU) bool {
	switch w := want.Value.(type) {
	case []byte:
		g, ok := got.Value.([]byte)
		return ok && string(g) == string(w)
	case string:
		g, ok := got.Value.(string)
		return ok && strings.TrimPrefix(g, ".") == strings.TrimPrefix(w, ".")
	}
	switch got.Value.(type) {
	case int, uint, uint32, uint64, int64:
		return gosnmp.ToBigInt(got.Value).Cmp(gosnmp.ToBigInt(want.Value)) == 0
	}
	return false
}
