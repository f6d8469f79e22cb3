package ticket

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wssec/ticket/xstream"
)

// TT7, TT8: what can be made of pieces of good legacy tickets, and what a dishonest
// holder can sign, is refused by both policies with the reason. Records are
// counted from 0 for the newest.
func TestLegacyAttacks(t *testing.T) {
	t.Parallel()
	w := rsaWorld(t)
	parseText := func(text string) *xstream.Ticket {
		tk, err := xstream.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return tk
	}
	good := w.legacyChain(t)
	resign := func(p party, d *xstream.Delegation) {
		sig, err := signMD5(p.key, d.SignedBytes())
		if err != nil {
			t.Fatal(err)
		}
		d.Signature.Value = xstream.Lines(sig)
	}
	endorse := func(by party, c *xstream.Certificate, holder *x509.Certificate) {
		sig, err := signMD5(by.key, holder.Raw)
		if err != nil {
			t.Fatal(err)
		}
		c.Holder, c.Signature = &xstream.Blob{Octets: holder.Raw}, &xstream.Blob{Octets: sig}
	}
	// Another pool of the same site through the same broker, to the attacker.
	other := func() *xstream.Ticket {
		r, e, l := rootRecord(), exportRecord(), leafRecord()
		r.GUID, e.GUID, l.GUID, l.Holder = "other-root", "other-export", "other-leaf", evilGUID
		r.Units, e.Units, l.Units = 5, 5, 5
		text, err := Sharp.Root(r, w.site.key, w.site.cert)
		if err == nil {
			text, err = Sharp.Delegate(text, e, w.site.key, w.broker.cert)
		}
		if err == nil {
			text, err = Sharp.Delegate(text, l, w.broker.key, w.evil.cert)
		}
		if err != nil {
			t.Fatal(err)
		}
		return parseText(text)
	}
	drop := func(tk *xstream.Ticket, k int) { // record and level k
		tk.Delegations = slices.Delete(tk.Delegations, k, k+1)
		if k == 0 {
			tk.Certificate = tk.Certificate.Issuer
			return
		}
		c := tk.Certificate
		for range k - 1 {
			c = c.Issuer
		}
		c.Issuer = c.Issuer.Issuer
	}
	as := func(p party, guid string) *x509.Certificate {
		return certify(t, p.key, pkix.Name{CommonName: guid})
	}
	leaf := func(edit func(*xstream.Delegation)) func(*xstream.Ticket) {
		return func(tk *xstream.Ticket) { edit(tk.Delegations[0]) }
	}
	root := func(edit func(*xstream.Delegation)) func(*xstream.Ticket) {
		return func(tk *xstream.Ticket) { edit(tk.Delegations[2]) }
	}
	for _, tt := range []struct {
		name   string
		attack func(*xstream.Ticket)
		want   error
	}{
		{"nothing", func(*xstream.Ticket) {}, nil},
		{"times and ids, which nothing covers", func(tk *xstream.Ticket) {
			tk.Certificate.ID, tk.Certificate.Time, tk.Delegations[0].Signature.Time = "x", xstream.Date{}, xstream.At(5)
		}, nil},

		{"leaf: more units", leaf(func(d *xstream.Delegation) { d.Units = 2 }), ErrSignature},
		{"leaf: other guid", leaf(func(d *xstream.Delegation) { d.GUID = "x" }), ErrSignature},
		{"leaf: later end", leaf(func(d *xstream.Delegation) { d.Term.End.Millis++ }), ErrSignature},
		{"leaf: other holder", leaf(func(d *xstream.Delegation) { d.Holder = evilGUID }), ErrLink},
		{"leaf: other property", leaf(func(d *xstream.Delegation) { d.Properties.List[0].Value = "x" }), ErrSignature},
		{"leaf: no property", leaf(func(d *xstream.Delegation) { d.Properties.List = nil }), ErrSignature},
		{"leaf: no table", leaf(func(d *xstream.Delegation) { d.Properties = nil }), ErrSignature},
		{"leaf: unsigned", leaf(func(d *xstream.Delegation) { d.Signature = nil }), ErrMalformed},
		{"leaf: plain", leaf(func(d *xstream.Delegation) { d.Signed, d.Signature = false, nil }), ErrMalformed},
		{"leaf: noise for a signature", leaf(func(d *xstream.Delegation) { d.Signature.Value = "bm9pc2U=" }), ErrSignature},
		{"leaf: no Base64 for a signature", leaf(func(d *xstream.Delegation) { d.Signature.Value = "?" }), ErrMalformed},
		{"leaf: null", func(tk *xstream.Ticket) { tk.Delegations[0] = nil }, ErrMalformed},
		{"leaf: no term", leaf(func(d *xstream.Delegation) { d.Term = nil }), ErrMalformed},
		{"leaf: no new start", leaf(func(d *xstream.Delegation) { d.Term.NewStart = xstream.Date{} }), ErrMalformed},
		{"leaf: type null", leaf(func(d *xstream.Delegation) { d.Type.Null = true }), ErrMalformed},
		{"leaf: a vector", leaf(func(d *xstream.Delegation) { d.Vector = &xstream.Vector{} }), ErrMalformed},
		{"leaf: bins", leaf(func(d *xstream.Delegation) { d.Bins = []*xstream.Bin{} }), ErrMalformed},
		{"leaf: properties behind", leaf(func(d *xstream.Delegation) { d.Properties.Defaults = &xstream.Properties{} }), ErrMalformed},
		{"root: more units", root(func(d *xstream.Delegation) { d.Units = 1000 }), ErrSignature},
		{"root: other guid", root(func(d *xstream.Delegation) { d.GUID = "x" }), ErrSignature},
		{"root: longer term", root(func(d *xstream.Delegation) { d.Term.End.Millis++ }), ErrSignature},
		{"root: other type", root(func(d *xstream.Delegation) { d.Type.Name = "gold" }), ErrSignature},
		{"root: other holder", root(func(d *xstream.Delegation) { d.Holder = evilGUID }), ErrLink},
		{"root: other issuer", root(func(d *xstream.Delegation) { d.Issuer = evilGUID }), ErrLink},

		{"middle record dropped", func(tk *xstream.Ticket) { tk.Delegations = slices.Delete(tk.Delegations, 1, 2) }, ErrMalformed},
		{"middle dropped, certificate too", func(tk *xstream.Ticket) { drop(tk, 1) }, ErrSignature},
		{"middle dropped, issuer changed", func(tk *xstream.Ticket) { drop(tk, 1); tk.Delegations[0].Issuer = siteGUID }, ErrSignature},
		{"root dropped", func(tk *xstream.Ticket) { drop(tk, 2) }, ErrLink},
		{"middle record twice", func(tk *xstream.Ticket) {
			tk.Delegations = slices.Insert(tk.Delegations, 1, tk.Delegations[1])
		}, ErrMalformed},
		{"one certificate more", func(tk *xstream.Ticket) { tk.Delegations = tk.Delegations[1:] }, ErrMalformed},
		{"other certificates", func(tk *xstream.Ticket) { tk.Others = []*xstream.Certificate{} }, ErrMalformed},
		{"no certificates", func(tk *xstream.Ticket) { tk.Certificate = nil }, ErrMalformed},
		{"no records", func(tk *xstream.Ticket) { tk.Delegations = nil }, ErrMalformed},
		{"root endorsed by itself", func(tk *xstream.Ticket) {
			endorse(w.site, tk.Certificate.Issuer.Issuer, w.site.cert)
		}, ErrLink},

		{"endorsement gone", func(tk *xstream.Ticket) { tk.Certificate.Signature = nil }, ErrSignature},
		{"endorsement of the broker gone", func(tk *xstream.Ticket) { tk.Certificate.Issuer.Signature = nil }, ErrSignature},
		{"endorsements swapped", func(tk *xstream.Ticket) {
			a, b := tk.Certificate, tk.Certificate.Issuer
			a.Signature, b.Signature = b.Signature, a.Signature
		}, ErrSignature},
		{"the holder's certificate swapped", func(tk *xstream.Ticket) {
			tk.Certificate.Holder = &xstream.Blob{Octets: w.evil.cert.Raw}
		}, ErrLink},
		{"the holder's name on another key", func(tk *xstream.Ticket) {
			tk.Certificate.Holder = &xstream.Blob{Octets: as(w.evil, smGUID).Raw}
		}, ErrSignature},
		{"octets after the certificate", func(tk *xstream.Ticket) {
			tk.Certificate.Holder = &xstream.Blob{Octets: append(slices.Clone(w.sm.cert.Raw), 0)}
		}, ErrMalformed},
		{"certificates of another ticket (TT7)", func(tk *xstream.Ticket) { tk.Certificate = other().Certificate }, ErrLink},
		{"endorsement lifted, records of its own (TT8)", func(tk *xstream.Ticket) {
			// The attacker holds a ticket for 5 units; the good one is for another
			// pool. He signs himself a leaf of it: legacy sites see a sound chain.
			o := other()
			d := tk.Delegations[0]
			d.Holder = evilGUID
			resign(w.evil, d)
			tk.Certificate = o.Certificate
		}, ErrSignature},
		{"endorsement lifted, longer chain (TT8)", func(tk *xstream.Ticket) {
			o := other()
			d := *o.Delegations[0]
			sig := *d.Signature
			d.GUID, d.Issuer, d.Units, d.Signature = "mine", evilGUID, 100, &sig
			resign(w.evil, &d)
			tk.Delegations = slices.Insert(o.Delegations, 0, &d)
			c := &xstream.Certificate{Issuer: o.Certificate}
			endorse(w.evil, c, w.evil.cert)
			tk.Certificate = c
		}, ErrContainment},
		{"a forged endorsement of the attacker", func(tk *xstream.Ticket) {
			endorse(w.evil, tk.Certificate.Issuer, w.evil.cert)
			tk.Delegations[1].Holder, tk.Delegations[0].Issuer = evilGUID, evilGUID
			resign(w.evil, tk.Delegations[1])
			resign(w.evil, tk.Delegations[0])
			endorse(w.evil, tk.Certificate, w.sm.cert)
		}, ErrSignature},
		{"the attacker's root in the site's name", func(tk *xstream.Ticket) {
			tk.Certificate.Issuer.Issuer.Holder = &xstream.Blob{Octets: as(w.sm, siteGUID).Raw}
		}, ErrUntrusted},
		{"the broker's own root", func(tk *xstream.Ticket) {
			drop(tk, 2)
			tk.Delegations[1].Issuer = brokerGUID
			tk.Certificate.Issuer.Signature = nil
			resign(w.broker, tk.Delegations[1])
		}, ErrUntrusted},

		{"a broker who signs more than he holds", leaf(func(d *xstream.Delegation) { d.Units = 101; resign(w.broker, d) }), ErrContainment},
		{"a broker who signs a longer term", leaf(func(d *xstream.Delegation) { d.Term.End.Millis += 365 * 86400000; resign(w.broker, d) }), ErrContainment},
		{"a broker who signs an earlier term", leaf(func(d *xstream.Delegation) { d.Term.Start.Millis -= 365 * 86400000; resign(w.broker, d) }), ErrContainment},
		{"a broker who signs another type", leaf(func(d *xstream.Delegation) { d.Type.Name = "gold"; resign(w.broker, d) }), ErrContainment},
		{"a broker who signs no units", leaf(func(d *xstream.Delegation) { d.Units = 0; resign(w.broker, d) }), ErrRecord},
		{"a broker who signs less than none", leaf(func(d *xstream.Delegation) { d.Units = -5; resign(w.broker, d) }), ErrRecord},
		{"a broker who signs in the site's name", leaf(func(d *xstream.Delegation) { d.Issuer = siteGUID; resign(w.broker, d) }), ErrLink},
		{"the site signs for its broker", leaf(func(d *xstream.Delegation) { resign(w.site, d) }), ErrSignature},
		{"guid of an ancestor", leaf(func(d *xstream.Delegation) { d.GUID = exportRecord().GUID; resign(w.broker, d) }), ErrLink},
		{"a key that is too short", func(tk *xstream.Ticket) {
			key := rsaKey(rand.New(rand.NewPCG(1, 1)), 1008)
			tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: smGUID}, NotAfter: time.Unix(1<<32, 0)}
			der, err := x509.CreateCertificate(nil, tmpl, tmpl, key.Public(), w.sm.key)
			if err != nil {
				t.Fatal(err)
			}
			endorse(w.broker, tk.Certificate, &x509.Certificate{Raw: der})
		}, ErrKey},
		{"a key of another kind", func(tk *xstream.Ticket) {
			endorse(w.broker, tk.Certificate, newParty(t, smGUID).cert)
		}, ErrKey},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tk := parseText(good)
			tt.attack(tk)
			text := string(tk.Append(nil))
			if tt.want != nil && text == good {
				t.Fatal("the attack changed nothing")
			}
			for _, s := range []Scheme{Sharp, SharpLenient} {
				c, err := s.Verify(text, w.roots)
				if !errors.Is(err, tt.want) {
					t.Errorf("%v: got %v, want %v", s, err, tt.want)
				}
				if err != nil && len(c.records)+len(c.certs) != 0 {
					t.Errorf("%v: a refused ticket still shows a chain", s)
				}
			}
		})
	}
}

// Limits and malformed texts are told apart from forgeries.
func TestLegacyTextErrors(t *testing.T) {
	t.Parallel()
	w := rsaWorld(t)
	good := w.legacyChain(t)
	for text, want := range map[string]error{
		strings.Repeat(" ", MaxText+1): ErrLimit,
		"":                             ErrMalformed,
		strings.Replace(good, "<guid>", `<guid class="x">`, 1): ErrMalformed,
		strings.Replace(good, "<units>", "<cpu/><units>", 1):   ErrMalformed,
	} {
		if _, err := Sharp.Verify(text, w.roots); !errors.Is(err, want) {
			t.Errorf("%.40q: %v, want %v", text, err, want)
		}
	}
}

func FuzzVerifyLegacy(f *testing.F) {
	w := rsaWorld(f)
	f.Add(w.legacyChain(f))
	roots := legacyRoots(f)
	good := map[[32]byte]bool{}
	for _, name := range []string{"sharp-root", "sharp-exported", "sharp-sm", "sharp-sm-extended", "sharp-FORGED-sm", "ticket", "ticket-independent"} {
		text := legacyFile(f, name+".xml")
		f.Add(text)
		if c, err := Sharp.Verify(text, roots); err == nil {
			for k := range c.records {
				good[c.ID(k)] = true
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := SharpLenient.Verify(text, roots)
		if err != nil {
			return
		}
		if !good[c.ID(0)] {
			t.Errorf("accepted a ticket nobody granted: %q", text)
		}
		if again, err := SharpLenient.Verify(c.Text(0), roots); err != nil || again.ID(0) != c.ID(0) {
			t.Errorf("its own text is not read back: %v", err)
		}
	})
}

func BenchmarkVerifyLegacy(b *testing.B) {
	text, roots := legacyFile(b, "sharp-sm.xml"), legacyRoots(b)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Sharp.Verify(text, roots); err != nil {
			b.Fatal(err)
		}
	}
}
