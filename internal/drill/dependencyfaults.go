package drill

import (
	"context"
	"strconv"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/aweigh/aweigh/internal/drill/inside"
)

// dependencyDrills are about what a service depends on. Its copies are there in
// the steady state, and are taken away before the service starts again.
var dependencyDrills = []Drill{
	{Name: "dependency-refused", Injects: "what it depends on refuses connections", Inject: without(refusing), Mild: true,
		Causes: []string{"dependency-refused"}},
	{Name: "dependency-blackholed", Injects: "what it depends on takes no connection and refuses none", Inject: without(silent), Mild: true,
		Causes: []string{"dependency-timeout", "startup-hang"}},
	{Name: "dns-gone", Injects: "the names of what it depends on are not known", Inject: without(nil), Mild: true,
		Causes: []string{"dns-failure", "startup-hang"}}, // the engine's own resolver may let it wait for a long time
}

// standIn is the command of what takes a dependency's place.
type standIn func(d *Service) []string

func refusing(*Service) []string { return []string{"hang"} }

func silent(d *Service) []string {
	words := []string{"blackhole"}
	for _, port := range d.ports {
		words = append(words, strconv.Itoa(port))
	}
	return words
}

// without is a fault of all dependencies. With no stand-in they are gone.
func without(instead standIn) func(context.Context, *stage) error {
	return func(ctx context.Context, st *stage) error {
		if len(st.service.Dependencies) == 0 {
			return notApplicable{"no dependency of it is known: they are those in depends_on of its compose file"}
		}
		if _, err := st.ready(ctx); err != nil {
			return err
		}
		if err := st.stop(ctx); err != nil {
			return err
		}
		for _, d := range st.service.Dependencies {
			if err := st.replace(ctx, d, instead); err != nil {
				return err
			}
		}
		st.repair = func(ctx context.Context) error {
			for _, d := range st.service.Dependencies {
				if err := st.removeNamed(ctx, st.name+"."+d.Name); err != nil {
					return err
				}
				if err := st.depend(ctx, d); err != nil {
					return err
				}
			}
			return nil
		}
		st.injected = time.Now()
		return st.start(ctx)
	}
}

// replace takes a dependency away, and puts something in its place.
func (st *stage) replace(ctx context.Context, d *Service, instead standIn) error {
	if err := st.removeNamed(ctx, st.name+"."+d.Name); err != nil || instead == nil {
		return err
	}
	id, err := st.make(ctx, d, st.name+"."+d.Name, st.labels(), []string{d.Name}, func(c *container.Config, h *container.HostConfig) {
		c.Entrypoint, c.Cmd = append([]string{toolPath, inside.Command}, instead(d)...), nil
		c.Healthcheck, c.User = &container.HealthConfig{Test: []string{"NONE"}}, "0"
	})
	if err != nil {
		return err
	}
	_, err = st.engine.ContainerStart(whole(ctx), id, client.ContainerStartOptions{})
	return err
}

func (st *stage) removeNamed(ctx context.Context, name string) error {
	_, err := st.engine.ContainerRemove(ctx, name, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}
