package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/aweigh/aweigh/internal/procfs"
)

// Kinds of [File].
const (
	KindFile   = "file" // a file or a directory
	KindDevice = "device"
	KindSocket = "socket"
	KindPipe   = "pipe"
	KindAnon   = "anon" // eventpoll, eventfd, timerfd, memfd …
)

// File is an open descriptor. Its target is as the kernel names it; the file
// system is not asked, since it may be the one that hangs.
type File struct {
	FD     int
	Target string // "/data/db.lock", "socket:[4026]", "anon_inode:[eventpoll]"
	Kind   string
	Inode  uint64 // of a socket or a pipe
}

// Files returns the first max open descriptors of pid, in order; all of them
// when max is 0. An error that is [fs.ErrPermission] means that the process
// lives but may not be looked into.
func Files(pid, max int) ([]File, error) {
	dir := "/proc/" + strconv.Itoa(pid) + "/fd/"
	fds, err := procfs.Numbers(dir)
	if err != nil {
		return nil, err
	}
	if max > 0 && len(fds) > max {
		fds = fds[:max]
	}
	files := make([]File, 0, len(fds))
	var denied error
	for _, fd := range fds {
		target, err := os.Readlink(dir + strconv.Itoa(fd))
		if err != nil {
			// A root without CAP_SYS_PTRACE, as in Docker, may list the
			// descriptors of another user but not read them.
			if errors.Is(err, fs.ErrPermission) {
				denied = err
			}
			continue
		}
		kind, inode := classify(target)
		files = append(files, File{fd, target, kind, inode})
	}
	if len(files) == 0 && denied != nil {
		return nil, denied
	}
	return files, nil
}

func classify(target string) (kind string, inode uint64) {
	if number, ok := strings.CutPrefix(target, "socket:["); ok {
		inode, _ = strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 64)
		return KindSocket, inode
	}
	if number, ok := strings.CutPrefix(target, "pipe:["); ok {
		inode, _ = strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 64)
		return KindPipe, inode
	}
	switch {
	case strings.HasPrefix(target, "/dev/"):
		return KindDevice, 0
	case strings.HasPrefix(target, "/memfd:"), !strings.HasPrefix(target, "/"):
		return KindAnon, 0
	}
	return KindFile, 0
}

// SocketInodes returns the sockets that pid has open, by inode, with one of
// the descriptors that hold it. An error that is [fs.ErrPermission] means that
// it may not be told.
func SocketInodes(pid int) (map[uint64]int, error) {
	files, err := Files(pid, 0)
	if err != nil {
		return nil, err
	}
	sockets := map[uint64]int{}
	for _, f := range files {
		if f.Kind == KindSocket {
			sockets[f.Inode] = f.FD
		}
	}
	return sockets, nil
}

// HoldSockets reports whether one of the processes has a socket open, or may not
// be looked into: else nobody needs the kernel's table of them, which costs
// milliseconds on a machine with much memory.
func HoldSockets(tree []Process) bool {
	return slices.ContainsFunc(tree, func(p Process) bool {
		sockets, err := SocketInodes(p.PID)
		return len(sockets) > 0 || errors.Is(err, fs.ErrPermission)
	})
}

// Owner finds who has the socket open, of all processes whose descriptors may
// be read; of several, as after a fork, the one with the lowest pid. false:
// nobody visible has it (another user, or another container).
func Owner(inode uint64) (Process, bool) {
	if inode == 0 {
		return Process{}, false
	}
	want := fmt.Sprintf("socket:[%d]", inode)
	for _, pid := range numbers("/proc") {
		dir := "/proc/" + strconv.Itoa(pid) + "/fd/"
		for _, fd := range numbers(dir) {
			target, err := os.Readlink(dir + strconv.Itoa(fd))
			if errors.Is(err, fs.ErrPermission) {
				break
			}
			if target == want {
				if p, err := Read(pid); err == nil {
					return p, true
				}
				break
			}
		}
	}
	return Process{}, false
}
