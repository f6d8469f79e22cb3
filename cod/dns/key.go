package dns

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/miekg/dns"
)

// A Key signs updates (TSIG, RFC 8945).
type Key struct {
	Name      string // with the dot at the end, in lower case
	Algorithm string // as miekg/dns names it: dns.HmacSHA256
	Secret    string // base64
}

// maxKeyFile is more than any key file holds.
const maxKeyFile = 64 << 10

// algorithms are BIND's names of those we take. MD5 is not among them, nor are the
// truncated ones.
var algorithms = map[string]string{
	"hmac-sha1": dns.HmacSHA1, "hmac-sha224": dns.HmacSHA224, "hmac-sha256": dns.HmacSHA256,
	"hmac-sha384": dns.HmacSHA384, "hmac-sha512": dns.HmacSHA512,
}

// LoadKey reads a key from a file that tsig-keygen made and named's configuration
// includes.
func LoadKey(path string) (Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Key{}, err
	}
	if info.Size() > maxKeyFile {
		return Key{}, fmt.Errorf("%s: more than %d octets: no key file", path, maxKeyFile)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Key{}, err
	}
	k, err := ParseKey(string(data))
	if err != nil {
		return Key{}, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

// ParseKey reads one key statement in the form of named.conf:
//
//	key "name" { algorithm hmac-sha256; secret "base64"; };
func ParseKey(text string) (Key, error) {
	words, err := lex(text)
	if err != nil {
		return Key{}, err
	}
	if len(words) < 4 || words[0] != "key" || words[2] != "{" {
		return Key{}, errors.New(`not a key statement: key "name" { algorithm ...; secret "..."; };`)
	}
	k := Key{Name: dns.CanonicalName(words[1])}
	if _, ok := dns.IsDomainName(k.Name); !ok || k.Name == "." || strings.Trim(k.Name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
		return Key{}, fmt.Errorf("%.64q is no name of a key", words[1])
	}
	rest := words[3:]
	for len(rest) >= 3 && rest[0] != "}" {
		if rest[2] != ";" {
			return Key{}, fmt.Errorf("no semicolon after %.64q", rest[0])
		}
		switch rest[0] {
		case "algorithm":
			if k.Algorithm = algorithms[strings.ToLower(rest[1])]; k.Algorithm == "" {
				return Key{}, fmt.Errorf("algorithm %.64q is not among hmac-sha1 and hmac-sha224 to hmac-sha512", rest[1])
			}
		case "secret":
			if b, err := base64.StdEncoding.DecodeString(rest[1]); err != nil || len(b) == 0 {
				return Key{}, errors.New("the secret is not base64") // and is not shown
			}
			k.Secret = rest[1]
		default:
			return Key{}, fmt.Errorf("a key has no %.64q", rest[0])
		}
		rest = rest[3:]
	}
	switch {
	case len(rest) == 0 || rest[0] != "}" || len(rest) > 2 || len(rest) == 2 && rest[1] != ";":
		return Key{}, errors.New("more or less than one key statement")
	case k.Algorithm == "" || k.Secret == "":
		return Key{}, errors.New("a key needs an algorithm and a secret")
	}
	return k, nil
}

// lex splits named's configuration into words, braces and semicolons, without
// comments.
func lex(text string) (words []string, err error) {
	for text != "" {
		switch c := text[0]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			text = text[1:]
		case c == '#' || strings.HasPrefix(text, "//"):
			_, text, _ = strings.Cut(text, "\n")
		case strings.HasPrefix(text, "/*"):
			_, after, ok := strings.Cut(text[2:], "*/")
			if !ok {
				return nil, errors.New("a comment does not end")
			}
			text = after
		case c == '{' || c == '}' || c == ';':
			words, text = append(words, text[:1]), text[1:]
		case c == '"':
			word, after, ok := strings.Cut(text[1:], `"`)
			if !ok || strings.ContainsAny(word, "\n\\") {
				return nil, errors.New("a quoted word does not end")
			}
			words, text = append(words, word), after
		default:
			n := strings.IndexAny(text, " \t\r\n{};\"#")
			if n < 0 {
				n = len(text)
			}
			words, text = append(words, text[:n]), text[n:]
		}
	}
	return words, nil
}
