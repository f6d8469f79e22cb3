package wiring

import (
	"crypto/x509"
	"sync"
	"time"

	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/keys"
	"github.com/sirupsen/logrus"
)

// dated is a certificate that somebody will have to replace one day.
type dated struct {
	name  string // whose it is
	own   bool   // of one of our actors
	cert  *x509.Certificate
	until time.Time // it is taken until then though it is over; or zero
}

// certificates are those of our actors and of all peers.
func (p people) certificates() []dated {
	var out []dated
	for _, o := range p.all {
		_, own := p.ids[o.ID]
		for _, cert := range o.Certs {
			out = append(out, dated{o.Name, own, cert, o.Policy.ExpiredUntil})
		}
	}
	return out
}

// expiryWatch says in the log, once a day for each, which certificates end within
// thirty days or have ended (wssec A26): deployed peers refuse a message from the
// moment on in which its certificate is over.
type expiryWatch struct {
	clock clock.Clock
	certs []dated
	log   logrus.FieldLogger

	mu      sync.Mutex
	said    []saying // for each certificate, what was said last
	timer   clock.Timer
	stopped bool
}

type saying struct {
	standing wssec.Standing
	at       time.Time
}

// watchExpiry looks at once, and again until stop is called.
func watchExpiry(c clock.Clock, certs []dated, log logrus.FieldLogger) *expiryWatch {
	w := &expiryWatch{clock: c, certs: certs, log: log, said: make([]saying, len(certs))}
	w.look()
	return w
}

// day is how often something is said again, and the longest time between looks.
const day = 24 * time.Hour

// look says what is due and sets the time of the next look.
func (w *expiryWatch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	now := w.clock.Now()
	next := now.Add(day)
	for i, d := range w.certs {
		standing, last := wssec.StandingOf(d.cert, now), w.said[i]
		if standing != wssec.Valid && (standing != last.standing || now.Sub(last.at) >= day) {
			w.say(d, standing, now)
			last.at = now
		}
		w.said[i] = saying{standing, last.at}
		for _, at := range []time.Time{d.cert.NotBefore, d.cert.NotAfter.Add(-wssec.ExpiryNotice), d.cert.NotAfter, last.at.Add(day)} {
			if at.After(now) && at.Before(next) {
				next = at
			}
		}
	}
	w.timer = w.clock.AfterFunc(next.Sub(now), w.look)
}

func (w *expiryWatch) say(d dated, standing wssec.Standing, now time.Time) {
	log := w.log.WithFields(logrus.Fields{"fingerprint": keys.Fingerprint(d.cert), "until": d.cert.NotAfter.UTC().Format(time.RFC3339)})
	whose := "certificate of peer " + d.name + " "
	if d.own {
		whose = "certificate of our actor " + d.name + " "
	}
	text := wssec.ExpiryWarning(d.cert, now)
	switch {
	case standing == wssec.Early:
		log.Warn(whose + "is not valid yet")
	case standing == wssec.Ending:
		log.Warn(whose + text)
	case now.Before(d.until):
		log.WithField("taken", d.until.UTC().Format(time.RFC3339)).Error(whose + text + ", and is taken for some time yet")
	default:
		log.Error(whose + text)
	}
}

// stop ends the looking.
func (w *expiryWatch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	w.timer.Stop()
}
