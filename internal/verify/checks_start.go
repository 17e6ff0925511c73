package verify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/signals"
	"github.com/aweigh/aweigh/internal/snapshot"
)

func startProven(o *observation) Check {
	if o.ended() {
		return Check{}
	}
	if o.logLine != "" {
		return o.each(fmt.Sprintf("the line %q in the output of the start", o.logLine), func(i *instance) (Result, string, bool) {
			switch {
			case i.output.why != "":
				return Unknown, "its output cannot be read: " + i.output.why, true
			case i.output.hasLine:
				return Passed, "it is there", false
			}
			return Failed, "it is not there", false
		})
	}
	c := o.each("the start is proven", func(i *instance) (Result, string, bool) {
		if s := i.start; s != nil {
			switch {
			case s.Verdict == aweigh.Ready && s.TookMS != nil:
				return Passed, "ready after " + cli.Took(*s), false
			case s.Verdict == aweigh.Ready:
				return Passed, "ready", false
			case s.Verdict.Failed():
				return Failed, string(s.Verdict) + ": " + safe(s.Reason), true
			case s.Verdict == "" && i.askable():
				return Failed, "it is coming up", false
			}
		}
		nobody, told := "no watcher recorded the start", !o.watched
		if i.start != nil {
			// Of one that has just ended, or is about to, the watcher will say why.
			nobody, told = "the watcher has no proof of it", i.start.Verdict != "" || i.PID != 0 && o.at.Sub(i.Started) >= settled
		}
		switch {
		case i.output.ready:
			return Passed, "aweigh-init says ready; " + nobody, false
		case i.Health == "healthy":
			return Passed, "its health check says so; " + nobody, false
		case i.inside.ok:
			return Passed, "it answers now; " + nobody, false
		case !i.askable():
			return Unknown, nobody + ", and there is nothing to ask: give it a probe, a health check, or --log-line", told
		}
		return Failed, "neither an answer nor a record", false
	})
	c.soon = slices.ContainsFunc(o.instances, o.willBeTold)
	return c
}

// willBeTold reports whether an instance has just ended, and the watcher has not yet
// said why.
func (o *observation) willBeTold(i instance) bool {
	return o.watched && i.PID == 0 && o.at.Sub(i.Finished) < settled && (i.start == nil || i.start.Verdict == "")
}

// askable reports whether there is anything that can prove its start.
func (i *instance) askable() bool { return i.inside.asked != "" || i.HealthCheck || i.Supervised }

func timeToReady(o *observation) Check {
	if o.ended() {
		return Check{}
	}
	budget := o.Budget
	if budget == 0 {
		budget = o.Settings.StartupTimeout
	}
	return o.each("within "+cli.Human(budget), func(i *instance) (Result, string, bool) {
		if s := i.start; s != nil && s.TookMS != nil && s.Verdict == aweigh.Ready {
			if took := time.Duration(*s.TookMS) * time.Millisecond; took > budget {
				return Failed, cli.Human(took), true
			}
			return Passed, cli.Took(*s), false
		}
		switch {
		case o.watched && i.start != nil && i.start.Verdict == "" && i.askable():
			return Unknown, "it is coming up", false
		case o.Budget == 0:
			return Skipped, "nobody measured it, and no budget is set", false
		}
		return Unknown, "no watcher measured the start", !o.watched
	})
}

func newErrors(o *observation) Check {
	return o.each("no error lines but those of the last good start", func(i *instance) (Result, string, bool) {
		switch {
		case i.output.why != "":
			return Unknown, "its output cannot be read: " + i.output.why, true
		case len(i.output.errors) == 0:
			return Passed, "no error line", false
		case o.baseline == nil:
			return Unknown, fmt.Sprintf("%s, and no earlier start to compare with: %s", lines(len(i.output.errors)), safe(i.output.errors[0])), true
		}
		fresh := o.baseline.news(i.output.errors)
		if len(fresh) == 0 {
			return Passed, fmt.Sprintf("%s, as in start %s", lines(len(i.output.errors)), o.baseline.start), false
		}
		return Failed, fmt.Sprintf("%s that start %s did not have: %s", lines(len(fresh)), o.baseline.start, safe(fresh[0])), true
	})
}

func lines(n int) string {
	if n == 1 {
		return "1 error line"
	}
	return fmt.Sprintf("%d error lines", n)
}

func signalsWell(o *observation) Check {
	if len(o.readings) == 0 {
		return Check{}
	}
	c := Check{Result: Passed, Expected: "each signal ok"}
	var found []string
	for _, r := range o.readings {
		found = append(found, r.Name+": "+r.Why)
		switch r.State {
		case signals.Breached:
			c.Result, c.Found = Failed, r.Name+": "+r.Why
			return c
		case signals.Missing, signals.Broken:
			c.Result, c.Found = Unknown, r.Name+": "+string(r.State)+": "+r.Why
		}
	}
	if c.Result == Passed {
		c.Found = strings.Join(found, "; ")
	}
	return c
}

// safe makes a line of a container's output one that can be shown: no control
// characters, no secret that looks like one, not too long.
func safe(line string) string {
	return cli.Shorten(record.Printable(snapshot.MaskArgs([]string{"", line})[1]), 160)
}
