package sockdiag

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"syscall"
	"unsafe"
)

// From include/uapi/linux/sock_diag.h and inet_diag.h.
const (
	netlinkSockDiag  = 4
	sockDiagByFamily = 20
	// tcpDiagGetSock is the older request. It is the only one that lists both
	// address families in one dump (inet_diag_dump_compat in the kernel's
	// net/ipv4/inet_diag.c), which halves what a look costs.
	tcpDiagGetSock = 18

	headerLen = 16
	sockIDLen = 48
	messLen   = 4 + sockIDLen + 5*4
)

func openNetlink() int {
	// The kernel answers within the send itself, so there is never anything to
	// wait for; where there is, nobody answers.
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, netlinkSockDiag)
	if err != nil {
		return -1
	}
	return fd
}

func closeNetlink(fd int) { syscall.Close(fd) }

func (t *Table) dump(out []Socket, states uint32) ([]Socket, error) {
	req := make([]byte, headerLen+4+sockIDLen+8)
	t.header(req, tcpDiagGetSock, syscall.NLM_F_REQUEST|syscall.NLM_F_DUMP)
	req[headerLen] = syscall.AF_INET
	binary.NativeEndian.PutUint32(req[headerLen+4+sockIDLen:], states)
	if err := t.send(req); err != nil {
		return out, err
	}
	for {
		n, err := t.receive()
		if err != nil {
			return out, err
		}
		done := false
		err = t.messages(t.buf[:n], func(kind uint16, body []byte) error {
			switch kind {
			case syscall.NLMSG_DONE:
				done = true
			case syscall.NLMSG_ERROR:
				return netlinkError(body)
			default:
				if s, ok := parseMessage(body); ok {
					out = append(out, s)
				}
			}
			return nil
		})
		if err != nil || done {
			return out, err
		}
	}
}

// Heard reports whether a connection to the port over loopback would find a
// listener, at some 3 µs: a dump walks the kernel's whole table, which grows
// with the machine's memory, whether or not anything is in it. Who listens on
// another address alone is not found, and known is false where the kernel does
// not say.
func (t *Table) Heard(port uint16) (heard, known bool) {
	for _, loopback := range loopbacks {
		s, found, err := t.find(netip.AddrPortFrom(loopback, port), netip.AddrPortFrom(loopback, 0))
		if err != nil {
			return false, false
		}
		if found && s.State == Listen {
			return true, true
		}
	}
	return false, true
}

var loopbacks = [...]netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}

// Accepted reports what became of a connection from client to server, both
// addresses of this host: whether a process of the server's side holds it. A
// connection that the kernel has set up but no process has accepted has no
// inode yet. known is false where the kernel does not say.
func (t *Table) Accepted(server, client netip.AddrPort) (accepted, known bool) {
	s, found, err := t.find(server, client)
	switch {
	case err != nil || !found:
		return false, false
	case s.State == Listen:
		// The connection is gone from the table: accepted and closed, or
		// reset. The caller's own end tells which.
		return false, false
	case s.State == SynRecv || s.State == NewSynRecv:
		// TCP_DEFER_ACCEPT, as Apache sets it: the kernel hands the
		// connection over with its first bytes, so there is nothing more
		// to see.
		return true, true
	case s.State != Established && s.State != CloseWait:
		// The server's side is closing, or has closed: somebody had accepted
		// it. What is closed before that is reset, and leaves the table.
		return true, true
	}
	return s.Inode != 0, true
}

// find asks for the socket that takes what comes from client to server.
func (t *Table) find(server, client netip.AddrPort) (s Socket, found bool, err error) {
	if t.fd < 0 {
		return s, false, syscall.EOPNOTSUPP
	}
	req := t.request[:headerLen+8+sockIDLen]
	clear(req)
	t.header(req, sockDiagByFamily, syscall.NLM_F_REQUEST)
	body := req[headerLen:]
	body[0], body[1] = syscall.AF_INET, syscall.IPPROTO_TCP
	if server.Addr().Is6() {
		body[0] = syscall.AF_INET6
	}
	binary.NativeEndian.PutUint32(body[4:], ^uint32(0))
	id := body[8:]
	binary.BigEndian.PutUint16(id, server.Port())
	binary.BigEndian.PutUint16(id[2:], client.Port())
	copy(id[4:20], server.Addr().AsSlice())
	copy(id[20:36], client.Addr().AsSlice())
	for i := 40; i < 48; i++ {
		id[i] = 0xff // INET_DIAG_NOCOOKIE
	}
	if err := t.send(req); err != nil {
		return s, false, err
	}
	n, err := t.receive()
	if err != nil {
		return s, false, err
	}
	err = t.messages(t.buf[:n], func(kind uint16, body []byte) error {
		if kind == syscall.NLMSG_ERROR && len(body) >= 4 && -int32(binary.NativeEndian.Uint32(body)) == int32(syscall.ENOENT) {
			return nil // which is no error, and would cost as much as the question to put into words
		}
		if kind == syscall.NLMSG_ERROR {
			return netlinkError(body)
		}
		s, found = parseMessage(body)
		return nil
	})
	return s, found, err
}

func (t *Table) header(req []byte, kind uint16, flags uint16) {
	t.seq++
	binary.NativeEndian.PutUint32(req, uint32(len(req)))
	binary.NativeEndian.PutUint16(req[4:], kind)
	binary.NativeEndian.PutUint16(req[6:], flags)
	binary.NativeEndian.PutUint32(req[8:], t.seq)
}

func (t *Table) send(req []byte) error {
	if _, err := t.call(syscall.SYS_WRITE, req); err != nil {
		return fmt.Errorf("asking for the kernel's socket table: %w", err)
	}
	return nil
}

func (t *Table) receive() (int, error) {
	n, err := t.call(syscall.SYS_READ, t.buf)
	if err != nil {
		return 0, fmt.Errorf("reading the kernel's socket table: %w", err)
	}
	return n, nil
}

// call is a system call that does not wait. The Go scheduler is not told of
// it: for each that it is told of it wakes a thread to watch over it, which
// costs more than the call itself, two hundred times a second.
func (t *Table) call(number uintptr, b []byte) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall(number, uintptr(t.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}

// messages calls f for each netlink message in b that answers the last request.
func (t *Table) messages(b []byte, f func(kind uint16, body []byte) error) error {
	for len(b) >= headerLen {
		size := int(binary.NativeEndian.Uint32(b))
		if size < headerLen || size > len(b) {
			return fmt.Errorf("the kernel's socket table: a message of %d bytes in %d", size, len(b))
		}
		if binary.NativeEndian.Uint32(b[8:]) == t.seq {
			if err := f(binary.NativeEndian.Uint16(b[4:]), b[headerLen:size]); err != nil {
				return err
			}
		}
		b = b[min((size+3)&^3, len(b)):]
	}
	return nil
}

func netlinkError(body []byte) error {
	if len(body) < 4 {
		return syscall.EIO
	}
	if errno := -int32(binary.NativeEndian.Uint32(body)); errno != 0 {
		return fmt.Errorf("the kernel's socket table: %w", syscall.Errno(errno))
	}
	return nil
}

// parseMessage reads a struct inet_diag_msg.
func parseMessage(b []byte) (Socket, bool) {
	if len(b) < messLen {
		return Socket{}, false
	}
	id, rest := b[4:], b[4+sockIDLen:]
	return Socket{
		Local:  netip.AddrPortFrom(address(b[0], id[4:20]), binary.BigEndian.Uint16(id)),
		Remote: netip.AddrPortFrom(address(b[0], id[20:36]), binary.BigEndian.Uint16(id[2:])),
		State:  State(b[1]),
		RecvQ:  binary.NativeEndian.Uint32(rest[4:]),
		SendQ:  binary.NativeEndian.Uint32(rest[8:]),
		UID:    binary.NativeEndian.Uint32(rest[12:]),
		Inode:  uint64(binary.NativeEndian.Uint32(rest[16:])),
	}, true
}

func address(family byte, b []byte) netip.Addr {
	if family == syscall.AF_INET {
		return netip.AddrFrom4([4]byte(b[:4]))
	}
	return netip.AddrFrom16([16]byte(b[:16])).Unmap()
}
