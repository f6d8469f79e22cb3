//go:build unix && !linux

package setup

import "syscall"

// dieWithParent can promise nothing outside Linux.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }
