package drill

import (
	"context"
	"slices"
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

// standIn is the command of what takes a dependency's place; nil where it cannot
// be done with that.
type standIn func(d *Service) []string

func refusing(*Service) []string { return []string{"hang"} }

func silent(d *Service) []string {
	if len(d.ports) == 0 {
		return nil
	}
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
		away := slices.DeleteFunc(slices.Clone(st.service.Dependencies), func(d *Service) bool { return instead != nil && instead(d) == nil })
		if len(away) == 0 {
			return notApplicable{"the ports of what it depends on are not known: give them ports or expose in the compose file"}
		}
		if _, err := st.ready(ctx); err != nil {
			return err
		}
		if err := st.stop(ctx); err != nil {
			return err
		}
		for _, d := range away {
			if err := st.replace(ctx, d, instead); err != nil {
				return err
			}
		}
		st.repair = func(ctx context.Context) error { return st.restore(ctx, away) }
		st.injected = time.Now()
		return st.start(ctx)
	}
}

// replace takes a dependency away, and puts something in its place.
func (st *stage) replace(ctx context.Context, d *Service, instead standIn) error {
	if err := st.remove(ctx, d); err != nil || instead == nil {
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

// restore puts dependencies back that were taken away.
func (st *stage) restore(ctx context.Context, away []*Service) error {
	for _, d := range away {
		if err := st.remove(ctx, d); err != nil {
			return err
		}
	}
	for _, d := range away {
		if err := st.depend(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// remove removes the copy of a dependency, or what is in its place.
func (st *stage) remove(ctx context.Context, d *Service) error {
	_, err := st.engine.ContainerRemove(ctx, st.name+"."+d.Name, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	if err != nil && !errdefs.IsNotFound(err) {
		return err
	}
	delete(st.there, d.Name)
	return nil
}
