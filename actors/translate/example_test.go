package translate_test

import (
	"fmt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/translate"
)

func ExampleFault() {
	err := &actors.Error{Op: "authority.extendLease", Reservation: "r7", Kind: actors.Stale, Err: fmt.Errorf("db17: sequence 3 after 4")}
	f := translate.Fault(err)
	fmt.Println(f)
	fmt.Println(translate.KindOf(f))
	// Output:
	// fault InvalidRequest: stale request
	// stale request
}
