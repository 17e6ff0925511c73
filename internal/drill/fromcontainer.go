package drill

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"
)

// FromContainer is a service as one of its containers has it. The container is
// looked at, and left alone.
func FromContainer(ctx context.Context, engine *client.Client, name string) (*Service, error) {
	answer, err := engine.ContainerInspect(ctx, name, client.ContainerInspectOptions{})
	if errdefs.IsNotFound(err) {
		return nil, fmt.Errorf("there is no container %q", name)
	}
	if err != nil {
		return nil, fmt.Errorf("container %q: %w", name, err)
	}
	in := answer.Container
	s := &Service{Name: strings.TrimPrefix(in.Name, "/"), Image: in.Image, Labels: ours(in.Config.Labels)}
	if service := in.Config.Labels["com.docker.compose.service"]; service != "" {
		s.Name = service
	}
	c := in.Config
	s.Config = container.Config{User: c.User, Env: c.Env, Cmd: c.Cmd, Entrypoint: c.Entrypoint, WorkingDir: c.WorkingDir, Hostname: c.Hostname,
		Healthcheck: c.Healthcheck, ExposedPorts: c.ExposedPorts, StopSignal: c.StopSignal, StopTimeout: c.StopTimeout, Tty: c.Tty}
	if strings.HasPrefix(in.ID, c.Hostname) {
		s.Config.Hostname = "" // the engine's invention
	}
	h := in.HostConfig
	s.Host = container.HostConfig{RestartPolicy: h.RestartPolicy, CapAdd: h.CapAdd, CapDrop: h.CapDrop, GroupAdd: h.GroupAdd, ExtraHosts: h.ExtraHosts,
		SecurityOpt: h.SecurityOpt, ReadonlyRootfs: h.ReadonlyRootfs, ShmSize: h.ShmSize, Sysctls: h.Sysctls, Tmpfs: h.Tmpfs, Init: h.Init, Runtime: h.Runtime}
	s.Host.Resources = container.Resources{Memory: h.Memory, MemorySwap: h.MemorySwap, NanoCPUs: h.NanoCPUs, PidsLimit: h.PidsLimit, Ulimits: h.Ulimits}
	for port, bindings := range h.PortBindings {
		for _, b := range bindings {
			s.publish(b.HostPort, int(port.Num()))
		}
	}
	if h.Privileged {
		s.dropped("it is privileged; a copy is not")
	}
	if len(h.Devices) > 0 {
		s.dropped("it has devices of the host; a copy has none")
	}
	if h.NetworkMode.IsHost() {
		s.dropped("it uses the host's network; a copy has its own")
	}
	for _, m := range in.Mounts {
		switch m.Type {
		case mount.TypeVolume:
			s.own(m.Destination, source{volume: m.Name})
		case mount.TypeBind:
			s.bound(m.Source, m.Destination, !m.RW)
		case mount.TypeTmpfs:
			s.temporary(m.Destination)
		}
	}
	return s, nil
}

// publish notes a published port.
func (s *Service) publish(host string, inside int) {
	if s.Published == nil {
		s.Published = map[int]int{}
	}
	n := inside
	fmt.Sscanf(host, "%d", &n)
	s.Published[n] = inside
}

// bound decides what a copy has of a file or directory of the host. What it
// cannot write is shared; a directory that it could write becomes a volume, and
// what is neither, such as the engine's socket, is left out.
func (s *Service) bound(from, to string, readOnly bool) {
	info, err := os.Stat(from)
	switch {
	case err == nil && !info.IsDir() && !info.Mode().IsRegular():
		s.dropped("%s is %s of the host, which is neither file nor directory; a copy does not have it", to, from)
	case readOnly && err == nil && info.IsDir() && leadsToSockets(from):
		s.dropped("%s is the directory %s of the host, which leads to sockets; a copy does not have it", to, from)
	case readOnly:
		s.keep(from, to)
	case err == nil && info.Mode().IsRegular():
		s.keep(from, to)
		s.dropped("%s is the file %s of the host; a copy cannot write it", to, from)
	default:
		s.own(to, source{dir: from})
	}
}

// leadsToSockets reports whether a directory has sockets, or /run in it. A mount
// that is read only keeps nobody from connecting to one: it would be that of the
// engine, or of the database that serves.
func leadsToSockets(dir string) bool {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	if dir == "/" || dir == "/run" {
		return true
	}
	all, _ := os.ReadDir(dir)
	return slices.ContainsFunc(all, func(e os.DirEntry) bool { return e.Type()&os.ModeSocket != 0 })
}

// temporary is a file system in memory.
func (s *Service) temporary(path string) {
	if s.Host.Tmpfs == nil {
		s.Host.Tmpfs = map[string]string{}
	}
	if _, there := s.Host.Tmpfs[path]; !there {
		s.Host.Tmpfs[path] = "mode=1777"
	}
}
