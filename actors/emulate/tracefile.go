package emulate

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// read is the demand that a trace's file gives, a value for each sample: its lines,
// each of them one number or a row of CSV, scaled and averaged over samples. A first
// line that is no number is a heading, and lines that begin with # are comments.
func (t Trace) read(text []byte, sample Length) ([]int, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("%d bytes are more than the limit of %d", len(text), MaxBytes)
	}
	lines, err := t.numbers(string(text))
	if err != nil {
		return nil, err
	}
	scale, every := t.Scale, t.Every
	if scale == 0 {
		scale = 1
	}
	if every == 0 {
		every = sample
	}
	if Length(len(lines)) > math.MaxInt64/every/2 || Length(len(lines))*every/sample > maxSamples {
		return nil, fmt.Errorf("its %d lines are more than %d samples", len(lines), maxSamples)
	}
	out := make([]int, (Length(len(lines))*every+sample-1)/sample)
	for i := range out {
		// A sample is the mean of the lines within it, or the line it falls into.
		first := int(Length(i) * sample / every)
		last := max(int(Length(i+1)*sample/every), first+1)
		sum, n := 0.0, 0
		for _, x := range lines[min(first, len(lines)-1):min(last, len(lines))] {
			sum, n = sum+x, n+1
		}
		v := math.Round(sum / float64(n) * scale)
		if v > maxDemand {
			return nil, fmt.Errorf("sample %d is %g, more than the limit of %d", i+1, v, maxDemand)
		}
		out[i] = int(v)
	}
	return out, nil
}

// numbers is the column of a file, line by line.
func (t Trace) numbers(text string) ([]float64, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.Comment, r.FieldsPerRecord, r.TrimLeadingSpace = '#', -1, true
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	column := -1 // still to be found
	if n, err := strconv.Atoi(t.Column); err == nil {
		if column = n - 1; n < 1 {
			return nil, fmt.Errorf("column %d: they are counted from 1", n)
		}
	}
	var out []float64
	for i, row := range rows {
		at := column
		if t.Column == "" {
			at = len(row) - 1
		}
		if at < 0 { // by its heading, in the first line
			for j := range row {
				row[j] = strings.TrimSpace(row[j])
			}
			if column = slices.Index(row, t.Column); column < 0 {
				return nil, fmt.Errorf("no column is called %q; there are: %s", t.Column, strings.Join(row, ", "))
			}
			continue
		}
		if at >= len(row) {
			return nil, fmt.Errorf("line %d has %d columns, not %d", i+1, len(row), at+1)
		}
		x, err := strconv.ParseFloat(strings.TrimSpace(row[at]), 64)
		switch {
		case err != nil && i == 0: // a heading
		case err != nil || !(x >= 0 && x <= 1e15):
			return nil, fmt.Errorf("line %d says %q, not a number that is not negative", i+1, row[at])
		default:
			out = append(out, x)
		}
	}
	if out == nil {
		return nil, errors.New("there are no numbers in it")
	}
	return out, nil
}
