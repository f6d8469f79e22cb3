package xstream

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// eraStart is 1 January of the year 1 in Java's calendar, which is the Julian
// one before the reform. Earlier dates are written with their era (tickets E17).
const eraStart = -62135769600000

// reform is the first instant of Java's Gregorian calendar, 15 October 1582.
const reform = -12219292800000

const day = 86400000

// FormatDate writes an instant, in milliseconds since 1970, as a legacy writer
// does: in UTC, milliseconds without leading zeros (tickets E17).
func FormatDate(ms int64) string {
	days, rest := floorDiv(ms, day)
	y, m, d := civil(days, ms < reform)
	era := ""
	if ms < eraStart {
		y, era = 1-y, " BC"
	}
	return fmt.Sprintf("%04d-%02d-%02d%s %02d:%02d:%02d.%d UTC",
		y, m, d, era, rest/3600000, rest/60000%60, rest/1000%60, rest%1000)
}

// dateForm is every spelling that legacy readers take (tickets 3.3 and the
// library's list), written apart: a date, perhaps its era, a time with or without
// milliseconds and its zone; or the form of ISO 8601, whose offset is in hours.
var dateForm = regexp.MustCompile(`^(\d{1,9})-(\d{1,2})-(\d{1,2})` +
	`(?:( (?:AD|BC))? (\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,9}) | ?)(AM|PM|[A-Z]{3}|(?:GMT[+-]\d{2}:\d{2})|(?:[+-]\d{4}))` +
	`|T(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}))$`)

// ErrDate means that a text is none of the spellings of a date.
var ErrDate = errors.New("no date")

// ParseDate reads an instant in any spelling that a legacy reader takes.
// Milliseconds are a number, not a fraction: .5 is five of them. Zones by name
// are UTC, GMT and those of the United States. Nothing may follow the date,
// although legacy readers would ignore it.
func ParseDate(s string) (int64, error) {
	g := dateForm.FindStringSubmatch(s)
	if g == nil {
		return 0, ErrDate
	}
	hour, minute, second, millis, zone := g[5], g[6], g[7], g[8], g[9]
	if g[14] != "" {
		hour, minute, second, millis, zone = g[10], g[11], g[12], g[13], g[14]
	}
	y, m, d := number(g[1]), number(g[2]), number(g[3])
	h, mi, sec, ms := number(hour), number(minute), number(second), number(millis)
	if half := zone == "AM" || zone == "PM"; half && (g[4] != "" || millis == "" && strings.Contains(s, " "+zone)) {
		return 0, ErrDate
	}
	if g[4] != "" && millis == "" || y == 0 {
		return 0, ErrDate
	}
	if g[4] == " BC" {
		y = 1 - y
	}
	if m < 1 || m > 12 || d < 1 || d > 31 || h > 23 || mi > 59 || sec > 59 || ms > 999 {
		return 0, ErrDate
	}
	offset, ok := zoneOffset(zone, h)
	if !ok {
		return 0, ErrDate
	}
	rest := h*3600000 + mi*60000 + sec*1000 + ms
	days, ok := daysOf(y, m, d)
	if !ok {
		return 0, ErrDate
	}
	at := days*day + rest // wraps beyond the last date, which the comparison sees
	if q, r := floorDiv(at, day); q != days || r != rest {
		return 0, ErrDate
	}
	if (at-offset > at) != (offset < 0) {
		return 0, ErrDate
	}
	return at - offset, nil
}

func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64) // at most nine digits, or none
	return n
}

// zones is the hours that a named zone is ahead of UTC.
var zones = map[string]int64{
	"UTC": 0, "GMT": 0, "Z": 0,
	"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}

// zoneOffset is how far a zone is ahead of UTC, in milliseconds. AM and PM stand
// where no zone is: the hour has 24 all the same and must agree.
func zoneOffset(zone string, hour int64) (int64, bool) {
	if zone == "AM" || zone == "PM" {
		return 0, (zone == "PM") == (hour >= 12)
	}
	if h, ok := zones[zone]; ok {
		return h * 3600000, true
	}
	s := strings.TrimPrefix(zone, "GMT")
	if s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	h, m := number(s[1:3]), number(strings.TrimPrefix(s[3:], ":"))
	if h > 23 || m > 59 {
		return 0, false
	}
	if s[0] == '-' {
		h, m = -h, -m
	}
	return h*3600000 + m*60000, true
}

func floorDiv(a, b int64) (q, r int64) {
	q, r = a/b, a%b
	if r < 0 {
		q, r = q-1, r+b
	}
	return q, r
}

// daysOf is the days from 1 January 1970 to a date of Java's calendar; false
// when there is no such day.
func daysOf(y, m, d int64) (int64, bool) {
	days := gregorianDays(y, m, d)
	if days < reform/day {
		days = julianDays(y, m, d)
		if days >= reform/day {
			return 0, false // between the calendars
		}
	}
	yy, mm, dd := civil(days, days < reform/day)
	return days, yy == y && mm == m && dd == d
}

// gregorianDays and julianDays count from 1 January 1970. Years begin in March
// inside, so that the leap day is the last (the usual arithmetic of day numbers).
func gregorianDays(y, m, d int64) int64 {
	y, doy := marchYear(y, m, d)
	era, yoe := floorDiv(y, 400)
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}

func julianDays(y, m, d int64) int64 {
	y, doy := marchYear(y, m, d)
	era, yoe := floorDiv(y, 4)
	return era*1461 + yoe*365 + doy - 719470
}

func marchYear(y, m, d int64) (year, dayOfYear int64) {
	if m <= 2 {
		y, m = y-1, m+12
	}
	return y, (153*(m-3)+2)/5 + d - 1
}

// civil is the date of a day in the Julian or the Gregorian calendar.
func civil(days int64, julian bool) (y, m, d int64) {
	if !julian {
		// Package time has the same arithmetic but not the whole range.
		era, doe := floorDiv(days+719468, 146097)
		yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
		return fromMarch(era*400+yoe, doe-(365*yoe+yoe/4-yoe/100))
	}
	era, doe := floorDiv(days+719470, 1461)
	yoe := min(doe/365, 3)
	return fromMarch(era*4+yoe, doe-365*yoe)
}

func fromMarch(y, doy int64) (year, month, dayOfMonth int64) {
	mp := (5*doy + 2) / 153
	dayOfMonth = doy - (153*mp+2)/5 + 1
	if mp < 10 {
		return y, mp + 3, dayOfMonth
	}
	return y + 1, mp - 9, dayOfMonth
}

// Time is the instant as package time has it.
func (d Date) Time() time.Time { return time.UnixMilli(d.Millis).UTC() }
