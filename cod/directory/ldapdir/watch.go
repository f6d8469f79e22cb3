package ldapdir

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-ldap/ldap/v3"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

var _ directory.Watcher = (*Dir)(nil)

// watched is what is asked for of each entry: all of its own attributes, and who
// wrote it, and when.
var watched = []string{"*", "modifiersName", "modifyTimestamp"}

// Watch asks the server for RFC 4533's refreshAndPersist, on a connection of its
// own: go-ldap holds up every other answer on one whose reader is slow. It asks
// without a cookie, so that a new call always begins with everything there is.
func (d *Dir) Watch(ctx context.Context, base ldapschema.DN, filter string, each func(directory.Event) error) error {
	if filter == "" {
		filter = "(objectClass=*)"
	}
	if _, err := ldapschema.ParseFilter(filter); err != nil {
		return d.problem("watch", base, err)
	}
	c, err := d.pool.dial(ctx)
	if err != nil {
		return d.problem("watch", base, errors.Join(err, ctx.Err()))
	}
	defer c.Close()
	c.SetTimeout(0) // silence is what a quiet directory sounds like
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The search itself only ends with the server's answer or the connection.
	defer context.AfterFunc(ctx, func() { c.Close() })()
	req := ldap.NewSearchRequest(string(base), ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, filter, watched, nil)
	res := c.Syncrepl(ctx, req, 256, ldap.SyncRequestModeRefreshAndPersist, nil, false)
	for res.Next() {
		if err := d.tell(base, res, each); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return d.problem("watch", base, err)
	}
	if err := res.Err(); err != nil {
		return d.problem("watch", base, err)
	}
	return d.problem("watch", base, errors.New("the server ended the watch"))
}

// tell passes on one message of the server.
func (d *Dir) tell(base ldapschema.DN, res ldap.Response, each func(directory.Event) error) error {
	if e := res.Entry(); e != nil {
		state, _ := ldap.FindControl(res.Controls(), ldap.ControlTypeSyncState).(*ldap.ControlSyncState)
		if state == nil {
			return d.problem("watch", base, fmt.Errorf("entry %q came without its state: the server does not keep RFC 4533", e.DN))
		}
		ev := directory.Event{Kind: directory.Present, ID: state.EntryUUID.String()}
		switch state.State {
		case ldap.SyncStateDelete:
			ev.Kind, ev.Entry.DN = directory.Gone, ldapschema.DN(e.DN)
			return each(ev)
		case ldap.SyncStatePresent:
			return nil // only an answer to a cookie says this, and no entry with it
		}
		ev.Writer = ldapschema.DN(e.GetAttributeValue("modifiersName"))
		ev.At, _ = ldapschema.ParseTime(e.GetAttributeValue("modifyTimestamp"))
		ev.Entry = entry(e)
		ev.Entry.Attrs = slices.DeleteFunc(ev.Entry.Attrs, func(a ldapschema.Attr) bool { return a.Name == "modifiersName" || a.Name == "modifyTimestamp" })
		ev.Entry = ev.Entry.Canonical()
		return each(ev)
	}
	for _, control := range res.Controls() {
		info, ok := control.(*ldap.ControlSyncInfo)
		if !ok {
			continue
		}
		switch {
		case info.SyncIdSet != nil && info.SyncIdSet.RefreshDeletes:
			for _, id := range info.SyncIdSet.SyncUUIDs {
				if err := each(directory.Event{Kind: directory.Gone, ID: id.String()}); err != nil {
					return err
				}
			}
		case info.RefreshDelete != nil && info.RefreshDelete.RefreshDone,
			info.RefreshPresent != nil && info.RefreshPresent.RefreshDone:
			if err := each(directory.Event{Kind: directory.Refreshed}); err != nil {
				return err
			}
		}
	}
	return nil
}
