// Package inside is the part of a drill that runs in the container: what a
// service is made to do that cannot be done to it from outside. The drill puts
// this program before the command of its copy:
//
//	aweigh drill-child delay 3s -- /usr/sbin/nginx -g 'daemon off;'
//
// Each fault is one row of faults. Some end by executing the command, so that it
// is the container's first process as ever; some stay before it, and wait for
// the drill's signal; some never start it.
package inside

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"syscall"
)

// Command is the name of the hidden command of `aweigh` that calls Main.
const Command = "drill-child"

// signalled is the signal on which a fault begins that waits for one.
const signalled = syscall.SIGUSR2

// fault does something to the command, or in its place. It returns only when
// there is nothing to execute any more.
type fault func(args, command []string) error

// faults, by the first argument.
var faults = map[string]fault{
	"delay":     delay,     // DURATION: the command begins later
	"hang":      hang,      // nothing begins, nothing listens
	"exit":      exit,      // STATUS DURATION: exits
	"hold":      hold,      // PORT: the port is taken
	"fill":      fill,      // DIR...: no room is left in them
	"files":     files,     // NUMBER: so many descriptors at most
	"serve":     serve,     // ADDRESS: a server in its place
	"blackhole": blackhole, // PORT...: connections are neither taken nor refused
	"later":     later,     // FAULT [PORT]: all is well until it is triggered
	"trigger":   trigger,   // triggers what waits: the container's first process
}

// Main runs what the arguments after Command say, and returns the exit status.
func Main(args []string) int {
	if len(args) == 0 || faults[args[0]] == nil {
		return complain(errors.New("this is a part of `aweigh drill`, which runs it in a container: see aweigh drill --help"))
	}
	name, args := args[0], args[1:]
	var command []string
	if n := slices.Index(args, "--"); n >= 0 {
		args, command = args[:n], args[n+1:]
	}
	if err := faults[name](args, command); err != nil {
		return complain(fmt.Errorf("%s: %w", name, err))
	}
	return 0
}

// A fault that could not be done ends with Failed, and a line that begins with
// Mark, as all do that are not the service's own.
const (
	Failed = 125
	Mark   = "aweigh drill: "
)

func complain(err error) int {
	say("%v", err)
	return Failed
}

// say is a line in the container's output, so that nobody who reads it takes
// the fault for a real one.
func say(format string, a ...any) { fmt.Fprintf(os.Stderr, Mark+format+"\n", a...) }

// become executes the command in place of this program.
func become(command []string) error {
	if len(command) == 0 {
		return errors.New("there is no command")
	}
	path, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	return &os.PathError{Op: "exec", Path: path, Err: syscall.Exec(path, command, os.Environ())}
}

func trigger(_, _ []string) error { return syscall.Kill(1, signalled) }

// rest waits until somebody stops the container.
func rest() error {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT)
	os.Exit(128 + int((<-stop).(syscall.Signal)))
	return nil
}
