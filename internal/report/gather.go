package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/objective"
	"github.com/aweigh/aweigh/internal/store"
)

// most is how many starts and incidents are looked at: some 100 a day for each
// of ten services over three months. The newest are.
const most = 100_000

// Source is what is read.
type Source struct {
	Store *store.Store
	// Journals reads the journals of `aweigh deploy`; nil where there are none.
	Journals func() ([]objective.Journaled, error)
	// Service, of any project, is all whose starts and incidents are read; "" is
	// everything.
	Service string
}

// Gather reads what objectives and a report since a moment are judged by.
func Gather(ctx context.Context, from Source, objectives []objective.Objective, since, now time.Time) (objective.Evidence, error) {
	st, e := from.Store, objective.Evidence{Now: now}
	for _, o := range objectives {
		if begin := now.Add(-2 * o.Window); begin.Before(since) {
			since = begin
		}
	}
	var err error
	// All of them: one from before says that its instance is not new.
	if e.Starts, err = st.Starts(ctx, store.StartQuery{Service: from.Service, Limit: most}); err != nil {
		return e, err
	}
	e.Starts = slices.DeleteFunc(e.Starts, func(s aweigh.Start) bool { return s.Drill != "" || s.OneOff })
	slices.Reverse(e.Starts) // oldest first, as those who count need them
	if from.Journals != nil {
		if e.Journals, err = from.Journals(); err != nil {
			return e, err
		}
	}
	if e.Incidents, err = st.Incidents(ctx, store.IncidentQuery{Service: from.Service, Since: since, Limit: most}); err != nil {
		return e, err
	}
	e.Incidents = slices.DeleteFunc(e.Incidents, func(n aweigh.Incident) bool { return n.Drill != "" })
	judged := func(k objective.Kind) bool {
		return slices.ContainsFunc(objectives, func(o objective.Objective) bool { return o.Kind == k })
	}
	if judged(objective.Told) {
		if e.Tellings, err = tellings(ctx, st, since); err != nil {
			return e, err
		}
	}
	if judged(objective.Signal) {
		if e.Readings, err = readings(ctx, st, since); err != nil {
			return e, err
		}
	}
	e.Watched, err = watched(ctx, st, now)
	return e, err
}

func tellings(ctx context.Context, st *store.Store, since time.Time) (all []objective.Telling, err error) {
	letters, err := st.Taken(ctx, since)
	for _, l := range letters {
		if l.Ended != nil {
			all = append(all, objective.Telling{At: *l.Ended, Notification: l.Notification})
		}
	}
	return all, err
}

func readings(ctx context.Context, st *store.Store, since time.Time) (all []objective.Reading, err error) {
	facts, err := st.FactsOf(ctx, since, aweigh.FactSignal)
	for _, f := range facts {
		if r := f.Reading; r != nil {
			all = append(all, objective.Reading{Name: r.Name, Service: r.Service, State: r.State, At: f.At, Values: r.Values})
		}
	}
	return all, err
}

// watched is when somebody watched, as far as the store remembers.
func watched(ctx context.Context, st *store.Store, now time.Time) ([]objective.Span, error) {
	first, err := st.FirstFact(ctx)
	if err != nil || first.IsZero() {
		return nil, err
	}
	facts, err := st.FactsOf(ctx, time.Time{}, aweigh.FactWatching, aweigh.FactLost, aweigh.FactRegained, aweigh.FactStepped)
	if err != nil {
		return nil, err
	}
	if len(facts) > 0 && facts[0].Kind == aweigh.FactWatching && facts[0].Since.IsZero() {
		first = facts[0].At // the very first; what it found is older
	}
	rows, err := st.State(ctx)
	if err != nil {
		return nil, err
	}
	var engine core.Engine
	if json.Unmarshal(rows["engine:"], &engine) == nil && !engine.Watching.IsZero() && engine.Watching.Before(first) {
		first = engine.Watching // facts from then are too old to be kept
	}
	last, err := st.LastBeat(ctx)
	if err != nil {
		return nil, err
	}
	if now.Sub(last) < time.Minute { // it notes three times a minute that it is there
		last = now
	}
	return objective.Watched(facts, first, last), nil
}

// Judge judges objectives by what is stored.
func Judge(ctx context.Context, from Source, objectives []objective.Objective, now time.Time) ([]objective.Result, error) {
	e, err := Gather(ctx, from, objectives, now, now)
	if err != nil {
		return nil, fmt.Errorf("objectives: %w", err)
	}
	all := []objective.Result{}
	for _, o := range objectives {
		all = append(all, objective.Judge(o, e))
	}
	return all, nil
}

// ErrNoService says that nothing is known of the one service that was asked
// for.
var ErrNoService = errors.New("nothing is known of this service")

// Make gathers and builds a report.
func Make(ctx context.Context, from Source, objectives []objective.Objective, s Scope) (*Report, error) {
	e, err := Gather(ctx, from, objectives, s.From.Add(s.From.Sub(s.To)), s.To)
	if err != nil {
		return nil, err
	}
	addPhases(filepath.Dir(from.Store.Path()), e.Starts)
	if s.Service != "" {
		s.Covers = func(service string) bool { return service == s.Service }
		if !slices.ContainsFunc(e.Starts, func(one aweigh.Start) bool { return one.Service == s.Service }) {
			return nil, fmt.Errorf("%s: %w: `aweigh status` lists those that are known", s.Service, ErrNoService)
		}
	}
	depth, err := from.Store.Depth(ctx)
	if err != nil {
		return nil, err
	}
	for of, n := range depth {
		if of[1] == "dead" {
			s.Dead += n
		}
	}
	return Build(e, objectives, s), nil
}
