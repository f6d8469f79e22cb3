package manage

import (
	"fmt"
	"net"
	"syscall"
)

// peerUser asks the kernel which user opened the other end (unix(7), SO_PEERCRED).
func peerUser(c net.Conn) (uid int, err error) {
	unix, ok := c.(*net.UnixConn)
	if !ok {
		return -1, fmt.Errorf("%T is no Unix socket", c)
	}
	raw, err := unix.SyscallConn()
	if err != nil {
		return -1, err
	}
	var cred *syscall.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		cred, failed = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return -1, err
	}
	return int(cred.Uid), nil
}
