package manage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/actors"
)

// maxPath is how long a Unix socket's path can be everywhere.
const maxPath = 100

// Socket is where operators reach a Service. Fields without a stated default are
// required.
type Socket struct {
	Path    string // of the socket file; its directory must exist
	Service Service
	Log     logrus.FieldLogger // nil discards; what changes something is logged with who asked
	// Users may connect beside root and the user who runs the server, by uid.
	Users []int
	// More answers what lies below /v1/copy/, beside what Service does; nil for
	// nothing. The same users are served.
	More http.Handler
	// Ready is closed when the actors have been told what they have; nil means that
	// they have. Who asks before waits for it, but may always see how the actors do.
	Ready <-chan struct{}
	// Patience is how long to wait for Ready; 0 means a minute.
	Patience time.Duration
}

// Serve listens until ctx ends, which ends what is under way too. The file has mode 0660; on Linux the kernel is asked besides
// who is at the other end, and only root, the server's own user and Users are
// served.
func (s Socket) Serve(ctx context.Context) error {
	l, err := s.listen()
	if err != nil {
		return err
	}
	return s.serve(ctx, l)
}

// serve is Serve on a listener that is already there.
func (s Socket) serve(ctx context.Context, l net.Listener) error {
	if s.Log == nil {
		s.Log = discard()
	}
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	server := &http.Server{
		Handler:           s.guard(s.starting(s.routes())),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return base },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			uid, err := peerUser(c)
			return context.WithValue(ctx, callerKey{}, caller{uid, err})
		},
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		cancel()
		patience, done := context.WithTimeout(context.Background(), 5*time.Second)
		defer done()
		stopped <- server.Shutdown(patience)
	})
	err := server.Serve(l)
	if stop() { // ctx has not ended: the listener failed
		return fmt.Errorf("socket %s: %w", s.Path, err)
	}
	<-stopped
	return ctx.Err()
}

// routes is the service, and more if there is more.
func (s Socket) routes() http.Handler {
	if s.More == nil {
		return Handler(s.Service)
	}
	mux := http.NewServeMux()
	mux.Handle("/", Handler(s.Service))
	mux.Handle("/v1/copy/", s.More)
	return mux
}

// starting lets nobody in before the server has begun, but to see how far it is: a
// command that comes early would hear that what is configured does not exist.
func (s Socket) starting(next http.Handler) http.Handler {
	if s.Ready == nil {
		return next
	}
	if s.Patience <= 0 {
		s.Patience = time.Minute
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path == "/v1/actors" {
			next.ServeHTTP(w, r)
			return
		}
		late := time.NewTimer(s.Patience)
		defer late.Stop()
		select {
		case <-s.Ready:
			next.ServeHTTP(w, r)
		case <-late.C:
			refuse(w, problemOf(&actors.Error{Op: "manage", Kind: actors.Transient,
				Err: errors.New("the server is still starting: its actors have not been told what they have; its log says what it waits for")}))
		case <-r.Context().Done():
			refuse(w, problemOf(&actors.Error{Op: "manage", Kind: actors.Transient, Err: errors.New("the server stopped before it had started")}))
		}
	})
}

// discard is a log that nobody reads.
func discard() logrus.FieldLogger {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return log
}

// listen makes the socket file, in the place of one that nobody serves any more.
func (s Socket) listen() (net.Listener, error) {
	if len(s.Path) > maxPath {
		return nil, fmt.Errorf("socket %s: the path has %d octets, limit %d", s.Path, len(s.Path), maxPath)
	}
	switch info, err := os.Lstat(s.Path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("socket %s: %w", s.Path, err)
	case info.Mode().Type() != fs.ModeSocket:
		return nil, fmt.Errorf("socket %s: there is another file of that name", s.Path)
	default:
		c, err := net.Dial("unix", s.Path)
		if err == nil {
			c.Close()
			return nil, fmt.Errorf("socket %s: another server listens there", s.Path)
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return nil, fmt.Errorf("socket %s: %w", s.Path, err)
		}
		if err := os.Remove(s.Path); err != nil {
			return nil, fmt.Errorf("socket %s: %w", s.Path, err)
		}
	}
	l, err := net.Listen("unix", s.Path)
	if err != nil {
		return nil, fmt.Errorf("socket %s: %w", s.Path, err)
	}
	if err := os.Chmod(s.Path, 0o660); err != nil {
		l.Close()
		return nil, fmt.Errorf("socket %s: %w", s.Path, err)
	}
	return l, nil
}

// caller is who is at the other end of a connection, or why we cannot know.
type caller struct {
	uid int
	err error
}

type callerKey struct{}

// guard lets only those in who may, and logs what they change.
func (s Socket) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, ok := r.Context().Value(callerKey{}).(caller)
		if !ok || who.err != nil || !s.allowed(who.uid) {
			s.Log.WithFields(logrus.Fields{"uid": who.uid, "reason": who.err}).Warn("an operator was refused")
			refuse(w, problemOf(&actors.Error{Op: "manage", Kind: actors.Denied,
				Err: fmt.Errorf("user %d may not manage this server", who.uid)}))
			return
		}
		if r.Method == http.MethodGet {
			next.ServeHTTP(w, r)
			return
		}
		seen := &observed{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(seen, r)
		s.Log.WithFields(logrus.Fields{"uid": who.uid, "method": r.Method, "path": r.URL.Path, "status": seen.status}).
			Info("an operator asked")
	})
}

// allowed reports whether the user may manage this server.
func (s Socket) allowed(uid int) bool {
	return uid == 0 || uid == os.Getuid() || slices.Contains(s.Users, uid)
}

// observed remembers the status of an answer.
type observed struct {
	http.ResponseWriter
	status int
}

// Unwrap lets http.ResponseController through.
func (o *observed) Unwrap() http.ResponseWriter { return o.ResponseWriter }

// WriteHeader notes the status and passes it on.
func (o *observed) WriteHeader(status int) {
	o.status = status
	o.ResponseWriter.WriteHeader(status)
}
