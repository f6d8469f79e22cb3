package site_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/boot"
	"github.com/leasehold/leasehold/cod/feed"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

// boots has every state booted with every loader.
var boots = flag.Bool("boots", false, "boot every state with every loader, which takes minutes (make test-boot)")

// loaders are what machines load first, with which firmware, and the files of each loader
// for a machine: the lines that they have in each state.
var loaders = map[string]struct {
	firmware             firmware
	bootFile, uefiFile   string // of the site
	file                 string
	image, local, rescue string
}{
	"PXELINUX": {bios, "pxelinux.0", "", "pxelinux.cfg/01-", "KERNEL /tiny/vmlinuz", "LOCALBOOT 0", "say=rescue"},
	"GRUB":     {bios, "grub/i386-pc/core.0", "nothing.efi", "grub/grub.cfg-01-", "linux /tiny/vmlinuz", "  exit", "say=rescue"},
	"UEFI":     {uefi, "nothing.0", "grub/x86_64-efi/core.efi", "grub/grub.cfg-01-", "linux /tiny/vmlinuz", "BOOTX64.EFI", "say=rescue"},
}

// TestPXE boots a machine from nothing but what the directory says: its firmware asks the
// real dhcpd, fetches a loader and its configuration from the real tftpd, and the kernel
// it is told to boot says so on its serial console. Then an operator's word in the
// directory changes what it boots next: its disk, or the rescue image.
func TestPXE(t *testing.T) {
	t.Parallel()
	for name, l := range loaders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *cod.Config) { c.BootFile, c.BootFileUEFI = l.bootFile, l.uefiFile })
			root := bootServer(t)
			setup.StartTFTPD(t, w.net, gateway, root)
			w.follow(root)
			for _, i := range []ldapschema.Image{
				{Name: "tiny", Kernel: "tiny/vmlinuz", Initrd: "tiny/initrd", Options: "console=ttyS0,115200 panic=-1 quiet", Up: "image"},
				{Name: "rescue", Kernel: "tiny/vmlinuz", Initrd: "tiny/initrd", Options: "console=ttyS0,115200 panic=-1 quiet say=rescue"},
			} {
				e, err := ldapschema.ImageEntry(w.slapd.Base.Child("ou", "images"), i)
				w.must(err)
				w.must(w.dir.Apply(t.Context(), ldapschema.AddEntry(e)))
			}
			w.image = "tiny"
			w.run(actors.Setup, "u1", "alpha", macA, 1)
			w.dhcpd()
			w.routers()
			file := filepath.Join(root, l.file+strings.ReplaceAll(macA, ":", "-"))
			node := w.cluster("alpha").Child("ou", "hosts").Child("cn", "alpha1")
			booted := func(want string, do bool) {
				t.Helper()
				if !do {
					return
				}
				_, up, _ := strings.Cut(w.boot(macA, l.firmware), "NODE UP: ")
				if !strings.Contains(up, want) {
					t.Errorf("what booted says %q, want %q", up, want)
				}
			}
			says(t, file, l.image)
			booted("cod.node=alpha1", *boots || name != "UEFI")
			w.replace(node, "codBoot", "local")
			says(t, file, l.local)
			w.run(actors.Setup, "u1", "alpha", macA, 2) // the operator's word outlives an extension
			says(t, file, l.local)
			booted("from its disk", *boots)
			w.replace(node, "codBoot", "rescue")
			says(t, file, l.rescue)
			booted("say=rescue cod.node=alpha1", *boots)
			w.run(actors.Teardown, "u1", "alpha", macA, 3)
			says(t, file, "")
		})
	}
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
