package dsig

import "errors"

// Why a signature was refused. Errors of this package wrap one of these.
var (
	ErrShape     = errors.New("signature of another shape")        // elements, attributes or text we do not accept
	ErrAlgorithm = errors.New("signature algorithm not allowed")   // any of the algorithms named
	ErrReference = errors.New("signature reference not allowed")   // URI, transforms, number
	ErrKey       = errors.New("signature key not fit")             // type or length
	ErrSignature = errors.New("signature value does not verify")   // SignedInfo is not what was signed
	ErrDigest    = errors.New("signed element has another digest") // the element is not what was signed
	ErrCollision = errors.New("made to collide under SHA-1")       // what is signed, or was to be
)
