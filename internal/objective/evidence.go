package objective

import (
	"slices"
	"time"

	"github.com/aweigh/aweigh"
)

// Evidence is what a watcher has stored.
type Evidence struct {
	Now time.Time
	// Starts, in any order. Those from before a window tell which of its
	// instances are new.
	Starts    []aweigh.Start
	Incidents []aweigh.Incident
	Tellings  []Telling
	Readings  []Reading // in the order of time
	Watched   []Span    // when somebody watched, in order
	// Journals are the deployments that `aweigh deploy` has journals of, in any
	// order.
	Journals []Journaled
}

// Span is a stretch of time: from From on, before To.
type Span struct{ From, To time.Time }

// Contains reports whether a moment is in the span.
func (s Span) Contains(t time.Time) bool { return !t.Before(s.From) && t.Before(s.To) }

// overlaps reports whether the two have a moment in common.
func (s Span) overlaps(other Span) bool { return s.From.Before(other.To) && other.From.Before(s.To) }

// moment is a span of one moment.
func moment(t time.Time) Span { return Span{t, t.Add(1)} }

// Length is how long it is.
func (s Span) Length() time.Duration { return s.To.Sub(s.From) }

// Telling is a notification that the other side of a route has taken.
type Telling struct {
	At           time.Time // when it was taken
	Notification aweigh.Notification
}

// Reading is one evaluation of a signal.
type Reading struct {
	Name    string
	Service string
	State   string // ok, breached, missing, broken
	At      time.Time
	Values  map[string]float64
}

// Watched tells from the facts about the watcher itself (watching, lost,
// regained, stepped; in their order) when somebody watched between first and last.
func Watched(facts []aweigh.Fact, first, last time.Time) []Span {
	var all []Span
	open, since := true, first
	lost := false // the engine does not answer: a watcher that begins meanwhile sees nothing either
	end := func(at time.Time) {
		if open && at.After(since) {
			all = append(all, Span{since, at})
		}
		open = false
	}
	for _, f := range facts {
		switch f.Kind {
		case aweigh.FactWatching:
			if !f.Since.IsZero() {
				end(f.Since)
			}
			if !open && !lost {
				open, since = true, f.At
			}
		case aweigh.FactLost:
			lost = true
			end(f.At)
		case aweigh.FactStepped: // the machine slept, or the clock was set: that time did not pass here
			if open && f.Step > 0 {
				end(f.At.Add(-f.Step))
				open, since = true, f.At
			}
		case aweigh.FactRegained:
			lost = false
			if !open {
				open, since = true, f.At
			}
		}
	}
	end(last)
	return all
}

// Known is the share of a span in which somebody watched, 0 to 1.
func (e Evidence) Known(s Span) float64 {
	if s.Length() <= 0 {
		return 0
	}
	var sum time.Duration
	for _, w := range e.Watched {
		from, to := w.From, w.To
		if from.Before(s.From) {
			from = s.From
		}
		if to.After(s.To) {
			to = s.To
		}
		if to.After(from) {
			sum += to.Sub(from)
		}
	}
	return float64(sum) / float64(s.Length())
}

// incidentOf is the incident that a start is involved in, "" if there is none.
func (e Evidence) incidentOf(start string) string {
	for n := range e.Incidents {
		if slices.Contains(e.Incidents[n].Starts, start) {
			return e.Incidents[n].ID
		}
	}
	return ""
}

// AnyProject is the project that a Reading is said to be of: nobody knows it.
const AnyProject = "*"

// Only is the evidence about some services.
func (e Evidence) Only(covers func(project, service string) bool) Evidence {
	all := e
	e.Starts, e.Incidents, e.Readings, e.Journals = nil, nil, nil, nil
	for _, s := range all.Starts {
		if covers(s.Project, s.Service) {
			e.Starts = append(e.Starts, s)
		}
	}
	for _, n := range all.Incidents {
		if covers(n.Project, n.Service) {
			e.Incidents = append(e.Incidents, n)
		}
	}
	for _, r := range all.Readings {
		if covers(AnyProject, r.Service) {
			e.Readings = append(e.Readings, r)
		}
	}
	for _, j := range all.Journals {
		others := func(t Target) bool { return !covers(t.Project, t.Service) }
		of := j.about()
		j.Targets, j.Changed = slices.DeleteFunc(slices.Clone(j.Targets), others), slices.DeleteFunc(slices.Clone(j.Changed), others)
		if slices.ContainsFunc(of, func(t Target) bool { return !others(t) }) {
			e.Journals = append(e.Journals, j)
		}
	}
	return e
}
