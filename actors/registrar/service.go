package registrar

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wire/xmlrpc/server"
	"github.com/leasehold/leasehold/wssec"
)

// Prefix begins the names of the methods.
const Prefix = "registryService."

// Version is what getRegistryVersion says.
const Version = "Leasehold actor registry, of the protocol of ORCA Actor Registry version 2.2"

// Config is what a Registrar needs. Fields without a stated default are required.
type Config struct {
	Store *Store
	// Lax takes registrations without a client certificate, as deployed registries do by
	// default.
	Lax bool
	// AnyAddress takes registrations from elsewhere than the host they name.
	AnyAddress bool
	// Everybody also lists actors on loopback addresses, for federations on one machine.
	Everybody bool
	// AutoVerify verifies whoever registers, for tests.
	AutoVerify  bool
	Alive       time.Duration // how long after it was heard of an actor is listed; 0 means 3 minutes less a second: 2 whole ones
	Most        int           // actors that nobody has verified; 0 means 1000
	Images      []Image
	Controllers []Controller
	Resolve     func(context.Context, string) ([]netip.Addr, error) // nil means the system's resolver
	Clock       clock.Clock                                         // nil means the real one
	Log         logrus.FieldLogger                                  // nil discards
}

// Image is one machine image that tools offer (actor-registry 1.5).
type Image struct {
	Name, Version, NeucaVersion, URL, Hash, Owner, Description, Date string
	Default                                                          bool
}

// Controller is one controller that tools offer.
type Controller struct {
	Name, URL, Description string
	Enabled                bool
}

// Registrar answers the methods of a registry. It is an http.Handler; make one with New.
type Registrar struct {
	cfg    Config
	server *server.Server
}

// New makes a Registrar.
func New(cfg Config) (*Registrar, error) {
	if cfg.Store == nil {
		return nil, errors.New("registrar: Config needs Store")
	}
	if cfg.Alive <= 0 {
		cfg.Alive = 3*time.Minute - time.Second
	}
	if cfg.Most <= 0 {
		cfg.Most = 1000
	}
	if cfg.Resolve == nil {
		cfg.Resolve = resolve
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.Real()
	}
	if cfg.Log == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		cfg.Log = silent
	}
	r := &Registrar{cfg: cfg}
	var err error
	r.server, err = server.New(server.Config{
		Methods: r.methods(), Dialect: xmlrpc.Dialect{Bare: true},
		Failed: func(c server.Call, err error) {
			cfg.Log.WithError(err).Error("call of " + wire.Clip(c.Method) + " failed")
		},
		Refused: func(req *http.Request, err error) {
			cfg.Log.WithField("from", req.RemoteAddr).WithError(err).Warn("request refused")
		},
	})
	return r, err
}

// ServeHTTP answers a call on any path: deployed clients double the slash
// (actor-registry 2).
func (r *Registrar) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.server.ServeHTTP(w, req) }

// methods is the table (actor-registry 1.1).
func (r *Registrar) methods() []server.Method {
	text, flag, list, record := xmlrpc.KindString, xmlrpc.KindBool, xmlrpc.KindArray, xmlrpc.KindStruct
	texts := func(n int) []xmlrpc.Kind { return slices.Repeat([]xmlrpc.Kind{text}, n+1) } // the result is one too
	query := func(name, help string, want func(Entry) bool) server.Method {
		return server.Method{Name: Prefix + name, Help: help, Signatures: [][]xmlrpc.Kind{{record, flag}, {record}},
			Do: func(_ context.Context, c server.Call) (xmlrpc.Value, error) { return r.query(c.Params, nil, want) }}
	}
	except := func(name, help string, want func(Entry) bool) server.Method {
		return server.Method{Name: Prefix + name, Help: help, Signatures: [][]xmlrpc.Kind{{record, list, flag}, {record, list}},
			Do: func(_ context.Context, c server.Call) (xmlrpc.Value, error) {
				return r.query(c.Params[1:], c.Params[:1], want)
			}}
	}
	role := func(word string) func(Entry) bool { return func(e Entry) bool { return e.Role == word } }
	anybody := func(Entry) bool { return true }
	fixed := func(name, help string, v xmlrpc.Value, kind xmlrpc.Kind) server.Method {
		return server.Method{Name: Prefix + name, Help: help, Signatures: [][]xmlrpc.Kind{{kind}},
			Do: func(context.Context, server.Call) (xmlrpc.Value, error) { return v, nil }}
	}
	return []server.Method{
		{Name: Prefix + "insert", Help: "Registers an actor: name, type, guid, description, SOAP url, class, policy class, public key, certificate. With a guid alone it is a heartbeat; with a guid, an abstract and a full description of resources, and perhaps units, it publishes those.",
			Signatures: [][]xmlrpc.Kind{texts(9), texts(4), texts(3), texts(1)}, Do: r.insert},
		query("getActors", "Lists the actors heard of lately; true gives the essential of each.", anybody),
		except("getActorsOtherThan", "Lists the actors heard of lately but for those of some guids.", anybody),
		except("getActorsVerifiedOtherThan", "Lists the actors heard of lately that an operator has verified, but for those of some guids.", func(e Entry) bool { return e.Verified }),
		query("getBrokers", "Lists the brokers heard of lately.", role("broker")),
		query("getSMs", "Lists the service managers heard of lately.", role("sm")),
		query("getAMs", "Lists the site authorities heard of lately.", role("site")),
		fixed("getRegistryVersion", "Says what this registry is.", xmlrpc.String(Version), text),
		fixed("getAllImages", "Lists machine images.", r.images(anyImage, true), list),
		fixed("getDefaultImage", "Lists the machine image that is offered first.", r.images(func(i Image) bool { return i.Default }, false), list),
		fixed("getAllControllers", "Lists controllers.", r.controllers(), list),
		{Name: Prefix + "testSSLCert", Help: "Says whether the certificate of the connection is the one given, of that guid.", Signatures: [][]xmlrpc.Kind{texts(2)}, Do: r.testCertificate},
	}
}

// texts are the texts of parameters, which their signature says they are.
func texts(params []xmlrpc.Value) []string {
	out := make([]string, len(params))
	for i, v := range params {
		out[i], _ = v.Text()
		out[i] = strings.Clone(out[i])
	}
	return out
}

func (r *Registrar) insert(ctx context.Context, c server.Call) (xmlrpc.Value, error) {
	arg := texts(c.Params)
	var err error
	switch len(arg) {
	case 9:
		err = r.register(ctx, c.Request, Entry{Name: arg[0], Role: roleWords[arg[1]], GUID: arg[2], Description: arg[3], Location: arg[4],
			Class: arg[5], Policy: arg[6], PublicKey: arg[7], Certificate: arg[8]})
	case 1:
		err = r.heard(c.Request, arg[0], func(*Entry) error { return nil })
	default:
		err = r.heard(c.Request, arg[0], func(e *Entry) error {
			for _, s := range arg[1:] {
				if len(s) > maxDescription {
					return refuse("a description is over the limit of %d octets", maxDescription)
				}
			}
			e.Abstract, e.Full = arg[1], arg[2]
			if len(arg) == 4 {
				e.Units = arg[3]
			}
			return nil
		})
	}
	return xmlrpc.String(r.status("registration", c.Request, err)), nil
}

// register takes a registration. A known actor may change its location and description
// and is heard of (actor-registry 1.4).
func (r *Registrar) register(ctx context.Context, req *http.Request, e Entry) error {
	by, err := r.caller(req)
	if err != nil {
		return err
	}
	if err := e.check(); err != nil {
		return refusal(err.Error())
	}
	cert, err := ParseCertificate64(e.Certificate)
	if err != nil {
		return refusal(err.Error())
	}
	if err := sameCertificate(by, cert, "that of the registration"); err != nil {
		return err
	}
	if err := r.fromItself(ctx, e, req); err != nil {
		return err
	}
	now := r.cfg.Clock.Now().UTC()
	return r.cfg.Store.Change(e.GUID, func(have *Entry, known bool, others func(func(Entry) bool) error) error {
		if known {
			before, err := ParseCertificate64(have.Certificate)
			if err != nil {
				return err
			}
			switch {
			case !before.Equal(cert):
				return refuse("the guid is registered with another certificate")
			case have.Name != e.Name || have.Role != e.Role || have.GUID != e.GUID:
				return refuse("the guid is registered under another name or type")
			}
			have.Location, have.Description, have.Last = e.Location, e.Description, now
			have.Production = isProduction(*have)
			return nil
		}
		if err := r.room(others, e.Name); err != nil {
			return err
		}
		e.First, e.Last, e.Verified, e.Production = now, now, r.cfg.AutoVerify, isProduction(e)
		*have = e
		return nil
	})
}

// heard takes a heartbeat, and what comes with it.
func (r *Registrar) heard(req *http.Request, guid string, edit func(*Entry) error) error {
	by, err := r.caller(req)
	if err != nil {
		return err
	}
	if !wssec.ValidLegacyGUID(guid) {
		return refuse("the guid is no UUID")
	}
	return r.cfg.Store.Change(guid, func(e *Entry, known bool, _ func(func(Entry) bool) error) error {
		if !known {
			return refuse("unknown guid")
		}
		cert, err := ParseCertificate64(e.Certificate)
		if err != nil {
			return err
		}
		if err := sameCertificate(by, cert, "the one registered"); err != nil {
			return err
		}
		e.Last = r.cfg.Clock.Now().UTC()
		return edit(e)
	})
}

// testCertificate compares certificates and changes nothing.
func (r *Registrar) testCertificate(_ context.Context, c server.Call) (xmlrpc.Value, error) {
	arg := texts(c.Params)
	by, err := r.caller(c.Request)
	if err == nil && by == nil {
		err = refuse("no client certificate")
	}
	if err == nil {
		cert, bad := ParseCertificate64(arg[1])
		if bad != nil {
			err = refusal(bad.Error())
		} else {
			err = sameCertificate(by, cert, "the one given")
		}
	}
	return xmlrpc.String(r.status("test of a certificate", c.Request, err)), nil
}

// query lists actors: params may hold whether the essential is enough, other the guids
// to leave out.
func (r *Registrar) query(params, other []xmlrpc.Value, want func(Entry) bool) (xmlrpc.Value, error) {
	essential := false
	if len(params) > 0 {
		essential, _ = params[0].Bool()
	}
	out := make(map[string]bool)
	for _, list := range other {
		for v := range list.Items() {
			guid, _ := v.Text()
			out[strings.ToLower(guid)] = true
		}
	}
	all, err := r.cfg.Store.All()
	if err != nil {
		return xmlrpc.Value{}, err
	}
	now := r.cfg.Clock.Now()
	var found []xmlrpc.Member
	for _, e := range all {
		if now.Sub(e.Last) > r.cfg.Alive || !e.Production && !r.cfg.Everybody || out[strings.ToLower(e.GUID)] || !want(e) {
			continue
		}
		found = append(found, xmlrpc.Member{Name: e.GUID, Value: describe(e, essential)})
	}
	status := nobody
	if len(found) > 0 {
		status = success
	}
	found = append(found, xmlrpc.Member{Name: "STATUS", Value: xmlrpc.Struct(xmlrpc.Member{Name: "STATUS", Value: xmlrpc.String(status)})})
	return xmlrpc.Struct(found...), nil
}

// describe is one actor in an answer (actor-registry 1.5).
func describe(e Entry, essential bool) xmlrpc.Value {
	var out []xmlrpc.Member
	add := func(name, s string) {
		if s != "" {
			out = append(out, xmlrpc.Member{Name: name, Value: xmlrpc.String(wire.Clean(s))})
		}
	}
	add("NAME", e.Name)
	add("GUID", e.GUID)
	add("TYPE", e.Role)
	add("LOCATION", e.Location)
	add("CERT", e.Certificate)
	add("PROTOCOL", e.Protocol())
	add("LASTUPDATE", e.Last.UTC().Format(time.DateTime))
	add("PRODUCTION", truth(e.Production))
	add("VERIFIED", truth(e.Verified))
	if !essential {
		add("DESC", e.Description)
		add("CLASS", e.Class)
		add("MAPPERCLASS", e.Policy)
		add("PUBKEY", e.PublicKey)
		add("ABSRDF", e.Abstract)
		add("FULLRDF", e.Full)
		add("ALLOCUNITS", e.Units)
	}
	return xmlrpc.Struct(out...)
}

func truth(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

func anyImage(Image) bool { return true }

func (r *Registrar) images(want func(Image) bool, all bool) xmlrpc.Value {
	var out []xmlrpc.Value
	for _, i := range r.cfg.Images {
		if !want(i) {
			continue
		}
		members := pairs("ImageName", i.Name, "ImageVersion", i.Version, "ImageNeucaVersion", i.NeucaVersion, "ImageURL", i.URL, "ImageHash", i.Hash,
			"ImageOwner", i.Owner, "ImageDescription", i.Description, "ImageDate", i.Date)
		if all {
			members = append(members, pairs("ImageDefault", truth(i.Default))...)
		}
		out = append(out, xmlrpc.Struct(members...))
	}
	return xmlrpc.Array(out...)
}

func (r *Registrar) controllers() xmlrpc.Value {
	var out []xmlrpc.Value
	for _, c := range r.cfg.Controllers {
		out = append(out, xmlrpc.Struct(pairs("CtrlName", c.Name, "CtrlURL", c.URL, "CtrlDescription", c.Description, "CtrlEnabled", truth(c.Enabled))...))
	}
	return xmlrpc.Array(out...)
}

func pairs(namesAndTexts ...string) (out []xmlrpc.Member) {
	for i := 0; i < len(namesAndTexts); i += 2 {
		out = append(out, xmlrpc.Member{Name: namesAndTexts[i], Value: xmlrpc.String(namesAndTexts[i+1])})
	}
	return out
}
