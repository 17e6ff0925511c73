package supervise

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/aweigh/aweigh/internal/proc"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/snapshot"
	"github.com/aweigh/aweigh/internal/sockdiag"
)

// takenFor is how long a port may stay taken before the start is refused: the
// predecessor may be just closing it.
const takenFor = 300 * time.Millisecond

// portTaken says who holds the port that the service needs, "" if nobody does.
// addr is where the service will be asked: loopback unless the probe names an
// address of this host. A listener on another address of this host does not
// collide with it, and does not count.
func portTaken(addr netip.Addr, port int, table *sockdiag.Table) string {
	ap := netip.AddrPortFrom(addr, uint16(port))
	for end := time.Now().Add(takenFor); ; time.Sleep(20 * time.Millisecond) {
		if !errors.Is(tryBind(ap), syscall.EADDRINUSE) || handedDown(ap, table) {
			return ""
		}
		if time.Now().After(end) {
			return holder(ap, table)
		}
	}
}

// tryBind binds and does not listen, so that no client can come by meanwhile.
// Like every server it sets SO_REUSEADDR, or the last connections of the
// predecessor (TIME_WAIT) would look like a taken port.
func tryBind(ap netip.AddrPort) error {
	family := syscall.AF_INET
	var sa syscall.Sockaddr = &syscall.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().Unmap().As4()}
	if ap.Addr().Is6() {
		family = syscall.AF_INET6
		sa = &syscall.SockaddrInet6{Port: int(ap.Port()), Addr: ap.Addr().As16()}
	}
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	return syscall.Bind(fd, sa)
}

// handedDown reports whether we got the listener ourselves, to hand it down to the
// service: socket activation, or a restarter that keeps its socket open.
func handedDown(ap netip.AddrPort, table *sockdiag.Table) bool {
	listeners, _ := table.Listeners(nil)
	mine, _ := proc.SocketInodes(os.Getpid())
	return slices.ContainsFunc(listeners, func(l sockdiag.Socket) bool {
		_, held := mine[l.Inode]
		return held && collides(l, ap)
	})
}

// collides reports whether a listener takes what the service needs.
func collides(l sockdiag.Socket, ap netip.AddrPort) bool {
	return l.Local.Port() == ap.Port() && (l.Local.Addr().IsUnspecified() || l.Local.Addr() == ap.Addr())
}

// holder names the process behind a taken port as far as it can be known.
func holder(ap netip.AddrPort, table *sockdiag.Table) string {
	listeners, _ := table.Listeners(nil)
	for _, l := range listeners {
		if !collides(l, ap) {
			continue
		}
		if p, ok := proc.Owner(l.Inode); ok {
			command := strings.Join(snapshot.MaskArgs(p.Args), " ")
			if command == "" {
				command = p.Name
			}
			return fmt.Sprintf("%s (pid %d)", shorten(record.Printable(command), 80), p.PID)
		}
		return fmt.Sprintf("a process of uid %d that cannot be seen from here (%s): another container's, or another user's", l.UID, l.Local)
	}
	return "a process that cannot be seen from here"
}

func shorten(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
