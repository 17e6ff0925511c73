package docker

import (
	"context"

	"github.com/moby/moby/client"
)

// MakeVolume makes a volume, unless there is one of that name, and returns the labels
// that it has then. Of several who make one at once, one finds its own labels and all
// others find those too: Docker has a lock for each name
// (daemon/volume/service/store.go).
//
// It has to be looked at where the answer does not tell: Docker leaves out the labels of
// a volume of before its own restart, until somebody looks, and Podman refuses who comes
// at the same moment (pkg/api/handlers/compat/volumes.go).
func (e *Engine) MakeVolume(ctx context.Context, name string, labels map[string]string) (map[string]string, error) {
	made, err := e.client.VolumeCreate(ctx, client.VolumeCreateOptions{Name: name, Driver: "local", Labels: labels})
	if err == nil && len(made.Volume.Labels) > 0 {
		return made.Volume.Labels, nil
	}
	has, lookErr := e.VolumeLabels(ctx, name)
	if err != nil && len(has) == 0 {
		return nil, e.explain(err)
	}
	return has, lookErr
}

// VolumeLabels are the labels of a volume; none if there is no such volume.
func (e *Engine) VolumeLabels(ctx context.Context, name string) (map[string]string, error) {
	answer, err := e.client.VolumeInspect(ctx, name, client.VolumeInspectOptions{})
	if gone(err) {
		return nil, nil
	}
	return answer.Volume.Labels, e.explain(err)
}

// RemoveVolume removes a volume that nothing uses, with what is in it. One that is
// gone is no error.
func (e *Engine) RemoveVolume(ctx context.Context, name string) error {
	if _, err := e.client.VolumeRemove(ctx, name, client.VolumeRemoveOptions{}); !gone(err) {
		return e.explain(err)
	}
	return nil
}
