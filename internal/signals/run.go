package signals

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// maxJitter is the longest that the first query of a signal waits.
const maxJitter = 10 * time.Second

// Run evaluates all signals, each every so often, until ctx ends, and returns
// when the last query has. The first queries are spread over a moment, so that
// twenty signals do not meet at one database. A signal that is slow is asked
// less often, and keeps no other waiting.
//
// tell is given one reading at a time. A query that ctx has cut short tells
// nothing. The error is about signals that cannot be told apart.
func Run(ctx context.Context, all []*Compiled, tell func(Reading)) error {
	seen := make(map[string]bool, len(all))
	for _, c := range all {
		if seen[c.signal.Name] {
			return fmt.Errorf("two signals are named %s: a name is for one", c.signal.Name)
		}
		seen[c.signal.Name] = true
	}
	var telling sync.Mutex
	var running sync.WaitGroup
	for _, c := range all {
		running.Go(func() {
			c.repeat(ctx, func(r Reading) {
				telling.Lock()
				defer telling.Unlock()
				tell(r)
			})
		})
	}
	running.Wait()
	return nil
}

func (c *Compiled) repeat(ctx context.Context, tell func(Reading)) {
	every := c.signal.Every
	wait := time.NewTimer(rand.N(min(every, maxJitter)))
	defer wait.Stop()
	var first time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-wait.C:
			if first.IsZero() {
				first = now
			}
			r := c.Evaluate(ctx, now)
			if ctx.Err() != nil {
				return
			}
			tell(r)
			// The next is on the grid of the first: it does not drift, and those
			// that were missed are not made up for.
			since := time.Since(first)
			wait.Reset(every - since%every)
		}
	}
}
