package site_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/ipv6"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod/boot"
	"github.com/leasehold/leasehold/cod/feed"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

// initScript is the first program of the machine that boots.
const initScript = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
echo "NODE UP: $(/bin/busybox cat /proc/cmdline)"
/bin/busybox poweroff -f
`

// TestPXE boots a machine from nothing but what the directory says: its firmware
// asks the real dhcpd, fetches PXELINUX and its configuration from the real tftpd,
// and the kernel it is told to boot says so on its serial console. Then an
// operator's word in the directory changes what it boots next.
func TestPXE(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := bootServer(t)
	setup.StartTFTPD(t, w.net, gateway, root)
	w.follow(root)
	images := w.slapd.Base.Child("ou", "images")
	e, err := ldapschema.ImageEntry(images, ldapschema.Image{Name: "tiny", Kernel: "tiny/vmlinuz", Initrd: "tiny/initrd",
		Options: "console=ttyS0,115200 panic=-1 quiet", Up: "image"})
	w.must(err)
	w.must(w.dir.Apply(t.Context(), ldapschema.AddEntry(e)))
	w.image = "tiny"
	w.run(actors.Setup, "u1", "alpha", macA, 1)
	w.dhcpd()
	file := filepath.Join(root, "pxelinux.cfg", "01-"+strings.ReplaceAll(macA, ":", "-"))
	says(t, file, "KERNEL /tiny/vmlinuz")
	w.routers()
	console := w.boot(macA)
	if !strings.Contains(console, "cod.node=alpha1") {
		t.Errorf("the kernel was told something else:\n%s", console)
	}
	node := ldapschema.DN("cn=alpha1,ou=hosts,ou=alpha,ou=slices," + w.slapd.Base)
	w.replace(node, "codBoot", "local")
	says(t, file, "LOCALBOOT 0")
	w.run(actors.Setup, "u1", "alpha", macA, 2) // the operator's word outlives an extension
	says(t, file, "LOCALBOOT 0")
	w.run(actors.Teardown, "u1", "alpha", macA, 3)
	says(t, file, "")
}

// bootServer is a folder with PXELINUX, a kernel and an initial file system.
func bootServer(t *testing.T) string {
	t.Helper()
	kernel, err := exec.Command("../setup/kernel.sh").Output()
	if err != nil {
		t.Fatalf("no kernel to boot: %v", err)
	}
	busybox, err := os.ReadFile(setup.Tool(t, "busybox"))
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	for dir := root; dir != os.TempDir(); dir = filepath.Dir(dir) { // tftpd reads as nobody
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put := func(name string, data []byte) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, from := range map[string]string{
		"pxelinux.0": "/usr/lib/PXELINUX/pxelinux.0", "ldlinux.c32": "/usr/lib/syslinux/modules/bios/ldlinux.c32",
		"tiny/vmlinuz": filepath.Join(strings.TrimSpace(string(kernel)), "vmlinuz"),
	} {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		put(name, data)
	}
	put("tiny/initrd", archive(
		member{"bin", 0o40755, nil}, member{"proc", 0o40755, nil},
		member{"bin/busybox", 0o100755, busybox}, member{"init", 0o100755, []byte(initScript)}))
	return root
}

// member is one file of an archive.
type member struct {
	name string
	mode int
	data []byte
}

// archive is a cpio archive in the form the kernel reads ("newc").
func archive(members ...member) []byte {
	var b bytes.Buffer
	pad := func() {
		for b.Len()%4 != 0 {
			b.WriteByte(0)
		}
	}
	for i, m := range append(members, member{"TRAILER!!!", 0, nil}) {
		fmt.Fprintf(&b, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
			i+1, m.mode, 0, 0, 1, 0, len(m.data), 0, 0, 0, 0, len(m.name)+1, 0, m.name)
		pad()
		b.Write(m.data)
		pad()
	}
	return b.Bytes()
}

// follow keeps the boot files as the directory says until the test ends.
func (w *world) follow(root string) {
	f := &boot.Follower{Root: root, Source: feed.Source{Directory: w.dir, Base: w.slapd.Base, Log: w.logger,
		RetryFirst: 20 * time.Millisecond, RetryMost: 200 * time.Millisecond}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		f.Run(ctx)
		close(done)
	}()
	w.t.Cleanup(func() {
		cancel()
		<-done
	})
}

// says waits until a file has a line, or is not there.
func says(t *testing.T, path, line string) {
	t.Helper()
	var data []byte
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		var err error
		if data, err = os.ReadFile(path); line == "" && err != nil || line != "" && strings.Contains(string(data), line) {
			return
		}
	}
	t.Fatalf("%s says\n%s\nand not %q", path, data, line)
}

// routers sends IPv6 router advertisements: QEMU's firmware waits long for one.
func (w *world) routers() {
	var c net.PacketConn
	w.must(w.net.Do(func() (err error) {
		if c, err = net.ListenPacket("ip6:ipv6-icmp", "::"); err != nil {
			return err
		}
		return ipv6.NewPacketConn(c).SetMulticastHopLimit(255)
	}))
	index := 0
	w.must(w.net.Do(func() error {
		i, err := net.InterfaceByName("br0")
		if err == nil {
			index = i.Index
		}
		return err
	}))
	stop := make(chan struct{})
	w.t.Cleanup(func() {
		close(stop)
		c.Close()
	})
	go func() {
		// Type 134, no managed configuration, no prefix (RFC 4861 4.2).
		advert := []byte{134, 0, 0, 0, 64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0}
		to := &net.IPAddr{IP: net.IPv6linklocalallnodes}
		p := ipv6.NewPacketConn(c)
		for {
			_, _ = p.WriteTo(advert, &ipv6.ControlMessage{IfIndex: index}, to)
			select {
			case <-stop:
				return
			case <-time.After(time.Second):
			}
		}
	}()
}

// boot starts a virtual machine that boots from the network, and returns what its
// serial console said when it is up.
func (w *world) boot(mac string) string {
	t := w.t
	t.Helper()
	w.net.Tap("tap0")
	console := filepath.Join(t.TempDir(), "console")
	cmd := exec.Command(setup.Tool(t, "qemu-system-x86_64"), "-machine", "pc,accel=tcg", "-cpu", "qemu64", "-m", "512", "-smp", "1",
		"-display", "none", "-vga", "none", "-no-reboot", "-monitor", "none", "-serial", "file:"+console, "-boot", "n",
		"-netdev", "tap,id=n0,ifname=tap0,script=no,downscript=no", "-device", "virtio-net-pci,netdev=n0,mac="+mac+",bootindex=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var said strings.Builder
	cmd.Stderr = &said
	w.must(w.net.Do(cmd.Start))
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	start := time.Now()
	for over := false; ; {
		text, _ := os.ReadFile(console)
		if _, line, up := strings.Cut(string(text), "NODE UP: "); up && strings.Contains(line, "\n") { // it comes letter by letter
			t.Logf("from power-on to the kernel's first program: %.1f s", time.Since(start).Seconds())
			return string(text)
		}
		if over {
			t.Fatalf("the machine ended: %s\n%s", said.String(), text)
		}
		select {
		case <-ended:
			over = true // it may have said everything before
		case <-time.After(50 * time.Millisecond):
		}
		if time.Since(start) > 4*time.Minute {
			t.Fatalf("the machine does not boot:\n%s", text)
		}
	}
}
