package peers

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/leasehold/leasehold/wssec/dsig"
)

var startWSS4J = sync.OnceValues(func() (*peer, error) { return startJava("wss4j", "Wss4jPeer", false) })

// eachMessage runs f for every signer, suite, size and shape.
func eachMessage(t *testing.T, ids []identity, f func(t *testing.T, id identity, s suite, e envelope, size int)) {
	for _, id := range ids {
		for _, s := range suites {
			for sizeName, size := range sizes {
				for shape, make := range shapes {
					t.Run(strings.Join([]string{id.name, s.name, sizeName, shape}, "/"), func(t *testing.T) {
						f(t, id, s, make(body(t, message(size))), size)
					})
				}
			}
		}
	}
}

// TestWSS4JVerifies: what we sign, however untidy, WSS4J verifies as the body; what
// is changed afterwards it refuses.
func TestWSS4JVerifies(t *testing.T) {
	t.Parallel()
	p := use(t, startWSS4J)
	eachMessage(t, signers(t, p), func(t *testing.T, id identity, s suite, e envelope, size int) {
		text := seal(t, e, id, s)
		for _, profile := range []string{"bsp", "plain"} {
			signed := p.ask(t, "verify", []byte(profile), []byte(text))
			if len(signed) != 1 || string(signed[0]) != "Body" {
				t.Errorf("%s: WSS4J found %q signed", profile, signed)
			}
		}
		if _, err := p.try("verify", []byte("bsp"), []byte(tamper(t, text))); !refused(err) {
			t.Errorf("WSS4J took a changed body: %v", err)
		}
		if names, err := open(t, text, &id.key.PublicKey); err != nil || len(names) != 1 {
			t.Errorf("we ourselves: %q %v", names, err)
		}
	})
}

// TestWSS4JSigns: what WSS4J signs, in the style of either generation, we open, and
// find in it the message that we gave it.
func TestWSS4JSigns(t *testing.T) {
	t.Parallel()
	p := use(t, startWSS4J)
	eachMessage(t, signers(t, p), func(t *testing.T, id identity, s suite, e envelope, size int) {
		for _, how := range []struct{ profile, reference, parts string }{
			{"bsp", "direct", "Body"},
			{"plain", "direct", "Body"},
			{"plain", "issuer", "Body AuthToken"},
			{"bsp", "ski", "Timestamp Body"},
			{"bsp", "thumbprint", "Body AuthToken"},
		} {
			text := string(p.ask(t, "sign", []byte(how.profile), []byte(id.name), []byte(s.method), []byte(s.digest),
				[]byte(how.reference), []byte(how.parts), []byte(e.String()))[0])
			names, err := open(t, text, &id.key.PublicKey)
			want := strings.Fields(how.parts)
			slices.Sort(names)
			slices.Sort(want)
			if err != nil || !slices.Equal(names, want) {
				t.Fatalf("%v: signed %q, %v\n%s", how, names, err, text)
			}
			if got, want := decode(t, text), message(size); !reflect.DeepEqual(got, want) {
				t.Errorf("%v: another message\n%+v", how, got)
			}
			if _, err := open(t, tamper(t, text), &id.key.PublicKey); !errors.Is(err, dsig.ErrDigest) {
				t.Errorf("%v: changed body: %v", how, err)
			}
		}
	})
}
