package actors

// QueryAction names what a query asks, and QueryResponse repeats it in the answer
// (wire contract 7).
const (
	QueryAction   = "query.action"
	QueryResponse = "query.response"
)

// Answer is the queryResult that self sends to a query. An actor with nothing to
// say answers with an empty list, as legacy policies do (wire contract 7.1).
func Answer(query Message, self ActorID, found Properties) Message {
	return Message{Op: OpQueryResult, From: self, To: query.From, RequestID: query.ID, Properties: found, ReplyTo: query.ReplyTo}
}
