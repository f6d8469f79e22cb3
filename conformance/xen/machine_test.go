package xen_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/sshrun"
)

// A machine is a Xen host that runs in QEMU.
type machine struct {
	t      *testing.T
	name   string
	driver *sshrun.Runner // what the driver speaks to: dom0-shell alone
	admin  *sshrun.Runner // what the test looks with
	took   time.Duration  // from its start to its first answer
	cold   bool           // it was started from nothing
}

// shape is what a snapshot depends on. The clock of a machine counts its instructions
// while it works: on a busy computer it is slow, and its own programs' time limits
// with it.
var shape = []string{"-machine", "q35", "-accel", "tcg,thread=single", "-icount", "shift=2", "-cpu", "qemu64,+svm,+npt", "-m", "2048", "-smp", "1"}

// patience is how long a host may take to come up on a machine with other work.
const patience = 15 * time.Minute

// start brings a host up: from its snapshot, or from nothing, which makes one. wire is
// a folder for the sockets of the network between the hosts.
func start(t *testing.T, image, wire, name, other, address, mac string) *machine {
	t.Helper()
	m := &machine{t: t, name: name}
	overlay := filepath.Join(image, name+".qcow2")
	mark := filepath.Join(image, name+".booted") // written when the snapshot is whole
	made, _ := os.ReadFile(mark)
	if m.cold = string(made) != strings.Join(shape, " "); m.cold {
		_ = os.Remove(overlay)
		output(t, setup.Tool(t, "qemu-img"), "create", "-q", "-f", "qcow2", "-F", "raw", "-b", filepath.Join(image, "disk.img"), overlay)
	}
	port := freePort(t)
	monitor := filepath.Join(wire, name+".monitor")
	console := filepath.Join(wire, name+".console")
	args := append(slices.Clone(shape),
		"-display", "none", "-vga", "none", "-no-reboot", "-monitor", "unix:"+monitor+",server,nowait", "-serial", "file:"+console,
		"-kernel", filepath.Join(image, "xen"),
		"-initrd", fmt.Sprintf("%s root=/dev/sda ro console=hvc0 net.ifnames=0 nomodeset leasehold.name=%s leasehold.ip=%s systemd.machine_id=%s,%s",
			filepath.Join(image, "vmlinuz"), name, address, strings.Repeat(strings.ReplaceAll(mac, ":", ""), 3)[:32], filepath.Join(image, "initrd")),
		"-append", "console=com1 com1=115200 dom0_mem=1024M,max:1024M noreboot",
		"-drive", "if=none,id=d0,file="+overlay+",format=qcow2,cache=unsafe", "-device", "ahci,id=ahci0", "-device", "ide-hd,drive=d0,bus=ahci0.0",
		// The way in leads from this machine's loopback and nowhere else.
		"-netdev", fmt.Sprintf("user,id=n0,restrict=on,hostfwd=tcp:127.0.0.1:%d-10.0.2.15:22", port), "-device", "e1000,netdev=n0",
		"-netdev", fmt.Sprintf("dgram,id=n1,local.type=unix,local.path=%s,remote.type=unix,remote.path=%s",
			filepath.Join(wire, name), filepath.Join(wire, other)), "-device", "e1000,netdev=n1,mac="+mac)
	if !m.cold {
		args = append(args, "-loadvm", "booted")
	}
	cmd := exec.Command(setup.Tool(t, "qemu-system-x86_64"), args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	host := keyOf(t, filepath.Join(image, "host.pub"))
	open := func(key string, forced bool) *sshrun.Runner {
		r, err := sshrun.New(sshrun.Config{Addr: fmt.Sprintf("127.0.0.1:%d", port), User: "root", Key: signer(t, filepath.Join(image, key)),
			HostKeys: []ssh.PublicKey{host}, Forced: forced, Timeout: 30 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		return r
	}
	m.admin, m.driver = open("admin", false), open("id", true)
	for {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		o, err := m.admin.Run(ctx, run.Cmd{Args: []string{"xl", "info"}})
		cancel()
		if err == nil && o.Code == 0 {
			break
		}
		select {
		case <-ended:
			t.Fatalf("%s: QEMU ended: %s", name, said.String())
		case <-time.After(time.Second):
		}
		if time.Since(began) > patience {
			text, _ := os.ReadFile(console)
			t.Fatalf("%s does not come up: %v, %+v\n%s", name, err, o, text)
		}
	}
	m.took = time.Since(began)
	if m.cold {
		m.sh("systemctl is-system-running --wait || true")
		command(t, monitor, "savevm booted")
		if err := os.WriteFile(mark, []byte(strings.Join(shape, " ")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m.install("../../handlers/drivers/xen/dom0-shell", "/usr/local/sbin/dom0-shell")
	return m
}

// sh runs a line of shell on the host, and returns what it prints.
func (m *machine) sh(line string) string {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), 5*time.Minute)
	defer cancel()
	o, err := m.admin.Run(ctx, run.Cmd{Args: []string{"sh", "-c", line}})
	if err != nil || o.Code != 0 {
		m.t.Fatalf("%s: %s: %v, %d\n%s%s", m.name, line, err, o.Code, o.Stdout, o.Stderr)
	}
	return o.Stdout
}

// install puts a program on the host.
func (m *machine) install(from, to string) {
	m.t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		m.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(m.t.Context(), 5*time.Minute)
	defer cancel()
	o, err := m.admin.Run(ctx, run.Cmd{Args: []string{"install", "-m", "755", "/dev/stdin", to}, Stdin: string(data)})
	if err != nil || o.Code != 0 {
		m.t.Fatalf("%s: %s: %v, %+v", m.name, to, err, o)
	}
}

// command gives QEMU's monitor one command and waits until it has carried it out.
func command(t *testing.T, socket, line string) {
	t.Helper()
	c, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	prompt := func() string {
		var b []byte
		for buf := make([]byte, 4096); !strings.HasSuffix(string(b), "(qemu) "); {
			n, err := c.Read(buf)
			if err != nil {
				t.Fatalf("QEMU's monitor: %v after %q", err, b)
			}
			b = append(b, buf[:n]...)
		}
		return string(b)
	}
	prompt()
	if _, err := c.Write([]byte(line + "\n")); err != nil {
		t.Fatal(err)
	}
	if said := prompt(); strings.Contains(said, "Error") {
		t.Fatalf("QEMU: %s: %s", line, said)
	}
}

func signer(t *testing.T, path string) ssh.Signer {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePrivateKey(data)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func keyOf(t *testing.T, path string) ssh.PublicKey {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := sshrun.ParseHostKeys(string(data))
	if err != nil {
		t.Fatal(err)
	}
	return keys[0]
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		if exit, ok := err.(*exec.ExitError); ok {
			t.Fatalf("%s: %v\n%s", name, err, exit.Stderr)
		}
		t.Fatalf("%s: %v", name, err)
	}
	return string(out)
}
