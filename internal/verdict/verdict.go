// Package verdict is how a health check asks the supervisor, which knows
// already, instead of asking the service once more.
//
// The supervisor answers on a socket in the abstract namespace, named after
// its PID namespace, so that a health check in the same container finds it
// without a file, a flag or a writable directory, and never another
// container's:
//
//	server, err := verdict.Listen(func() verdict.Verdict { ... })
//
//	found := verdict.Ask(200 * time.Millisecond)
//
// The answer is fresh by its nature: a supervisor that is gone or stuck does
// not answer.
package verdict

import (
	"encoding/json"
	"errors"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aweigh/aweigh/internal/procfs"
)

// Verdict is what a supervisor answers.
type Verdict struct {
	Service string `json:"service"`
	Record  string `json:"record"` // its record directory, "" for none
	Target  string `json:"target"` // what it probes, "" while that is not known
	Healthy bool   `json:"healthy"`
	// Reason says why it is not healthy, for a person.
	Reason string `json:"reason,omitempty"`
	// AgeMS is how long ago the service was asked last, in milliseconds.
	AgeMS int64 `json:"age_ms"`
	// FreshMS is how old an answer may be to count: older ones mean that the
	// probing hangs.
	FreshMS int64 `json:"fresh_ms"`

	// PID is the supervisor's, in this PID namespace.
	PID int `json:"-"`
}

// Fresh reports whether the verdict may stand for the service's own answer.
func (v Verdict) Fresh() bool { return v.AgeMS <= v.FreshMS }

// prefix names the sockets of this PID namespace; it is empty where the kernel
// does not tell the namespace.
func prefix() string {
	namespace, err := os.Readlink("/proc/self/ns/pid") // "pid:[4026531836]"
	if err != nil {
		return ""
	}
	return "@aweigh/verdict/" + strings.Trim(namespace, "pid:[]") + "/"
}

// Server answers until it is closed. It uses no goroutine per question and no
// package net: a question is a connection, the answer one line. It waits in the
// poller, where accept would hold a thread.
type Server struct {
	socket *os.File
	done   chan struct{}
}

// Listen answers each question with what current returns.
func Listen(current func() Verdict) (*Server, error) {
	p := prefix()
	if p == "" { // the PID alone would be the name of a file
		return nil, errors.New("the kernel does not tell the PID namespace (is /proc mounted?)")
	}
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	name := p + strconv.Itoa(os.Getpid())
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: name}); err != nil {
		syscall.Close(fd)
		return nil, os.NewSyscallError("bind", err)
	}
	if err := syscall.Listen(fd, 16); err != nil {
		syscall.Close(fd)
		return nil, os.NewSyscallError("listen", err)
	}
	s := &Server{socket: os.NewFile(uintptr(fd), "verdict"), done: make(chan struct{})}
	go s.serve(current)
	return s, nil
}

// Close ends the answering.
func (s *Server) Close() {
	s.socket.Close() // ends the waiting
	<-s.done
}

func (s *Server) serve(current func() Verdict) {
	defer close(s.done)
	raw, err := s.socket.SyscallConn()
	for err == nil {
		err = raw.Read(func(fd uintptr) (done bool) {
			c, _, err := syscall.Accept4(int(fd), syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK)
			switch err {
			case nil:
			case syscall.EAGAIN:
				return false
			case syscall.EINTR, syscall.ECONNABORTED:
				return true
			default: // there are no descriptors left, say
				time.Sleep(50 * time.Millisecond)
				return true
			}
			if _, ok := trusted(c); ok {
				syscall.Write(c, answer(current())) // fits the socket's buffer, or is dropped
			}
			syscall.Close(c)
			return true
		})
	}
}

// answer is what goes over the socket. Package early reads its beginning: ok,
// service and record, in this order.
func answer(v Verdict) []byte {
	b, _ := json.Marshal(struct {
		OK bool `json:"ok"`
		Verdict
	}{v.Healthy && v.Fresh(), v})
	return b
}

// trusted returns the PID of the other end if it belongs to the same user or to
// root. Anybody may bind a name in the abstract namespace, and anybody may
// connect.
func trusted(fd int) (pid int, ok bool) {
	peer, err := syscall.GetsockoptUcred(fd, syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	if err != nil || peer.Uid != 0 && int(peer.Uid) != os.Geteuid() && os.Geteuid() != 0 {
		return 0, false
	}
	return int(peer.Pid), true
}

// Ask asks every supervisor of this PID namespace. Those that do not answer
// within timeout, or that belong to another user, are left out.
func Ask(timeout time.Duration) []Verdict {
	var found []Verdict
	for _, name := range names() {
		if v, ok := ask(name, timeout); ok {
			found = append(found, v)
		}
	}
	return found
}

// names finds the supervisors' sockets in /proc/net/unix; where that cannot be
// read, the one of PID 1, the usual place of a supervisor.
func names() []string {
	p := prefix()
	if p == "" {
		return nil
	}
	table, err := procfs.Read("/proc/self/net/unix", 16<<20)
	if err != nil {
		return []string{p + "1"}
	}
	var names []string
	for line := range strings.SplitSeq(string(table), "\n") {
		if at := strings.Index(line, p); at >= 0 {
			if name := line[at:]; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

func ask(name string, timeout time.Duration) (v Verdict, ok bool) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return v, false
	}
	defer syscall.Close(fd)
	limit := syscall.NsecToTimeval(int64(timeout))
	syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &limit)
	syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &limit) // bounds connect as well
	if syscall.Connect(fd, &syscall.SockaddrUnix{Name: name}) != nil {
		return v, false
	}
	// It must be whom its name names: who shares the network namespace alone, as
	// another container on the host's network, has no PID here.
	pid, ok := trusted(fd)
	if !ok || path.Base(name) != strconv.Itoa(pid) {
		return v, false
	}
	buf := make([]byte, 4096)
	n, err := syscall.Read(fd, buf)
	if err != nil || n <= 0 || json.Unmarshal(buf[:n], &v) != nil {
		return v, false
	}
	v.PID = pid
	return v, true
}
