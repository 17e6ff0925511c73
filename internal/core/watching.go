package core

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aweigh/aweigh"
)

// watcherKey is the service that stands for the watcher itself.
const watcherKey = "/aweigh watch"

const (
	// gapWorthTelling is how long the watcher may have been away before it is
	// an incident: an upgrade takes a moment.
	gapWorthTelling = time.Minute
	// engineGrace is how long the engine may not answer: it is restarted by
	// upgrades.
	engineGrace = 30 * time.Second
	// lookAround is how long a watcher that has come back looks before it judges
	// what fell due while it was away: it may have been ready, or dead, for hours.
	lookAround = 30 * time.Second
)

func (s *State) watcher() *Service {
	v := s.Services[watcherKey]
	if v == nil {
		v = &Service{Key: watcherKey, Name: "aweigh watch"}
		s.Services[watcherKey] = v
	}
	s.touchService(v)
	return v
}

// watching is the watcher's own begin.
func (s *State) watching(f aweigh.Fact) {
	s.Engine.Watching = f.At.UTC()
	if !s.Engine.Lost.IsZero() {
		s.Engine.Lost = f.At.UTC() // it may answer by now: who had lost it is gone
	}
	s.changes.touched["engine:"] = &s.Engine
	for _, id := range slices.Sorted(maps.Keys(s.Instances)) {
		if i := s.Instances[id]; i.Settings.Ignore {
			s.leaves(i, f.At, "it is ignored now")
		}
	}
	s.putOff(f.At.UTC().Add(lookAround))
	if f.Since.IsZero() {
		return // the first time
	}
	away := f.At.Sub(f.Since)
	if away < gapWorthTelling {
		return
	}
	s.open(s.watcher(), nil, happening{group: group(aweigh.WatcherGap), kind: aweigh.WatcherGap, severity: aweigh.Warning, at: f.At, over: "watching again",
		summary: fmt.Sprintf("nobody was watching for %s, since %s", human(away), f.Since.Format("2006-01-02 15:04:05 MST"))})
}

// putOff lets nothing about instances fall due before a moment.
func (s *State) putOff(until time.Time) {
	later := func(times ...*time.Time) {
		for _, t := range times {
			if !t.IsZero() && t.Before(until) {
				*t = until
			}
		}
	}
	for _, i := range s.Instances {
		if i.alive() {
			later(&i.Life.Deadline)
			s.touch(i)
		}
	}
	for _, n := range s.Incidents {
		if n.Open() {
			later(&n.ResolveAt, &n.RemindAt, &n.EscalateAt)
			s.touchIncident(n)
		}
	}
}

// lost is a runtime that does not answer.
func (s *State) lost(f aweigh.Fact) {
	if !s.Engine.Lost.IsZero() {
		return
	}
	s.Engine.Lost = f.At.UTC()
	s.changes.touched["engine:"] = &s.Engine
}

func (e Engine) due() time.Time {
	if e.Lost.IsZero() || e.Told != "" {
		return time.Time{}
	}
	return e.Lost.Add(engineGrace)
}

func (s *State) engineGone(now time.Time) {
	n := s.open(s.watcher(), nil, happening{group: group(aweigh.WatcherGap), kind: aweigh.WatcherGap, severity: aweigh.Critical, at: now,
		summary: fmt.Sprintf("the container engine has not answered since %s: no start and no crash can be seen", s.Engine.Lost.Format("15:04:05 MST"))})
	s.Engine.Told = n.ID
	s.changes.touched["engine:"] = &s.Engine
}

// regained is a runtime that answers again, after all was inspected.
func (s *State) regained(f aweigh.Fact) {
	if s.Engine.Lost.IsZero() {
		return
	}
	if n := s.Incidents[s.Engine.Told]; n != nil && n.Open() {
		s.resolve(n, f.At, "the container engine answers again")
	}
	s.Engine = Engine{Watching: s.Engine.Watching, Regained: f.At.UTC()}
	s.changes.touched["engine:"] = &s.Engine
}
