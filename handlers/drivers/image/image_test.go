package image_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/image"
	"github.com/leasehold/leasehold/handlers/drivertest"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/localrun"
)

// images makes one of each kind with the machine's own tools.
func images(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := run.Must(t.Context(), localrun.Runner{Dir: dir}, run.Cmd{Args: []string{"sh", "-ec", `
		mkdir -p tree/etc; echo hello > tree/etc/motd; ln -s motd tree/etc/link
		tar -cf i.tar -C tree .; gzip -k i.tar; xz -k i.tar; zstd -q -k i.tar; cp i.tar.gz i.tgz
		head -c 100000 /dev/urandom > disk; gzip -k disk; xz -k disk; zstd -q -k disk`}}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestSuite(t *testing.T) {
	t.Parallel()
	dir := images(t)
	disk, err := os.ReadFile(dir + "/disk")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"i.tar", "i.tar.gz", "i.tgz", "i.tar.xz", "i.tar.zst", "disk", "disk.gz", "disk.xz", "disk.zst"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			fresh := func(t *testing.T) drivertest.World {
				to := t.TempDir()
				return drivertest.World{Driver: image.Driver{}, On: localrun.Runner{},
					Params: handlers.Params{handlers.ParamUnit: "u1", image.File: filepath.Join(dir, name), image.Target: to + "/image", image.Sum: fmt.Sprintf("%X", sha256.Sum256(data))},
					Up: func() bool {
						if strings.HasPrefix(name, "disk") {
							got, err := os.ReadFile(to + "/image")
							return err == nil && string(got) == string(disk)
						}
						got, err := os.ReadFile(to + "/image/etc/link")
						return err == nil && string(got) == "hello\n"
					},
					Clean: func() bool { left, _ := os.ReadDir(to); return len(left) == 0 }}
			}
			if name == "i.tar" || name == "i.tar.gz" || name == "disk" || name == "disk.zst" {
				drivertest.Run(t, fresh)
				return
			}
			// The others take the same way with another program.
			w := fresh(t)
			if r, err := w.Driver.Setup(t.Context(), w.On, w.Params); err != nil || !r.Done || !w.Up() {
				t.Error(r, err)
			}
		})
	}
}

// A wrong sum, a damaged image and a place that is taken leave nothing that looks whole.
func TestMistakes(t *testing.T) {
	t.Parallel()
	dir, to := images(t), t.TempDir()
	for name, text := range map[string]string{"bad.tar.gz": "no gzip", "bad.tar": strings.Repeat("x", 2000), "bad.xz": "no xz"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	whole, err := os.ReadFile(dir + "/i.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/cut.tar.gz", whole[:len(whole)-12], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to+"/theirs", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, says := range map[string]string{"bad.tar.gz": "ends with", "bad.tar": "ends with", "bad.xz": "ends with", "cut.tar.gz": "ends with", "none": "ends with", "disk": "has the SHA-256", "i.tar": "belongs to no unit"} {
		p := handlers.Params{handlers.ParamUnit: "u1", image.File: filepath.Join(dir, name), image.Target: to + "/x"}
		switch name {
		case "disk":
			p[image.Sum] = strings.Repeat("0", 64)
		case "i.tar":
			p[image.Target] = to + "/theirs"
		}
		if _, err := (image.Driver{}).Setup(t.Context(), localrun.Runner{}, p); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", name, err, says)
		}
		if _, err := os.Stat(to + "/x"); err == nil {
			t.Errorf("%s: something is there", name)
		}
		if _, err := (image.Driver{}).Teardown(t.Context(), localrun.Runner{}, p); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, _ := os.ReadDir(to); len(left) != 1 || left[0].Name() != "theirs" {
		t.Error(left)
	}
	if _, err := handlers.NewCatalogue(image.Driver{}.Info()); err != nil {
		t.Error(err)
	}
}
