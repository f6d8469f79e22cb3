package actors

import (
	"fmt"
	"testing"
)

func TestSurplus(t *testing.T) {
	units := []UnitID{"a", "b", "c", "d"}
	for _, c := range []struct {
		keep  int
		named []UnitID
		want  string
	}{
		{4, []UnitID{"a"}, "[]"}, {9, nil, "[]"}, {3, nil, "[d]"}, {2, []UnitID{"b"}, "[b d]"}, {2, []UnitID{"d", "x", "d", "a", "b"}, "[d a]"},
		{0, nil, "[d c b a]"}, {-1, []UnitID{"c"}, "[c d b a]"},
	} {
		if got := fmt.Sprint(Surplus(units, c.keep, c.named)); got != c.want {
			t.Errorf("keep %d of 4, named %v: %s, want %s", c.keep, c.named, got, c.want)
		}
	}
	ids := []UnitID{"u1", "u2"}
	if got := Victims(Properties{PropVictims: "  " + VictimList(ids) + " u1\n"}); fmt.Sprint(got) != fmt.Sprint(ids) {
		t.Errorf("read back as %v", got)
	}
}
