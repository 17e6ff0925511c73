package web

import (
	"sync"
	"time"

	"github.com/aweigh/aweigh"
)

// cache keeps what is read of each service, and which open pages ask for each time
// that anything has changed. It is read again when the service's newest start has
// changed, and once a minute for what has become of older ones.
type cache[T any] struct {
	mu  sync.Mutex
	all map[string]cached[T]
}

type cached[T any] struct {
	newest newest
	at     time.Time
	value  T
}

// newest is how the newest start of a service stands.
type newest struct {
	id      string
	verdict aweigh.Verdict
	end     aweigh.RunEnd
}

func newestOf(s *aweigh.Start) (n newest) {
	if s != nil {
		n.id, n.verdict = s.ID, s.Verdict
		if s.Run != nil {
			n.end = s.Run.End
		}
	}
	return n
}

// keptFor is how long something is believed, maxKept of how many services.
const (
	keptFor = time.Minute
	maxKept = 10_000
)

// of is what is kept of a service, or is read now.
func (c *cache[T]) of(project, service string, last *aweigh.Start, read func() (T, error)) (T, error) {
	key, want, now := project+"/"+service, newestOf(last), time.Now()
	c.mu.Lock()
	known, ok := c.all[key]
	c.mu.Unlock()
	if ok && known.newest == want && now.Sub(known.at) < keptFor {
		return known.value, nil
	}
	value, err := read()
	if err != nil {
		return value, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil || len(c.all) >= maxKept {
		c.all = map[string]cached[T]{}
	}
	c.all[key] = cached[T]{want, now, value}
	return value, nil
}
