package supervise

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/aweigh/aweigh/internal/probe"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/sockdiag"
	"github.com/aweigh/aweigh/internal/verdict"
)

// liveness is the probing after ready: from which answer on a service counts
// as unhealthy, and as healthy again.
type liveness struct {
	retries  int
	addr     netip.AddrPort  // where it was proven
	table    *sockdiag.Table // tells whether it accepts; nil for what is not on this host
	failures int             // in a row
	sick     bool
	since    time.Time // of the present condition
	reload   time.Time // until then failures do not count: RELOADING=1

	watchdog time.Duration // zero until the first WATCHDOG=1
	fed      time.Time
}

// answer is what came of one question.
type answer struct {
	result probe.Result
	at     time.Time
}

// at remembers where the proof came from.
func (l *liveness) at(p proof, remote bool) {
	l.addr = netip.AddrPort{}
	if a, err := netip.ParseAddr(p.target.Host); err == nil {
		l.addr = netip.AddrPortFrom(a, uint16(p.target.Port))
	} else if !remote {
		l.addr = p.result.RemoteAddr // of localhost
	}
	if !remote {
		l.table = sockdiag.Open()
	}
}

// ask asks once.
func (l *liveness) ask(ctx context.Context, a *asker, timeout time.Duration, to chan<- answer) {
	_, result := a.once(ctx, l.addr, l.table)
	if ctx.Err() == nil {
		to <- answer{result, time.Now()}
	}
}

// take counts an answer, and reports whether the condition changed by it.
func (l *liveness) take(ok bool, at time.Time) (changed bool) {
	if ok {
		l.failures = 0
		if l.sick {
			l.sick, l.since = false, at
			return true
		}
		return false
	}
	if at.Before(l.reload) {
		return false
	}
	l.failures++
	if !l.sick && l.failures >= l.retries {
		l.sick, l.since = true, at
		return true
	}
	return false
}

// starved says that the watchdog was not fed in time.
func (l *liveness) starved(now time.Time) (string, bool) {
	if l.watchdog == 0 || now.Sub(l.fed) <= l.watchdog {
		return "", false
	}
	return fmt.Sprintf("no WATCHDOG=1 for %s", human(now.Sub(l.fed))), true
}

// answered is the end of a liveness probe.
func (s *supervisor) answered(a answer) []action {
	s.life.answered(a.at)
	reason := a.result.Reason
	ok := a.result.OK
	why, starved := s.live.starved(a.at)
	s.setStarved(why)
	if starved && ok {
		ok, reason = false, why
	}
	return s.condition(ok, reason, a.at)
}

// setStarved is for health checks, which the watchdog concerns as well.
func (s *supervisor) setStarved(why string) {
	s.shared.Lock()
	s.shared.starved = why
	s.shared.Unlock()
}

// condition takes an answer and tells a change.
func (s *supervisor) condition(ok bool, reason string, at time.Time) []action {
	was := s.live.since
	if !s.live.take(ok, at) || s.life.state != serving {
		return nil
	}
	if !s.live.sick {
		s.note(record.Event{Event: record.RunHealthy, Reason: reason})
		s.log.Info(fmt.Sprintf("healthy again after %s", human(at.Sub(was))), "event", record.RunHealthy, "target", s.target)
		return nil
	}
	s.note(record.Event{Event: record.RunUnhealthy, Reason: reason})
	s.log.Error(fmt.Sprintf("unhealthy: %s (%d times in a row)", reason, s.live.failures), "event", record.RunUnhealthy, "target", s.target)
	if !s.ExitWhenUnhealthy {
		return nil
	}
	s.reason = fmt.Sprintf("unhealthy: %s", reason)
	return s.life.unhealthy(at)
}

// verdict is what a health check is answered. It runs beside the loop, so it
// reads only what is guarded.
func (s *supervisor) verdict() verdict.Verdict {
	result, at := s.asker.latest()
	s.shared.Lock()
	defer s.shared.Unlock()
	v := verdict.Verdict{Service: s.Service, Record: s.recordDir, Target: s.shared.target, FreshMS: (2*s.Interval + s.Timeout).Milliseconds()}
	switch {
	case s.shared.phase != "":
		v.Reason = fmt.Sprintf("starting: phase %s, %s so far", s.shared.phase, human(time.Since(s.began)))
	case s.shared.stopping:
		v.Reason = "stopping"
	case result.OK && s.shared.starved != "":
		v.Reason, v.AgeMS = s.shared.starved, time.Since(at).Milliseconds()
	case result.OK:
		v.Healthy, v.AgeMS = true, time.Since(at).Milliseconds()
	default:
		v.Reason, v.AgeMS = result.Reason, time.Since(at).Milliseconds()
	}
	return v
}
