/*
Package nfsexport is the driver of NFS exports: a folder of the machine that is given to
clients, as a file of its own in the folder of exports (exports(5)).
*/
package nfsexport

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"path"
	"strings"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/posix"
)

// Names of the parameters.
const (
	Path    = "nfs.export.path"
	Clients = "nfs.export.clients"
	Options = "nfs.export.options"
	Folder  = "nfs.export.folder"
)

// Driver is the driver; its zero value is ready.
type Driver struct{}

// Info lists d in a catalogue.
func (d Driver) Info() handlers.Info {
	return handlers.Info{Name: "nfsexport", Doc: "Exports a folder of the unit's machine over NFS.", Driver: d, Params: []handlers.Param{
		{Name: handlers.ParamUnit, Doc: "the unit", Need: true},
		{Name: Path, Site: true, Need: true, Doc: "the folder to export; it is made if it is not there, and left when the export ends"},
		{Name: Clients, Site: true, Need: true, Doc: "who may mount it: addresses and networks, with blanks between"},
		{Name: Options, Site: true, Default: "rw,sync,no_subtree_check,root_squash", Doc: "how, as in exports(5)"},
		{Name: Folder, Site: true, Default: "/etc/exports.d", Doc: "the folder of exports"},
	}}
}

// Setup exports the folder.
func (Driver) Setup(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	file, err := where(p)
	if err != nil {
		return handlers.Result{}, err
	}
	line, folder, err := export(p)
	if err != nil {
		return handlers.Result{}, err
	}
	if _, err := run.Must(ctx, on, run.Cmd{Args: []string{"mkdir", "-p", "--", folder, path.Dir(file)}}); err != nil {
		return handlers.Result{}, err
	}
	if is, _, err := posix.Read(ctx, on, file); err != nil {
		return handlers.Result{}, err
	} else if is != line {
		if err := posix.Write(ctx, on, file, line, "0644"); err != nil {
			return handlers.Result{}, err
		}
	}
	// Again each time: a call that was cut off may have written the file and no more.
	_, err = run.Must(ctx, on, run.Cmd{Args: []string{"exportfs", "-ra"}})
	return handlers.Result{Done: err == nil}, err
}

// Teardown ends the export.
func (Driver) Teardown(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	file, err := where(p)
	if err == nil {
		err = posix.Remove(ctx, on, file)
	}
	if err == nil {
		_, err = run.Must(ctx, on, run.Cmd{Args: []string{"exportfs", "-ra"}})
	}
	return handlers.Result{Done: err == nil}, err
}

// where is the unit's own file of exports.
func where(p handlers.Params) (string, error) {
	unit, err := p.Need(handlers.ParamUnit)
	if err != nil {
		return "", err
	}
	folder, sum := p.Get(Folder, "/etc/exports.d"), sha256.Sum256([]byte(unit))
	return fmt.Sprintf("%s/leasehold-%x.exports", folder, sum[:8]), posix.Path(folder)
}

// export is the line of exports(5).
func export(p handlers.Params) (line, folder string, err error) {
	if folder, err = p.Need(Path); err != nil {
		return "", "", err
	}
	if err := posix.Path(folder); err != nil {
		return "", "", err
	}
	if strings.ContainsAny(folder, "\"\\# ") {
		return "", "", fmt.Errorf("nfsexport: %.100q cannot stand in a file of exports", folder)
	}
	options := p.Get(Options, "rw,sync,no_subtree_check,root_squash")
	if strings.Trim(options, "abcdefghijklmnopqrstuvwxyz0123456789_=,:.-/") != "" {
		return "", "", fmt.Errorf("nfsexport: %.100q are no options of an export", options)
	}
	clients := strings.Fields(p[Clients])
	if len(clients) == 0 {
		return "", "", fmt.Errorf("nfsexport: %s names nobody", Clients)
	}
	line = folder
	for _, c := range clients {
		_, errNet := netip.ParsePrefix(c)
		if _, err := netip.ParseAddr(c); err != nil && errNet != nil {
			return "", "", fmt.Errorf("nfsexport: the client %.60q is neither an address nor a network", c)
		}
		line += " " + c + "(" + options + ")"
	}
	return line + "\n", folder, nil
}
