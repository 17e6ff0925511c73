package core

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
)

// endStopped is the end that somebody asked for.
func (s *State) endStopped(i *Instance, l *Life) {
	v := s.service(i)
	how := "stopped on " + l.Signal
	if l.Up {
		s.endRun(l, aweigh.RunStopped, how)
	} else {
		s.verdict(l, aweigh.Stopped, l.Ended, how+" before it was ready")
	}
	if l != i.Life {
		return // its event came late: the next life has begun
	}
	i.Stopped = true
	v.Left, v.LeftLife = l.Ended, i.ID
	switch {
	case i.Braked: // our own doing: the trouble goes on until a person acts
		if n := s.openIn(v, starting); n != nil {
			n.ResolveAt = time.Time{}
			s.touchIncident(n)
			s.unmute(n, v, l.Ended, l)
		}
		return
	case s.anyAlive(v):
		s.without(v, l.Ended)
		return
	}
	s.gone(v, l.Ended, "it was stopped on purpose")
	v.Row, v.Tally, v.Crashes = 0, nil, nil // what is put in its place is another matter
}

// gone is a service without an instance, because somebody wanted that.
func (s *State) gone(v *Service, at time.Time, why string) {
	v.Unproven, v.Good = time.Time{}, time.Time{}
	v.Talk.Last = time.Time{}
	s.touchService(v)
	for _, n := range s.openOf(v) {
		if !strings.HasPrefix(string(n.Kind), "signal:") {
			s.resolve(n, at, why)
		}
	}
}

// endJob is the good end of what was made to end: its exit status is the proof.
func (s *State) endJob(i *Instance, l *Life) {
	v := s.service(i)
	i.Stopped = l == i.Life
	if l.Up {
		s.endRun(l, aweigh.RunStopped, "a job that ended well (exit status 0)")
	} else {
		s.verdict(l, aweigh.Ready, l.Ended, "a job that ended well (exit status 0)")
		l.Start.Run = &aweigh.Run{End: aweigh.RunStopped, Ended: &l.Ended}
	}
	s.well(v, l.Ended)
	if !s.anyAlive(v) {
		s.gone(v, l.Ended, "the job ended well")
		v.Row, v.Tally, v.Crashes = 0, nil, nil
	}
}

// crash is what is known of an end that nobody asked for.
type crash struct {
	was    string // "crashed after serving for 3h", "exited after 1.2s, before it was ready"
	words  string // its last words
	lines  []string
	unseen int // restarts that only the engine's counter tells
	// counted says that its deadline has counted it as a failure.
	counted bool
}

// endCrashed is an end that nobody asked for.
func (s *State) endCrashed(i *Instance, l *Life, f aweigh.Fact) {
	v := s.service(i)
	exit := l.Start.Exit
	l.Crash, l.Again = true, i.restarts(f, exit)
	lived := l.Ended.Sub(l.began())
	c := crash{words: f.Reason, lines: f.Lines}
	if l.Up {
		end := aweigh.RunCrashed
		if exit.OOM {
			end = aweigh.RunOOMKilled
		}
		c.was = fmt.Sprintf("%s after %s", howEnded(exit), human(lived))
		s.endRun(l, end, c.was+lastWords(c.words))
	} else {
		c.was = fmt.Sprintf("%s after %s, before it was ready", howEnded(exit), human(lived))
		s.verdict(l, aweigh.Crashed, l.Ended, c.was+lastWords(c.words))
	}
	v.Crashes = append(v.Crashes, Crash{l.Ended, i.ID, !l.Up})
	if c.counted = !l.Up && l.Start.InARow > 0; !c.counted {
		v.failed(1, howEnded(exit))
	}
	l.Start.InARow = v.Row
	v.Good = time.Time{}
	if v.Unproven.IsZero() {
		v.Unproven = l.Ended
	}
	s.touchStart(l)
	s.troubleOfCrash(i, v, l, l.Ended, c)
	if l != i.Life && i.alive() && i.Life.Up {
		s.well(v, i.Life.began()) // its event came late: no start will follow that could
	}
	if !l.Again && s.anyAlive(v) {
		s.servesAgain(v, l.Ended) // of the others
	}
}

// failed counts more failures of a row.
func (v *Service) failed(n int, how string) {
	v.Row += n
	if v.Tally == nil {
		v.Tally = map[string]int{}
	}
	if len(v.Tally) < 8 || v.Tally[how] > 0 {
		v.Tally[how] += n
	}
}

// verdict ends a start.
func (s *State) verdict(l *Life, verdict aweigh.Verdict, at time.Time, reason string) {
	if l.Start.Verdict != "" {
		return
	}
	took := max(0, at.Sub(l.began()).Round(time.Millisecond).Milliseconds()) // as the reason says it
	l.Start.Verdict, l.Start.TookMS, l.Start.Reason = verdict, &took, reason
	if l.SeenLate && verdict == aweigh.Ready {
		l.Start.TookMS = nil // it may have been ready long before it was asked
		l.Start.Reason += "; it had begun before it was seen"
	}
	if l.Attempts > 0 && l.Start.Probe != nil {
		l.Start.Probe.Attempts, l.Start.Probe.LastError = l.Attempts, l.LastError
	}
	s.touchStart(l)
}

func (s *State) endRun(l *Life, end aweigh.RunEnd, reason string) {
	if l.Start.Run == nil {
		l.Start.Run = &aweigh.Run{}
	}
	ended := l.Ended
	since := l.began()
	if !l.Proven.IsZero() {
		since = l.Proven
	}
	l.Start.Run.End, l.Start.Run.Ended, l.Start.Run.Reason = end, &ended, reason
	l.Start.Run.ServedMS = max(0, ended.Sub(since).Milliseconds())
	s.touchStart(l)
}

// ready is the proof of a start.
func (s *State) ready(i *Instance, at time.Time, how string) {
	l := i.Life
	if l == nil || !l.Alive || !l.Proven.IsZero() {
		return
	}
	v := s.service(i)
	late := l.Start.Verdict == aweigh.TimedOut
	l.Up, l.Proven, l.Deadline = true, at.UTC(), time.Time{}
	if l.Start.Run == nil {
		l.Start.Run = &aweigh.Run{}
	}
	took := human(at.Sub(l.began()))
	switch {
	case late:
		l.Start.Reason += fmt.Sprintf("; it became ready late, after %s", took)
	case l.Start.Verdict == "":
		s.verdict(l, aweigh.Ready, at, how)
		if i.Lives == 1 && !i.Container.OneOff && i.Drill() == "" && i.Settings.TellReady && !at.Before(s.Engine.Watching) {
			s.arrived(i, v, at)
		}
	}
	s.touch(i)
	s.touchStart(l)
	s.well(v, at)
	s.servesAgain(v, at)
}

// well is the moment from which a service does well.
func (s *State) well(v *Service, at time.Time) {
	v.Unproven, v.Good = time.Time{}, at.UTC()
	s.touchService(v)
	n := s.openIn(v, starting)
	if n == nil {
		v.Row, v.Tally = 0, nil
		return
	}
	if s.anyComing(v) {
		return // the incident may be about that one
	}
	n.ResolveAt = at.Add(n.Settle).UTC()
	s.touchIncident(n)
}

// late is a start whose deadline has passed.
func (s *State) late(i *Instance, at time.Time) {
	l := i.Life
	l.Deadline = time.Time{}
	s.touch(i)
	v := s.service(i)
	lastError := l.why()
	within := human(at.Sub(l.began())) // its health check, or the aweigh-init inside, may ask for more than startup_timeout
	switch i.Proof() {
	case ByNone:
		l.Up = true
		s.verdict(l, aweigh.Unknown, at, "it runs, and there is nothing to ask: give it a health check, or a probe (label aweigh.probe)")
		l.Start.Run = &aweigh.Run{}
		s.well(v, at)
		s.servesAgain(v, at)
		return
	case ByGuess:
		l.Up = true
		s.verdict(l, aweigh.Unknown, at, fmt.Sprintf("it runs, and none of the ports that its image exposes (%s) answers: %s", numbers(i.Container.Exposed), lastError))
		l.Start.Run = &aweigh.Run{}
		s.trouble(i, happening{kind: aweigh.StartupUnconfirmed, severity: aweigh.Warning, at: at, life: l,
			summary: fmt.Sprintf("no proof within %s that it serves: none of the exposed ports %s answers: %s", within, numbers(i.Container.Exposed), lastError)})
		s.servesAgain(v, at)
		return
	}
	l.Start.Cause = s.causes[i.ID]
	reason := fmt.Sprintf("not ready within %s: %s", within, lastError)
	s.verdict(l, aweigh.TimedOut, at, reason)
	v.failed(1, "not ready in time")
	l.Start.InARow = v.Row
	s.trouble(i, happening{kind: aweigh.StartupFailed, severity: aweigh.Critical, at: at, life: l, summary: reason})
}

// why says what keeps a start from being proven.
func (l *Life) why() string {
	switch p := l.Start.Probe; {
	case l.LastError == "":
		return "no proof came"
	case p != nil && p.Target != "" && !strings.Contains(l.LastError, p.Target):
		return fmt.Sprintf("%s: %s", p.Target, l.LastError)
	}
	return l.LastError
}

// ownDeadlineGrace is how long after its own deadline aweigh-init may take to
// tell of it: a snapshot, and the grace of the stop.
const ownDeadlineGrace = 30 * time.Second

// said is what aweigh-init inside tells: it is nearer, and knows better.
func (s *State) said(f aweigh.Fact) {
	i := s.instance(f)
	if i == nil || f.Said == nil || !i.takes(f) || !i.alive() || i.saidBefore(f.Said.Start) {
		return
	}
	l := i.Life
	if f.Said.Start != "" && l.Start.Inner == "" {
		l.Start.Inner = f.Said.Start
		if i.Container.Records != "" && f.Said.Service != "" {
			l.Start.Record = path.Join(i.Container.Records, f.Said.Service, f.Said.Start)
		}
		s.touchStart(l)
	}
	switch f.Said.Event {
	case "start.begin":
		// It has a deadline of its own, and takes a snapshot then.
		own := l.began().Add(time.Duration(f.Said.TookMS)*time.Millisecond + ownDeadlineGrace)
		if !l.Deadline.IsZero() && own.After(l.Deadline) {
			l.Deadline = own
		}
	case "start.ready":
		l.Start.Probe = &aweigh.Probe{Target: f.Said.Target}
		s.ready(i, f.At, "aweigh-init inside it has proven it")
	case "start.failed":
		l.LastError = f.Reason
		if f.Cause != nil {
			l.Start.Cause = f.Cause
		}
		if f.Said.Verdict == aweigh.TimedOut || f.Said.Verdict == aweigh.Refused {
			s.verdict(l, f.Said.Verdict, f.At, f.Reason)
		}
	case "run.unhealthy":
		l.LastError, l.Failures = f.Reason, i.Settings.Retries // it has counted by itself
		s.fails(i, f.At, l.Failures)
	case "run.healthy":
		l.Failures = 0
		s.servesAgain(s.service(i), f.At)
	case "run.oom":
		s.survived(i, f.At)
	case "start.slow":
		l.LastError = f.Reason
	}
}

// saidBefore reports whether aweigh-init said something in the life before, or of
// another start than this life's: the end of an output may be read seconds after
// the engine has started the next life.
func (i *Instance) saidBefore(start string) bool {
	l, b := i.Life, i.Before
	switch {
	case start == "" || start == l.Start.Inner:
		return false
	case l.Start.Inner != "" || b != nil && start == b.Start.Inner:
		return true
	}
	at, ok := aweigh.IDTime(start)
	return ok && b != nil && !b.Unseen && l.Clock == 0 && at.Before(b.Ended)
}

// howEnded says an exit in a word or two.
func howEnded(e *aweigh.Exit) string {
	switch {
	case e == nil:
		return "ended"
	case e.OOM:
		return "killed for want of memory"
	case e.Signal != "":
		return "ended by " + e.Signal
	case e.Code == 137:
		return "killed from outside (exit 137)"
	case e.Code == 139:
		return "crashed in native code (exit 139)"
	}
	return fmt.Sprintf("exited with %d", e.Code)
}

func lastWords(words string) string {
	if words == "" {
		return ""
	}
	return "; its last words: " + words
}

// tallied tells how a row of failures ended: "3 × exited with 1".
func tallied(v *Service) string {
	var parts []string
	others := v.Row
	for _, how := range slices.Sorted(maps.Keys(v.Tally)) {
		parts = append(parts, fmt.Sprintf("%d × %s", v.Tally[how], how))
		others -= v.Tally[how]
	}
	if others > 0 {
		parts = append(parts, fmt.Sprintf("%d × otherwise", others))
	}
	return strings.Join(parts, ", ")
}

func numbers(all []int) string {
	return strings.Trim(strings.Join(strings.Fields(fmt.Sprint(all)), ", "), "[]")
}

// human prints a duration as a person would say it.
func human(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		text := d.Round(time.Second).String()
		return strings.TrimSuffix(text, "m0s") + map[bool]string{true: "m"}[strings.HasSuffix(text, "m0s")]
	case d < 48*time.Hour:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
