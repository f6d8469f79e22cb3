/*
Package image is the driver that unpacks an image on a machine: an archive into a folder, or
a disk image into a file. Nobody sees a half of it: it is made beside its place and moved
there when it is whole. A disk image that is not packed is copied by sharing its blocks
where the file system can (cp --reflink), which makes it a flash clone.
*/
package image

import (
	"context"
	"fmt"
	"strings"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/posix"
)

// Names of the parameters.
const (
	File   = "image.file"
	Sum    = "image.sha256"
	Target = "image.target"
)

// Driver is the driver; its zero value is ready.
type Driver struct{}

// Info lists d in a catalogue.
func (d Driver) Info() handlers.Info {
	return handlers.Info{Name: "image", Doc: "Unpacks an archive into a folder, or a disk image into a file, on the unit's machine.", Driver: d, Params: []handlers.Param{
		{Name: handlers.ParamUnit, Doc: "the unit", Need: true},
		{Name: File, Site: true, Need: true, Doc: "the image on that machine: .tar, .tar.gz, .tgz, .tar.xz, .tar.zst for a folder; .gz, .xz, .zst or anything else for a disk"},
		{Name: Sum, Site: true, Doc: "its SHA-256 in hexadecimal, which is checked when it is given"},
		{Name: Target, Site: true, Need: true, Doc: "where it goes, an absolute path; the folder above must be there"},
	}}
}

// want is what a unit's image should be.
type want struct {
	unit, file, sum, target string
	archive                 bool
	unpack                  []string // the program that unpacks to standard output; none for what is not packed
}

func read(p handlers.Params) (w want, err error) {
	if w.unit, err = p.Need(handlers.ParamUnit); err != nil {
		return w, err
	}
	w.file, w.sum, w.target = p[File], strings.ToLower(p[Sum]), p[Target]
	for _, path := range []string{w.file, w.target} {
		if err := posix.Path(path); err != nil {
			return w, err
		}
	}
	if w.sum != "" && (len(w.sum) != 64 || strings.Trim(w.sum, "0123456789abcdef") != "") {
		return w, fmt.Errorf("image: %.80q is no SHA-256", w.sum)
	}
	name := w.file
	for end, program := range map[string]string{".gz": "gzip", ".tgz": "gzip", ".xz": "xz", ".zst": "zstd"} {
		if strings.HasSuffix(name, end) {
			w.unpack = []string{program, "-dc", "--", w.file}
			w.archive = end == ".tgz" || strings.HasSuffix(strings.TrimSuffix(name, end), ".tar")
		}
	}
	w.archive = w.archive || strings.HasSuffix(name, ".tar")
	return w, nil
}

// part is where the image is made.
func (w want) part() string { return w.target + ".leasehold-new" }

// Setup unpacks the image if it is not there.
func (Driver) Setup(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	w, err := read(p)
	if err != nil {
		return handlers.Result{}, err
	}
	if err := posix.Claim(ctx, on, w.target, w.unit); err != nil {
		return handlers.Result{}, err
	}
	o, err := on.Run(ctx, run.Cmd{Args: []string{"test", "-e", w.target}})
	if err != nil || o.Code == 0 {
		return handlers.Result{Done: err == nil}, err
	}
	if w.sum != "" {
		o, err := run.Must(ctx, on, run.Cmd{Args: []string{"sha256sum", "--", w.file}})
		if err != nil {
			return handlers.Result{}, err
		}
		if got, _, _ := strings.Cut(strings.TrimPrefix(o.Stdout, `\`), " "); got != w.sum {
			return handlers.Result{}, fmt.Errorf("image: %s has the SHA-256 %.64s, not %s", w.file, got, w.sum)
		}
	}
	if _, err := run.Must(ctx, on, run.Cmd{Args: []string{"rm", "-rf", "--", w.part()}}); err != nil {
		return handlers.Result{}, err
	}
	for _, c := range w.commands() {
		if _, err := run.Must(ctx, on, c); err != nil {
			return handlers.Result{}, err
		}
	}
	_, err = run.Must(ctx, on, run.Cmd{Args: []string{"mv", "-T", "--", w.part(), w.target}})
	return handlers.Result{Done: err == nil}, err
}

// commands make the image beside its place.
func (w want) commands() []run.Cmd {
	switch {
	case w.archive && w.unpack == nil:
		return []run.Cmd{{Args: []string{"mkdir", "--", w.part()}},
			{Args: []string{"tar", "--extract", "--numeric-owner", "--file", w.file, "--directory", w.part()}}}
	case w.archive:
		return []run.Cmd{{Args: []string{"mkdir", "--", w.part()}},
			{Args: append([]string{"sh", "-c", `dir=$1; shift; { "$@" || kill $$; } | tar --extract --numeric-owner --file - --directory "$dir"`, "sh", w.part()}, w.unpack...)}}
	case w.unpack != nil:
		return []run.Cmd{{Args: append([]string{"sh", "-c", `to=$1; shift; "$@" > "$to"`, "sh", w.part()}, w.unpack...)}}
	}
	return []run.Cmd{{Args: []string{"cp", "--reflink=auto", "--sparse=auto", "--", w.file, w.part()}}}
}

// Teardown removes what was unpacked, if it is the unit's.
func (Driver) Teardown(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	w, err := read(p)
	if err != nil {
		return handlers.Result{}, err
	}
	ours, err := posix.Owned(ctx, on, w.target, w.unit)
	if err == nil && ours {
		if _, err = run.Must(ctx, on, run.Cmd{Args: []string{"rm", "-rf", "--one-file-system", "--", w.target, w.part()}}); err == nil {
			err = posix.Release(ctx, on, w.target)
		}
	}
	return handlers.Result{Done: err == nil}, err
}
