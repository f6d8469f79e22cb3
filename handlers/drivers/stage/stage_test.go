package stage_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/stage"
	"github.com/leasehold/leasehold/handlers/drivertest"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/localrun"
)

// images makes images of a small system in a folder: a file system, the same in a qcow2,
// a disk with it in its second partition, and some that are wrong.
func images(t *testing.T) string {
	t.Helper()
	setup.Root(t, "mounting an image")
	dir := t.TempDir()
	text := `
		mkdir -p tree/etc/ssh tree/root/.ssh tree/bin evil nothing/home
		echo image > tree/etc/hostname; echo theirs > tree/root/.ssh/authorized_keys; chmod 755 tree/root
		ln -s ` + dir + `/outside evil/etc; mkdir outside outside/ssh
		"$1" -q -t ext4 -d tree fs.img 2M
		"$1" -q -t ext4 -d evil evil.img 2M
		"$1" -q -t ext4 -d nothing nothing.img 2M
		"$2" convert -f raw -O qcow2 fs.img fs.qcow2
		truncate -s 5M disk.img
		printf '2048,2048\n4096,4096\n' | "$3" -q disk.img
		dd if=fs.img of=disk.img bs=512 seek=4096 conv=notrunc status=none
		head -c 1000000 fs.img > short.img
		head -c 3000000 /dev/urandom > noise.img`
	args := []string{"sh", "-ec", text, "sh", setup.Tool(t, "mke2fs"), setup.Tool(t, "qemu-img"), setup.Tool(t, "sfdisk")}
	if _, err := run.Must(t.Context(), localrun.Runner{Dir: dir}, run.Cmd{Args: args}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// hostKey is a key pair as the site makes it.
func hostKey(t *testing.T) (private, public string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block)), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
}

func params(more ...string) handlers.Params {
	p := handlers.Params{handlers.ParamUnit: "u1", "unit.hostname": "web1", "unit.domain": "web.site.test", "unit.directory.dn": "ou=web,dc=site",
		"unit.directory.url": "ldap://10.0.0.1"}
	for i := 0; i < len(more); i += 2 {
		p[more[i]] = more[i+1]
	}
	return p
}

// plain is a disk or file system as a file without form, with the root at an offset.
func plain(t *testing.T, file string, offset int) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "plain")
	text := `case "$1" in *.qcow2) "$4" convert -f qcow2 -O raw "$1" "$2.raw";; *) cp "$1" "$2.raw";; esac; dd if="$2.raw" of="$2" bs=512 skip="$3" status=none; rm "$2.raw"`
	if _, err := run.Must(t.Context(), localrun.Runner{}, run.Cmd{Args: []string{"sh", "-ec", text, "sh", file, out, fmt.Sprint(offset), setup.Tool(t, "qemu-img")}}); err != nil {
		t.Fatal(err)
	}
	return out
}

// inside is what a file of a file system holds, told by e2fsprogs and not by a mount.
func inside(t *testing.T, fs, name string) string {
	t.Helper()
	out, err := exec.Command(setup.Tool(t, "debugfs"), "-R", "cat "+name, fs).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestSuite: each way of staging, through what every driver passes.
func TestSuite(t *testing.T) {
	t.Parallel()
	dir := images(t)
	sum := func(name string) string {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%x", sha256.Sum256(data))
	}
	for _, c := range []struct {
		how, image, form, partition string
		offset                      int
		file                        string
	}{
		{stage.Copy, "fs.img", "raw", "", 0, "web1.img"},
		{stage.Copy, "fs.qcow2", "qcow2", "", 0, "web1.qcow2"},
		{stage.Overlay, "fs.qcow2", "qcow2", "", 0, "web1.qcow2"},
		{stage.Overlay, "disk.img", "raw", "2", 4096, "web1.qcow2"},
		{stage.Write, "disk.img", "raw", "2", 4096, "disk"},
		{stage.Write, "fs.qcow2", "qcow2", "", 0, "disk"},
		{stage.InPlace, "", "", "", 0, "disk"},
	} {
		t.Run(strings.Join([]string{c.how, c.image}, " "), func(t *testing.T) {
			t.Parallel()
			fresh := func(t *testing.T) drivertest.World {
				to := t.TempDir()
				p := params(stage.How, c.how, stage.Folder, to, stage.Partition, c.partition)
				if c.image != "" {
					info, err := os.Stat(filepath.Join(dir, c.image))
					if err != nil {
						t.Fatal(err)
					}
					p[stage.Image], p[stage.Format], p[stage.Sum], p[stage.Bytes] = filepath.Join(dir, c.image), c.form, sum(c.image), fmt.Sprint(info.Size())
				}
				disk := c.how == stage.Write || c.how == stage.InPlace
				if disk {
					p[stage.Target] = to + "/disk"
					from := "/dev/null"
					if c.how == stage.InPlace {
						from = dir + "/fs.img"
					}
					if _, err := run.Must(t.Context(), localrun.Runner{}, run.Cmd{Args: []string{"sh", "-ec", `cp "$1" "$2"; truncate -s '>5M' "$2"`, "sh", from, to + "/disk"}}); err != nil {
						t.Fatal(err)
					}
				}
				up := func() bool {
					file := filepath.Join(to, c.file)
					if _, err := os.Stat(file); err != nil {
						return false
					}
					fs := plain(t, file, c.offset)
					return inside(t, fs, "/etc/leasehold/unit") == "u1\n" && inside(t, fs, "/etc/hostname") == "web1\n"
				}
				w := drivertest.World{Driver: stage.Driver{}, On: localrun.Runner{}, Params: p, Up: up,
					Clean: func() bool { left, _ := os.ReadDir(to); return len(left) == 0 }}
				if disk { // what is on a disk stays until somebody else's is written over it
					gone := false
					w.Driver = watched{stage.Driver{}, &gone}
					w.Up = func() bool { return !gone && up() }
					w.Clean = nil
				}
				return w
			}
			if c.image == "fs.img" {
				drivertest.Run(t, fresh)
				return
			}
			// The others take the same way with another program.
			w := fresh(t)
			for range 2 {
				if r, err := w.Driver.Setup(t.Context(), w.On, w.Params); err != nil || !r.Done || !w.Up() {
					t.Error(r, err)
				}
			}
			if r, err := w.Driver.Teardown(t.Context(), w.On, w.Params); err != nil || !r.Done || w.Up() {
				t.Error(r, err)
			}
		})
	}
}

// watched notes whether a driver's last word was that it tore down.
type watched struct {
	handlers.Driver
	gone *bool
}

func (w watched) Setup(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	*w.gone = false
	return w.Driver.Setup(ctx, on, p)
}

func (w watched) Teardown(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	res, err := w.Driver.Teardown(ctx, on, p)
	*w.gone = err == nil
	return res, err
}

// TestOwn: what is written into an image: the host key that was known before, the
// lessee's keys in place of what the image had, and where the node finds itself.
func TestOwn(t *testing.T) {
	t.Parallel()
	dir, to := images(t), t.TempDir()
	private, public := hostKey(t)
	_, admin := hostKey(t)
	p := params(stage.Image, dir+"/fs.qcow2", stage.Format, "qcow2", stage.How, stage.Overlay, stage.Folder, to,
		handlers.ParamHostKey, private, handlers.ParamAdminKeys, admin)
	before, err := os.ReadFile(dir + "/fs.qcow2")
	if err != nil {
		t.Fatal(err)
	}
	res, err := stage.Driver{}.Setup(t.Context(), localrun.Runner{}, p)
	if err != nil || res.Properties["stage.target"] != to+"/web1.qcow2" {
		t.Fatalf("%+v, %v", res, err)
	}
	fs := plain(t, to+"/web1.qcow2", 0)
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(inside(t, fs, "/etc/ssh/ssh_host_ed25519_key")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("ssh-keygen", "-y", "-f", key).Output(); err != nil || !strings.HasPrefix(string(out), public) {
		t.Errorf("the host key in the image is %s, not %s: %v", out, public, err)
	}
	for name, want := range map[string]string{
		"/etc/ssh/ssh_host_ed25519_key.pub": public + "\n", "/root/.ssh/authorized_keys": admin + "\n",
		"/etc/leasehold/node": "# what the directory says about this node is below this entry\nname web1\ndomain web.site.test\ndirectory ou=web,dc=site\nservers ldap://10.0.0.1\n",
	} {
		if got := inside(t, fs, name); got != want {
			t.Errorf("%s holds %q, not %q", name, got, want)
		}
	}
	out, err := exec.Command(setup.Tool(t, "debugfs"), "-R", "stat /etc/ssh/ssh_host_ed25519_key", fs).Output()
	if err != nil || !strings.Contains(string(out), "Mode:  0600") {
		t.Errorf("%v\n%s", err, out)
	}
	after, err := os.ReadFile(dir + "/fs.qcow2")
	if err != nil || string(after) != string(before) {
		t.Errorf("the original was changed: %v", err)
	}
	if out, err := exec.Command("sh", "-c", "losetup -a | grep "+to).Output(); err == nil {
		t.Errorf("left: %s", out)
	}
}

// TestMistakes: what is wrong with an image is said, and nothing is left of it.
func TestMistakes(t *testing.T) {
	t.Parallel()
	dir := images(t)
	for _, c := range []struct{ image, says, name, value string }{
		{"short.img", "is truncated: it has 1000000 octets of 2097152", stage.Bytes, "2097152"},
		{"fs.img", "it is another", stage.Bytes, "2097151"},
		{"fs.img", "it is damaged, or another", stage.Sum, "sha256:" + strings.Repeat("0", 64)},
		{"none.img", "none.img", "", ""},
		{"noise.img", "cannot be made the node's own", "", ""},
		{"evil.img", "/etc in it is no folder", "", ""},
		{"nothing.img", "holds no root file system", "", ""},
		{"fs.img", "there is no partition 7", stage.Partition, "7"},
		{"fs.img", "is no public key", handlers.ParamAdminKeys, "ssh-ed25519 nonsense"},
		{"fs.img", "host key cannot be read", handlers.ParamHostKey, "nonsense"},
		{"fs.img", "no name of a node", "unit.hostname", "../../etc"},
		{"fs.img", "does not fit into one line", "unit.directory.dn", "a\nb"},
		{"fs.img", "no absolute path", stage.Image, "fs.img"},
		{"fs.img", "raw or qcow2", stage.Format, "vmdk"},
	} {
		for _, how := range []string{stage.Copy, stage.Overlay} {
			to := t.TempDir()
			p := params(stage.Image, filepath.Join(dir, c.image), stage.How, how, stage.Folder, to)
			if c.name != "" {
				p[c.name] = c.value
			}
			if _, err := (stage.Driver{}).Setup(t.Context(), localrun.Runner{}, p); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s of %s: %v, want %q", how, c.image, err, c.says)
			}
			if left, _ := os.ReadDir(to); len(left) > 0 {
				t.Errorf("%s of %s: left %v", how, c.image, left)
			}
		}
	}
	if left, _ := os.ReadDir(dir + "/outside/ssh"); len(left) > 0 {
		t.Errorf("written outside of the image: %v", left)
	}
	to := t.TempDir()
	if err := os.WriteFile(to+"/web1.img", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := params(stage.Image, dir+"/fs.img", stage.Folder, to)
	if _, err := (stage.Driver{}).Setup(t.Context(), localrun.Runner{}, p); err == nil {
		t.Error("somebody else's file is taken")
	}
	if _, err := (stage.Driver{}).Teardown(t.Context(), localrun.Runner{}, p); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(to + "/web1.img"); err != nil {
		t.Error("somebody else's file is gone")
	}
	if _, err := handlers.NewCatalogue(stage.Driver{}.Info()); err != nil {
		t.Error(err)
	}
}

// trampoline is a machine that boots from its disk when it is told to.
type trampoline struct {
	localrun.Runner
	booted bool
}

func (m *trampoline) Run(ctx context.Context, c run.Cmd) (run.Output, error) {
	if m.booted {
		return run.Output{}, errors.New("it is another system now, with another key")
	}
	if strings.Contains(c.String(), "reboot") {
		m.booted = true
		return run.Output{}, nil
	}
	return m.Runner.Run(ctx, c)
}

// TestTrampoline: a machine that booted over the network gets its disk written and starts
// from it; it is done when it shows the node's own key, and never written again then.
func TestTrampoline(t *testing.T) {
	t.Parallel()
	dir, to := images(t), t.TempDir()
	private, public := hostKey(t)
	m := &trampoline{}
	asked := 0
	d := stage.Driver{Answers: func(_ context.Context, address, key string) bool {
		if asked++; address != "10.99.0.9" || key != public {
			t.Errorf("asked %s for %s", address, key)
		}
		return m.booted && asked > 2
	}}
	if err := os.WriteFile(to+"/disk", make([]byte, 5<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	p := params(stage.Image, dir+"/disk.img", stage.How, stage.Write, stage.Target, to+"/disk", stage.Partition, "2", stage.Reboot, "yes",
		handlers.ParamHostKey, private, handlers.FactHostKey, public, "unit.manage.ip", "10.99.0.9")
	res, err := d.Setup(t.Context(), m, p)
	if err != nil || res.Done || res.After == 0 || !m.booted {
		t.Fatalf("%+v, %v", res, err)
	}
	if inside(t, plain(t, to+"/disk", 4096), "/etc/leasehold/unit") != "u1\n" {
		t.Error("the disk is not the node's")
	}
	if res, err := d.Setup(t.Context(), m, p); err == nil {
		t.Errorf("on its way it does not answer: %+v", res)
	}
	if res, err := d.Setup(t.Context(), m, p); err != nil || !res.Done {
		t.Errorf("it has arrived: %+v, %v", res, err)
	}
}

// TestRegistry: what the image registry says is staged, but only if it is whole; and a
// registry that changes meanwhile changes neither the node nor its end.
func TestRegistry(t *testing.T) {
	t.Parallel()
	dir, to := images(t), t.TempDir()
	data, err := os.ReadFile(dir + "/fs.img")
	if err != nil {
		t.Fatal(err)
	}
	of := func(file, format string) handlers.Params {
		return params(stage.Folder, to, handlers.ParamImageSource, dir+"/"+file, handlers.ParamImageFormat, format,
			handlers.ParamImageBytes, fmt.Sprint(len(data)), handlers.ParamImageDigest, fmt.Sprintf("sha256:%x", sha256.Sum256(data)))
	}
	var d stage.Driver
	refused := func(p handlers.Params, why string) {
		t.Helper()
		if r, err := d.Setup(t.Context(), localrun.Runner{}, p); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%+v, %v; not refused with %q", r, err, why)
		}
		if left, _ := os.ReadDir(to); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
	}
	refused(of("short.img", "raw"), "truncated: it has 1000000 octets of")
	same := of("noise.img", "raw")
	same[handlers.ParamImageBytes] = "3000000"
	refused(same, "it is damaged, or another")
	refused(of("fs.img", "tar"), "raw or qcow2")
	refused(params(stage.Folder, to, "config.image.guid", "debian"), `no image "debian"`)
	refused(params(stage.Folder, to), "the lease names none")
	setup := func(p handlers.Params) {
		t.Helper()
		if r, err := d.Setup(t.Context(), localrun.Runner{}, p); err != nil || !r.Done || r.Properties["stage.target"] != to+"/web1.img" {
			t.Fatal(r, err)
		}
	}
	setup(of("fs.img", "raw"))
	setup(of("fs.qcow2", "qcow2")) // another image by now
	setup(params(stage.Folder, to))
	if r, err := d.Teardown(t.Context(), localrun.Runner{}, of("fs.qcow2", "tar")); err != nil || !r.Done {
		t.Fatal(r, err)
	}
	if left, _ := os.ReadDir(to); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}
