package translate_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmltree"
)

func TestFault(t *testing.T) {
	for kind, want := range map[actors.Kind]wire.FaultCode{
		actors.Other: wire.FaultUnknown, actors.Invalid: wire.FaultInvalidRequest, actors.Stale: wire.FaultInvalidRequest,
		actors.Denied: wire.FaultAuthorization, actors.Exhausted: wire.FaultRemoteError, actors.Transient: wire.FaultRemoteError,
		actors.NotFound: wire.FaultInvalidRequest,
	} {
		secret := errors.New("password of db17 is hunter2")
		f := translate.Fault(fmt.Errorf("endpoint: %w", &actors.Error{Op: "x.y", Kind: kind, Err: secret}))
		if f.Code != want || f.String != kind.Error() || f.Detail != "" {
			t.Errorf("%v: %#v", kind, f)
		}
		octets := soap.EncodeFault(nil, f)
		if strings.Contains(string(octets), "hunter2") {
			t.Errorf("%v: the cause leaks: %s", kind, octets)
		}
		doc, err := xmltree.Parse(octets, xmltree.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		_, n, err := soap.DecodeEnvelope(doc)
		if err != nil {
			t.Fatal(err)
		}
		back, err := soap.DecodeFault(n)
		if err != nil || translate.KindOf(back) != kind {
			t.Errorf("%v came back as %v, %v", kind, translate.KindOf(back), err)
		}
	}
	if f := translate.Fault(fmt.Errorf("read: %w", &wire.Error{What: "x"})); f.Code != wire.FaultInvalidRequest {
		t.Errorf("a codec's error is %v", f)
	}
	if f := translate.Fault(errors.New("disk full")); f.Code != wire.FaultUnknown || f.String != "internal error" {
		t.Errorf("an error without a kind is %v", f)
	}
}

func TestKindOf(t *testing.T) {
	for _, tt := range []struct {
		fault wire.Fault
		want  actors.Kind
	}{
		{wire.Fault{}, actors.Other},
		{wire.Fault{Code: wire.FaultAuthorization, String: "Unauthorized request"}, actors.Denied},
		{wire.Fault{Code: wire.FaultInvalidRequest, String: "Invalid ticket request"}, actors.Invalid},
		{wire.Fault{Code: wire.FaultRemoteError, String: "An error occurred while dispatching request"}, actors.Transient},
		{wire.Fault{Code: wire.FaultLocalError, String: "Unexpected subelement x"}, actors.Invalid},
		{wire.Fault{Code: wire.FaultNetworkError}, actors.Transient},
		{wire.Fault{Code: wire.FaultTimeout}, actors.Transient},
		{wire.Fault{Code: wire.FaultUnknown, String: "not allowed"}, actors.Other},          // text of another code
		{wire.Fault{Code: wire.FaultAuthorization, String: "stale request"}, actors.Denied}, // the code decides
		{wire.Fault{Code: 99}, actors.Other},
	} {
		if got := translate.KindOf(tt.fault); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.fault, got, tt.want)
		}
	}
}
