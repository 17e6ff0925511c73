package inside

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// service is the command, run below this process as it would run alone: its
// signals are passed on, and its orphans reaped.
type service struct {
	process *os.Process
	ended   chan int // its exit status
	muted   atomic.Bool
}

// launch starts the command. piped has its output come through here, so that it
// can be muted.
func launch(command []string, piped bool) (*service, error) {
	if len(command) == 0 {
		return nil, errors.New("there is no command")
	}
	path, err := exec.LookPath(command[0])
	if err != nil {
		return nil, err
	}
	s := &service{ended: make(chan int, 1)}
	out, errs := os.Stdout, os.Stderr
	if piped {
		if out, err = s.through(os.Stdout); err != nil {
			return nil, err
		}
		if errs, err = s.through(os.Stderr); err != nil {
			return nil, err
		}
	}
	if s.process, err = os.StartProcess(path, command, &os.ProcAttr{Files: []*os.File{os.Stdin, out, errs}}); err != nil {
		return nil, err
	}
	if piped {
		out.Close()
		errs.Close()
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGWINCH)
	go func() {
		for sig := range signals {
			syscall.Kill(s.process.Pid, sig.(syscall.Signal))
		}
	}()
	go s.reap()
	return s, nil
}

// through is a pipe whose output goes on to the container's, until it is muted.
func (s *service) through(to *os.File) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	go func() {
		buf := make([]byte, 32<<10)
		for {
			n, err := r.Read(buf)
			if !s.muted.Load() {
				to.Write(buf[:n])
			}
			if err != nil {
				return
			}
		}
	}()
	return w, nil
}

// reap waits for all children, as a first process must.
func (s *service) reap() {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return
		case pid == s.process.Pid && status.Signaled():
			s.ended <- 128 + int(status.Signal())
		case pid == s.process.Pid:
			s.ended <- status.ExitStatus()
		}
	}
}

// wait waits for the command's end.
func (s *service) wait() int { return <-s.ended }

// kill ends the command and all that it began: whatever this process may
// signal, which in a container is its own.
func (s *service) kill() {
	if os.Getpid() == 1 {
		syscall.Kill(-1, syscall.SIGKILL)
	} else {
		s.process.Kill()
	}
	s.wait()
}
