package ticket

import (
	"crypto"
	"encoding/base64"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// Every way to make a ticket out of pieces of good ones must be refused. Each
// attack gets a fresh chain, newest link first: manager, broker, site.
func TestAttacks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := w.chain(t)
	resign := func(p party, chain []link, k int) {
		var parent []byte
		if k+1 < len(chain) {
			parent = chain[k+1].signature
		}
		sig, err := sign(p.key, digest(parent, chain[k].Record, chain[k].der))
		if err != nil {
			t.Fatal(err)
		}
		chain[k].signature = sig
	}
	other := func() []link { // another pool of the same site, through the same broker
		r, e, l := rootRecord(), exportRecord(), leafRecord()
		r.GUID, e.GUID, l.GUID = "other-root", "other-export", "other-leaf"
		r.Units, e.Units, l.Units = 5, 5, 5
		text, err := Root(r, w.site.key, w.site.cert)
		if err == nil {
			text, err = Delegate(text, e, w.site.key, w.broker.cert)
		}
		if err == nil {
			text, err = Delegate(text, l, w.broker.key, w.sm.cert)
		}
		if err != nil {
			t.Fatal(err)
		}
		chain, err := parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return chain
	}
	for _, tt := range []struct {
		name   string
		attack func(c []link) []link
		want   error
	}{
		{"nothing", func(c []link) []link { return c }, nil},
		{"more units", func(c []link) []link { c[0].Units = 2; return c }, ErrSignature},
		{"other guid", func(c []link) []link { c[0].GUID = "x"; return c }, ErrSignature},
		{"later end", func(c []link) []link { c[0].End++; return c }, ErrSignature},
		{"earlier new start", func(c []link) []link { c[0].Start--; c[0].NewStart--; return c }, ErrSignature},
		{"changed property", func(c []link) []link { c[0].Properties["label"] = ""; return c }, ErrSignature},
		{"added property", func(c []link) []link { c[0].Properties["x"] = ""; return c }, ErrSignature},
		{"dropped properties", func(c []link) []link { c[0].Properties = nil; return c }, ErrSignature},
		{"other holder", func(c []link) []link { c[0].Holder = evilGUID; return c }, ErrLink},
		{"other holder and certificate", func(c []link) []link {
			c[0].Holder, c[0].der = evilGUID, w.evil.cert.Raw
			return c
		}, ErrSignature},
		{"other key under the holder's name", func(c []link) []link {
			c[0].der = certifyAs(t, w.evil, smGUID)
			return c
		}, ErrSignature},
		{"other key for the broker, leaf signed with it", func(c []link) []link {
			c[1].der = certifyAs(t, w.evil, brokerGUID)
			resign(w.evil, c, 0)
			return c
		}, ErrSignature},
		{"middle dropped", func(c []link) []link { return slices.Delete(c, 1, 2) }, ErrLink},
		{"middle dropped, issuer changed", func(c []link) []link {
			c[0].Issuer = siteGUID
			return slices.Delete(c, 1, 2)
		}, ErrSignature},
		{"root dropped", func(c []link) []link { return c[:2] }, ErrLink},
		{"only the leaf", func(c []link) []link { return c[:1] }, ErrLink},
		{"records reversed", func(c []link) []link { slices.Reverse(c); return c }, ErrLink},
		{"records swapped", func(c []link) []link { c[0], c[1] = c[1], c[0]; return c }, ErrLink},
		{"root and export swapped", func(c []link) []link { c[1], c[2] = c[2], c[1]; return c }, ErrLink},
		{"export twice", func(c []link) []link { return slices.Insert(c, 1, c[1]) }, ErrLink},
		{"root twice", func(c []link) []link { return append(c, c[2]) }, ErrLink},
		{"leaf on another pool", func(c []link) []link { return append(c[:1], other()[1:]...) }, ErrSignature},
		{"smaller leaf of another pool", func(c []link) []link { c[0] = other()[0]; return c }, ErrSignature},
		{"export of another pool", func(c []link) []link { c[1] = other()[1]; return c }, ErrSignature},
		{"export of another pool under its own leaf", func(c []link) []link { return append(other()[:2], c[2]) }, ErrSignature},
		{"root of another pool", func(c []link) []link { c[2] = other()[2]; return c }, ErrContainment},
		{"signatures swapped", func(c []link) []link {
			c[0].signature, c[1].signature = c[1].signature, c[0].signature
			return c
		}, ErrSignature},
		{"signature of one octet", func(c []link) []link { c[0].signature = []byte{0}; return c }, ErrSignature},
		{"forged by a stranger from the root down", func(c []link) []link {
			for k := range c {
				c[k].Issuer, c[k].Holder, c[k].der = evilGUID, evilGUID, w.evil.cert.Raw
			}
			for k := len(c) - 1; k >= 0; k-- {
				resign(w.evil, c, k)
			}
			return c
		}, ErrUntrusted},
		{"root in the site's name with a stranger's key", func(c []link) []link {
			c = c[2:]
			c[0].der = certifyAs(t, newParty(t, "55555555-5555-4555-8555-555555555555"), siteGUID)
			return c
		}, ErrUntrusted},
		{"the broker's own root", func(c []link) []link {
			c = c[1:2]
			c[0].Issuer = brokerGUID
			resign(w.broker, c, 0)
			return c
		}, ErrUntrusted},
		{"delegated to a holder the record does not name", func(c []link) []link {
			c[0].der = w.evil.cert.Raw
			resign(w.broker, c, 0)
			return c
		}, ErrLink},
		{"a holder who signs more than he holds", func(c []link) []link { c[0].Units = 101; resign(w.broker, c, 0); return c }, ErrContainment},
		{"a holder who signs a longer term", func(c []link) []link { c[0].End = c[1].End + 1; resign(w.broker, c, 0); return c }, ErrContainment},
		{"a holder who signs an earlier term", func(c []link) []link { c[0].Start = c[1].Start - 1; resign(w.broker, c, 0); return c }, ErrContainment},
		{"a holder who signs another type", func(c []link) []link { c[0].Type = "gold"; resign(w.broker, c, 0); return c }, ErrContainment},
		{"a holder who signs in another's name", func(c []link) []link { c[0].Issuer = siteGUID; resign(w.broker, c, 0); return c }, ErrLink},
		{"the site itself signs for its broker", func(c []link) []link { resign(w.site, c, 0); return c }, ErrSignature},
		{"the legacy forgery: noise over the first endorsement", func(c []link) []link {
			c[1].Holder, c[1].der, c[1].signature = evilGUID, w.evil.cert.Raw, []byte(strings.Repeat("n", 70))
			c[0].Issuer = evilGUID
			resign(w.evil, c, 0)
			return c
		}, ErrSignature},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			links, err := parse(good)
			if err != nil {
				t.Fatal(err)
			}
			text := string(appendTicket(nil, tt.attack(links)))
			if _, err := Verify(text, w.roots); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if tt.want == nil {
				return
			}
			if c, err := Verify(text, w.roots); len(c.records) != 0 || len(c.certs) != 0 {
				t.Errorf("a refused ticket still shows a chain (%v)", err)
			}
		})
	}
}

func certifyAs(t *testing.T, p party, guid string) []byte {
	t.Helper()
	subject := p.cert.Subject
	subject.CommonName = guid
	subject.Names = nil
	return certify(t, p.key, subject).Raw
}

func TestUntrusted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text := w.chain(t)
	for name, roots := range map[string]func(string) []crypto.PublicKey{
		"nobody trusted":         nil,
		"no key for the site":    func(string) []crypto.PublicKey { return nil },
		"another key":            func(string) []crypto.PublicKey { return []crypto.PublicKey{w.broker.key.Public()} },
		"something that is none": func(string) []crypto.PublicKey { return []crypto.PublicKey{"key", nil} },
	} {
		if _, err := Verify(text, roots); !errors.Is(err, ErrUntrusted) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// One ticket has one text: every other spelling is refused, even where it would
// mean the same.
func TestCanonicalTextOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := w.chain(t)
	for name, edit := range map[string]func(string) string{
		"space at the end":      func(s string) string { return s + "\n" },
		"declaration":           func(s string) string { return `<?xml version="1.0"?>` + s },
		"CR LF":                 func(s string) string { return strings.Replace(s, "\n", "\r\n", 1) },
		"no indent":             func(s string) string { return strings.Replace(s, "\n  <delegations>", "<delegations>", 1) },
		"attribute added":       func(s string) string { return strings.Replace(s, "<delegations>", `<delegations a="b">`, 1) },
		"attribute on the root": func(s string) string { return strings.Replace(s, "<sharpTicket", `<sharpTicket a="b"`, 1) },
		"element added":         func(s string) string { return strings.Replace(s, "<delegations>", "<delegations><x/>", 1) },
		"element in a record":   func(s string) string { return strings.Replace(s, "<units>", "<vector/><units>", 1) },
		"otherCertificates": func(s string) string {
			return strings.Replace(s, "</sharpTicket>", "  <otherCertificates/>\n</sharpTicket>", 1)
		},
		"fields in other order": func(s string) string {
			return strings.Replace(s, "<units>1</units>\n      <type type=\"ben.vlan\"/>", "<type type=\"ben.vlan\"/>\n      <units>1</units>", 1)
		},
		"units with plus":     func(s string) string { return strings.Replace(s, "<units>1<", "<units>+1<", 1) },
		"units with zero":     func(s string) string { return strings.Replace(s, "<units>1<", "<units>01<", 1) },
		"units too large":     func(s string) string { return strings.Replace(s, "<units>1<", "<units>4294967297<", 1) },
		"padded milliseconds": func(s string) string { return strings.Replace(s, "00:00:00.5 UTC", "00:00:00.005 UTC", 1) },
		"ts changed":          func(s string) string { return strings.Replace(s, "<ts>2026-02-01", "<ts>2026-02-02", 1) },
		"id changed":          func(s string) string { i := strings.Index(s, "<id>") + 4; return s[:i] + "00" + s[i+2:] },
		"class changed":       func(s string) string { return strings.Replace(s, certClass, "java.lang.ProcessBuilder", 1) },
		"properties unsorted": func(s string) string { return strings.Replace(s, `name="label"`, `name="zabel"`, 1) },
		"property twice": func(s string) string {
			return strings.Replace(s, `<property name="type"`, `<property name="label" value="x"/><property name="type"`, 1)
		},
		"empty properties gone": func(s string) string { return strings.Replace(s, "\n      <properties/>", "", 1) },
		"Base64 unwrapped": func(s string) string {
			i := strings.Index(s, "<signature>\n") + 90
			j := strings.IndexByte(s[i:], '\n')
			return s[:i+j] + s[i+j+1:]
		},
		"wider character":       func(s string) string { return strings.Replace(s, "BEN", "&#66;EN", 1) },
		"comment":               func(s string) string { return strings.Replace(s, "BEN", "B<!-- -->EN", 1) },
		"doctype":               func(s string) string { return `<!DOCTYPE sharpTicket [<!ENTITY x "y">]>` + s },
		"instruction":           func(s string) string { return "<?x?>" + s },
		"namespace":             func(s string) string { return strings.Replace(s, "<sharpTicket", `<sharpTicket xmlns="urn:x"`, 1) },
		"no scheme":             func(s string) string { return strings.Replace(s, ` scheme="`+scheme+`"`, "", 1) },
		"other root":            func(s string) string { return strings.ReplaceAll(s, "sharpTicket", "ticket") },
		"plain delegation":      func(s string) string { return strings.ReplaceAll(s, "signedDelegation", "delegation") },
		"no delegations":        func(s string) string { return strings.ReplaceAll(s, "delegations>", "records>") },
		"no certificate":        func(s string) string { return strings.ReplaceAll(s, "certificate>", "cert>") },
		"certificate with more": func(s string) string { return trailDER(s) },
		"endorsement changed":   func(s string) string { i := strings.LastIndex(s, "<signature>") + 11; return s[:i] + "AAAA" + s[i+4:] },
		"nothing":               func(string) string { return "" },
		"half":                  func(s string) string { return s[:len(s)/2] },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := edit(good)
			if text == good {
				t.Fatal("the edit changed nothing")
			}
			if _, err := Verify(text, w.roots); !errors.Is(err, ErrMalformed) {
				t.Errorf("got %v, want %v", err, ErrMalformed)
			}
		})
	}
}

// trailDER appends an octet to the newest certificate.
func trailDER(s string) string {
	i := strings.LastIndex(s, "<data>") + 6
	j := i + strings.IndexByte(s[i:], '<')
	der, _ := base64.StdEncoding.DecodeString(s[i:j])
	return s[:i] + base64.StdEncoding.EncodeToString(append(der, 0)) + s[j:]
}

// A ticket of the legacy scheme is no ticket of this one, whatever its merits.
func TestLegacyTicketRefused(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/legacy/sharp-sm.xml")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{string(text), strings.Replace(string(text), "<sharpTicket>", `<sharpTicket scheme="`+scheme+`">`, 1)} {
		if _, err := Verify(s, newWorld(t).roots); !errors.Is(err, ErrMalformed) {
			t.Errorf("got %v", err)
		}
	}
}

// Every octet of the text matters: none can change without notice.
func TestEveryOctet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := []byte(w.chain(t))
	for i := range good {
		bad := slices.Clone(good)
		bad[i] ^= 1 << (i % 7)
		if _, err := Verify(string(bad), w.roots); err == nil {
			t.Fatalf("octet %d changed from %q to %q: accepted", i, good[i], bad[i])
		}
	}
}

func FuzzVerify(f *testing.F) {
	w := newWorld(f)
	good := w.chain(f)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(strings.Replace(good, "ben.vlan", "&#x1F600;", 3))
	if legacy, err := os.ReadFile("testdata/legacy/sharp-sm.xml"); err == nil {
		f.Add(string(legacy))
		f.Add(strings.Replace(string(legacy), "<sharpTicket>", `<sharpTicket scheme="`+scheme+`">`, 1))
	}
	f.Fuzz(func(t *testing.T, text string) {
		links, err := parse(text)
		if err != nil {
			return
		}
		if again := string(appendTicket(nil, links)); again != text {
			t.Errorf("read %q but writes %q", text, again)
		}
		if _, err := Verify(text, w.roots); err == nil && text != good && !prefixOf(text, good) {
			t.Errorf("accepted a ticket nobody granted: %q", text)
		}
	})
}

// prefixOf reports whether text is one of the tickets that good was grown from.
func prefixOf(text, good string) bool {
	links, err := parse(good)
	for k := range links {
		if string(appendTicket(nil, links[k:])) == text {
			return true
		}
	}
	return err != nil
}

func BenchmarkVerify(b *testing.B) {
	w := newWorld(b)
	text := w.chain(b)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Verify(text, w.roots); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDelegate(b *testing.B) {
	w := newWorld(b)
	root, err := Root(rootRecord(), w.site.key, w.site.cert)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Delegate(root, exportRecord(), w.site.key, w.broker.cert); err != nil {
			b.Fatal(err)
		}
	}
}
