/*
Package useradd is the driver of local accounts on a machine. An account that it made says so
in its comment, with the unit's identity; any other of the same name is left alone.
*/
package useradd

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
	Login  = "account.login"
	Shell  = "account.shell"
	Groups = "account.groups"
	UID    = "account.uid"
	Prefix = "account.prefix"
)

// Driver is the driver; its zero value is ready.
type Driver struct{}

// Info lists d in a catalogue.
func (d Driver) Info() handlers.Info {
	return handlers.Info{Name: "useradd", Doc: "Keeps an account with its home on the unit's machine.", Driver: d, Params: []handlers.Param{
		{Name: handlers.ParamUnit, Doc: "the unit", Need: true},
		{Name: Login, Need: true, Doc: "the account's name: lower-case letters, digits, - and _"},
		{Name: Shell, Site: true, Default: "/bin/sh", Doc: "its shell"},
		{Name: Groups, Site: true, Doc: "groups it is in besides its own, with commas between"},
		{Name: UID, Site: true, Doc: "its number; the machine chooses when there is none"},
		{Name: Prefix, Site: true, Doc: "folder with the system to change, if it is not the running one (useradd --prefix)"},
	}}
}

// account is one line of passwd(5).
type account struct{ login, comment, home string }

// Setup makes the account if it is not there.
func (Driver) Setup(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	w, err := read(p)
	if err != nil {
		return handlers.Result{}, err
	}
	a, err := w.look(ctx, on)
	switch {
	case err != nil:
		return handlers.Result{}, err
	case a != nil && a.comment != w.comment:
		return handlers.Result{}, fmt.Errorf("useradd: there is an account %s that is not this unit's", w.login)
	case a != nil:
		// The account is entered before its home is made.
		_, err := run.Must(ctx, on, run.Cmd{Args: []string{"test", "-d", w.prefix + a.home}})
		if err == nil {
			return handlers.Result{Done: true, Properties: map[string]string{"unit.account.home": a.home}}, nil
		}
		if err := w.remove(ctx, on); err != nil {
			return handlers.Result{}, err
		}
	}
	args := w.command("useradd", "--create-home", "--comment", w.comment, "--shell", p.Get(Shell, "/bin/sh"))
	if g := p[Groups]; g != "" {
		args = append(args, "--groups", g)
	}
	if u := p[UID]; u != "" {
		args = append(args, "--uid", u)
	}
	if _, err := run.Must(ctx, on, run.Cmd{Args: append(args, w.login)}); err != nil {
		return handlers.Result{}, err
	}
	if a, err = w.look(ctx, on); err != nil {
		return handlers.Result{}, err
	}
	if a == nil {
		return handlers.Result{}, fmt.Errorf("useradd: useradd says that it made %s, and there is no such account", w.login)
	}
	return handlers.Result{Done: true, Properties: map[string]string{"unit.account.home": a.home}}, nil
}

// Teardown ends the account's processes and removes it with its home.
func (Driver) Teardown(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	w, err := read(p)
	if err != nil {
		return handlers.Result{}, err
	}
	a, err := w.look(ctx, on)
	if err != nil || a == nil || a.comment != w.comment {
		return handlers.Result{Done: err == nil}, err
	}
	if w.prefix == "" {
		// 1 says that there was none.
		if o, err := on.Run(ctx, run.Cmd{Args: []string{"pkill", "-KILL", "-u", w.login}}); err != nil {
			return handlers.Result{}, err
		} else if o.Code > 1 {
			return handlers.Result{}, run.Failed(run.Cmd{Args: []string{"pkill", w.login}}, o)
		}
	}
	err = w.remove(ctx, on)
	return handlers.Result{Done: err == nil}, err
}

// want is what a unit's account should be.
type want struct{ login, comment, prefix string }

func read(p handlers.Params) (w want, err error) {
	unit, err := p.Need(handlers.ParamUnit)
	if err != nil {
		return w, err
	}
	if w.login, err = p.Need(Login); err != nil {
		return w, err
	}
	const letters = "abcdefghijklmnopqrstuvwxyz_"
	if len(w.login) > 32 || strings.Trim(w.login[:1], letters) != "" || strings.Trim(w.login, letters+"0123456789-") != "" {
		return w, fmt.Errorf("useradd: %.64q cannot name an account", w.login)
	}
	if strings.ContainsFunc(unit, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`:,="`, r) }) || len(unit) > 100 {
		return w, fmt.Errorf("useradd: the unit %.64q cannot stand in an account's comment", unit)
	}
	w.comment = "leasehold " + unit
	if w.prefix = p[Prefix]; w.prefix != "" {
		err = posix.Path(w.prefix)
	}
	return w, err
}

func (w want) command(args ...string) []string {
	if w.prefix != "" {
		args = append([]string{args[0], "--prefix", w.prefix}, args[1:]...)
	}
	return args
}

// look finds the account; nil when there is none.
func (w want) look(ctx context.Context, on run.Runner) (*account, error) {
	c := run.Cmd{Args: []string{"grep", "^" + w.login + ":", w.prefix + "/etc/passwd"}}
	o, err := on.Run(ctx, c)
	switch {
	case err != nil:
		return nil, err
	case o.Code == 1:
		return nil, nil
	case o.Code != 0:
		return nil, run.Failed(c, o)
	}
	f := strings.Split(strings.TrimSpace(o.Stdout), ":")
	if len(f) != 7 || f[0] != w.login {
		return nil, fmt.Errorf("useradd: the account %s is not understood", w.login)
	}
	return &account{f[0], f[4], f[5]}, nil
}

// remove removes the account with its home. 12 says that the home was not there.
func (w want) remove(ctx context.Context, on run.Runner) error {
	c := run.Cmd{Args: w.command("userdel", "--remove", w.login)}
	o, err := on.Run(ctx, c)
	if err == nil && o.Code != 0 && o.Code != 12 {
		err = run.Failed(c, o)
	}
	if err != nil {
		return err
	}
	a, err := w.look(ctx, on)
	if err == nil && a != nil {
		err = fmt.Errorf("useradd: userdel says that it removed %s, and the account is there", w.login)
	}
	return err
}
