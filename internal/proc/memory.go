package proc

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"
)

// The arguments of a blocked system call are often pointers: the path that is
// being opened, the address that is being connected to. They are read through
// /proc/PID/mem, which stops nothing and asks for the same right as reading
// /proc/PID/syscall does.

// memory copies n bytes at address of pid's memory; fewer when they end.
func memory(pid int, address uint64, n int) []byte {
	if address == 0 || n <= 0 || address > 1<<62 {
		return nil
	}
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/mem")
	if err != nil {
		return nil
	}
	defer f.Close()
	b := make([]byte, n)
	// A page at a time: a read across the end of a mapping fails as a whole.
	read := 0
	for read < n {
		page := 4096 - int((address+uint64(read))%4096)
		m, err := f.ReadAt(b[read:min(n, read+page)], int64(address)+int64(read))
		read += m
		if err != nil || m == 0 {
			break
		}
	}
	return b[:read]
}

// memoryString reads a string that ends with a zero byte.
func memoryString(pid int, address uint64) string {
	b := memory(pid, address, 4096)
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return string(b[:i])
	}
	return ""
}

// memoryTime reads a struct timespec.
func memoryTime(pid int, address uint64) (time.Duration, bool) {
	b := memory(pid, address, 16)
	if len(b) < 16 {
		return 0, false
	}
	seconds, nanos := int64(binary.LittleEndian.Uint64(b)), int64(binary.LittleEndian.Uint64(b[8:]))
	if seconds < 0 || seconds > 1<<32 || nanos < 0 || nanos >= 1e9 {
		return 0, false
	}
	return time.Duration(seconds)*time.Second + time.Duration(nanos), true
}

// sockaddr reads the address given to connect(2): an IP address, or the path
// of a Unix socket.
func sockaddr(pid int, address uint64, size uint64) (peer netip.AddrPort, path string) {
	b := memory(pid, address, int(min(size, 128)))
	if len(b) < 3 {
		return peer, ""
	}
	switch binary.LittleEndian.Uint16(b) {
	case syscall.AF_INET:
		if len(b) >= 8 {
			peer = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), binary.BigEndian.Uint16(b[2:]))
		}
	case syscall.AF_INET6:
		if len(b) >= 24 {
			peer = netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:24])).Unmap(), binary.BigEndian.Uint16(b[2:]))
		}
	case syscall.AF_UNIX:
		name := b[2:]
		if name[0] == 0 { // an abstract name, of the given length
			return peer, "@" + string(name[1:])
		}
		if i := bytes.IndexByte(name, 0); i >= 0 {
			name = name[:i]
		}
		path = string(name)
	}
	return peer, path
}

// maxPolled bounds how many descriptors of a poll are looked at.
const maxPolled = 1024

// polled returns the descriptors in a struct pollfd array.
func polled(pid int, address, n uint64) (fds []int) {
	b := memory(pid, address, int(min(n, maxPolled))*8)
	for ; len(b) >= 8; b = b[8:] {
		if fd := int32(binary.LittleEndian.Uint32(b)); fd >= 0 {
			fds = append(fds, int(fd))
		}
	}
	return fds
}

// selected returns the descriptors in the three sets of select(2).
func selected(pid int, n uint64, sets ...uint64) (fds []int) {
	n = min(n, maxPolled)
	for _, set := range sets {
		for i, b := range memory(pid, set, int(n+63)/64*8) {
			for bit := range 8 {
				if fd := i*8 + bit; b&(1<<bit) != 0 && fd < int(n) {
					fds = append(fds, fd)
				}
			}
		}
	}
	return fds
}
