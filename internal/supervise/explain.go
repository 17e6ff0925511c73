package supervise

import (
	"fmt"
	"syscall"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/record"
)

// end explains how it ended, and returns the exit status of the whole.
func (s *supervisor) end() int {
	exit, how := s.howItEnded()
	code := s.status(exit)
	switch {
	case !s.finished && s.life.missedDeadline:
		s.failed(aweigh.TimedOut, s.reason+". Raise --startup-timeout if it only needs longer", exit, code, "")
	case !s.finished && s.life.stopAsked:
		s.failed(aweigh.Stopped, fmt.Sprintf("stopped on %s before it was ready: %s", signalName(s.stopSig), how), exit, code, "")
	case !s.finished:
		s.failed(aweigh.Crashed, s.crash(how), exit, code, "")
	default:
		s.ran(exit, how, code)
	}
	s.close()
	return code
}

// howItEnded reads the exit, and says it in words.
func (s *supervisor) howItEnded() (*aweigh.Exit, string) {
	if s.exit == nil {
		return &aweigh.Exit{Code: 137, Signal: "SIGKILL"}, s.title() + " did not die of SIGKILL: it hangs in the kernel (a disk or a network file system?)"
	}
	exit := &aweigh.Exit{Code: s.exit.Code(), OOM: s.oom.kills() > s.oom0}
	if !s.exit.Status.Signaled() {
		how := fmt.Sprintf("%s exited with status %d", s.title(), exit.Code)
		switch {
		case exit.OOM:
			how += "; the kernel had killed a process of this control group for want of memory: raise the memory limit"
		case exit.Code == 127:
			how += " (a shell's word for: command or shared library not found)"
		case exit.Code == 126:
			how += " (a shell's word for: found, but not executable)"
		case exit.Code > 128 && exit.Code < 128+65:
			how += fmt.Sprintf(" (a shell's word for: ended by %s)", signalName(syscall.Signal(exit.Code-128)))
		}
		return exit, how
	}
	sig := s.exit.Status.Signal()
	exit.Signal = signalName(sig)
	how := s.title() + " was ended by " + exit.Signal
	switch {
	case sig == syscall.SIGKILL && exit.OOM:
		how = fmt.Sprintf("the kernel killed %s for want of memory: raise the memory limit, or let it use less", s.title())
	case sig == syscall.SIGKILL && s.life.attempts > 0:
		how = fmt.Sprintf("%s did not end within %s and was killed", s.title(), s.StopGrace)
	case sig == syscall.SIGKILL:
		how += ", sent from outside"
	case sig == syscall.SIGSEGV || sig == syscall.SIGBUS || sig == syscall.SIGILL || sig == syscall.SIGFPE:
		how += ": a fault in native code"
	case sig == syscall.SIGABRT:
		how += ": it called abort()"
	}
	return exit, how
}

// crash is the reason of a start that ended by itself.
func (s *supervisor) crash(how string) string {
	text := how + fmt.Sprintf(" after %s, before it was ready", human(time.Since(s.began)))
	if s.exit != nil && s.exit.Code() == 0 {
		text += ": a service must stay in the foreground, and nothing of it listened"
		if s.strayed {
			text = how + fmt.Sprintf(" after %s and left processes behind: it put itself into the background; run it in the foreground", human(time.Since(s.began)))
		}
	}
	if last := record.LastWords(s.heard.lines(40)); last != "" {
		text += "; its last words: " + last
	} else {
		text += "; it printed nothing"
	}
	return text
}

// ran tells the end of a run.
func (s *supervisor) ran(exit *aweigh.Exit, how string, code int) {
	served := time.Since(s.readyAt)
	end := aweigh.RunCrashed
	switch {
	case s.life.stopAsked:
		end = aweigh.RunStopped
		how = fmt.Sprintf("stopped on %s after serving for %s: %s", signalName(s.stopSig), human(served), how)
	case s.life.gaveUp:
		how = fmt.Sprintf("ended after serving for %s, for it was %s: %s", human(served), s.reason, how)
	case exit.OOM && exit.Code == 137:
		end = aweigh.RunOOMKilled
		fallthrough
	default:
		how = fmt.Sprintf("%s after serving for %s", how, human(served))
		if exit.Code == 0 {
			how += ", without having been asked to stop"
		}
		if last := record.LastWords(s.heard.lines(40)); last != "" {
			how += "; its last words: " + last
		}
	}
	e := record.Event{Event: record.RunExit, End: end, Exit: exit, LastLog: s.heard.lines(20)}
	if end != aweigh.RunStopped && served < 10*time.Minute {
		past := s.past()
		e.InARow, e.Row = past.Failures+1, past.With(aweigh.Start{Verdict: aweigh.Ready, Exit: exit})
		if e.InARow > 1 {
			how += fmt.Sprintf(" (failure %d in a row; before: %s)", e.InARow, past)
		}
	}
	e.Reason = how
	if end != aweigh.RunStopped {
		e.Cause = s.cause(exit, "", "")
	}
	if s.exit != nil {
		e.MaxRSS = s.exit.Usage.Maxrss * 1024
		e.CPUMS = (s.exit.Usage.Utime.Nano() + s.exit.Usage.Stime.Nano()) / int64(time.Millisecond)
	}
	s.note(e)
	if end != aweigh.RunStopped {
		how += s.evidence()
	}
	attrs := append([]any{"event", record.RunExit, "end", end, "exit", code, "served_ms", served.Milliseconds()}, causeAttrs(e.Cause)...)
	if code == 0 && end == aweigh.RunStopped {
		s.log.Info(how, attrs...)
	} else {
		s.log.Error(how, attrs...)
	}
}

// status is the exit status of the whole.
func (s *supervisor) status(exit *aweigh.Exit) int {
	switch {
	case s.life.missedDeadline:
		return ExitTimedOut
	case s.life.gaveUp && exit.Code == 0:
		return 1 // or a policy of on-failure would leave it down
	}
	return exit.Code
}

// checkOOM notices that a process of the service was killed while the service
// goes on, which no exit status will tell.
func (s *supervisor) checkOOM() {
	if n := s.oom.kills(); n > s.oomSeen && s.exit == nil {
		reason := fmt.Sprintf("the kernel killed %d process(es) of this control group for want of memory, while the service goes on", n-s.oomSeen)
		s.oomSeen = n
		s.note(record.Event{Event: record.RunOOM, Reason: reason})
		s.log.Error(reason+": raise the memory limit", "event", record.RunOOM)
	}
}
