package core

import (
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
)

// slack is how much earlier than its connection broke the engine may have
// ended a container because it was itself told to stop.
const slack = 10 * time.Second

// started is the engine's word that a container runs.
func (s *State) started(f aweigh.Fact) {
	i := s.instance(f)
	if i == nil || !i.takes(f) {
		return
	}
	l := i.Life
	switch {
	case l == nil:
	case f.At.Before(l.earliest()):
		return // it came late: a later life is known
	case l.Inspected && (l.Alive || l.isOf(f.Container)):
		l.Inspected = false // an inspection was quicker than the event
		return
	case l.Alive:
		s.endUnseen(i, l, f.At)
	}
	l = s.begin(i, f.At, false)
	i.Recent = slices.DeleteFunc(i.Recent, func(id string) bool { return strings.HasPrefix(id, refusal) }) // the next one is another
	// The inspection after the event may show a later life already or, where there
	// was none, the life before.
	if c := f.Container; c != nil && !c.Started.After(f.At) && (i.Before == nil || !i.Before.isOf(c)) {
		l.Started = c.Started
	}
	if f.Said != nil && f.Said.Start != "" {
		delete(s.changes.starts, l.Start.ID)
		l.Start.ID, l.Start.Record = f.Said.Start, i.Container.Service+"/"+f.Said.Start // its record knows it by that name
		s.touchStart(l)
	}
}

// begin begins a life.
func (s *State) begin(i *Instance, at time.Time, inspected bool) *Life {
	at = at.UTC()
	v := s.service(i)
	if i.Life != nil {
		i.Before = i.Life
	}
	l := &Life{Alive: true, Inspected: inspected, Deadline: at.Add(max(i.Settings.StartupTimeout, i.patience()))}
	if inspected {
		l.Started = at
	}
	l.Start = aweigh.Start{ID: aweigh.DerivedID(at, i.ID+at.Format(time.RFC3339Nano)), Service: v.Name, Project: v.Project,
		Instance: short(i.ID), Host: s.Host, Began: at, Image: i.Container.Image, ImageID: i.Container.ImageID, Drill: i.Drill(), OneOff: i.Container.OneOff}
	i.Braked = i.Braked && !i.Stopped // else the engine was quicker than our stop
	i.Life, i.Stopped = l, false
	i.Lives++
	v.Seen = at
	if v.Unproven.IsZero() {
		v.Unproven = at
	}
	s.replaces(i, v, at)
	s.touchStart(l)
	return l
}

// replaceWithin is how soon after a deliberate stop another instance of the
// service makes it a replacement.
const replaceWithin = time.Minute

// replaces turns the end of a service's former instance into `replaced` when a
// new one takes its place: `compose up` with a changed image, a deployment.
func (s *State) replaces(i *Instance, v *Service, at time.Time) {
	if v.Left.IsZero() || v.LeftLife == i.ID {
		return
	}
	last := v.LeftStart
	if old := s.Instances[v.LeftLife]; old != nil && old.Life != nil {
		last = &old.Life.Start
		s.touch(old)
	}
	if at.Sub(v.Left) <= replaceWithin && last != nil && last.Run != nil && last.Run.End == aweigh.RunStopped {
		last.Run.End, last.Run.Reason = aweigh.RunReplaced, "replaced by a new instance"
		s.changes.starts[last.ID] = last
	}
	v.Left, v.LeftStart = time.Time{}, nil
}

// signalled is somebody's wish: `docker stop`, `docker kill`, Compose.
func (s *State) signalled(f aweigh.Fact) {
	i := s.instance(f)
	if i == nil || !i.takes(f) {
		return
	}
	switch f.Signal {
	case "SIGTERM", "SIGKILL", "SIGINT", "SIGQUIT", i.Container.StopSignal:
	default:
		return // HUP, USR1 …: a wish for something else
	}
	if l := i.lifeAt(f.At); l != nil && f.At.After(l.Kill) && !l.deliberate(i, f.At) { // else it is the SIGKILL of the same stop
		l.Kill, l.Signal = f.At, f.Signal
	}
}

// lifeAt is the life that something at this time belongs to: the present one,
// or the one before when facts came out of order; nil for neither.
func (i *Instance) lifeAt(at time.Time) *Life {
	if i.Life != nil && !at.Before(i.Life.earliest()) {
		return i.Life
	}
	if i.Before != nil && !at.Before(i.Before.earliest()) {
		return i.Before
	}
	return nil
}

// died is the engine's word that a container's main process has ended.
func (s *State) died(f aweigh.Fact) {
	i := s.instance(f)
	if i == nil || !i.takes(f) {
		return
	}
	l := i.lifeAt(f.At)
	switch {
	case l == nil && i.Life != nil:
		return // it came late: a later life is known, and the one before
	case l == nil:
		l = s.begin(i, f.At, false) // its beginning was not seen
	case l.Alive:
	case l.Unseen && l.Counted:
		// The engine's counter told of it before the event did.
		s.undoUnseen(l)
		l.Ended, l.Start.Exit = f.At.UTC(), f.Exit
		s.verdict(l, aweigh.Crashed, f.At, howEnded(f.Exit)+lastWords(f.Reason))
		if f.Cause != nil {
			l.Start.Cause = f.Cause
		}
		if n := s.openIn(s.service(i), starting); n != nil && len(f.Lines) > 0 {
			n.involve(l)
			n.Evidence = f.Lines
			n.believe(f.Cause)
			s.touchIncident(n)
		}
		return
	case l.Unseen:
		s.undoUnseen(l) // an inspection overtook the event
	case l.Found:
		// An inspection found this end before the event came, which knows the
		// last lines.
		l.Found = false
		if f.Cause != nil {
			l.Start.Cause = f.Cause
			s.touchStart(l)
		}
		if n := s.incidentOf(l); n != nil && len(f.Lines) > 0 {
			n.Evidence = f.Lines
			n.believe(f.Cause)
		}
		return
	default:
		return
	}
	s.end(i, l, f)
}

// stopped is the engine's word that a stop which somebody asked for is
// complete. It is all that tells of a stop during the restart policy's pause.
func (s *State) stopped(f aweigh.Fact) {
	i := s.instance(f)
	if i == nil || !i.takes(f) {
		return
	}
	l := i.Life
	if l == nil || l.Alive || i.Stopped || f.At.Before(l.Ended) {
		return
	}
	v := s.service(i)
	if l.askedAfterAll(f.At) {
		s.takeBack(i, v, l)
	}
	i.Stopped = true
	v.Left, v.LeftLife = f.At.UTC(), i.ID
	if i.Braked {
		return // our own doing: the trouble goes on until a person acts
	}
	if s.anyAlive(v) {
		s.without(v, f.At)
		return
	}
	s.gone(v, f.At, "it was stopped on purpose")
	v.Row, v.Tally, v.Crashes = 0, nil, nil
}

// askedAfterAll reports whether a `stop` just after a death says that the death
// was asked for: the engine has lost the `kill` before it, or is a Podman, which
// tells of none. The exit status must be one that a stop makes.
func (l *Life) askedAfterAll(at time.Time) bool {
	if !l.Crash || l.Again || !l.Kill.IsZero() || at.Sub(l.Ended) > 5*time.Second || l.Start.Exit == nil {
		return false
	}
	code := l.Start.Exit.Code
	return !l.Start.Exit.OOM && (code == 0 || code == 143 || code == 137)
}

// takeBack makes a stop of what was taken for a crash.
func (s *State) takeBack(i *Instance, v *Service, l *Life) {
	l.Crash, l.Signal = false, "a stop"
	v.Row = max(0, v.Row-1)
	if n := len(v.Crashes); n > 0 && v.Crashes[n-1].At.Equal(l.Ended) {
		v.Crashes = v.Crashes[:n-1]
	}
	l.Start.InARow = 0
	if !l.Up {
		l.Start.Verdict = ""
	}
	s.endStopped(i, l)
}

// end ends a life by a fact that saw it.
func (s *State) end(i *Instance, l *Life, f aweigh.Fact) {
	exit := f.Exit
	if exit == nil {
		exit = &aweigh.Exit{}
	}
	if l.OOM {
		exit = &aweigh.Exit{Code: exit.Code, Signal: exit.Signal, OOM: true}
	}
	l.Alive, l.Ended, l.Deadline = false, f.At.UTC(), time.Time{}
	l.Start.Exit = exit
	if f.Cause != nil {
		l.Start.Cause = f.Cause
	}
	s.touch(i)
	s.touchStart(l)
	switch {
	case l.deliberate(i, f.At):
		s.endStopped(i, l)
	case exit.Code == 0 && i.job():
		s.endJob(i, l)
	default:
		s.endCrashed(i, l, f)
	}
}

// deliberate reports whether the end at this time is what somebody asked for.
// A signal counts for as long as a stop may take, and a while: a process may
// ignore SIGTERM and crash by itself an hour later.
func (l *Life) deliberate(i *Instance, at time.Time) bool {
	if l.Kill.IsZero() || at.Before(l.Kill) {
		return false
	}
	return at.Sub(l.Kill) <= max(i.Container.StopTimeout, 10*time.Second)+time.Minute
}

// oom is the kernel's word about a process of the container.
func (s *State) oom(f aweigh.Fact) {
	i := s.instance(f)
	if i == nil || !i.takes(f) || !i.alive() || f.At.Before(i.Life.earliest()) {
		return
	}
	// When its main process was the victim, `die` follows at once.
	i.Life.OOM = true
	if i.Life.OOMAt.IsZero() { // one a second must not put off that it is told
		i.Life.OOMAt = f.At.UTC()
	}
}

// oomGrace is how long after the kernel's word a container must live for the
// victim to have been another of its processes.
const oomGrace = 2 * time.Second

// survived is about a container that lives on after an OOM kill: a gunicorn
// worker can be killed for ever while its master listens.
func (s *State) survived(i *Instance, at time.Time) {
	i.Life.OOM, i.Life.OOMAt = false, time.Time{} // its end may have another reason
	s.touch(i)
	s.trouble(i, happening{kind: aweigh.OOMKilled, severity: aweigh.Warning, at: at, life: i.Life,
		summary: "the kernel killed a process of it for want of memory; the container goes on"})
	if v := s.service(i); s.allUp(v) {
		s.well(v, at) // no start will follow that could
	}
}

// removed is the end of an instance, of which its service keeps what matters.
func (s *State) removed(f aweigh.Fact) {
	i := s.Instances[f.Instance]
	if i == nil {
		return
	}
	s.leaves(i, f.At, "it was removed")
}

// leaves forgets an instance.
func (s *State) leaves(i *Instance, at time.Time, why string) {
	if i.alive() {
		s.endUnseen(i, i.Life, at)
	}
	if v := s.Services[i.Service]; v != nil && v.LeftLife == i.ID && i.Life != nil {
		last := apart(i.Life.Start)
		v.LeftStart = &last // Compose 2 removes the old one before it starts the new one
	}
	delete(s.Instances, i.ID)
	s.index.leaves(i)
	s.forget("instance:" + i.ID)
	// The engine's own tidying up says nothing; a person's `docker rm` does.
	tidied := i.Container.AutoRemove && i.Life != nil && i.Life.Crash
	v := s.Services[i.Service]
	if v != nil {
		v.Seen = at.UTC()
		s.touchService(v)
	}
	switch {
	case v == nil || tidied:
	case !s.anyAlive(v):
		s.gone(v, at, why)
	default:
		s.without(v, at)
	}
}

// without is a service that goes on without one of its instances, because
// somebody wanted that. What was broken may have been that one, as in a rollout
// that failed: no start and no answer will follow that could prove the others well.
func (s *State) without(v *Service, at time.Time) {
	if n := s.openIn(v, starting); n != nil && n.ResolveAt.IsZero() && s.allUp(v) {
		s.well(v, at)
	}
	s.servesAgain(v, at)
	s.reachedAgain(v, at)
}

func short(id string) string {
	if len(id) > 12 {
		return id[:12]
	}
	return id
}
