package sim

import "fmt"

// sentence is something a world must keep to.
type sentence string

// What must hold at every step, whatever goes wrong.
const (
	saysOversold  sentence = "a broker never grants more units than were delegated to it, at any instant"
	saysShare     sentence = "a site never gives out more units under a delegation than it delegated"
	saysConserved sentence = "what is held of a delegation and what is free are together what was delegated, and every host is free or has its unit"
	saysOneUnit   sentence = "a host never has two units"
	saysBare      sentence = "nothing of a unit is on a host that is free"
	saysUp        sentence = "a unit that a site calls active is up in the directory"
	saysKnown     sentence = "an entry of a node in the directory belongs to a unit that the site knows"
	saysShared    sentence = "no two entries of a directory have an address, a name or a number in common"
	saysForeign   sentence = "an entry that others wrote is never changed or removed by a site"
	saysEdited    sentence = "what an operator wrote into an entry stays while the entry is needed"
	saysSequence  sentence = "a sequence number never goes back and never means two things"
	saysExplained sentence = "what a peer was told is on the disk of the one who said it"
	saysLegal     sentence = "a reservation makes only the moves of its role's table"
	saysJoined    sentence = "a guest joins only what its site has set up"
	saysAfter     sentence = "a reservation goes on only when those it comes after are ready, or over"
	saysOwnClock  sentence = "a lease begins and ends by the clock of the one who does it, and not before its term says so"
	saysTime      sentence = "an actor's time does not go back, not even over a restart, unless its operator wants it to"
	saysMeasured  sentence = "a peer's clock is as far off as it is shown to be"
	saysWaits     sentence = "whoever waits says for what, and goes on by itself when nobody answers"
	saysTaken     sentence = "no unit is taken from a guest that uses it before the term is over"
	saysTicketed  sentence = "a lease has no more units in use than its ticket gives it"
	saysGivenBack sentence = "a ticket goes back when its site has said that it is not in use, or when its term is over"
	saysTakenBack sentence = "a manager believes that its units were taken back only when they were"
	saysAgain     sentence = "what is over does not begin again"
	saysOnce      sentence = "a ticket is redeemed for one reservation"
	saysAccused   sentence = "whoever is accused of overselling has done it, and has signed the proof"
	saysClient    sentence = "a reservation obeys nobody but those it is about"
	saysOwed      sentence = "a restart takes up everything that was under way"
	saysForged    sentence = "a message that its sender did not sign, now and for its receiver, is refused"
	saysOneCall   sentence = "a driver is called for one thing at a time on each unit"
	saysRestored  sentence = "a restart from the disk shows what was shown before it"
	saysReadable  sentence = "whatever was saved can be read again"
	saysWritable  sentence = "whatever is saved can be written"
	saysSendable  sentence = "whatever an actor asks for can be carried out"
	saysAddressed sentence = "every message is for an actor of the federation"
	saysLoadable  sentence = "a site understands the directory it wrote"
)

// What must hold when the faults are over and time has passed.
const (
	saysOver     sentence = "every reservation is over"
	saysFree     sentence = "every host is free, or in quarantine with what could not be removed"
	saysClean    sentence = "nothing of a lease that is over is left in the directory"
	saysKept     sentence = "what others wrote into a directory is still there"
	saysQuiet    sentence = "nobody waits for anybody"
	saysLastOne  sentence = "all that is left of a site can be leased again"
	saysOblivion sentence = "no record of what is over is kept for ever"
	saysPeace    sentence = "a world comes to rest"
	saysRepeats  sentence = "a seed always gives the same world"
)

// Sentences lists what every world is judged by, safety first.
func Sentences() []string {
	var out []string
	for _, s := range []sentence{
		saysOversold, saysShare, saysConserved, saysOneUnit, saysBare, saysUp, saysKnown, saysShared, saysForeign, saysEdited, saysSequence,
		saysExplained, saysLegal, saysJoined, saysAfter, saysOwnClock, saysTime, saysMeasured, saysWaits,
		saysTaken, saysTicketed, saysGivenBack, saysTakenBack, saysAgain, saysOnce, saysAccused, saysClient,
		saysOwed, saysForged, saysOneCall, saysRestored, saysReadable, saysWritable, saysSendable,
		saysAddressed, saysLoadable,
		saysOver, saysFree, saysClean, saysKept, saysQuiet, saysLastOne, saysOblivion, saysPeace, saysRepeats,
	} {
		out = append(out, string(s))
	}
	return out
}

// Failure is a world that broke a sentence, or a seed whose two runs differ.
type Failure struct {
	Seed     uint64
	At       float64 // seconds since the world's start
	Sentence string  // what was broken
	Detail   string
	Trace    []string // the last that happened, oldest first
}

// Error names the seed, the sentence and what contradicts it, without the trace.
func (f *Failure) Error() string {
	return fmt.Sprintf("seed %d, second %.3f: broken: %s: %s", f.Seed, f.At, f.Sentence, f.Detail)
}

// fail notes the first sentence that is broken; the world stops there.
func (w *world) fail(s sentence, format string, args ...any) {
	if w.failure == nil {
		w.failure = &Failure{Seed: w.seed, At: seconds(w.now), Sentence: string(s), Detail: fmt.Sprintf(format, args...)}
	}
}
