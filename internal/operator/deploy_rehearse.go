package operator

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/deploy"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/verify"
)

// rehearse says each step of a deployment, and does none.
func rehearse(ctx context.Context, c *cli.Context, f *deployFlags, conf *config.Config, plan *deploy.Plan, state string) error {
	if f.json {
		return printJSON(c, plan)
	}
	say := func(format string, a ...any) {
		fmt.Fprintln(c.Stdout, record.Printable(fmt.Sprintf(format, a...)))
	}
	if d, err := deploy.Unfinished(state, plan.Projects()); err == nil && d != nil {
		say("first: deployment %s was interrupted at %s: resume or abort it", d.Plan.ID, d.Where())
	}
	for _, s := range plan.Stages {
		project, err := compose.Load(ctx, s.Choice())
		if err != nil {
			return err
		}
		tool, err := compose.FindTool(ctx, s.Docker)
		if err != nil {
			return err
		}
		engine, err := openEngine(s.Docker)
		if err != nil {
			return err
		}
		defer engine.Close()
		say("stage %s: compose project %s, %s", s.Name, s.Project, tool)
		say("  record     what runs now, in %s/deployments", state)
		hooks(say, &s, "preflight")
		if s.Trial == "off" {
			say("  preflight  as `aweigh preflight`, without a trial boot")
		} else {
			say("  preflight  as `aweigh preflight`; images are built or pulled, and booted for a trial")
		}
		say("  apply      one service after the other:")
		for _, name := range s.Services {
			what, err := change(ctx, engine, project, name, s.Rollout)
			if err != nil {
				return err
			}
			for _, t := range targetsOf(conf, project, []string{name}) {
				how, err := rollout(ctx, engine, &s, project, t)
				if err != nil {
					return err
				}
				what += how
			}
			say("    %s: %s", name, what)
		}
		hooks(say, &s, "apply")
		say("  verify     as `aweigh verify`, within %s", cli.Human(s.Within))
		hooks(say, &s, "verify")
		if s.Soak > 0 {
			say("  soak       watched for %s", cli.Human(s.Soak))
			hooks(say, &s, "soak")
		}
		say("  if any of it fails: rollback to what runs now, and that is verified within %s", cli.Human(s.Within))
		hooks(say, &s, "rollback")
	}
	say("Nothing was done.")
	return nil
}

func hooks(say func(string, ...any), s *deploy.Stage, step string) {
	for _, all := range []struct {
		when  string
		hooks []config.Command
	}{{"before", s.Before[step]}, {"after", s.After[step]}} {
		for _, words := range all.hooks {
			say("             hook %s.%s: %s", all.when, step, strings.Join(words, " "))
		}
	}
}

// rollout says how a service would be rolled out; "" where nobody asked for that.
func rollout(ctx context.Context, engine *docker.Engine, s *deploy.Stage, project *compose.Project, t verify.Target) (string, error) {
	if !s.Rollout {
		return "", nil
	}
	proxy, blinks, err := deploy.Rollable(ctx, engine, s, project, t)
	switch {
	case err != nil:
		return "", err
	case proxy != "":
		return fmt.Sprintf("; if anything changes, a second instance is proven beside it, then %s is given it", proxy), nil
	case blinks != "":
		return "; it blinks: " + blinks, nil
	}
	return "", nil
}

// change says what a deployment would do to a service, as far as it can be told
// before images are built and pulled.
func change(ctx context.Context, engine *docker.Engine, project *compose.Project, name string, rollout bool) (string, error) {
	s := project.All()[name]
	now, err := engine.Instances(ctx, project.Name, name)
	if err != nil {
		return "", err
	}
	if len(now) == 0 {
		return "new", nil
	}
	text := fmt.Sprintf("%s, %s (%s)", now[0].Status, now[0].Image, short(now[0].ImageID))
	switch {
	case s.Build != nil:
		text += ", to be built"
	case s.Image != now[0].Image:
		text += ", to become " + s.Image
	default:
		image, err := engine.Image(ctx, s.Image)
		switch {
		case errors.Is(err, docker.ErrNoImage):
			text += ", to be pulled"
		case err != nil:
			return "", err
		case image.ID != now[0].ImageID:
			text += ", to become " + short(image.ID)
		default:
			text += ", the image stays unless there is a newer one to pull"
		}
	}
	if !rollout && len(now[0].Bindings) > 0 {
		text += "; while it is replaced, its port does not answer"
	}
	return text, nil
}

func short(id string) string {
	id = strings.TrimPrefix(id, "sha256:")
	return id[:min(len(id), 12)]
}
