// Command leasehold-nodeagent is the agent on a node: it takes signed requests to run commands,
// and to install and run driver packages, over the legacy SOAP service and XML-RPC.
//
// It keeps everything in one folder. The first key that may speak to it is the one whose
// fingerprint the node was booted with (AUTH_HASH and NODE_TOKEN on the kernel's command line).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/leasehold/leasehold/handlers/nodeagent"
	"github.com/leasehold/leasehold/handlers/nodeagent/serve"
)

// version is set when a release is built.
var version = "unknown"

func main() {
	if len(os.Args) == 3 && os.Args[1] == "supervise" {
		os.Exit(nodeagent.Supervise(os.Args[2]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := serveAgent(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "leasehold-nodeagent: %v\n", err)
		os.Exit(1)
	}
}

// serveAgent is the agent, until ctx ends. Actions that are under way then go on.
func serveAgent(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("leasehold-nodeagent", flag.ContinueOnError)
	data := flags.String("data", "/var/lib/leasehold-nodeagent", "folder that it keeps everything in")
	listen := flags.String("listen", ":6", "address to listen on; 6 is the port that deployed callers use")
	boot := flags.String("boot", "/proc/cmdline", "file with AUTH_HASH and NODE_TOKEN")
	rights := flags.String("rights", "drivers,invoke,script", "what keys that are registered later may ask for: keys, drivers, invoke, script")
	show := flags.Bool("version", false, "print the version and end")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *show {
		fmt.Println(version)
		return nil
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("there is nothing to do with %q", flags.Args())
	}
	given := []nodeagent.Right{}
	for _, word := range strings.FieldsFunc(*rights, func(r rune) bool { return r == ',' }) {
		if !slices.Contains(nodeagent.Rights, nodeagent.Right(word)) {
			return fmt.Errorf("there is no right %q; there are: %v", word, nodeagent.Rights)
		}
		given = append(given, nodeagent.Right(word))
	}
	line, err := os.ReadFile(*boot)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	logger := log.New(os.Stderr, "", log.LstdFlags)
	a, err := nodeagent.Open(nodeagent.Config{Dir: *data, CommandLine: string(line), Supervisor: []string{self, "supervise"},
		Rights: given, Log: logger.Printf})
	if err != nil {
		return err
	}
	door, err := serve.New(serve.Config{Agent: a, Dir: *data, Log: logger.Printf})
	if err != nil {
		return err
	}
	defer door.Close()
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	// Answers wait for actions, so that only reading has its time.
	s := &http.Server{Handler: door, ReadHeaderTimeout: 30 * time.Second, ReadTimeout: 5 * time.Minute, MaxHeaderBytes: 64 << 10}
	logger.Printf("listening on %s; the agent's key is %s", l.Addr(), nodeagent.Hash(a.Identity().Cert))
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	select {
	case err = <-ended:
		return err
	case <-ctx.Done():
	}
	// Whoever waits for an action with a key asks again; the others' actions end, which
	// closing the door waits for.
	return s.Close()
}
