package supervise

import (
	"fmt"
	"os"
	"os/signal"
	"path"
	"syscall"
	"time"

	"github.com/aweigh/aweigh/internal/child"
	"github.com/aweigh/aweigh/internal/proc"
	"github.com/aweigh/aweigh/internal/record"
)

// listenForSignals takes those signals that would end us. None of the service's
// may be missed, so it is started after this.
func listenForSignals(c chan<- os.Signal) {
	wanted := []os.Signal{syscall.SIGTERM, syscall.SIGQUIT}
	for _, sig := range []os.Signal{syscall.SIGHUP, syscall.SIGINT} {
		if !signal.Ignored(sig) { // nohup
			wanted = append(wanted, sig)
		}
	}
	signal.Notify(c, wanted...)
}

// listenForOtherSignals takes the rest of what is meant for the service. Each
// costs the Go runtime 30 to 200 µs to take, one after the other, which no start
// has to wait for: until then they do nothing, and the service has hardly begun.
//
// Not among them: SIGURG, which the runtime sends itself 24 times a second under
// load; SIGCHLD, for package child waits in the kernel; SIGPIPE, which does
// nothing to who writes past package os, and is not passed on; the job control
// signals, by which a shell stops us.
func listenForOtherSignals(c chan<- os.Signal) {
	others := []os.Signal{syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGCONT, syscall.SIGALRM, syscall.SIGPWR, syscall.SIGIO,
		// By these the Go runtime would end us, with a page of its stacks, when somebody sends them.
		syscall.SIGABRT, syscall.SIGTRAP, syscall.SIGSYS, syscall.SIGSTKFLT, syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGILL}
	const realtime, last = 34, 64 // 32 and 33 belong to the C library
	for n := realtime; n <= last; n++ {
		others = append(others, syscall.Signal(n))
	}
	signal.Notify(c, others...)
}

// stops reports whether a signal means "stop".
func stops(sig os.Signal) bool {
	return sig == syscall.SIGTERM || sig == syscall.SIGINT || sig == syscall.SIGQUIT
}

// printsThreads reports whether the command is a JVM: SIGQUIT has it print its threads
// and go on, and the grace would end it.
func (s *supervisor) printsThreads() bool {
	exe, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", s.process.PID))
	return path.Base(exe) == "java"
}

// pass hands a signal on to the command. Those that mean "stop" start the
// grace; which others mean it, only the service knows (SIGWINCH for Apache).
func (s *supervisor) pass(sig syscall.Signal) {
	if stops(sig) && !(sig == syscall.SIGQUIT && s.printsThreads()) {
		s.stopHeard = true
		first := s.life.state == starting || s.life.state == serving
		s.life.stop(time.Now())
		if first {
			s.stopSig = sig
			s.shared.Lock()
			s.shared.phase, s.shared.stopping = "", true
			s.shared.Unlock()
			s.note(record.Event{Event: record.RunStopping, Reason: signalName(sig) + " received"})
			s.log.Info(fmt.Sprintf("stopping on %s, at most for %s", signalName(sig), s.StopGrace), "event", record.RunStopping)
			s.notify.upstream("STOPPING=1")
		}
	}
	if sig == syscall.SIGWINCH && s.streams.resize() {
		return // the terminal's own way of telling
	}
	s.passed, s.passedAt = sig, time.Now()
	s.signal(sig)
}

// wasStopped tells, once the command has ended, whether it was somebody's wish
// although none of the signals came that mean "stop": by another one, as in an image
// with STOPSIGNAL SIGWINCH (Apache) or SIGUSR1 (HAProxy), or by Ctrl-C on a terminal
// that we have handed on, whose signal does not go through us.
func (s *supervisor) wasStopped(e child.Exit, now time.Time) {
	sig, at := s.passed, s.passedAt
	well := e.Code() == 0
	if t := s.streams.typed.Load(); t != nil && t.at.After(at) {
		sig, at = t.sig, t.at
		well = well || e.Code() == 128+int(sig)
	}
	if s.life.stopAsked || sig == 0 || !well || now.Sub(at) > s.StopGrace {
		return
	}
	s.life.stopAsked, s.stopSig = true, sig
}

// signal sends sig to the command alone: some masters want to bring their
// workers down themselves.
func (s *supervisor) signal(sig syscall.Signal) {
	s.process.Signal(sig)
	if sig == syscall.SIGTERM {
		s.process.Signal(syscall.SIGCONT) // a stopped process does not hear it
	}
}

// signalTree sends sig to all that descends from us: the command's group does
// not hold those that made a session of their own.
func (s *supervisor) signalTree(sig syscall.Signal) {
	for _, pid := range s.tree() {
		syscall.Kill(pid, sig)
	}
}

// killAll ends the command and everything below it. New processes may appear
// while the tree is read, so it is read until it is empty, a few times.
func (s *supervisor) killAll() {
	if s.exit == nil {
		s.log.Warn(fmt.Sprintf("still there %s after SIGTERM: SIGKILL. %s", s.StopGrace, s.waits.sentence(time.Now())), "event", "run.killing")
		s.process.SignalGroup(syscall.SIGKILL)
	}
	for range 5 {
		tree := s.tree()
		if len(tree) == 0 {
			return
		}
		for _, pid := range tree {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(time.Millisecond)
	}
}

// tree lists the living descendants.
func (s *supervisor) tree() []int {
	var alive []int
	for _, pid := range proc.Descendants(os.Getpid()) {
		if proc.Alive(pid) {
			alive = append(alive, pid)
		}
	}
	return alive
}

// alone reports whether nothing is left of the service.
func (s *supervisor) alone() bool { return child.None() || len(s.tree()) == 0 }

func signalName(sig syscall.Signal) string {
	names := map[syscall.Signal]string{syscall.SIGHUP: "SIGHUP", syscall.SIGINT: "SIGINT", syscall.SIGQUIT: "SIGQUIT",
		syscall.SIGILL: "SIGILL", syscall.SIGTRAP: "SIGTRAP", syscall.SIGABRT: "SIGABRT", syscall.SIGBUS: "SIGBUS",
		syscall.SIGFPE: "SIGFPE", syscall.SIGKILL: "SIGKILL", syscall.SIGUSR1: "SIGUSR1", syscall.SIGSEGV: "SIGSEGV",
		syscall.SIGUSR2: "SIGUSR2", syscall.SIGPIPE: "SIGPIPE", syscall.SIGALRM: "SIGALRM", syscall.SIGTERM: "SIGTERM",
		syscall.SIGWINCH: "SIGWINCH", syscall.SIGPWR: "SIGPWR", syscall.SIGXCPU: "SIGXCPU", syscall.SIGXFSZ: "SIGXFSZ", syscall.SIGSYS: "SIGSYS"}
	if name, ok := names[sig]; ok {
		return name
	}
	return fmt.Sprintf("signal %d", int(sig))
}
