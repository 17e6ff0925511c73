package core

import (
	"fmt"
	"time"

	"github.com/aweigh/aweigh"
)

// Talk is how a service's log goes: some talk all the time, and their silence
// means something; most do not.
type Talk struct {
	First time.Time     `json:"first,omitzero"`
	Last  time.Time     `json:"last,omitzero"`
	Gap   time.Duration `json:"gap,omitempty"` // the longest of this day
	// Earlier is the longest of the day before: at the turn of a day it is known
	// still that a service pauses.
	Earlier time.Duration `json:"earlier_gap,omitempty"`
}

// learn is how long a service must have talked at most, never pausing for longer
// than half of what counts as silence, before its silence is an incident. Without
// that every web server would raise one each night.
const learn = time.Hour

// learning is learn where silence is shorter than usual: twelve times as long.
func learning(silence time.Duration) time.Duration { return min(learn, 12*silence) }

// talks reports whether the service is one that talks.
func (t Talk) talks(silence time.Duration) bool {
	return t.Last.Sub(t.First) >= learning(silence) && t.longest() <= silence/2
}

func (t Talk) longest() time.Duration { return max(t.Gap, t.Earlier) }

// talked is output in an instance's log. The watcher tells at most one in a
// tenth of the time that counts as silence.
func (s *State) talked(f aweigh.Fact) {
	i := s.instance(f)
	if i == nil || i.Settings.Silence == 0 {
		return
	}
	v := s.service(i)
	t := &v.Talk
	n := s.openIn(v, silent)
	switch {
	case t.First.IsZero():
		t.First = f.At.UTC()
	case n != nil && n.ResolveAt.IsZero():
		n.ResolveAt = f.At.Add(n.Settle).UTC() // that silence was the exception
		s.touchIncident(n)
	case !t.Last.IsZero() && f.At.After(t.Last):
		t.Gap = max(t.Gap, f.At.Sub(s.pausing(i, v)))
	}
	if f.At.After(t.Last) {
		t.Last = f.At.UTC()
	}
	if t.Last.Sub(t.First) > 24*time.Hour {
		t.First, t.Gap, t.Earlier = t.Last.Add(-learn), 0, t.Gap
	}
}

// silenceDue is when the silence of an instance's service becomes an incident.
func (s *State) silenceDue(i *Instance) time.Time {
	v := s.Services[i.Service]
	if v == nil || i.Settings.Silence == 0 || !i.alive() || !i.Life.Up || v.Talk.Last.IsZero() || !s.Engine.Lost.IsZero() ||
		!v.Talk.talks(i.Settings.Silence) {
		return time.Time{}
	}
	if n := s.openIn(v, silent); n != nil && n.ResolveAt.IsZero() {
		return time.Time{} // it is known
	}
	return s.pausing(i, v).Add(i.Settings.Silence)
}

// pausing is since when the log of a service pauses. What nobody could hear, as it
// was down, or the watcher or the engine was away, is no pause.
func (s *State) pausing(i *Instance, v *Service) time.Time {
	since := v.Talk.Last
	for _, t := range []time.Time{s.Engine.Watching, s.Engine.Regained} {
		if t.After(since) {
			since = t
		}
	}
	if l := i.Life; l != nil && l.began().After(since) {
		since = l.began()
	}
	return since
}

func (s *State) silence(i *Instance, at time.Time) {
	v := s.Services[i.Service]
	s.trouble(i, happening{group: silent, kind: aweigh.Silence, severity: aweigh.Warning, at: at, life: i.Life, settle: time.Minute,
		summary: fmt.Sprintf("its log has been silent since %s; it never paused for longer than %s before", v.Talk.Last.Format("15:04:05 MST"), human(v.Talk.longest()))})
}
