package docker

import (
	"context"
	"sync"

	"github.com/moby/moby/api/types/events"

	"github.com/aweigh/aweigh"
)

// job is one thing to turn into facts.
type job struct {
	event   *events.Message
	begun   bool   // of a start: it was said already
	inspect string // a container's id
	created string // one that may not have come to be started
	gone    string
	seen    *aweigh.Fact // an inspection to tell
	done    func()
}

// queue is an unbounded lane of jobs: whoever reads the engine's events must
// never wait, or the engine drops some without a word.
type queue struct {
	mu   sync.Mutex
	jobs []job
	wake chan struct{}
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

func (q *queue) add(j job) {
	q.mu.Lock()
	q.jobs = append(q.jobs, j)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) run(ctx context.Context, do func(context.Context, job)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-q.wake:
		}
		q.mu.Lock()
		jobs := q.jobs
		q.jobs = nil
		q.mu.Unlock()
		for _, j := range jobs {
			if ctx.Err() != nil {
				return
			}
			do(ctx, j)
		}
	}
}
