package watch

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/signals"
)

// CompileSignals makes the signals of a configuration ready to be asked. An
// error says where in the file the mistake is.
func CompileSignals(c *config.Config) ([]*signals.Compiled, error) {
	var all []*signals.Compiled
	for _, s := range c.Signals {
		compiled, err := signals.Compile(signals.Signal{Name: s.Name, Service: s.Service, Source: s.Source.Reveal(), Dir: filepath.Dir(c.File),
			Query: s.Query, Rule: s.Rule, Every: s.Every, Window: s.Window, Hold: s.Hold, Missing: signals.MissingPolicy(s.Missing), Severity: s.Severity})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Origin, err)
		}
		all = append(all, compiled)
	}
	return all, nil
}

// readSignals asks the business side until ctx ends.
// goneSignals are those that the state knows and the configuration does not: nobody
// reads them any more, and what was wrong with one would be reminded of for ever.
func (w *watcher) goneSignals() (gone []aweigh.Fact) {
	configured := map[[2]string]bool{}
	for _, s := range w.Signals {
		configured[[2]string{s.Signal().Service, s.Signal().Name}] = true
	}
	for _, v := range w.state.Services {
		for name := range v.Signals {
			if !configured[[2]string{v.Name, name}] {
				gone = append(gone, aweigh.Fact{Kind: aweigh.FactSignal, At: time.Now().UTC(), Reading: &aweigh.Reading{Name: name, Service: v.Name, State: "gone"}})
			}
		}
	}
	return gone
}

func (w *watcher) readSignals(ctx context.Context) {
	about := map[string]signals.Signal{}
	for _, s := range w.Signals {
		about[s.Signal().Name] = s.Signal()
	}
	err := signals.Run(ctx, w.Signals, func(r signals.Reading) {
		s := about[r.Name]
		w.facts.add(aweigh.Fact{Kind: aweigh.FactSignal, At: r.At, Reason: r.Why, Reading: &aweigh.Reading{
			Name: r.Name, Service: s.Service, State: string(r.State), Values: r.Values, Hold: s.Hold, Severity: s.Severity}})
	})
	if err != nil && ctx.Err() == nil {
		w.Log.Error(err.Error(), "event", "warning")
	}
}
