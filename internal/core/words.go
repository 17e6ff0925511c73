package core

import (
	"fmt"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
)

// title is the first line of a message: what is broken, since when, why.
func title(o aweigh.Occasion, n *Incident, at time.Time) string {
	name := n.Service
	open := human(at.Sub(n.Opened))
	what := kindAndCause(n)
	switch o {
	case aweigh.OnResolved:
		return fmt.Sprintf("%s: %s, after %s%s", name, n.Resolution, open, times(n.Count))
	case aweigh.OnReminder:
		return fmt.Sprintf("%s: still %s, for %s%s: %s", name, what, open, times(n.Count), n.Summary)
	case aweigh.OnEscalated:
		return fmt.Sprintf("%s: %s, and nobody has acknowledged it for %s: %s", name, what, open, n.Summary)
	}
	if n.Again {
		what = strings.Replace(what, string(n.Kind), string(n.Kind)+" again", 1)
	}
	return fmt.Sprintf("%s: %s: %s", name, what, n.Summary)
}

// kindAndCause is what is wrong in two words, as far as the second is known.
func kindAndCause(n *Incident) string {
	if n.Cause.Named() {
		return fmt.Sprintf("%s (%s)", n.Kind, n.Cause.ID)
	}
	return string(n.Kind)
}

func times(n int) string {
	if n < 2 {
		return ""
	}
	return fmt.Sprintf(" (%d times)", n)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// facts are lines of evidence besides the output.
func facts(n *Incident, v *Service, l *Life) []string {
	var lines []string
	if l != nil {
		began := l.Start.Began.Format("15:04:05 MST")
		switch {
		case l.Start.Exit != nil:
			lines = append(lines, fmt.Sprintf("start %s began at %s: %s after %s", l.Start.ID, began, howEnded(l.Start.Exit), human(l.Ended.Sub(l.began()))))
		default:
			lines = append(lines, fmt.Sprintf("start %s began at %s", l.Start.ID, began))
		}
		if l.Start.Image != "" {
			lines = append(lines, "image "+l.Start.Image)
		}
		if p := l.Start.Probe; p != nil && p.Target != "" {
			line := "probe " + p.Target
			if p.LastError != "" && (l.Proven.IsZero() || l.Failures > 0) { // else it has been answered well since
				line += ": " + p.LastError
			}
			lines = append(lines, line)
		}
	}
	if v.Row > 1 {
		line := fmt.Sprintf("%d failures in a row", v.Row)
		if len(v.Tally) > 0 {
			line += ": " + tallied(v)
		}
		lines = append(lines, line)
	}
	if n.Count > 1 {
		lines = append(lines, fmt.Sprintf("happened %d times; the incident was opened at %s", n.Count, n.Opened.Format("2006-01-02 15:04:05 MST")))
	}
	return lines
}

// sure is from which confidence on the fix of a cause is better advice than
// what holds for each incident of its kind.
const sure = 0.6

// advice is what to do about a kind of incident, where diagnosis knows nothing
// nearer.
func advice(n *Incident) string {
	if n.Cause.Named() && n.Cause.Fix != "" && n.Cause.Confidence >= sure {
		return n.Cause.Fix
	}
	switch n.Kind {
	case aweigh.CrashLoop, aweigh.StartupFailed:
		return "Read its last lines. The output of each of its starts is kept, from the first byte: aweigh logs " + n.Service
	case aweigh.StartupUnconfirmed:
		return "It runs, but nothing proves that it serves. Give it a health check, or say what to ask: label aweigh.probe."
	case aweigh.UnexpectedRestart:
		return "It was started again by its restart policy. Find out why it ended before it does so again."
	case aweigh.OOMKilled:
		return "Raise its memory limit, or let it use less."
	case aweigh.NotServing:
		if n.Group == starting {
			return "It has ended. Read its last lines (aweigh logs " + n.Service + "), then start it, unless something else does."
		}
		return "Its process may live and not answer. See its last lines, then restart it."
	case aweigh.Unhealthy:
		return "Run its health check by hand inside the container."
	case aweigh.Unreachable:
		return "Who connects to the published port meets nobody. Let it listen on 0.0.0.0 instead of 127.0.0.1, and publish the port on which it listens (HOST:CONTAINER)."
	case aweigh.Silence:
		return "Compare with what it usually logs; a hung worker is silent first."
	case aweigh.WatcherGap:
		return "What happened meanwhile was found out as far as the engine still knew it; the rest is marked unknown."
	}
	if strings.HasPrefix(string(n.Kind), "signal:") {
		return "The service may run and yet do nothing useful. Check what feeds it."
	}
	return ""
}
