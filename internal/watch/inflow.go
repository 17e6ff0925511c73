package watch

import (
	"sync"

	"github.com/aweigh/aweigh"
)

// inflow is an unbounded queue of facts: none of those who tell may wait for
// the disk. A fact is some hundred bytes, and the fold takes thousands a
// second.
type inflow struct {
	mu    sync.Mutex
	facts []aweigh.Fact
	wake  chan struct{}
}

func newInflow() *inflow { return &inflow{wake: make(chan struct{}, 1)} }

func (q *inflow) add(f aweigh.Fact) {
	q.mu.Lock()
	q.facts = append(q.facts, f)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take returns what is there, at most max.
func (q *inflow) take(max int) []aweigh.Fact {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.facts), max)
	taken := q.facts[:n:n]
	if q.facts = q.facts[n:]; len(q.facts) == 0 {
		q.facts = nil
	} else {
		select { // the rest is not forgotten
		case q.wake <- struct{}{}:
		default:
		}
	}
	return taken
}
