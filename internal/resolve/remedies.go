package resolve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/deploy"
	"github.com/aweigh/aweigh/internal/docker"
)

// Place is where the broken service is.
type Place struct {
	Engine  *docker.Engine
	Tool    *compose.Tool // nil: there is no Compose
	Project *compose.Project
	Choice  compose.Choice
	Stage   deploy.Stage // as it would be deployed
	Service string
	State   string
	Tell    func(string)
}

// Remedies are what may help the service, the mildest first.
func (p *Place) Remedies(ctx context.Context) []Remedy {
	s := p.Project.All()[p.Service]
	restart := Remedy{Name: "restart", About: "restart its containers; what they hold in memory is lost", Do: p.restart}
	if now, err := p.Engine.Instances(ctx, p.Project.Name, p.Service); err == nil && len(now) == 0 {
		restart.Unfit = "it has no container"
	}
	recreate := Remedy{Name: "recreate", About: "make its containers anew, as the compose file has them; what is in no volume is lost",
		Do: func(ctx context.Context) error { return p.up(ctx) }}
	rebuild := Remedy{Name: "rebuild", About: "build its image, and make its containers anew", Do: func(ctx context.Context) error {
		if err := p.Tool.Run(ctx, p.Choice, nil, "build", p.Service); err != nil {
			return err
		}
		return p.up(ctx)
	}}
	if s.Build == nil {
		rebuild.Unfit = "its image is not built here"
	}
	if p.Tool == nil {
		recreate.Unfit, rebuild.Unfit = compose.ErrNoTool.Error(), compose.ErrNoTool.Error()
	}
	dependents := p.dependents()
	last := Remedy{Name: "restart-dependents", About: "the last resort: restart it and what depends on it: " + strings.Join(dependents, ", "),
		Do: func(ctx context.Context) error { return p.restartAll(ctx, append([]string{p.Service}, dependents...)) }}
	if len(dependents) == 0 {
		last.Unfit = "nothing depends on it"
	}
	return []Remedy{restart, recreate, rebuild, p.rollback(ctx), last}
}

func (p *Place) restart(ctx context.Context) error { return p.restartAll(ctx, []string{p.Service}) }

func (p *Place) restartAll(ctx context.Context, services []string) error {
	for _, service := range services {
		now, err := p.Engine.Instances(ctx, p.Project.Name, service)
		if err != nil {
			return err
		}
		for _, i := range now {
			p.Tell("restarting " + i.Name)
			if err := p.Engine.Restart(ctx, i.ID); err != nil {
				return fmt.Errorf("container %s cannot be restarted: %w", i.Name, err)
			}
		}
	}
	return nil
}

func (p *Place) up(ctx context.Context) error {
	return p.Tool.Run(ctx, p.Choice, nil, "up", "--detach", "--no-build", "--no-deps", "--no-color", "--force-recreate", p.Service)
}

// dependents are the services that depend on it, directly or not.
func (p *Place) dependents() (all []string) {
	for name := range p.Project.Services {
		if name == p.Service {
			continue
		}
		order, err := deploy.Ordered(p.Project, []string{name})
		if err == nil && slices.Contains(order, p.Service) {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// rollback goes back to what ran before the last deployment that changed the
// service's image.
func (p *Place) rollback(ctx context.Context) Remedy {
	r := Remedy{Name: "rollback", Unfit: "no deployment is known that changed it"}
	now, err := p.Engine.Instances(ctx, p.Project.Name, p.Service)
	if err != nil {
		r.Unfit = err.Error()
		return r
	}
	all, err := deploy.List(p.State)
	if err != nil {
		r.Unfit = err.Error()
		return r
	}
	var later *deploy.Before
	for _, d := range all { // the newest first
		n := slices.IndexFunc(d.Plan.Stages, func(s deploy.Stage) bool { return s.Project == p.Project.Name && s.SameEngine(&p.Stage) })
		if n < 0 || d.Outcome() != deploy.Deployed {
			continue
		}
		before, err := d.Before(d.Plan.Stages[n].Name)
		if err != nil {
			continue
		}
		before = before.Of(p.Service)
		if later != nil {
			before.Follow(later)
		}
		later = before
		if len(before.Containers) == 0 || len(now) > 0 && before.Containers[0].ImageID == now[0].ImageID {
			continue
		}
		was := before.Containers[0]
		if _, err := p.Engine.Image(ctx, was.ImageID); errors.Is(err, docker.ErrNoImage) {
			r.Unfit = "the image that ran before deployment " + d.Plan.ID + " is gone"
			return r
		}
		stage := d.Plan.Stages[n]
		r.Unfit, r.About = "", fmt.Sprintf("go back to what ran before deployment %s: %s", d.Plan.ID, was.Image)
		r.Do = func(ctx context.Context) error {
			_, err := deploy.Restore(ctx, p.Engine, before, d.Plan.ID, &stage, p.Tell, nil)
			return err
		}
		return r
	}
	return r
}
