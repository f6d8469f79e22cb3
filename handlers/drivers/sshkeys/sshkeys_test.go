package sshkeys_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/sshkeys"
	"github.com/leasehold/leasehold/handlers/drivertest"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/localrun"
	"github.com/leasehold/leasehold/handlers/run/sshrun"
)

func key(t *testing.T) (ssh.Signer, string) {
	t.Helper()
	_, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	return s, string(ssh.MarshalAuthorizedKey(s.PublicKey()))
}

func TestSuite(t *testing.T) {
	t.Parallel()
	_, line := key(t)
	drivertest.Run(t, func(t *testing.T) drivertest.World {
		file := filepath.Join(t.TempDir(), "keys")
		const theirs = "# mine\nssh-ed25519 AAAA other\n"
		if err := os.WriteFile(file, []byte(theirs), 0o600); err != nil {
			t.Fatal(err)
		}
		text := func() string { data, _ := os.ReadFile(file); return string(data) }
		return drivertest.World{Driver: sshkeys.Driver{}, On: localrun.Runner{},
			Params: handlers.Params{handlers.ParamUnit: "u1", sshkeys.Keys: line, sshkeys.File: file},
			Up:     func() bool { return text() == theirs+"# leasehold begin u1\n"+line+"# leasehold end u1\n" },
			Clean:  func() bool { return text() == theirs }}
	})
}

// A real server lets the key in while the unit is up, and not after.
func TestLogin(t *testing.T) {
	t.Parallel()
	s := setup.StartSSHD(t, "")
	signer, line := key(t)
	p := handlers.Params{handlers.ParamUnit: "u2", sshkeys.Keys: line, sshkeys.File: s.AuthorizedKeys}
	login := func() error {
		r, err := sshrun.New(sshrun.Config{Addr: s.Addr, User: s.User, Key: signer, HostKeys: []ssh.PublicKey{s.HostKey}})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		_, err = r.Run(t.Context(), run.Cmd{Args: []string{"true"}})
		return err
	}
	d := sshkeys.Driver{}
	if err := login(); err == nil {
		t.Fatal("let in before")
	}
	if _, err := d.Setup(t.Context(), localrun.Runner{}, p); err != nil {
		t.Fatal(err)
	}
	if err := login(); err != nil {
		t.Error(err)
	}
	if _, err := d.Teardown(t.Context(), localrun.Runner{}, p); err != nil {
		t.Fatal(err)
	}
	if err := login(); err == nil {
		t.Error("let in after")
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	_, line := key(t)
	dir := t.TempDir()
	for text, says := range map[string]string{
		"":                           "there are no keys",
		`command="rm" ` + line:       "no kind of key",
		"ssh-ed25519":                "has no key",
		"ssh-ed25519 AAAA":           "no key of the kind",
		"ssh-rsa " + line[12:]:       "no key of the kind",
		strings.Repeat(line, 101):    "more than 100",
		line[:len(line)-1] + " \x01": "no key",
	} {
		p := handlers.Params{handlers.ParamUnit: "u1", sshkeys.Keys: text, sshkeys.File: dir + "/k"}
		if _, err := (sshkeys.Driver{}).Setup(t.Context(), localrun.Runner{}, p); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.40q: %v, want %q", text, err, says)
		}
	}
	// Two units of one account, and a file that nobody else needs goes with the last.
	for n := range 2 {
		p := handlers.Params{handlers.ParamUnit: fmt.Sprint("u", n), sshkeys.Keys: line, sshkeys.File: dir + "/k"}
		if _, err := (sshkeys.Driver{}).Setup(t.Context(), localrun.Runner{}, p); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 2 {
		data, _ := os.ReadFile(dir + "/k")
		if got := strings.Count(string(data), line); got != 2-n {
			t.Errorf("%d keys: %s", got, data)
		}
		p := handlers.Params{handlers.ParamUnit: fmt.Sprint("u", n), sshkeys.File: dir + "/k"}
		if _, err := (sshkeys.Driver{}).Teardown(t.Context(), localrun.Runner{}, p); err != nil {
			t.Fatal(err)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Error(left)
	}
	if _, err := handlers.NewCatalogue(sshkeys.Driver{}.Info()); err != nil {
		t.Error(err)
	}
}
