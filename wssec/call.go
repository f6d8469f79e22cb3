package wssec

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/xmlrpc"
)

// Calls of XML-RPC have no header, so who calls and what proves it stand in a struct
// that is their first parameter, auth (xmlrpc-leasing 5). What is signed is not the XML,
// which every library writes in its own way, but the values:
//
//	"orca-xmlrpc-sig-1" LF canonical([method, auth without sig, request])
//
// call_seal.go writes auth, call_open.go reads it.

// callPrefix begins what is signed.
const callPrefix = "orca-xmlrpc-sig-1\n"

// responseSuffix makes the method of an answer, so that no answer is a call.
const responseSuffix = "Response"

// Names of algorithms in auth.
const (
	callRSA   = "RSA-SHA256"   // PKCS #1 v1.5
	callECDSA = "ECDSA-SHA256" // as ASN.1
)

// Members of auth.
const (
	authName    = "name"
	authGUID    = "guid"
	authCert    = "cert"
	authTime    = "time"
	authNonce   = "nonce"
	authAlg     = "alg"
	authSig     = "sig"
	authTo      = "to"        // GUID of the callee; ours, not of the document
	authReplyTo = "inReplyTo" // of an answer: nonce of the call
)

// MaxNonce is the longest nonce taken, in octets.
const MaxNonce = 64

// AppendCallOctets appends what is signed of a call, or of an answer.
func AppendCallOctets(dst []byte, method string, auth, request xmlrpc.Value) ([]byte, error) {
	dst = append(dst, callPrefix...)
	return appendValue(dst, xmlrpc.Array(xmlrpc.String(method), auth.Without(authSig), request))
}

// appendValue appends the canonical octets of a value (xmlrpc-leasing 5.1).
func appendValue(dst []byte, v xmlrpc.Value) (_ []byte, err error) {
	switch v.Kind() {
	case xmlrpc.KindString:
		s, _ := v.Text()
		return appendString(dst, s)
	case xmlrpc.KindInt, xmlrpc.KindLong:
		n, _ := v.Int()
		return append(strconv.AppendInt(append(dst, 'i'), n, 10), ';'), nil
	case xmlrpc.KindBool:
		if yes, _ := v.Bool(); yes {
			return append(dst, "b1;"...), nil
		}
		return append(dst, "b0;"...), nil
	case xmlrpc.KindBase64:
		s, _ := v.Raw()
		return appendCounted(dst, 'x', s), nil
	case xmlrpc.KindArray:
		dst = append(strconv.AppendInt(append(dst, 'a'), int64(v.Len()), 10), ':')
		for item := range v.Items() {
			if dst, err = appendValue(dst, item); err != nil {
				return nil, err
			}
		}
		return dst, nil
	case xmlrpc.KindStruct:
		dst = append(strconv.AppendInt(append(dst, 'm'), int64(v.Len()), 10), ':')
		for _, m := range v.Sorted() {
			if dst, err = appendString(dst, m.Name); err != nil {
				return nil, err
			}
			if dst, err = appendValue(dst, m.Value); err != nil {
				return nil, err
			}
		}
		return dst, nil
	}
	return nil, fmt.Errorf("a %v, which nothing that is signed may hold", v.Kind())
}

// appendString refuses what XML would change on the way: the other side would sign
// something else.
func appendString(dst []byte, s string) ([]byte, error) {
	if bad := wire.FirstIllegal(s); bad >= 0 {
		return nil, fmt.Errorf("a string: %s", wire.IllegalText(s, bad))
	}
	if strings.IndexByte(s, '\r') >= 0 {
		return nil, errors.New("a string with a carriage return, which XML does not keep")
	}
	return appendCounted(dst, 's', s), nil
}

func appendCounted(dst []byte, mark byte, s string) []byte {
	dst = append(strconv.AppendInt(append(dst, mark), int64(len(s)), 10), ':')
	return append(dst, s...)
}
