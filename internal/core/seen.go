package core

import (
	"strings"
	"time"

	"github.com/aweigh/aweigh"
)

// seenLate is how old a life may be when an inspection finds it for its time to
// ready to be worth telling.
const seenLate = 2 * time.Second

// seen is an inspection: it finds out what no event told.
func (s *State) seen(f aweigh.Fact) {
	c := f.Container
	before := 0
	known := s.Instances[f.Instance]
	if known != nil {
		before = known.Container.RestartCount
	}
	i := s.instance(f)
	if i == nil {
		return
	}
	l := i.Life
	switch c.Status {
	case "running", "paused":
		switch {
		case l == nil:
			l = s.begin(i, c.Started, true)
			l.SeenLate = f.At.Sub(c.Started) > seenLate
			s.alreadyUp(i, l, f.At)
		case l.Alive && c.Started.After(l.latest()), !l.Alive && c.Started.After(l.Ended):
			missed := c.RestartCount - before
			byHand := missed < 0 // that sets the count back
			switch {
			case l.Alive:
				s.endUnseen(i, l, c.Started)
				l.Counted = missed > 0
			case !byHand:
				missed-- // the death that is known was followed by one
			}
			if byHand {
				missed = c.RestartCount
			}
			s.begin(i, c.Started, true).SeenLate = f.At.Sub(c.Started) > seenLate
			s.missed(i, missed, f.At)
		}
		if i.alive() && c.Health != "" && c.Health != i.Life.Health {
			s.healthIs(i, c.Health, f.Reason, f.At)
		}
	case "exited", "dead", "restarting":
		switch {
		case l == nil:
		case l.Alive && (c.Finished.After(l.earliest()) || l.isOf(c)):
			s.foundDead(i, l, f)
		case !l.Alive && !l.Started.IsZero() && c.Started.After(l.Started) && c.Started.After(l.Ended):
			s.foundDead(i, s.begin(i, c.Started, true), f) // nobody saw any of it
		}
	}
	// One that has run before, and cannot be started again, as after the machine
	// was: of one that nobody has seen alive this may be an old story.
	if c.Error != "" && (c.Status == "created" || c.Status == "exited" && known != nil) {
		s.refused(f)
	}
}

// alreadyUp lets a container that ran long before it was seen count as up: its
// start is unknown, what it does from now on is not.
func (s *State) alreadyUp(i *Instance, l *Life, now time.Time) {
	if now.Sub(l.began()) < i.Settings.StartupTimeout {
		return
	}
	l.Up, l.Deadline = true, time.Time{}
	l.Start.Verdict, l.Start.Run = aweigh.Unknown, &aweigh.Run{}
	l.Start.Reason = "nobody was watching: it ran already"
	v := s.service(i)
	v.Unproven = time.Time{}
	s.touchStart(l)
}

// missed counts restarts that the engine counted and no event told.
func (s *State) missed(i *Instance, n int, at time.Time) {
	if n <= 0 {
		return
	}
	v := s.service(i)
	for range min(n, 50) {
		v.Crashes = append(v.Crashes, Crash{At: at.UTC(), Instance: i.ID})
	}
	v.failed(n, "restarted unseen")
	s.troubleOfCrash(i, v, i.Life, at, crash{was: "restarted", unseen: n})
}

// foundDead is an end that an inspection found. What it was like is judged by
// its exit status alone, for nobody saw whether it was asked for.
func (s *State) foundDead(i *Instance, l *Life, f aweigh.Fact) {
	exit := f.Container.Exit
	if exit == nil {
		exit = &aweigh.Exit{}
	}
	l.Found = true
	ended := f.Container.Finished
	if ended.IsZero() {
		ended = f.At // an engine that was killed may not know, nor the exit status
	}
	if ended.Before(l.began()) {
		// Engine 20.10 takes the end from containerd before it comes to note the
		// beginning of what lives for milliseconds.
		ended = l.began()
	}
	restarted := f.Container.Status == "restarting"
	lost := !s.Engine.Lost.IsZero() && f.Container.Finished.After(s.Engine.Lost.Add(-slack))
	asked := exit.Code == 0 || exit.Code == 143 || exit.Code == 137 && !exit.OOM
	f.Exit, f.At = exit, ended
	if (asked || lost) && !restarted && l.Kill.IsZero() && !(exit.Code == 0 && i.job() && !f.Container.Finished.IsZero()) {
		l.Start.Exit = exit
		s.endUnseen(i, l, ended)
		v := s.service(i)
		v.Unproven = time.Time{}
		return
	}
	s.end(i, l, f)
}

// endUnseen ends a life of which nobody saw the end.
func (s *State) endUnseen(i *Instance, l *Life, by time.Time) {
	l.Alive, l.Unseen, l.Ended, l.Deadline = false, true, by.UTC(), time.Time{}
	const reason = "nobody saw its end"
	if !l.Up && l.Start.Verdict == "" {
		l.Start.Verdict, l.Start.Reason = aweigh.Unknown, reason
	} else if l.Start.Run != nil && l.Start.Run.End == "" {
		l.Start.Run.End, l.Start.Run.Reason = aweigh.RunUnknown, reason
	}
	s.touch(i)
	s.touchStart(l)
}

// undoUnseen takes back what endUnseen said.
func (s *State) undoUnseen(l *Life) {
	l.Unseen = false
	if !l.Up {
		l.Start.Verdict, l.Start.Reason = "", ""
	} else if l.Start.Run != nil {
		l.Start.Run.End, l.Start.Run.Reason = "", ""
	}
}

// refusal begins the identity of a refused start. Inspections go on to tell of it.
const refusal = "refused/"

// refused is a start that the engine could not make: a taken port, a missing
// program. No `die` follows, and no restart policy tries again.
func (s *State) refused(f aweigh.Fact) {
	i := s.instance(f)
	if i == nil {
		return
	}
	id := refusal + i.ID + "/" + f.Container.Error
	if !i.takes(aweigh.Fact{ID: id}) || i.alive() {
		return
	}
	l := s.begin(i, f.At, false)
	l.Alive, l.Ended, l.Deadline, l.Crash = false, f.At.UTC(), time.Time{}, true
	took := int64(0)
	l.Start.Verdict, l.Start.Reason, l.Start.TookMS = aweigh.Refused, plainError(f.Container.Error), &took
	l.Start.Cause = f.Cause
	v := s.service(i)
	v.failed(1, "not started by the engine")
	l.Start.InARow = v.Row
	s.trouble(i, happening{kind: aweigh.StartupFailed, severity: aweigh.Critical, at: f.At, life: l,
		summary: "the engine could not start it: " + plainError(f.Container.Error)})
}

// plainError is an error of the engine without what it means to nobody: which
// endpoint of which network a port could not be bound for.
func plainError(text string) string {
	if _, rest, ok := strings.Cut(text, "): "); ok && strings.HasPrefix(text, "driver failed programming external connectivity") {
		return rest
	}
	return text
}
