package inside

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// crashStatus is that of a program that a fault in native code ended (128 +
// SIGSEGV), as the first process of a container tells it.
const crashStatus = 139

// misfortunes are what may happen to a service that was well.
var misfortunes = map[string]func(s *service, port int) error{
	"crash":  crash,
	"memory": memory,
	"mute":   mute,
	"stall":  stall,
}

// later runs the command, and lets something happen to it when triggered: one of
// misfortunes, or one of answers in its place.
func later(args, command []string) error {
	if len(args) == 0 {
		return errors.New("a fault is missing")
	}
	what, port := misfortunes[args[0]], 0
	if reply, ok := answers[args[0]]; ok {
		what = func(s *service, port int) error { return instead(s, port, reply) }
	}
	if what == nil {
		return fmt.Errorf("there is no fault %q", args[0])
	}
	if len(args) > 1 {
		var err error
		if port, err = number(args, 1); err != nil {
			return err
		}
	}
	trigger := make(chan os.Signal, 1)
	signal.Notify(trigger, signalled)
	s, err := launch(command, args[0] == "mute")
	if err != nil {
		return err
	}
	for {
		select {
		case status := <-s.ended:
			os.Exit(status)
		case <-trigger:
			if err := what(s, port); err != nil {
				return err
			}
		}
	}
}

func crash(s *service, _ int) error {
	s.kill()
	os.Exit(crashStatus)
	return nil
}

// memory takes memory until the kernel ends it.
func memory(_ *service, _ int) error {
	for {
		b := make([]byte, 1<<20)
		for n := 0; n < len(b); n += 4 << 10 {
			b[n] = 1
		}
		taken = append(taken, b)
	}
}

var taken [][]byte

// mute has its output go nowhere.
func mute(s *service, _ int) error {
	s.muted.Store(true)
	return nil
}

// stall stops the process, as one that waits for ever is stopped.
func stall(s *service, _ int) error {
	return syscall.Kill(s.process.Pid, syscall.SIGSTOP)
}

// instead serves in the command's place.
func instead(s *service, port int, reply reply) error {
	s.kill()
	var l net.Listener
	var err error
	for range 100 { // the kernel may be just taking its socket down
		if l, err = net.Listen("tcp", ":"+strconv.Itoa(port)); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		return err
	}
	go answer(l, reply)
	return rest()
}
