package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// projectLabel is what Compose puts on all that it makes.
const projectLabel = "com.docker.compose.project"

func gone(err error) bool { return errdefs.IsNotFound(err) }

// Tag gives an image one more name.
func (e *Engine) Tag(ctx context.Context, image, name string) error {
	_, err := e.client.ImageTag(ctx, client.ImageTagOptions{Source: image, Target: name})
	if errdefs.IsNotFound(err) {
		return ErrNoImage
	}
	return e.explain(err)
}

// Untag takes a name away, and the image if it was the last one and nothing uses
// it. A name that there is not is no error.
func (e *Engine) Untag(ctx context.Context, name string) error {
	_, err := e.client.ImageRemove(ctx, name, client.ImageRemoveOptions{})
	if gone(err) {
		return nil
	}
	return e.explain(err)
}

// Tags are the names of images that begin with a prefix.
func (e *Engine) Tags(ctx context.Context, prefix string) ([]string, error) {
	list, err := e.client.ImageList(ctx, client.ImageListOptions{})
	if err != nil {
		return nil, e.explain(err)
	}
	var all []string
	for _, item := range list.Items {
		for _, tag := range item.RepoTags {
			if strings.HasPrefix(tag, prefix) {
				all = append(all, tag)
			}
		}
	}
	return all, nil
}

// Networks are the networks that Compose made for a project, by name.
func (e *Engine) Networks(ctx context.Context, project string) ([]string, error) {
	list, err := e.client.NetworkList(ctx, client.NetworkListOptions{Filters: client.Filters{}.Add("label", projectLabel+"="+project)})
	if err != nil {
		return nil, e.explain(err)
	}
	var all []string
	for _, item := range list.Items {
		all = append(all, item.Name)
	}
	return all, nil
}

// Volumes are the volumes that Compose made for a project, by name.
func (e *Engine) Volumes(ctx context.Context, project string) ([]string, error) {
	list, err := e.client.VolumeList(ctx, client.VolumeListOptions{Filters: client.Filters{}.Add("label", projectLabel+"="+project)})
	if err != nil {
		return nil, e.explain(err)
	}
	var all []string
	for _, item := range list.Items {
		all = append(all, item.Name)
	}
	return all, nil
}

// RemoveNetwork removes a network that nothing is connected to. One that is gone
// is no error.
func (e *Engine) RemoveNetwork(ctx context.Context, name string) error {
	if _, err := e.client.NetworkRemove(ctx, name, client.NetworkRemoveOptions{}); !gone(err) {
		return e.explain(err)
	}
	return nil
}

// MakeNetwork makes a network of a project's own that leads nowhere else.
func (e *Engine) MakeNetwork(ctx context.Context, project, name string, labels map[string]string) error {
	all := map[string]string{projectLabel: project}
	for k, v := range labels {
		all[k] = v
	}
	_, err := e.client.NetworkCreate(ctx, name, client.NetworkCreateOptions{Driver: "bridge", Internal: true, Labels: all})
	if err != nil {
		return fmt.Errorf("network %s: %w", name, e.explain(err))
	}
	return nil
}

// Isolated is a wiring with this one network, under these names.
func Isolated(name string, names ...string) map[string]*network.EndpointSettings {
	return map[string]*network.EndpointSettings{name: {Aliases: names}}
}

// RemoveProject removes all of a compose project: containers, volumes with what
// is in them, networks. It is for what was made to be thrown away.
func (e *Engine) RemoveProject(ctx context.Context, project string) error {
	list, err := e.client.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("label", projectLabel+"="+project)})
	if err != nil {
		return e.explain(err)
	}
	var errs []error
	for _, item := range list.Items {
		if _, err := e.client.ContainerRemove(ctx, item.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true}); err != nil && !gone(err) {
			errs = append(errs, e.explain(err))
		}
	}
	volumes, err := e.Volumes(ctx, project)
	errs = append(errs, err)
	for _, name := range volumes {
		errs = append(errs, e.RemoveVolume(ctx, name))
	}
	networks, err := e.Networks(ctx, project)
	errs = append(errs, err)
	for _, name := range networks {
		errs = append(errs, e.RemoveNetwork(ctx, name))
	}
	return errors.Join(errs...)
}

// Projects are the names of compose projects that have anything here, whose names
// begin with a prefix.
func (e *Engine) Projects(ctx context.Context, prefix string) ([]string, error) {
	seen := map[string]bool{}
	take := func(labels map[string]string) {
		if p := labels[projectLabel]; strings.HasPrefix(p, prefix) {
			seen[p] = true
		}
	}
	only := client.Filters{}.Add("label", projectLabel)
	containers, err := e.client.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: only})
	if err != nil {
		return nil, e.explain(err)
	}
	for _, item := range containers.Items {
		take(item.Labels)
	}
	networks, err := e.client.NetworkList(ctx, client.NetworkListOptions{Filters: only})
	if err != nil {
		return nil, e.explain(err)
	}
	for _, item := range networks.Items {
		take(item.Labels)
	}
	volumes, err := e.client.VolumeList(ctx, client.VolumeListOptions{Filters: only})
	if err != nil {
		return nil, e.explain(err)
	}
	for _, item := range volumes.Items {
		take(item.Labels)
	}
	var all []string
	for p := range seen {
		all = append(all, p)
	}
	return all, nil
}

// Version says what the engine is, where it keeps its data, and of which API.
type Version struct {
	Engine, API, Root string
	Memory            int64 // of its host, in bytes
}

// Version asks the engine.
func (e *Engine) Version(ctx context.Context) (Version, error) {
	v, err := e.client.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return Version{}, e.explain(err)
	}
	info, err := e.client.Info(ctx, client.InfoOptions{})
	return Version{Engine: v.Version, API: v.APIVersion, Root: info.Info.DockerRootDir, Memory: info.Info.MemTotal}, e.explain(err)
}
