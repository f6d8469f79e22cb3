package store_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
)

// huge is a value that is too long.
type huge struct{}

func (huge) AppendRecord(dst []byte) ([]byte, error) {
	return append(dst, make([]byte, store.MaxValue+1)...), nil
}

// blank is a value without octets that forgets dst.
type blank struct{}

func (blank) AppendRecord([]byte) ([]byte, error) { return nil, nil }

func TestEncode(t *testing.T) {
	t.Parallel()
	got, err := store.Encode([]actors.Record{{Key: "a", Value: store.Raw("1")}, {Key: "b"}, {Key: "c", Value: blank{}}})
	if err != nil || len(got) != 3 || string(got[0].Data) != "1" || got[0].Remove || !got[1].Remove || got[2].Remove || got[2].Data == nil {
		t.Errorf("%+v, %v", got, err)
	}
	for _, tt := range []struct {
		rec  actors.Record
		says string
	}{
		{actors.Record{Key: "", Value: store.Raw("1")}, "empty key"},
		{actors.Record{Key: strings.Repeat("k", 1025)}, "key of 1025 octets, limit 1024"},
		{actors.Record{Key: "k", Value: huge{}}, `record "k": value of 67108865 octets, limit 67108864`},
	} {
		_, err := store.Encode([]actors.Record{tt.rec})
		if err == nil || !strings.Contains(err.Error(), tt.says) || !store.Permanent(err) {
			t.Errorf("%v; want one that says %q and is permanent", err, tt.says)
		}
	}
	if store.Permanent(errors.New("disk full")) || store.Permanent(nil) || !store.Permanent(store.ErrClosed) {
		t.Error("only closed stores and values without a form are beyond hope")
	}
}
