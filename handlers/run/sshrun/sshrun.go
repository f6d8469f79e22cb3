/*
Package sshrun runs commands on another machine over SSH (RFC 4254).

The machine is known by its host keys, which are pinned: there is no first contact
to be trusted. One connection is kept and each command has a channel of its own on
it.

SSH gives the other side one line of text, which a shell there takes apart, so each
argument is quoted: it arrives as it was given. Where the key is tied to a forced
command (authorized_keys(5)), that program reads the line from SSH_ORIGINAL_COMMAND;
[Config.Forced] then holds arguments to letters, digits and few signs and quotes
nothing, so that the simplest script can check them.

Where the machine lets nobody log in as root, [Config.Sudo] runs each command through
sudo(8), which must need no password for it.
*/
package sshrun

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/leasehold/leasehold/handlers/run"
)

// Config says which machine to use, and how. Forced, Sudo, Timeout and Idle may be zero.
type Config struct {
	Addr     string          // host:port
	User     string          // who to log in as
	Key      ssh.Signer      // our own
	HostKeys []ssh.PublicKey // the machine's, one of which it must show
	Forced   bool            // a forced command takes plain words only
	Sudo     bool            // commands run as root, through sudo; not with Forced
	Timeout  time.Duration   // of connecting; 0 means 10 s
	Idle     time.Duration   // a connection unused for longer is tried out first; 0 means 30 s
}

// Runner runs commands on one machine. It is safe for use by several goroutines.
type Runner struct {
	cfg Config

	dialing chan struct{} // holds one token; whoever has it may connect
	seen    func()        // told when the machine has shown a pinned key; may be nil

	mu     sync.Mutex
	client *ssh.Client
	used   time.Time
	closed bool
}

// grace is how long a command that was told to end may hold up its connection.
const grace = 2 * time.Second

// ErrWord says that a forced command cannot be given an argument.
var ErrWord = errors.New("sshrun: not a plain word")

// New checks cfg and makes a runner, which connects when it is first used.
func New(cfg Config) (*Runner, error) {
	if _, _, err := net.SplitHostPort(cfg.Addr); err != nil {
		return nil, fmt.Errorf("sshrun: %w", err)
	}
	switch {
	case cfg.User == "":
		return nil, errors.New("sshrun: no user to log in as")
	case cfg.Key == nil:
		return nil, errors.New("sshrun: no key to log in with")
	case cfg.Sudo && cfg.Forced:
		return nil, errors.New("sshrun: a forced command takes no sudo: it runs as whoever it likes")
	case len(cfg.HostKeys) == 0:
		return nil, fmt.Errorf("sshrun: no host key of %s is pinned", cfg.Addr)
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.Idle <= 0 {
		cfg.Idle = 30 * time.Second
	}
	return &Runner{cfg: cfg, dialing: make(chan struct{}, 1)}, nil
}

// ParseHostKeys reads host keys, one a line, as ssh-keyscan and the public key files
// of hosts have them: with or without names before, and comments after.
func ParseHostKeys(text string) ([]ssh.PublicKey, error) {
	var out []ssh.PublicKey
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			_, _, key, _, _, err = ssh.ParseKnownHosts([]byte(line))
		}
		if err != nil {
			return nil, fmt.Errorf("sshrun: line %d is no host key", n+1)
		}
		out = append(out, key)
	}
	return out, nil
}

// Run carries out one command. It fails when it cannot tell what became of it.
func (r *Runner) Run(ctx context.Context, c run.Cmd) (run.Output, error) { return r.Watch(ctx, c, nil) }

// Watch is Run, and tells each line that the program prints as it comes.
func (r *Runner) Watch(ctx context.Context, c run.Cmd, tell func(line string)) (run.Output, error) {
	if len(c.Args) == 0 {
		return run.Output{}, errors.New("sshrun: no command")
	}
	line, err := r.line(c.Args)
	if err != nil {
		return run.Output{}, err
	}
	session, client, err := r.session(ctx)
	if err != nil {
		return run.Output{}, fmt.Errorf("sshrun: %s: %w", r.cfg.Addr, err)
	}
	defer session.Close()
	var out, errs run.Capped
	var said, complained run.Lines
	session.Stdin, session.Stdout, session.Stderr = strings.NewReader(c.Stdin), said.Beside(&out, tell), complained.Beside(&errs, tell)
	err = r.attend(ctx, client, session, line)
	said.Flush()
	complained.Flush()
	o := run.Output{Stdout: out.String(), Stderr: errs.String()}
	var exit *ssh.ExitError
	switch {
	case ctx.Err() != nil:
		return o, fmt.Errorf("sshrun: %s: %s: %w", r.cfg.Addr, c.Args[0], ctx.Err())
	case errors.As(err, &exit):
		o.Code = exit.ExitStatus() // of one that a signal ended: 128 and the signal
	case err != nil:
		r.drop(client)
		return o, fmt.Errorf("sshrun: %s: %s: %w", r.cfg.Addr, c.Args[0], err)
	}
	r.mu.Lock()
	r.used = time.Now()
	r.mu.Unlock()
	return o, nil
}

// attend runs a session's command to its end, or to that of ctx. A command that does
// not end then is left alone; if the machine does not even close its channel, the
// connection goes, and with it whatever else runs on it.
func (r *Runner) attend(ctx context.Context, client *ssh.Client, session *ssh.Session, line string) error {
	ended := make(chan error, 1)
	go func() { ended <- session.Run(line) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	go func() { // these write, and a machine that hangs does not read
		_ = session.Signal(ssh.SIGKILL)
		_ = session.Close()
	}()
	select {
	case <-ended:
	case <-time.After(grace):
		r.drop(client)
		<-ended
	}
	return ctx.Err()
}

// line is the text that stands for arguments.
func (r *Runner) line(args []string) (string, error) {
	if r.cfg.Sudo {
		args = append([]string{"sudo", "-n", "--"}, args...)
	}
	quoted := make([]string, len(args))
	for i, a := range args {
		switch {
		case strings.ContainsRune(a, 0):
			return "", fmt.Errorf("%w: an argument holds a NUL", ErrWord)
		case !r.cfg.Forced:
			quoted[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		case a == "" || strings.Trim(a, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=,@%+-") != "":
			return "", fmt.Errorf("%w: %.64q", ErrWord, a)
		default:
			quoted[i] = a
		}
	}
	return strings.Join(quoted, " "), nil
}

// session opens a channel for one command. A kept connection may have died
// unnoticed; nothing has been asked on a channel that does not open, so a new
// connection may be tried.
func (r *Runner) session(ctx context.Context) (*ssh.Session, *ssh.Client, error) {
	for {
		client, fresh, err := r.connect(ctx)
		if err != nil {
			return nil, nil, err
		}
		s, err := within(ctx, r.cfg.Timeout, func() { r.drop(client) }, client.NewSession)
		if err == nil {
			return s, client, nil
		}
		r.drop(client)
		if fresh || ctx.Err() != nil {
			return nil, nil, err
		}
	}
}

// connect is the kept connection, or a fresh one.
func (r *Runner) connect(ctx context.Context) (client *ssh.Client, fresh bool, err error) {
	r.mu.Lock()
	client, used := r.client, r.used
	closed := r.closed
	r.mu.Unlock()
	if closed {
		return nil, false, net.ErrClosed
	}
	if client != nil && time.Since(used) > r.cfg.Idle {
		_, err := within(ctx, r.cfg.Timeout, func() { r.drop(client) }, func() (bool, error) {
			_, _, err := client.SendRequest("keepalive@openssh.com", true, nil)
			return true, err
		})
		if err != nil {
			r.drop(client)
			client = nil
		}
	}
	if client != nil {
		return client, false, nil
	}
	select {
	case r.dialing <- struct{}{}:
		defer func() { <-r.dialing }()
	case <-ctx.Done():
		return nil, true, ctx.Err()
	}
	r.mu.Lock()
	client = r.client // somebody else's, made while we waited
	r.mu.Unlock()
	if client != nil {
		return client, false, nil
	}
	if client, err = r.dial(ctx); err != nil {
		return nil, true, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		client.Close()
		return nil, true, net.ErrClosed
	}
	r.client, r.used = client, time.Now()
	return client, true, nil
}

func (r *Runner) dial(ctx context.Context) (*ssh.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	conn, err := (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext(ctx, "tcp", r.cfg.Addr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	var auth []ssh.AuthMethod
	if r.cfg.Key != nil {
		auth = append(auth, ssh.PublicKeys(r.cfg.Key))
	}
	c, channels, requests, err := ssh.NewClientConn(conn, r.cfg.Addr, &ssh.ClientConfig{
		User:              r.cfg.User,
		Auth:              auth,
		HostKeyCallback:   r.check,
		HostKeyAlgorithms: r.algorithms(),
	})
	if !stop() && err == nil {
		c.Close()
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return ssh.NewClient(c, channels, requests), nil
}

// check compares the machine's key with the pins.
func (r *Runner) check(_ string, _ net.Addr, key ssh.PublicKey) error {
	shown := key.Marshal()
	for _, pin := range r.cfg.HostKeys {
		if string(pin.Marshal()) == string(shown) {
			if r.seen != nil {
				r.seen()
			}
			return nil
		}
	}
	return fmt.Errorf("the machine shows a host key that is not pinned: %s %s", key.Type(), ssh.FingerprintSHA256(key))
}

// algorithms are those of the pinned keys, so that a machine with several shows one
// that is known.
func (r *Runner) algorithms() []string {
	var out []string
	for _, pin := range r.cfg.HostKeys {
		names := []string{pin.Type()}
		if pin.Type() == ssh.KeyAlgoRSA {
			names = []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256} // never with SHA-1
		}
		for _, n := range names {
			if !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out
}

// drop closes a connection and forgets it if it is the kept one.
func (r *Runner) drop(c *ssh.Client) {
	r.mu.Lock()
	if r.client == c {
		r.client = nil
	}
	r.mu.Unlock()
	c.Close()
}

// Close ends the connection; commands still under way fail.
func (r *Runner) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.client == nil {
		return nil
	}
	c := r.client
	r.client = nil
	return c.Close()
}

// within calls f, and stop when ctx ends or the time is over before f returns.
func within[T any](ctx context.Context, d time.Duration, stop func(), f func() (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	undo := context.AfterFunc(ctx, stop)
	v, err := f()
	if !undo() && err != nil {
		err = errors.Join(ctx.Err(), err)
	}
	return v, err
}

// Shows reports whether a machine at an address answers and shows a host key, which is a
// line as ParseHostKeys reads it. Nobody logs in.
func Shows(ctx context.Context, address, hostKey string) bool {
	pins, err := ParseHostKeys(hostKey)
	if err != nil || len(pins) == 0 || address == "" {
		return false
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		address = net.JoinHostPort(address, "22")
	}
	shown := false
	r := &Runner{cfg: Config{Addr: address, User: "nobody", HostKeys: pins, Timeout: 10 * time.Second}, dialing: make(chan struct{}, 1)}
	r.seen = func() { shown = true }
	if c, err := r.dial(ctx); err == nil {
		c.Close()
	}
	return shown
}
