package proc

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/aweigh/aweigh/internal/procfs"
	"github.com/aweigh/aweigh/internal/sockdiag"
)

// What an idle loop waits for.
const (
	idleLoop    = "an idle event loop"
	listensOn   = "listens on "
	connectedTo = "connected to "
)

func (s *subject) connect(w Wait, fd int, c Syscall) Wait {
	w.Kind = Connecting
	if socket, ok := s.socket(fd); ok && socket.Remote.Port() != 0 {
		w.Peer, w.TCPState, w.socket = socket.Remote, socket.State.String(), socket.Inode
		return w
	}
	w.Peer, w.Object = sockaddr(w.PID, c.Args[1], c.Args[2])
	if !w.Peer.IsValid() && w.Object == "" {
		w.Object = s.describe(fd)
	} else if w.Object != "" {
		w.Object = "the Unix socket " + w.Object + ", whose owner does not accept"
	}
	return w
}

func (s *subject) reading(w Wait, fd int) Wait {
	if socket, ok := s.socket(fd); ok {
		w.Kind, w.Peer, w.TCPState, w.socket = Answer, socket.Remote, socket.State.String(), socket.Inode
		return w
	}
	f := s.files[fd]
	switch {
	case fd == 0 && f.Kind != KindSocket:
		w.Kind = Stdin
	case f.Kind == KindPipe:
		w.Kind, w.Object = Pipe, "from "+s.describe(fd)
	case f.Kind == KindAnon:
		w.Kind, w.Object = Idle, s.describe(fd)
	case f.Kind == KindSocket:
		w.Kind, w.Object = Answer, s.describe(fd)
		w.Peer = s.table.udpPeer(f.Inode)
	default:
		w.Object = "from " + s.describe(fd)
	}
	return w
}

func (s *subject) writing(w Wait, fd int) Wait {
	w.Kind, w.Object = Sending, "to "+s.describe(fd)
	if socket, ok := s.socket(fd); ok {
		w.Peer, w.TCPState, w.socket = socket.Remote, socket.State.String(), socket.Inode
		w.Object += fmt.Sprintf(" (%s, %d bytes it has not taken)", socket.State, socket.SendQ)
	} else if s.files[fd].Kind == KindPipe {
		w.Object += ", a full pipe that its reader does not empty"
	}
	return w
}

// polling explains a wait for any of several descriptors. A connection that is
// being made says most; then the one peer that has not answered; a loop that
// has a listener waits for work, whatever else it is connected to.
func (s *subject) polling(w Wait, fds []int) Wait {
	w.Kind = Idle
	var listener string
	var peers []netip.AddrPort
	var last sockdiag.Socket
	stdin, pipes := false, 0
	for _, fd := range fds {
		socket, ok := s.socket(fd)
		switch f := s.files[fd]; {
		case ok && socket.State == sockdiag.SynSent:
			w.Kind, w.Peer, w.TCPState, w.socket = Connecting, socket.Remote, socket.State.String(), socket.Inode
			return w
		case ok && socket.State == sockdiag.Listen:
			listener = socket.Local.String()
		case ok && s.table.outgoing(socket) && socket.RecvQ == 0:
			last, peers = socket, append(peers, socket.Remote)
		case !ok && f.Kind == KindSocket:
			if peer := s.table.udpPeer(f.Inode); peer.IsValid() {
				last, peers = sockdiag.Socket{Remote: peer, Inode: f.Inode}, append(peers, peer)
			}
		case f.Kind == KindPipe:
			pipes++
			stdin = stdin || fd == 0
		case fd == 0:
			stdin = true
		}
	}
	slices.SortFunc(peers, netip.AddrPort.Compare)
	peers = slices.Compact(peers)
	switch {
	case listener != "":
		w.Object = listensOn + listener
	case len(peers) == 1:
		w.Kind, w.Peer, w.socket = Answer, peers[0], last.Inode
		if last.State != 0 {
			w.TCPState = last.State.String()
		}
	case len(peers) > 1:
		w.Object = connectedTo + join(peers)
	case len(fds) == 1 && stdin:
		w.Kind = Stdin
	case len(fds) == 1 && pipes == 1:
		w.Kind, w.Object = Pipe, "on "+s.describe(fds[0])
	default:
		w.Object = idleLoop
	}
	return w
}

func join(peers []netip.AddrPort) string {
	const shown = 3
	var names []string
	for _, p := range peers[:min(len(peers), shown)] {
		names = append(names, p.String())
	}
	if more := len(peers) - shown; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

// watched returns the descriptors that an epoll instance watches.
func (s *subject) watched(epoll int) (fds []int) {
	raw, err := procfs.Read("/proc/"+strconv.Itoa(s.p.PID)+"/fdinfo/"+strconv.Itoa(epoll), 256<<10)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(raw)) {
		// tfd:        5 events:       19 data:         5  pos:0 ino:3a sdev:9
		if f := strings.Fields(line); len(f) > 1 && f[0] == "tfd:" {
			if fd, err := strconv.Atoi(f[1]); err == nil {
				fds = append(fds, fd)
			}
		}
	}
	return fds
}

// udpPeer returns whom a UDP socket is connected to: a resolver waits for its
// name server so. The kernel's UDP table is short; it is read once a look, and
// only when a socket that is not TCP is waited for.
func (t *socketTable) udpPeer(inode uint64) netip.AddrPort {
	if t.udp == nil {
		t.udp = map[uint64]netip.AddrPort{}
		for _, path := range []string{"/proc/self/net/udp", "/proc/self/net/udp6"} {
			raw, _ := procfs.Read(path, 1<<20)
			for line := range strings.Lines(string(raw)) {
				if f := strings.Fields(line); len(f) >= 10 {
					n, _ := strconv.ParseUint(f[9], 10, 64)
					if peer, ok := parseAddrPort(f[2]); ok && peer.Port() != 0 {
						t.udp[n] = peer
					}
				}
			}
		}
	}
	return t.udp[inode]
}

// parseAddrPort reads "0100007F:0035" of /proc/net: 32-bit words in the
// machine's byte order, then the port.
func parseAddrPort(s string) (netip.AddrPort, bool) {
	host, port, ok := strings.Cut(s, ":")
	p, err := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil || (len(host) != 8 && len(host) != 32) {
		return netip.AddrPort{}, false
	}
	raw := make([]byte, len(host)/2)
	for i := range raw {
		b, err := strconv.ParseUint(host[2*i:2*i+2], 16, 8)
		if err != nil {
			return netip.AddrPort{}, false
		}
		raw[i^3] = byte(b) // turns each word around
	}
	addr, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(addr.Unmap(), uint16(p)), true
}
