package docker

import (
	"context"

	"github.com/moby/moby/client"

	"github.com/aweigh/aweigh"
)

// Running lists the running containers.
func (e *Engine) Running(ctx context.Context) ([]aweigh.Container, error) {
	if err := e.Check(ctx); err != nil {
		return nil, err
	}
	list, err := e.client.ContainerList(ctx, client.ContainerListOptions{})
	if err != nil {
		return nil, e.explain(err)
	}
	var all []aweigh.Container
	for _, item := range list.Items {
		answer, err := e.client.ContainerInspect(ctx, item.ID, client.ContainerInspectOptions{})
		if err != nil {
			continue // it ended meanwhile
		}
		all = append(all, digest(answer.Container).container)
	}
	return all, nil
}
