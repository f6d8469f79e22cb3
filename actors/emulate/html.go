package emulate

import (
	"fmt"
	"html"
	"strings"
	"time"
)

// Sizes of a chart in pixels, and the most points of a line.
const (
	width, height = 900, 180
	left, bottom  = 46, 22
	points        = 1200
)

const style = `body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:960px;padding:0 1em;color:#1b1f24;background:#fff}
h1{font-size:1.5em}h2{font-size:1.1em;margin:1.6em 0 .3em}table{border-collapse:collapse}
th,td{padding:.25em .8em;text-align:right;border-bottom:1px solid #d8dee4}th:first-child,td:first-child{text-align:left}
svg{width:100%;height:auto;font:11px system-ui,sans-serif}.axis{stroke:#8c959f;stroke-width:1;fill:none}
.demand{stroke:#9a6700;stroke-width:1.2;fill:none}.leased{stroke:#0550ae;stroke-width:1.4;fill:none}
.usable{stroke:#1a7f37;stroke-width:1;fill:none;stroke-dasharray:4 2}.key{margin:0;color:#57606a}
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}th,td{border-color:#30363d}text{fill:#8d96a0}
.demand{stroke:#d29922}.leased{stroke:#4493f8}.usable{stroke:#3fb950}.key{color:#8d96a0}}`

// line is one curve of a chart.
type line struct {
	class string
	at    func(i int) int
}

// HTML is the whole result as one page that needs nothing else: sums as tables,
// samples as charts.
func (r *Result) HTML() []byte {
	var b strings.Builder
	out := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	out("<!doctype html>\n<html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\n<title>%s</title>\n<style>%s</style>\n",
		html.EscapeString(r.Name), style)
	out("<h1>%s</h1>\n<p>%s from %s; %d samples; %d events.</p>\n", html.EscapeString(r.Name), r.Length, r.Begin.Format(time.RFC3339), len(r.Samples), r.Events)
	out("<table><tr><th>manager<th>requests<th>granted<th>refused<th>extended<th>returned<th>mean demand<th>mean leased<th>RMSE<th>RMSE usable<th>fidelity<th>unserved</tr>\n")
	for _, m := range r.Managers {
		out("<tr><td>%s<td>%d<td>%d<td>%d<td>%d<td>%d<td>%.1f<td>%.1f<td>%.2f<td>%.2f<td>%.1f %%<td>%.1f %%</tr>\n", html.EscapeString(m.Name),
			m.Requests, m.Granted, m.Refused, m.Extended, m.Returned, m.MeanDemand, m.MeanLeased, m.RMSE, m.RMSEUsable, 100*m.Fidelity, 100*m.Unserved)
	}
	out("</table>\n<table><tr><th>site<th>nodes<th>utilisation</tr>\n")
	for _, s := range r.Sites {
		out("<tr><td>%s<td>%d<td>%.1f %%</tr>\n", html.EscapeString(s.Name), s.Nodes, 100*s.Utilisation)
	}
	out("</table>\n<p class=key>Amber: demand. Blue: leased. Green, broken: usable.</p>\n")
	for i, m := range r.Managers {
		r.chart(&b, m.Name, 0,
			line{"demand", func(k int) int { return r.Samples[k].Guests[i].Demand }},
			line{"usable", func(k int) int { return r.Samples[k].Guests[i].Usable }},
			line{"leased", func(k int) int { return r.Samples[k].Guests[i].Leased }})
	}
	for i, s := range r.Sites {
		r.chart(&b, s.Name+", nodes in use", s.Nodes, line{"leased", func(k int) int { return r.Samples[k].Busy[i] }})
	}
	out("</html>\n")
	return []byte(b.String())
}

// chart draws lines over the whole run. Top is at least the upper end of the axis.
func (r *Result) chart(b *strings.Builder, title string, top int, lines ...line) {
	n := len(r.Samples)
	for _, l := range lines {
		for k := range n {
			top = max(top, l.at(k))
		}
	}
	top = max(top, 1)
	fmt.Fprintf(b, "<h2>%s</h2>\n<svg viewBox=\"0 0 %d %d\" role=img aria-label=\"%s\">\n", html.EscapeString(title), width, height, html.EscapeString(title))
	plot := func(k, v int) (float64, float64) {
		return left + float64(width-left-6)*float64(k)/float64(max(n-1, 1)), 8 + float64(height-bottom-8)*(1-float64(v)/float64(top))
	}
	fmt.Fprintf(b, "<path class=axis d=\"M%d 8V%dH%d\"/><text x=%d y=14 text-anchor=end>%d</text><text x=%d y=%d text-anchor=end>0</text>\n",
		left, height-bottom, width-6, left-6, top, left-6, height-bottom)
	for _, k := range []int{0, n / 2, n - 1} {
		x, _ := plot(k, 0)
		anchor := map[int]string{0: "start", n - 1: "end"}[k]
		if anchor == "" {
			anchor = "middle"
		}
		fmt.Fprintf(b, "<text x=%.1f y=%d text-anchor=%s>%s</text>\n", x, height-6, anchor,
			time.UnixMilli(int64(r.Samples[k].At)).UTC().Format("2006-01-02 15:04"))
	}
	every := max(n/points, 1)
	for _, l := range lines {
		fmt.Fprintf(b, "<path class=%s d=\"", l.class)
		last := 0
		for k := 0; k < n; k += every {
			x, y := plot(k, l.at(k))
			if k == 0 {
				fmt.Fprintf(b, "M%.1f %.1f", x, y)
			} else if v := l.at(k); v != last { // a step, as supply and demand are
				fmt.Fprintf(b, "H%.1fV%.1f", x, y)
			}
			last = l.at(k)
		}
		fmt.Fprintf(b, "H%d\"/>\n", width-6)
	}
	b.WriteString("</svg>\n")
}
