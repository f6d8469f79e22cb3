package ldap

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors/store"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"reservation/4f0c-1": "reservation/4f0c-1", "a b": "a%20b", "~j0": "%7Ej0", "%7Ej0": "%257Ej0", "\x00\xff": "%00%FF",
		"=,+\\#": "%3D%2C%2B%5C%23", strings.Repeat("k", maxName): strings.Repeat("k", maxName),
		strings.Repeat("k", maxName+1): "%~" + strings.Repeat("x", 64),
	} {
		got := nameOf(key)
		if strings.HasPrefix(want, "%~") {
			if !strings.HasPrefix(got, "%~") || len(got) != len(want) {
				t.Errorf("a long key is named %s", got)
			}
			continue
		}
		if back, ok := actorOf(got); got != want || !ok || back != key {
			t.Errorf("%q is named %s and read back as %q", key, got, back)
		}
	}
	for _, name := range []string{"%", "%7", "%7e", "%41", "%~00", "a b", "~j0"} {
		if key, ok := actorOf(name); ok {
			t.Errorf("%q is taken for the name of %q", name, key)
		}
	}
	for text, want := range map[string]holding{"0": {}, "7-ABC": {7, "ABC"}, "18446744073709551615-x": {1<<64 - 1, "x"}} {
		if h, err := parseHolding(text); err != nil || h != want || h.String() != text {
			t.Errorf("%q: %v, %v", text, h, err)
		}
	}
	for _, bad := range []string{"", "-", "07-x", "+7-x", "x", "7-", "18446744073709551616-x"} {
		if h, err := parseHolding(bad); err == nil {
			t.Errorf("%q is taken for %v", bad, h)
		}
	}
}

func TestJournal(t *testing.T) {
	t.Parallel()
	writes := []store.Write{{Key: "a", Data: []byte("1")}, {Key: "b", Remove: true}, {Key: strings.Repeat("k", store.MaxKey), Data: []byte{}}}
	data := encodeJournal(writes)
	got, err := decodeJournal(data)
	if err != nil || !reflect.DeepEqual(got, writes) {
		t.Fatalf("%v came back as %v, %v", writes, got, err)
	}
	for n := range data {
		if _, err := decodeJournal(data[:n]); err == nil {
			t.Errorf("the first %d of %d octets were taken for a batch", n, len(data))
		}
	}
	if _, err := decodeJournal(append(data, 0)); err == nil {
		t.Error("an octet too many was taken")
	}
}

// FuzzJournal: no octets make the reader panic or take more memory than they may,
// and what it accepts it writes as it read it.
func FuzzJournal(f *testing.F) {
	f.Add([]byte{})
	f.Add(encodeJournal(nil))
	f.Add(encodeJournal([]store.Write{{Key: "a", Data: []byte("1")}, {Key: "b", Remove: true}}))
	f.Add([]byte{1, 0xff, 0xff, 0xff, 7})
	f.Fuzz(func(t *testing.T, data []byte) {
		writes, err := decodeJournal(data)
		if err != nil {
			return
		}
		again, err := decodeJournal(encodeJournal(writes))
		if err != nil || !reflect.DeepEqual(again, writes) {
			t.Fatalf("%v became %v, %v", writes, again, err)
		}
		if b := encodeJournal(writes); len(b) > len(data) || len(b) == len(data) && !bytes.Equal(b, data) {
			t.Fatalf("%x is written as %x", data, b)
		}
	})
}
