package docker

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"

	"github.com/aweigh/aweigh/internal/snapshot"
)

// Shape is what a container was made of, as far as it may be kept beside its
// record: to tell, when a start fails, what differs from the last good one. Of
// the environment it has the names, and of the rest nothing that is secret.
type Shape struct {
	Image    string   `json:"image"`
	ImageID  string   `json:"image_id,omitempty"`
	Command  []string `json:"command,omitempty"`
	User     string   `json:"user,omitempty"`
	Dir      string   `json:"working_dir,omitempty"`
	Env      []string `json:"env_names,omitempty"`
	Mounts   []string `json:"mounts,omitempty"` // "/host/dir on /data, read-only"
	Ports    []string `json:"ports,omitempty"`  // "80/tcp at 127.0.0.1:8080"
	Networks []string `json:"networks,omitempty"`
	Limits   []string `json:"limits,omitempty"` // "memory 64 MiB", "read-only root"
	// Hash is of all that it was made of, values of the environment included.
	Hash string `json:"hash,omitempty"`
}

func shapeOf(in container.InspectResponse) Shape {
	s := Shape{ImageID: in.Image}
	if c := in.Config; c != nil {
		s.Image, s.User, s.Dir, s.Hash = c.Image, c.User, c.WorkingDir, fingerprint(in)
		for _, kv := range c.Env {
			name, _, _ := strings.Cut(kv, "=")
			s.Env = append(s.Env, name)
		}
	}
	if in.Path != "" {
		s.Command = snapshot.MaskArgs(append([]string{in.Path}, in.Args...))
	}
	for _, m := range in.Mounts {
		from := m.Source
		if m.Name != "" {
			from = "volume " + m.Name
		}
		text := strings.TrimSpace(from + " on " + m.Destination)
		if !m.RW {
			text += ", read-only"
		}
		s.Mounts = append(s.Mounts, text)
	}
	if h := in.HostConfig; h != nil {
		s.Ports, s.Limits = portsOf(h), limitsOf(h)
	}
	if n := in.NetworkSettings; n != nil {
		s.Networks = slices.Sorted(maps.Keys(n.Networks))
	}
	slices.Sort(s.Env)
	slices.Sort(s.Mounts)
	slices.Sort(s.Ports)
	return s
}

func portsOf(h *container.HostConfig) (ports []string) {
	for port, at := range h.PortBindings {
		for _, b := range at {
			host := b.HostPort
			if b.HostIP.IsValid() && !b.HostIP.IsUnspecified() {
				host = b.HostIP.String() + ":" + host
			}
			ports = append(ports, fmt.Sprintf("%s at %s", port, host))
		}
	}
	return ports
}

func limitsOf(h *container.HostConfig) (limits []string) {
	if h.Memory > 0 {
		limits = append(limits, fmt.Sprintf("memory %d MiB", h.Memory>>20))
	}
	if h.PidsLimit != nil && *h.PidsLimit > 0 {
		limits = append(limits, fmt.Sprintf("%d processes", *h.PidsLimit))
	}
	for _, u := range h.Ulimits {
		limits = append(limits, fmt.Sprintf("%s %d", u.Name, u.Soft))
	}
	if h.ReadonlyRootfs {
		limits = append(limits, "read-only root")
	}
	for _, c := range h.CapDrop {
		limits = append(limits, "without the capability "+c)
	}
	for _, c := range h.CapAdd {
		limits = append(limits, "with the capability "+c)
	}
	return limits
}
