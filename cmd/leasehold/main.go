// Command leasehold runs actors of a leasing federation and is what operators
// manage them with. It also shows one at work (demo) and plays one from a seed
// (sim).
//
// Every command prints a table for people and, with --json, one JSON value or
// one per line for programs. Exit codes are listed by leasehold help exit-codes.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}

// run carries out one command line and returns its exit code.
func run(ctx context.Context, args []string, io streams) int {
	root := newRoot(io)
	root.SetArgs(args)
	if err := root.ExecuteContext(ctx); err != nil {
		if text := err.Error(); text != "" {
			fmt.Fprintf(io.err, "leasehold: %s\n", text)
		}
		return exitCode(err)
	}
	return 0
}
