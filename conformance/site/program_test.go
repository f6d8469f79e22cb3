package site_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// built is the shipping program, built once for all tests.
var built struct {
	once sync.Once
	dir  string
	path string
	err  error
}

// TestMain removes what was built.
func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// program is the path of the shipping program.
func program(t testing.TB) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "leasehold"); built.err != nil {
			return
		}
		built.path = filepath.Join(built.dir, "leasehold")
		if out, err := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", built.path, "../../cmd/leasehold").CombinedOutput(); err != nil {
			built.err = err
			t.Logf("%s", out)
		}
	})
	if built.err != nil {
		t.Fatalf("the program cannot be built: %v", built.err)
	}
	return built.path
}
