package manage

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPeerUser: the kernel tells who is at the other end, and only of a socket.
func TestPeerUser(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	far, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	if uid, err := peerUser(near); err != nil || uid != os.Getuid() {
		t.Errorf("user %d, %v; want %d", uid, err, os.Getuid())
	}
	near.Close()
	if uid, err := peerUser(near); err == nil {
		t.Errorf("a closed connection is of user %d", uid)
	}
}

// TestGuard: root, the server's own user and those listed come in, and nobody of
// whom we cannot know who he is.
func TestGuard(t *testing.T) {
	t.Parallel()
	own := os.Getuid()
	stranger, friend := own+1000, own+2000
	s := Socket{Users: []int{friend}}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.Path = filepath.Join(t.TempDir(), "s")
	if err := s.Serve(ctx); !errors.Is(err, context.Canceled) { // fills nothing in: s is a value
		t.Fatal(err)
	}
	s.Log = discard()
	inner := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	for _, tt := range []struct {
		who  any
		want int
	}{
		{caller{uid: 0}, http.StatusTeapot},
		{caller{uid: own}, http.StatusTeapot},
		{caller{uid: friend}, http.StatusTeapot},
		{caller{uid: stranger}, http.StatusForbidden},
		{caller{uid: own, err: errors.New("unknown")}, http.StatusForbidden},
		{nil, http.StatusForbidden},
	} {
		for _, method := range []string{"GET", "POST"} {
			r := httptest.NewRequest(method, "/v1/actors", nil)
			r = r.WithContext(context.WithValue(r.Context(), callerKey{}, tt.who))
			w := httptest.NewRecorder()
			s.guard(inner).ServeHTTP(w, r)
			if w.Code != tt.want || tt.want == http.StatusForbidden && !strings.Contains(w.Body.String(), `"denied"`) {
				t.Errorf("%s by %+v: %d %s, want %d", method, tt.who, w.Code, w.Body, tt.want)
			}
		}
	}
}
