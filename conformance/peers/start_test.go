package peers

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// peer is a running program that answers questions (common/Frames.java).
type peer struct {
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  io.Reader

	mu  sync.Mutex // one question at a time
	log syncBuffer
}

// syncBuffer collects what a process says on standard error.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// running is what to stop and remove when all tests are over.
var running struct {
	sync.Mutex
	peers   []*peer
	folders []string
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, p := range running.peers {
		p.in.Close() // a peer ends with its input
		p.cmd.Wait()
	}
	for _, dir := range running.folders {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// prepared runs setup.sh, once, and is the folder of the Java peers.
var prepared = sync.OnceValues(func() (string, error) {
	var out, log bytes.Buffer
	cmd := exec.Command("./setup.sh")
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("setup.sh: %w\n%s", err, log.String())
	}
	return strings.TrimSpace(out.String()), nil
})

// startJava starts a program of setup.sh. One that needs a folder of its own gets
// an empty one, on its class path and as its first argument.
func startJava(name, class string, folder bool, args ...string) (*peer, error) {
	dir, err := prepared()
	if err != nil {
		return nil, err
	}
	path := []string{filepath.Join(dir, name), filepath.Join(dir, name+"-lib", "*")}
	for i := range args {
		args[i] = filepath.Join(dir, args[i])
	}
	if folder {
		own, err := os.MkdirTemp("", name)
		if err != nil {
			return nil, err
		}
		running.Lock()
		running.folders = append(running.folders, own)
		running.Unlock()
		path = append(path, own)
		args = append([]string{own}, args...)
	}
	return start(name, append([]string{"java", "-XX:+UseSerialGC", "-Xmx512m", "-cp", strings.Join(path, ":"), class}, args...)...)
}

func start(name string, command ...string) (*peer, error) {
	p := &peer{name: name, cmd: exec.Command(command[0], command[1:]...)}
	p.cmd.Stderr = &p.log
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.out, err = p.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s is missing: run conformance/setup/install.sh: %w", name, err)
	}
	running.Lock()
	defer running.Unlock()
	running.peers = append(running.peers, p)
	return p, nil
}

// use gives the peer that starter starts, or fails the test.
func use(t testing.TB, starter func() (*peer, error)) *peer {
	t.Helper()
	p, err := starter()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// maxField is more than any answer needs.
const maxField = 64 << 20

// try asks one question. The error is the peer's own "no", of type refusal, or
// says that it has gone.
func (p *peer) try(command string, args ...[]byte) ([][]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	question := binary.BigEndian.AppendUint32(nil, uint32(1+len(args)))
	for _, a := range append([][]byte{[]byte(command)}, args...) {
		question = binary.BigEndian.AppendUint32(question, uint32(len(a)))
		question = append(question, a...)
	}
	answer, err := p.exchange(question)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s has gone: %w\n%s", p.name, err, p.log.String())
	case len(answer) == 2 && string(answer[0]) == "no":
		return nil, refusal(answer[1])
	case len(answer) == 0 || string(answer[0]) != "ok":
		return nil, fmt.Errorf("%s answers %q", p.name, answer)
	}
	return answer[1:], nil
}

func (p *peer) exchange(question []byte) ([][]byte, error) {
	if _, err := p.in.Write(question); err != nil {
		return nil, err
	}
	number := func() (uint32, error) {
		var b [4]byte
		_, err := io.ReadFull(p.out, b[:])
		n := binary.BigEndian.Uint32(b[:])
		if err == nil && n > maxField {
			err = errors.New("too long an answer")
		}
		return n, err
	}
	n, err := number()
	if err != nil {
		return nil, err
	}
	var answer [][]byte
	for range n {
		length, err := number()
		if err != nil {
			return nil, err
		}
		field := make([]byte, length)
		if _, err := io.ReadFull(p.out, field); err != nil {
			return nil, err
		}
		answer = append(answer, field)
	}
	return answer, nil
}

// ask is try for a question whose answer must be yes.
func (p *peer) ask(t testing.TB, command string, args ...[]byte) [][]byte {
	t.Helper()
	answer, err := p.try(command, args...)
	if err != nil {
		t.Fatalf("%s %s: %v", p.name, command, err)
	}
	return answer
}

// refusal is why a peer said no.
type refusal string

func (r refusal) Error() string { return string(r) }

// refused reports whether err is a peer's own verdict.
func refused(err error) bool {
	var r refusal
	return errors.As(err, &r)
}
