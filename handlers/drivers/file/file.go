/*
Package file is the driver that keeps one file on a machine: its content as given, or made
from a template with the unit's properties. A file that was there before is left alone.
*/
package file

import (
	"context"
	"fmt"
	"strings"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/posix"
	"github.com/leasehold/leasehold/handlers/script"
)

// Names of the parameters.
const (
	Path     = "file.path"
	Content  = "file.content"
	Template = "file.template"
	Mode     = "file.mode"
)

// Driver is the driver. Make one with New or with NewTemplate.
type Driver struct{ template bool }

// New makes a driver for files as they are given.
func New() Driver { return Driver{} }

// NewTemplate makes a driver for files that follow from a unit's properties.
func NewTemplate() Driver { return Driver{template: true} }

// Info lists d in a catalogue.
func (d Driver) Info() handlers.Info {
	i := handlers.Info{Name: "file", Doc: "Keeps a file on the unit's machine.", Driver: d, Params: []handlers.Param{
		{Name: handlers.ParamUnit, Doc: "the unit", Need: true},
		{Name: Path, Site: true, Need: true, Doc: "where it is, an absolute path; ${unit.id} and other properties may stand in it, of which none may hold a slash"},
		{Name: Content, Site: true, Need: true, Doc: "what it holds"},
		{Name: Mode, Site: true, Default: "0644", Doc: "who may read and write it, in octal"},
	}}
	if d.template {
		i.Name, i.Doc = "template", "Keeps a file on the unit's machine that is made of the unit's properties."
		i.Params[2] = handlers.Param{Name: Template, Site: true, Need: true, Doc: "what it holds, with ${unit.hostname} and the like for properties, and $$ for a dollar sign"}
	}
	return i
}

// Setup writes the file if it is not as it should be.
func (d Driver) Setup(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	unit, file, err := where(p)
	if err != nil {
		return handlers.Result{}, err
	}
	want := p[Content]
	if d.template {
		text, err := p.Need(Template)
		if err == nil {
			want, err = script.Expand(text, func(name string) (string, bool) { v, ok := p[name]; return v, ok })
		}
		if err != nil {
			return handlers.Result{}, err
		}
	}
	mode := p.Get(Mode, "0644")
	if strings.Trim(mode, "01234567") != "" || len(mode) > 5 {
		return handlers.Result{}, fmt.Errorf("file: %.20q is no mode", mode)
	}
	if err := posix.Claim(ctx, on, file, unit); err != nil {
		return handlers.Result{}, err
	}
	if is, there, err := posix.Read(ctx, on, file); err != nil {
		return handlers.Result{}, err
	} else if !there || is != want {
		err = posix.Write(ctx, on, file, want, mode)
		return handlers.Result{Done: err == nil}, err
	}
	_, err = run.Must(ctx, on, run.Cmd{Args: []string{"chmod", "--", mode, file}})
	return handlers.Result{Done: err == nil}, err
}

// Teardown removes the file, if it is the unit's.
func (d Driver) Teardown(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	unit, file, err := where(p)
	if err != nil {
		return handlers.Result{}, err
	}
	ours, err := posix.Owned(ctx, on, file, unit)
	if err == nil && ours {
		if err = posix.Remove(ctx, on, file); err == nil {
			err = posix.Release(ctx, on, file)
		}
	}
	return handlers.Result{Done: err == nil}, err
}

// where is the unit, and the path of its file.
func where(p handlers.Params) (unit, file string, err error) {
	if unit, err = p.Need(handlers.ParamUnit); err != nil {
		return "", "", err
	}
	text, err := p.Need(Path)
	if err != nil {
		return "", "", err
	}
	file, err = script.Expand(text, func(name string) (string, bool) {
		v, ok := p[name]
		return v, ok && !strings.Contains(v, "/")
	})
	if err == nil {
		err = posix.Path(file)
	}
	return unit, file, err
}
