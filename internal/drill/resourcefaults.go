package drill

import (
	"archive/tar"
	"context"
	"fmt"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"
)

// resourceDrills are about what a service needs of its host.
var resourceDrills = []Drill{
	{Name: "out-of-memory", Injects: "its memory runs out, and the kernel kills it", Inject: later(outOfMemory),
		Causes: []string{"oom-killed"}},
	{Name: "disk-full", Injects: "its volumes have no room left", Inject: diskFull, Mild: true,
		Causes: []string{"disk-full"}},
	{Name: "read-only", Injects: "its file system and its volumes are read only", Inject: atStart(readOnly), Mild: true,
		Causes: []string{"readonly-filesystem", "permission-denied"}},
	{Name: "descriptor-limit", Injects: "it may have five file descriptors, or twelve where a script begins it", Inject: atStart(fewDescriptors), Mild: true,
		Causes: []string{"fd-limit"}},
}

// memoryLimit is that of a copy of a service that has none: much for what it
// does in a drill, and little for the host.
const memoryLimit = 1 << 30

func outOfMemory(*stage) ([]string, []change, error) {
	return []string{"memory"}, []change{func(_ *container.Config, h *container.HostConfig) {
		if h.Memory == 0 || h.Memory > memoryLimit {
			h.Memory = memoryLimit
		}
		h.MemorySwap = h.Memory // none besides
	}}, nil
}

// smallDisk is the size of a file system that is to be full.
const smallDisk = 256 << 10

func diskFull(ctx context.Context, st *stage) error {
	paths := st.service.Volumes
	if len(paths) == 0 {
		return notApplicable{"it has no volume: what it writes lies on the host's own disk, which a drill does not fill"}
	}
	if _, err := st.ready(ctx); err != nil {
		return err
	}
	var full []mount.Mount
	for n, path := range paths {
		owner, err := st.ownerOf(ctx, path)
		if err != nil {
			return err
		}
		options := fmt.Sprintf("size=%d,mode=%o,uid=%d,gid=%d", smallDisk, owner.Mode&0o7777, owner.Uid, owner.Gid)
		full = append(full, mount.Mount{Type: mount.TypeVolume, Source: fmt.Sprintf("%s-%d", st.name, n), Target: path,
			VolumeOptions: &mount.VolumeOptions{NoCopy: true, Labels: st.labels(),
				DriverConfig: &mount.Driver{Name: "local", Options: map[string]string{"type": "tmpfs", "device": "tmpfs", "o": options}}}})
	}
	small := func(c *container.Config, h *container.HostConfig) {
		c.Volumes = nil
		h.Mounts = append(h.Mounts, full...)
	}
	return st.redeploy(ctx, small, st.before(append([]string{"fill"}, paths...)...))
}

// ownerOf is who owns a directory of the copy, and its mode: a server may do
// with no other.
func (st *stage) ownerOf(ctx context.Context, path string) (*tar.Header, error) {
	data, err := st.engine.CopyFromContainer(ctx, st.copy, client.CopyFromContainerOptions{SourcePath: path})
	if err != nil {
		return nil, fmt.Errorf("the owner of %s: %w", path, err)
	}
	defer data.Content.Close()
	head, err := tar.NewReader(data.Content).Next()
	if err != nil {
		return nil, fmt.Errorf("the owner of %s: %w", path, err)
	}
	return head, nil
}

func readOnly(st *stage) ([]change, error) {
	if st.service.Host.ReadonlyRootfs && len(st.service.Volumes) == 0 {
		return nil, notApplicable{"all that it has is read only already"}
	}
	return []change{func(c *container.Config, h *container.HostConfig) {
		h.ReadonlyRootfs, c.Volumes, h.Tmpfs = true, nil, nil
		for n, path := range st.service.Volumes { // the engine lets no volume without a name be read only
			h.Mounts = append(h.Mounts, mount.Mount{Type: mount.TypeVolume, Source: fmt.Sprintf("%s-%d", st.name, n), Target: path, ReadOnly: true,
				VolumeOptions: &mount.VolumeOptions{Labels: st.labels()}})
		}
	}}, nil
}

func fewDescriptors(st *stage) ([]change, error) {
	return []change{st.before("files", "5")}, nil
}
