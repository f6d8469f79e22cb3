package ldapdir

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

var _ directory.Watcher = (*Dir)(nil)

// The operational attributes that are asked for beside an entry's own: who wrote it, and
// when.
const (
	writerAttr = "modifiersName"
	timeAttr   = "modifyTimestamp"
)

// Watch asks the server for RFC 4533's refreshAndPersist, on a connection of its own. It
// asks without a cookie, so that a new call always begins with everything there is.
func (d *Dir) Watch(ctx context.Context, base ldapschema.DN, filter string, each func(directory.Event) error) error {
	if filter == "" {
		filter = "(objectClass=*)"
	}
	if _, err := ldapschema.ParseFilter(filter); err != nil {
		return d.problem("watch", base, err)
	}
	search, err := searchFor(base, filter)
	if err != nil {
		return d.problem("watch", base, fmt.Errorf("%w: %w", ldapschema.ErrFilter, err))
	}
	s, err := d.pool.stream(ctx)
	if err != nil {
		return d.problem("watch", base, errors.Join(err, ctx.Err()))
	}
	defer s.Close()
	defer context.AfterFunc(ctx, func() { s.Close() })()
	if err = s.send(search, ldap.NewControlSyncRequest(ldap.SyncRequestModeRefreshAndPersist, nil, false)); err != nil {
		return d.problem("watch", base, errors.Join(ctx.Err(), err))
	}
	for { // silence is what a quiet directory sounds like
		tag, content, controls, err := s.next()
		if ended := ctx.Err(); ended != nil {
			return d.problem("watch", base, ended)
		}
		var events []directory.Event
		switch {
		case err != nil:
		case tag == tagEntry:
			var ev directory.Event
			if ev, err = told(content, controls); err == nil && ev.Kind != 0 {
				events = append(events, ev)
			}
		case tag == tagIntermediate:
			events, err = s.informed()
		case tag == tagReference: // to what another server keeps: none of ours
		case tag == tagDone:
			if err = s.result(); err == nil {
				err = errors.New("the server ended the watch")
			}
		default:
			err = fmt.Errorf("an answer of unknown kind %#x", tag)
		}
		if err != nil {
			return d.problem("watch", base, err)
		}
		for _, ev := range events {
			if err := each(ev); err != nil {
				return err
			}
		}
	}
}

// searchFor is the search for all entries of a subtree that a filter selects (RFC 4511
// 4.5.1).
func searchFor(base ldapschema.DN, filter string) (*ber.Packet, error) {
	f, err := ldap.CompileFilter(filter)
	if err != nil {
		return nil, err
	}
	number := func(kind ber.Tag, n int64) *ber.Packet {
		return ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, kind, n, "")
	}
	text := func(s string) *ber.Packet {
		return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, s, "")
	}
	p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationSearchRequest, nil, "search")
	p.AppendChild(text(string(base)))
	p.AppendChild(number(ber.TagEnumerated, ldap.ScopeWholeSubtree))
	p.AppendChild(number(ber.TagEnumerated, ldap.NeverDerefAliases))
	p.AppendChild(number(ber.TagInteger, 0)) // no limit of entries
	p.AppendChild(number(ber.TagInteger, 0)) // nor of time
	p.AppendChild(ber.NewBoolean(ber.ClassUniversal, ber.TypePrimitive, ber.TagBoolean, false, "types only"))
	p.AppendChild(f)
	attrs := ber.NewSequence("attributes")
	for _, a := range []string{"*", writerAttr, timeAttr} {
		attrs.AppendChild(text(a))
	}
	p.AppendChild(attrs)
	return p, nil
}

// told is the event that an entry of a watch tells; of kind 0 if it tells none.
func told(content, controls string) (ev directory.Event, err error) {
	_, dn, rest, err := element(content)
	if err != nil {
		return ev, err
	}
	state, id, err := syncState(controls)
	if err != nil {
		return ev, fmt.Errorf("entry %q: %w", dn, err)
	}
	ev.ID, ev.Entry.DN = id, ldapschema.DN(dn)
	switch state {
	case ldap.SyncStateDelete:
		ev.Kind = directory.Gone
		return ev, nil
	case ldap.SyncStatePresent: // only an answer to a cookie says this, and no entry with it
		return directory.Event{}, nil
	}
	ev.Kind = directory.Present
	_, attrs, _, err := element(rest)
	for err == nil && attrs != "" {
		var one, name, set string
		if _, one, attrs, err = element(attrs); err != nil {
			break
		}
		if _, name, set, err = element(one); err != nil {
			break
		}
		if _, set, _, err = element(set); err != nil {
			break
		}
		a := ldapschema.Attr{Name: name}
		for err == nil && set != "" {
			var v string
			_, v, set, err = element(set)
			a.Values = append(a.Values, v)
		}
		switch {
		case len(a.Values) == 0:
		case strings.EqualFold(name, writerAttr):
			ev.Writer = ldapschema.DN(a.Values[0])
		case strings.EqualFold(name, timeAttr):
			ev.At, _ = ldapschema.ParseTime(a.Values[0])
		default:
			ev.Entry.Attrs = append(ev.Entry.Attrs, a)
		}
	}
	if err != nil {
		return directory.Event{}, fmt.Errorf("entry %q: %w", dn, err)
	}
	ev.Entry = ev.Entry.Canonical()
	return ev, nil
}

// syncState reads the sync state control out of an entry's controls (RFC 4533 2.2).
func syncState(controls string) (state ldap.ControlSyncStateState, id string, err error) {
	for controls != "" {
		var one, oid, rest, value string
		var tag byte
		if _, one, controls, err = element(controls); err != nil {
			return 0, "", err
		}
		if _, oid, rest, err = element(one); err != nil {
			return 0, "", err
		}
		if oid != ldap.ControlTypeSyncState {
			continue
		}
		if tag, value, rest, err = element(rest); err == nil && tag == byte(ber.TagBoolean) { // how critical it is
			_, value, _, err = element(rest)
		}
		if err == nil {
			_, value, _, err = element(value)
		}
		if err != nil {
			return 0, "", err
		}
		tag, code, rest, err := element(value)
		n, ok := integer(code)
		if err != nil || tag != byte(ber.TagEnumerated) || !ok {
			return 0, "", errNoState
		}
		if _, id, _, err = element(rest); err != nil || len(id) != 16 {
			return 0, "", errNoState
		}
		h := hex.EncodeToString([]byte(id))
		return ldap.ControlSyncStateState(n), h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:], nil
	}
	return 0, "", errors.New("came without its state: the server does not keep RFC 4533")
}

var errNoState = errors.New("came with a state that cannot be read (RFC 4533 2.2)")

// informed is what the sync info message just read tells (RFC 4533 2.5).
func (s *stream) informed() (events []directory.Event, err error) {
	p, err := ber.DecodePacketErr(s.buf)
	if err != nil || len(p.Children) < 2 {
		return nil, errNoMessage
	}
	control, err := ldap.DecodeControl(p.Children[1])
	if err != nil {
		return nil, err
	}
	info, ok := control.(*ldap.ControlSyncInfo)
	switch {
	case !ok:
	case info.SyncIdSet != nil && info.SyncIdSet.RefreshDeletes:
		for _, id := range info.SyncIdSet.SyncUUIDs {
			events = append(events, directory.Event{Kind: directory.Gone, ID: id.String()})
		}
	case info.RefreshDelete != nil && info.RefreshDelete.RefreshDone,
		info.RefreshPresent != nil && info.RefreshPresent.RefreshDone:
		events = append(events, directory.Event{Kind: directory.Refreshed})
	}
	return events, nil
}
