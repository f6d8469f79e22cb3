package manage

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Layouts without a zone, read in the zone of the present instant.
var layouts = []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"}

// ParseTime reads a time as people write it:
//
//	2030-05-01T09:00:00+02:00   RFC 3339
//	2030-05-01 09:00            in now's zone; seconds may follow, the time of day may be left out
//	now, +2h, +3d12h            the present instant, or a length after it
//	09:00, today 17:30, tomorrow, tomorrow 09:00
//
// A time of day alone is the next one. The result is in now's zone and has no
// fraction of a millisecond.
func ParseTime(text string, now time.Time) (time.Time, error) {
	t, err := parseTime(strings.TrimSpace(text), now)
	if err != nil {
		return time.Time{}, err
	}
	t = t.Truncate(time.Millisecond).In(now.Location())
	if t.Year() < 1970 || t.Year() > 9999 {
		return time.Time{}, fmt.Errorf("time %q is not between the years 1970 and 9999", text)
	}
	return t, nil
}

func parseTime(text string, now time.Time) (time.Time, error) {
	if text == "now" {
		return now, nil
	}
	if length, ok := strings.CutPrefix(text, "+"); ok {
		d, err := ParseLength(length)
		return now.Add(d), err
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, nil
		}
	}
	day, clock, _ := strings.Cut(text, " ")
	ahead, named := map[string]int{"today": 0, "tomorrow": 1}[day]
	if !named {
		clock = text
	}
	if named && clock == "" {
		clock = "00:00"
	}
	at, err := time.Parse("15:04", strings.TrimSpace(clock))
	if err != nil {
		return time.Time{}, fmt.Errorf("time %q is none of: 2030-05-01T09:00:00Z, 2030-05-01 09:00, now, +2h, 09:00, tomorrow 09:00", text)
	}
	y, m, d := now.Date()
	t := time.Date(y, m, d+ahead, at.Hour(), at.Minute(), 0, 0, now.Location())
	if !named && !t.After(now) {
		t = time.Date(y, m, d+1, at.Hour(), at.Minute(), 0, 0, now.Location())
	}
	return t, nil
}

// maxLength is the longest length of time: a hundred years.
const maxLength = 100 * 366 * 24 * time.Hour

// ParseLength reads a length of time: Go's notation ("90m", "1h30m", "1.5h"),
// which days ("2d") and weeks ("1w") may precede. It must be positive and at most
// a hundred years.
func ParseLength(text string) (time.Duration, error) {
	rest, total := strings.TrimSpace(text), time.Duration(0)
	bad := fmt.Errorf("length %q is none of: 30s, 90m, 1h30m, 2d, 1w2d12h", text)
	long := fmt.Errorf("length %q is more than a hundred years", text)
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		count, after, found := strings.Cut(rest, unit.name)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(count, 10, 16)
		if err != nil {
			return 0, bad
		}
		if time.Duration(n) > (maxLength-total)/unit.size {
			return 0, long
		}
		total, rest = total+time.Duration(n)*unit.size, after
	}
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil || rest[0] == '-' || rest[0] == '+' {
			return 0, bad
		}
		if d > maxLength-total {
			return 0, long
		}
		total += d
	}
	if total < time.Millisecond {
		return 0, fmt.Errorf("length %q is less than a millisecond", text)
	}
	return total, nil
}
