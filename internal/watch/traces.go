package watch

import (
	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/otlp"
	"github.com/aweigh/aweigh/internal/report"
)

// traces sends each start that has ended as a trace. It belongs to the fold's
// goroutine.
type traces struct {
	exporter *otlp.Exporter
	sent     map[string]bool
}

// mostTraced bounds what is remembered of what was sent; what is sent twice has
// the same ids.
const mostTraced = 10_000

// newTraces is nil without a collector.
func (w *watcher) newTraces() *traces {
	to := w.Config.Config.Watch.OTLP
	if to.IsZero() {
		return nil
	}
	t := &traces{exporter: otlp.New(to.Reveal(), w.Version, w.Log), sent: map[string]bool{}}
	t.exporter.Fill = func(starts []otlp.Start) {
		for n := range starts {
			starts[n].Phases = report.Phases(w.State, starts[n].Start)
		}
	}
	for _, i := range w.state.Instances { // sent by an earlier watcher
		if i.Life != nil && i.Life.Start.Verdict != "" {
			t.sent[i.Life.Start.ID] = true
		}
	}
	return t
}

// observe sends what a fact has ended.
func (t *traces) observe(s *core.State, c core.Changes) {
	if t == nil {
		return
	}
	for _, start := range c.Starts {
		if start.Verdict == "" || start.TookMS == nil || t.sent[start.ID] {
			continue
		}
		if len(t.sent) >= mostTraced {
			clear(t.sent)
		}
		t.sent[start.ID] = true
		t.exporter.Send(otlp.Start{Start: start, Deployed: deployed(s, start)})
	}
}

// deployed reports whether a start is the first of its instance.
func deployed(s *core.State, start aweigh.Start) bool {
	for _, i := range s.Instances {
		if i.Life != nil && i.Life.Start.ID == start.ID {
			return i.Lives == 1
		}
	}
	return false
}
