package core

import (
	"fmt"
	"time"

	"github.com/aweigh/aweigh"
)

// group is what an incident is about. A service has at most one open incident
// of each group, so that one trouble is one incident, whatever it grows into.
type group string

const (
	starting group = "starting" // its starts, and its ends
	serving  group = "serving"  // what it answers while it runs
	reaching group = "reaching" // whether what it publishes leads to it
	silent   group = "silent"
	// signals and the watcher's gaps have the incident's kind as their group.
)

// gravity orders the kinds of a group: while it is open an incident only ever grows
// worse.
var gravity = map[aweigh.IncidentKind]int{
	aweigh.UnexpectedRestart:  1,
	aweigh.StartupUnconfirmed: 2,
	aweigh.OOMKilled:          3,
	aweigh.StartupFailed:      4,
	aweigh.NotServing:         5,
	aweigh.CrashLoop:          6,
}

// happening is one more occurrence of a trouble.
type happening struct {
	group    group // starting when empty
	kind     aweigh.IncidentKind
	severity aweigh.Severity
	at       time.Time
	life     *Life
	summary  string
	lines    []string
	cause    *aweigh.Cause
	settle   time.Duration // the instance's when zero
	quiet    bool          // counts, but is not worth an incident of its own
	news     bool          // is told, even if it is no worse than what is open
	over     string        // why it is over in the same breath: one message tells both
	counted  bool          // a start that has failed already, and now has ended
}

// troubleOfCrash decides what a crash amounts to.
func (s *State) troubleOfCrash(i *Instance, v *Service, l *Life, at time.Time, c crash) {
	v.Crashes = within(v.Crashes, at.Add(-i.Settings.LoopWindow))
	h := happening{at: at, life: l, lines: c.lines, summary: c.was + lastWords(c.words), counted: c.counted}
	exit := l.Start.Exit
	again := l.Again || c.unseen > 0
	excused := s.excused(i, v)
	n, row := len(v.Crashes)-excused, v.Row-excused
	switch {
	case n >= i.Settings.LoopCrashes:
		h.kind, h.severity = aweigh.CrashLoop, aweigh.Critical
		h.summary = fmt.Sprintf("crashed %d times within %s, at last: %s", n, human(i.Settings.LoopWindow), h.summary)
	case i.Container.Policy == UnknownPolicy && l.Up:
		h.kind, h.severity = aweigh.NotServing, aweigh.Critical
	case i.Container.Policy == UnknownPolicy:
		h.kind, h.severity = aweigh.StartupFailed, aweigh.Critical
	case !again && l.Up:
		h.kind, h.severity = aweigh.NotServing, aweigh.Critical
		h.summary += "; nothing will restart it"
	case !again:
		h.kind, h.severity = aweigh.StartupFailed, aweigh.Critical
		h.summary += "; nothing will restart it"
	case exit != nil && exit.OOM:
		h.kind, h.severity = aweigh.OOMKilled, aweigh.Warning
	case l.Up || c.unseen > 0:
		h.kind, h.severity = aweigh.UnexpectedRestart, aweigh.Warning
	default:
		// One failed start that is tried again is often a dependency that was
		// not up yet; the second in a row is not. A service that ends with 0
		// under `always` may mean it, until it is a loop.
		h.kind, h.severity = aweigh.StartupFailed, aweigh.Critical
		h.quiet = n < 2 && row < 2 || exit != nil && exit.Code == 0
	}
	if s.brakes(i, v) {
		h.summary = fmt.Sprintf("Aweigh has stopped it after %d failures in a row (crash_loop.brake): %s", v.Row, h.summary)
		h.kind, h.severity, h.quiet, h.news = aweigh.CrashLoop, aweigh.Critical, false, !i.Braked // it is down now
		i.Braked = true
		s.changes.Brake = append(s.changes.Brake, i.ID) // once more, if it was quicker than that
	}
	s.trouble(i, h)
}

// excused counts the replicas beside an instance that failed once, each for itself:
// when the dependency of three is not up yet, that is three first failures and no
// loop.
func (s *State) excused(i *Instance, v *Service) (n int) {
	each := map[string]int{}
	for _, c := range v.Crashes {
		each[c.Instance]++
	}
	for _, c := range v.Crashes {
		other := s.Instances[c.Instance]
		if c.Early && c.Instance != i.ID && each[c.Instance] == 1 && other != nil && other.goesOn() {
			n++
		}
	}
	return n
}

// brakes reports whether a loop has gone on for as long as the user allows, so that
// it is to be stopped.
func (s *State) brakes(i *Instance, v *Service) bool {
	switch {
	case i.Settings.Brake == 0 || v.Row < i.Settings.Brake || !i.Life.Again:
		return false
	case v.Row > 1 && (i.Before == nil || !i.Before.Crash):
		return false // the row is that of another replica
	}
	return true
}

// trouble opens an incident, or adds to the one that is open.
func (s *State) trouble(i *Instance, h happening) {
	if i.Container.OneOff {
		return // a person runs it, and looks at it
	}
	v := s.service(i)
	if h.group == "" {
		h.group = starting
	}
	if h.settle == 0 {
		h.settle = i.Settings.Settle
	}
	if h.lines == nil {
		h.lines = s.tails[i.ID]
	}
	if h.cause == nil {
		h.cause = s.causes[i.ID]
	}
	if h.cause == nil && h.life != nil && h.group == starting {
		h.cause = h.life.Start.Cause
	}
	n := s.openIn(v, h.group)
	switch {
	case n == nil && h.quiet:
		return
	case n == nil:
		s.open(v, i, h)
		return
	}
	s.add(n, v, h)
}

// add is one more occurrence of an open incident.
func (s *State) add(n *Incident, v *Service, h happening) {
	if !h.counted {
		n.Count++
	}
	n.Last = h.at.UTC()
	n.ResolveAt = time.Time{}
	n.involve(h.life)
	if len(h.lines) > 0 {
		n.Evidence = h.lines
	}
	if h.quiet {
		s.touchIncident(n)
		s.unmute(n, v, h.at, h.life)
		return
	}
	n.Summary = h.summary
	n.believe(h.cause)
	worse := gravity[h.kind] > gravity[n.Kind]
	if worse || n.Severity == aweigh.Warning && h.severity == aweigh.Critical {
		n.Severity, h.news = h.severity, true
	}
	if worse {
		n.Kind = h.kind
	}
	if n.Muted {
		s.unmute(n, v, h.at, h.life)
	} else if h.news {
		s.tell(aweigh.OnRaised, n, h.at, h.life)
	}
	s.touchIncident(n)
}

// within keeps the crashes that are not before since.
func within(crashes []Crash, since time.Time) []Crash {
	kept := crashes[:0]
	for _, c := range crashes {
		if !c.At.Before(since) {
			kept = append(kept, c)
		}
	}
	return kept
}
