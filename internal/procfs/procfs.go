// Package procfs reads the files that the kernel makes up as they are read, of
// /proc and /sys. Package os would hand each of them to the runtime's poller:
// five more system calls a file, and for some of them (cgroup counters,
// /proc/sys) a second thread that is woken to hear that there is something to
// read. A supervisor reads dozens of them at each start.
//
//	raw, err := procfs.Read("/proc/self/cgroup", 64<<10)
//	pids, err := procfs.Numbers("/proc")
package procfs

import (
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"syscall"
)

// Read returns at most limit bytes of a file. Such files have no size, and some
// (environ, maps) no end worth waiting for. An error is a *[fs.PathError]; what
// was read before it is returned as well.
func Read(path string, limit int) ([]byte, error) {
	fd, err := open(path, 0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	buf := make([]byte, 0, min(limit, 4096))
	for len(buf) < limit {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, len(buf))
		}
		n, err := syscall.Read(fd, buf[len(buf):min(cap(buf), limit)])
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return buf, &fs.PathError{Op: "read", Path: path, Err: err}
		case n == 0:
			return buf, nil
		default:
			buf = buf[:len(buf)+n]
		}
	}
	return buf, nil
}

// Numbers returns the entries of a directory that are numbers, in order: the
// pids of /proc, the tids of a task directory, the descriptors of fd. What was
// read before an error is returned as well.
func Numbers(dir string) ([]int, error) {
	fd, err := open(dir, syscall.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	var found []int
	var names []string
	buf := make([]byte, 4096)
	for {
		n, err := syscall.ReadDirent(fd, buf)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return found, &fs.PathError{Op: "readdirent", Path: dir, Err: err}
		}
		if n <= 0 {
			slices.Sort(found)
			return found, nil
		}
		_, _, names = syscall.ParseDirent(buf[:n], -1, names[:0])
		for _, name := range names {
			if number, err := strconv.Atoi(name); err == nil {
				found = append(found, number)
			}
		}
	}
}

func open(path string, flags int) (int, error) {
	for {
		fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC|flags, 0)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return -1, &fs.PathError{Op: "open", Path: path, Err: err}
		}
		return fd, nil
	}
}
