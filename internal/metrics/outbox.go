package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aweigh/aweigh/internal/notify"
)

// outbox counts what becomes of letters.
type outbox struct {
	notify.Outbox
	results *prometheus.CounterVec

	mu    sync.Mutex
	route map[int64]string // of letters that were handed out
}

// Outbox counts what becomes of the letters of an outbox.
func (m *Metrics) Outbox(of notify.Outbox) notify.Outbox {
	return &outbox{Outbox: of, results: m.notifications, route: map[int64]string{}}
}

func (o *outbox) Pending(ctx context.Context, route string, after int64, limit int) ([]notify.Letter, error) {
	letters, err := o.Outbox.Pending(ctx, route, after, limit)
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, l := range letters {
		o.route[l.ID] = route
	}
	return letters, err
}

func (o *outbox) Sent(ctx context.Context, ids []int64) error {
	err := o.Outbox.Sent(ctx, ids)
	if err == nil {
		o.count(ids, "sent", true)
	}
	return err
}

func (o *outbox) Failed(ctx context.Context, ids []int64, why string, at, next time.Time) error {
	o.count(ids, "failed", false)
	return o.Outbox.Failed(ctx, ids, why, at, next)
}

func (o *outbox) Dead(ctx context.Context, ids []int64, why string, at time.Time) error {
	o.count(ids, "dead", true)
	return o.Outbox.Dead(ctx, ids, why, at)
}

func (o *outbox) count(ids []int64, result string, ended bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range ids {
		o.results.WithLabelValues(o.route[id], result).Inc()
		if ended {
			delete(o.route, id)
		}
	}
}
