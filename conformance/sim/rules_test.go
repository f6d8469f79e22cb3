package sim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// rules is the subtle rules of the notes on leasing, row by row, in our words and with what
// is ours where we differ (divergences.md). Each has a story in testdata in which it can be
// read, and a line of that story; or, where no story of one federation can tell it, a test
// of the package that keeps it.
var rules = []struct{ row, rule, story, line string }{
	{"1.3.4 row 1", "a failed reservation that is closed by hand has nothing left at broker and site", "failedbyhand", "site1   R1 Active,None > Active,Closing: the client closed it"},
	{"1.3.4 row 1b", "a site that never hears of the failure ends its part by itself", "failedunheard", "site1   R1 Active,None > Active,Closing: its term is over"},
	{"1.3.4 row 2", "a renewal that is refused is silent: the lease runs to its old end", "refusedrenewal", "sm1   R1 Active,None,NoJoin > Active,Closing,NoJoin: its term ends"},
	{"1.3.4 row 3", "an extension does not let a unit join before its predecessor has", "blockedextend", "sm1   R2 ActiveTicketed,ExtendingLease,BlockedJoin > Active,None,BlockedJoin: the site extended the lease"},
	{"1.3.4 row 4", "units go on joining while the lease is extended", "overlap", "sm1   R1 ActiveTicketed,None,Joining > ActiveTicketed,ExtendingLease,Joining: time to extend the lease"},
	{"1.3.4 row 5", "a lease that is smaller than its ticket is a lease", "partialpriming", "site1   R1 Ticketed,Priming > Active,None: 1 units are set up"},
	{"1.3.4 row 6", "in CloseWait an update that answers the close ends it, whatever it brings", "lostclose", "sm1   R1 CloseWait,None,NoJoin > Closed,None,NoJoin: the site took the units back"},
	{"1.3.4 row 7", "a ticket goes back once, under a number of its own", "lostrelinquish", "broker takes relinquish R1#2"},
	{"1.3.4 row 8", "a restart asks again for the leaves that have not ended, under the same numbers", "rebootleave", "sm1 runs leave c94ae4 of R1 #2"},
	{"1.4 redeem gate", "a redeem waits for its predecessor's lease", "blockedredeem", "sm1   R2 Ticketed,None,BlockedRedeem > Ticketed,Redeeming,NoJoin: predecessors are ready"},
	{"1.4 join gate", "a join waits until its predecessor has joined", "blockedjoin", "sm1   R2 Active,None,BlockedJoin > Active,None,Joining: predecessors are ready"},
	{"1.4 skipped", "a predecessor that comes to nothing is not waited for, unless it is needed", "failedpredecessor", "sm1   R3 Nascent,Ticketing,NoJoin > Failed,None,NoJoin: reservation R1, which it comes after, is Failed"},
	{"1.4 properties", "filters say which properties of a predecessor are passed on", "actors/manager", "TestCheck13Filters"},
	{"1.4 upcall", "a plugin is asked before a gate opens", "actors/manager", "TestGatekeeper"},
	{"1.5 B10", "a broker whose operator closes does not sell the units before the term is over", "brokerclose", "sm1   R2 Nascent,Ticketing,NoJoin > Failed,None,NoJoin: ticket refused: insufficient resources"},
	{"1.6.1 deficit", "priming that fails for some units gives a smaller lease", "partialpriming", "sm1 takes updateLease R1#1 1 units"},
	{"1.6.1 none", "priming that fails for all of them fails the lease", "failedpriming", "site1   R1 Ticketed,Priming > Failed,None: no unit could be set up"},
	{"1.8 extend", "a broker extends what it has bought, and sells on", "soldon", "broker2   H1 Ticketed,None > Ticketed,ExtendingTicket"},
	{"1.8 refused", "a standing order that is refused is tried again", "soldonrefused", "broker2   H1 Failed,None > Nascent,None"},
	{"1.9 equal", "a request that comes twice under one number is answered twice and done once", "duplicate", "site1 takes redeem R1#1"},
	{"1.9 smaller", "a request of a lower number than the last is refused", "unknown", "broker refuses takes ticket R1#1 1 units 10.000..10.000..19.999: stale request"},
	{"1.9 in progress", "a higher number while something is under way is taken, or refused so that it comes again", "actors/authority", "TestMatrix"},
	{"2.6 bid", "an extendTicket may be nearly a cycle late", "latebid", "sm1   R2 Active,ExtendingTicket,NoJoin > ActiveTicketed,None,NoJoin: the broker extended the ticket"},
	{"2.6 extension", "an extendLease may be nearly a cycle late", "lateextend", "sm1   R2 ActiveTicketed,ExtendingLease,NoJoin > Active,None,Joining: the site extended the lease"},
	{"2.6 close", "and with more than that the site ends the lease", "lateextend", "site1   R1 Active,None > Active,Closing: its term is over"},
	{"2.7 late ticket", "a ticket that is asked for after its start is for what is left", "lateticket", "broker   R1 Nascent,Ticketing > Ticketed,Priming: granted"},
	{"2.7 first tick", "a ticket that is asked for before the broker's first tick waits for it", "firsttick", "  1.000 broker   R1 Nascent,Ticketing > Ticketed,Priming: granted"},
	{"2.7 late extend", "a late extension is granted whenever it comes before the end", "latebid", "broker   R2 Ticketed,ExtendingTicket > Ticketed,Priming: granted"},
	{"2.7 early redeem", "an early redeem waits until the start", "life", " 10.000 site1   R1 Ticketed,Redeeming > Ticketed,Priming: 2 of 2 hosts assigned"},
	{"2.7 late redeem", "a late redeem is served in the next cycle", "lateredeem", "sm1   R1 Ticketed,Redeeming,NoJoin > Closed,None,NoJoin: the site did not answer before the term was over"},
	{"2.7 redeem after the end", "a redeem behind its term is refused", "lateredeem", "site1 refuses takes redeem R1#1: invalid request"},
	{"2.7 extension after the close", "an extension that comes when the site closes does not revive the lease", "skewsite", "site1   R1 Active,None > Active,Closing: its term is over"},
	{"2.7 extension by hand", "an extension that somebody asks for early begins at the old end", "grow", " 20.000 site1   R1 Active,ExtendingLease > Active,Priming: 2 of 2 hosts assigned"},
	{"2.7 unknown", "what is given back before it was asked for is not granted behind that", "unknown", "broker   R1 Nascent,Ticketing > Closed,None: given back before it was asked for"},
	{"2.8 tolerance, ahead", "a site that is less than a cycle ahead costs nothing", "skewahead", "sm1   R1 Active,None,NoJoin > Active,Closing,NoJoin: asked to close"},
	{"2.8 tolerance, behind", "nor one that is less than a cycle behind", "skewbehind", "sm1   R1 Active,None,NoJoin > Active,Closing,NoJoin: asked to close"},
	{"2.8 site ahead", "a site that is further ahead ends the lease before the extension", "skewsite", "site1   R1 Active,None > Active,Closing: its term is over"},
	{"2.8 manager ahead", "a manager that is further ahead keeps its renewals here", "skewmanager", "sm1   R1 Active,ExtendingTicket,NoJoin > ActiveTicketed,None,NoJoin: the broker extended the ticket"},
	{"2.8 jump ahead", "a clock that jumps ends what is its actor's, and nothing of others", "jumpahead", " 28.000 sm2   R2 Active,None,NoJoin > Active,Closing,NoJoin: its term ends"},
	{"2.8 cheat", "a manager cannot keep a lease by its clock", "cheat", " 20.000 site1   R1 Active,None > Active,Closing: its term is over"},
	{"2.8 set back", "what was decided by a clock that is set back afterwards stays decided", "setback", "the clock of site1 is off by +0.000 s"},
	{"2.9 leave", "a guest that leaves late has its units taken", "lateleave", "site1   R1 Active,None > Active,Closing: its term is over"},
	{"2.9 successor", "the teardown is charged to the next holder, who waits for it", "cheat", " 21.000 site1   R2 Ticketed,Redeeming > Ticketed,Priming: 2 of 2 hosts assigned"},
	{"3.4 same", "an extension of the same size keeps the units", "life", "site1   R1 Active,ExtendingLease > Active,Priming: 0 of 0 hosts assigned"},
	{"3.4 grow", "a growing one keeps them and gets more at the boundary", "grow", "site1   R1 Active,ExtendingLease > Active,Priming: 2 of 2 hosts assigned"},
	{"3.4 shrink", "a shrinking one lets units go before it", "shrink", "the extension is for fewer units"},
	{"3.4 order", "at a boundary what shrinks goes first, then what grows, then what is new", "boundary", " 21.000 site1   R3 Active,ExtendingLease > Active,Priming: 1 of 1 hosts assigned\n 21.000 site1   R1 Ticketed,Redeeming > Ticketed,Priming"},
	{"3.4 victims", "the lessee says which units go", "actors/authority", "TestVictims"},
	{"3.5 modify", "a modify runs on every unit and moves neither units nor term", "modify", "sm1   R1 Active,ModifyingLease,NoJoin > Active,None,NoJoin: the site ran modify 1"},
	{"3.6 manager's expiry", "the manager ends at cycle(end)-1", "firsttick", " 18.000 sm1   R1 Active,None,NoJoin > Active,Closing,NoJoin: its term ends"},
	{"3.6 broker's expiry", "the broker at cycle(end)", "lostclose", " 19.000 broker   R1 Ticketed,None > Closed,None: the term is over"},
	{"3.6 site's expiry", "the site at cycle(end)+1", "lateleave", " 20.000 site1   R1 Active,None > Active,Closing: its term is over"},
	{"3.6 early close", "a close goes to the site, its last word back, and then the ticket to the broker", "life", "sm1 sends relinquish R1#3 to broker"},
	{"3.6 early close by the site", "the manager closes too", "siteclose", "sm1   R1 Active,None,NoJoin > Active,Closing,NoJoin: the site ended the lease"},
	{"3.6 refused ticket", "a refused ticket holds nothing", "refused", "sm1   R1 Nascent,Ticketing,NoJoin > Failed,None,NoJoin: ticket refused"},
	{"3.6 failed setup", "a unit that cannot be set up is taken down and missing", "partialpriming", "site1 runs teardown"},
	{"3.6 failed join", "a unit that does not join is dropped, and the lease goes on with the others", "partialjoin", "sm1   R1 Active,None,Joining > Active,None,NoJoin: all units have joined"},
	{"3.6 no join", "with none of them the reservation fails", "failedjoin", "sm1   R1 Active,None,Joining > Failed,None,NoJoin: no unit joined"},
	{"3.6 failed leave", "a unit that does not leave counts as gone", "failedleave", "sm1   R1 Active,Closing,NoJoin > CloseWait,None,NoJoin: all units have left"},
	{"3.6 failed teardown", "a host that cannot be torn down is leased to nobody", "failedteardown", "site1   R2 Ticketed,Redeeming > Ticketed,Priming: 1 of 2 hosts assigned"},
	{"3.7 requests", "a lower number that arrives behind a higher one changes nothing", "overtaken", "site1   R1 Ticketed,None > Closed,None: closed before it was redeemed"},
	{"3.7 actions", "a result that is not of the unit's last action changes nothing", "overtakenaction", "site1 hears that teardown aee8cc of R1 #2 ended with 0"},
	{"3.7 after a crash", "what is asked again after a crash has the number it had", "reboot", "sm1 sends redeem R1#1 to site1"},
	{"3.9 elastic", "an elastic request takes what there is", "elastic", "broker sends updateTicket R2#1 1 units 10.000..10.000..19.999 to sm1"},
	{"3.9 deferrable", "a deferrable one is put off as a whole", "elastic", "broker sends updateTicket R3#1 4 units 20.000..20.000..24.999 to sm1"},
	{"3.9 deadline", "and refused as soon as it cannot be over in time", "elastic", "broker   R4 Nascent,Ticketing > Failed,None: refused: insufficient resources: 4 units are not free over the whole term"},
	{"3.9 groups", "a request group is granted with one start or not at all", "actors/broker", "TestGroupsAllOrNone"},
	{"6.3 order", "nothing is said before it is saved", "fulldisk", "site1 cannot save"},
	{"6.4 grant", "a broker that dies behind its grant grants the same again", "grant", "broker dies after it saved"},
}

// TestRules looks for each rule in its story.
func TestRules(t *testing.T) {
	t.Parallel()
	told := map[string]bool{}
	for _, r := range rules {
		if told[r.row] {
			t.Errorf("%s is told twice", r.row)
		}
		told[r.row] = true
		if strings.Contains(r.story, "/") {
			files, err := filepath.Glob(filepath.Join("../..", r.story, "*_test.go"))
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, file := range files {
				data, err := os.ReadFile(file)
				found = found || err == nil && strings.Contains(string(data), "\nfunc "+r.line+"(t ")
			}
			if !found {
				t.Errorf("%s: %s has no %s", r.row, r.story, r.line)
			}
			continue
		}
		data, err := os.ReadFile(filepath.Join("testdata", r.story+".txt"))
		if err != nil {
			t.Errorf("%s: %v", r.row, err)
			continue
		}
		if _, happened, _ := strings.Cut(string(data), "----\n"); !strings.Contains(happened, r.line) {
			t.Errorf("%s: in %s nothing says %q", r.row, r.story, r.line)
		}
	}
}
