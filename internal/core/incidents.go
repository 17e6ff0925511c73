package core

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aweigh/aweigh"
)

// Incident is an open incident, or one that was resolved lately, with what is
// due about it.
type Incident struct {
	aweigh.Incident
	Key   string `json:"key"` // of its service
	Group group  `json:"group"`
	// ResolveAt is when it will be resolved unless it happens again.
	ResolveAt  time.Time     `json:"resolve_at,omitzero"`
	Settle     time.Duration `json:"settle"`
	RemindAt   time.Time     `json:"remind_at,omitzero"`
	Pause      time.Duration `json:"pause,omitempty"` // before the next reminder
	EscalateAt time.Time     `json:"escalate_at,omitzero"`
	// Clock is how much the clock has been set forward since it was resolved.
	Clock time.Duration `json:"clock,omitempty"`
	// Muted says that a maintenance window keeps people from being told.
	Muted bool `json:"muted,omitempty"`
	// Untold says that nobody has been told of it yet.
	Untold bool `json:"untold,omitempty"`
	// Times counts how often it was opened again; Again says that this was for the
	// same kind of trouble.
	Times int  `json:"times,omitempty"`
	Again bool `json:"again,omitempty"`
}

const (
	// reopenWithin is how soon after it was resolved the same trouble is the
	// same incident again. What comes and goes every few minutes is one
	// incident with a count, not forty mails.
	reopenWithin = time.Hour
	maxSettle    = time.Hour
	maxPause     = 24 * time.Hour
	maxStarts    = 20
	maxComments  = 50
)

// closes is until when a resolved incident may be opened again.
func (n *Incident) closes() time.Time { return n.Resolved.Add(n.Clock + reopenWithin) }

// openIn is the open incident of a group.
func (s *State) openIn(v *Service, g group) *Incident {
	for _, n := range s.index.incidents[v.Key] {
		if n.Group == g && n.Open() {
			return n
		}
	}
	return nil
}

// openOf are all open incidents of a service, oldest first.
func (s *State) openOf(v *Service) []*Incident {
	var all []*Incident
	for _, n := range s.index.incidents[v.Key] {
		if n.Open() {
			all = append(all, n)
		}
	}
	return all
}

// incidentOf is the open incident that a life is involved in.
func (s *State) incidentOf(l *Life) *Incident {
	for _, id := range slices.Sorted(maps.Keys(s.Incidents)) {
		if n := s.Incidents[id]; n.Open() && slices.Contains(n.Starts, l.Start.ID) {
			s.touchIncident(n)
			return n
		}
	}
	return nil
}

// open opens an incident, or opens the last one of its group again. i is nil
// for what is about no instance.
func (s *State) open(v *Service, i *Instance, h happening) *Incident {
	settings := s.settings(v.Name, nil)
	if i != nil {
		settings = i.Settings
	}
	n := s.lately(v, h)
	if n != nil {
		n.Times++
		n.Count++
		n.Resolved, n.Clock, n.Resolution, n.Acknowledged, n.Escalated = nil, 0, "", nil, nil
		n.Settle = max(n.Settle, min(2*n.Settle, maxSettle))
		n.Kind, n.Again = h.kind, h.kind == n.Kind // what it was is over
	} else {
		n = &Incident{Key: v.Key, Group: h.group, Settle: h.settle, Untold: true}
		n.ID = aweigh.DerivedID(h.at, v.Key+"|"+string(h.group)+h.at.Format(time.RFC3339Nano))
		n.Kind, n.Service, n.Project, n.Host = h.kind, v.Name, v.Project, s.Host
		n.Opened, n.Count, n.Starts = h.at.UTC(), 1, []string{}
		if i != nil {
			n.Drill = i.Drill()
		}
		if h.group == starting {
			n.Count = max(1, v.Row) // with those that were not worth an incident yet
			if i != nil && h.life == i.Life && i.Before != nil && i.Before.Crash && i.Before.Start.InARow == v.Row-1 {
				n.involve(i.Before) // the first of a row tells the most
			}
		}
		s.Incidents[n.ID] = n
		s.index.opened(n)
	}
	n.Severity, n.Summary, n.Evidence, n.Last = h.severity, h.summary, h.lines, h.at.UTC()
	n.involve(h.life)
	if n.Cause = h.cause; n.Headline == "" {
		n.Headline = fmt.Sprintf("%s: %s: %s", n.Service, kindAndCause(n), h.summary)
	}
	n.arm(settings, h.at)
	n.Muted = s.muted(v, h.at)
	if h.over != "" {
		resolved := h.at.UTC()
		n.Resolved, n.Resolution = &resolved, h.over
		n.RemindAt, n.EscalateAt = time.Time{}, time.Time{}
	}
	s.touchIncident(n)
	s.tellOpen(n, h.at, h.life)
	return n
}

// tellOpen tells that an incident is open. It is opened once only to those who are
// told: of two mails with the id of its first one, mail systems drop the second.
func (s *State) tellOpen(n *Incident, at time.Time, l *Life) {
	if n.Untold {
		s.tell(aweigh.OnOpened, n, at, l)
	} else {
		s.tell(aweigh.OnRaised, n, at, l)
	}
}

// arm sets when people will be told again, unless one of them acknowledges it.
func (n *Incident) arm(settings Settings, at time.Time) {
	if n.Pause = settings.RemindEvery; n.Pause > 0 {
		n.RemindAt = at.Add(n.Pause).UTC()
	}
	if settings.EscalateAfter > 0 {
		n.EscalateAt = at.Add(settings.EscalateAfter).UTC()
	}
}

// believe takes what a later failure was diagnosed as, unless that knows less.
func (n *Incident) believe(c *aweigh.Cause) {
	if c.Named() || n.Cause == nil {
		n.Cause = c
	}
}

// lately is the incident of the group that was resolved a short while ago.
func (s *State) lately(v *Service, h happening) *Incident {
	var last *Incident
	for _, n := range s.index.incidents[v.Key] {
		if n.Group == h.group && !n.Open() && h.at.Before(n.closes()) &&
			(last == nil || n.ID > last.ID) {
			last = n
		}
	}
	return last
}

func (n *Incident) involve(l *Life) {
	if l == nil || slices.Contains(n.Starts, l.Start.ID) {
		return
	}
	if n.Starts = append(n.Starts, l.Start.ID); len(n.Starts) > maxStarts {
		// Of a loop keep the first start, and the newest.
		n.Starts = slices.Delete(n.Starts, 1, 2)
	}
}

// resolve ends an incident.
func (s *State) resolve(n *Incident, at time.Time, why string) {
	resolved := at.UTC()
	n.Resolved, n.Resolution = &resolved, why
	n.ResolveAt, n.RemindAt, n.EscalateAt = time.Time{}, time.Time{}, time.Time{}
	s.touchIncident(n)
	s.tell(aweigh.OnResolved, n, at, nil)
}

// acknowledged is a person's word that somebody is on it.
func (s *State) acknowledged(f aweigh.Fact) {
	n := s.Incidents[f.Incident]
	if n == nil || !n.Open() || n.Acknowledged != nil {
		return
	}
	n.Acknowledged = &aweigh.Acknowledged{At: f.At.UTC(), By: f.By, Note: f.Reason}
	n.RemindAt, n.EscalateAt = time.Time{}, time.Time{}
	s.touchIncident(n)
}

// commented keeps what a person said; of too much, the newest.
func (s *State) commented(f aweigh.Fact) {
	n := s.Incidents[f.Incident]
	if n == nil || f.Reason == "" {
		return
	}
	n.Comments = append(slices.Clone(n.Comments), aweigh.Comment{At: f.At.UTC(), By: f.By, Text: f.Reason})
	n.Comments = n.Comments[max(0, len(n.Comments)-maxComments):]
	s.touchIncident(n)
}

func (s *State) resolvedByHand(f aweigh.Fact) {
	n := s.Incidents[f.Incident]
	if n == nil || !n.Open() {
		return
	}
	why := "resolved by hand"
	if f.By != "" {
		why = "resolved by " + f.By
	}
	if f.Reason != "" {
		why += ": " + f.Reason
	}
	s.resolve(n, f.At, why)
	v := s.Services[n.Key]
	switch { // they know that: what is told again must be news
	case v == nil:
	case n.Group == starting:
		v.Unproven = time.Time{}
		s.touchService(v)
	case n.Group == serving:
		for _, i := range s.instancesOf(v) {
			if i.bad() {
				i.Life.Waived = true
				s.touch(i)
			}
		}
	}
}

// tell makes a notification of an incident, unless people are not to be told.
func (s *State) tell(occasion aweigh.Occasion, n *Incident, at time.Time, l *Life) {
	if n.Muted {
		return
	}
	n.Untold = false
	snapshot := n.Incident
	snapshot.Starts = slices.Clone(n.Starts)
	note := aweigh.Notification{
		ID:       aweigh.DerivedID(at, fmt.Sprintf("%s|%s|%d|%d", n.ID, occasion, n.Count, n.Times)),
		Occasion: occasion, At: at.UTC(), Host: s.Host, Incident: &snapshot,
		Title: title(occasion, n, at), Command: "aweigh show " + n.Service,
	}
	if n.Key == watcherKey {
		note.Command = "aweigh incidents show " + n.ID // it has no starts
	}
	if occasion != aweigh.OnResolved {
		note.Advice = advice(n)
	}
	if l != nil {
		start := l.Start
		note.Start = &start
		note.Command = "aweigh show " + start.ID
	}
	if v := s.Services[n.Key]; v != nil {
		note.Facts = facts(n, v, l)
	}
	s.changes.Notifications = append(s.changes.Notifications, note)
}
