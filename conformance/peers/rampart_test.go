package peers

import (
	"encoding/base64"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wssec/dsig"
)

// Namespaces of SignatureConfirmation: that of the standard, which Rampart 1.6
// speaks, and that of its draft, which legacy actors demand.
const (
	confirmNS = "http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd"
	draftNS   = "http://docs.oasis-open.org/wss/2005/xx/oasis-2005xx-wss-wssecurity-secext-1.1.xsd"
)

// useRampart tells Axis2 of the identities before it signs anything: it reads its
// key store once.
func useRampart(t *testing.T) (*peer, []identity) {
	t.Helper()
	rampartKeys.Lock()
	defer rampartKeys.Unlock()
	p := use(t, startAxis2)
	if !rampartKeys.told {
		signers(t, p)
		rampartKeys.told = true
	}
	return p, signers(t, nil)
}

var rampartKeys struct {
	sync.Mutex
	told bool
}

// answerSigned is an answer of ours: signed, and confirming the request's signature
// in the namespace unless that is empty.
func answerSigned(t testing.TB, c call, id identity, s suite, space string) []byte {
	t.Helper()
	octets, err := soap.EncodeResponse(nil, c.message.Op)
	if err != nil {
		t.Fatal(err)
	}
	e := wrap("soapenv:", "xmlns:soapenv", string(octets))
	e.after = strings.Replace(e.after, authToken, "", 1) // answers have none
	if space == "" {
		return []byte(seal(t, e, id, s))
	}
	value, err := dsig.DecodeBase64(find(t, parse(t, c.text), dsig.Space, "SignatureValue").Text())
	if err != nil {
		t.Fatal(err)
	}
	return []byte(seal(t, e, id, s, dsig.Part{ID: "confirmed", Octets: []byte(`<wsse11:SignatureConfirmation xmlns:wsse11="` + space +
		`" xmlns:wsu="` + wsuNS + `" Value="` + base64.StdEncoding.EncodeToString(value) + `" wsu:Id="confirmed"></wsse11:SignatureConfirmation>`)}))
}

// TestRampartCalls: what Axis2 and Rampart sign, for each operation, we open; our
// signed answers they take, and no others.
func TestRampartCalls(t *testing.T) {
	t.Parallel()
	p, ids := useRampart(t)
	for id, s := range combinations(ids) {
		for _, answer := range []struct {
			name, space string
			demand      string // that answers confirm
			spoil, ok   bool
		}{
			{"signed", "", "false", false, true},
			{"confirmed", confirmNS, "true", false, true},
			{"confirmed to one who does not ask", draftNS, "false", false, true},
			{"confirmed in the namespace of the draft", draftNS, "true", false, false},
			{"not confirmed", "", "true", false, false},
			{"changed", "", "false", true, false},
		} {
			var names []string
			r := newRecorder(t, func(c call) (int, []byte, error) {
				var err error
				if names, err = open(t, c.text, &id.key.PublicKey); err != nil {
					return 0, nil, err
				}
				text := answerSigned(t, c, id, s, answer.space)
				if answer.spoil {
					text = []byte(strings.Replace(string(text), "Response ", `Response a="b" `, 1))
				}
				return http.StatusOK, text, nil
			})
			messages := everything()
			for name, size := range sizes {
				messages["redeem of "+name] = message(size)
			}
			for kind, m := range messages {
				if !answer.ok && m.Op != wire.OpRedeem {
					continue // one kind of message is enough to be refused
				}
				mtom := "false"
				if strings.HasSuffix(kind, "least") {
					mtom = "true"
				}
				got := p.ask(t, "callSigned", []byte(r.URL+"/actor"), []byte(m.Op.String()), []byte(body(t, m)), []byte(mtom),
					[]byte(id.name), []byte(s.method), []byte(s.digest), []byte(answer.demand), []byte(authToken))
				c := r.take(t)
				if !slices.Equal(names, []string{"Body"}) || !reflect.DeepEqual(c.message, m) {
					t.Fatalf("%s: Rampart signed %q\n%s", kind, names, c.text)
				}
				if ok := string(got[0]) == "answered"; ok != answer.ok {
					t.Errorf("%s %s: an answer that is %s: %q", id.name, kind, answer.name, got)
				}
			}
		}
	}
}

// TestRampartServes: an Axis2 service behind Rampart takes what we sign and nothing
// else, and we open its answers, which confirm our signature.
func TestRampartServes(t *testing.T) {
	t.Parallel()
	p, ids := useRampart(t)
	inbox.Lock()
	defer inbox.Unlock()
	for id, s := range combinations(ids) {
		at := string(p.ask(t, "serveSigned", []byte(id.name), []byte(s.method), []byte(s.digest))[0])
		for sizeName, size := range sizes {
			for shape, make := range shapes {
				m := message(size)
				text := seal(t, make(body(t, m)), id, s)
				_, answer := post(t, at, "redeem", []byte(text))
				if err := answered(t, answer, m.Op); err != nil {
					t.Errorf("%s %s %s: %v\n%s", id.name, sizeName, shape, err, answer)
					continue
				}
				names, err := open(t, answer, &id.key.PublicKey)
				slices.Sort(names)
				if err != nil || !slices.Equal(names, []string{"Body", "SignatureConfirmation"}) {
					t.Errorf("%s %s %s: Rampart's answer signs %q, %v", id.name, sizeName, shape, names, err)
				}
				ours := find(t, parse(t, text), dsig.Space, "SignatureValue").Text()
				if got, _ := find(t, parse(t, answer), confirmNS, "SignatureConfirmation").Attr("", "Value"); got != ours {
					t.Errorf("%s %s %s: Rampart confirms %q, not %q", id.name, sizeName, shape, got, ours)
				}
				got := p.ask(t, "received")
				if len(got) != 1 {
					t.Fatalf("%d messages arrived", len(got))
				}
				if back, err := soap.DecodeBody(parse(t, string(got[0])).Root()); err != nil || !reflect.DeepEqual(back, m) {
					t.Errorf("%s %s %s: Axis2 received\n%s\n%v", id.name, sizeName, shape, got[0], err)
				}
				for bad, text := range map[string]string{"changed": tamper(t, text), "unsigned": make(body(t, m)).String()} {
					if _, answer := post(t, at, "redeem", []byte(text)); answered(t, answer, m.Op) == nil {
						t.Errorf("%s %s %s: Rampart takes a message that is %s", id.name, sizeName, shape, bad)
					}
				}
				if got := p.ask(t, "received"); len(got) != 0 {
					t.Fatalf("%d refused messages arrived", len(got))
				}
			}
		}
	}
}

// TestRampartTimestamp: a signed Timestamp, which the legacy profile does not have,
// is one thing too many for a service that was told to expect a signature.
func TestRampartTimestamp(t *testing.T) {
	t.Parallel()
	p, _ := useRampart(t)
	wss := use(t, startWSS4J)
	id, s, m := signers(t, wss)[0], suites[0], message(0)
	inbox.Lock()
	defer inbox.Unlock()
	at := string(p.ask(t, "serveSigned", []byte(id.name), []byte(s.method), []byte(s.digest))[0])
	for parts, ok := range map[string]bool{"Body": true, "Timestamp Body": false} {
		text := wss.ask(t, "sign", []byte("plain"), []byte(id.name), []byte(s.method), []byte(s.digest), []byte("direct"),
			[]byte(parts), []byte(shapes["ours"](body(t, m)).String()))[0]
		_, answer := post(t, at, "redeem", text)
		if err := answered(t, answer, m.Op); ok != (err == nil) {
			t.Errorf("%s signed: %v", parts, err)
		}
	}
	if got := p.ask(t, "received"); len(got) != 1 {
		t.Errorf("%d messages arrived", len(got))
	}
}
