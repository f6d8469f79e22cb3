package boot_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/cod/boot"
	"github.com/leasehold/leasehold/cod/boot/loader"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/feed"
	"github.com/leasehold/leasehold/ldapschema"
)

// script is a directory that tells what it is given.
type script chan directory.Event

func (s script) Watch(ctx context.Context, _ ldapschema.DN, _ string, each func(directory.Event) error) error {
	for {
		select {
		case ev := <-s:
			if err := each(ev); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func host(name, mac, state, image string) directory.Event {
	e := ldapschema.Entry{DN: ldapschema.DN("cn=" + name + ",ou=hosts")}.
		With("objectClass", "device", "ipHost", "ieee802Device", "bootableDevice", "codNode").
		With("cn", name).With("ipHostNumber", "10.0.0.1").With("macAddress", mac).With("codState", state).With("codImage", image)
	return directory.Event{Kind: directory.Present, ID: name, Entry: e}
}

func image(name, kernel string) directory.Event {
	e := ldapschema.Entry{DN: ldapschema.DN("cn=" + name + ",ou=images")}.
		With("objectClass", "device", "codBootImage").With("cn", name).With("codKernel", kernel)
	return directory.Event{Kind: directory.Present, ID: "image " + name, Entry: e}
}

var refreshed = directory.Event{Kind: directory.Refreshed}

const (
	mac1 = "52:54:00:99:00:01"
	pxe1 = "pxelinux.cfg/01-52-54-00-99-00-01"
	pxe2 = "pxelinux.cfg/01-52-54-00-99-00-02"
)

func follower(root string, s script) *boot.Follower {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return &boot.Follower{Source: feed.Source{Directory: s, Log: log, RetryFirst: time.Millisecond, RetryMost: 10 * time.Millisecond}, Root: root}
}

// says waits until a file has a line, or none where it should be absent.
func says(t *testing.T, root, path, line string) {
	t.Helper()
	var data []byte
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		var err error
		data, err = os.ReadFile(filepath.Join(root, path))
		if line == "" && err != nil || line != "" && strings.Contains(string(data), line) {
			return
		}
	}
	t.Fatalf("%s says\n%swant %q", path, data, line)
}

// TestFollow: files come, change and go with machines, images and operators' words.
func TestFollow(t *testing.T) {
	t.Parallel()
	root, s := t.TempDir(), make(script)
	f := follower(root, s)
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		f.Run(ctx)
		close(done)
	}()
	s <- host("a", mac1, "booting", "debian")
	s <- image("debian", "debian/vmlinuz")
	s <- refreshed
	says(t, root, pxe1, "KERNEL /debian/vmlinuz")
	s <- image("debian", "debian/vmlinuz-2")
	says(t, root, pxe1, "KERNEL /debian/vmlinuz-2")
	s <- host("a", mac1, "up", "debian")
	says(t, root, pxe1, "LOCALBOOT")
	rescue := host("a", mac1, "up", "debian")
	rescue.Entry = rescue.Entry.With("codBoot", "rescue")
	s <- rescue // there is no such image: what was there stays
	s <- image("rescue", "rescue/vmlinuz")
	says(t, root, pxe1, "KERNEL /rescue/vmlinuz")
	s <- host("b", mac1, "up", "") // the same address twice: the first by name counts
	s <- host("c", "52:54:00:99:00:02", "up", "")
	says(t, root, pxe2, "LOCALBOOT")
	says(t, root, pxe1, "KERNEL /rescue/vmlinuz")
	s <- directory.Event{Kind: directory.Gone, ID: "a"}
	says(t, root, pxe1, "cn=b,ou=hosts")
	s <- host("b", "52:54:00:99:00:03", "up", "") // another card
	says(t, root, pxe1, "")
	says(t, root, "grub/grub.cfg-01-52-54-00-99-00-03", "exit")
	if info, err := os.Stat(filepath.Join(root, pxe2)); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("nobody else can read it: %v, %v", info, err)
	}
	cancel()
	<-done
}

// once tells events and compares.
func once(t *testing.T, f *boot.Follower, dry bool, events ...directory.Event) (boot.Report, error) {
	t.Helper()
	s := make(script)
	f.Directory = s
	go func() {
		for _, ev := range append(events, refreshed) {
			s <- ev
		}
	}()
	return f.Once(t.Context(), dry)
}

// TestOthersFiles: a file without our first line is never written over or removed.
func TestOthersFiles(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(pxe1, "LOCALBOOT 1 # by hand\n")
	write("pxelinux.cfg/01-aa", "# by hand\n")
	write("pxelinux.cfg/01-52-54-00-99-00-09", loader.Header+"cn=old\n")
	r, err := once(t, follower(root, nil), false, host("a", mac1, "up", ""))
	if err != nil || len(r.Written) != 1 || len(r.Removed) != 1 || len(r.Problems) != 1 || !strings.Contains(r.Problems[0], "somebody else's") {
		t.Errorf("%v, %+v", err, r)
	}
	says(t, root, pxe1, "by hand")
	says(t, root, "pxelinux.cfg/01-aa", "by hand")
	says(t, root, "pxelinux.cfg/01-52-54-00-99-00-09", "")
}

// lines is a log that is read while it is written.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	select {
	case l <- string(p):
	default: // nobody reads so many
	}
	return len(p), nil
}

// TestUnwritable: below a root where some files cannot be written, for nobody may or for
// something is in the way, the others are; the log says so once; and when it is mended
// the files come without anybody's doing.
func TestUnwritable(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]struct {
		ill, well func(root string) error
		says      string
	}{
		"in the way": {
			func(root string) error { return os.WriteFile(filepath.Join(root, "pxelinux.cfg"), nil, 0o644) },
			func(root string) error { return os.Remove(filepath.Join(root, "pxelinux.cfg")) },
			"not a directory",
		},
		"not allowed": {
			func(root string) error { return os.Mkdir(filepath.Join(root, "pxelinux.cfg"), 0o555) },
			func(root string) error { return os.Chmod(filepath.Join(root, "pxelinux.cfg"), 0o755) },
			"permission denied",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "not allowed" && os.Geteuid() == 0 {
				t.Skip("root may write everywhere")
			}
			root, s, said := t.TempDir(), make(script), make(lines, 1000)
			if err := in.ill(root); err != nil {
				t.Fatal(err)
			}
			f := follower(root, s)
			log := logrus.New()
			log.SetOutput(said)
			f.Log = log
			go f.Run(t.Context())
			s <- host("a", mac1, "up", "")
			s <- refreshed
			says(t, root, "grub/grub.cfg-01-52-54-00-99-00-01", "exit")
			for line := range said {
				if strings.Contains(line, in.says) {
					break
				}
			}
			if err := in.well(root); err != nil {
				t.Fatal(err)
			}
			says(t, root, pxe1, "LOCALBOOT")
		})
	}
}

// TestSilentSource: a directory that shows nothing, and a root that is not there,
// take nothing away.
func TestSilentSource(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	f := follower(root, nil)
	var all []directory.Event
	for i := range 20 {
		all = append(all, host(string(rune('a'+i)), ldapschema.MAC{2, 0, 0, 0, 0, byte(i + 1)}.String(), "up", ""))
	}
	if r, err := once(t, f, true, all...); err != nil || len(r.Written) != 40 {
		t.Fatalf("%v, %+v", err, r)
	}
	if r, err := once(t, f, false, all...); err != nil || len(r.Written) != 40 || r.Machines != 20 {
		t.Fatalf("a dry run wrote: %v, %+v", err, r)
	}
	if r, err := once(t, f, false, all...); err != nil || len(r.Written) != 0 {
		t.Fatalf("twice: %v, %+v", err, r)
	}
	r, err := once(t, f, false)
	if err == nil || r.Held != 40 || len(r.Removed) != 0 {
		t.Fatalf("a silent source: %v, %+v", err, r)
	}
	f.MaxRemoval = 100
	if r, err = once(t, f, false, all[:2]...); err != nil || len(r.Removed) != 36 {
		t.Fatalf("meant: %v, %+v", err, r)
	}
	f.Root = filepath.Join(root, "gone")
	if _, err = once(t, f, false, all...); err == nil {
		t.Error("a root that is not there is taken for an empty one")
	}
	files, _ := filepath.Glob(filepath.Join(root, "*", "*"))
	if slices.ContainsFunc(files, func(p string) bool { return strings.Contains(p, ".new-") }) || len(files) != 4 {
		t.Errorf("left: %v", files)
	}
}
