/*
Package loader decides what machines boot and writes it down for their boot loaders:
a file for PXELINUX and one for GRUB, named after the machine's hardware address, as
both look for them before anything else.

What a machine boots follows from its entry alone: the operator's word in codBoot if
there is one, else its state. A machine that is being set up boots its image over the
network; one that is in service boots its own disk, or the image again when that says
so; one nobody vouches for is left as it is, on its disk.

What is not here: files and directories, see package cod/boot.
*/
package loader

import (
	"fmt"
	"path"
	"strings"

	"github.com/leasehold/leasehold/ldapschema"
)

// The things a machine can boot, as codBoot says them.
const (
	Image  = "image"  // the node's image, over the network
	Local  = "local"  // its first disk
	Rescue = "rescue" // the image of that name
)

// Header begins every file that is written here and no other.
const Header = "# Leasehold writes this file; what boots is said in the directory: "

// A File is one boot loader's instructions for one machine. Path is relative to the
// boot server's root, with slashes.
type File struct{ Path, Content string }

// Mode is what a machine boots.
func Mode(h ldapschema.Host, image ldapschema.Image) (string, error) {
	switch boot := strings.ToLower(h.Boot); boot {
	case Image, Local, Rescue:
		return boot, nil
	case "":
	default:
		return "", fmt.Errorf("codBoot: %.32q is not image, local or rescue", h.Boot)
	}
	switch h.State {
	case "allocated", "staged", "booting":
		if image.Kernel != "" {
			return Image, nil
		}
	case "up":
		if strings.EqualFold(image.Up, Image) {
			return Image, nil
		}
	}
	return Local, nil
}

// Files are the instructions for a machine, none for one without a hardware
// address. Images are by name.
func Files(h ldapschema.Host, dn ldapschema.DN, images map[string]ldapschema.Image) ([]File, error) {
	if h.MAC.IsZero() {
		return nil, nil
	}
	mode, err := Mode(h, images[h.Image])
	if err != nil {
		return nil, err
	}
	mac := strings.ReplaceAll(h.MAC.String(), ":", "-")
	files := []File{{"pxelinux.cfg/01-" + mac, ""}, {"grub/grub.cfg-01-" + mac, ""}}
	if mode == Local {
		files[0].Content = pxelinux(dn, "LABEL node\n  LOCALBOOT 0\n")
		files[1].Content = grub(dn, grubLocal)
		return files, nil
	}
	name := h.Image
	if mode == Rescue {
		name = Rescue
	}
	image, ok := images[name]
	switch {
	case !ok:
		return nil, fmt.Errorf("there is no image %.64q", name)
	case unprintable(h.Name):
		return nil, fmt.Errorf("the name %.64q cannot be told to a kernel", h.Name)
	}
	if err := Bootable(image); err != nil {
		return nil, err
	}
	words := append(strings.Fields(image.Options), "cod.node="+h.Name)
	files[0].Content = pxelinux(dn, pxelinuxImage(image, words))
	files[1].Content = grub(dn, grubImage(image, words))
	return files, nil
}

// Bootable says why an image cannot be booted over the network, if it cannot.
func Bootable(image ldapschema.Image) error {
	if image.Kernel == "" {
		return fmt.Errorf("image %.64q has no kernel to boot over the network", image.Name)
	}
	for _, file := range []string{image.Kernel, image.Initrd} {
		if file != "" && !plainPath(file) {
			return fmt.Errorf("image %.64q: %.64q is no file below the boot server's root", image.Name, file)
		}
	}
	for _, w := range strings.Fields(image.Options) {
		if unprintable(w) {
			return fmt.Errorf("image %.64q: %.64q cannot be told to a kernel", image.Name, w)
		}
	}
	return nil
}

func unprintable(w string) bool {
	return strings.ContainsFunc(w, func(r rune) bool { return r <= ' ' || r > '~' })
}

// plainPath wants a relative path of letters, digits and few signs, that stays
// below where it starts.
func plainPath(p string) bool {
	return p == path.Clean(p) && !path.IsAbs(p) && p != "." && !strings.HasPrefix(p, "..") && strings.Trim(p,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./+") == ""
}

// head is the first lines of a file. A DN may hold anything; a comment may not.
func head(dn ldapschema.DN) string {
	return Header + strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, string(dn)) + "\n"
}

func pxelinux(dn ldapschema.DN, label string) string {
	return head(dn) + "SERIAL 0 115200\nPROMPT 0\nDEFAULT node\n" + label
}

func pxelinuxImage(i ldapschema.Image, words []string) string {
	var b strings.Builder
	// Paths from the root: without the slash PXELINUX looks beside its own file.
	fmt.Fprintf(&b, "LABEL node\n  KERNEL /%s\n", i.Kernel)
	if i.Initrd != "" {
		fmt.Fprintf(&b, "  INITRD /%s\n", i.Initrd)
	}
	fmt.Fprintf(&b, "  APPEND %s\n  IPAPPEND 2\n", strings.Join(words, " "))
	return b.String()
}

func grub(dn ldapschema.DN, entry string) string {
	return head(dn) + "serial --unit=0 --speed=115200\nterminal_input serial\nterminal_output serial\nset timeout=0\n" + entry
}

// grubLocal goes on to the disk. With UEFI firmware GRUB's end counts as a boot that went
// well, after which firmware may show its menu: so the disk's own loader is started from
// here, if it is where removable media and copied images have it (UEFI 3.5.1.1).
const grubLocal = `menuentry node {
  if [ "$grub_platform" = efi ]; then
    insmod part_gpt
    insmod part_msdos
    insmod fat
    if search --no-floppy --set=root --file /EFI/BOOT/BOOTX64.EFI; then
      chainloader /EFI/BOOT/BOOTX64.EFI
      boot
    fi
  fi
  exit
}
`

func grubImage(i ldapschema.Image, words []string) string {
	quoted := make([]string, len(words))
	for n, w := range words {
		quoted[n] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "menuentry node {\n  linux /%s %s\n", i.Kernel, strings.Join(quoted, " "))
	if i.Initrd != "" {
		fmt.Fprintf(&b, "  initrd /%s\n", i.Initrd)
	}
	b.WriteString("}\n")
	return b.String()
}
