// Package preflight checks, before a deployment, what can be checked before: the
// engine and Compose, the files, the host's room, the ports, the images; and it
// boots the new containers for a trial, away from all that is real (trial.go).
//
//	report := preflight.Run(ctx, preflight.Config{Engine: engine, Tool: tool, Project: project, Services: names})
//	fmt.Println(report.Verdict) // passed, warning, failed
//
// The checks are a table (checks). Each is timed, has a verdict, and says what to
// do where it is not passed. What could not be looked at is unknown, and no
// hindrance: a deployment is verified afterwards in any case.
package preflight

import (
	"context"
	"fmt"
	"time"

	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/verify"
)

// Config is what is to be deployed, and where.
type Config struct {
	Engine   *docker.Engine
	Local    bool // the engine is on this host
	Tool     *compose.Tool
	ToolErr  error // why there is no Tool
	Project  *compose.Project
	Choice   compose.Choice // as Tool is to find the project
	Services []string       // with all that they depend on, what others need first
	// Trial is what a trial boot has beside a service: "real", "stub", "none"; "off"
	// is no trial boot.
	Trial string
	Stubs string // compose file of stand-ins, for "stub"
	// Target is what is verified of a service.
	Target func(service string) verify.Target
	// Command runs the user's own check for migrations; nil for none.
	Migrations func(ctx context.Context) (output string, err error)
	// Commit is what was deployed last; "" is not known.
	Commit string
	// Undo gives images the names back that a build or pull took from them.
	Undo bool
	// Tell is given a line of progress now and then; nil for none.
	Tell func(line string)
}

// Verdict is what came of a check.
type Verdict string

const (
	Passed  Verdict = "passed"
	Warning Verdict = "warning"
	Failed  Verdict = "failed"
	Unknown Verdict = "unknown" // it could not be looked at
	Skipped Verdict = "skipped" // it does not apply
)

// Check is one question and its answer.
type Check struct {
	Name    string  `json:"check"`
	Service string  `json:"service,omitempty"`
	Verdict Verdict `json:"verdict"`
	Found   string  `json:"found"`
	Fix     string  `json:"fix,omitempty"`
	TookMS  int64   `json:"took_ms"`
}

// Report is what was found.
type Report struct {
	Began   time.Time `json:"began"` // UTC
	TookMS  int64     `json:"took_ms"`
	Verdict Verdict   `json:"verdict"` // passed, warning or failed
	Checks  []Check   `json:"checks"`
}

// flight is a run of all checks, with what one finds out for the next.
type flight struct {
	Config
	down   bool            // the engine or Compose is not there
	broken map[string]bool // services that cannot be booted any more
}

// checks is the table of all checks, in the order in which they are made: the
// cheap ones first.
var checks = []struct {
	name   string
	look   func(f *flight, ctx context.Context) []Check
	engine bool // it needs the engine, and Compose
}{
	{"engine", (*flight).engine, false},
	{"compose", (*flight).tool, false},
	{"compose-file", (*flight).file, true},
	{"disk", (*flight).disk, true},
	{"memory", (*flight).memory, true},
	{"ports", (*flight).ports, true},
	{"certificates", (*flight).certificates, false},
	{"changes", (*flight).changes, true},
	{"images", (*flight).images, true},
	{"entrypoint", (*flight).entrypoints, true},
	{"migrations", (*flight).migrations, false},
	{"trial", (*flight).trial, true},
}

// Run makes all checks. It goes on after one that has failed, so that all is
// known at once.
func Run(ctx context.Context, c Config) Report {
	f := &flight{Config: c, broken: map[string]bool{}}
	if f.Tell == nil {
		f.Tell = func(string) {}
	}
	began := time.Now()
	r := Report{Began: began.UTC(), Verdict: Passed, Checks: []Check{}}
	if c.Undo {
		defer f.keepNames(ctx)()
	}
	for _, row := range checks {
		if ctx.Err() != nil {
			break
		}
		if row.engine && f.down {
			continue
		}
		f.Tell(row.name)
		began := time.Now()
		found := row.look(f, ctx)
		for _, check := range found {
			if check.Name == "" {
				check.Name = row.name
			}
			if check.TookMS == 0 {
				check.TookMS = time.Since(began).Milliseconds()
			}
			r.Checks = append(r.Checks, check)
			switch {
			case check.Verdict == Failed:
				r.Verdict = Failed
				f.broken[check.Service] = true
			case check.Verdict == Warning && r.Verdict == Passed:
				r.Verdict = Warning
			}
		}
	}
	r.TookMS = time.Since(began).Milliseconds()
	return r
}

// of makes a check of one verdict.
func of(v Verdict, fix, format string, a ...any) []Check {
	return []Check{{Verdict: v, Found: fmt.Sprintf(format, a...), Fix: fix}}
}
