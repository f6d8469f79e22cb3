package setup

import "syscall"

// dieWithParent has the kernel end the daemon when the test process is gone, so
// that a test that crashed leaves nothing running.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
