package registry

import (
	"slices"

	"github.com/leasehold/leasehold/actors"
)

// rights is what the roles of two actors let the second ask of the first
// (wire contract 2.1). Everything that is not here is refused.
var rights = map[[2]actors.Role][]actors.Op{
	{actors.RoleBroker, actors.RoleManager}:    {actors.OpTicket, actors.OpExtendTicket, actors.OpRelinquish},
	{actors.RoleBroker, actors.RoleBroker}:     {actors.OpTicket, actors.OpExtendTicket, actors.OpRelinquish, actors.OpUpdateTicket},
	{actors.RoleAuthority, actors.RoleManager}: {actors.OpRedeem, actors.OpExtendLease, actors.OpModifyLease, actors.OpClose},
	{actors.RoleAuthority, actors.RoleBroker}:  {actors.OpClaim},
	{actors.RoleBroker, actors.RoleAuthority}:  {actors.OpUpdateTicket},
	{actors.RoleManager, actors.RoleBroker}:    {actors.OpUpdateTicket},
	{actors.RoleManager, actors.RoleAuthority}: {actors.OpUpdateLease},
}

// common is what any actor takes from any peer.
var common = []actors.Op{actors.OpQuery, actors.OpQueryResult, actors.OpFailedRPC}

// Rights are the operations an actor of role callee takes from one of role
// caller, in the order in which a lease needs them. The slice must not be changed.
func Rights(callee, caller actors.Role) []actors.Op {
	return slices.Concat(rights[[2]actors.Role{callee, caller}], common)
}
