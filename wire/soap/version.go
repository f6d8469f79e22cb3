package soap

import (
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/xmltree"
)

// Version is a version of SOAP. Actors speak 1.1 and nothing else; node agents take
// either, and answer in that of the request (nodeagent 1).
type Version uint8

// The versions.
const (
	V11 Version = iota + 1
	V12
)

// versions is what is different about them: their namespace, the media type of an
// envelope, the Content-Type that this side writes, and what faults call who is to blame.
var versions = [...]struct{ space, media, contentType, sender, receiver string }{
	V11: {EnvelopeNS, "text/xml", PlainType, "Client", "Server"},
	V12: {envelope12NS, "application/soap+xml", "application/soap+xml; charset=UTF-8", "Sender", "Receiver"},
}

// ContentType is that of an envelope that is sent.
func (v Version) ContentType() string { return versions[v].contentType }

// Envelope is [EncodeEnvelope] for either version.
func (v Version) Envelope(dst, header, body []byte) []byte {
	dst = append(dst, `<soapenv:Envelope xmlns:soapenv="`+versions[v].space+`">`...)
	if len(header) > 0 {
		dst = append(dst, headerOpen...)
		dst = append(dst, header...)
		dst = append(dst, headerClose...)
	}
	dst = append(dst, bodyOpen...)
	dst = append(dst, body...)
	return append(dst, envelopeClose...)
}

// Fault appends a whole envelope that says why a request was not carried out, and whether
// that is its sender's doing, in the codes that SOAP itself has (SOAP 1.1 4.4, SOAP 1.2
// part 1, 5.4). It gives the HTTP status to send it with: 1.2 has one for senders (SOAP
// 1.2 part 2, 7.5.2.2).
func (v Version) Fault(dst []byte, sender bool, text string) (envelope []byte, status int) {
	code, status := versions[v].receiver, 500
	if sender {
		code = versions[v].sender
		if v == V12 {
			status = 400
		}
	}
	said, _ := wire.AppendText(nil, wire.Clean(text)) // clean text is carried
	var fault string
	if v == V12 {
		fault = `<soapenv:Code><soapenv:Value>soapenv:` + code + `</soapenv:Value></soapenv:Code><soapenv:Reason><soapenv:Text xml:lang="en">` +
			string(said) + `</soapenv:Text></soapenv:Reason>`
	} else {
		fault = `<faultcode>soapenv:` + code + `</faultcode><faultstring>` + string(said) + `</faultstring>`
	}
	return v.Envelope(dst, nil, []byte(`<soapenv:Fault>`+fault+`</soapenv:Fault>`)), status
}

// UnpackEither is [Unpack] for either version, which the Content-Type tells. It gives the
// version also with an error, to answer in: 1.1 if nobody can tell. The action is the parameter
// that SOAP 1.2 has for it (RFC 3902 2), which of 1.1 is empty: there a header of its own
// names it.
func UnpackEither(contentType string, body []byte) (envelope []byte, v Version, action string, err error) {
	media, params, err := parseMedia(contentType)
	if err != nil {
		return nil, V11, "", err
	}
	v = V11
	if media == versions[V12].media || media == multipart && V12.is(params["start-info"]) {
		v, action = V12, params["action"]
	}
	envelope, _, err = v.unpack(contentType, body)
	return envelope, v, action, err
}

// Decode is [DecodeEnvelope] for an envelope of this version, and of no other: what its
// packaging says is what it has to be.
func (v Version) Decode(doc *xmltree.Document) (header, payload xmltree.Node, err error) {
	return decodeEnvelope(doc, v)
}
