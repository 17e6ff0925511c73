package supervise

import (
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/proc"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/snapshot"
)

// Failure is what a supervisor has seen of a start or a run that failed.
type Failure struct {
	Output  []byte       // the beginning and the end of it
	Exit    *aweigh.Exit // nil when it never ran
	Refused string       // why it never ran
	Port    int          // that it should have served; 0 when nobody said
	Ran     time.Duration
	// Late says that it was ended by us, for it did not serve. Then Snapshot is
	// of the moment before, if there is one.
	Late     bool
	Snapshot *snapshot.Snapshot
}

// cause names the cause of a failure: what is certain from here, unless the
// program that this is part of knows to diagnose, and is surer. refused is what
// kept it from running, and id its cause, where that is known.
func (s *supervisor) cause(exit *aweigh.Exit, refused, id string) *aweigh.Cause {
	f := Failure{Output: s.heard.text(), Exit: exit, Refused: refused, Port: s.port(), Ran: time.Since(s.began), Snapshot: s.snap}
	if s.before != nil {
		f.Output = s.before
	}
	f.Late = s.life != nil && (s.life.missedDeadline || s.life.gaveUp)
	best := certain(f, id, s.reason)
	if s.Diagnose != nil {
		if c := s.Diagnose(f); c.Named() && (best == nil || c.Confidence >= best.Confidence) {
			best = c
		}
	}
	return best
}

// certain is the cause as far as it needs no look at the output; nil if there is
// none. reason is why it was ended by us.
func certain(f Failure, id, reason string) *aweigh.Cause {
	name := func(id string, confidence float64, why, fix string) *aweigh.Cause {
		return &aweigh.Cause{ID: id, Confidence: confidence, Why: record.Printable(why), Fix: fix}
	}
	switch {
	case id != "":
		return name(id, 0.97, f.Refused, "")
	case f.Late:
		return late(f, reason, name)
	case f.Exit == nil:
		return nil
	case f.Exit.OOM && f.Exit.Code == 137:
		return name("oom-killed", 0.98, "the kernel killed it for want of memory", "Raise the memory limit, or let it use less.")
	case f.Exit.Signal == "SIGSEGV", f.Exit.Signal == "SIGBUS", f.Exit.Signal == "SIGILL", f.Exit.Signal == "SIGFPE", f.Exit.Signal == "SIGABRT":
		return name("crash-signal", 0.8, "a fault in native code ended it: "+f.Exit.Signal, "Look for a core dump; go back to the build that worked.")
	case f.Exit.Code == 0:
		return name("main-process-exited", 0.6, "it ended by itself with exit status 0", "Run it in the foreground, and see why it has nothing left to do.")
	}
	return nil
}

// late is the cause of what ran and did not serve.
func late(f Failure, reason string, name func(id string, confidence float64, why, fix string) *aweigh.Cause) *aweigh.Cause {
	snap := f.Snapshot
	if snap == nil {
		return nil
	}
	reason, _, _ = strings.Cut(reason, "; ")
	served := false
	for _, l := range snap.Listeners {
		served = served || int(l.Local.Port()) == f.Port
	}
	switch {
	case snap.Wait != nil && snap.Wait.Kind == proc.Connecting && !served:
		return name("dependency-timeout", 0.9, snap.Sentence, "See that the peer is up, and that no firewall drops what goes there; give the connection a timeout.")
	case f.Port != 0 && len(snap.Listeners) > 0 && !served:
		c := name("wrong-port", 0.85, reason, "Let it listen on the expected port, or set --port.")
		c.Line = c.Why
		return c
	case len(snap.Listeners) == 0:
		return name("startup-hang", 0.6, reason, "Read the stacks in the record, and what each process waits in.")
	}
	return nil
}

// causeAttrs are the keys of a cause on a line of ours, which a watcher reads.
func causeAttrs(c *aweigh.Cause) []any {
	if !c.Named() {
		return nil
	}
	attrs := []any{"cause", c.ID, "confidence", c.Confidence}
	if c.Line != "" {
		attrs = append(attrs, "cause_line", c.Line)
	}
	if c.Fix != "" {
		attrs = append(attrs, "fix", c.Fix)
	}
	return attrs
}
