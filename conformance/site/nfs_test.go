package site_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

// volumes is where the file server of these tests has its volumes.
const volumes = "/srv/volumes"

// fileServer is a machine with NFS-Ganesha and the shipping feed beside it, which
// exports what the directory says.
func (w *world) fileServer() *setup.Guest {
	w.t.Helper()
	s := w.net.Guest(setup.File{Path: volumes + "/of-the-site"},
		setup.File{Path: "/etc/leasehold/secret", Content: w.slapd.Password + "\n", Mode: 0o600})
	s.StartGanesha(gateway)
	s.Start(program(w.t), "feed", "exports", "--directory", w.slapd.URL+"/"+string(w.slapd.Base), "--bind-dn", string(w.slapd.BindDN),
		"--password-file", "/etc/leasehold/secret", "--root", volumes, "--server", gateway,
		"--format", "ganesha", "--file", setup.GaneshaExports, "--reload", setup.GaneshaReload)
	return s
}

// TestVolumes: a cluster's volume is there with its first node, with a folder for each
// account; a real NFS client on its nodes reads it, and writes as the account whose
// folder it is; a node of another cluster cannot; and when the cluster is gone nobody
// can, and what was written is still there.
func TestVolumes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *cod.Config) {
		c.Homes = cod.Homes{Server: gateway, Path: volumes, Options: "-fstype=nfs4,rw"}
	})
	w.slapd.Also(directoryURL)
	s := w.fileServer()
	w.config = actors.Properties{"config.ssh.user1.login": "ada"}
	w.run(actors.Setup, "u1", "alpha", macA, 1)
	w.config = actors.Properties{"config.ssh.user1.login": "bob"}
	w.run(actors.Setup, "u2", "beta", macB, 1)
	a, b := w.guest(macA, "alpha", "10.99.1.1"), w.guest(macB, "beta", "10.99.2.1")
	url := func(path, as string) string {
		return "nfs://" + gateway + volumes + path + "?version=4&uid=" + as + "&gid=" + as
	}
	a.Says("ada", "nfs-ls", url("/alpha", "30000"))
	b.Says("bob", "nfs-ls", url("/beta", "30001"))
	if out, err := b.Run("nfs-ls", url("/alpha", "30000")); err == nil {
		t.Errorf("a node of another cluster sees\n%s", out)
	}
	thesis := filepath.Join(t.TempDir(), "thesis")
	w.must(os.WriteFile(thesis, []byte("in her own words"), 0o644))
	if out, err := a.Run("nfs-cp", thesis, url("/alpha/ada/thesis", "30000")); err != nil {
		t.Fatalf("ada cannot write: %v\n%s", err, out)
	}
	a.Says("in her own words", "nfs-cat", url("/alpha/ada/thesis", "30000"))
	for _, as := range []string{"30001", "0"} { // root of a node is nobody here
		if out, err := a.Run("nfs-cat", url("/alpha/ada/thesis", as)); err == nil && strings.Contains(out, "words") {
			t.Errorf("%s reads what is hers: %s", as, out)
		}
	}
	w.run(actors.Teardown, "u1", "alpha", macA, 2)
	a.Says("", "nfs-ls", url("/alpha", "30000"))
	b.Says("bob", "nfs-ls", url("/beta", "30001"))
	if text, err := os.ReadFile(s.Path(volumes + "/alpha/ada/thesis")); err != nil || string(text) != "in her own words" {
		t.Errorf("on the server: %q, %v", text, err)
	}
}

// nfsInit is the first program of a node that mounts a volume: it takes a lease, mounts
// what its kernel was told, and reads and writes there as ada.
const nfsInit = `#!/bin/busybox sh
export PATH=/bin
for a in sh mount ip udhcpc cat insmod poweroff setuidgid su id ls chmod; do busybox ln -s busybox /bin/$a; done
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev
while read m; do insmod /modules/$m.ko; done </modules/list
ip link set eth0 up
udhcpc -i eth0 -n -q -t 60 -s /lease >/dev/null
for w in $(cat /proc/cmdline); do case $w in nfs=*) from=${w#nfs=};; esac; done
mount -i -t nfs4 -o "vers=4.1,addr=${from%%:*},clientaddr=$(cat /address),sec=sys" "$from" /mnt
su ada -c 'cat /mnt/ada/letter; echo from her node >/mnt/ada/answer'
echo "NODE UP: $(cat /proc/mounts | busybox grep -c nfs4) mounted, $(su ada -c 'cat /mnt/ada/letter')"
poweroff -f
`

const nfsLease = `#!/bin/busybox sh
[ "$1" = bound ] || exit 0
/bin/busybox ip addr add "$ip/$mask" dev "$interface"
echo "$ip" >/address
`

// TestKernelNFS: a machine that boots from the network mounts its cluster's volume with
// its own kernel, from where the directory's map says, reads what lies there and writes
// as the account whose folder it is.
func TestKernelNFS(t *testing.T) {
	t.Parallel()
	if !*boots {
		t.Skip("make test-boot")
	}
	w := newWorld(t, func(c *cod.Config) { c.Homes = cod.Homes{Server: gateway, Path: volumes, Options: "-fstype=nfs4,rw"} })
	w.slapd.Also(directoryURL)
	s := w.fileServer()
	root := bootServer(t)
	setup.StartTFTPD(t, w.net, gateway, root)
	w.follow(root)
	kernel := setup.Unpacked(t, "kernel")
	busybox, err := os.ReadFile(setup.Tool(t, "busybox"))
	w.must(err)
	files := []member{{"bin", 0o40755, nil}, {"proc", 0o40755, nil}, {"sys", 0o40755, nil}, {"dev", 0o40755, nil}, {"mnt", 0o40755, nil}, {"modules", 0o40755, nil},
		{"etc", 0o40755, nil}, {"etc/passwd", 0o100644, []byte("root:x:0:0::/:/bin/sh\nada:x:30000:30000::/:/bin/sh\n")}, {"etc/group", 0o100644, []byte("root:x:0:\nada:x:30000:\n")},
		{"bin/busybox", 0o100755, busybox}, {"init", 0o100755, []byte(nfsInit)}, {"lease", 0o100755, []byte(nfsLease)}}
	var list strings.Builder
	for _, m := range modules(t, kernel, "virtio_pci", "virtio_net", "nfsv4") {
		files = append(files, m)
		list.WriteString(strings.TrimSuffix(filepath.Base(m.name), ".ko") + "\n")
	}
	files = append(files, member{"modules/list", 0o100644, []byte(list.String())})
	w.must(os.WriteFile(filepath.Join(root, "tiny/nfs"), archive(files...), 0o644))

	w.config = actors.Properties{"config.ssh.user1.login": "ada"}
	w.image = "nfs"
	w.run(actors.Setup, "u1", "alpha", macA, 1)
	e, err := w.dir.Read(t.Context(), w.cluster("alpha").Child("ou", "automount").Child("automountMapName", "auto.home").Child("automountKey", "*"))
	w.must(err)
	_, from, _ := strings.Cut(strings.TrimSuffix(e.Get("automountInformation"), "/&"), " ")
	e, err = ldapschema.ImageEntry(w.slapd.Base.Child("ou", "images"), ldapschema.Image{Name: "nfs", Kernel: "tiny/vmlinuz", Initrd: "tiny/nfs",
		Options: "console=ttyS0,115200 panic=-1 quiet nfs=" + from, Up: "image"})
	w.must(err)
	w.must(w.dir.Apply(t.Context(), ldapschema.AddEntry(e)))
	letter := s.Path(volumes + "/alpha/ada/letter")
	eventually(t, "ada's folder", func() string {
		if err := os.WriteFile(letter, []byte("dear ada\n"), 0o644); err != nil {
			return err.Error()
		}
		return ""
	})
	w.dhcpd()
	w.routers()
	says(t, filepath.Join(root, "pxelinux.cfg/01-"+strings.ReplaceAll(macA, ":", "-")), "INITRD /tiny/nfs")
	if text := w.boot(macA, bios); !strings.Contains(text, "NODE UP: 1 mounted, dear ada") {
		t.Errorf("the node says\n%s", text)
	}
	if text, err := os.ReadFile(s.Path(volumes + "/alpha/ada/answer")); err != nil || string(text) != "from her node\n" {
		t.Errorf("on the server: %q, %v", text, err)
	}
}

// TestExportfs: what the feed writes for Linux's own server, exportfs reads without a
// complaint. The server itself needs a kernel that has it.
func TestExportfs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *cod.Config) { c.Homes = cod.Homes{Server: gateway, Path: volumes} })
	w.run(actors.Setup, "u1", "alpha", macA, 1)
	w.run(actors.Setup, "u2", "beta", macB, 1)
	s := w.net.Guest(setup.File{Path: volumes + "/of-the-site"}, setup.File{Path: "/etc/exports.d/other.exports"}, setup.File{Path: "/etc/exports"},
		setup.File{Path: "/etc/leasehold/secret", Content: w.slapd.Password + "\n", Mode: 0o600})
	w.must(os.MkdirAll(s.Path("/var/lib/nfs"), 0o755))
	// Services often have a narrow umask; people go through a volume to their homes.
	out, err := s.Run("sh", "-c", `umask 077; exec "$0" "$@"`, program(t), "feed", "exports", "--directory", w.slapd.URL+"/"+string(w.slapd.Base), "--bind-dn", string(w.slapd.BindDN),
		"--password-file", "/etc/leasehold/secret", "--root", volumes, "--once", "--reload", "")
	if err != nil || !strings.Contains(out, "exports  2") {
		t.Fatalf("feed exports: %v\n%s", err, out)
	}
	if info, err := os.Stat(s.Path(volumes + "/alpha")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the volume: %v, %v", info.Mode(), err)
	}
	out, err = s.Run("/usr/sbin/exportfs", "-ra")
	table, _ := os.ReadFile(s.Path("/var/lib/nfs/etab"))
	for _, want := range []string{volumes + "/alpha\t10.99.1.0/24(rw,sync,", volumes + "/beta\t10.99.2.0/24(rw,sync,", "no_subtree_check", "root_squash"} {
		if !strings.Contains(string(table), want) {
			t.Errorf("no %q in\n%s\nexportfs: %v\n%s", want, table, err, out)
		}
	}
	if strings.Contains(out, "syntax") || strings.Contains(out, "unknown") {
		t.Errorf("exportfs complains:\n%s", out)
	}
}
