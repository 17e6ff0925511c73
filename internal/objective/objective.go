// Package objective judges promises over a window of time, such as "no
// unexpected restart in 30 days", by what a watcher has stored. It does no I/O
// and reads no clock: Evidence is all that it hears.
//
//	for _, o := range objective.Defaults() {
//		r := objective.Judge(o, evidence)
//		fmt.Println(o.Promise(), r.State, r.Left)
//	}
//
// Time in which nobody watched is unknown, never good: a promise is kept only
// if what is unknown could not have broken it.
package objective

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind is what a promise is about.
type Kind string

const (
	Restarts    Kind = "restarts"    // ends that nobody asked for, before or after ready
	Deployments Kind = "deployments" // new instances that are proven ready in time
	Told        Kind = "told"        // a person hears in time how a deployment went
	Signal      Kind = "signal"      // readings of a business signal that are good
	Silence     Kind = "silence"     // logs that are silent for longer than they should be
)

// Objective is a promise over a window.
type Objective struct {
	Name     string        `json:"name"`
	Kind     Kind          `json:"kind"`
	Services []string      `json:"services,omitempty"` // names or patterns as of path.Match; empty is all
	Window   time.Duration `json:"-"`
	// Target is the share, 0 to 1, of deployments or readings that must be good.
	Target float64 `json:"target,omitempty"`
	// Allow is how many restarts or silences a window may have.
	Allow int `json:"allow,omitempty"`
	// Within is how long a deployment may take, or the news of it.
	Within time.Duration `json:"-"`
	// Signal is the signal's name. Value and Above count a reading as good when
	// this number of it is greater; with Value "" it is good when its rule is
	// not true.
	Signal string  `json:"signal,omitempty"`
	Value  string  `json:"value,omitempty"`
	Above  float64 `json:"above,omitempty"`
}

// Defaults are the promises of those who make none of their own. The one about
// a signal has no name of a signal yet: there is one for each signal.
func Defaults() []Objective {
	const month = 30 * 24 * time.Hour
	return []Objective{
		{Name: "restarts", Kind: Restarts, Window: month},
		{Name: "deployments", Kind: Deployments, Window: month, Target: 1, Within: time.Minute},
		{Name: "told", Kind: Told, Window: month, Target: 1, Within: 2 * time.Minute},
		{Name: "signals", Kind: Signal, Window: month, Target: 0.9},
		{Name: "silence", Kind: Silence, Window: month},
	}
}

// Promise is the objective as a sentence.
func (o Objective) Promise() string {
	text := ""
	switch o.Kind {
	case Restarts:
		text = atMost(o.Allow, "unexpected restart")
	case Deployments:
		text = fmt.Sprintf("%s of deployments are ready within %s", percent(o.Target), span(o.Within))
	case Told:
		text = fmt.Sprintf("a person hears of %s of deployments within %s", percent(o.Target), span(o.Within))
	case Signal:
		text = fmt.Sprintf("signal %s is well in %s of readings", o.Signal, percent(o.Target))
		if o.Value != "" {
			text = fmt.Sprintf("%s of signal %s is above %g in %s of readings", o.Value, o.Signal, o.Above, percent(o.Target))
		}
	case Silence:
		text = atMost(o.Allow, "silence") + " of a log"
	}
	if kinds[o.Kind].share {
		text += ", over " + span(o.Window)
	} else {
		text += " in " + span(o.Window)
	}
	if len(o.Services) > 0 {
		text += " (" + strings.Join(o.Services, ", ") + ")"
	}
	return text
}

// Covers reports whether the promise is about a service.
func (o Objective) Covers(service string) bool {
	return len(o.Services) == 0 || slices.ContainsFunc(o.Services, func(pattern string) bool {
		ok, err := path.Match(pattern, service)
		return ok && err == nil
	})
}

func atMost(n int, what string) string {
	switch n {
	case 0:
		return "no " + what
	case 1:
		return "at most 1 " + what
	}
	return fmt.Sprintf("at most %d %ss", n, what)
}

func percent(share float64) string {
	const digits = 1e6 // what is beyond is of floating point: 0.55 * 100 is a little more than 55
	return strconv.FormatFloat(math.Round(share*100*digits)/digits, 'f', -1, 64) + " %"
}

func span(d time.Duration) string {
	switch {
	case d >= 48*time.Hour && d%(24*time.Hour) == 0:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	case d >= time.Minute:
		text := d.Round(time.Second).String()
		if strings.HasSuffix(text, "m0s") {
			text = strings.TrimSuffix(text, "0s")
		}
		if strings.HasSuffix(text, "h0m") {
			text = strings.TrimSuffix(text, "0m")
		}
		return text
	}
	return d.String()
}
