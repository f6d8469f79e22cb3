package posix_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/handlers/run/localrun"
	"github.com/leasehold/leasehold/handlers/run/posix"
)

func TestFiles(t *testing.T) {
	t.Parallel()
	ctx, on, dir := t.Context(), localrun.Runner{}, t.TempDir()
	f := filepath.Join(dir, "-a 'b' $x\"`")
	if text, there, err := posix.Read(ctx, on, f); text != "" || there || err != nil {
		t.Error(text, there, err)
	}
	if err := posix.Claim(ctx, on, f, "u 1"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"one\n\n", "", "two"} {
		if err := posix.Write(ctx, on, f, want, "640"); err != nil {
			t.Fatal(err)
		}
		if text, there, err := posix.Read(ctx, on, f); text != want || !there || err != nil {
			t.Error(text, there, err)
		}
	}
	if info, err := os.Stat(f); err != nil || info.Mode() != 0o640 {
		t.Error(info, err)
	}
	if err := posix.Claim(ctx, on, f, "u 1"); err != nil {
		t.Error(err)
	}
	if err := posix.Claim(ctx, on, f, "u 2"); err == nil || !strings.Contains(err.Error(), "another unit") {
		t.Error(err)
	}
	for unit, want := range map[string]bool{"u 1": true, "u 2": false} {
		if ok, err := posix.Owned(ctx, on, f, unit); ok != want || err != nil {
			t.Error(unit, ok, err)
		}
	}
	if err := posix.Remove(ctx, on, f); err != nil {
		t.Error(err)
	}
	if err := posix.Release(ctx, on, f); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Error(left, err)
	}
	// What was there before is nobody's; not even a link that leads nowhere.
	if err := os.Symlink("/nowhere", f); err != nil {
		t.Fatal(err)
	}
	if err := posix.Claim(ctx, on, f, "u 1"); err == nil || !strings.Contains(err.Error(), "no unit") {
		t.Error(err)
	}
	if ok, err := posix.Owned(ctx, on, f, "u 1"); ok || err != nil {
		t.Error(ok, err)
	}
	if err := posix.Write(ctx, on, dir+"/no/where", "x", "600"); err == nil {
		t.Error("written")
	}
	for _, p := range []string{"", "/", "a", "/a/../b", "/a/", "//a", "/a\nb"} {
		if posix.Path(p) == nil {
			t.Errorf("%q is a path", p)
		}
	}
	if err := posix.Path("/srv/a b"); err != nil {
		t.Error(err)
	}
}
