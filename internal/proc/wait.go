package proc

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Kind sorts waits by what they mean for a start.
type Kind string

const (
	Connecting Kind = "connect" // a TCP connection that is not answered
	Opening    Kind = "open"    // a named pipe that nobody opens at the other end
	Locking    Kind = "lock"    // a file lock that another process holds
	Stopped    Kind = "stopped" // by SIGSTOP, or a debugger
	Answer     Kind = "answer"  // a peer that says nothing
	Sending    Kind = "send"    // a peer, or a pipe, that takes nothing
	Disk       Kind = "disk"    // uninterruptible: a disk, or a network file system
	Running    Kind = "run"     // no wait at all: it computes, or spins
	Stdin      Kind = "stdin"
	Pipe       Kind = "pipe"
	Sleeping   Kind = "sleep"
	Idle       Kind = "idle"  // an event loop, a listener, a signal handler: waits for work
	Mutex      Kind = "futex" // a lock or a condition within the program
	Child      Kind = "child"
	Dead       Kind = "dead" // exited, not yet reaped
	Unclear    Kind = ""     // it may not be looked into, or it is none of these
)

// Wait is what a process waits in, by the thread that tells most.
type Wait struct {
	Kind     Kind
	PID, TID int
	Thread   string         // the thread's name, when the process has several
	Call     string         // the system call; empty when it may not be known
	Object   string         // what the call works on: "/data/db.lock", "child process 42 (sh)"
	Peer     netip.AddrPort // of a TCP or UDP socket
	TCPState string
	Guessed  bool          // the peer was found by its socket's user, the process may not be looked into
	Attempts int           // connections to Peer seen in syn-sent, when more than one
	CPU      time.Duration // used since the last look,
	Over     time.Duration // which is so long ago; 0 at the first look
	Since    time.Time     // it has been in this wait at least since then
	Unbroken bool          // the thread has not run since Since; else it was in this wait at each look

	socket uint64
}

// telling orders waits by how well they explain a start that hangs. From 50 on
// a wait explains it by itself.
func (w Wait) telling() int {
	switch w.Kind {
	case Connecting:
		return 90
	case Stopped:
		return 88
	case Opening, Locking:
		return 85
	case Answer:
		return 80
	case Sending:
		return 78
	case Disk:
		return 75
	case Running:
		if w.Over > 0 && w.CPU < w.Over/2 { // met on the CPU, but seldom there
			return 35
		}
		return 70
	case Stdin:
		return 60
	case Pipe:
		return 45
	case Sleeping:
		return 40
	case Idle:
		return 30
	case Unclear:
		return 25
	case Mutex:
		return 20
	case Child:
		return 10
	}
	return 0
}

// String says the wait for a person, such as "connect() to 10.0.0.5:5432".
func (w Wait) String() string {
	call := w.Call + "()"
	switch w.Kind {
	case Connecting:
		return w.connecting(call)
	case Answer:
		return w.answer(call)
	case Opening:
		return fmt.Sprintf("open of the named pipe %s (%s)", Clean(w.Object), w.Call)
	case Stopped:
		return "stopped by a signal (SIGSTOP), or held by a debugger"
	case Running:
		if w.Over == 0 {
			return "running on the CPU"
		}
		return fmt.Sprintf("running on the CPU (%.1f s of the last %.1f s)", w.CPU.Seconds(), w.Over.Seconds())
	case Stdin:
		return "reading standard input"
	case Sleeping:
		return w.sleeping()
	case Child:
		return "waiting for " + Clean(w.Object)
	case Dead:
		return "dead, not yet reaped by its parent"
	case Mutex:
		return w.Call + "() (a lock or a condition within the program)"
	case Unclear:
		if w.Call == "" {
			return "not known: the process may not be looked into"
		}
	}
	switch {
	case w.Call == "":
		return Clean(w.Object)
	case w.Object != "" && w.Kind == Idle:
		return call + " (" + Clean(w.Object) + ")"
	case w.Object != "":
		return call + " " + Clean(w.Object)
	}
	return call
}

func (w Wait) connecting(call string) string {
	to := w.Object
	if w.Peer.IsValid() {
		to = w.Peer.String()
	}
	text := "connect() to " + Clean(to)
	switch {
	case w.Guessed:
		text += " (the only connection attempt of this user; the process itself may not be looked into)"
	case w.Attempts > 1:
		text = fmt.Sprintf("retries of %s (%d attempts seen)", text, w.Attempts)
	case w.Call != "connect" && w.Call != "":
		text += " (" + w.TCPState + ", waited for in " + call + ")"
	}
	return text
}

func (w Wait) answer(call string) string {
	from := Clean(w.Object)
	if w.Peer.IsValid() {
		from = w.Peer.String()
		if w.Peer.Port() == 53 {
			from += " (a name server)"
		}
	}
	state := w.TCPState
	if strings.HasPrefix(w.Call, "re") { // read, recv…
		if state != "" {
			state = " (" + state + ")"
		}
		return call + " from " + from + state
	}
	if state != "" {
		state += ", "
	}
	if w.Call == "" {
		return "waiting for an answer from " + from + " (" + strings.TrimSuffix(state, ", ") + ")"
	}
	return "waiting for an answer from " + from + " (" + state + "in " + call + ")"
}

func (w Wait) sleeping() string {
	text := "sleep"
	if w.Object != "" {
		text += " of " + w.Object
	}
	if w.Attempts > 1 {
		text += fmt.Sprintf(" between attempts to connect to %s (%d seen)", w.Peer, w.Attempts)
	}
	return text
}

// For is how long the wait has lasted at least.
func (w Wait) For(now time.Time) time.Duration {
	if w.Since.IsZero() {
		return 0
	}
	return max(0, now.Sub(w.Since))
}

// Sentence is String with how long it has lasted, once that is a second:
// "58 s in connect() to 10.0.0.5:5432".
func (w Wait) Sentence(now time.Time) string {
	text, long := w.String(), w.For(now).Round(time.Second)
	if long < time.Second || w.Kind == Dead {
		return text
	}
	span := fmt.Sprintf("%d s", long/time.Second)
	if long >= 2*time.Minute {
		span = strings.TrimSuffix(long.String(), "0s")
	}
	first, _, _ := strings.Cut(text, " ")
	if !strings.HasSuffix(first, "ing") && w.Kind != Stopped {
		text = "in " + text
	}
	if !w.Unbroken && w.Kind != Running && w.Attempts < 2 {
		return fmt.Sprintf("%s (at each look for %s)", text, span)
	}
	return span + " " + text
}
