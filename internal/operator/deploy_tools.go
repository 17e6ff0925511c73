package operator

import (
	"context"
	"os"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/deploy"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/store"
	"github.com/aweigh/aweigh/internal/verify"
	"github.com/aweigh/aweigh/internal/watch"
)

// tools are what a deployment works with here.
func (f *deployFlags) tools(c *cli.Context, conf *config.Config, state string, d *deploy.Deployment) (deploy.Tools, error) {
	signals, err := watch.CompileSignals(conf)
	if err != nil {
		return deploy.Tools{}, err
	}
	out := &deploy.Progress{W: c.Stdout, Terminal: terminal(os.Stdout), JSON: f.json}
	return deploy.Tools{
		Engine: docker.Open, Signals: signals, Starts: watchedStarts(state), Records: state, Out: out,
		Targets: func(p *compose.Project, services []string) []verify.Target { return targetsOf(conf, p, services) },
		Was: func(project string, containers []docker.Twin) verify.Target {
			return targetThatWas(conf, project, containers)
		},
		Mute: muter(state, d.Plan.ID),
	}, nil
}

func targetsOf(conf *config.Config, p *compose.Project, services []string) (all []verify.Target) {
	for _, name := range services {
		if s, ok := p.All()[name]; ok && s.Provider == nil && s.GetScale() > 0 {
			all = append(all, targetOfService(p, s, conf))
		}
	}
	return all
}

// targetThatWas is what the containers of a service were, by their own labels.
func targetThatWas(conf *config.Config, project string, containers []docker.Twin) verify.Target {
	was := containers[0]
	t := target(conf, was.Service, was.Config.Labels)
	t.Project, t.Scale, t.Images = project, len(containers), []string{was.ImageID}
	return t
}

// muter posts maintenance windows to the watcher; nil where there never was one: it
// would find them all.
func muter(state, id string) func(ctx context.Context, window, service string, until time.Time) {
	if !watched(state) {
		return nil
	}
	return func(ctx context.Context, window, service string, until time.Time) {
		// The end of a window is told even when the deployment is interrupted.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		st, err := store.OpenToRead(ctx, state)
		if err != nil {
			return
		}
		defer st.Close()
		w := aweigh.Maintenance{ID: window, Services: service, Until: until.UTC(), By: user(), Note: "deployment " + id}
		if until.IsZero() {
			w.Until = until
		}
		// Without it there is an alarm too many, which is no reason to stop.
		st.Post(ctx, aweigh.Fact{Kind: aweigh.FactMaintenance, At: time.Now().UTC(), Window: &w})
	}
}

// watched reports whether a watcher has ever kept something in a state directory. The
// store alone does not say so: a deployment has its letters there.
func watched(state string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	st, err := store.OpenToRead(ctx, state)
	if err != nil {
		return false
	}
	defer st.Close()
	last, err := st.LastBeat(ctx)
	return err != nil || !last.IsZero()
}
