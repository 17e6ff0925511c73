package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/verify"
)

// Sum is a fingerprint of a project's files and of what its variables made of
// them.
func Sum(p *compose.Project) string {
	h := sha256.New()
	for _, s := range p.Sources {
		fmt.Fprintf(h, "%s\n%d\n", filepath.Base(s.Path), len(s.Text))
		h.Write(s.Text)
	}
	if text, err := p.MarshalYAML(); err == nil {
		h.Write(text)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// apply has Compose bring the services up, one after the other, what others need
// first; each that others need is proven before they are touched.
func (r *run) apply(ctx context.Context, s *Stage) (string, error) {
	project, _, err := r.open(ctx, s)
	if err != nil {
		return "", err
	}
	tool, err := r.tool(ctx, s)
	if err != nil {
		return "", err
	}
	order, err := Ordered(project, s.Services)
	if err != nil {
		return "", err
	}
	log, err := os.OpenFile(filepath.Join(r.Dir, "compose.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return "", err
	}
	defer log.Close()
	was, err := r.containers(ctx, s)
	if err != nil {
		return "", err
	}
	rolled, blinks, err := r.rolled(ctx, s, project, order)
	if err != nil {
		return "", err
	}
	done := 0
	for n, name := range order {
		if h := rolled[name]; h != nil {
			done = n + 1
			r.Out.Wait(fmt.Sprintf("%d of %d: %s", done, len(order), name))
			if err := r.rollOut(ctx, s, project, tool, log, h); err != nil {
				return "", fmt.Errorf("%s: %w", name, err)
			}
			continue
		}
		wait := needed(project, name, order[n+1:])
		if !wait && n+1 < len(order) && rolled[order[n+1]] == nil {
			continue // Compose takes a while to begin: it gets all at once that wait for nobody
		}
		batch := order[done : n+1]
		done = n + 1
		r.Out.Wait(fmt.Sprintf("%d of %d: %s", done, len(order), strings.Join(batch, ", ")))
		if err := up(ctx, tool, s.Choice(), log, batch...); err != nil {
			return "", fmt.Errorf("%s: %w", strings.Join(batch, ", "), err)
		}
		for _, one := range batch {
			if err := r.tellBlink(ctx, s, one, blinks[one]); err != nil {
				return "", err
			}
		}
		if wait {
			if err := r.proven(ctx, s, project, []string{name}); err != nil {
				return "", err
			}
		}
	}
	now, err := r.containers(ctx, s)
	if err != nil {
		return "", err
	}
	var changed []string
	for id, service := range now {
		if was[id] == "" && !slices.Contains(changed, service) {
			changed = append(changed, service)
		}
	}
	slices.Sort(changed)
	if len(changed) == 0 {
		return "nothing had to change", nil
	}
	return "new: " + strings.Join(changed, ", "), nil
}

// containers are the services of all containers of a stage, by id.
func (r *run) containers(ctx context.Context, s *Stage) (map[string]string, error) {
	engine, err := r.engine(s)
	if err != nil {
		return nil, err
	}
	all, err := engine.Twins(ctx, s.Project)
	ids := map[string]string{}
	for _, c := range all {
		ids[c.ID] = c.Service
	}
	return ids, err
}

// upTries are how often Compose is asked to start a service whose predecessor's
// port may not be free yet.
const upTries = 2

func up(ctx context.Context, tool *compose.Tool, c compose.Choice, log io.Writer, args ...string) (err error) {
	for n := range upTries {
		if err = tool.Run(ctx, c, log, append([]string{"up", "--detach", "--no-build", "--no-deps", "--no-color"}, args...)...); err == nil || ctx.Err() != nil {
			return err
		}
		var said *compose.ToolError
		if n+1 == upTries || !errors.As(err, &said) || !strings.Contains(said.Said, "port is already allocated") {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return err
}

// needed reports whether one of the others depends on a service.
func needed(p *compose.Project, name string, others []string) bool {
	return slices.ContainsFunc(others, func(other string) bool {
		s := p.All()[other]
		return slices.Contains(s.GetDependencies(), name)
	})
}

// verify proves what was applied.
func (r *run) verify(ctx context.Context, s *Stage) (string, error) {
	project, _, err := r.open(ctx, s)
	if err != nil {
		return "", err
	}
	order, err := Ordered(project, s.Services)
	if err != nil {
		return "", err
	}
	report, err := r.check(ctx, s, project, order, s.Within)
	if err != nil {
		return "", err
	}
	return summary(report), failure(report)
}

// proven verifies some services.
func (r *run) proven(ctx context.Context, s *Stage, project *compose.Project, services []string) error {
	report, err := r.check(ctx, s, project, services, s.Within)
	if err != nil {
		return err
	}
	return failure(report)
}

func (r *run) check(ctx context.Context, s *Stage, project *compose.Project, services []string, within time.Duration) (verify.Report, error) {
	engine, targets, err := r.targets(s, project, services)
	if err != nil {
		return verify.Report{}, err
	}
	return r.look(ctx, engine, targets, within)
}

// targets are what is verified of services, and the engine that they are on.
func (r *run) targets(s *Stage, project *compose.Project, services []string) (*docker.Engine, []verify.Target, error) {
	engine, err := r.engine(s)
	if err != nil {
		return nil, nil, err
	}
	before, err := r.Before(s.Name)
	if err != nil {
		return nil, nil, err
	}
	targets := r.Targets(project, services)
	for n := range targets {
		targets[n].Restarted = before.restarts()
	}
	return engine, targets, nil
}

func (r *run) look(ctx context.Context, engine *docker.Engine, targets []verify.Target, within time.Duration) (verify.Report, error) {
	report := verify.Run(ctx, verify.Config{Engine: engine, Targets: targets, Within: within, Signals: r.Signals, Starts: r.Starts, Records: r.Records, Tell: r.Out.Wait})
	if err := ctx.Err(); err != nil {
		return report, err
	}
	return report, nil
}

// failure is nil unless a check has failed, or the engine could not even be asked
// whether a service runs.
func failure(report verify.Report) error {
	var found []string
	for _, c := range report.Checks {
		if c.Result == verify.Failed || c.Unasked() {
			found = append(found, fmt.Sprintf("%s: %s: %s", c.Service, c.Name, c.Found))
		}
	}
	if len(found) == 0 {
		return nil
	}
	const most = 3
	if len(found) > most {
		found = append(found[:most], fmt.Sprintf("and %d more", len(found)-most))
	}
	return errors.New(strings.Join(found, "; "))
}

// summary says what was proven, and what could not be looked at.
func summary(report verify.Report) string {
	passed := 0
	var unknown []string
	for _, c := range report.Checks {
		switch c.Result {
		case verify.Passed:
			passed++
		case verify.Unknown:
			unknown = append(unknown, c.Service+": "+c.Name)
		}
	}
	text := fmt.Sprintf("%d checks passed", passed)
	if len(unknown) > 0 {
		text += fmt.Sprintf(", %d could not be looked at (%s)", len(unknown), strings.Join(unknown, ", "))
	}
	return text
}
