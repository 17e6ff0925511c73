package proc

import (
	"net/netip"
	"time"

	"github.com/aweigh/aweigh/internal/sockdiag"
)

// Look is what was seen of one process.
type Look struct {
	Process
	Wait  Wait
	Tasks []Thread      // its threads, the main thread first
	Used  time.Duration // CPU since the last look,
	Over  time.Duration // which is so long ago; 0 at the first
}

// Sampler looks at a tree of processes again and again, and remembers since
// when each of them has been in the same wait. The zero value is ready. It is
// for one goroutine at a time, and costs 0.1 to 0.5 ms a process.
type Sampler struct {
	seen map[identity]*memo
}

type identity struct {
	pid     int
	started uint64
}

// memo is what is remembered of a process from one look to the next.
type memo struct {
	at       time.Time
	cpu      time.Duration
	threads  map[int]threadMemo
	wait     Wait
	attempts map[netip.AddrPort]attempts
}

type threadMemo struct {
	thread Thread
	since  time.Time // it has not run since then, at least
}

// forgotten is how long after one attempt the next is no longer its retry.
const forgotten = time.Minute

// attempts counts the connections to one peer that were seen in the making.
type attempts struct {
	count       int
	socket      uint64
	first, last time.Time
}

// Look looks at each process of the tree, and forgets those that are gone. The
// sockets are those of the same moment (sockdiag's All).
func (s *Sampler) Look(tree []Process, sockets []sockdiag.Socket, now time.Time) []Look {
	table := newSocketTable(sockets)
	byPID := make(map[int]Process, len(tree))
	for _, p := range tree {
		byPID[p.PID] = p
	}
	seen := make(map[identity]*memo, len(tree))
	looks := make([]Look, 0, len(tree))
	for _, p := range tree {
		id := identity{p.PID, p.Started}
		before := s.seen[id]
		if before == nil {
			before = &memo{}
		}
		look, after := lookAt(&subject{p: p, table: table, tree: byPID}, before, now)
		seen[id] = after
		looks = append(looks, look)
	}
	s.seen = seen
	return looks
}

func lookAt(s *subject, before *memo, now time.Time) (Look, *memo) {
	s.threads, _ = Threads(s.p.PID)
	s.readFiles()
	look := Look{Process: s.p, Tasks: s.threads}
	if !before.at.IsZero() {
		s.over = now.Sub(before.at)
		look.Used, look.Over = s.p.CPU-before.cpu, s.over
	}
	after := &memo{at: now, cpu: s.p.CPU, threads: make(map[int]threadMemo, len(s.threads)), attempts: before.attempts}
	s.hot = make(map[int]time.Duration, len(s.threads))
	for _, t := range s.threads {
		since := now
		if old, ok := before.threads[t.TID]; ok {
			s.hot[t.TID] = t.CPU - old.thread.CPU
			if unmoved(old.thread, t) {
				since = old.since
			}
		}
		after.threads[t.TID] = threadMemo{t, since}
	}
	after.wait = after.date(s.wait(), before.wait, now)
	look.Wait = after.wait
	return look, after
}

// unmoved reports that a thread has been blocked in one call all the time:
// whoever wakes up is switched to.
func unmoved(a, b Thread) bool {
	return a.Switches == b.Switches && a.Syscall == b.Syscall && a.CPU == b.CPU && b.State != 'R'
}

// date says since when the wait has lasted: as long as its thread has not run,
// or as its connection has been looked at, whichever is longer.
func (m *memo) date(w, before Wait, now time.Time) Wait {
	w.Since = now
	if t, ok := m.threads[w.TID]; ok && w.Kind != Running {
		w.Since, w.Unbroken = t.since, true
	}
	same := before.Kind == w.Kind && before.Peer == w.Peer
	switch {
	case w.Kind == Connecting && w.Peer.IsValid():
		m.count(&w, now)
		w.Unbroken = true
	case w.Kind == Running && same && w.CPU >= w.Over/2,
		w.Kind == Answer && w.socket != 0 && same && before.socket == w.socket && before.Since.Before(w.Since):
		w.Since, w.Unbroken = before.Since, false
	case w.Kind == Sleeping || w.Kind == Idle:
		for peer, a := range m.attempts {
			if a.count > 1 && now.Sub(a.last) < forgotten {
				w.Peer, w.Attempts = peer, a.count
			}
		}
	}
	return w
}

// count remembers a connection attempt. The same socket in syn-sent has been
// there without a break; another one to the same peer is a retry. A socket that
// is younger than the table that was read (0) may be either.
func (m *memo) count(w *Wait, now time.Time) {
	if m.attempts == nil {
		m.attempts = map[netip.AddrPort]attempts{}
	}
	a, known := m.attempts[w.Peer]
	if !known || now.Sub(a.last) > forgotten {
		a = attempts{first: w.Since}
	}
	if a.count == 0 || a.socket != w.socket && a.socket != 0 && w.socket != 0 {
		a.count++
	}
	if w.socket != 0 {
		a.socket = w.socket
	}
	a.last = now
	const peersKept = 64
	if known || len(m.attempts) < peersKept {
		m.attempts[w.Peer] = a
	}
	w.Since, w.Attempts = a.first, a.count
}

// Telling chooses the process whose wait explains best why the start does not
// come forward: rather the one that waits for a database than the shell that
// waits for it, and rather the leaf among equals.
func Telling(looks []Look) (Look, bool) {
	best, score := -1, -1
	for i, l := range looks {
		// Parents stand before their children, so that among equals the leaf wins.
		if n := l.Wait.telling(); n >= score {
			best, score = i, n
		}
	}
	if best < 0 {
		return Look{}, false
	}
	return looks[best], true
}
