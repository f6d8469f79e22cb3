package setup

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// StartTFTPD starts Debian's tftpd in a network, at an address there, over a
// folder, and stops it when the test ends. When tftpd is not installed, or does
// not come up, the test fails.
func StartTFTPD(t testing.TB, in *Net, address, root string) {
	t.Helper()
	p := newProcess(t, "in.tftpd", syscall.SIGTERM, 10*time.Second)
	// It binds as root and then becomes another.
	p.attrs, p.in = dieWithParent(), in
	p.ready = func() error { return tftpAnswers(in, address) }
	if err := p.start("--foreground", "--listen", "--address", address+":69", "--secure", "--user", "nobody", root); err != nil {
		t.Fatalf("tftpd does not come up: %v\n%s", err, p.log.String())
	}
}

// tftpAnswers asks for a file that is not there (RFC 1350).
func tftpAnswers(in *Net, address string) error {
	var c net.Conn
	err := in.Do(func() (err error) {
		c, err = net.Dial("udp", address+":69")
		return err
	})
	if err != nil {
		return err
	}
	defer c.Close()
	// The answer comes from another port, which a connected socket does not take;
	// that nobody is there would come back on this one.
	if _, err := c.Write([]byte("\x00\x01nothing\x00octet\x00")); err != nil {
		return err
	}
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	_, err = c.Read(make([]byte, 64))
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() && !strings.Contains(err.Error(), "refused") {
		return nil
	}
	return errors.New("nobody answers")
}
