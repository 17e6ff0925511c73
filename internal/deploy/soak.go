package deploy

import (
	"context"
	"fmt"
	"time"

	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/verify"
)

const (
	// badLooks are how many looks in a row must fail: one slow answer undoes nothing.
	badLooks = 3
	// again is what the look after the first bad one waits: an engine that was
	// restarted has begun the containers anew, and verify wants them to have run for
	// 10 s.
	again = 15 * time.Second
)

// soak watches a proven stage for a while: the same checks again and again.
func (r *run) soak(ctx context.Context, s *Stage) (string, error) {
	project, _, err := r.open(ctx, s)
	if err != nil {
		return "", err
	}
	order, err := Ordered(project, s.Services)
	if err != nil {
		return "", err
	}
	pause := r.pause(project, order, s.Soak)
	end := time.Now().Add(s.Soak) // anew after an interruption: nobody was watching meanwhile
	bad, looks := 0, 0
	within := s.Within // the host may have come up a moment ago
	for {
		if err := r.awaitEngine(ctx, s); err != nil {
			return "", err
		}
		report, err := r.watch(ctx, s, project, order, within)
		if err != nil {
			return "", err
		}
		looks, within = looks+1, 0
		if err := failure(report); err == nil {
			bad = 0
		} else if bad++; bad >= badLooks || lasting(report) {
			return "", err
		}
		if bad == 1 {
			within = again
		}
		left := time.Until(end)
		if left <= 0 && bad == 0 {
			return fmt.Sprintf("watched for %s, %d looks: all well", s.Soak, looks), nil
		}
		r.Out.Wait("watched, all well so far")
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(max(min(pause, left), time.Second)):
		}
	}
}

// watch is one look at what has been proven. Which image it runs has been, and does not
// change; what its name means may, once the next release is built or pulled.
func (r *run) watch(ctx context.Context, s *Stage, project *compose.Project, services []string, within time.Duration) (verify.Report, error) {
	engine, targets, err := r.targets(s, project, services)
	if err != nil {
		return verify.Report{}, err
	}
	for n := range targets {
		targets[n].Images = nil
	}
	return r.look(ctx, engine, targets, within)
}

// pause is the time between two looks: that of the most impatient probe, and a
// tenth of the whole at most.
func (r *run) pause(project *compose.Project, services []string, whole time.Duration) time.Duration {
	pause := max(whole/10, time.Second)
	for _, t := range r.Targets(project, services) {
		if i := t.Settings.Interval; i > 0 {
			pause = min(pause, i)
		}
	}
	return pause
}

// lasting reports whether to look again would change nothing: a container was
// restarted.
func lasting(report verify.Report) bool {
	for _, c := range report.Checks {
		if c.Result == verify.Failed && c.Name == "restarts" {
			return true
		}
	}
	return false
}
