package host

import (
	"errors"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/actors"
)

// subject is whom and what an event is about, for logs and errors.
type subject struct {
	peer        actors.ActorID
	reservation actors.ReservationID
	message     string
}

func subjectOf(ev actors.Event) subject {
	switch ev := ev.(type) {
	case actors.Receive:
		return subject{ev.Message.From, ev.Message.Reservation, ev.Message.ID}
	case actors.SendFailed:
		return subject{ev.Message.To, ev.Message.Reservation, ev.Message.ID}
	case actors.ActionDone:
		return subject{reservation: ev.Reservation}
	case actors.ActionsDone:
		return subject{reservation: ev.Reservation}
	case actors.UnitChanged:
		return subject{reservation: ev.Reservation}
	case actors.Request:
		return subject{reservation: ev.Reservation}
	case actors.Extend:
		return subject{reservation: ev.Reservation}
	case actors.Close:
		return subject{reservation: ev.Reservation}
	case actors.Export:
		return subject{peer: ev.Holder}
	}
	return subject{}
}

// refused logs a step's error: the one place where its cause is written down.
// What the machine says about peer, reservation and message goes before what the
// event says.
func (h *Host) refused(ev actors.Event, err error) {
	about := subjectOf(ev)
	var e *actors.Error
	if errors.As(err, &e) {
		if e.Peer != "" {
			about.peer = e.Peer
		}
		if e.Reservation != "" {
			about.reservation = e.Reservation
		}
		if e.Message != "" {
			about.message = e.Message
		}
	}
	kind := actors.KindOf(err)
	fields := logrus.Fields{"kind": kind.Error()}
	for name, value := range map[string]string{
		"peer": string(about.peer), "reservation": string(about.reservation), "message": about.message,
	} {
		if value != "" {
			fields[name] = value
		}
	}
	log := h.cfg.Log.WithFields(fields).WithError(err)
	switch kind {
	case actors.Other:
		log.Error("a step failed")
	case actors.Invalid, actors.Denied:
		log.Warn("refused")
	default:
		log.Info("refused")
	}
}
