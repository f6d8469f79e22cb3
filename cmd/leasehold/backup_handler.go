package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/leasehold/leasehold/cmd/internal/config"
)

// portableHandler is an actor's handler with every path starting from the folder that the
// configuration will lie in, and the files at those paths: the script, what its actions
// ended with, which is in results, and the keys of machines. Without them another host
// could not undo what this one has set up.
func portableHandler(actor string, h config.Handler, results string) (config.Handler, []named, error) {
	var files []named
	if h.Journal != "" {
		h.Journal = actor + ".runs" // of a pretended world, which another host begins anew
	}
	if h.Script != "" {
		name := "scripts/" + actor + ".yaml"
		files = append(files, named{name, h.Script})
		h.Script, h.Results = name, ""
		list, err := folder("state/results/"+actor, results)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // nothing was ever done
			return h, nil, err
		}
		files = append(files, list...)
	}
	if file := h.Settings[config.SettingPassword]; file != "" {
		h.Settings = maps.Clone(h.Settings)
		h.Settings[config.SettingPassword] = "secrets/ldap-" + actor
		files = append(files, named{"secrets/ldap-" + actor, file})
	}
	taken := map[string]string{} // often many machines have one key
	take := func(p *string, kind string, copy func(name string) ([]named, error)) error {
		if *p == "" {
			return nil
		}
		name, known := taken[kind+" "+*p]
		if !known {
			name = fmt.Sprintf("machines/%s/%s-%d", actor, kind, len(taken)+1)
			list, err := copy(name)
			if err != nil {
				return err
			}
			taken[kind+" "+*p], files = name, append(files, list...)
		}
		*p = name
		return nil
	}
	h.Machines = append([]config.Machine(nil), h.Machines...)
	for i := range h.Machines {
		m := &h.Machines[i]
		one := func(path string) func(string) ([]named, error) {
			return func(name string) ([]named, error) { return []named{{name, path}}, nil }
		}
		identity := m.Identity
		if err := errors.Join(take(&m.Key, "key", one(m.Key)), take(&m.HostKeys, "host_keys", one(m.HostKeys)),
			take(&m.Certificate, "agent", one(m.Certificate)),
			take(&m.Identity, "identity", func(name string) ([]named, error) { return folder(name, identity) })); err != nil {
			return h, nil, err
		}
	}
	return h, files, nil
}

// folder is the files of a folder, under another name. What is being written is left out.
func folder(name, dir string) (files []named, err error) {
	list, err := os.ReadDir(dir)
	for _, e := range list {
		if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
			files = append(files, named{name + "/" + e.Name(), filepath.Join(dir, e.Name())})
		}
	}
	return files, err
}
