package wssec

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"maps"
	"slices"
	"sync"
	"time"
)

// Once remembers requests that do not say when they were made, so that each is
// acted on once (wssec.md A6). Nothing in a legacy message expires, so it has to be
// remembered by the time it arrived, for as long as the window says; whoever keeps
// a message for longer than that can send it again, which is why reservations have
// sequence numbers.
//
// Every sender has room of its own. A sender whose room is full is refused until
// its oldest message has left the window: forgetting one early would let it in
// again. Senders are pinned peers, so their number is bounded.
//
// First gives a record of 65 octets to keep where a crash does not reach it, before
// anything is done; [Memory] reads the records again. Once is safe for use by
// several goroutines.
type Once struct {
	room   int
	window time.Duration

	mu      sync.Mutex
	senders map[string]*arrivals
}

// arrivals are the messages of one sender, oldest first.
type arrivals struct {
	known map[fingerprint]struct{}
	queue []entry
}

// Why First refuses.
var (
	ErrRepeated = errors.New("wssec: message seen before")
	ErrFull     = errors.New("wssec: sender has sent more messages than can be remembered")
)

// NewOnce remembers up to room messages of each sender for the window.
func NewOnce(room int, window time.Duration) *Once {
	return &Once{room: room, window: window, senders: make(map[string]*arrivals)}
}

// First remembers a message that arrives at now, by [Verified.GUID] and
// [Verified.ReplayKey], and gives the record of it. The error is ErrRepeated or
// ErrFull, and then nothing is remembered.
func (o *Once) First(sender, key string, now time.Time) (record []byte, err error) {
	sum := sha256.Sum256([]byte(key))
	f := fingerprint(sum[:len(fingerprint{})])
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.add(sender, f, now); err != nil {
		return nil, err
	}
	return appendRecord(make([]byte, 0, recordSize), recordMessage, sender, f, now), nil
}

func (o *Once) add(sender string, f fingerprint, now time.Time) error {
	a := o.senders[sender]
	if a == nil {
		a = &arrivals{known: make(map[fingerprint]struct{})}
		o.senders[sender] = a
	}
	for len(a.queue) > 0 && now.Sub(a.queue[0].at) > o.window {
		delete(a.known, a.queue[0].key)
		a.queue = a.queue[1:]
	}
	if _, again := a.known[f]; again {
		return ErrRepeated
	}
	if len(a.queue) >= o.room {
		return ErrFull
	}
	// A clock that was set back must not make the queue forget out of order.
	if n := len(a.queue); n > 0 && a.queue[n-1].at.After(now) {
		now = a.queue[n-1].at
	}
	a.known[f] = struct{}{}
	a.queue = append(a.queue, entry{now, f})
	return nil
}

// Forget takes back the newest memory of a message that had no effect after all:
// its sender may send it again.
func (o *Once) Forget(sender, key string) {
	sum := sha256.Sum256([]byte(key))
	f := fingerprint(sum[:len(fingerprint{})])
	o.mu.Lock()
	defer o.mu.Unlock()
	a := o.senders[sender]
	if a == nil {
		return
	}
	for i := len(a.queue) - 1; i >= 0; i-- {
		if a.queue[i].key == f {
			a.queue = append(a.queue[:i:i], a.queue[i+1:]...)
			delete(a.known, f)
			return
		}
	}
}

// Len is the number of messages remembered.
func (o *Once) Len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, a := range o.senders {
		n += len(a.queue)
	}
	return n
}

// The kinds of record, and the length of all: kind, sender, fingerprint,
// milliseconds since 1970, CRC-32 of what is before it.
const (
	recordMessage  = 'm'
	recordStrength = 's' // of requests
	recordAnswers  = 'a' // of answers

	recordGUID = 36
	recordSize = 1 + recordGUID + len(fingerprint{}) + 8 + 4
)

func appendRecord(dst []byte, kind byte, guid string, f fingerprint, at time.Time) []byte {
	from := len(dst)
	var name [recordGUID]byte
	copy(name[:], guid)
	dst = append(append(append(dst, kind), name[:]...), f[:]...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(at.UnixMilli()))
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst[from:]))
}

// Memory is what has to outlive a process that takes undated messages. Requests and
// Answers are apart, because a deployed actor may sign one with SHA-1 and not the
// other (wssec.md 4.3.5a).
type Memory struct {
	Once              *Once
	Requests, Answers *Strength
}

// Records are all that is remembered, in the form that Restore reads.
func (m Memory) Records() []byte {
	var out []byte
	m.Once.mu.Lock()
	defer m.Once.mu.Unlock()
	for _, guid := range slices.Sorted(maps.Keys(m.Once.senders)) {
		for _, e := range m.Once.senders[guid].queue {
			out = appendRecord(out, recordMessage, guid, e.key, e.at)
		}
	}
	for _, guid := range m.Requests.Known() {
		out = append(out, RequestsRecord(guid)...)
	}
	for _, guid := range m.Answers.Known() {
		out = append(out, AnswersRecord(guid)...)
	}
	return out
}

// RequestsRecord is what to keep about a peer whose requests are signed without
// SHA-1.
func RequestsRecord(guid string) []byte {
	return appendRecord(nil, recordStrength, guid, fingerprint{}, time.Time{})
}

// AnswersRecord is the same for its answers.
func AnswersRecord(guid string) []byte {
	return appendRecord(nil, recordAnswers, guid, fingerprint{}, time.Time{})
}

// Restore remembers what records say, and gives how many of their octets make
// sense: where a crash cut the last one short, the rest is to be cut off before
// more is written. Damage before the last record is an error, since whatever
// followed it would be forgotten.
func (m Memory) Restore(records []byte, now time.Time) (sound int, err error) {
	o := m.Once
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(records)-sound >= recordSize {
		r := records[sound : sound+recordSize]
		body, sum := r[:recordSize-4], binary.BigEndian.Uint32(r[recordSize-4:])
		guid := string(body[1 : 1+recordGUID])
		if crc32.ChecksumIEEE(body) != sum || !ValidLegacyGUID(guid) {
			if len(records)-sound == recordSize {
				break // torn, though as long as a whole one
			}
			return sound, errors.New("wssec: a damaged record of messages seen")
		}
		at := time.UnixMilli(int64(binary.BigEndian.Uint64(body[recordSize-12:])))
		switch body[0] {
		case recordStrength:
			m.Requests.add(guid)
		case recordAnswers:
			m.Answers.add(guid)
		case recordMessage:
			if now.Sub(at) <= o.window {
				// ErrFull cannot be: the same room held them before. Should it have
				// been made smaller, the oldest that fit are kept, and the sender waits.
				_ = o.add(guid, fingerprint(body[1+recordGUID:recordSize-12]), at)
			}
		}
		sound += recordSize
	}
	return sound, nil
}
