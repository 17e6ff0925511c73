package drill

import (
	"archive/tar"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"
)

// toolDir is where the copies find this program.
const (
	toolDir  = "/.aweigh-drill"
	toolPath = toolDir + "/aweigh"
)

// installTool puts this program onto a volume that the copies mount, so that it
// need not be on the engine's host.
func installTool(ctx context.Context, engine *client.Client, volume, image string, labels map[string]string) error {
	program, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer program.Close()
	if err := static(program); err != nil {
		return err
	}
	if _, err := engine.VolumeCreate(whole(ctx), client.VolumeCreateOptions{Name: volume, Labels: labels}); err != nil {
		return fmt.Errorf("a volume for this program: %w", err)
	}
	// A container that is never started takes the file.
	box, err := engine.ContainerCreate(whole(ctx), client.ContainerCreateOptions{
		Config:     &container.Config{Image: image, Cmd: []string{toolPath}, Labels: labels},
		HostConfig: &container.HostConfig{Mounts: []mount.Mount{{Type: mount.TypeVolume, Source: volume, Target: toolDir}}},
	})
	if err != nil {
		return fmt.Errorf("a container of %s: %w", image, err)
	}
	defer engine.ContainerRemove(whole(ctx), box.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	info, err := program.Stat()
	if err != nil {
		return err
	}
	r, w := io.Pipe()
	go func() {
		t := tar.NewWriter(w)
		err := t.WriteHeader(&tar.Header{Name: "aweigh", Typeflag: tar.TypeReg, Mode: 0o755, Size: info.Size()})
		if err == nil {
			_, err = io.Copy(t, io.LimitReader(program, info.Size()))
		}
		if err == nil {
			err = t.Close()
		}
		w.CloseWithError(err)
	}()
	_, err = engine.CopyToContainer(ctx, box.ID, client.CopyToContainerOptions{DestinationPath: toolDir, Content: r})
	r.Close()
	if err != nil {
		return fmt.Errorf("this program could not be copied to the engine: %w", err)
	}
	return nil
}

// static refuses a program that needs libraries, which an image may not have.
func static(program *os.File) error {
	f, err := elf.NewFile(program)
	if err != nil {
		return err
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("this aweigh is linked dynamically and may not run in the service's image: build it with CGO_ENABLED=0")
		}
	}
	return nil
}
