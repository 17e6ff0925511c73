package core

import (
	"time"

	"github.com/aweigh/aweigh"
)

// stepped is a clock that was set, or a machine that was suspended: what
// waited goes on to wait as long as it was to, and what has begun is as old as
// it was. Without this a clock that is put right at boot would time all starts
// out at once, and one that is set back would make each death older than its
// start, and so no news.
//
// What people were told keeps its times, and what they said as well: a
// maintenance window ends when they said.
func (s *State) stepped(f aweigh.Fact) {
	d := f.Step
	for _, i := range s.Instances {
		for _, l := range []*Life{i.Life, i.Before} {
			if l != nil {
				l.Clock += d
				shift(d, &l.Proven, &l.Deadline, &l.Kill, &l.Ended, &l.OOMAt)
			}
		}
		s.touch(i)
	}
	for _, v := range s.Services {
		shift(d, &v.Unproven, &v.Good, &v.Left, &v.Seen, &v.Talk.First, &v.Talk.Last)
		for n := range v.Crashes {
			shift(d, &v.Crashes[n].At)
		}
		for _, r := range v.Signals {
			shift(d, &r.At, &r.Since)
		}
		s.touchService(v)
	}
	for _, n := range s.Incidents {
		shift(d, &n.ResolveAt, &n.RemindAt, &n.EscalateAt)
		if !n.Open() {
			n.Clock += d
		}
		s.touchIncident(n)
	}
	for project, a := range s.Arrivals {
		shift(d, &a.Since, &a.Last)
		s.changes.touched["arrival:"+project] = a
	}
	shift(d, &s.Engine.Lost, &s.Engine.Watching, &s.Engine.Regained)
	s.changes.touched["engine:"] = &s.Engine
}

func shift(d time.Duration, times ...*time.Time) {
	for _, t := range times {
		if !t.IsZero() {
			*t = t.Add(d)
		}
	}
}

// began is when the life began, by the clock as it is set now.
func (l *Life) began() time.Time { return l.Start.Began.Add(l.Clock) }

// earliest is from when on a fact may belong to the life: it may have been
// told before the clock was set.
func (l *Life) earliest() time.Time {
	if l.Clock < 0 {
		return l.began()
	}
	return l.Start.Began
}

// latest is until when an inspection's word of a beginning may be about this
// life: the engine does not set its own words right.
func (l *Life) latest() time.Time {
	if l.Clock > 0 {
		return l.began()
	}
	return l.Start.Began
}
