package emulate

import (
	"fmt"
	"html"
	"math"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
)

const style = `:root{--ink:#1b1f24;--soft:#57606a;--line:#d8dee4;--page:#fff;--demand:#9a6700;--leased:#0550ae;--fill:#ddf4ff;--usable:#1a7f37;--wanted:#8250df}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#8d96a0;--line:#30363d;--page:#0d1117;--demand:#d29922;--leased:#4493f8;--fill:#10243e;--usable:#3fb950;--wanted:#ab7df8}}
body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:1080px;padding:0 1em;color:var(--ink);background:var(--page)}
h1{font-size:1.5em;margin-bottom:.2em}h2{font-size:1.25em;margin:2em 0 .2em;border-bottom:1px solid var(--line)}h3{font-size:1em;margin:1.4em 0 .1em}
p{margin:.3em 0;color:var(--soft)}.scroll{overflow-x:auto}table{border-collapse:collapse;margin:.8em 0;font-size:13px;font-variant-numeric:tabular-nums}
th{font-weight:600;color:var(--soft)}th,td{padding:.25em .5em;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}th:first-child,td:first-child{text-align:left;padding-left:0}
svg{width:100%;height:auto;font:11px system-ui,sans-serif;display:block}text{fill:var(--soft)}.grid{stroke:var(--soft);stroke-width:1;stroke-opacity:.25}.limit{stroke-opacity:1;stroke-dasharray:6 4}
.demand{stroke:var(--demand);stroke-width:1.3;fill:none}.leased{stroke:var(--leased);stroke-width:1.3;fill:var(--fill)}
.usable{stroke:var(--usable);stroke-width:1.1;fill:none;stroke-dasharray:4 2}.wanted{stroke:var(--wanted);stroke-width:1.7;fill:none}
dt{font-weight:600;float:left;clear:left;width:7.5em}dd{margin:0 0 .3em 7.5em;color:var(--soft)}`

// HTML is the whole result as one page that needs nothing else: sums as tables,
// samples as charts.
func (r *Result) HTML() []byte { return Report(r) }

// Report is some results as one page, with a table that compares their guests.
func Report(results ...*Result) []byte {
	var b strings.Builder
	title := "Emulated federations"
	if len(results) == 1 {
		title = results[0].Name
	}
	fmt.Fprintf(&b, "<!doctype html>\n<html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\n<title>%s</title>\n<style>%s</style>\n<h1>%s</h1>\n",
		html.EscapeString(title), style, html.EscapeString(title))
	if len(results) > 1 {
		compare(&b, results)
	}
	for _, r := range results {
		if len(results) > 1 {
			fmt.Fprintf(&b, "<h2>%s</h2>\n", html.EscapeString(r.Name))
		}
		r.page(&b)
	}
	b.WriteString(glossary + "</html>\n")
	return []byte(b.String())
}

// glossary says what the numbers are.
const glossary = `<h2>What the numbers are</h2><dl>
<dt>demand</dt><dd>what the guest's trace says it needs</dd>
<dt>wanted</dt><dd>what the guest's policy makes of it</dd>
<dt>leased</dt><dd>what tickets cover until they are given back</dd>
<dt>usable</dt><dd>units that are set up and have joined the guest</dd>
<dt>RMSE</dt><dd>root of the mean squared difference between the demand and what is leased, leased or asked for, and usable, over all samples</dd>
<dt>fidelity</dt><dd>share of the leased unit time that the guest could use</dd>
<dt>unserved</dt><dd>share of the demand that no lease covered</dd>
<dt>utilisation</dt><dd>share of a site's node time with a lease on it, set-up and teardown included</dd></dl>
`

func percentage(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }

// length is a length of time in days, if it is some.
func length(text string) string {
	d, err := time.ParseDuration(text)
	switch {
	case err != nil || d%(24*time.Hour) != 0:
		return text
	case d == 24*time.Hour:
		return "1 day"
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}

// table writes rows under a heading, in one piece.
func table(b *strings.Builder, head string, rows [][]string) {
	b.WriteString("<div class=scroll><table><tr>")
	for _, h := range strings.Split(head, "|") {
		b.WriteString("<th>" + h)
	}
	b.WriteString("</tr>\n")
	for _, row := range rows {
		b.WriteString("<tr>")
		for _, cell := range row {
			b.WriteString("<td>" + html.EscapeString(cell))
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</table></div>\n")
}

// compare puts the guests of all results beside each other.
func compare(b *strings.Builder, results []*Result) {
	var rows [][]string
	for _, r := range results {
		for _, m := range r.Managers {
			rows = append(rows, []string{r.Name, m.Name, fmt.Sprintf("%.1f", m.MeanDemand), fmt.Sprintf("%.1f", m.MeanLeased),
				fmt.Sprintf("%.2f", m.RMSERequested), fmt.Sprintf("%.2f", m.RMSE), percentage(m.Fidelity), percentage(m.Unserved)})
		}
	}
	table(b, "scenario|manager|mean demand|mean leased|RMSE, asked for|RMSE, leased|fidelity|unserved", rows)
}

// page is one result: its sums and its charts.
func (r *Result) page(b *strings.Builder) {
	fmt.Fprintf(b, "<p>%s from %s; %d samples; %d events.</p>\n", length(r.Length), r.Begin.Format("2006-01-02 15:04 MST"), len(r.Samples), r.Events)
	var rows [][]string
	for _, m := range r.Managers {
		rows = append(rows, []string{m.Name, fmt.Sprint(m.Requests), fmt.Sprint(m.Granted), fmt.Sprint(m.Refused), fmt.Sprint(m.Extended), fmt.Sprint(m.Returned),
			fmt.Sprintf("%.1f", m.MeanDemand), fmt.Sprintf("%.1f", m.MeanLeased), fmt.Sprintf("%.2f", m.RMSE), fmt.Sprintf("%.2f", m.RMSERequested),
			fmt.Sprintf("%.2f", m.RMSEUsable), percentage(m.Fidelity), percentage(m.Unserved)})
	}
	table(b, "manager|requests|granted|refused|extended|returned|mean demand|mean leased|RMSE|asked for|usable|fidelity|unserved", rows)
	rows = nil
	for _, s := range r.Sites {
		rows = append(rows, []string{s.Name, fmt.Sprint(s.Nodes), percentage(s.Utilisation)})
	}
	table(b, "site|nodes|utilisation", rows)
	if len(r.Samples) == 0 {
		return
	}
	for i, m := range r.Managers {
		at := func(what func(GuestNow) int) func(int) int {
			return func(k int) int { return what(r.Samples[k].Guests[i]) }
		}
		lines := []line{{"leased", at(func(g GuestNow) int { return g.Leased })}, {"demand", at(func(g GuestNow) int { return g.Demand })}}
		if differs(len(r.Samples), lines[1].at, at(func(g GuestNow) int { return g.Wanted })) {
			lines = append(lines, line{"wanted", at(func(g GuestNow) int { return g.Wanted })})
		}
		if differs(len(r.Samples), lines[0].at, at(func(g GuestNow) int { return g.Usable })) {
			lines = append(lines, line{"usable", at(func(g GuestNow) int { return g.Usable })})
		}
		r.chart(b, "Units of "+m.Name, 0, lines...)
	}
	for i, s := range r.Sites {
		r.chart(b, "Nodes in use at "+s.Name, s.Nodes, line{"leased", func(k int) int { return r.Samples[k].Busy[i] }})
	}
}

// differs reports whether two curves are worth drawing both.
func differs(n int, x, y func(int) int) bool {
	for k := range n {
		if x(k) != y(k) {
			return true
		}
	}
	return false
}

// line is one curve of a chart; its class says how it is drawn and what it is called.
type line struct {
	class string
	at    func(i int) int
}

// Sizes of a chart in pixels: the whole, and the margins around the plot.
const (
	width, height            = 1000, 200
	left, right, head, below = 44, 8, 22, 24
	plotWidth                = width - left - right
	plotHeight               = height - head - below
)

// chart draws lines over the whole run as steps, because demand and supply change in
// steps. Limit, if there is one, is drawn too.
func (r *Result) chart(b *strings.Builder, title string, limit int, lines ...line) {
	n, top := len(r.Samples), limit
	for _, l := range lines {
		for k := range n {
			top = max(top, l.at(k))
		}
	}
	step := niceStep(top)
	top = max((top+step-1)/step*step, step)
	x := func(k int) float64 { return left + plotWidth*float64(k)/float64(max(n-1, 1)) }
	y := func(v int) float64 { return head + plotHeight*(1-float64(v)/float64(top)) }
	fmt.Fprintf(b, "<h3>%s</h3>\n<svg viewBox=\"0 0 %d %d\" role=img aria-label=\"%s\">\n", html.EscapeString(title), width, height, html.EscapeString(title))
	for v := 0; v <= top; v += step {
		fmt.Fprintf(b, "<path class=grid d=\"M%d %.1fH%d\"/><text x=%d y=%.1f text-anchor=end>%d</text>\n", left, y(v), width-right, left-6, y(v)+4, v)
	}
	if limit > 0 {
		fmt.Fprintf(b, "<path class=\"grid limit\" d=\"M%d %.1fH%d\"/>\n", left, y(limit), width-right)
	}
	for _, l := range lines {
		r.curve(b, l, x, y)
	}
	r.dates(b)
	at := width - right
	for i := range lines { // the key, from the right
		l := lines[len(lines)-1-i]
		at -= 7*len(l.class) + 34
		fmt.Fprintf(b, "<path class=%s d=\"M%d 10h20\"/><text x=%d y=14>%s</text>\n", l.class, at, at+26, l.class)
	}
	b.WriteString("</svg>\n")
}

// curve draws a line. Where there are more samples than pixels every column shows
// its lowest and its highest, so that no peak is lost.
func (r *Result) curve(b *strings.Builder, l line, x func(int) float64, y func(int) float64) {
	n := len(r.Samples)
	every := max((n+plotWidth-1)/plotWidth, 1)
	last := 0
	if l.class != "leased" { // an area begins on the axis, a line where it is
		last = l.at(0)
	}
	fmt.Fprintf(b, "<path class=%s d=\"M%.1f %.1f", l.class, x(0), y(last))
	to := func(v int) {
		if v != last {
			fmt.Fprintf(b, "V%.1f", y(v))
		}
		last = v
	}
	for k := 0; k < n; k += every {
		low, high := l.at(k), l.at(k)
		for i := k; i < min(k+every, n); i++ {
			low, high = min(low, l.at(i)), max(high, l.at(i))
		}
		if low == last && high == last && k > 0 {
			continue
		}
		fmt.Fprintf(b, "H%.1f", x(k))
		to(high)
		if low != high {
			to(low)
		}
		to(l.at(min(k+every, n) - 1))
	}
	fmt.Fprintf(b, "H%.1f", x(n-1))
	if l.class == "leased" {
		fmt.Fprintf(b, "V%.1f", y(0))
	}
	b.WriteString("\"/>\n")
}

// niceStep is the distance between grid lines: 1, 2 or 5 times a power of ten, for
// at most six of them.
func niceStep(top int) int {
	for p := 1; ; p *= 10 {
		for _, m := range []int{1, 2, 5} {
			if top <= 5*m*p || p > math.MaxInt32 {
				return m * p
			}
		}
	}
}

// spans are the distances between dates on an axis, with how they are written.
var spans = []struct {
	every  time.Duration
	layout string
}{
	{time.Minute, "15:04"}, {5 * time.Minute, "15:04"}, {15 * time.Minute, "15:04"}, {time.Hour, "15:04"}, {3 * time.Hour, "15:04"},
	{6 * time.Hour, "2 Jan 15:04"}, {12 * time.Hour, "2 Jan 15:04"}, {24 * time.Hour, "2 Jan"}, {2 * 24 * time.Hour, "2 Jan"}, {7 * 24 * time.Hour, "2 Jan"},
	{28 * 24 * time.Hour, "2 Jan 2006"}, {91 * 24 * time.Hour, "Jan 2006"}, {364 * 24 * time.Hour, "2006"}, {3640 * 24 * time.Hour, "2006"},
}

// dates marks instants below the plot.
func (r *Result) dates(b *strings.Builder) {
	first, last := r.Samples[0].At, r.Samples[len(r.Samples)-1].At
	whole := max(last-first, 1)
	span := spans[len(spans)-1]
	for _, s := range spans {
		if int64(whole) <= 10*s.every.Milliseconds() {
			span = s
			break
		}
	}
	every := actors.Millis(span.every.Milliseconds())
	origin := actors.Millis(0) // days and hours are counted from midnight, more from the beginning
	if span.every > 24*time.Hour {
		const day = 24 * 3600 * 1000
		origin = (first + day - 1) / day * day
	}
	for at := origin + (first-origin+every-1)/every*every; at <= last; at += every {
		x := left + plotWidth*float64(at-first)/float64(whole)
		if x > width-40 && at != first {
			break
		}
		fmt.Fprintf(b, "<path class=grid d=\"M%.1f %dv4\"/><text x=%.1f y=%d text-anchor=%s>%s</text>\n", x, height-below, x, height-8,
			map[bool]string{true: "start", false: "middle"}[x < left+20], time.UnixMilli(int64(at)).UTC().Format(span.layout))
	}
}
