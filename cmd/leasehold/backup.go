package main

import (
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) backupCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "backup",
		Short: "Keep a server's records, keys, configuration and directory in one file",
		Long: `Keep everything a server needs to go on elsewhere in one file: the records of its
actors, their keys, the configuration with the files it names, and the directory
as LDIF. The file holds private keys: keep it as you would keep those.

Leases that have ended by the time a backup is restored end then; nothing that is
over becomes active again.`,
	}
	c.AddCommand(a.backupCreateCommand(), a.backupVerifyCommand(), a.backupRestoreCommand())
	quiet(c)
	return c
}

func (a *app) backupCreateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "create [FILE]",
		Short: "Make a backup, while the server runs or not",
		Long: `Make a backup of the server that the configuration is for. A running server is asked
for copies as of one moment and goes on meanwhile. An existing file is never
overwritten; the file appears when it is complete.`,
		Example: "  leasehold backup create --config ./site/leasehold.yaml /var/backups/site.tar.gz",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			conf, err := a.configPath()
			if err != nil {
				return err
			}
			file := "leasehold-" + time.Now().UTC().Format("20060102T150405Z") + ".tar.gz"
			if len(args) == 1 {
				file = args[0]
			}
			m, err := createBackup(c.Context(), conf, a.socket, file)
			if err != nil {
				return fmt.Errorf("backup: %w", err)
			}
			return a.showBackup("Wrote", file, m)
		},
	}
}

func (a *app) backupVerifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify FILE",
		Short: "Say whether a backup is whole and could be restored",
		Args:  oneArg("file"),
		RunE: func(c *cobra.Command, args []string) error {
			m, err := verifyBackup(c.Context(), args[0])
			if err != nil {
				return fmt.Errorf("backup: %w", err)
			}
			return a.showBackup("Nothing is wrong with", args[0], m)
		},
	}
}

func (a *app) backupRestoreCommand() *cobra.Command {
	var to destination
	c := &cobra.Command{
		Use:   "restore FILE DIRECTORY",
		Short: "Put a backup into an empty folder",
		Long: `Put a backup into a folder that is empty or not there yet, ready for leasehold serve.
The server it was made from must not run any more: two servers with the same keys
would contradict each other.

Records that were kept in a directory server or a data base are put into a file
beside the configuration; with --store they are also written to the store that the
configuration names, which must not have any of these actors. An LDAP server's
entries are put into directory.ldif; with --directory they are also added to the
server that the configuration names, which must have the entry above them and none
of them. Where the new host has other servers, --store-url and --directory-url put
their addresses into the configuration first.`,
		Example: `  leasehold backup restore site.tar.gz /srv/leasehold
  leasehold serve --config /srv/leasehold/leasehold.yaml
  leasehold backup restore site.tar.gz /srv/leasehold --store --store-url postgres://leasehold@db2.example.org:5432/leases`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage("%s needs a file and a directory; see %s --help", c.CommandPath(), c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			m, notes, err := restoreBackup(c.Context(), args[0], args[1], to)
			if err != nil {
				return fmt.Errorf("backup: %w", err)
			}
			if err := a.showBackup("Restored", args[0], m); err != nil || a.json {
				return err
			}
			for _, n := range append(notes, "leasehold serve --config "+filepath.Join(args[1], configName)) {
				fmt.Fprintln(a.out, n)
			}
			return nil
		},
	}
	f := c.Flags()
	f.BoolVar(&to.store, "store", false, "also write the records to the directory server or data base that the configuration names")
	f.BoolVar(&to.directory, "directory", false, "also add the directory's entries to the LDAP server that the configuration names")
	f.StringVar(&to.storeURL, "store-url", "", "the store's address from now on")
	f.StringVar(&to.directoryURL, "directory-url", "", "the LDAP server's address from now on")
	return c
}

// showBackup prints what is in a backup.
func (a *app) showBackup(did, file string, m manifest) error {
	out := struct {
		File string `json:"file"`
		manifest
	}{file, m}
	return a.show(out, func(w io.Writer) {
		fmt.Fprintf(w, "%s %s: made %s by leasehold %s\n", did, file, when(m.Made), clean(m.Program))
		row(w, "ACTOR", "ROLE", "GUID", "RECORDS")
		for _, ac := range m.Actors {
			row(w, ac.Name, ac.Role, ac.GUID, ac.Records)
		}
		if m.Directory != nil {
			fmt.Fprintf(w, "%d directory entries\n", *m.Directory)
		}
	})
}
