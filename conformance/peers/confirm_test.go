package peers

import (
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/actors/remote"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/keys"
)

// TestRampartDemandsConfirmation: a Rampart client that wants its signature
// confirmed takes the answers of an actor whose registry says so of it, and no
// others: without that setting we confirm as deployed actors want it.
func TestRampartDemandsConfirmation(t *testing.T) {
	t.Parallel()
	axis, ids := useRampart(t)
	for id, s := range combinations(ids) {
		for _, profile := range []wssec.Profile{wssec.Legacy, wssec.LegacyStrong} {
			for _, final := range []bool{true, false} {
				taken := make(chan actors.Message, 1)
				at := broker(t, id, wssec.Policy{Profile: profile, FinalConfirmation: final}, func(_ context.Context, ev actors.Event) error {
					taken <- ev.(actors.Receive).Message
					return nil
				})
				for demand, ok := range map[string]bool{"true": final, "false": true} {
					m := request(actors.OpTicket, "1")
					m.ID = m.ID[:len(m.ID)-4] + demand[:4]
					w, err := translate.Outgoing(m, actors.Location{ID: managerGUID, Name: "sm", URL: m.ReplyTo})
					if err != nil {
						t.Fatal(err)
					}
					got := axis.ask(t, "callSigned", []byte(at), []byte(w.Op.String()), []byte(body(t, w)), []byte("false"),
						[]byte(id.name), []byte(s.method), []byte(s.digest), []byte(demand), []byte(authToken))
					if answered := string(got[0]) == "answered"; answered != ok || len(taken) != 1 {
						t.Errorf("%s %v, final %v, demanded %s: %q, %d taken", id.name, profile, final, demand, got, len(taken))
					}
					if heard := <-taken; heard.ID != m.ID {
						t.Errorf("the actor heard %+v", heard)
					}
				}
			}
		}
	}
}

// TestRampartConfirms: our remote delivers to an Axis2 service behind Rampart and
// demands, as it does of everybody, that the answer confirms the signature of the
// request. An answer to another request, or to nobody's, does not deliver.
func TestRampartConfirms(t *testing.T) {
	t.Parallel()
	axis, ids := useRampart(t)
	inbox.Lock()
	defer inbox.Unlock()
	for id, s := range combinations(ids) {
		at := string(axis.ask(t, "serveSigned", []byte(id.name), []byte(s.method), []byte(s.digest))[0])
		for _, policy := range []wssec.Policy{
			wssec.Legacy.Policy(), wssec.LegacyStrong.Policy(), {Profile: wssec.Legacy, MTOM: true},
			{Profile: wssec.LegacyStrong, Tokens: wssec.TokenDirect, Signatures: []string{s.method}, Digests: []string{s.digest}},
		} {
			var spoil func([]byte) []byte
			front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				spoil := spoil
				out, err := http.NewRequestWithContext(r.Context(), http.MethodPost, at, r.Body)
				if err != nil {
					t.Error(err)
					return
				}
				out.Header = r.Header.Clone()
				resp, err := http.DefaultClient.Do(out)
				if err != nil {
					t.Error(err)
					return
				}
				defer resp.Body.Close()
				answer, err := io.ReadAll(resp.Body)
				if err != nil {
					t.Error(err)
				}
				if spoil != nil {
					answer = spoil(answer)
				}
				w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
				w.WriteHeader(resp.StatusCode)
				w.Write(answer)
			}))
			attempts := make(chan remote.Attempt, 1)
			reg, err := registry.New(managerGUID, []registry.Peer{{
				Location: actors.Location{ID: brokerGUID, Name: "broker", URL: front.URL + "/actor"}, Role: actors.RoleBroker,
				Policy: policy, Certs: []*x509.Certificate{named(t, id, brokerGUID)},
			}})
			if err != nil {
				t.Fatal(err)
			}
			r, err := remote.New(remote.Config{
				// It signs with the key of the service, because that is what Rampart trusts here.
				Self: keys.Identity{GUID: managerGUID, Name: "sm", Key: id.key, Cert: id.cert}, Location: actors.Location{ID: managerGUID, Name: "sm", URL: "http://sm.example:8080/orca/services/sm"},
				Registry: reg, Failed: func(f actors.SendFailed) { t.Errorf("given up: %+v", f) }, Trace: func(a remote.Attempt) { attempts <- a },
				Retry: remote.Backoff{First: time.Hour},
			})
			if err != nil {
				t.Fatal(err)
			}
			send := func(n string) remote.Attempt {
				m := request(actors.OpTicket, n)
				r.Send(m)
				a := <-attempts
				got := axis.ask(t, "received")
				if len(got) != 1 {
					t.Fatalf("%d messages arrived", len(got))
				}
				if back, err := soap.DecodeBody(parse(t, string(got[0])).Root()); err != nil || back.Reservation.ID != string(m.Reservation) || !reflect.DeepEqual(back.Reservation.Resources.Units, int32(m.Units)) {
					t.Errorf("Axis2 received %s, %v", got[0], err)
				}
				return a
			}
			var old []byte
			spoil = func(answer []byte) []byte {
				if !bytes.Contains(answer, []byte(confirmNS)) {
					t.Errorf("Rampart does not confirm as it did: %s", answer)
				}
				old = answer
				return answer
			}
			if a := send("1"); a.Err != nil || !a.Final {
				t.Errorf("%s %v: %v", id.name, policy.Profile, a.Err)
			}
			spoil = func([]byte) []byte { return old } // the answer to the request before
			if a := send("2"); a.Err == nil || a.Final {
				t.Errorf("%s %v: an old answer delivers", id.name, policy.Profile)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			r.Close(ctx) // one stays undelivered
			cancel()
			front.Close()
		}
	}
}
