package supervise

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/proc"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/sockdiag"
)

// waits looks at the service's processes while it comes up, so that it can be
// said since when they have been waiting in what.
type waits struct {
	every   time.Duration
	see     func() []proc.Look
	looking chan []proc.Look // gets what a look sees that is under way; nil while there is none
	sampler proc.Sampler     // belongs to the look under way
	looks   []proc.Look
	names   func(netip.AddrPort) string
}

// lookLimit is how long a look may hold up everything else. Who reads the
// command line or the arguments of a process waits for its memory map, and it
// may hold that for as long as a disk or a network file system does not answer:
// no deadline passed, and no signal reached the service, while we hung with it.
const lookLimit = time.Second

// newWaits looks some thirty times in a start: often enough to say "58s", and
// seldom enough to cost nothing (a look at all sockets is milliseconds on a
// machine with much memory).
func newWaits(timeout time.Duration, env []string, table *sockdiag.Table) *waits {
	every := min(max(timeout/30, 100*time.Millisecond), 4*time.Second)
	w := &waits{every: every, names: namer(env)}
	w.see = func() []proc.Look {
		tree := proc.Tree(os.Getpid())
		var sockets []sockdiag.Socket
		if proc.HoldSockets(tree) {
			sockets, _ = table.All()
		}
		return w.sampler.Look(tree, sockets, time.Now())
	}
	return w
}

// look looks once, or finds out what came of the look that took too long.
func (w *waits) look() {
	limit := time.Duration(0)
	if w.looking == nil {
		limit = lookLimit
		seen := make(chan []proc.Look, 1)
		w.looking = seen
		go func() { seen <- w.see() }()
	}
	select {
	case w.looks = <-w.looking:
		w.looking = nil
	case <-time.After(limit):
	}
}

// sentence says what the service waits in: "python3 (pid 12): 58 s in
// connect() to db:5432 (10.0.0.5)".
func (w *waits) sentence(now time.Time) string {
	if w.looking != nil {
		return "its processes cannot be looked at: one of them seems to hang in the kernel (a disk or a network file system that does not answer)"
	}
	l, ok := proc.Telling(w.looks)
	if !ok {
		return ""
	}
	what := l.Wait.Sentence(now)
	if l.Wait.Peer.IsValid() {
		if name := w.names(l.Wait.Peer); name != "" {
			what = strings.Replace(what, l.Wait.Peer.String(), name, 1)
		}
	}
	return l.Title() + ": " + what
}

// namer finds the name by which the service knows a peer: a host in its own
// environment that resolves to that address. Without one the address stands.
func namer(env []string) func(netip.AddrPort) string {
	return func(peer netip.AddrPort) string {
		ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
		defer cancel()
		for _, host := range hostsIn(env) {
			found, _ := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
			for _, a := range found {
				if a.Unmap() == peer.Addr() {
					return fmt.Sprintf("%s:%d (%s)", host, peer.Port(), peer.Addr())
				}
			}
		}
		return ""
	}
}

// hostsIn collects what looks like the name of another host in the values of
// an environment: DB_HOST=db, DATABASE_URL=postgres://u:p@db:5432/x, CACHE=redis:6379.
// Nothing else of a value is looked at, and at most eight are tried.
func hostsIn(env []string) []string {
	var hosts []string
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		host := ""
		switch {
		case strings.Contains(value, "://"):
			_, rest, _ := strings.Cut(value, "://")
			rest, _, _ = strings.Cut(rest, "/")
			host = rest[strings.LastIndexByte(rest, '@')+1:]
		case strings.HasSuffix(name, "HOST") || strings.HasSuffix(name, "SERVER") || strings.HasSuffix(name, "ADDR"):
			host = value
		case strings.Count(value, ":") == 1:
			host = value
		}
		host, _, _ = strings.Cut(host, ":")
		if _, err := netip.ParseAddr(host); host == "" || err == nil || strings.ContainsAny(host, "/ \t\\,;") || len(host) > 253 {
			continue
		}
		if hosts = append(hosts, host); len(hosts) == 8 {
			break
		}
	}
	return hosts
}

// sample looks at what the service waits in, while that is nobody else's: a
// snapshot goes on with the same sampler.
func (s *supervisor) sample() {
	if !s.inspecting {
		s.waits.look()
	}
}

// halfway tells, half way to the deadline, what the start is waiting in.
func (s *supervisor) halfway() {
	if s.life.state != starting {
		return
	}
	s.waits.look()
	now := time.Now()
	text := s.situation(now)
	s.note(record.Event{Event: record.StartSlow, Reason: text})
	s.log.Warn(fmt.Sprintf("still starting after %s of %s: %s", human(now.Sub(s.began)), human(s.life.allowed()), text),
		"event", record.StartSlow, "phase", s.phase)
}

// situation is all that is known of a start that does not come forward.
func (s *supervisor) situation(now time.Time) string {
	parts := []string{s.watch.missing()}
	if sentence := s.waits.sentence(now); sentence != "" {
		parts = append(parts, sentence)
	}
	if s.spoke {
		parts = append(parts, fmt.Sprintf("it is in its phase %q", s.phase))
	}
	if age, ever := s.heard.age(now); !ever {
		parts = append(parts, "it has printed nothing")
	} else {
		parts = append(parts, fmt.Sprintf("its last output is %s old", human(age)))
	}
	if s.usually > 0 {
		parts = append(parts, fmt.Sprintf("usually it takes %s", human(s.usually)))
	}
	return strings.Join(parts, "; ")
}

// whyLate is the reason of a missed deadline.
func (s *supervisor) whyLate() string {
	return fmt.Sprintf("not ready within %s: %s", human(s.life.allowed()), s.situation(time.Now()))
}
