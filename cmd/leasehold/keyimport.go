package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/keys"
	"github.com/spf13/cobra"
)

// imported is what key import brought in.
type imported struct {
	keyInfo
	Peers []string `json:"peers,omitempty"` // files of certificates that were in the store too
}

func (a *app) keyImport() *cobra.Command {
	var to, passwords, peers string
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Put a private key and its certificate where an actor finds them",
		Long: `Read a private key and its certificate from a PEM file, a Java key store (JKS) or
PKCS #12, check that they belong together, and write them to the folder --to. A
key that is there already is not replaced unless --replace is given.

The file of --password-file has the password of the store in its first line and
that of the key in its second; one line serves for both. Neither file may be open
to others. Deployed actors keep their peers' certificates in their key store, each
under the peer's GUID: --peers writes them to a folder, for leasehold peer add.`,
		Example: `  leasehold key import identity.pem --to /etc/leasehold/keys/site1
  leasehold key import 22222222-2222-4222-8222-222222222222.jks --password-file passwords --to keys/broker --peers found`,
		Args: oneArg("file"),
	}
	replace := c.Flags().Bool("replace", false, "replace the key that is there")
	c.Flags().StringVar(&to, "to", "", "the folder of the actor's key (required)")
	c.Flags().StringVar(&passwords, "password-file", "", "file with the passwords of store and key, a line each")
	c.Flags().StringVar(&peers, "peers", "", "folder for the certificates of others in the store")
	_ = c.MarkFlagDirname("to")
	_ = c.MarkFlagDirname("peers")
	_ = c.MarkFlagFilename("password-file")
	c.RunE = func(_ *cobra.Command, args []string) error {
		if to == "" {
			return usage("%s needs --to FOLDER", c.CommandPath())
		}
		store, err := readStore(args[0], passwords)
		if err != nil {
			return err
		}
		if n := len(store.Identities); n != 1 {
			return fmt.Errorf("%s: %w: %d keys in it, where one was expected", args[0], keys.ErrStore, n)
		}
		id := store.Identities[0]
		switch old, err := keys.Load(to); {
		case err == nil && old.Cert.Equal(id.Cert): // it is there
		case err == nil && !*replace:
			return &actors.Error{Op: "key import", Kind: actors.Stale, Err: fmt.Errorf("%s holds the key of %s; give --replace to replace it", to, old.GUID)}
		case err != nil && !errors.Is(err, fs.ErrNotExist) && !*replace:
			return &actors.Error{Op: "key import", Kind: actors.Stale, Err: fmt.Errorf("%s holds a key that cannot be read; give --replace to replace it: %w", to, err)}
		default:
			if err := id.Save(to); err != nil {
				return err
			}
		}
		out := imported{keyInfo: keyInfoOf(acquaintance{name: id.Name, guid: id.GUID, own: true, cert: id.Cert, place: to}, time.Now())}
		if out.Peers, err = savePeers(peers, store); err != nil {
			return err
		}
		return a.show(out, func(w io.Writer) {
			out.print(w)
			for _, file := range out.Peers {
				row(w, "peer", file)
			}
		})
	}
	return c
}

// readStore reads a key store, told apart by its beginning, that nobody else can
// read.
func readStore(file, passwordFile string) (keys.Store, error) {
	var passwords []string
	if passwordFile != "" {
		data, err := readSecret(passwordFile)
		if err != nil {
			return keys.Store{}, err
		}
		for line := range strings.Lines(string(data)) {
			passwords = append(passwords, strings.TrimRight(line, "\r\n"))
		}
		if len(passwords) > 2 {
			return keys.Store{}, usage("%s has %d lines; that of the store and that of the key make two", passwordFile, len(passwords))
		}
	}
	data, err := readSecret(file)
	if err != nil {
		return keys.Store{}, err
	}
	store, err := keys.ImportStore(data, passwords...)
	if err != nil {
		return keys.Store{}, fmt.Errorf("%s: %w", file, err)
	}
	return store, nil
}

// readSecret reads a file that only its owner may read.
func readSecret(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s has mode %04o; chmod 600 it", keys.ErrExposed, file, info.Mode().Perm())
	}
	return readInput(file)
}

// savePeers writes the certificates of others in a store to a folder, under their
// GUIDs, where there is none yet.
func savePeers(dir string, store keys.Store) ([]string, error) {
	if dir == "" {
		return nil, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	var files []string
	for _, t := range store.Trusted {
		guid := t.Cert.Subject.CommonName
		if !wssec.ValidLegacyGUID(guid) {
			return files, fmt.Errorf("certificate %q in the store was made out to %q, which is no GUID", t.Alias, guid)
		}
		file, text := filepath.Join(dir, guid+".pem"), keys.CertificatePEM(t.Cert)
		switch old, err := os.ReadFile(file); {
		case errors.Is(err, fs.ErrNotExist):
			if err := os.WriteFile(file, text, 0o644); err != nil {
				return files, err
			}
		case err != nil:
			return files, err
		case !bytes.Equal(old, text):
			return files, &actors.Error{Op: "key import", Kind: actors.Stale, Err: fmt.Errorf("%s holds another certificate", file)}
		}
		files = append(files, file)
	}
	return files, nil
}
