package dns_test

import (
	"strings"
	"testing"

	"github.com/leasehold/leasehold/cod/dns"
)

func TestParseKey(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"key \"Feed.test\" {\n\talgorithm hmac-sha256;\n\tsecret \"c2VjcmV0\";\n};\n",
		"# made today\nkey feed.test. { secret c2VjcmV0; algorithm HMAC-SHA256; } // end",
		"/* a */ key \"feed.test\" { algorithm hmac-sha256; /* b */ secret \"c2VjcmV0\"; };",
	} {
		k, err := dns.ParseKey(text)
		if want := (dns.Key{Name: "feed.test.", Algorithm: "hmac-sha256.", Secret: "c2VjcmV0"}); err != nil || k != want {
			t.Errorf("%s: %+v, %v", text, k, err)
		}
	}
	for text, want := range map[string]string{
		"":                "not a key statement",
		"zone \"x\" { };": "not a key statement",
		"key \"a\" { algorithm hmac-md5; secret \"c2VjcmV0\"; };":                   "algorithm",
		"key \"a\" { algorithm hmac-sha256; };":                                     "needs",
		"key \"a\" { algorithm hmac-sha256; secret \"%%%\"; };":                     "not base64",
		"key \"a\" { algorithm hmac-sha256; secret \"c2VjcmV0\"; }; key \"b\" { };": "more or less",
		"key \"a\" { algorithm hmac-sha256; secret \"c2VjcmV0\";":                   "more or less",
		"key \"a;b\" { algorithm hmac-sha256; secret \"c2VjcmV0\"; };":              "no name",
		"key \"a\" { algorithm hmac-sha256 secret \"c2VjcmV0\"; };":                 "semicolon",
		"key \"a\" { color red; };":                                                 "has no",
		"key \"a { algorithm":                                                       "does not end",
		"/* key":                                                                    "does not end",
	} {
		if k, err := dns.ParseKey(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v; want %q", text, k, err, want)
		}
	}
}

// FuzzParseKey: no text makes it panic, and no secret is in an error.
func FuzzParseKey(f *testing.F) {
	f.Add("key \"feed.test\" { algorithm hmac-sha256; secret \"c2VjcmV0\"; };")
	f.Add("# x\nkey a { secret b; };")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := dns.ParseKey(text)
		if err == nil && (k.Name == "" || k.Algorithm == "" || k.Secret == "") {
			t.Fatalf("half a key: %+v", k)
		}
	})
}
