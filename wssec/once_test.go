package wssec_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wssec"
)

func TestOnce(t *testing.T) {
	t.Parallel()
	o := wssec.NewOnce(3, time.Hour)
	first := func(sender, key string, after time.Duration) error {
		_, err := o.First(sender, key, now.Add(after))
		return err
	}
	for i, step := range []struct {
		sender, key string
		after       time.Duration
		want        error
	}{
		{smGUID, "a", 0, nil},
		{smGUID, "a", time.Minute, wssec.ErrRepeated},
		{smGUID, "b", time.Minute, nil},
		{siteGUID, "a", time.Minute, nil}, // another sender's room
		{smGUID, "c", 2 * time.Minute, nil},
		{smGUID, "d", 3 * time.Minute, wssec.ErrFull},
		{smGUID, "a", time.Hour, wssec.ErrRepeated},
		{smGUID, "d", time.Hour + time.Second, nil}, // a has left the window
		{smGUID, "b", time.Hour + time.Second, wssec.ErrRepeated},
		{smGUID, "e", time.Hour + time.Second, wssec.ErrFull},
		{smGUID, "b", 0, wssec.ErrRepeated}, // the clock went back
	} {
		if err := first(step.sender, step.key, step.after); !errors.Is(err, step.want) || (err == nil) != (step.want == nil) {
			t.Errorf("step %d: %v; want %v", i, err, step.want)
		}
	}
	o.Forget(smGUID, "d")
	o.Forget(smGUID, "unknown")
	o.Forget(brokerGUID, "unknown")
	if err := first(smGUID, "d", time.Hour+2*time.Second); err != nil {
		t.Errorf("forgotten: %v", err)
	}
	if o.Len() != 4 {
		t.Errorf("%d remembered", o.Len())
	}
}

// Whatever the order of arrivals, restarts and crashes in the middle of a record,
// nothing is admitted twice within the window, and room is kept.
func TestOnceSurvivesRestarts(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var journal []byte
		o, s, a := wssec.NewOnce(50, time.Hour), new(wssec.Strength), new(wssec.Strength)
		admitted := map[string]time.Time{}
		at := now
		for i := range 3000 {
			at = at.Add(time.Duration(rng.IntN(60)) * time.Second)
			sender := []string{smGUID, siteGUID, javaGUID}[rng.IntN(3)]
			key := fmt.Sprint(rng.IntN(200))
			record, err := o.First(sender, key, at)
			if err == nil {
				if last, twice := admitted[sender+key]; twice && at.Sub(last) <= time.Hour {
					t.Fatalf("seed %d: %s of %s admitted after %v", seed, key, sender, at.Sub(last))
				}
				admitted[sender+key] = at
				journal = append(journal, record...)
			}
			if o.Len() > 150 {
				t.Fatalf("seed %d: %d remembered", seed, o.Len())
			}
			if i == 1000 {
				s.Learn(javaGUID)
				journal = append(journal, wssec.RequestsRecord(javaGUID)...)
				journal = append(journal, wssec.AnswersRecord(smGUID)...)
				a.Learn(smGUID)
			}
			switch rng.IntN(100) {
			case 0: // a crash that tears a record nobody acted upon
				torn := append(bytes.Clone(journal), bytes.Repeat([]byte{0}, rng.IntN(66))...)
				o, s, a = wssec.NewOnce(50, time.Hour), new(wssec.Strength), new(wssec.Strength)
				sound, err := wssec.Memory{Once: o, Requests: s, Answers: a}.Restore(torn, at)
				if err != nil || sound != len(journal) {
					t.Fatalf("seed %d: %d of %d octets, %v", seed, sound, len(journal), err)
				}
			case 1: // compaction
				journal = wssec.Memory{Once: o, Requests: s, Answers: a}.Records()
			}
		}
		last := wssec.Memory{Once: wssec.NewOnce(50, time.Hour), Requests: new(wssec.Strength), Answers: new(wssec.Strength)}
		if _, err := last.Restore(journal, at); err != nil || !slices.Equal(last.Requests.Known(), []string{javaGUID}) || !slices.Equal(last.Answers.Known(), []string{smGUID}) {
			t.Errorf("seed %d: %v, strength of requests %v, of answers %v", seed, err, last.Requests.Known(), last.Answers.Known())
		}
	}
}

// Damage that is not at the end is no small matter.
func TestRestoreDamage(t *testing.T) {
	t.Parallel()
	o := wssec.NewOnce(10, time.Hour)
	var journal []byte
	for i := range 3 {
		record, err := o.First(smGUID, fmt.Sprint(i), now)
		if err != nil {
			t.Fatal(err)
		}
		journal = append(journal, record...)
	}
	for i := range journal {
		bad := bytes.Clone(journal)
		bad[i] ^= 0x40
		sound, err := wssec.Memory{Once: wssec.NewOnce(10, time.Hour)}.Restore(bad, now)
		if size := len(journal) / 3; (err == nil) != (i >= 2*size) || sound != i/size*size {
			t.Fatalf("octet %d: %d sound, %v", i, sound, err)
		}
	}
}
