package setup

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// A Guest is a machine of one test: a network, and a view of the file system in which
// programs are installed that this machine does not have, and /etc, /usr, /var, /home,
// /srv and /run may be written without a trace out here.
type Guest struct {
	*Net
	holder *exec.Cmd // a process in it, by whose pid it is entered
}

// A File is a file of a guest. Mode 0 means that everybody may read it.
type File struct {
	Path, Content string // below one of the writable folders, such as /etc/hosts
	Mode          fs.FileMode
}

// furnish makes a new mount namespace a guest's view: what is written goes to memory.
const furnish = `set -e
own=$1 packages=$2
mount -t tmpfs tmpfs "$own/rw"
for d in etc usr var; do
	mkdir -p "$own/rw/$d" "$own/rw/.$d"
	mount -t overlay overlay -o "lowerdir=$packages/$d:/$d,upperdir=$own/rw/$d,workdir=$own/rw/.$d" "/$d"
done
for d in home run srv; do
	mount -t tmpfs -o mode=755 tmpfs "/$d"
done
for d in etc home srv usr; do
	[ ! -d "$own/files/$d" ] || cp -a "$own/files/$d/." "/$d/"
done
echo ready
exec sleep infinity
`

// Accounts of a guest itself: those that its daemons become.
const guestPasswd = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
sshd:x:105:65534::/run/sshd:/usr/sbin/nologin
nslcd:x:106:106::/run/nslcd:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
`

const guestGroup = `root:x:0:
daemon:x:1:
shadow:x:42:
nslcd:x:106:
nogroup:x:65534:
`

// Unpacked is a folder of packages that unpack.sh, beside this package, keeps.
func Unpacked(t testing.TB, set string) string {
	t.Helper()
	script, err := filepath.Abs("../setup/unpack.sh")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(script); err != nil { // another package's folder
		t.Fatalf("tests of conformance use unpacked packages: %v", err)
	}
	cmd := exec.Command(script, set)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, said.String())
	}
	return strings.TrimSpace(string(out))
}

// Guest makes a view of the file system for programs of this network, with these
// files in it.
func (n *Net) Guest(files ...File) *Guest {
	t := n.t
	t.Helper()
	packages := Unpacked(t, "guest")
	g := &Guest{Net: n}
	own, err := os.MkdirTemp("", "guest")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(own); err != nil {
			t.Error(err)
		}
	})
	etc := []File{{Path: "/etc/passwd", Content: guestPasswd}, {Path: "/etc/group", Content: guestGroup}, {Path: "/etc/shadow", Content: "root:*:19000:0:99999:7:::\n", Mode: 0o600}}
	for _, f := range append(etc, files...) {
		if err := f.write(filepath.Join(own, "files")); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chmod(own, 0o755), os.Mkdir(filepath.Join(own, "rw"), 0o755)); err != nil {
		t.Fatal(err)
	}
	g.holder = exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c", furnish, "furnish", own, packages)
	g.holder.SysProcAttr = dieWithParent()
	var said syncBuffer
	g.holder.Stderr = &said
	out, err := g.holder.StdoutPipe()
	if err == nil {
		err = n.Do(g.holder.Start)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = g.holder.Process.Signal(syscall.SIGKILL)
		_ = g.holder.Wait()
	})
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("no guest: %s", said.String())
	}
	return g
}

// write puts the file below a folder.
func (f File) write(root string) error {
	path, mode := filepath.Join(root, f.Path), f.Mode
	if mode == 0 {
		mode = 0o644
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(f.Content), mode); err != nil {
		return err
	}
	return os.Chmod(path, mode) // whatever the umask
}

// Path is where a file of the guest is seen from out here.
func (g *Guest) Path(path string) string {
	return "/proc/" + strconv.Itoa(g.holder.Process.Pid) + "/root" + path
}

// Write puts a file into the guest while it runs.
func (g *Guest) Write(f File) {
	g.t.Helper()
	if err := f.write(g.Path("")); err != nil {
		g.t.Fatal(err)
	}
}

// command is a program of the guest; its path is that in there.
func (g *Guest) command(path string, args ...string) *exec.Cmd {
	view := fmt.Sprintf("--mount=/proc/%d/ns/mnt", g.holder.Process.Pid)
	return exec.Command("nsenter", append([]string{view, "--", path}, args...)...)
}

// Run runs a command of the guest to its end.
func (g *Guest) Run(name string, args ...string) (string, error) {
	return run(g.Net, g.command(name, args...))
}

// Says waits until a command of the guest says something with this text in it, or
// fails when the text is empty.
func (g *Guest) Says(want, name string, args ...string) {
	g.t.Helper()
	var out string
	var err error
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		out, err = g.Run(name, args...)
		if want == "" && err != nil || want != "" && err == nil && strings.Contains(out, want) {
			return
		}
	}
	g.t.Fatalf("%s %s: %v\n%s\nand not %q", name, strings.Join(args, " "), err, out, want)
}

// daemon prepares a program of the guest that runs as root until it becomes somebody
// else.
func (g *Guest) daemon(name, path string, term syscall.Signal) *process {
	g.t.Helper()
	p := newProcessAt(g.t, name, path, term, time.Minute)
	p.attrs, p.in = dieWithParent(), g
	return p
}

// StartNSLCD starts Debian's nslcd, whose configuration /etc/nslcd.conf is there, and
// stops it when the test ends: getent and PAM ask it. It tells what it does.
func (g *Guest) StartNSLCD() {
	g.t.Helper()
	p := g.daemon("nslcd", "/usr/sbin/nslcd", syscall.SIGTERM)
	p.ready = func() error {
		_, err := os.Stat(g.Path("/run/nslcd/socket"))
		return err
	}
	dir := g.Path("/run/nslcd")
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.Chown(dir, 106, 106)); err != nil {
		g.t.Fatal(err)
	}
	if err := p.start("--debug"); err != nil {
		g.t.Fatalf("nslcd does not come up: %v\n%s", err, p.log.String())
	}
}

// StartSSHD starts Debian's sshd at an address of the guest, on port 22, with the
// configuration of /etc/ssh/sshd_config.d, and stops it when the test ends. It returns
// the key by which it is known.
func (g *Guest) StartSSHD(address string) ssh.PublicKey {
	g.t.Helper()
	s := g.sshd()
	host, err := s.key("host")
	if err != nil {
		g.t.Fatal(err)
	}
	g.startSSHD(s, address, filepath.Join(s.dir, "host"))
	return host.PublicKey()
}

// StartOwnSSHD is StartSSHD with the host key that the guest has in a file.
func (g *Guest) StartOwnSSHD(address, key string) {
	g.t.Helper()
	g.startSSHD(g.sshd(), address, key)
}

func (g *Guest) sshd() *SSHD {
	return &SSHD{process: g.daemon("sshd", Tool(g.t, "sshd"), syscall.SIGTERM)}
}

func (g *Guest) startSSHD(s *SSHD, address, key string) {
	g.t.Helper()
	if err := os.MkdirAll(g.Path("/run/sshd"), 0o755); err != nil {
		g.t.Fatal(err)
	}
	conf := fmt.Sprintf("Include /etc/ssh/sshd_config.d/*.conf\nPort 22\nListenAddress %s\nHostKey %s\nAuthorizedKeysFile none\nLogLevel VERBOSE\n", address, key)
	if err := os.WriteFile(filepath.Join(s.dir, "sshd_config"), []byte(conf), 0o600); err != nil {
		g.t.Fatal(err)
	}
	s.ready = func() error {
		c, err := g.Dial(address + ":22")
		if err != nil {
			return err
		}
		return c.Close()
	}
	if err := s.start(); err != nil {
		g.t.Fatalf("sshd does not come up: %v\n%s", err, s.log.String())
	}
}

// StartAutomount starts Debian's automounter, which reads what it mounts from where
// /etc/autofs.conf says, and stops it when the test ends.
func (g *Guest) StartAutomount() {
	g.t.Helper()
	p := g.daemon("automount", "/usr/sbin/automount", syscall.SIGTERM)
	p.attrs.Setsid = true // what its own process group does never mounts anything
	p.ready = func() error {
		mounts, err := os.ReadFile("/proc/" + strconv.Itoa(g.holder.Process.Pid) + "/mounts")
		if err == nil && !strings.Contains(string(mounts), " autofs ") {
			err = errors.New("automount waits for no mount point")
		}
		return err
	}
	if err := p.start("--foreground", "--verbose"); err != nil {
		g.t.Fatalf("automount does not come up: %v\n%s", err, p.log.String())
	}
}

// Start starts a program of the guest that goes on until the test ends. Nobody waits for
// what it is to do.
func (g *Guest) Start(path string, args ...string) {
	g.t.Helper()
	p := g.daemon(filepath.Base(path), path, syscall.SIGTERM)
	p.ready = func() error { return nil }
	if err := p.start(args...); err != nil {
		g.t.Fatalf("%s: %v\n%s", path, err, p.log.String())
	}
}

// GaneshaReload is a command of a guest by which its NFS server reads its exports anew.
const GaneshaReload = "/usr/sbin/reload-nfs"

// GaneshaExports is the file it reads them from.
const GaneshaExports = "/etc/ganesha/leasehold.conf"

// StartGanesha starts NFS-Ganesha at an address of the guest, on port 2049 for NFSv4,
// and stops it when the test ends. Linux's own server needs a kernel that has one.
func (g *Guest) StartGanesha(address string) {
	g.t.Helper()
	conf := fmt.Sprintf(`NFS_CORE_PARAM { Protocols = 4; Bind_addr = %s; NFS_Port = 2049; Enable_NLM = false; Enable_RQUOTA = false; mount_path_pseudo = true; }
NFSV4 { Graceless = true; RecoveryBackend = fs; Only_Numeric_Owners = true; }
%%include "%s"
`, address, GaneshaExports)
	for _, f := range []File{
		{Path: "/etc/ganesha/ganesha.conf", Content: conf}, {Path: GaneshaExports},
		{Path: GaneshaReload, Content: "#!/bin/sh\nkill -HUP \"$(cat /run/ganesha.pid)\"\n", Mode: 0o755}, {Path: "/var/lib/nfs/ganesha/of-this-test"},
	} {
		g.Write(f)
	}
	p := g.daemon("ganesha", "/usr/bin/ganesha.nfsd", syscall.SIGTERM)
	p.ready = func() error {
		c, err := g.Dial(address + ":2049")
		if err != nil {
			return err
		}
		return c.Close()
	}
	if err := p.start("-F", "-L", "/dev/stdout", "-f", "/etc/ganesha/ganesha.conf", "-p", "/run/ganesha.pid"); err != nil {
		g.t.Fatalf("ganesha does not come up: %v\n%s", err, p.log.String())
	}
}
