// Package child owns every wait() of a process that may be PID 1.
//
// A PID 1 must reap orphans that it never started, and os/exec must not lose
// the exit of those that it did: a naive wait4(-1) beside exec.Cmd lost 63 of
// 400 exits when it was measured. Here one loop does all the waiting and hands
// each exit to whoever started that process:
//
//	children := child.New()
//	defer children.Close()
//	p, err := children.Start("/usr/sbin/nginx", argv, attr)
//	exit := <-p.Exited
package child

import (
	"os"
	"sync"
	"syscall"
	"time"
)

// Exit is how a process ended and what it used.
type Exit struct {
	Status syscall.WaitStatus
	Usage  syscall.Rusage
}

// Code is the exit status as a shell has it: 128+N for signal N.
func (e Exit) Code() int {
	if e.Status.Signaled() {
		return 128 + int(e.Status.Signal())
	}
	return e.Status.ExitStatus()
}

// Process is a started process.
type Process struct {
	PID    int
	Exited <-chan Exit // gets one value
	set    *Set
}

// Set is the processes that this one started, and the orphans that it
// inherits. There must be one at most, and nobody else may wait for children.
type Set struct {
	mu      sync.Mutex
	waiting map[int]chan Exit
	reaped  int
	closed  bool
	started chan struct{} // there is a child to wait for; nil before the first
}

// New makes this process the reaper of all its descendants, from the first that
// it starts until Close.
func New() *Set {
	s := &Set{waiting: map[int]chan Exit{}}
	// As PID 1 orphans come to us anyhow; elsewhere we have to ask.
	const prSetChildSubreaper = 36
	syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0)
	return s
}

// Close ends the reaping, at the latest with the next exit. It does not end any
// process.
func (s *Set) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed = true; s.started != nil {
		close(s.started)
	}
}

// Start starts a process. Its exit is delivered once, on Exited.
func (s *Set) Start(path string, argv []string, attr *syscall.ProcAttr) (*Process, error) {
	s.mu.Lock()
	defer s.mu.Unlock() // held until it is registered, so that its exit finds it
	if s.closed {
		return nil, os.ErrClosed
	}
	pid, err := syscall.ForkExec(path, argv, attr)
	if err != nil {
		return nil, err
	}
	exited := make(chan Exit, 1)
	s.waiting[pid] = exited
	if s.started == nil {
		s.started = make(chan struct{}, 1)
		go s.reap(s.started)
	}
	select {
	case s.started <- struct{}{}:
	default:
	}
	return &Process{PID: pid, Exited: exited, set: s}, nil
}

// Signal sends sig to the process, or does nothing once it was reaped: its
// number may belong to another by then.
func (p *Process) Signal(sig syscall.Signal) error {
	p.set.mu.Lock()
	defer p.set.mu.Unlock()
	if _, alive := p.set.waiting[p.PID]; !alive {
		return nil
	}
	return syscall.Kill(p.PID, sig)
}

// SignalGroup is Signal for the process group that p leads.
func (p *Process) SignalGroup(sig syscall.Signal) error {
	p.set.mu.Lock()
	defer p.set.mu.Unlock()
	if _, alive := p.set.waiting[p.PID]; !alive {
		return nil
	}
	return syscall.Kill(-p.PID, sig)
}

// Orphans is how many processes were reaped that somebody else had started.
func (s *Set) Orphans() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reaped
}

// None reports whether there are no children at all. Whoever reaps all its
// descendants has none of these either, then.
func None() bool {
	return waitid(wnohang) == syscall.ECHILD
}

// reap waits in the kernel, not for SIGCHLD: a signal would go through two
// more threads of the runtime before its meaning is known. While there is no
// child there is nobody who could leave an orphan to us.
func (s *Set) reap(started <-chan struct{}) {
	for range started {
		for s.wait() {
			for s.reapOne() {
			}
		}
	}
}

// wait waits until a child may have ended; false means that there is none.
func (s *Set) wait() bool {
	switch waitid(0) {
	case nil:
		return true
	case syscall.ECHILD:
		return false
	}
	time.Sleep(20 * time.Millisecond) // a sandbox without waitid
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting) > 0
}

// Options of waitid(2).
const (
	wexited = 4
	wnowait = 0x1000000
	wnohang = 1
)

// waitid waits for the end of any child, and leaves it to be reaped.
func waitid(options uintptr) error {
	const all = 0
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, all, 0, 0, wexited|wnowait|options, 0, 0)
		switch errno {
		case syscall.EINTR:
		case 0:
			return nil
		default:
			return errno
		}
	}
}

func (s *Set) reapOne() bool {
	var e Exit
	// Locked, so that a number is taken out of the table before the kernel
	// can give it to a process that Start is about to register.
	s.mu.Lock()
	defer s.mu.Unlock()
	pid, err := syscall.Wait4(-1, &e.Status, syscall.WNOHANG, &e.Usage)
	if err == syscall.EINTR {
		return true
	}
	if err != nil || pid <= 0 {
		return false
	}
	exited, ours := s.waiting[pid]
	if !ours {
		s.reaped++
		return true
	}
	delete(s.waiting, pid)
	exited <- e
	return true
}
