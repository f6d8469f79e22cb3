package run

import (
	"bytes"
	"context"
	"io"
)

// A Watcher is a Runner that tells what a command prints while it goes on.
type Watcher interface {
	Runner
	// Watch is Run, and calls tell with each line that the command prints, on either
	// stream, without its end. tell may be called from two goroutines at once.
	Watch(ctx context.Context, c Cmd, tell func(line string)) (Output, error)
}

// Watch runs a command and tells its lines: as they come if the runner can, and else when
// it has ended.
func Watch(ctx context.Context, on Runner, c Cmd, tell func(line string)) (Output, error) {
	if w, ok := on.(Watcher); ok {
		return w.Watch(ctx, c, tell)
	}
	o, err := on.Run(ctx, c)
	for _, text := range []string{o.Stdout, o.Stderr} {
		var l Lines
		_, _ = l.Beside(io.Discard, tell).Write([]byte(text))
		l.Flush()
	}
	return o, err
}

// MostLine is how many octets of one line are told.
const MostLine = 2000

// Lines cuts what is written beside it into lines. The zero value is ready.
type Lines struct {
	tell func(string)
	to   io.Writer
	part []byte
}

// Beside is a writer that passes on to to and tells lines; it is to itself when nobody
// wants to be told.
func (l *Lines) Beside(to io.Writer, tell func(string)) io.Writer {
	if l.tell, l.to = tell, to; tell == nil {
		return to
	}
	return l
}

// Write never fails before the writer it passes on to.
func (l *Lines) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		i := bytes.IndexAny(rest, "\r\n")
		piece := rest
		if i >= 0 {
			piece = rest[:i]
		}
		l.part = append(l.part, piece[:min(len(piece), MostLine-len(l.part))]...)
		if i < 0 {
			break
		}
		l.Flush()
		rest = rest[i+1:]
	}
	return l.to.Write(p)
}

// Flush tells the last line if nothing ended it.
func (l *Lines) Flush() {
	if len(l.part) > 0 {
		l.tell(string(l.part))
		l.part = l.part[:0]
	}
}
