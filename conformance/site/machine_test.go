package site_test

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leasehold/leasehold/conformance/setup"
	"golang.org/x/net/ipv6"
)

// initScript is the first program of the machine that boots.
const initScript = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
echo "NODE UP: $(/bin/busybox cat /proc/cmdline)"
/bin/busybox poweroff -f
`

// bootServer is a folder with PXELINUX, GRUB, a kernel and an initial file system.
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
	for _, platform := range []string{"i386-pc", "x86_64-efi"} {
		grub(t, "grub-mknetdir", platform, "--net-directory="+root, "--subdir=grub", "--locales=", "--fonts=")
	}
	put("tiny/initrd", archive(
		member{"bin", 0o40755, nil}, member{"proc", 0o40755, nil},
		member{"bin/busybox", 0o100755, busybox}, member{"init", 0o100755, []byte(initScript)}))
	return root
}

// grub runs one of GRUB's tools for a platform.
func grub(t testing.TB, tool, platform string, args ...string) {
	t.Helper()
	packages := setup.Unpacked(t, "grub")
	cmd := exec.Command(filepath.Join(packages, "usr/bin", tool), append([]string{"-d", filepath.Join(packages, "usr/lib/grub", platform)}, args...)...)
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+filepath.Join(packages, "usr/lib/x86_64-linux-gnu"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", tool, err, out)
	}
}

// member is one file of an archive.
type member struct {
	name string
	mode int
	data []byte
}

// modules are the kernel's modules of these names and all that they need, each after
// what it needs.
func modules(t *testing.T, kernel string, names ...string) (out []member) {
	t.Helper()
	files := map[string]string{} // paths by name
	err := filepath.WalkDir(filepath.Join(kernel, "usr/lib/modules"), func(path string, _ fs.DirEntry, err error) error {
		if name, ok := strings.CutSuffix(filepath.Base(path), ".ko"); ok {
			files[strings.ReplaceAll(name, "-", "_")] = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var add func(name string)
	add = func(name string) {
		file := "modules/" + name + ".ko"
		if slices.ContainsFunc(out, func(m member) bool { return m.name == file }) {
			return
		}
		data, err := os.ReadFile(files[name])
		if err != nil {
			t.Fatalf("module %s: %v", name, err)
		}
		e, err := elf.NewFile(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("module %s: %v", name, err)
		}
		if info := e.Section(".modinfo"); info != nil {
			text, err := info.Data()
			if err != nil {
				t.Fatal(err)
			}
			for _, fact := range strings.Split(string(text), "\x00") {
				needs, ok := strings.CutPrefix(fact, "depends=")
				for _, other := range strings.FieldsFunc(needs, func(r rune) bool { return r == ',' }) {
					if ok {
						add(strings.ReplaceAll(other, "-", "_"))
					}
				}
			}
		}
		out = append(out, member{file, 0o100644, data})
	}
	for _, name := range names {
		add(name)
	}
	return out
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

// localDisk is the first sector of a disk that says so on the serial line and stops.
func localDisk(said string) []byte {
	sector := []byte{
		0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0xfc, // cli; ds = 0; upwards
		0xbe, 0x22, 0x7c, // si = the text behind this
		0xac, 0x84, 0xc0, 0x74, 0x11, // al = the next octet; 0 is the end
		0x88, 0xc3, 0xba, 0xfd, 0x03, 0xec, 0xa8, 0x20, 0x74, 0xfb, // wait until the line takes one
		0xb2, 0xf8, 0x88, 0xd8, 0xee, 0xeb, 0xea, // send it; again
		0xf4, 0xeb, 0xfd, // halt
	}
	sector = append(append(sector, said...), 0)
	disk := make([]byte, 1<<20)
	copy(disk, sector)
	disk[510], disk[511] = 0x55, 0xaa
	return disk
}

// A firmware is what a machine does first: the arguments of QEMU for it, with a folder for
// its files, that let it boot from the network card n0 and then from a disk that says so.
type firmware func(t testing.TB, dir, mac string) []string

// bios is the firmware that QEMU comes with.
func bios(t testing.TB, dir, mac string) []string {
	disk := filepath.Join(dir, "disk")
	if err := os.WriteFile(disk, localDisk("NODE UP: from its disk\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"-device", "virtio-net-pci,netdev=n0,mac=" + mac + ",bootindex=1",
		"-drive", "id=d0,if=none,format=raw,file=" + disk, "-device", "ide-hd,drive=d0,bootindex=2"}
}

// uefi is OVMF, which boots from the network by itself. Its disk has a partition with a
// loader where removable media have one, as QEMU makes it from a folder.
func uefi(t testing.TB, dir, mac string) []string {
	disk := filepath.Join(dir, "disk", "EFI", "BOOT")
	script := filepath.Join(dir, "script")
	vars := filepath.Join(dir, "vars")
	empty, err := os.ReadFile("/usr/share/OVMF/OVMF_VARS.fd")
	err = errors.Join(err, os.WriteFile(vars, empty, 0o600), os.MkdirAll(disk, 0o755),
		os.WriteFile(script, []byte("serial --unit=0 --speed=115200\nterminal_output serial\necho NODE UP: from its disk\n"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	grub(t, "grub-mkimage", "x86_64-efi", "-O", "x86_64-efi", "-p", "/", "-c", script, "-o", filepath.Join(disk, "BOOTX64.EFI"), "serial", "terminal", "echo")
	return []string{"-drive", "if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE.fd", "-drive", "if=pflash,unit=1,format=raw,file=" + vars,
		"-device", "virtio-net-pci,netdev=n0,mac=" + mac + ",bootindex=1,romfile=",
		"-drive", "id=d0,if=none,format=raw,file=fat:rw:" + filepath.Join(dir, "disk"), "-device", "ide-hd,drive=d0,bootindex=2"}
}

// boot starts a virtual machine that boots from the network, and from a disk when that
// sends it on. It returns what the serial console said when something is up.
func (w *world) boot(mac string, with firmware) string {
	t := w.t
	t.Helper()
	w.taps++
	tap := fmt.Sprint("tap", w.taps)
	w.net.Tap(tap)
	dir := t.TempDir()
	console := filepath.Join(dir, "console")
	cmd := exec.Command(setup.Tool(t, "qemu-system-x86_64"), append([]string{"-machine", "pc,accel=tcg", "-cpu", "qemu64", "-m", "512", "-smp", "1",
		"-display", "none", "-vga", "none", "-no-reboot", "-monitor", "none", "-serial", "file:" + console,
		"-netdev", "tap,id=n0,ifname=" + tap + ",script=no,downscript=no"}, with(t, dir, mac)...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var said strings.Builder
	cmd.Stderr = &said
	w.must(w.net.Do(cmd.Start))
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	defer func() {
		_ = cmd.Process.Kill()
		<-ended
	}()
	start := time.Now()
	for over := false; ; {
		text, _ := os.ReadFile(console)
		if _, up, ok := strings.Cut(string(text), "NODE UP: "); ok && strings.Contains(up, "\n") {
			t.Logf("from power-on to what it was to boot: %.1f s", time.Since(start).Seconds())
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
		if time.Since(start) > 8*time.Minute {
			t.Fatalf("the machine does not boot:\n%s", text)
		}
	}
}
