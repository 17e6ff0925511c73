package drill

import (
	"time"

	"github.com/aweigh/aweigh"
)

// Verdict says how a drill ended.
type Verdict string

const (
	Passed        Verdict = "passed"         // what should follow followed
	Failed        Verdict = "failed"         // it did not
	Inconclusive  Verdict = "inconclusive"   // nothing was proven: there was no steady state, or no injection
	NotApplicable Verdict = "not-applicable" // this cannot happen to this service, or does not matter to it
)

// Result is what came of one drill.
type Result struct {
	Drill   string  `json:"drill"`
	Injects string  `json:"injects"`
	Expects string  `json:"expects"`
	Verdict Verdict `json:"verdict"`
	// Reason says why it is not passed.
	Reason   string     `json:"reason,omitempty"`
	Began    time.Time  `json:"began"`
	TookMS   int64      `json:"took_ms"`
	Injected *time.Time `json:"injected,omitempty"`
	// Detected, Told and Recovered are times since the injection; Recovered is
	// since the fault was taken away.
	DetectedMS  *int64 `json:"detected_after_ms,omitempty"`
	ToldMS      *int64 `json:"told_after_ms,omitempty"`
	RecoveredMS *int64 `json:"recovered_after_ms,omitempty"`
	WithinMS    int64  `json:"within_ms,omitempty"`
	Route       string `json:"route,omitempty"`
	// Cause is what the incident was diagnosed as, Causes what it may be
	// diagnosed as; empty where the drill makes no claim.
	Cause    *aweigh.Cause    `json:"cause,omitempty"`
	Causes   []string         `json:"expected_causes,omitempty"`
	Incident *aweigh.Incident `json:"incident,omitempty"`
	// Evidence is where the watcher's state of a drill that failed is kept.
	Evidence string `json:"evidence,omitempty"`
}

// Report is one run of drills on one service.
type Report struct {
	Run     string    `json:"run"`
	Service string    `json:"service"`
	Image   string    `json:"image"`
	Began   time.Time `json:"began"`
	TookMS  int64     `json:"took_ms"`
	// SteadyMS is how long a copy takes to be ready with nothing wrong, and
	// Probe how that was proven; Unsteady why it was not.
	SteadyMS int64    `json:"steady_ms,omitempty"`
	Probe    string   `json:"probe,omitempty"`
	Unsteady string   `json:"unsteady,omitempty"`
	Notes    []string `json:"notes,omitempty"`
	// Watcher is the state directory of the `aweigh watch` that looked on, ""
	// where the drills had one of their own.
	Watcher string   `json:"watcher,omitempty"`
	Results []Result `json:"results"`
}

// Count is how many drills ended so.
func (r *Report) Count(v Verdict) int {
	n := 0
	for _, one := range r.Results {
		if one.Verdict == v {
			n++
		}
	}
	return n
}

// Score is the share of the drills that passed of those that proved something,
// in percent; -1 where none did.
func (r *Report) Score() int {
	passed, all := r.Count(Passed), r.Count(Passed)+r.Count(Failed)
	if all == 0 {
		return -1
	}
	return 100 * passed / all
}

// Exit statuses of a run.
const (
	StatusPassed       = 0 // all that applied passed
	StatusFailed       = 1 // one failed
	StatusInconclusive = 3 // none failed, and one proved nothing; or nothing applied
)

// Status is the exit status that the report deserves.
func (r *Report) Status() int {
	switch {
	case r.Count(Failed) > 0:
		return StatusFailed
	case r.Count(Inconclusive) > 0 || r.Count(Passed) == 0:
		return StatusInconclusive
	}
	return StatusPassed
}

// ms is a duration for a report.
func ms(d time.Duration) *int64 {
	n := max(0, d.Milliseconds())
	return &n
}
