package core

import (
	"fmt"
	"slices"
	"time"

	"github.com/aweigh/aweigh"
)

// answered is an answer to the watcher's own probe.
func (s *State) answered(f aweigh.Fact) {
	i := s.instance(f)
	if i == nil || !i.takes(f) || !i.alive() || f.At.Before(i.Life.earliest()) {
		return
	}
	if !f.OK && i.Container.Status == "paused" {
		return // somebody wanted that
	}
	l := i.Life
	if l.Start.Probe == nil {
		l.Start.Probe = &aweigh.Probe{}
	}
	if f.Target != "" {
		l.Start.Probe.Target = f.Target
	}
	if l.Proven.IsZero() && l.Start.Verdict == "" {
		l.Attempts++
	}
	if !f.OK {
		l.LastError = f.Reason
		l.Start.Probe.LastError = f.Reason
		s.touchStart(l)
		if l.Up && i.counts() {
			l.Failures++
			s.fails(i, f.At, l.Failures)
		}
		return
	}
	l.Failures, l.Answered = 0, true
	if l.Proven.IsZero() {
		s.ready(i, f.At, "it answers "+f.Target)
		return
	}
	s.servesAgain(s.service(i), f.At)
}

// counts reports whether a failed answer means that it does not serve. What its
// health check asks inside the container may be out of the host's reach, such as
// a port on its loopback: then nothing was ever answered, and the engine's word
// alone counts.
func (i *Instance) counts() bool {
	switch i.Proof() {
	case ByGuess:
		return false
	case ByHealth:
		return i.Life.Answered
	}
	return true
}

// fails counts failed answers of a service that was up.
func (s *State) fails(i *Instance, at time.Time, failures int) {
	if failures < i.Settings.Retries || !i.alive() || !i.Life.Up || i.Life.Waived {
		return
	}
	v := s.service(i)
	if n := s.openIn(v, serving); n != nil && n.Severity == aweigh.Critical {
		n.ResolveAt = time.Time{} // it had begun to settle
		s.touchIncident(n)
		s.unmute(n, v, at, i.Life)
		return
	}
	summary := "serves no more: " + i.Life.why()
	if i.Life.Proven.IsZero() {
		summary = "does not serve: " + i.Life.why()
	}
	s.trouble(i, happening{group: serving, kind: aweigh.NotServing, severity: aweigh.Critical, at: at, life: i.Life,
		summary: summary, settle: i.settleServing()})
}

// settleServing is how long answers must be good again: as many as were bad.
func (i *Instance) settleServing() time.Duration {
	return time.Duration(i.Settings.Retries) * i.Settings.Interval
}

// servesAgain begins the settling of an incident about what a service answers,
// unless one of its instances is bad still, or has yet to come up: it may be the one.
func (s *State) servesAgain(v *Service, at time.Time) {
	for _, i := range s.instancesOf(v) {
		if i.Life != nil && i.Life.Waived && !i.bad() {
			i.Life.Waived = false
			s.touch(i)
		}
	}
	s.settles(v, serving, func(i *Instance) bool { return i.bad() || i.coming() }, at)
}

func (s *State) settles(v *Service, g group, bad func(*Instance) bool, at time.Time) {
	n := s.openIn(v, g)
	if n == nil || !n.ResolveAt.IsZero() || slices.ContainsFunc(s.instancesOf(v), bad) {
		return
	}
	n.ResolveAt = at.Add(n.Settle).UTC()
	s.touchIncident(n)
}

// bad reports whether the last word of a living instance is that it does not serve.
func (i *Instance) bad() bool {
	return i.alive() && (i.Life.Health == "unhealthy" || i.Life.Failures >= max(1, i.Settings.Retries))
}

// reached is whether anything takes a connection at a port that it publishes. Its
// own proof may be good without: a health check asks the container's loopback, and a
// port may be published that is not the one on which it listens.
func (s *State) reached(f aweigh.Fact) {
	i := s.instance(f)
	if i == nil || !i.takes(f) || !i.alive() || f.At.Before(i.Life.earliest()) || !i.Life.Up {
		return
	}
	if i.Life.Unreached != !f.OK {
		i.Life.Unreached = !f.OK
		s.touch(i)
	}
	if !f.OK {
		c := &i.Container
		s.trouble(i, happening{group: reaching, kind: aweigh.Unreachable, severity: aweigh.Warning, at: f.At, life: i.Life, settle: i.settleServing(),
			summary: fmt.Sprintf("it is ready, but nothing listens on what it publishes: port %s at its address %s", numbers(c.Published), c.Addr)})
		return
	}
	s.reachedAgain(s.service(i), f.At)
}

// reachedAgain begins the settling of an incident about the ports that a service
// publishes, unless those of one of its instances lead nowhere still.
func (s *State) reachedAgain(v *Service, at time.Time) {
	s.settles(v, reaching, func(i *Instance) bool { return i.alive() && i.Life.Unreached }, at)
}

// health is a verdict of the container's own health check.
func (s *State) health(f aweigh.Fact) {
	i := s.instance(f)
	if i == nil || !i.takes(f) || !i.alive() || f.At.Before(i.Life.earliest()) {
		return
	}
	status := "unhealthy"
	if f.OK {
		status = "healthy"
	}
	s.healthIs(i, status, f.Reason, f.At)
}

func (s *State) healthIs(i *Instance, status, reason string, at time.Time) {
	l := i.Life
	l.Health = status
	s.touch(i)
	switch status {
	case "healthy":
		if l.Proven.IsZero() {
			s.ready(i, at, "its own health check passes")
		}
		s.servesAgain(s.service(i), at)
	case "unhealthy":
		summary := "its own health check fails"
		if reason != "" {
			summary += ": " + reason
		}
		severity := aweigh.Critical
		if !l.Proven.IsZero() && l.Failures == 0 && i.Proof() == ByProbe {
			summary += fmt.Sprintf(" (the probe %s is answered well)", l.Start.Probe.Target)
			severity = aweigh.Warning
		}
		l.LastError = summary
		s.trouble(i, happening{group: serving, kind: aweigh.Unhealthy, severity: severity, at: at, life: l,
			summary: summary, settle: i.settleServing()})
	}
}
