package notify

import "time"

const (
	// Burst is how many messages a route gets one by one at once.
	Burst = 5
	// Interval is how long what comes after a burst is collected; all of it
	// is one message then.
	Interval = 30 * time.Second
	// UrgentInterval is that for what must be told at night: an outage is not
	// to wait for the news. It doubles with each message, up to Interval, for
	// as long as the flood goes on.
	UrgentInterval = time.Second
	// mostInDigest keeps a message readable; the rest is the next one.
	mostInDigest = 100
)

// flood keeps a route that people read from being flooded. The first messages
// after an Interval without any go at once.
type flood struct {
	first  time.Duration // how long the first digest collects
	used   int           // of the burst
	last   time.Time     // when a message was sent
	wait   time.Duration // how long the next digest collects
	piling bool          // something waits for the end of that
}

// allow says how many of n letters may become the next message: one, all of
// them, or none before next.
func (f *flood) allow(now time.Time, n int) int {
	since := now.Sub(f.last)
	if since >= Interval && !f.piling {
		f.used, f.wait = 0, f.first
	}
	switch {
	case f.piling && since >= f.wait:
		return n
	case !f.piling && f.used < Burst:
		return 1
	}
	f.piling = true
	return 0
}

func (f *flood) next() time.Time { return f.last.Add(f.wait) }

// sent counts a message that was taken.
func (f *flood) sent(now time.Time) {
	f.last = now
	if f.piling {
		f.piling = false
		f.wait = min(2*f.wait, Interval) // a flood that goes on is one digest an interval
		return
	}
	f.used++
}
