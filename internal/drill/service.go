package drill

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"
)

// Service is what a drill makes copies of. Nothing in it is shared with what
// runs: no network, no published port, no writable volume, no label.
type Service struct {
	Name   string
	Image  string
	Config container.Config     // what the user has set; the image's own is added by complete
	Host   container.HostConfig // limits, capabilities, mounts that are read only
	Labels map[string]string    // those of the original that begin with "aweigh."
	// Volumes are the paths that a copy has a volume of its own at, empty but for
	// what the image has there. Sources are where the data of the user's are, for
	// those that are to be copied.
	Volumes []string
	Sources map[string]source
	// Published are the container's ports by those of the host.
	Published map[int]int
	// Dependencies are copied too, into the drill's own network, under the names
	// by which the service knows them.
	Dependencies []*Service
	// Notes tell what of the original a copy does not have.
	Notes []string

	command []string // entry point and command
	ports   []int    // that the image or the user declares, TCP
}

// source is where the content of a volume comes from: the engine's volume of
// that name, or a directory of the host.
type source struct{ volume, dir string }

// dropped notes something that a copy does not have.
func (s *Service) dropped(format string, a ...any) {
	s.Notes = append(s.Notes, fmt.Sprintf(format, a...))
}

// hasVolume reports whether a copy has a volume at the path.
func (s *Service) hasVolume(path string) bool { return slices.Contains(s.Volumes, path) }

// keep mounts something of the host read only.
func (s *Service) keep(from, to string) {
	s.Host.Mounts = append(s.Host.Mounts, mount.Mount{Type: mount.TypeBind, Source: from, Target: to, ReadOnly: true})
}

// own gives the copy a volume of its own.
func (s *Service) own(path string, from source) {
	if s.hasVolume(path) {
		return
	}
	s.Volumes = append(s.Volumes, path)
	if from != (source{}) {
		if s.Sources == nil {
			s.Sources = map[string]source{}
		}
		s.Sources[path] = from
	}
}

// complete adds what the image says, of the service and of those that it
// depends on.
func (s *Service) complete(ctx context.Context, engine *client.Client) error {
	image, err := engine.ImageInspect(ctx, s.Image)
	if errdefs.IsNotFound(err) {
		return fmt.Errorf("image %s of %s is not here: pull it, or build it, first", s.Image, s.Name)
	}
	if err != nil {
		return fmt.Errorf("image %s: %w", s.Image, err)
	}
	c := image.Config
	entrypoint, command := s.Config.Entrypoint, s.Config.Cmd
	if c != nil {
		if entrypoint == nil {
			entrypoint = c.Entrypoint
			if command == nil { // an entry point that the user has set takes the image's command away
				command = c.Cmd
			}
		}
		for path := range c.Volumes {
			if !slices.ContainsFunc(s.Host.Mounts, func(m mount.Mount) bool { return m.Target == path }) && s.Host.Tmpfs[path] == "" {
				s.own(path, source{})
			}
		}
		for port := range c.ExposedPorts {
			s.expose(port)
		}
		if h := s.Config.Healthcheck; h == nil || len(h.Test) == 0 {
			if c.Healthcheck != nil {
				merged := *c.Healthcheck
				s.Config.Healthcheck = &merged
			}
		}
	}
	for port := range s.Config.ExposedPorts {
		s.expose(port.String())
	}
	s.command = append(slices.Clone(entrypoint), command...)
	if len(s.command) == 0 {
		return fmt.Errorf("%s has no command: neither its image %s nor its configuration says what to start", s.Name, s.Image)
	}
	slices.Sort(s.ports)
	slices.Sort(s.Volumes)
	for _, d := range s.Dependencies {
		if err := d.complete(ctx, engine); err != nil {
			return err
		}
	}
	return nil
}

// expose notes a port such as "80/tcp".
func (s *Service) expose(text string) {
	var n int
	number, protocol, _ := strings.Cut(text, "/")
	if _, err := fmt.Sscanf(number, "%d", &n); err == nil && (protocol == "" || protocol == "tcp") && !slices.Contains(s.ports, n) {
		s.ports = append(s.ports, n)
	}
}

// ours are the labels that mean something to Aweigh.
func ours(labels map[string]string) map[string]string {
	mine := maps.Clone(labels)
	maps.DeleteFunc(mine, func(name, _ string) bool { return !strings.HasPrefix(name, "aweigh.") })
	return mine
}
