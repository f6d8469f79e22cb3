package sim

// mutant is one way in which tests break a world on purpose, to see that a judge
// notices. The machines, codecs and cod are never touched: what surrounds them is.
type mutant uint8

const (
	nothingBroken   mutant = iota
	sendsBeforeSave        // a process that dies before it saved has already sent
	losesRecords           // now and then a record is not written
	givesHostTwice         // a setup is driven on a host that has another unit
	leavesRemains          // a driver says that it tore down and did not
	sharesAddress          // an entry is written with the address of another
	skipsSignatures        // messages are read without opening them
	admitsReplays          // a message is opened as often as it comes
	sellsMore              // a broker believes that it was given one unit more
	readsMapOrder          // something depends on the order of a map
)
