package main

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	drivers "github.com/leasehold/leasehold/handlers/nodeagent/pack"
	runner "github.com/leasehold/leasehold/handlers/run"
	wire "github.com/leasehold/leasehold/wire/nodeagent"
	"github.com/leasehold/leasehold/wssec/keys"
)

func (a *app) agentPackCommand() *cobra.Command {
	var dir, to string
	c := &cobra.Command{
		Use:   "pack FOLDER",
		Short: "Make and sign a driver package out of a folder",
		Long: `Make and sign a driver package out of a folder.

The folder has a manifest.json with the driver's id and version, perhaps the command install, and
its actions, each with the command run and perhaps overlap (ignore, wait, cancel or error) and
timeout. An action's program finds what it is asked on its standard input, as one line of JSON, and
prints a JSON object with code, message and properties, or nothing. Links are refused.`,
		Args: oneArg("folder"),
		RunE: func(_ *cobra.Command, args []string) error {
			if dir == "" || to == "" {
				return usage("say --keys and -o: the key to sign with, and where the package goes")
			}
			id, err := keys.Load(dir)
			if err != nil {
				return err
			}
			m, files, err := readPackage(args[0])
			if err != nil {
				return err
			}
			data, err := drivers.Build(m, files, id.Key, id.Cert)
			if err != nil {
				return usageError{err}
			}
			if err := os.WriteFile(to, data, 0o644); err != nil {
				return err
			}
			return a.show(map[string]any{"package": to, "id": m.ID, "version": m.Version, "files": len(files)}, func(w io.Writer) {
				row(w, fmt.Sprintf("%s: version %s of %s, %d files", to, m.Version, m.ID, len(files)))
			})
		},
	}
	c.Flags().StringVar(&dir, "keys", "", "folder with the key that signs; agents have to know it")
	c.Flags().StringVarP(&to, "output", "o", "", "write the package to this file")
	return c
}

// readPackage reads a folder that is to become a package.
func readPackage(dir string) (m drivers.Manifest, files []drivers.File, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return usage("%s is no file; links and devices have no place in a package", path)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if name == "manifest.json" {
			if err := json.Unmarshal(data, &m); err != nil {
				return usage("%s: %v", path, err)
			}
			return nil
		}
		files = append(files, drivers.File{Name: filepath.ToSlash(name), Exec: info.Mode()&0o111 != 0, Data: data})
		return nil
	})
	if err == nil && m.ID == "" {
		err = usage("%s has no manifest.json with an id", dir)
	}
	return m, files, err
}

func (a *app) agentDriverCommand(use string, op wire.Op) *cobra.Command {
	x := &reach{}
	packed := op == wire.InstallDriver || op == wire.UpgradeDriver
	c := &cobra.Command{Use: use + " URL PACKAGE"}
	switch op {
	case wire.InstallDriver:
		c.Short = "Install a driver package at a node agent"
	case wire.UpgradeDriver:
		c.Short = "Install another version of a driver; the one before stays for rollback"
	case wire.UninstallDriver:
		c.Use, c.Short = use+" URL DRIVER", "Remove a driver from a node agent"
	default:
		c.Use, c.Short = use+" URL DRIVER", "Go back to the version of a driver before"
	}
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) != 2 {
			return usage("%s needs %s", cmd.CommandPath(), strings.TrimPrefix(cmd.Use, use+" "))
		}
		q := wire.Request{Op: op, Driver: args[1]}
		if packed {
			data, err := os.ReadFile(args[1])
			if err != nil {
				return err
			}
			id, err := drivers.ID(data)
			if err != nil {
				return fmt.Errorf("%s: %w", args[1], err)
			}
			q.Driver, q.Package = id, data
		}
		return a.ask(cmd.Context(), x, args[0], q)
	}
	return x.flags(c)
}

func (a *app) agentInvokeCommand() *cobra.Command {
	x := &reach{}
	var object string
	var properties []string
	c := &cobra.Command{
		Use:   "invoke URL DRIVER ACTION",
		Short: "Run an action of a driver at a node agent",
		Long: `Run an action of a driver at a node agent, and wait for its end.

With the property action.key the action is run once under that key, however often it is asked
for, also when the connection breaks or the agent is restarted meanwhile.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 3 {
				return usage("%s needs URL DRIVER ACTION", cmd.CommandPath())
			}
			r, err := x.open(args[0])
			if err != nil {
				return err
			}
			defer r.Close()
			call := runner.Call{Driver: args[1], Action: args[2], Object: object, Properties: map[string]string{}}
			for _, p := range properties {
				name, value, ok := strings.Cut(p, "=")
				if !ok || name == "" {
					return usage("--property is NAME=VALUE, not %q", p)
				}
				call.Properties[name] = value
			}
			code, props, err := r.Invoke(cmd.Context(), call)
			if err != nil {
				return err
			}
			return a.showAnswer(wire.ExecuteDriver, int32(code), props)
		},
	}
	c.Flags().StringVar(&object, "object", "", "the object of the driver")
	c.Flags().StringArrayVar(&properties, "property", nil, "a property, NAME=VALUE; may be repeated")
	return x.flags(c)
}
