package manage

import (
	"strings"
	"testing"
	"time"
)

func TestAdvise(t *testing.T) {
	t.Parallel()
	p := Pace{Actor: Party{Name: "site"}, Setup: time.Minute, SetupSlow: 2 * time.Minute, Setups: 9, TeardownSlow: 5 * time.Second, Teardowns: 3}
	for _, tt := range []struct {
		term time.Duration
		want string
	}{
		{time.Hour, "at site set-up takes 1m0s, up to 2m0s, of the term itself: 98% of it is of use, at least 97%; teardown of the lease before may delay it by 5s"},
		{3 * time.Minute, "67% of it is of use, at least 33%; teardown of the lease before may delay it by 5s|warning: the term is short: half of it and more may go into setting up its units"},
		{time.Minute, "0% of it is of use, at least 0%; teardown of the lease before may delay it by 5s|warning: the term is over before its units are usually up"},
	} {
		if got := strings.Join(p.Advise(tt.term), "|"); !strings.HasSuffix(got, tt.want) {
			t.Errorf("%v: %s", tt.term, got)
		}
	}
	if p.Advise(0) != nil || (Pace{}).Advise(time.Hour) != nil {
		t.Error("it says something of nothing")
	}
}
