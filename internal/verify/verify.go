// Package verify asks whether a deployment has come to what was intended: the
// containers run and are healthy, none was restarted, each start is proven, the
// endpoint answers from the host and inside, the port is the container's, the
// image is the one that was meant, no new errors are logged, the signals are well.
//
//	report := verify.Run(ctx, verify.Config{Engine: engine, Targets: targets, Within: 5 * time.Minute})
//	fmt.Println(report.Result) // passed, failed, unknown
//
// It looks again and again until all has passed, something has failed for good,
// or the time is up. Looking (look.go and its neighbours) and judging (checks.go)
// are apart: what is judged is an observation, and a check is a function of it.
//
// What could not be looked at is unknown, and unknown is not passed.
package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/signals"
)

// Target is a service that is verified.
type Target struct {
	Service  string
	Project  string // of Compose; "" is any
	Scale    int    // how many containers it must have; 0 is one at least
	Images   []string
	Settings core.Settings
	// Budget is how long the start may take; 0: nobody said.
	Budget time.Duration
	// Waits says that others wait for its end: it is a job.
	Job bool
	// Restarted is how often containers had been restarted before what is
	// verified, by id: those do not count.
	Restarted map[string]int
	// Beside are ids of containers that are not looked at: another release of the
	// service, which still serves or serves already.
	Beside []string
}

// Config is what is verified, and by what.
type Config struct {
	Engine  *docker.Engine
	Targets []Target
	// Within is how long to wait for what can still become true.
	Within time.Duration
	// LogLine is a text that the output of a start must have; "" asks for none.
	LogLine string
	Signals []*signals.Compiled
	// Starts are the starts that a watcher knows of a service, newest first; false
	// where none keeps any.
	Starts func(ctx context.Context, project, service string) ([]aweigh.Start, bool)
	// Records is the directory of their records.
	Records string
	// Tell is given a line of progress now and then; nil for none.
	Tell func(line string)
}

// Result is what came of a check.
type Result string

const (
	Passed  Result = "passed"
	Failed  Result = "failed"
	Unknown Result = "unknown" // it could not be looked at
	Skipped Result = "skipped" // it does not apply to the service
)

// Check is one question and its answer.
type Check struct {
	Service  string `json:"service"`
	Name     string `json:"check"`
	Result   Result `json:"result"`
	Expected string `json:"expected"`
	Found    string `json:"found"`

	final bool // to look again will change nothing
	soon  bool // a moment later more is known, even of what has failed for good
}

// Unasked reports whether the engine could not be asked whether the service runs, so
// that nothing at all is known of it.
func (c *Check) Unasked() bool { return c.Name == "running" && c.Result == Unknown }

// Report is what was found.
type Report struct {
	Began  time.Time `json:"began"` // UTC
	TookMS int64     `json:"took_ms"`
	Result Result    `json:"result"`
	Checks []Check   `json:"checks"` // by service, in the order of the targets
}

// Pauses between two looks.
const (
	quick = time.Second
	slow  = 3 * time.Second
	// tellEvery is how often progress is told when nothing changes.
	tellEvery = 15 * time.Second
)

// Run verifies all targets. It returns when each has passed or cannot pass any
// more, at the latest after Within, or when ctx ends. What has passed while others
// were waited for is looked at once more: it counts how all stand in the end.
func Run(ctx context.Context, c Config) Report {
	began := time.Now()
	v := &verifier{Config: c, base: map[string]*baseline{}, read: map[string]signals.Reading{}}
	done := make([][]Check, len(c.Targets))
	all := make([]int, len(c.Targets))
	for i := range all {
		all[i] = i
	}
	open := all
	for round := 0; ; round++ {
		last := len(open) == len(all)
		var still []int
		var waiting []string
		for _, i := range open {
			checks := v.verify(ctx, &c.Targets[i])
			if ctx.Err() != nil && done[i] != nil {
				break // what was seen before the end counts
			}
			done[i] = checks
			if w := pending(done[i]); w != "" {
				still = append(still, i)
				waiting = append(waiting, c.Targets[i].Service+": "+w)
			}
		}
		open = still
		left := c.Within - time.Since(began)
		if len(open) == 0 && !last && ctx.Err() == nil && Overall(slices.Concat(done...)) != Failed {
			open = all
			continue
		}
		if len(open) == 0 || left <= 0 || ctx.Err() != nil {
			break
		}
		v.tell(strings.Join(waiting, "; "), left)
		pause := quick
		if round > 10 {
			pause = slow
		}
		select {
		case <-ctx.Done():
		case <-time.After(min(pause, left)):
		}
	}
	r := Report{Began: began.UTC(), TookMS: time.Since(began).Milliseconds(), Checks: []Check{}}
	for _, checks := range done {
		r.Checks = append(r.Checks, checks...)
	}
	r.Result = Overall(r.Checks)
	return r
}

// Overall is the result of several checks: failed if one is, else unknown if one
// is.
func Overall(checks []Check) Result {
	result := Passed
	for _, c := range checks {
		switch {
		case c.Result == Failed:
			return Failed
		case c.Result == Unknown:
			result = Unknown
		}
	}
	return result
}

// pending names what may still become true, or known; "" when there is nothing, or
// when something has failed for good and all is known of it.
func pending(checks []Check) string {
	var open []string
	failed, soon := false, false
	for _, c := range checks {
		if c.Result == Passed || c.Result == Skipped {
			continue
		}
		failed = failed || c.final && c.Result == Failed
		soon = soon || c.soon
		if !c.final {
			open = append(open, c.Name)
		}
	}
	if failed && !soon {
		return ""
	}
	return strings.Join(open, ", ")
}

// verifier keeps what need not be looked up twice.
type verifier struct {
	Config
	told   string
	toldAt time.Time
	base   map[string]*baseline       // by service
	read   map[string]signals.Reading // by the signal's name
}

func (v *verifier) tell(waiting string, left time.Duration) {
	if v.Tell == nil || waiting == v.told && time.Since(v.toldAt) < tellEvery {
		return
	}
	v.told, v.toldAt = waiting, time.Now()
	v.Tell(fmt.Sprintf("waiting (%s left): %s", left.Round(time.Second), waiting))
}

func (v *verifier) verify(ctx context.Context, t *Target) []Check {
	o := v.look(ctx, t)
	var all []Check
	for _, ask := range checks {
		c := ask.judge(&o)
		if c.Result == "" {
			continue
		}
		c.Service, c.Name = t.Service, ask.name
		all = append(all, c)
	}
	return all
}
