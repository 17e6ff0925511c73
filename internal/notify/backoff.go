package notify

import (
	"math/rand/v2"
	"time"
)

const (
	firstBackoff = time.Second
	maxBackoff   = 5 * time.Minute
	maxPause     = time.Minute
)

// backoff is how long a letter waits after it has failed so often: 1 s, 2 s, …
// 5 min, and up to half as much again by chance, so that those that failed
// together do not come back together.
func backoff(tries int) time.Duration {
	d := doubled(tries, maxBackoff*2/3)
	return d + rand.N(d/2+1)
}

// doubled is firstBackoff, doubled n-1 times, at most limit.
func doubled(n int, limit time.Duration) time.Duration {
	d := firstBackoff
	for ; n > 1 && d < limit; n-- {
		d *= 2
	}
	return min(d, limit)
}

// pause is how long a route rests whose server, or whose outbox, seems to be
// down. It is shorter than the backoff of a letter that failed as often, so
// that one that fails again and again does not keep the others from their turn.
type pause struct {
	failures int
	until    time.Time
}

// after lengthens the pause and returns its end.
func (p *pause) after(now time.Time) time.Time {
	p.failures++
	p.until = now.Add(doubled(p.failures, maxPause))
	return p.until
}

func (p *pause) reset() { *p = pause{} }
