package objective

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
)

// tally is what a window comes to.
type tally struct {
	good, bad, unknown int
	breaks             []Break
	when               []Span // of all that is bad: a break may last
}

func (t *tally) add(o outcome, b Break) {
	switch o {
	case good:
		t.good++
	case bad:
		t.bad++
		t.breaks = append(t.breaks, b)
		t.when = append(t.when, moment(b.At))
	case unknown:
		t.unknown++
	}
}

// kind is how one kind of promise is counted.
type kind struct {
	unit  string // what is counted, in the plural
	share bool   // it is a share of what is counted, not a number of breaks
	count func(Objective, Evidence, Span) tally
}

var kinds = map[Kind]kind{
	Restarts:    {"days", false, restarts},
	Silence:     {"days", false, silences},
	Deployments: {"deployments", true, deployments},
	Told:        {"deployments", true, told},
	Signal:      {"readings", true, readings},
}

// restarts counts ends that nobody asked for.
func restarts(o Objective, e Evidence, s Span) tally {
	var t tally
	for _, start := range e.Starts {
		at, ended := Unasked(start)
		if ended && s.Contains(at) && o.Covers(start.Service) {
			t.add(bad, Break{At: at, Service: start.Service, Start: start.ID, What: why(start)})
		}
	}
	return t
}

// Unasked reports whether a start or its run ended without anybody asking for
// it, and when.
func Unasked(s aweigh.Start) (time.Time, bool) {
	switch {
	case s.Run != nil && (s.Run.End == aweigh.RunCrashed || s.Run.End == aweigh.RunOOMKilled):
		if s.Run.Ended != nil {
			return *s.Run.Ended, true
		}
		return s.Began, true
	case s.Verdict == aweigh.Crashed || givenUp(s):
		if s.TookMS != nil {
			return s.Began.Add(time.Duration(*s.TookMS) * time.Millisecond), true
		}
		return s.Began, true
	}
	return s.Began, false
}

// givenUp reports whether aweigh-init has ended a start, by its exit status. Without
// it a start that has timed out may live on, and be stopped by a person later.
func givenUp(s aweigh.Start) bool {
	return s.Exit != nil && (s.Verdict == aweigh.TimedOut && s.Exit.Code == 124 || s.Verdict == aweigh.Refused && s.Exit.Code == 98)
}

func why(s aweigh.Start) string {
	if s.Run != nil && s.Run.Reason != "" {
		return s.Run.Reason
	}
	return s.Reason
}

// silences counts incidents of that kind, for as long as they last.
func silences(o Objective, e Evidence, s Span) tally {
	var t tally
	for _, n := range e.Incidents {
		lasted := Span{n.Opened, e.Now}
		if n.Resolved != nil {
			lasted.To = *n.Resolved
		}
		if n.Kind == aweigh.Silence && (s.Contains(n.Opened) || s.overlaps(lasted)) && o.Covers(n.Service) {
			t.add(bad, Break{At: n.Opened, Service: n.Service, Incident: n.ID, What: n.Summary})
			t.when = append(t.when, lasted)
		}
	}
	return t
}

func deployments(o Objective, e Evidence, s Span) tally {
	var t tally
	for _, d := range e.deploymentsOf(o, s) {
		b, last := d.fault(o.Within)
		reason := why(last)
		b.What = fmt.Sprintf("not ready within %s", span(o.Within))
		if j := d.Journal; j != nil && j.Failed {
			b.What, reason = cmp.Or(j.Outcome, "failed"), j.Why
		}
		if reason != "" {
			b.What += ": " + reason
		}
		t.add(d.readyWithin(o.Within, e.Now), b)
	}
	return t
}

// told counts deployments of which a person heard in time, whether they went
// well or not. The time of one with a journal begins when it has ended: until then
// there is nothing to tell.
func told(o Objective, e Evidence, s Span) tally {
	var t tally
	for _, d := range e.deploymentsOf(o, s) {
		begin := d.At
		if d.Journal != nil {
			if d.Journal.Outcome == "" {
				continue
			}
			begin = d.Journal.Last
		}
		at, heard := e.heard(d)
		took := at.Sub(begin)
		b, _ := d.fault(o.Within)
		b.What = "nobody was told"
		switch {
		case heard && took <= o.Within:
			t.add(good, b)
		case heard:
			b.What = fmt.Sprintf("told after %s", took.Round(time.Second))
			t.add(bad, b)
		case e.Now.Sub(begin) > o.Within:
			t.add(bad, b)
		}
	}
	return t
}

// heard is when a person first heard how a deployment went.
func (e Evidence) heard(d Deployment) (first time.Time, ok bool) {
	for _, t := range e.Tellings {
		if (!ok || t.At.Before(first)) && d.toldBy(t.Notification) {
			first, ok = t.At, true
		}
	}
	return first, ok
}

// toldBy reports whether a notification says how a deployment went.
func (d Deployment) toldBy(n aweigh.Notification) bool {
	switch {
	case n.At.Before(d.At):
		return false
	case n.Occasion == aweigh.OnDeploying: // its beginning is told as well
		return d.Journal != nil && n.Deployment == d.Journal.ID && !n.At.Before(d.Journal.Decided)
	case n.Occasion == aweigh.OnReady && slices.ContainsFunc(d.Services(), func(s string) bool { return slices.Contains(n.Services, s) }):
		return true
	case n.Incident == nil:
		return false
	}
	return slices.ContainsFunc(d.New, func(i Instance) bool {
		return slices.ContainsFunc(i.Starts, func(s aweigh.Start) bool { return slices.Contains(n.Incident.Starts, s.ID) })
	})
}

// readings counts those of a signal. Bad ones in a row are one break.
func readings(o Objective, e Evidence, s Span) tally {
	var t tally
	var row *Break
	for _, r := range e.Readings {
		if r.Name != o.Signal || !s.Contains(r.At) || !o.Covers(r.Service) {
			continue
		}
		switch o.judge(r) {
		case good:
			t.good++
			row = nil
		case bad:
			t.bad++
			t.when = append(t.when, moment(r.At))
			if row == nil {
				t.breaks = append(t.breaks, Break{At: r.At, Service: r.Service, Incident: e.signalIncident(r), What: values(r)})
				row = &t.breaks[len(t.breaks)-1]
			}
		default:
			t.unknown++
		}
	}
	return t
}

func (o Objective) judge(r Reading) outcome {
	switch {
	case r.State != "ok" && r.State != "breached":
		return unknown
	case o.Value != "":
		v, there := r.Values[o.Value]
		switch {
		case !there:
			return unknown
		case v > o.Above:
			return good
		}
		return bad
	case r.State == "ok":
		return good
	}
	return bad
}

// signalIncident is the incident of a signal that was open at a reading, or was
// opened within the hour after.
func (e Evidence) signalIncident(r Reading) string {
	for _, n := range e.Incidents {
		if n.Kind == aweigh.SignalKind(r.Name) && n.Opened.Before(r.At.Add(time.Hour)) && (n.Resolved == nil || n.Resolved.After(r.At)) {
			return n.ID
		}
	}
	return ""
}

func values(r Reading) string {
	var parts []string
	for name, v := range r.Values {
		parts = append(parts, fmt.Sprintf("%s %g", name, v))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
