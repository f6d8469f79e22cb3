package setup

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A Net is a network namespace of one test, without a name: nothing is left of it
// when its last process has ended, whatever happens to the test.
type Net struct {
	t      testing.TB
	mu     sync.RWMutex // a relay's last connection may come when the test has ended
	ns     *os.File
	holder *exec.Cmd // a process in it, by whose pid interfaces are moved there
}

// NewNet makes a network with nothing in it but a loopback interface that is up.
// It takes root; without, the test is skipped, but not where CI is set.
func NewNet(t testing.TB) *Net {
	t.Helper()
	Root(t, "a network namespace")
	n := &Net{t: t}
	if err := n.make(); err != nil {
		t.Fatalf("no network namespace: %v", err)
	}
	t.Cleanup(func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.ns.Close()
	})
	n.holder = exec.Command("sleep", "infinity")
	n.holder.SysProcAttr = dieWithParent()
	if err := n.Do(n.holder.Start); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = n.holder.Process.Signal(syscall.SIGKILL)
		_ = n.holder.Wait()
	})
	n.IP("link", "set", "lo", "up")
	return n
}

// make opens a new namespace. The thread that made it goes home: were it to end, so
// would every process that it ever started, by its parent-death signal.
func (n *Net) make() error {
	return abroad(func() error { return unix.Unshare(unix.CLONE_NEWNET) }, func() (err error) {
		n.ns, err = os.Open("/proc/thread-self/ns/net")
		return err
	})
}

// Do calls f on a thread in the namespace: sockets that it opens and processes
// that it starts itself, not in another goroutine, are there.
func (n *Net) Do(f func() error) error {
	return abroad(func() error {
		n.mu.RLock()
		defer n.mu.RUnlock()
		return unix.Setns(int(n.ns.Fd()), unix.CLONE_NEWNET)
	}, f)
}

// abroad calls f after leave has taken the thread to another network, and brings it
// back.
func abroad(leave, f func() error) error {
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer home.Close()
	if err := leave(); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("entering a network: %w", err)
	}
	err = f()
	if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
		// The thread stays locked and ends with its goroutine: better than one that
		// goes on in the wrong network.
		return errors.Join(err, fmt.Errorf("leaving a network: %w", back))
	}
	runtime.UnlockOSThread()
	return err
}

// Run runs a command in the namespace to its end.
func (n *Net) Run(name string, args ...string) (string, error) {
	return run(n, n.command(name, args...))
}

// command is a program of the network, which is one of this machine.
func (n *Net) command(path string, args ...string) *exec.Cmd { return exec.Command(path, args...) }

// run runs a command in a network to its end.
func run(n *Net, cmd *exec.Cmd) (string, error) {
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = dieWithParent()
	if err := n.Do(cmd.Start); err != nil {
		return "", err
	}
	err := cmd.Wait()
	return out.String(), err
}

// Dial connects to an address, in digits, of the namespace.
func (n *Net) Dial(address string) (c net.Conn, err error) {
	err = n.Do(func() (err error) {
		// An address in digits is dialled in this very goroutine.
		c, err = (&net.Dialer{Timeout: 10 * time.Second}).Dial("tcp", address)
		return err
	})
	return c, err
}

// IP runs iproute2's ip in the namespace.
func (n *Net) IP(args ...string) {
	n.t.Helper()
	if out, err := n.Run(Tool(n.t, "ip"), args...); err != nil {
		n.t.Fatalf("ip %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// Bridge makes the bridge br0 with an address, such as "10.99.0.1/16". It must be
// there before anything is joined to it.
func (n *Net) Bridge(address string) {
	n.t.Helper()
	n.IP("link", "add", "br0", "type", "bridge", "forward_delay", "0")
	n.IP("addr", "add", address, "dev", "br0")
	n.IP("link", "set", "br0", "up")
}

// Join lays a cable from a port of the bridge to an interface eth0 of another
// network, with the given hardware address.
func (n *Net) Join(other *Net, mac string) {
	n.t.Helper()
	pid := strconv.Itoa(other.holder.Process.Pid)
	port := "p" + pid
	n.IP("link", "add", port, "type", "veth", "peer", "name", "eth0", "address", mac, "netns", pid)
	n.IP("link", "set", port, "master", "br0", "up")
	other.IP("link", "set", "eth0", "up")
}

// Tap makes a port of the bridge that a virtual machine can be behind.
func (n *Net) Tap(name string) {
	n.t.Helper()
	n.IP("tuntap", "add", name, "mode", "tap")
	n.IP("link", "set", name, "master", "br0", "up")
}

// relay listens at an address out here and carries what comes to the same address
// in the namespace, so that a test reaches a daemon in there.
func (n *Net) relay(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	n.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			outer, err := l.Accept()
			if err != nil {
				return
			}
			go n.carry(outer, address)
		}
	}()
	return nil
}

func (n *Net) carry(outer net.Conn, address string) {
	defer outer.Close()
	inner, err := n.Dial(address)
	if err != nil {
		return
	}
	defer inner.Close()
	done := make(chan struct{}, 2)
	pipe := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		done <- struct{}{}
	}
	go pipe(inner, outer)
	go pipe(outer, inner)
	<-done // and closing both ends the other
}

// StartSlapd is the package's function of the same name, with slapd in this
// network. The test reaches it at the same URLs as the network's daemons do.
func (n *Net) StartSlapd(t testing.TB, extra ...string) *Slapd {
	t.Helper()
	s := startSlapd(t, n, extra)
	s.plant()
	return s
}

// StartReplica starts a second slapd in this network that copies everything from
// the first, which must have the overlay syncprov, and takes no writes itself.
func (n *Net) StartReplica(t testing.TB, of *Slapd) *Slapd {
	t.Helper()
	s := startSlapd(t, n, []string{
		fmt.Sprintf(`syncrepl rid=1 provider=%s type=refreshAndPersist retry="1 +" searchbase="%s" bindmethod=simple binddn="%s" credentials=%s`,
			of.URL, of.Base.Parent(), of.BindDN, of.Password),
		"updateref " + of.URL,
	})
	return s
}

// StartNamed is the package's function of the same name, with named in this network. It
// answers at an address there too, on port 53; it, and rndc, are reached only from there.
func (n *Net) StartNamed(t testing.TB, address string, zones ...string) *Named {
	t.Helper()
	// It has no rights, and here there is nobody else whose ports it could take.
	err := n.Do(func() error {
		return os.WriteFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", []byte("0"), 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return startNamed(t, n, address, zones)
}
