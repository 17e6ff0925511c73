package operator

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/deploy"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/notify"
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
	routes, err := routesOf(conf, f.notify)
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
		Tell: func(ctx context.Context, title string, facts []string) {
			n := deployment(title, d.Plan.Services, facts, watch.HostName())
			n.Deployment = d.Plan.ID
			told, errs := tellRoutes(ctx, routes, n)
			for _, err := range append(errs, keepTold(ctx, state, told, n)) {
				if err != nil {
					out.Say("warning: %v", err)
				}
			}
		},
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

// muter posts maintenance windows to the watcher; nil where there is none.
func muter(state, id string) func(ctx context.Context, window, service string, until time.Time) {
	if !hasStore(state) {
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

// tellRoutes sends a notification over each route that wants it, now.
func tellRoutes(ctx context.Context, routes []notify.Route, n *aweigh.Notification) (told []string, errs []error) {
	for _, r := range routes {
		if !notify.Matches(r, n) {
			continue
		}
		if err := send(ctx, r, n); err != nil {
			errs = append(errs, fmt.Errorf("route %s was not told: %w", r.Name, err))
			continue
		}
		told = append(told, r.Name)
	}
	return told, errs
}

// keepTold notes in the watcher's store, if there is one, who has been told: the
// objective about that is judged by it.
func keepTold(ctx context.Context, state string, routes []string, n *aweigh.Notification) error {
	if len(routes) == 0 || !hasStore(state) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	st, err := store.OpenToRead(ctx, state)
	if err != nil {
		return err
	}
	defer st.Close()
	for _, route := range routes {
		if err := st.Told(ctx, store.Letter{Route: route, Notification: *n}, time.Now()); err != nil {
			return fmt.Errorf("that route %s was told is not noted: %w", route, err)
		}
	}
	return nil
}

func send(ctx context.Context, r notify.Route, n *aweigh.Notification) error {
	sender, err := notify.Parse(r)
	if err != nil {
		return err
	}
	defer sender.Close()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	return sender.Send(ctx, notify.Compose(n))
}
