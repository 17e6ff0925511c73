package proc

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/sockdiag"
)

// subject is one process while it is looked at.
type subject struct {
	p       Process
	threads []Thread
	table   *socketTable
	tree    map[int]Process
	hot     map[int]time.Duration // CPU of each thread since the last look
	over    time.Duration         // since the last look

	files  map[int]File
	denied bool // its descriptors may not be read
}

// socketTable is the kernel's table, by inode.
type socketTable struct {
	all       []sockdiag.Socket
	byInode   map[uint64]sockdiag.Socket
	listening map[uint16]bool
	udp       map[uint64]netip.AddrPort // peers; nil until somebody asks
}

func newSocketTable(sockets []sockdiag.Socket) *socketTable {
	t := &socketTable{all: sockets, byInode: make(map[uint64]sockdiag.Socket, len(sockets)), listening: map[uint16]bool{}}
	for _, s := range sockets {
		if s.Inode != 0 {
			t.byInode[s.Inode] = s
		}
		if s.State == sockdiag.Listen {
			t.listening[s.Local.Port()] = true
		}
	}
	return t
}

// outgoing reports whether the process connected this socket itself: what it
// accepted has the port of a listener.
func (t *socketTable) outgoing(s sockdiag.Socket) bool {
	return s.State != sockdiag.Listen && s.Remote.Port() != 0 && !t.listening[s.Local.Port()]
}

// readFiles fills in what the process has open.
func (s *subject) readFiles() {
	files, err := Files(s.p.PID, 0)
	s.denied = err != nil
	s.files = make(map[int]File, len(files))
	for _, f := range files {
		s.files[f.FD] = f
	}
}

// wait chooses the thread that tells most. The main thread is preferred where
// it explains the start by itself; then any other that does; where none does,
// what the process is connected to; and then the main thread again, since the
// others are mostly the runtime's own.
func (s *subject) wait() Wait {
	nothing := Wait{Kind: Dead, PID: s.p.PID, TID: s.p.PID}
	if len(s.threads) == 0 || len(s.threads) == 1 && (s.p.State == 'Z' || s.p.State == 'X') {
		return nothing
	}
	var first, best, loop Wait
	for i, t := range s.threads {
		w := s.threadWait(t)
		if i == 0 {
			first, best, loop = w, w, w
		}
		if best.telling() < 50 && w.telling() > best.telling() {
			best = w
		}
		if w.Kind == Idle && loop.Kind != Idle {
			loop = w
		}
	}
	if best.telling() >= 50 {
		return best
	}
	switch better := s.bySockets(loop); {
	case first.Kind == Sleeping || first.Kind == Pipe || first.Kind == Child:
		if better.Kind == Connecting && len(s.threads) > 1 {
			return better
		}
	case better.telling() >= 50, better.Kind == Idle && serves(better):
		return better
	}
	if first.Kind == Dead { // it has ended, and left the work to the others
		return best
	}
	return first
}

// serves reports that a loop waits for others to come, or is connected to some.
func serves(w Wait) bool {
	return strings.HasPrefix(w.Object, listensOn) || strings.HasPrefix(w.Object, connectedTo)
}

// bySockets explains an idle event loop, or threads that wait for one another,
// by the connections that the process has: runtimes with their own scheduler
// (Go, Node, Java, asyncio) never block in connect(2) or recv(2) themselves.
func (s *subject) bySockets(w Wait) Wait {
	if s.denied {
		return s.guess(w)
	}
	var fds []int
	for fd, f := range s.files {
		if f.Kind == KindSocket {
			fds = append(fds, fd)
		}
	}
	slices.Sort(fds)
	if better := s.polling(w, fds); better.telling() > w.telling() {
		return better
	}
	return w
}

// guess looks for the only connection attempt of the process's user: in a
// container where the service runs as a user of its own, root without
// CAP_SYS_PTRACE sees the sockets but not whose they are.
func (s *subject) guess(w Wait) Wait {
	var found []sockdiag.Socket
	for _, socket := range s.table.all {
		if socket.State == sockdiag.SynSent && int(socket.UID) == s.p.UID {
			found = append(found, socket)
		}
	}
	if len(found) != 1 || w.Kind != Unclear {
		return w
	}
	w.Kind, w.Peer, w.TCPState, w.Guessed = Connecting, found[0].Remote, found[0].State.String(), true
	w.socket = found[0].Inode
	return w
}
