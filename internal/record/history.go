package record

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
)

// soon is how long a service must have served for its end not to count as one
// more turn of a crash loop.
const soon = 10 * time.Minute

// FailedSoon reports whether a start belongs to a loop: it failed, or it
// served for less than ten minutes and crashed.
func FailedSoon(s aweigh.Start) bool {
	if s.Verdict.Failed() {
		return true
	}
	return s.Run != nil && (s.Run.End == aweigh.RunCrashed || s.Run.End == aweigh.RunOOMKilled) &&
		time.Duration(s.Run.ServedMS)*time.Millisecond < soon
}

// Past is the row of failures just before a start. Each failed start carries
// the row's tally in its last event, so that one record tells it: a crash loop
// must not become slower with each turn.
type Past struct {
	Failures int            // in a row
	Tally    map[string]int // how they ended: "exit 1", "timed-out"
}

// Past reads the row of failures before the start with this id. Starts of
// which nobody saw the end neither add to a row nor break it.
func (d *Dir) Past(service, id string) Past {
	ids, err := d.ids(service)
	if err != nil {
		return Past{}
	}
	const far = 8 // records looked at, at most
	for _, other := range slices.Backward(ids[max(0, len(ids)-far):]) {
		if other >= id {
			continue
		}
		events := d.record(service, other).closedEvents()
		s := Fold(events)
		if !ended(s) || s.Verdict == aweigh.Unknown {
			continue
		}
		if !FailedSoon(s) {
			return Past{}
		}
		return Past{Failures: max(1, s.InARow), Tally: tallyOf(events, s)}
	}
	return Past{}
}

// tallyOf finds the row's tally, behind which there may be other events: that the
// verdict was sent, that output was lost.
func tallyOf(events []Event, s aweigh.Start) map[string]int {
	for _, e := range slices.Backward(events) {
		if len(e.Row) > 0 {
			return e.Row
		}
	}
	return map[string]int{HowEnded(s): 1}
}

// With is the row's tally with one more failure.
func (p Past) With(s aweigh.Start) map[string]int {
	tally := map[string]int{HowEnded(s): 1}
	const kinds = 8 // a row that ends in ever new ways must not grow for ever
	for how, n := range p.Tally {
		if len(tally) < kinds || tally[how] > 0 {
			tally[how] += n
		}
	}
	return tally
}

// String tells the row: "3 × exit 1, 2 × timed-out".
func (p Past) String() string {
	var parts []string
	for _, how := range slices.Sorted(maps.Keys(p.Tally)) {
		parts = append(parts, fmt.Sprintf("%d × %s", p.Tally[how], how))
	}
	return strings.Join(parts, ", ")
}

// Usual is the median time to ready of the last twenty good ones of a service's
// starts, oldest first; zero when there was none.
func Usual(starts []aweigh.Start) time.Duration {
	var took []time.Duration
	for _, s := range slices.Backward(starts) {
		if s.Verdict == aweigh.Ready && s.TookMS != nil {
			if took = append(took, time.Duration(*s.TookMS)*time.Millisecond); len(took) == 20 {
				break
			}
		}
	}
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[len(took)/2]
}

// HowEnded says a failure in a word or two.
func HowEnded(s aweigh.Start) string {
	switch {
	case s.Verdict == aweigh.TimedOut || s.Verdict == aweigh.Refused:
		return string(s.Verdict)
	case s.Exit == nil:
		return string(s.Verdict)
	case s.Exit.OOM:
		return "oom-killed"
	case s.Exit.Signal != "":
		return s.Exit.Signal
	}
	return fmt.Sprintf("exit %d", s.Exit.Code)
}
