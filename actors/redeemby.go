package actors

import "strconv"

// PropRedeemBy is the property of a ticket with the last instant, in milliseconds since
// 1970, at which it may be redeemed. A ticket that nobody uses flows back to its seller
// then, instead of keeping its units idle to the end of its term.
const PropRedeemBy = "redeem.by"

// RedeemBy is the last instant at which a ticket may be redeemed; Forever when it does
// not say. It says nothing about extensions.
func (t Ticket) RedeemBy() Millis {
	if ms, err := strconv.ParseInt(t.Properties[PropRedeemBy], 10, 64); err == nil && ms > 0 {
		return Millis(ms)
	}
	return Forever
}
