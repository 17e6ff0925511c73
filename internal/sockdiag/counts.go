package sockdiag

import (
	"bytes"
	"syscall"
	"unsafe"
)

// counts are how many TCP sockets the network namespace has.
type counts struct {
	opened bool
	files  [2]int // of IPv4 and of IPv6, -1 where there is none
	last   [2][]byte
	buf    [1024]byte
}

// Changed reports whether there may be another listener than at the last call, for
// a fifth of what a dump of all listeners costs (BenchmarkLook): a socket that
// begins to listen adds to the count. It is not told of when another has gone
// meanwhile that the peer closed first. known is false where the kernel does not
// count, and changed is true the first time.
func (t *Table) Changed() (changed, known bool) {
	c := &t.counts
	if !c.opened {
		c.opened, changed = true, true
		for i, path := range [...]string{"/proc/self/net/sockstat", "/proc/self/net/sockstat6"} {
			fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
			if err != nil {
				fd = -1
			}
			c.files[i] = fd
		}
	}
	for i, fd := range c.files {
		if fd < 0 {
			continue // the kernel may do without IPv6
		}
		// Raw: it does not block, and the scheduler's monitor need not be woken for it.
		n, _, errno := syscall.RawSyscall6(syscall.SYS_PREAD64, uintptr(fd), uintptr(unsafe.Pointer(&c.buf)), uintptr(len(c.buf)), 0, 0, 0)
		if errno != 0 {
			return true, false
		}
		now, ok := tcpCounts(c.buf[:n])
		if !ok {
			return true, false
		}
		if !bytes.Equal(now, c.last[i]) {
			changed = true
			c.last[i] = append(c.last[i][:0], now...)
		}
	}
	return changed, c.files[0] >= 0
}

func (c *counts) close() {
	if !c.opened {
		return
	}
	for _, fd := range c.files {
		if fd >= 0 {
			syscall.Close(fd)
		}
	}
	*c = counts{}
}

// tcpCounts finds the counts in a line of proc_pid_net(5), sockstat, without what
// comes and goes with every packet:
//
//	TCP: inuse 5 orphan 0 tw 2 alloc 8 mem 1
//	TCP6: inuse 3
func tcpCounts(file []byte) (counts []byte, ok bool) {
	for _, name := range [...]string{"TCP: inuse ", "TCP6: inuse "} {
		if _, line, found := bytes.Cut(file, []byte(name)); found {
			line, _, _ = bytes.Cut(line, []byte("\n"))
			line, _, _ = bytes.Cut(line, []byte(" alloc"))
			return line, len(line) > 0
		}
	}
	return nil, false
}
