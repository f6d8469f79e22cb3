package image_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/image"
	"github.com/leasehold/leasehold/handlers/drivertest"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/localrun"
)

// within runs commands in a mount namespace.
type within struct {
	localrun.Runner
	enter []string
}

func (w within) Run(ctx context.Context, c run.Cmd) (run.Output, error) {
	return w.Runner.Run(ctx, run.Cmd{Args: append(append([]string(nil), w.enter...), c.Args...), Stdin: c.Stdin})
}

// xfs is a machine with an XFS on a loop device at dir, which shares blocks between files,
// and an image of 8 MiB in it.
func xfs(t *testing.T, dir string) within {
	t.Helper()
	setup.Root(t, "mounting a file system")
	c := exec.Command("unshare", "-m", "--propagation", "private", "sh", "-ec",
		`truncate -s 512M "$0.fs"; "$1" -q -m reflink=1 "$0.fs"; mkdir "$0"; mount -t xfs -o loop "$0.fs" "$0"; head -c 8388608 /dev/urandom > "$0/disk"; mkdir "$0/units"; sync; echo here; exec cat`,
		dir, setup.Tool(t, "mkfs.xfs"))
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var errs bytes.Buffer
	c.Stderr = &errs
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = c.Wait() })
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "here\n" {
		_ = c.Wait()
		if text := errs.String(); strings.Contains(text, "unknown filesystem type") || strings.Contains(text, "loop device") {
			t.Skip("this kernel has no XFS or no loop devices: " + text)
		}
		t.Fatal(errs.String())
	}
	return within{enter: []string{"nsenter", "-m", "-t", fmt.Sprint(c.Process.Pid), "--"}}
}

// TestClone: where the file system can share blocks, a copy of a disk is a flash clone of
// it: its blocks are the image's own until it is written to, and the image stays as it is.
func TestClone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/xfs"
	on := xfs(t, dir)
	sh := func(text string) string {
		t.Helper()
		out, err := run.Must(t.Context(), on, run.Cmd{Args: []string{"sh", "-ec", text, dir, setup.Tool(t, "filefrag")}})
		if err != nil {
			t.Fatal(err)
		}
		return out.Stdout
	}
	sum := strings.Fields(sh(`sha256sum "$0/disk"`))[0]
	fresh := func(t *testing.T) drivertest.World {
		sh(`rm -rf "$0/units"; mkdir "$0/units"`)
		return drivertest.World{Driver: image.Driver{}, On: on,
			Params: handlers.Params{handlers.ParamUnit: "u1", image.File: dir + "/disk", image.Target: dir + "/units/u1", image.Sum: sum},
			Up:     func() bool { return strings.HasPrefix(sh(`sha256sum "$0/units/u1" || true`), sum) },
			Clean:  func() bool { return sh(`ls -A "$0/units"`) == "" }}
	}
	drivertest.Run(t, fresh)
	w := fresh(t)
	if r, err := w.Driver.Setup(t.Context(), w.On, w.Params); err != nil || !r.Done || !w.Up() {
		t.Fatal(r, err)
	}
	// Lines of extents are numbered, and say of each whether it is shared.
	extents := func() (all, shared int) {
		for line := range strings.Lines(sh(`sync; "$1" -v "$0/units/u1"`)) {
			if n, _, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && strings.Trim(n, "0123456789") == "" && n != "" {
				all++
				if strings.Contains(line, "shared") {
					shared++
				}
			}
		}
		return all, shared
	}
	if all, shared := extents(); all == 0 || shared != all {
		t.Errorf("%d of %d extents are shared", shared, all)
	}
	sh(`dd if=/dev/zero of="$0/units/u1" bs=4096 seek=100 count=10 conv=notrunc status=none`)
	if all, shared := extents(); shared == 0 || shared == all {
		t.Errorf("written to, %d of %d extents are shared", shared, all)
	}
	if got := sh(`sha256sum "$0/disk"`); !strings.HasPrefix(got, sum) || w.Up() {
		t.Error("the image is not as it was")
	}
}
