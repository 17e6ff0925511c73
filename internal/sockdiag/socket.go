// Package sockdiag reads the kernel's table of TCP sockets of this network
// namespace.
//
// It asks through NETLINK_SOCK_DIAG, some 22 µs a look, and falls back on
// /proc/net/tcp, some 4 ms a look, where netlink is not to be had:
//
//	table, err := sockdiag.Open()
//	listeners, err := table.Listeners(nil)
//
// A Table is for one goroutine at a time.
package sockdiag

import (
	"net/netip"
)

// State is a TCP state, as include/net/tcp_states.h numbers them.
type State uint8

const (
	Established State = 1 + iota
	SynSent
	SynRecv
	FinWait1
	FinWait2
	TimeWait
	Closed
	CloseWait
	LastAck
	Listen
	Closing
	NewSynRecv
)

var stateNames = [...]string{"unknown", "established", "syn-sent", "syn-recv", "fin-wait-1", "fin-wait-2",
	"time-wait", "closed", "close-wait", "last-ack", "listen", "closing", "syn-recv"}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return stateNames[0]
}

// Socket is one row of the table. Addresses are unmapped: ::ffff:127.0.0.1 is
// 127.0.0.1.
type Socket struct {
	Local, Remote netip.AddrPort
	State         State
	Inode         uint64 // 0: not held by any process, such as a connection waiting to be accepted
	UID           uint32
	RecvQ, SendQ  uint32 // of a listener: connections waiting to be accepted, and how many may
}

// Table is an open way to the kernel's socket table.
type Table struct {
	fd  int // netlink; -1 where only /proc is to be had
	buf []byte
	seq uint32

	request [headerLen + 8 + sockIDLen]byte // of one socket

	counts counts
}

// Open returns a table; where netlink is refused (some sandboxes, gVisor) it
// reads /proc/net/tcp instead, and Slow tells so after the first look.
func Open() *Table {
	return &Table{fd: openNetlink(), buf: make([]byte, 32<<10)}
}

// Slow reports whether each look costs milliseconds instead of microseconds.
func (t *Table) Slow() bool { return t.fd < 0 }

// Listeners appends the listening sockets to buf.
func (t *Table) Listeners(buf []Socket) ([]Socket, error) {
	return t.read(buf, 1<<Listen)
}

// All returns every TCP socket.
func (t *Table) All() ([]Socket, error) {
	return t.read(nil, ^uint32(0))
}

func (t *Table) read(buf []Socket, states uint32) ([]Socket, error) {
	if t.fd >= 0 {
		sockets, err := t.dump(buf, states)
		if err == nil {
			return sockets, nil
		}
		t.Close() // there is the socket, but nobody who answers it
	}
	return readProc(buf, states)
}

// Close gives the netlink socket back; the table goes on by /proc.
func (t *Table) Close() {
	if t.fd >= 0 {
		closeNetlink(t.fd)
		t.fd = -1
	}
	t.counts.close()
}
