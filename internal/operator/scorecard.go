package operator

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/drill"
	"github.com/aweigh/aweigh/internal/record"
)

// scorecard prints what came of each drill, and what that amounts to.
func scorecard(w io.Writer, r *drill.Report) error {
	fmt.Fprintf(w, "\n%s (%s)", record.Printable(r.Service), record.Printable(r.Image))
	if r.Unsteady == "" {
		fmt.Fprintf(w, ": ready after %s, proven by %s\n\n", took(&r.SteadyMS), record.Printable(r.Probe))
	} else {
		fmt.Fprintf(w, ": no steady state, so no drill was run\n  %s\n\n", record.Printable(r.Unsteady))
	}
	if r.Watcher != "" {
		fmt.Fprintf(w, "watched by the aweigh watch that runs (state %s)\n\n", record.Printable(r.Watcher))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", record.Printable(n))
	}
	if len(r.Notes) > 0 {
		fmt.Fprintln(w)
	}
	if r.Unsteady == "" {
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "DRILL\tINJECTED AT\tDETECTED\tTOLD\tAS\tDIAGNOSED AS\tRECOVERED\tVERDICT")
		for _, one := range r.Results {
			injected, kind, cause := "-", "-", "-"
			if one.Injected != nil {
				injected = one.Injected.Local().Format("15:04:05")
			}
			if one.Incident != nil {
				kind = string(one.Incident.Kind)
			}
			if one.Cause != nil {
				cause = record.Printable(one.Cause.ID)
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", one.Drill, injected, took(one.DetectedMS), took(one.ToldMS), kind, cause, took(one.RecoveredMS), one.Verdict)
		}
		if err := t.Flush(); err != nil {
			return err
		}
		reasons(w, r)
	}
	_, err := fmt.Fprintln(w, sum(r))
	return err
}

// reasons tells why drills are not passed.
func reasons(w io.Writer, r *drill.Report) {
	fmt.Fprintln(w)
	for n, one := range r.Results {
		names, told := []string{}, false
		for k, other := range r.Results {
			if other.Verdict == one.Verdict && other.Reason == one.Reason {
				names, told = append(names, other.Drill), told || k < n
			}
		}
		if one.Verdict == drill.Passed || told {
			continue // a reason that several have is told once
		}
		fmt.Fprintf(w, "%s: %s: %s\n", strings.Join(names, ", "), one.Verdict, one.Reason)
		if one.Evidence != "" {
			fmt.Fprintf(w, "  what its watcher saw is kept: aweigh incidents --all --state %s\n", one.Evidence)
		}
	}
}

// sum is the last line.
func sum(r *drill.Report) string {
	text := fmt.Sprintf("%s in %s: %d passed, %d failed, %d inconclusive, %d not applicable", drills(len(r.Results)), took(&r.TookMS),
		r.Count(drill.Passed), r.Count(drill.Failed), r.Count(drill.Inconclusive), r.Count(drill.NotApplicable))
	if score := r.Score(); score >= 0 {
		text += fmt.Sprintf(". Score: %d %%", score)
	}
	return text
}

func drills(n int) string {
	if n == 1 {
		return "1 drill"
	}
	return fmt.Sprintf("%d drills", n)
}

// took is a time of a drill, - where there is none.
func took(ms *int64) string {
	if ms == nil {
		return "-"
	}
	return cli.Human(time.Duration(*ms) * time.Millisecond)
}
