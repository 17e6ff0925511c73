package proc

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/aweigh/aweigh/internal/sockdiag"
)

// threadWait says what one thread waits in.
func (s *subject) threadWait(t Thread) Wait {
	w := Wait{PID: s.p.PID, TID: t.TID, Call: t.Syscall.Name(), CPU: s.hot[t.TID], Over: s.over}
	if len(s.threads) > 1 {
		w.Thread = t.Name
	}
	switch {
	case t.State == 'Z' || t.State == 'X':
		w.Kind = Dead
		return w
	case t.State == 'T' || t.State == 't':
		w.Kind = Stopped
		return w
	case t.State == 'R', s.over > 0 && w.CPU >= s.over/2:
		w.Kind = Running
		return w
	case t.State == 'D' && !forks(w.Call):
		w.Kind, w.Call = Disk, cmp.Or(w.Call, t.WaitChannel)
		w.Object = "on " + cmp.Or(s.target(w.Call, t.Syscall), "an unknown file") + ", uninterruptibly (a disk or a network file system that does not answer)"
		return w
	case !t.Syscall.Known:
		w.Kind, w.Object = Unclear, t.WaitChannel
		return w
	}
	return s.blocked(w, t.Syscall)
}

func forks(call string) bool { return call == "vfork" || call == "clone" || call == "clone3" }

// blocked explains a thread by its system call and the arguments.
func (s *subject) blocked(w Wait, c Syscall) Wait {
	fd := int(int32(c.Args[0]))
	switch w.Call {
	case "connect":
		return s.connect(w, fd, c)
	case "read", "readv", "pread64", "recvfrom", "recvmsg", "recvmmsg":
		return s.reading(w, fd)
	case "write", "writev", "pwrite64", "sendto", "sendmsg", "sendfile", "splice":
		if w.Call == "splice" {
			fd = int(int32(c.Args[2]))
		}
		return s.writing(w, fd)
	case "accept", "accept4":
		w.Kind, w.Object = Idle, "a listener that is not TCP"
		if socket, ok := s.socket(fd); ok {
			w.Object = listensOn + socket.Local.String()
		}
	case "poll", "ppoll":
		if c.Args[1] == 0 {
			return s.sleep(w, 0)
		}
		return s.polling(w, polled(w.PID, c.Args[0], c.Args[1]))
	case "select", "pselect6":
		if c.Args[0] == 0 {
			return s.sleep(w, 0)
		}
		return s.polling(w, selected(w.PID, c.Args[0], c.Args[1], c.Args[2], c.Args[3]))
	case "epoll_wait", "epoll_pwait", "epoll_pwait2":
		return s.polling(w, s.watched(fd))
	case "open":
		return s.opening(w, atWorkingDir, c.Args[0])
	case "openat", "openat2":
		return s.opening(w, fd, c.Args[1])
	case "flock":
		return s.locking(w, fd)
	case "fcntl":
		const setLockWait, setOpenFileLockWait = 7, 38 // F_SETLKW, F_OFD_SETLKW
		if c.Args[1] == setLockWait || c.Args[1] == setOpenFileLockWait {
			return s.locking(w, fd)
		}
	case "futex", "futex_waitv":
		w.Kind = Mutex
	case "wait4":
		return s.child(w, fd)
	case "waitid":
		const onePID = 1 // P_PID
		if c.Args[0] == onePID {
			return s.child(w, int(int32(c.Args[1])))
		}
		return s.child(w, -1)
	case "vfork", "clone", "clone3":
		w.Kind, w.Object = Child, "a new child process to exec"
	case "nanosleep":
		return s.sleep(w, c.Args[0])
	case "clock_nanosleep":
		const absolute = 1 // TIMER_ABSTIME
		if c.Args[1] == absolute {
			return s.sleep(w, 0)
		}
		return s.sleep(w, c.Args[2])
	case "restart_syscall":
		return s.sleep(w, 0)
	case "rt_sigsuspend", "rt_sigtimedwait", "pause":
		w.Kind, w.Object = Idle, "waits for a signal"
	case "io_getevents", "io_pgetevents", "io_uring_enter":
		w.Kind, w.Object = Idle, "waits for asynchronous input or output"
	case "fsync", "fdatasync":
		w.Kind, w.Object = Disk, "on "+s.describe(fd)
	case "":
		w.Kind, w.Call = Unclear, "system call "+strconv.Itoa(c.Number)
		if c.Number < 0 {
			w.Call, w.Object = "", "blocked outside of system calls"
		}
	}
	return w
}

func (s *subject) sleep(w Wait, request uint64) Wait {
	w.Kind = Sleeping
	if d, ok := memoryTime(w.PID, request); ok && request != 0 {
		w.Object = d.String()
	}
	return w
}

func (s *subject) child(w Wait, pid int) Wait {
	w.Kind = Child
	if pid > 0 {
		p, ok := s.tree[pid]
		if !ok {
			p, _ = Read(pid)
		}
		w.Object = fmt.Sprintf("child process %d (%s)", pid, p.Name)
		return w
	}
	var children []string
	for _, p := range s.tree {
		if p.PPID == s.p.PID && p.State != 'Z' {
			children = append(children, fmt.Sprintf("%d (%s)", p.PID, p.Name))
		}
	}
	switch len(children) {
	case 0:
		w.Object = "a child process"
	case 1:
		w.Object = "child process " + children[0]
	default:
		w.Object = fmt.Sprintf("any of its %d child processes", len(children))
	}
	return w
}

// socket returns the TCP socket behind a descriptor.
func (s *subject) socket(fd int) (sockdiag.Socket, bool) {
	f, ok := s.files[fd]
	if !ok || f.Kind != KindSocket {
		return sockdiag.Socket{}, false
	}
	socket, ok := s.table.byInode[f.Inode]
	return socket, ok
}

// describe names a descriptor for a person.
func (s *subject) describe(fd int) string {
	if socket, ok := s.socket(fd); ok {
		if socket.State == sockdiag.Listen {
			return "the listener on " + socket.Local.String()
		}
		return socket.Remote.String()
	}
	standard := map[int]string{0: "standard input", 1: "standard output", 2: "standard error"}[fd]
	f, ok := s.files[fd]
	switch {
	case !ok:
		return cmp.Or(standard, fmt.Sprintf("descriptor %d", fd))
	case f.Kind == KindPipe:
		return cmp.Or(standard, "a pipe") + fmt.Sprintf(" (fd %d)", fd)
	case f.Kind == KindSocket:
		return fmt.Sprintf("a socket that is not TCP (fd %d)", fd)
	case f.Kind == KindAnon:
		return strings.TrimPrefix(f.Target, "anon_inode:")
	}
	return f.Target
}

// target names what a call in uninterruptible sleep works on.
func (s *subject) target(call string, c Syscall) string {
	switch call {
	case "open", "creat", "stat", "lstat", "statfs":
		return memoryString(s.p.PID, c.Args[0])
	case "openat", "openat2", "newfstatat":
		return memoryString(s.p.PID, c.Args[1])
	case "read", "readv", "pread64", "write", "writev", "pwrite64", "fsync", "fdatasync", "flock", "close", "ioctl":
		return s.describe(int(int32(c.Args[0])))
	}
	return ""
}
