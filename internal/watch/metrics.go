package watch

import (
	"github.com/aweigh/aweigh/internal/metrics"
	"github.com/aweigh/aweigh/internal/report"
)

// newMetrics are the metrics of this watcher, which goes on from the state that
// it has loaded.
func (w *watcher) newMetrics(routes []string) *metrics.Metrics {
	c := metrics.Config{Source: report.Source{Store: w.store, Journals: w.Journals}, Routes: routes, Objectives: w.Config.Config.Objectives(), Engine: w.Engine != nil, Version: w.Version}
	for _, s := range w.Signals {
		c.Signals = append(c.Signals, metrics.Signal{Name: s.Signal().Name, Service: s.Signal().Service})
	}
	m := metrics.New(c)
	m.Load(w.state)
	return m
}
