// Command soaking starts short-lived services through aweigh-init, ten thousand
// by default, beside one that lives as long as the command does, and fails when
// anything leaks: a process, a file, a thread, memory, a record beyond --keep.
//
//	test/soak           # builds bin/aweigh-init and calls it
//	test/soak 200
package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "serve" {
		serve()
	}
	starts := 10_000
	if len(os.Args) > 1 {
		n, err := strconv.Atoi(os.Args[1])
		if err != nil || n < 1 {
			fmt.Fprintf(os.Stderr, "soak: %q is no number of starts\n", os.Args[1])
			os.Exit(2)
		}
		starts = n
	}
	if err := run(starts); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(starts int) error {
	program, err := filepath.Abs("bin/aweigh-init")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "aweigh-soak-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	s := &soak{program: program, dir: dir, starts: starts, stop: stop, say: func(format string, args ...any) {
		fmt.Printf("%s  %s\n", time.Now().Format("15:04:05"), fmt.Sprintf(format, args...))
	}}
	return s.run()
}
