package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/aweigh/aweigh/internal/objective"
	"github.com/aweigh/aweigh/internal/report"
	"github.com/aweigh/aweigh/internal/store"
)

// slow is what may take a while to find out: it reads months. It is found out at
// a scrape, and then not again for a hundred times as long as that took, so that
// it costs a hundredth of a processor at most.
type slow struct {
	config Config

	mu      sync.Mutex
	next    time.Time
	results []objective.Result
	first   map[Signal]time.Duration
}

const rest = 100

var (
	attainmentDesc = gauge("objective_attainment", "Share of what was seen that kept the promise, 0 to 1; absent while unknown.", "objective")
	budgetDesc     = gauge("objective_budget_left", "Share of the error budget that is left, 0 to 1; absent while unknown.", "objective")
	knownDesc      = gauge("objective_known", "Share of the window in which somebody watched, 0 to 1.", "objective")
	brokenDesc     = gauge("objective_broken", "1 when the promise is broken by what was seen, else 0.", "objective")
	firstDesc      = gauge("deployment_first_signal_seconds", "Time from a service's newest deployment to the first reading of a signal that was ok and not all zero; absent until then.", "service", "signal")
)

func (s *slow) collect(ctx context.Context, k sink) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if began := time.Now(); began.After(s.next) {
		err := s.find(ctx)
		s.next = time.Now().Add(rest * time.Since(began)) // what takes too long for a scrape does so again
		if err != nil {
			return err
		}
	}
	for _, r := range s.results {
		k.put(knownDesc, r.Known, r.Name)
		k.put(brokenDesc, truth(r.State == objective.Broken), r.Name)
		if r.Attainment != nil {
			k.put(attainmentDesc, *r.Attainment, r.Name)
		}
		if r.Left != nil {
			k.put(budgetDesc, *r.Left, r.Name)
		}
	}
	for of, took := range s.first {
		k.put(firstDesc, took.Seconds(), of.Service, of.Name)
	}
	return nil
}

func (s *slow) find(ctx context.Context) error {
	results, err := report.Judge(ctx, s.config.Source, s.config.Objectives, time.Now().UTC())
	if err != nil {
		return err
	}
	all := map[Signal]time.Duration{}
	for _, signal := range s.config.Signals {
		took, ok, err := firstReading(ctx, s.config.Store, signal)
		if err != nil {
			return err
		}
		if ok {
			all[signal] = took
		}
	}
	s.results, s.first = results, all
	return nil
}

// lately is of how many starts the newest deployment of a service is found
// among, and of how many readings the first good one.
const lately = 500

func firstReading(ctx context.Context, st *store.Store, of Signal) (took time.Duration, ok bool, err error) {
	if of.Service == "" {
		return 0, false, nil
	}
	starts, err := st.Starts(ctx, store.StartQuery{Service: of.Service, Limit: lately})
	if err != nil {
		return 0, false, err
	}
	first := map[string]time.Time{} // start of each instance; starts are newest first
	for _, s := range starts {
		if !s.OneOff {
			first[s.Instance] = s.Began
		}
	}
	deployed := time.Time{}
	for _, at := range first {
		deployed = later(deployed, at)
	}
	if deployed.IsZero() {
		return 0, false, nil
	}
	read, err := st.Readings(ctx, of.Name, deployed, lately)
	if err != nil {
		return 0, false, err
	}
	for _, f := range read {
		if f.Reading.State != "ok" {
			continue
		}
		for _, v := range f.Reading.Values {
			if v != 0 {
				return f.At.Sub(deployed), true, nil
			}
		}
	}
	return 0, false, nil
}
