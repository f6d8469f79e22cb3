package setup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// A Postgres is a running PostgreSQL server with one user and no data base of ours.
type Postgres struct {
	*process
	port     int
	password string
}

// pgUser is the server's one user.
const pgUser = "leasehold"

// StartPostgres starts Debian's PostgreSQL and stops it when the test ends. extra
// lines go into its configuration. When PostgreSQL is not installed, or does not
// come up, the test fails.
func StartPostgres(t testing.TB, extra ...string) *Postgres {
	t.Helper()
	p := &Postgres{
		// SIGINT is "fast": it does not wait for its clients.
		process:  newProcess(t, "postgres", syscall.SIGINT, 60*time.Second),
		password: rand.Text(),
	}
	p.ready = func() error { return p.Exec("postgres", "SELECT 1") }
	if err := p.init(extra); err != nil {
		t.Fatalf("initdb: %v", err)
	}
	var err error
	for range 5 { // another process may take the port first
		if p.port, err = freePort(); err == nil {
			if err = p.start(); err == nil {
				return p
			}
		}
	}
	t.Fatalf("postgres does not come up: %v\n%s", err, p.log.String())
	return nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// init makes an empty cluster of data bases.
func (p *Postgres) init(extra []string) error {
	secret := filepath.Join(p.dir, "password")
	if err := os.WriteFile(secret, []byte(p.password), 0o600); err != nil {
		return err
	}
	if err := giveTo(p.dir, p.attrs); err != nil {
		return err
	}
	initdb := exec.Command(filepath.Join(filepath.Dir(p.path), "initdb"), "--no-sync", "--auth=scram-sha-256", "--pwfile="+secret,
		"--username="+pgUser, "--encoding=UTF8", "--locale=C", "--pgdata="+p.data())
	initdb.SysProcAttr, initdb.Dir = p.attrs, p.dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	conf := append([]string{
		"listen_addresses = '127.0.0.1'", "unix_socket_directories = ''", "max_connections = 200", "shared_buffers = 16MB",
		"fsync = off", // a crash of the server loses nothing: the system it runs on goes on
		"log_min_messages = fatal", "log_min_error_statement = fatal",
	}, extra...)
	f, err := os.OpenFile(filepath.Join(p.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, "\n"+strings.Join(conf, "\n"))
	return errors.Join(err, f.Close())
}

func (p *Postgres) data() string { return filepath.Join(p.dir, "data") }

// start runs the server on its port.
func (p *Postgres) start() error {
	return p.process.start("-D", p.data(), "-p", strconv.Itoa(p.port))
}

// URL is how to reach a data base of the server, password included.
func (p *Postgres) URL(database string) string {
	return fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/%s?sslmode=disable", pgUser, p.password, p.port, database)
}

// Exec carries out one statement, in a connection of its own.
func (p *Postgres) Exec(database, sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, p.URL(database))
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, sql)
	return err
}

// Database makes an empty data base and returns its URL.
func (p *Postgres) Database(t testing.TB) string {
	t.Helper()
	name := "t" + strings.ToLower(rand.Text())
	if err := p.Exec("postgres", "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return p.URL(name)
}

// Address makes an empty data base and returns its URL without the password, and
// the password.
func (p *Postgres) Address(t testing.TB) (url, password string) {
	t.Helper()
	return strings.Replace(p.Database(t), ":"+p.password+"@", "@", 1), p.password
}

// Start starts a stopped server again, on the same port.
func (p *Postgres) Start() {
	p.t.Helper()
	p.again(p.start)
}
