package drill

import (
	"context"
	"fmt"
	"slices"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"
)

// bring copies the data that the user wants copied into a container that has
// not been started.
func (st *stage) bring(ctx context.Context, s *Service, id string, volumes map[string]struct{}) error {
	for path, from := range s.Sources {
		if _, there := volumes[path]; !there || !slices.Contains(st.Copied, path) {
			continue
		}
		if err := st.bringOne(ctx, s, id, path, from); err != nil {
			return fmt.Errorf("a copy of the data at %s: %w", path, err)
		}
	}
	return nil
}

func (st *stage) bringOne(ctx context.Context, s *Service, id, path string, from source) error {
	m := mount.Mount{Type: mount.TypeBind, Source: from.dir, Target: path, ReadOnly: true}
	if from.volume != "" {
		m.Type, m.Source = mount.TypeVolume, from.volume
		if _, err := st.engine.VolumeInspect(ctx, from.volume, client.VolumeInspectOptions{}); err != nil {
			return err // or the engine would make an empty one of that name
		}
	}
	// A container that is never started shows the data.
	box, err := st.engine.ContainerCreate(whole(ctx), client.ContainerCreateOptions{
		Config:     &container.Config{Image: s.Image, Cmd: []string{toolPath}, Labels: st.labels()},
		HostConfig: &container.HostConfig{Mounts: []mount.Mount{m}},
	})
	if err != nil {
		return err
	}
	defer st.engine.ContainerRemove(whole(ctx), box.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	data, err := st.engine.CopyFromContainer(ctx, box.ID, client.CopyFromContainerOptions{SourcePath: path + "/."})
	if err != nil {
		return err
	}
	defer data.Content.Close()
	_, err = st.engine.CopyToContainer(ctx, id, client.CopyToContainerOptions{DestinationPath: path, Content: data.Content, CopyUIDGID: true})
	return err
}
