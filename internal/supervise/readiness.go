package supervise

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aweigh/aweigh/internal/probe"
	"github.com/aweigh/aweigh/internal/proc"
	"github.com/aweigh/aweigh/internal/sockdiag"
)

// watch looks for the moment from which the service serves: first for a
// listening socket that belongs to the command's process tree, at some 15 µs a
// look, and then by the probe. Nothing else counts as ready.
type watch struct {
	ask    *asker
	port   int  // 0: the first port that the tree listens on
	remote bool // the probe goes elsewhere, or is a command: there is no listener to wait for
	blind  bool // /proc is not mounted: nobody's processes can be seen
	table  *sockdiag.Table

	listening chan sockdiag.Socket // gets the service's listener, once
	proven    chan proof           // gets the proof, once

	beat   *pulse // when to look
	nudged atomic.Bool

	all      []sockdiag.Socket // as last looked at
	owners   map[uint64]*ownership
	found    bool      // the service listens where it is expected
	looked   time.Time // at all listeners
	nextLook time.Time // also without a sign that there are others

	mu        sync.Mutex
	own       []sockdiag.Socket // the tree's listeners, as last seen
	foreign   string            // who else listens on the port
	unsure    string            // who may be it, where no port was named
	attempts  int
	lastError string
}

// proof is the first success of the probe.
type proof struct {
	target probe.Target
	result probe.Result
	at     time.Time
}

// ownership remembers whether a socket belongs to the tree.
type ownership struct {
	ours   bool
	before bool          // it listened before the service was started
	unsure bool          // it may be ours, and nothing tells
	look   time.Time     // when to look again
	wait   time.Duration // and how long to wait then
}

// How often to look for a listener: the longer the wait has been, the less an
// additional millisecond matters. No start is told later than by a fiftieth of
// what it took, nor by more than 50 ms, and what it costs is bounded: each look
// that wakes an idle machine is some 100 µs of CPU.
func pace(waited time.Duration) time.Duration {
	return min(max(waited/50, 5*time.Millisecond), 50*time.Millisecond).Truncate(time.Millisecond)
}

// slowPace is for a look that costs milliseconds (/proc/net/tcp).
const slowPace = 250 * time.Millisecond

// wholePace is how long at most a new listener may stay unseen that gave no sign
// of itself: within one beat it has taken the place of another socket.
func wholePace(waited time.Duration) time.Duration {
	return min(max(waited/8, 100*time.Millisecond), 2*time.Second)
}

// elsewherePace is how often all listeners are looked at because something has
// changed, but not on the expected port as it is seen over loopback: one address
// alone may be listened on, or another port.
const elsewherePace = 250 * time.Millisecond

// run looks until the proof has come or ctx ends.
func (w *watch) run(ctx context.Context) {
	began := time.Now()
	told := false
	again := firstPause
	var nextAsk time.Time
	stop := context.AfterFunc(ctx, w.beat.stop)
	defer stop()
	defer w.table.Close()
	defer w.beat.stop()
	for ctx.Err() == nil {
		if w.nudged.Swap(false) {
			nextAsk = time.Time{}
		}
		own, at, pause := w.sight(time.Since(began))
		if len(at) > 0 && !told {
			told = true
			w.listening <- at[0]
		}
		if (len(at) > 0 || w.remote) && !time.Now().Before(nextAsk) {
			if len(at) == 0 {
				at = []sockdiag.Socket{{}}
			}
			if p, ok := w.try(ctx, at, own); ok {
				w.proven <- p
				return
			}
			nextAsk = time.Now().Add(again)
			again = min(again*8/5, lastPause)
		}
		if w.remote && len(w.all) == 0 {
			pause = max(pause, 20*time.Millisecond)
		}
		w.beat.every(pause)
		if !w.beat.wait() {
			return
		}
	}
}

// sight looks for the tree's listeners and those on the expected port, if there
// may be any that it has not seen, and says when to look again.
func (w *watch) sight(waited time.Duration) (own, expected []sockdiag.Socket, pause time.Duration) {
	now := time.Now()
	worth, known := w.worthALook(now)
	if worth {
		whole := wholePace(waited)
		if w.table.Slow() {
			whole = max(whole, slowPace)
		}
		w.looked, w.nextLook = now, now.Add(whole)
		w.all, _ = w.table.Listeners(w.all[:0])
		own, expected = w.look(w.all)
		w.found = len(expected) > 0
	}
	if w.table.Slow() && (!known || w.found) {
		return own, expected, slowPace
	}
	return own, expected, pace(waited)
}

// worthALook spares the look at all listeners while cheap questions to the
// kernel tell that there is nothing new. known is false where they have no
// answer.
func (w *watch) worthALook(now time.Time) (worth, known bool) {
	changed, known := w.table.Changed()
	switch {
	case w.found || !now.Before(w.nextLook):
		return true, known
	case known && !changed:
		return false, true
	case w.port != 0 && !w.remote:
		heard, told := w.table.Heard(uint16(w.port))
		if later := w.looked.Add(elsewherePace); known && later.Before(w.nextLook) {
			w.nextLook = later
		}
		return heard || !told, known || told
	}
	return true, known
}

// lookNow is for who knows that something has happened.
func (w *watch) lookNow() {
	w.nudged.Store(true)
	w.beat.now()
}

// Between two attempts at a service that listens but does not pass the probe.
const (
	firstPause = 10 * time.Millisecond
	lastPause  = 500 * time.Millisecond
)

// try asks once at each address where the service can be asked.
func (w *watch) try(ctx context.Context, at []sockdiag.Socket, own []sockdiag.Socket) (proof, bool) {
	for _, addr := range addresses(at) {
		target, result := w.ask.once(ctx, addr, w.table)
		w.mu.Lock()
		w.attempts++
		if !result.OK {
			w.lastError = result.Reason
		}
		w.mu.Unlock()
		if result.OK {
			return proof{target, result, time.Now()}, true
		}
		if result.Kind != probe.KindRefused {
			break // it was reached: another address would say the same
		}
	}
	return proof{}, false
}

// look finds the tree's listeners, and those among them on the expected port.
func (w *watch) look(all []sockdiag.Socket) (own, expected []sockdiag.Socket) {
	var tree []int
	now := time.Now()
	foreign, unsure := "", ""
	for _, s := range all {
		o := w.owners[s.Inode]
		if o == nil {
			o = &ownership{wait: 5 * time.Millisecond}
			if !w.expects(s) {
				o.wait = time.Second // only to tell of it if the expected one does not come
			}
			w.owners[s.Inode] = o
		}
		if !o.ours && !now.Before(o.look) {
			if tree == nil {
				tree = proc.Descendants(os.Getpid())
			}
			o.ours = owns(tree, s)
			if !o.ours && !o.before && w.expects(s) && (w.blind || left(tree, s)) {
				// There is no better sign than that nobody listened on the port
				// that was named until the service was started. Of any port it
				// is none: who shares our network has ports as well.
				o.ours, o.unsure = w.port != 0, w.port == 0
			}
			o.look, o.wait = now.Add(o.wait), min(2*o.wait, 2*time.Second)
		}
		if !o.ours && w.expects(s) && o.look.Before(w.nextLook) {
			w.nextLook = o.look
		}
		switch {
		case o.ours:
			own = append(own, s)
			if w.expects(s) {
				expected = append(expected, s)
			}
		case w.port != 0 && s.Local.Port() == uint16(w.port):
			foreign = s.Local.String()
		case o.unsure:
			unsure = s.Local.String()
		}
	}
	if w.port == 0 && len(expected) > 1 {
		// The first port that it listens on; of several at once the lowest,
		// and one that is reachable rather than a debugger's on loopback.
		first := slices.MinFunc(expected, func(a, b sockdiag.Socket) int {
			if a.Local.Addr().IsLoopback() != b.Local.Addr().IsLoopback() {
				if a.Local.Addr().IsLoopback() {
					return 1
				}
				return -1
			}
			return int(a.Local.Port()) - int(b.Local.Port())
		})
		expected = slices.DeleteFunc(expected, func(s sockdiag.Socket) bool { return s.Local.Port() != first.Local.Port() })
	}
	w.mu.Lock()
	w.own, w.foreign, w.unsure = own, foreign, unsure
	w.mu.Unlock()
	return own, expected
}

// expects reports whether the socket is where the service has to listen.
func (w *watch) expects(s sockdiag.Socket) bool {
	return w.port == 0 || s.Local.Port() == uint16(w.port)
}

// baseline remembers who listens before the service is started: such sockets
// are not its own unless a descriptor was handed down to it.
func (w *watch) baseline() {
	w.blind = !proc.Alive(os.Getpid())
	all, _ := w.table.Listeners(nil)
	for _, s := range all {
		w.owners[s.Inode] = &ownership{before: true, look: time.Now().Add(20 * time.Millisecond), wait: time.Second}
	}
}

// owns reports whether a process of the tree holds the socket. Where the
// processes may not be looked into (they changed their user, and we lack
// CAP_SYS_PTRACE, as in any container by default) the socket's user decides.
func owns(tree []int, s sockdiag.Socket) bool {
	for _, pid := range tree {
		inodes, err := proc.SocketInodes(pid)
		if _, held := inodes[s.Inode]; held {
			return true
		}
		if errors.Is(err, fs.ErrPermission) {
			if proc.UID(pid) == int(s.UID) {
				return true
			}
		}
	}
	return false
}

// left reports whether a process of the tree must have opened the socket as the
// user that we are, and changed its user then (lighttpd, haproxy): the socket stays
// that user's. Other processes of ours can be looked into, and nobody has it.
func left(tree []int, s sockdiag.Socket) bool {
	if int(s.UID) != os.Geteuid() || !slices.ContainsFunc(tree, hidden) {
		return false
	}
	_, seen := proc.Owner(s.Inode)
	return !seen
}

// hidden reports whether a process may not be looked into.
func hidden(pid int) bool {
	_, err := proc.SocketInodes(pid)
	return errors.Is(err, fs.ErrPermission)
}

// addresses are where a listener can be asked from this host: its own address,
// or loopback for a wildcard. An IPv6 wildcard usually takes IPv4 as well.
func addresses(listeners []sockdiag.Socket) []netip.AddrPort {
	var all []netip.AddrPort
	add := func(a netip.Addr, port uint16) {
		if ap := netip.AddrPortFrom(a, port); !slices.Contains(all, ap) {
			all = append(all, ap)
		}
	}
	for _, s := range listeners {
		a, port := s.Local.Addr(), s.Local.Port()
		switch {
		case !a.IsValid():
			all = append(all, netip.AddrPort{})
		case a.Is4() && a.IsUnspecified():
			add(loopback4, port)
		case a.IsUnspecified():
			add(loopback4, port)
			add(loopback6, port)
		default:
			add(a, port)
		}
	}
	return all
}

var (
	loopback4 = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	loopback6 = netip.IPv6Loopback()
)

// summary is the probe's part of a start.
func (w *watch) summary() (attempts int, lastError string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.attempts, w.lastError
}

// missing says what is not there yet, for a person.
func (w *watch) missing() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var here, elsewhere []string
	for _, s := range w.own {
		if w.expects(s) {
			here = append(here, s.Local.String())
		} else {
			elsewhere = append(elsewhere, s.Local.String())
		}
	}
	switch {
	case w.remote && w.lastError != "":
		return w.ask.target.String() + ": " + w.lastError
	case len(here) > 0 && w.lastError != "":
		return fmt.Sprintf("it listens on %s, but does not pass the probe %s: %s", strings.Join(here, ", "), w.ask.name(here[0]), w.lastError)
	case len(here) > 0:
		return "it listens on " + strings.Join(here, ", ") + ", and was not asked yet"
	case w.foreign != "":
		return fmt.Sprintf("port %d is listened on by a process that is not of this service (%s)", w.port, w.foreign)
	case len(elsewhere) > 0:
		return fmt.Sprintf("it listens on %s, not on the expected port %d: mend the one or the other (--port)", strings.Join(elsewhere, ", "), w.port)
	case w.port != 0:
		return fmt.Sprintf("nothing of it listens on port %d", w.port)
	case w.unsure != "":
		return "it may be what listens on " + w.unsure + ", but its processes may not be looked into: name its port (--port)"
	}
	return "nothing of it listens on any TCP port"
}

// loopbackOnly says where the service listens if nobody outside of this
// network namespace can reach it there.
func (w *watch) loopbackOnly() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	where := ""
	for _, s := range w.own {
		if !w.expects(s) {
			continue
		}
		if !s.Local.Addr().IsLoopback() {
			return ""
		}
		where = s.Local.String()
	}
	return where
}

// isLocal reports whether a probe's host is this host, so that the listener
// must be the service's own.
func isLocal(ctx context.Context, host string) bool {
	if host == "" || host == "localhost" {
		return true
	}
	if name, err := os.Hostname(); err == nil && name == host {
		return true
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		defer cancel()
		found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		if err != nil || len(found) == 0 {
			return false
		}
		addr = found[0].Unmap()
	}
	if addr.IsLoopback() || addr.IsUnspecified() {
		return true
	}
	mine, _ := net.InterfaceAddrs()
	return slices.ContainsFunc(mine, func(a net.Addr) bool {
		p, err := netip.ParsePrefix(a.String())
		return err == nil && p.Addr().Unmap() == addr
	})
}
