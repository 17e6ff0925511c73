package core

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
)

// Next is when the next tick is due; zero when nothing waits for time.
func (s *State) Next() time.Time {
	var next time.Time
	soonest := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for _, i := range s.Instances {
		if i.alive() {
			soonest(i.Life.Deadline)
			if !i.Life.OOMAt.IsZero() {
				soonest(i.Life.OOMAt.Add(oomGrace))
			}
		}
		soonest(s.silenceDue(i))
	}
	for _, v := range s.Services {
		soonest(s.confirmDue(v))
		soonest(s.forgetDue(v))
		for _, r := range v.Signals {
			soonest(r.due())
		}
	}
	for _, n := range s.Incidents {
		soonest(n.ResolveAt)
		if n.ResolveAt.IsZero() {
			soonest(n.RemindAt)
			soonest(n.EscalateAt)
		}
		if !n.Open() {
			soonest(n.closes())
		}
	}
	for _, w := range s.Windows {
		soonest(s.windowDue(w))
	}
	for _, a := range s.Arrivals {
		soonest(a.due())
	}
	soonest(s.Engine.due())
	return next
}

// Due are the living instances that a tick at this time may judge, so that it
// can bring their last lines.
func (s *State) Due(now time.Time) []string {
	var all []string
	for _, i := range s.Instances {
		if !i.alive() {
			continue
		}
		v := s.Services[i.Service]
		if due(i.Life.Deadline, now) || !i.Life.OOMAt.IsZero() && due(i.Life.OOMAt.Add(oomGrace), now) ||
			due(s.silenceDue(i), now) || v != nil && due(s.confirmDue(v), now) {
			all = append(all, i.ID)
		}
	}
	return all
}

// tick does what is due. The order is that of names, so that the same history
// gives the same notifications.
func (s *State) tick(now time.Time) {
	for _, id := range slices.Sorted(maps.Keys(s.Instances)) {
		i := s.Instances[id]
		if i.alive() && due(i.Life.Deadline, now) {
			s.late(i, i.Life.Deadline)
		}
		if i.alive() && !i.Life.OOMAt.IsZero() && due(i.Life.OOMAt.Add(oomGrace), now) {
			s.survived(i, i.Life.OOMAt)
		}
		if at := s.silenceDue(i); due(at, now) {
			s.silence(i, at)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.Services)) {
		v := s.Services[key]
		if at := s.confirmDue(v); due(at, now) {
			s.unconfirmed(v, at)
		}
		if due(s.forgetDue(v), now) {
			delete(s.Services, key)
			s.forget("service:" + key)
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(v.Signals)) {
			if at := v.Signals[name].due(); due(at, now) {
				s.breached(v, v.Signals[name], at)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.Incidents)) {
		s.incidentDue(s.Incidents[id], now)
	}
	for _, id := range slices.Sorted(maps.Keys(s.Windows)) {
		if w := s.Windows[id]; due(s.windowDue(w), now) {
			s.endWindow(w, now)
		}
	}
	for _, project := range slices.Sorted(maps.Keys(s.Arrivals)) {
		if a := s.Arrivals[project]; due(a.due(), now) {
			s.tellArrival(project, a, now)
		}
	}
	if due(s.Engine.due(), now) {
		s.engineGone(now)
	}
}

func due(at, now time.Time) bool { return !at.IsZero() && !at.After(now) }

func (s *State) incidentDue(n *Incident, now time.Time) {
	switch {
	case !n.Open():
		if due(n.closes(), now) {
			delete(s.Incidents, n.ID)
			s.index.forgotten(n)
			s.forget("incident:" + n.ID)
		}
		return
	case due(n.ResolveAt, now):
		s.settled(n, n.ResolveAt)
		return
	case !n.ResolveAt.IsZero():
		return // all is well at the moment: nobody is woken to find it so
	}
	if due(n.EscalateAt, now) {
		escalated := now.UTC()
		n.Escalated, n.EscalateAt = &escalated, time.Time{}
		s.tell(aweigh.OnEscalated, n, escalated, nil)
		s.touchIncident(n)
	}
	if due(n.RemindAt, now) {
		s.tell(aweigh.OnReminder, n, now, nil)
		n.Pause = max(n.Pause, min(2*n.Pause, maxPause))
		n.RemindAt = now.Add(n.Pause).UTC()
		s.touchIncident(n)
	}
}

// settled resolves an incident after which all has been well for long enough.
func (s *State) settled(n *Incident, at time.Time) {
	v := s.Services[n.Key]
	why := "it is over"
	if v != nil {
		switch n.Group {
		case starting:
			why = "running since "
			if slices.ContainsFunc(s.instancesOf(v), func(i *Instance) bool { return i.alive() && !i.Life.Proven.IsZero() }) {
				why = "ready since "
			}
			why += v.Good.Format("15:04:05 MST")
			v.Row, v.Tally = 0, nil
			s.touchService(v)
			for _, i := range s.instancesOf(v) {
				i.Braked = false // it did not come about
				s.touch(i)
			}
		case serving:
			why = "serves again"
		case reaching:
			why = "a port that it publishes takes connections"
		case silent:
			why = "its log goes on"
		default:
			if strings.HasPrefix(string(n.Kind), "signal:") {
				why = "the signal is well again"
			}
		}
	}
	s.resolve(n, at, why)
}

// confirmDue is when a person must be told that a service has not come up,
// however it fails: starts that take turns in failing have no deadline that
// passes.
func (s *State) confirmDue(v *Service) time.Time {
	if v.Unproven.IsZero() || s.openIn(v, starting) != nil {
		return time.Time{}
	}
	var latest time.Time
	for _, i := range s.instancesOf(v) {
		if i.Proof() == ByNone || i.Proof() == ByGuess || i.Container.OneOff || i.Life == nil || !i.alive() && i.Stopped {
			continue
		}
		at := v.Unproven.Add(max(i.Settings.ConfirmWithin, i.patience()))
		if i.Proof() == ByWord && i.Life.Deadline.After(at) {
			at = i.Life.Deadline // its own
		}
		if at.After(latest) {
			latest = at
		}
	}
	if looked := s.Engine.Watching.Add(lookAround); !latest.IsZero() && latest.Before(looked) && v.Unproven.Before(s.Engine.Watching) {
		return looked
	}
	return latest
}

// rememberService is how long a service is remembered of which there is no instance
// any more. A host that runs jobs in containers without a name has a new one for each.
const rememberService = 7 * 24 * time.Hour

// forgetDue is when nothing that is known of a service matters any more.
func (s *State) forgetDue(v *Service) time.Time {
	if v.Seen.IsZero() || len(v.Signals) > 0 || len(s.index.instances[v.Key]) > 0 || len(s.index.incidents[v.Key]) > 0 {
		return time.Time{}
	}
	return v.Seen.Add(rememberService)
}

func (s *State) unconfirmed(v *Service, at time.Time) {
	for _, i := range s.instancesOf(v) {
		l := i.Life
		if l == nil || !l.Proven.IsZero() || i.Stopped {
			continue
		}
		reason := l.why()
		if v.Row > 0 {
			reason = fmt.Sprintf("%s failed (%s); %s", counted(v.Row, "start"), tallied(v), reason)
		}
		cause := s.causes[i.ID]
		if cause == nil && i.Before != nil {
			cause = i.Before.Start.Cause // it was started again a moment ago
		}
		s.trouble(i, happening{kind: aweigh.StartupUnconfirmed, severity: aweigh.Critical, at: at, life: l, cause: cause,
			summary: fmt.Sprintf("not proven ready within %s: %s", human(at.Sub(v.Unproven)), reason)})
		break
	}
	v.Unproven = time.Time{} // told, or there is nobody left to tell of
	s.touchService(v)
}
