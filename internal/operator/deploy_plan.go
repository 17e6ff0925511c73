package operator

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/deploy"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/quantity"
)

// plan is what is to be deployed where: the stages of the configuration, unless a
// compose project is named on the command line.
func (f *deployFlags) plan(ctx context.Context, conf *config.Config, services []string) (*deploy.Plan, error) {
	now := time.Now()
	plan := &deploy.Plan{ID: aweigh.NewID(now), By: user(), Began: now.UTC()}
	if conf.File != "" {
		plan.Config, _ = filepath.Abs(conf.File)
	}
	stages := conf.Stages
	if len(f.files) > 0 || len(f.env) > 0 || f.name != "" || len(stages) == 0 {
		if f.stage != "" {
			return nil, fmt.Errorf("--stage %s: stages are those of aweigh.yaml, and %s", f.stage, map[bool]string{true: "there are none", false: "--file, --project-name and --env-file name another project"}[len(stages) == 0])
		}
		stages = []config.Stage{{Name: "local", Files: f.files, EnvFiles: f.env, ProjectName: f.name, Within: 5 * time.Minute, Trial: "real"}}
	}
	if f.stage != "" {
		n := slices.IndexFunc(stages, func(s config.Stage) bool { return s.Name == f.stage })
		if n < 0 {
			return nil, fmt.Errorf("there is no stage %q: the stages of %s are %s", f.stage, conf.File, names(stages))
		}
		stages = stages[n : n+1]
	}
	for _, s := range stages {
		if err := f.override(&s); err != nil {
			return nil, err
		}
		stage, err := f.stageOf(ctx, conf, s, services)
		if err != nil {
			return nil, fmt.Errorf("stage %s: %w", s.Name, err)
		}
		plan.Stages = append(plan.Stages, stage)
	}
	for n, s := range plan.Stages {
		for _, other := range plan.Stages[:n] {
			if other.Project == s.Project && other.Docker == s.Docker {
				return nil, fmt.Errorf("stages %s and %s are the same compose project %s on the same engine: give one of them a project_name", other.Name, s.Name, s.Project)
			}
		}
	}
	plan.Services = plan.Stages[len(plan.Stages)-1].Services
	return plan, nil
}

// identifyLimit is how long engines are given to say who they are.
const identifyLimit = 30 * time.Second

// identify asks the engines of a plan who they are: so that two deployments know
// that they are about the same one.
func identify(ctx context.Context, plan *deploy.Plan) error {
	ctx, cancel := context.WithTimeout(ctx, identifyLimit)
	defer cancel()
	return plan.Identify(ctx, docker.Open)
}

func names(stages []config.Stage) string {
	var all []string
	for _, s := range stages {
		all = append(all, s.Name)
	}
	return strings.Join(all, ", ")
}

// override lays the flags over what the stage says.
func (f *deployFlags) override(s *config.Stage) (err error) {
	if f.soak != "" {
		if s.Soak, err = orZero(f.soak); err != nil {
			return fmt.Errorf("--soak %s: %w", f.soak, err)
		}
	}
	if f.within != "" {
		if s.Within, err = quantity.Duration(f.within); err != nil {
			return fmt.Errorf("--within %s: %w", f.within, err)
		}
	}
	if f.trial != "" {
		if !slices.Contains([]string{"real", "stub", "none", "off"}, f.trial) {
			return fmt.Errorf("--trial %s: write real, stub, none or off", f.trial)
		}
		s.Trial = f.trial
	}
	s.Rollout = s.Rollout || f.rollout
	if s.Trial == "stub" && s.Stubs == "" {
		return fmt.Errorf("--trial stub: the stage has no stubs in aweigh.yaml")
	}
	return nil
}

func orZero(text string) (time.Duration, error) {
	if text == "0" {
		return 0, nil
	}
	return quantity.Duration(text)
}

func (f *deployFlags) stageOf(ctx context.Context, conf *config.Config, s config.Stage, services []string) (deploy.Stage, error) {
	project, err := compose.Load(ctx, compose.Choice{Files: s.Files, EnvFiles: s.EnvFiles, Name: s.ProjectName})
	if err != nil {
		return deploy.Stage{}, err
	}
	if services, err = project.Select(services); err != nil {
		return deploy.Stage{}, err
	}
	if services, err = deploy.Ordered(project, services); err != nil {
		return deploy.Stage{}, err
	}
	if len(services) == 0 {
		return deploy.Stage{}, fmt.Errorf("the compose project %s has no service", project.Name)
	}
	engine := first(s.Docker, f.engine, conf.Watch.Docker)
	if s.Context != "" {
		if engine, err = engineOfContext(ctx, s.Context); err != nil {
			return deploy.Stage{}, err
		}
	}
	if engine == "none" {
		return deploy.Stage{}, errors.New("--docker none: without a container engine there is nothing to deploy")
	}
	stage := deploy.Stage{Name: s.Name, Project: project.Name, Dir: project.WorkingDir, Sum: deploy.Sum(project), Docker: engine, Services: services,
		Within: s.Within, Soak: s.Soak, Trial: s.Trial, Stubs: s.Stubs, Migrate: s.Migrations, Rollout: s.Rollout, Before: s.Before, After: s.After}
	for _, path := range project.ComposeFiles {
		abs, err := filepath.Abs(path)
		if err != nil {
			return deploy.Stage{}, err
		}
		stage.Files = append(stage.Files, abs)
	}
	for _, path := range s.EnvFiles {
		abs, err := filepath.Abs(path)
		if err != nil {
			return deploy.Stage{}, err
		}
		stage.EnvFiles = append(stage.EnvFiles, abs)
	}
	// The .env of the current directory may have named the files, and set variables besides
	// the one beside them. Nobody who reads them later is here.
	if again, err := compose.Load(ctx, stage.Choice()); err != nil || deploy.Sum(again) != stage.Sum {
		stage.EnvFiles = project.EnvFiles
	}
	return stage, nil
}

// engineOfContext asks Docker's own program where a context's engine is.
func engineOfContext(ctx context.Context, name string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}", "--", name).Output()
	if err != nil {
		return "", fmt.Errorf("the Docker context %s cannot be read (%w): see docker context ls", name, err)
	}
	return strings.TrimSpace(string(out)), nil
}
