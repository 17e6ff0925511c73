package notify

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	// PermanentTries is how often a letter is tried that the other side says
	// it will never take (SMTP 5xx, HTTP 4xx but 408 and 429, 3xx): more than
	// once, since servers are misconfigured for a minute now and then.
	PermanentTries = 3
	// GiveUp is how long a letter is tried otherwise, from its first failure.
	GiveUp = 24 * time.Hour
	// SendTimeout is how long one try may take: RFC 5321 asks for patience at
	// the end of a message, since to turn away then is to receive it twice.
	SendTimeout = 2 * time.Minute
	// Grace is how long a try that has begun may last when Run is to end.
	Grace = 5 * time.Second
	// lookEvery is how often a route looks into the outbox without being woken:
	// another process may have put a letter there.
	lookEvery = 30 * time.Second
)

// Deliverer empties an outbox, each route by itself, so that a server that is
// down holds up nothing but its own letters.
type Deliverer struct {
	carriers []*carrier
}

// NewDeliverer parses routes. It starts nothing.
func NewDeliverer(outbox Outbox, routes []Route, log *slog.Logger) (*Deliverer, error) {
	d := &Deliverer{}
	seen := map[string]bool{}
	for _, r := range routes {
		if r.Name == "" || seen[r.Name] {
			return nil, fmt.Errorf("route %q: each route needs a name of its own", r.Name)
		}
		seen[r.Name] = true
		s, err := Parse(r)
		if err != nil {
			return nil, err
		}
		d.carriers = append(d.carriers, newCarrier(outbox, r, s, log))
	}
	return d, nil
}

// Wake says that there are new letters. It never blocks.
func (d *Deliverer) Wake() {
	for _, c := range d.carriers {
		select {
		case c.woken <- struct{}{}:
		default: // it is about to look anyway
		}
	}
}

// Run delivers until ctx is done, and returns when all that it has begun has
// ended. It may be called once.
func (d *Deliverer) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, c := range d.carriers {
		all.Go(func() { c.run(ctx) })
	}
	all.Wait()
	return nil
}
