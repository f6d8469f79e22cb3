package wssec_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pjbgf/sha1cd"

	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/keys"
)

// BenchmarkWire gives the rows of conformance/doc/bench-wire.md, one each: `make
// bench-wire` reads them. The unit of a row carries its target.
func BenchmarkWire(b *testing.B) {
	row := func(name, unit, target string, value func(b *testing.B) float64) {
		b.Run(name, func(b *testing.B) {
			v := value(b)
			for b.Loop() {
				continue // the value is measured above, in turns with what it is compared to
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(v, unit+":"+target)
		})
	}
	small := body3K(b)
	from, to := bytes.Index(small, []byte("<property>")), bytes.Index(small, []byte("</properties>"))
	large := slices.Concat(small[:from], bytes.Repeat(small[from:to], 17), small[to:])

	row("scan_and_verify_3KB_RSA-2048", "x", "<=:2", func(b *testing.B) float64 { return verifyRatio(b, small) })
	row("build_and_sign_3KB_RSA-2048", "x", "<=:1.10", func(b *testing.B) float64 {
		s := wssec.Seal{Signer: smRSA().Key, Cert: smRSA().Cert, GUID: smGUID, Name: "sm", To: siteGUID, Profile: wssec.Legacy}
		sum := sha1.Sum(small)
		return ratio(func() {
			if _, err := s.Request(small); err != nil {
				b.Fatal(err)
			}
		}, func() {
			if _, err := s.Signer.Sign(nil, sum[:], crypto.SHA1); err != nil {
				b.Fatal(err)
			}
		})
	})
	row("strict_round_trips_against_legacy", "x", ">=:8", func(b *testing.B) float64 {
		strict := roundTrip(b, small, wssec.Strict, sm, site)
		legacy := roundTrip(b, small, wssec.Legacy, smRSA(), siteRSA())
		const same = 8 // so many take as long as one, and are disturbed as much
		return same * ratio(legacy, func() {
			for range same {
				strict()
			}
		})
	})
	row("allocations_per_verified_3KB", "allocs", "<=:30", func(b *testing.B) float64 {
		src, o := legacyFor(b, small)
		return testing.AllocsPerRun(200, func() { mustOpen(b, src, o) })
	})
	row("memory_per_octet_3KB", "x", "<=:4", func(b *testing.B) float64 { return memory(b, small) })
	row("memory_per_octet_52KB", "x", "<=:4", func(b *testing.B) float64 { return memory(b, large) })
	row("hostile_79KB", "ms", "<:5", func(b *testing.B) float64 {
		src := hostile()
		return float64(fastest(func() { open(src, atLegacySite()) })) / 1e6
	})

	// What nothing above can be faster than, and what it is made of.
	micro := func(name string, f func() error) {
		row(name, "us", "info:0", func(b *testing.B) float64 {
			return float64(fastest(func() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}).Nanoseconds()) / 1e3
		})
	}
	for i, body := range [][]byte{small, large} {
		name := [2]string{"3KB", "52KB"}[i]
		src, o := legacyFor(b, body)
		octets := []byte(src)
		micro("scan_and_verify_"+name, func() error { _, err := open(src, o); return err })
		micro("scan_"+name, func() error { _, err := xmltree.Parse(octets, xmltree.Limits{}); return err })
		micro("SHA-1_"+name, func() error { sha1.Sum(body); return nil })
		micro("SHA-1_with_detection_"+name, func() error { sha1cd.Sum(body); return nil })
		micro("SHA-256_"+name, func() error { sha256.Sum256(body); return nil })
	}
	sum := sha256.Sum256(small)
	var values [2][]byte
	for i, key := range []crypto.Signer{smRSA().Key, sm.Key} {
		micro([2]string{"RSA-2048", "P-256"}[i]+"_signature", func() (err error) {
			values[i], err = key.Sign(nil, sum[:], crypto.SHA256)
			return err
		})
	}
	micro("RSA-2048_verification", func() error {
		return rsa.VerifyPKCS1v15(smRSA().Key.Public().(*rsa.PublicKey), crypto.SHA256, sum[:], values[0])
	})
	micro("P-256_verification", func() error {
		if !ecdsa.VerifyASN1(sm.Key.Public().(*ecdsa.PublicKey), sum[:], values[1]) {
			return errors.New("does not verify")
		}
		return nil
	})
}

func verifyRatio(b *testing.B, body []byte) float64 {
	src, o := legacyFor(b, body)
	info := []byte("as long as it hashes")
	sum := sha1.Sum(info)
	value, err := smRSA().Key.Sign(nil, sum[:], crypto.SHA1)
	if err != nil {
		b.Fatal(err)
	}
	key := smRSA().Key.Public().(*rsa.PublicKey)
	return ratio(func() { mustOpen(b, src, o) }, func() {
		if rsa.VerifyPKCS1v15(key, crypto.SHA1, sum[:], value) != nil {
			b.Fatal("does not verify")
		}
	})
}

// legacyFor is a legacy message around a body, and how its receiver opens it.
func legacyFor(b *testing.B, body []byte) (string, wssec.Opening) {
	s := wssec.Seal{Signer: smRSA().Key, Cert: smRSA().Cert, GUID: smGUID, Name: "sm", To: siteGUID, Profile: wssec.Legacy}
	src, err := s.Request(body)
	if err != nil {
		b.Fatal(err)
	}
	o := atLegacySite()
	o.Cache = new(wssec.Certificates)
	mustOpen(b, string(src), o)
	return string(src), o
}

func mustOpen(b *testing.B, src string, o wssec.Opening) {
	if _, err := open(src, o); err != nil {
		b.Fatal(err)
	}
}

// fastest is the least time of many turns, because machines are noisy.
func fastest(f func()) time.Duration {
	best := time.Hour
	for range 300 {
		begin := time.Now()
		f()
		best = min(best, time.Since(begin))
	}
	return best
}

// roundTrip is a request and its answer, sealed and opened at both ends.
func roundTrip(b *testing.B, body []byte, p wssec.Profile, from, to keys.Identity) func() {
	trust := wssec.Pins{from.Pin(), to.Pin()}
	caches := [2]*wssec.Certificates{new(wssec.Certificates), new(wssec.Certificates)}
	return func() {
		s := wssec.Seal{Signer: from.Key, Cert: from.Cert, GUID: from.GUID, Name: from.Name, To: to.GUID, MessageID: messageID, Created: now, Expires: now.Add(time.Minute), Profile: p}
		request, confirm, err := s.RequestConfirm(body)
		if err != nil {
			b.Fatal(err)
		}
		o := wssec.Opening{Trust: trust, Self: to.GUID, Now: now, Policy: under(p.Policy()), Cache: caches[0]}
		doc, err := xmltree.Parse(request, xmltree.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		v, err := wssec.OpenRequest(doc, o)
		if err != nil {
			b.Fatal(err)
		}
		s.Signer, s.Cert, s.GUID, s.Name, s.To = to.Key, to.Cert, to.GUID, to.Name, from.GUID
		answer, err := s.Response([]byte(`<ns2:redeemResponse xmlns:ns2="urn:s"></ns2:redeemResponse>`), v.SignatureValue())
		if err != nil {
			b.Fatal(err)
		}
		if doc, err = xmltree.Parse(answer, xmltree.Limits{}); err != nil {
			b.Fatal(err)
		}
		o.Self, o.Cache = from.GUID, caches[1]
		if _, err := wssec.OpenResponse(doc, o, to.GUID, confirm); err != nil {
			b.Fatal(err)
		}
	}
}

// memory is the octets allocated to parse and open a message, per octet of it.
func memory(b *testing.B, body []byte) float64 {
	src, o := legacyFor(b, body)
	var before, after runtime.MemStats
	const rounds = 200
	octets := []byte(src)
	runtime.ReadMemStats(&before)
	for range rounds {
		doc, err := xmltree.Parse(octets, xmltree.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := wssec.OpenRequest(doc, o); err != nil {
			b.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.TotalAlloc-before.TotalAlloc) / rounds / float64(len(src))
}

// hostile is 79 KB of 2000 namespaces and 10,000 elements.
func hostile() string {
	var s strings.Builder
	s.WriteString(`<soapenv:Envelope xmlns:soapenv="` + soapNS + `"><soapenv:Header/><soapenv:Body><a`)
	for i := range 2000 {
		fmt.Fprintf(&s, ` xmlns:n%d="u:%d"`, i, i)
	}
	s.WriteString(">" + strings.Repeat("<b/>", 10_000) + "</a></soapenv:Body></soapenv:Envelope>")
	return s.String()
}
