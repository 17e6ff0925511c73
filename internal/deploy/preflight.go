package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/preflight"
	"github.com/aweigh/aweigh/internal/verify"
)

// Preflight is what is to be checked before a stage is deployed to.
// Without a tool a check fails, with toolErr.
func Preflight(engine *docker.Engine, tool *compose.Tool, toolErr error, project *compose.Project, s *Stage, state string, targets func(*compose.Project, []string) []verify.Target) preflight.Config {
	c := preflight.Config{Engine: engine, Local: Local(engine), Tool: tool, ToolErr: toolErr, Project: project, Choice: s.Choice(), Services: s.Services, Trial: s.Trial, Stubs: s.Stubs,
		Commit: lastCommit(state, s.Project),
		Target: func(service string) verify.Target {
			if all := targets(project, []string{service}); len(all) == 1 {
				return all[0]
			}
			return verify.Target{Service: service}
		}}
	if s.Migrate != nil {
		c.Migrations = func(ctx context.Context) (string, error) {
			out, err := command(ctx, s, s.Migrate, time.Minute)
			return string(out), err
		}
	}
	return c
}

// Local reports whether an engine is on this host.
func Local(e *docker.Engine) bool {
	return strings.HasPrefix(e.Host(), "unix://") || strings.Contains(e.Host(), "//127.0.0.1") || strings.Contains(e.Host(), "//localhost")
}

// preflight makes all checks. A deployment goes on with warnings.
func (r *run) preflight(ctx context.Context, s *Stage) (string, error) {
	project, engine, err := r.open(ctx, s)
	if err != nil {
		return "", err
	}
	tool, err := r.tool(ctx, s)
	c := Preflight(engine, tool, err, project, s, r.state(), r.Targets)
	c.Tell = r.Out.Wait
	report := preflight.Run(ctx, c)
	if err := ctx.Err(); err != nil {
		return "", err
	}
	text, err := preflight.Encode(report)
	if err == nil {
		err = r.keep(filepath.Join(s.Name, "preflight.json"), text)
	}
	if err != nil {
		return "", err
	}
	n := map[preflight.Verdict]int{}
	var failed, notes []string
	for _, c := range report.Checks {
		n[c.Verdict]++
		what := strings.TrimPrefix(c.Service+": ", ": ") + c.Name + ": " + c.Found
		switch c.Verdict {
		case preflight.Failed:
			failed = append(failed, strings.TrimSpace(what+". "+c.Fix))
		case preflight.Warning, preflight.Unknown:
			notes = append(notes, string(c.Verdict)+": "+cli.Shorten(what, 200))
		}
	}
	if failed != nil {
		return "", errors.New(strings.Join(failed, "; "))
	}
	for _, note := range notes {
		r.Out.Say("%-12s %-10s %s", s.Name, stepPreflight, note)
	}
	return fmt.Sprintf("%d passed, %d warnings, %d unknown", n[preflight.Passed], n[preflight.Warning], n[preflight.Unknown]), nil
}

func (d *Deployment) state() string { return filepath.Dir(filepath.Dir(d.Dir)) }

// keepCommit notes which commit is deployed, where there is a repository.
func (d *Deployment) keepCommit(ctx context.Context, s *Stage) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "git", "-C", s.Dir, "-c", "core.fsmonitor=false", "rev-parse", "HEAD").Output()
	if err != nil {
		return nil
	}
	return d.keep(filepath.Join(s.Name, "commit"), out)
}

// lastCommit is what was deployed last of a project; "" where that is not known.
func lastCommit(state, project string) string {
	all, err := List(state)
	if err != nil {
		return ""
	}
	for _, d := range all {
		n := slices.IndexFunc(d.Plan.Stages, func(s Stage) bool { return s.Project == project })
		if n < 0 || d.Outcome() != Deployed {
			continue
		}
		text, err := os.ReadFile(filepath.Join(d.Dir, d.Plan.Stages[n].Name, "commit"))
		if commit := strings.TrimSpace(string(text)); err == nil && len(commit) >= 40 {
			return commit
		}
	}
	return ""
}
