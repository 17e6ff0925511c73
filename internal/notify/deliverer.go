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
	// once, and PermanentPause apart, since servers are misconfigured for a minute
	// now and then.
	PermanentTries = 3
	PermanentPause = time.Minute
	// GiveUp is how long a letter is tried otherwise, from its first failure, and
	// leastTries how often at least: a host that was off, or whose clock jumped, has
	// not tried for that long.
	GiveUp     = 24 * time.Hour
	leastTries = 20
	// WaitForSome is how long a message is tried that some of its recipients have
	// got: what comes after it in its thread waits for it, for them as well.
	WaitForSome = time.Hour
	// SendTimeout is how long one try may take: RFC 5321 asks for patience at
	// the end of a message, since to turn away then is to receive it twice.
	SendTimeout = 2 * time.Minute
	// Grace is how long a try that has begun may last when Run is to end.
	Grace = 5 * time.Second
	// lookEvery is how often a route looks into the outbox without being woken:
	// another process may have put a letter there.
	lookEvery = 30 * time.Second
	// turnEvery is how often it is asked whether another process has ended with a
	// route, and turnWait how long Flush asks.
	turnEvery = 100 * time.Millisecond
	turnWait  = 3 * time.Second
)

// Deliverer empties an outbox, each route by itself, so that a server that is
// down holds up nothing but its own letters.
type Deliverer struct {
	// Turn makes this process the one that delivers the letters of a route, until
	// done is called; the error is filelock.ErrTaken while another one is. nil: no
	// other process has the outbox.
	Turn func(route string) (done func(), err error)

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
// ended. A route that another process delivers is waited for. It may be called
// once.
func (d *Deliverer) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, c := range d.carriers {
		all.Go(func() {
			defer c.sender.Close()
			done, ok := c.await(ctx, d.Turn, func() bool { return true })
			if ok {
				defer done()
				c.run(ctx)
			}
		})
	}
	all.Wait()
	return nil
}

// Flush tries each letter once, those as well that have failed and would wait, and
// returns when nothing is due any more, or ctx is done: for a process that does not
// stay. The letters of a route that another process delivers are left to that; it is
// given a moment to do so. It may be called once.
func (d *Deliverer) Flush(ctx context.Context) {
	var all sync.WaitGroup
	for _, c := range d.carriers {
		all.Go(func() {
			defer c.sender.Close()
			moment, cancel := context.WithTimeout(ctx, turnWait)
			defer cancel()
			done, ok := c.await(moment, d.Turn, func() bool {
				letters, err := c.pending(moment)
				return err != nil || len(letters) > 0
			})
			if !ok {
				return
			}
			defer done()
			c.eager = true
			for next := time.Now(); !next.IsZero() && !next.After(time.Now()) && ctx.Err() == nil; {
				next = c.pass(ctx)
			}
		})
	}
	all.Wait()
}
