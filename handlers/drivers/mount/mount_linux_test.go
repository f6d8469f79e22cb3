package mount_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/mount"
	"github.com/leasehold/leasehold/handlers/drivertest"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/localrun"
)

// apart runs commands in a mount namespace of its own, where they mount for real and
// nobody else sees it.
type apart struct {
	localrun.Runner
	enter []string
}

func (a apart) Run(ctx context.Context, c run.Cmd) (run.Output, error) {
	return a.Runner.Run(ctx, run.Cmd{Args: append(append([]string(nil), a.enter...), c.Args...), Stdin: c.Stdin})
}

func namespace(t *testing.T) apart {
	t.Helper()
	args := []string{"-m", "--propagation", "private", "sh", "-c", "echo here; exec cat"}
	enter := []string{"nsenter", "-m", "-t"}
	if os.Geteuid() != 0 {
		args, enter = append([]string{"-r"}, args...), []string{"nsenter", "-U", "--preserve-credentials", "-m", "-t"}
	}
	c := exec.Command("unshare", args...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
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
	t.Cleanup(func() { in.Close(); c.Wait() })
	var word string
	if _, err := fmt.Fscan(out, &word); err != nil || word != "here" {
		t.Fatal(word, err)
	}
	return apart{enter: append(enter, fmt.Sprint(c.Process.Pid), "--")}
}

func (a apart) mounts(t *testing.T) string {
	t.Helper()
	o, err := a.Run(t.Context(), run.Cmd{Args: []string{"cat", "/proc/self/mounts"}})
	if err != nil {
		t.Fatal(err)
	}
	return o.Stdout
}

func TestSuite(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, func(t *testing.T) drivertest.World {
		a, dir := namespace(t), t.TempDir()
		target := filepath.Join(dir, "a/mnt")
		if err := os.Mkdir(dir+"/a", 0o755); err != nil {
			t.Fatal(err)
		}
		return drivertest.World{Driver: mount.Driver{}, On: a,
			Params: handlers.Params{handlers.ParamUnit: "u1", mount.Source: "u1-disk", mount.Target: target, mount.Kind: "tmpfs", mount.Options: "size=1m"},
			Up: func() bool {
				text := a.mounts(t)
				return strings.Count(text, " "+target+" ") == 1 && strings.Contains(text, "u1-disk "+target+" tmpfs rw,") && strings.Contains(text, "size=1024k")
			},
			Clean: func() bool {
				left, _ := os.ReadDir(dir + "/a")
				return !strings.Contains(a.mounts(t), target) && len(left) == 0
			}}
	})
}

// What others mounted, and a folder that was there, stay.
func TestOthers(t *testing.T) {
	t.Parallel()
	a, dir := namespace(t), t.TempDir()
	d := mount.Driver{}
	p := handlers.Params{handlers.ParamUnit: "u1", mount.Source: "ours", mount.Target: dir, mount.Kind: "tmpfs"}
	if _, err := d.Setup(t.Context(), a, p); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Teardown(t.Context(), a, p); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
	if _, err := run.Must(t.Context(), a, run.Cmd{Args: []string{"mount", "-t", "tmpfs", "theirs", dir}}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Setup(t.Context(), a, p); err == nil || !strings.Contains(err.Error(), "which is not the unit's") {
		t.Error(err)
	}
	if _, err := d.Teardown(t.Context(), a, p); err != nil || !strings.Contains(a.mounts(t), "theirs "+dir) {
		t.Error(err)
	}
	for name, text := range map[string]string{mount.Source: "a b", mount.Kind: "-x,", mount.Target: "/a/.."} {
		bad := handlers.Params{handlers.ParamUnit: "u1", mount.Source: "ours", mount.Target: dir, mount.Kind: "tmpfs"}
		bad[name] = text
		if _, err := d.Setup(t.Context(), a, bad); err == nil {
			t.Errorf("%s=%s was taken", name, text)
		}
	}
	if _, err := handlers.NewCatalogue(d.Info()); err != nil {
		t.Error(err)
	}
}
