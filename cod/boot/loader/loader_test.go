package loader_test

import (
	"strings"
	"testing"

	"github.com/leasehold/leasehold/cod/boot/loader"
	"github.com/leasehold/leasehold/ldapschema"
)

var mac = ldapschema.MAC{0x52, 0x54, 0, 0x99, 0, 0x0a}

var images = map[string]ldapschema.Image{
	"debian": {Name: "debian", Kernel: "debian/vmlinuz", Initrd: "debian/initrd.gz", Options: "console=ttyS0,115200  say='hi'"},
	"ram":    {Name: "ram", Kernel: "ram/vmlinuz", Up: "image"},
	"disk":   {Name: "disk"},
	"rescue": {Name: "rescue", Kernel: "rescue/vmlinuz", Options: "single"},
	"up":     {Name: "up", Kernel: "../vmlinuz"},
	"abs":    {Name: "abs", Kernel: "/vmlinuz"},
	"odd":    {Name: "odd", Kernel: "vmlinuz", Options: "a\x1bb"},
	"lines":  {Name: "lines", Kernel: "vmlinuz\nAPPEND evil"},
	"tree":   {Name: "tree", Kernel: "vmlinuz", Initrd: "a/../../x"},
}

// TestMode: the operator's word first, then the state.
func TestMode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ state, image, boot, want string }{
		{"booting", "debian", "", "image"},
		{"allocated", "debian", "", "image"},
		{"up", "debian", "", "local"},
		{"up", "ram", "", "image"},
		{"booting", "disk", "", "local"},
		{"booting", "unheard-of", "", "local"},
		{"draining", "debian", "", "local"},
		{"maintenance", "debian", "", "local"},
		{"", "", "", "local"},
		{"up", "debian", "image", "image"},
		{"booting", "debian", "LOCAL", "local"},
		{"up", "debian", "rescue", "rescue"},
		{"up", "debian", "floppy", "codBoot: \"floppy\" is not image, local or rescue"},
	} {
		got, err := loader.Mode(ldapschema.Host{State: c.state, Boot: c.boot}, images[c.image])
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%+v boots %q", c, got)
		}
	}
}

// TestFiles: what the loaders are told, to the letter.
func TestFiles(t *testing.T) {
	t.Parallel()
	const dn = "cn=a1,ou=hosts,ou=ä\n"
	files, err := loader.Files(ldapschema.Host{Name: "a1", MAC: mac, State: "booting", Image: "debian"}, dn, images)
	want := []loader.File{
		{"pxelinux.cfg/01-52-54-00-99-00-0a", `# Leasehold writes this file; what boots is said in the directory: cn=a1,ou=hosts,ou=??
SERIAL 0 115200
PROMPT 0
DEFAULT node
LABEL node
  KERNEL /debian/vmlinuz
  INITRD /debian/initrd.gz
  APPEND console=ttyS0,115200 say='hi' cod.node=a1
  IPAPPEND 2
`},
		{"grub/grub.cfg-01-52-54-00-99-00-0a", `# Leasehold writes this file; what boots is said in the directory: cn=a1,ou=hosts,ou=??
serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
set timeout=0
menuentry node {
  linux /debian/vmlinuz 'console=ttyS0,115200' 'say='\''hi'\''' 'cod.node=a1'
  initrd /debian/initrd.gz
}
`},
	}
	if err != nil || len(files) != 2 || files[0] != want[0] || files[1] != want[1] {
		t.Errorf("%v\n%+v", err, files)
	}
	local, err := loader.Files(ldapschema.Host{MAC: mac, State: "up", Image: "debian"}, dn, images)
	if err != nil || !strings.HasSuffix(local[0].Content, "LABEL node\n  LOCALBOOT 0\n") || !strings.HasSuffix(local[1].Content, "  fi\n  exit\n}\n") || !strings.Contains(local[1].Content, "chainloader /EFI/BOOT/BOOTX64.EFI\n      boot\n") {
		t.Errorf("%v\n%+v", err, local)
	}
	if none, err := loader.Files(ldapschema.Host{Name: "v", State: "booting", Image: "debian"}, dn, images); err != nil || none != nil {
		t.Errorf("without a hardware address: %v %v", none, err)
	}
	for _, f := range append(files, local...) {
		if !strings.HasPrefix(f.Content, loader.Header) {
			t.Errorf("%s does not say whose it is", f.Path)
		}
	}
}

// TestRefused: what cannot be booted is said, and nothing is made of it.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ image, boot, name, want string }{
		{"gone", "image", "a", "there is no image \"gone\""},
		{"disk", "image", "a", "has no kernel"},
		{"up", "image", "a", "no file below"},
		{"abs", "image", "a", "no file below"},
		{"lines", "image", "a", "no file below"},
		{"tree", "image", "a", "no file below"},
		{"odd", "image", "a", "cannot be told"},
		{"ram", "image", "a b\nc", "cannot be told"},
		{"ram", "floppy", "a", "is not image"},
	} {
		files, err := loader.Files(ldapschema.Host{Name: c.name, MAC: mac, Boot: c.boot, Image: c.image}, "cn=x", images)
		if err == nil || !strings.Contains(err.Error(), c.want) || files != nil {
			t.Errorf("%+v: %v, %v", c, err, files)
		}
	}
	if _, err := loader.Files(ldapschema.Host{Name: "a", MAC: mac, Boot: "rescue"}, "cn=x", nil); err == nil {
		t.Error("rescue without a rescue image")
	}
}

// FuzzFiles: whatever stands in the directory, files stay where they belong and
// say one thing.
func FuzzFiles(f *testing.F) {
	f.Add("a1", "debian", "debian/vmlinuz", "debian/initrd.gz", "quiet", "image", "cn=a")
	f.Add("a'1", "x", "a/../b", "", "';reboot", "rescue", "cn=a\nKERNEL x")
	f.Fuzz(func(t *testing.T, name, image, kernel, initrd, options, boot, dn string) {
		in := map[string]ldapschema.Image{image: {Name: image, Kernel: kernel, Initrd: initrd, Options: options}}
		files, err := loader.Files(ldapschema.Host{Name: name, MAC: mac, Image: image, Boot: boot}, ldapschema.DN(dn), in)
		if err != nil {
			return
		}
		for n, file := range files {
			if len(file.Path) > 64 || strings.Contains(file.Path, "..") || !strings.HasPrefix(file.Content, loader.Header) {
				t.Fatalf("%+v", file)
			}
			if lines := strings.Count(file.Content, "\n"); n == 0 && (lines < 6 || lines > 9) || n == 1 && (lines < 8 || lines > 18) {
				t.Fatalf("%d lines:\n%s", lines, file.Content)
			}
		}
	})
}
