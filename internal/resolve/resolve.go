// Package resolve is the resolution of a runbook as guarded steps: it looks at a
// broken service, says what is wrong and what may help, and tries that, with a
// person's consent, from the mildest remedy to the last resort. Each is proven by
// verify before the next is tried, and all of it is recorded.
//
//	outcome, err := resolve.Run(ctx, resolve.Config{Service: "web", Verify: verify, Remedies: remedies, Consent: ask})
//
// What the remedies do is a table of its own (remedies.go).
package resolve

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/verify"
)

// Config is what is broken, and what may be done about it.
type Config struct {
	Service string
	// Verify looks at a service, and waits so long for what can still become true.
	Verify func(ctx context.Context, within time.Duration) verify.Report
	Within time.Duration
	// Gather returns what is known of the service, to be kept as evidence.
	Gather func(ctx context.Context) Evidence
	// Remedies are tried in their order.
	Remedies []Remedy
	// Consent asks whether a remedy may be tried.
	Consent func(r Remedy) bool
	Journal *Journal
	Tell    func(line string)
}

// Evidence is what was gathered.
type Evidence struct {
	Output string   `json:"-"` // the last that it printed
	Last   []string `json:"last,omitempty"`
	Causes []Cause  `json:"causes,omitempty"`
}

// Cause is what diagnosis names.
type Cause struct {
	ID  string `json:"id"`
	Why string `json:"why"`
	Fix string `json:"fix,omitempty"`
}

// Remedy is something that may help.
type Remedy struct {
	Name  string
	About string // what it does, and what it costs
	// Unfit says why it does not apply; "" when it does.
	Unfit string
	Do    func(ctx context.Context) error
}

// Outcome is what came of it.
type Outcome string

const (
	Well        Outcome = "well"     // it was not broken
	Resolved    Outcome = "resolved" // a remedy helped, and that is proven
	Unresolved  Outcome = "unresolved"
	Declined    Outcome = "declined" // nobody consented to anything
	Interrupted Outcome = "interrupted"
)

// Run looks, proposes, and tries. The error is one of the journal.
func Run(ctx context.Context, c Config) (Outcome, error) {
	report := c.Verify(ctx, 0)
	if ctx.Err() != nil {
		return Interrupted, nil
	}
	evidence := c.Gather(ctx)
	if err := c.Journal.Gathered(report, evidence); err != nil {
		return "", err
	}
	failed := Failures(report)
	if len(failed) == 0 {
		c.Tell(c.Service + " is not broken: " + string(report.Result))
		return c.end(Well)
	}
	c.Tell("what is wrong with " + c.Service + ":")
	for _, f := range failed {
		c.Tell("  " + f)
	}
	for _, line := range evidence.Last {
		c.Tell("  | " + line)
	}
	for _, cause := range evidence.Causes {
		c.Tell("cause: " + cause.ID + ": " + cause.Why)
		if cause.Fix != "" {
			c.Tell("  fix: " + cause.Fix)
		}
	}
	c.Tell("what may help, the mildest first:")
	for _, r := range c.Remedies {
		if r.Unfit != "" {
			c.Tell(fmt.Sprintf("  - %s: no, %s", r.Name, r.Unfit))
		} else {
			c.Tell(fmt.Sprintf("  - %s: %s", r.Name, r.About))
		}
	}
	return c.try(ctx)
}

func (c *Config) try(ctx context.Context) (Outcome, error) {
	tried := 0
	for _, r := range c.Remedies {
		if r.Unfit != "" {
			continue
		}
		if !c.Consent(r) {
			if err := c.Journal.Note(Entry{Event: "declined", Remedy: r.Name}); err != nil {
				return "", err
			}
			continue
		}
		tried++
		helped, err := c.apply(ctx, r)
		switch {
		case ctx.Err() != nil:
			c.Tell("interrupted during " + r.Name)
			return Interrupted, c.Journal.Note(Entry{Event: "ended", Outcome: Interrupted})
		case err != nil:
			return "", err
		case helped:
			return c.end(Resolved)
		}
	}
	if tried == 0 {
		return c.end(Declined)
	}
	c.Tell("nothing helped: " + c.Service + " needs a person; what was found is in " + c.Journal.Dir)
	return c.end(Unresolved)
}

// apply tries one remedy, and proves it.
func (c *Config) apply(ctx context.Context, r Remedy) (helped bool, err error) {
	began := time.Now()
	if err := c.Journal.Note(Entry{Event: "trying", Remedy: r.Name}); err != nil {
		return false, err
	}
	c.Tell("trying: " + r.Name)
	e := Entry{Event: "helped", Remedy: r.Name}
	if err := r.Do(ctx); err != nil {
		e.Event, e.Detail = "failed", err.Error()
	} else if failed := Failures(c.Verify(ctx, c.Within)); len(failed) > 0 {
		e.Event, e.Detail = "no-help", strings.Join(failed, "; ")
	}
	if ctx.Err() != nil {
		return false, nil
	}
	e.TookMS = time.Since(began).Milliseconds()
	if e.Event == "helped" {
		c.Tell(r.Name + " helped, and " + c.Service + " is proven")
	} else {
		c.Tell(r.Name + " did not help: " + e.Detail)
	}
	return e.Event == "helped", c.Journal.Note(e)
}

func (c *Config) end(o Outcome) (Outcome, error) {
	return o, c.Journal.Note(Entry{Event: "ended", Outcome: o})
}

// Failures are the checks that have failed, in words, and those of which the engine
// could not be asked.
func Failures(r verify.Report) (all []string) {
	for _, c := range r.Checks {
		if c.Result == verify.Failed || c.Unasked() {
			all = append(all, c.Service+": "+c.Name+": "+c.Found)
		}
	}
	return all
}
