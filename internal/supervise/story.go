package supervise

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/snapshot"
	"github.com/aweigh/aweigh/internal/sockdiag"
)

// title is the command for a person: its base name.
func (s *supervisor) title() string { return filepath.Base(s.Command[0]) }

// openRecord begins the record. Without one the service starts all the same.
func (s *supervisor) openRecord() {
	host, _ := os.Hostname()
	cwd, _ := os.Getwd()
	begin := record.Event{Event: record.StartBegin,
		Start: s.id, Service: s.Service, Instance: instance(host), Host: hostName(host), Command: mask(s.Command), Dir: cwd,
		BootID: record.BootID(), PID: os.Getpid(), Deadline: s.StartupTimeout.Milliseconds(), Version: s.Version, Env: envNames(),
		Time: s.began.UTC(),
	}
	s.events = []record.Event{begin}
	path := s.RecordDir
	if path == "" {
		path = record.DefaultDir()
	}
	if path == "" {
		s.warn("no record: there is no directory to write to; give one with --record, on a volume")
		return
	}
	s.recordDir = path
	s.rec = record.Begin(path, begin, s.began, s.Limits.Bytes, s.warn)
}

// instance is what tells this instance from others of the service: in a
// container its host name, which is the container's id, else the process.
func instance(host string) string {
	if os.Getpid() == 1 {
		return host
	}
	return fmt.Sprintf("%s-%d", host, os.Getpid())
}

// hostName is the machine. A container does not know it unless it is told.
func hostName(host string) string {
	if name := os.Getenv("AWEIGH_HOST"); name != "" {
		return name
	}
	return host
}

// envNames are the names of the environment: which variables a start had is
// evidence, what was in them is a secret.
func envNames() []string {
	var names []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		names = append(names, name)
	}
	return names
}

// mask hides the secrets in a command.
func mask(argv []string) []string { return snapshot.MaskArgs(argv) }

func (s *supervisor) recordPath() string {
	if s.rec == nil {
		return "none"
	}
	return filepath.Join(s.recordDir, s.rec.Name())
}

// evidence says where the record is, if there is one.
func (s *supervisor) evidence() string {
	if s.rec.Dir() == nil {
		return ""
	}
	return ". Evidence: " + s.recordPath()
}

func (s *supervisor) warn(text string) {
	s.log.Warn(text, "event", "warning")
}

// setPhase opens a phase of the start.
func (s *supervisor) setPhase(name string) { s.setPhaseAt(name, time.Now()) }

func (s *supervisor) setPhaseAt(name string, at time.Time) {
	if name == s.phase {
		return
	}
	s.phase = name
	s.shared.Lock()
	s.shared.phase = name
	s.shared.Unlock()
	s.note(record.Event{Event: record.StartPhase, Phase: name, Time: at.UTC(), ElapsedMS: at.Sub(s.began).Milliseconds()})
	s.log.Info("phase "+name, "event", record.StartPhase, "phase", name, "elapsed_ms", at.Sub(s.began).Milliseconds())
}

// listens takes the first sight of the service's listener.
func (s *supervisor) listens(l sockdiag.Socket) {
	if !s.spoke {
		s.setPhase("verify")
	}
}

// proven takes the proof.
func (s *supervisor) proven(p proof) {
	if s.life.state != starting {
		return
	}
	s.life.proven(p.at)
	s.readyAt = p.at
	s.target = p.target.String()
	s.live.at(p, s.watch.remote)
	s.live.since = p.at
	s.shared.Lock()
	s.shared.phase, s.shared.target = "", s.target
	s.shared.Unlock()
	attempts, _ := s.watch.summary()
	took := p.at.Sub(s.began)
	s.finished = true
	s.note(record.Event{Event: record.StartReady, Time: p.at.UTC(), ElapsedMS: took.Milliseconds(), Reason: p.result.Reason,
		Probe: &aweigh.Probe{Target: s.target, Attempts: attempts}})
	s.log.Info(fmt.Sprintf("ready after %s: %s answers (%s)", human(took), s.target, p.result.Reason),
		"event", record.StartReady, "took_ms", took.Milliseconds(), "target", s.target, "attempts", attempts)
	if where := s.watch.loopbackOnly(); where != "" && inContainer() {
		s.warn(fmt.Sprintf("it listens on %s only: nothing outside of this container can reach it there; make it listen on 0.0.0.0", where))
	}
	s.notify.upstream("READY=1\nSTATUS=" + s.target + " answers")
	s.announce()
}

// inContainer guesses from what container engines leave behind.
func inContainer() bool {
	if os.Getpid() == 1 {
		return true
	}
	for _, sign := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(sign); err == nil {
			return true
		}
	}
	return false
}

// failed tells the verdict of a start that did not become ready. code is the
// exit status of the whole, cause what kept it from running, "" if it ran.
func (s *supervisor) failed(v aweigh.Verdict, reason string, exit *aweigh.Exit, code int, cause string) {
	s.finished = true
	e := record.Event{Event: record.StartFailed, Verdict: v, Reason: reason, Exit: exit, LastLog: s.heard.lines(20)}
	var past record.Past
	if v.Failed() {
		past = s.past()
		e.InARow, e.Row = past.Failures+1, past.With(aweigh.Start{Verdict: v, Exit: exit})
		refused := ""
		if cause != "" {
			refused = reason
		}
		e.Cause = s.cause(exit, refused, cause)
	}
	if s.watch != nil {
		attempts, last := s.watch.summary()
		e.Probe = &aweigh.Probe{Target: s.asker.target.String(), Attempts: attempts, LastError: last}
		if s.port() == 0 && s.asker.target.Port == 0 {
			e.Probe.Target = "the first port that it listens on"
		}
	}
	s.note(e)
	attrs := []any{"event", record.StartFailed, "verdict", v, "exit", code, "took_ms", time.Since(s.began).Milliseconds()}
	attrs = append(attrs, causeAttrs(e.Cause)...)
	if e.InARow > 1 {
		attrs = append(attrs, "in_a_row", e.InARow)
		reason += fmt.Sprintf(" (failure %d in a row; before: %s)", e.InARow, past)
	}
	reason += s.evidence()
	if v == aweigh.Stopped {
		s.log.Info(reason, attrs...)
	} else {
		s.log.Error(reason, attrs...)
	}
	s.announce()
}

// note records an event, and keeps it: the start is their fold.
func (s *supervisor) note(e record.Event) {
	if e.Time.IsZero() {
		now := time.Now()
		e.Time, e.ElapsedMS = now.UTC(), now.Sub(s.began).Milliseconds()
	}
	s.events = append(s.events, e)
	s.rec.Event(e)
}

// start is this start as far as it is known.
func (s *supervisor) start() aweigh.Start {
	start := record.Fold(s.events)
	start.Record = s.rec.Name()
	return start
}

// announce sends the verdict to whoever wants to be told.
func (s *supervisor) announce() {
	s.tell.verdict(s.start(), nil, func(where string) {
		s.rec.Event(record.Event{Event: verdictSent, Reason: where})
	})
}

// tidyAfter is how long a start must have lasted before it looks at the records
// of others. A start that fails at once must not be slowed down by them.
const tidyAfter = time.Second

// tidy closes what earlier supervisors left open, removes what is beyond the
// limits, finds out how long this service usually takes, and sends verdicts
// that could not be sent before. It runs beside the service.
func (s *supervisor) tidy(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-time.After(min(tidyAfter, s.StartupTimeout/4)):
	}
	dir := s.rec.Dir()
	if dir == nil {
		return
	}
	starts, err := dir.Tidy(s.Service, s.Limits, time.Now())
	if err != nil {
		s.warn(fmt.Sprintf("tidying the records: %v", err))
	}
	s.usual <- record.Usual(starts)
	s.resend(dir)
}

// past reads the row of failures before this start.
func (s *supervisor) past() (past record.Past) {
	found := make(chan record.Past, 1)
	go func() {
		var p record.Past
		if dir := s.rec.Dir(); dir != nil {
			p = dir.Past(s.Service, s.id)
		}
		found <- p
	}()
	select {
	case past = <-found:
	case <-time.After(diskLimit):
	}
	return past
}

// diskLimit is how long an end waits for a disk that does not answer, each time
// that it wants something of it.
const diskLimit = 2 * time.Second

// close ends the recording.
func (s *supervisor) close() {
	if s.disarm != nil {
		s.disarm()
	}
	tidied := make(chan struct{})
	go func() {
		defer close(tidied)
		if dir := s.rec.Dir(); dir != nil && dir.Overdue(s.Service, s.Limits) {
			dir.Tidy(s.Service, s.Limits, time.Now())
		}
	}()
	select {
	case <-tidied:
	case <-time.After(diskLimit):
	}
	s.tell.close()
	s.rec.Close(diskLimit)
}
