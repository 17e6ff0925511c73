package web

import (
	"context"
	"sync"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/status"
)

// barCache keeps the rows of bars of the overview, which each open page asks for
// each time that anything has changed: half of what the page costs. A row is read
// again when its newest start has changed, and once a minute for what has become
// of older ones.
type barCache struct {
	mu  sync.Mutex
	all map[string]cachedBars
}

type cachedBars struct {
	start   string
	verdict aweigh.Verdict
	end     aweigh.RunEnd
	at      time.Time
	bars    bars
}

// keepBars is how long a row is believed, maxRows how many are kept.
const (
	keepBars = time.Minute
	maxRows  = 10_000
)

func (s *Site) rowOf(ctx context.Context, one status.Service, now time.Time) (bars, error) {
	want := cachedBars{at: now}
	if last := one.Last; last != nil {
		want.start, want.verdict = last.ID, last.Verdict
		if last.Run != nil {
			want.end = last.Run.End
		}
	}
	key := one.Project + "/" + one.Service
	s.rows.mu.Lock()
	known, ok := s.rows.all[key]
	s.rows.mu.Unlock()
	if ok && known.start == want.start && known.verdict == want.verdict && known.end == want.end && now.Sub(known.at) < keepBars {
		return known.bars, nil
	}
	var err error
	if want.bars, err = s.barsOf(ctx, one.Project, one.Service, barsOfRow); err != nil {
		return want.bars, err
	}
	s.rows.mu.Lock()
	defer s.rows.mu.Unlock()
	if s.rows.all == nil || len(s.rows.all) >= maxRows {
		s.rows.all = map[string]cachedBars{}
	}
	s.rows.all[key] = want
	return want.bars, nil
}
