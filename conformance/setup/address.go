package setup

import (
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"testing"
)

// Address is a loopback address, host and port, that a server of this test can listen
// on in a moment, and again after it was killed. Others do not take it meanwhile: its
// port is below those that the system gives to outgoing connections, of which tests make
// very many; and where all of 127.0.0.0/8 is this machine, its host is one in millions.
func Address(t testing.TB) string {
	t.Helper()
	var err error
	for range 100 {
		host := "127.0.0.1"
		if runtime.GOOS == "linux" {
			host = fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(250), rand.IntN(256), 1+rand.IntN(254))
		}
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("%s:%d", host, 10_000+rand.IntN(20_000))); err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no address is free: ", err)
	return ""
}
