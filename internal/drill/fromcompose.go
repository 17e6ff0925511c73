package drill

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/aweigh/aweigh/internal/compose"
)

// FromCompose is a service of a compose project, with those that it depends on.
// With no name the project must have one service only.
func FromCompose(ctx context.Context, engine *client.Client, choice compose.Choice, name string) (*Service, error) {
	project, err := compose.Load(ctx, choice)
	if err != nil {
		return nil, err
	}
	if project.Project, err = project.WithServicesEnvironmentResolved(false); err != nil {
		return nil, fmt.Errorf("the compose file: %w", err)
	}
	names := slices.Sorted(maps.Keys(project.Services))
	switch {
	case name == "" && len(names) == 1:
		name = names[0]
	case name == "":
		return nil, fmt.Errorf("the compose project %s has several services: name one of %s", project.Name, strings.Join(names, ", "))
	}
	if _, err := project.Select([]string{name}); err != nil {
		return nil, err
	}
	return fromCompose(ctx, engine, project, name, map[string]bool{})
}

func fromCompose(ctx context.Context, engine *client.Client, project *compose.Project, name string, above map[string]bool) (*Service, error) {
	c := project.All()[name]
	s := &Service{Name: name, Image: imageOf(ctx, engine, project.Name, c), Labels: ours(c.Labels)}
	s.Config = container.Config{User: c.User, Cmd: c.Command, Entrypoint: c.Entrypoint, WorkingDir: c.WorkingDir, Hostname: c.Hostname,
		StopSignal: c.StopSignal, Tty: c.Tty, Healthcheck: healthcheck(c.HealthCheck), ExposedPorts: network.PortSet{}}
	for _, key := range slices.Sorted(maps.Keys(c.Environment)) {
		if value := c.Environment[key]; value != nil {
			s.Config.Env = append(s.Config.Env, key+"="+*value)
		}
	}
	if c.StopGracePeriod != nil {
		seconds := int(time.Duration(*c.StopGracePeriod).Seconds())
		s.Config.StopTimeout = &seconds
	}
	s.Host = container.HostConfig{RestartPolicy: restartPolicy(c), CapAdd: c.CapAdd, CapDrop: c.CapDrop, GroupAdd: c.GroupAdd,
		ExtraHosts: c.ExtraHosts.AsList(":"), SecurityOpt: c.SecurityOpt, ReadonlyRootfs: c.ReadOnly, ShmSize: int64(c.ShmSize), Sysctls: c.Sysctls, Init: c.Init, Runtime: c.Runtime}
	s.Host.Resources = container.Resources{Memory: int64(c.MemLimit), NanoCPUs: int64(float64(c.CPUS) * 1e9)}
	if c.Deploy != nil && c.Deploy.Resources.Limits != nil && c.Deploy.Resources.Limits.MemoryBytes > 0 {
		s.Host.Resources.Memory = int64(c.Deploy.Resources.Limits.MemoryBytes)
	}
	if c.PidsLimit > 0 {
		s.Host.Resources.PidsLimit = &c.PidsLimit
	}
	for _, of := range slices.Sorted(maps.Keys(c.Ulimits)) {
		u := c.Ulimits[of]
		limit := &container.Ulimit{Name: of, Soft: int64(u.Soft), Hard: int64(u.Hard)}
		if u.Single != 0 {
			limit.Soft, limit.Hard = int64(u.Single), int64(u.Single)
		}
		s.Host.Resources.Ulimits = append(s.Host.Resources.Ulimits, limit)
	}
	s.places(project, c)
	s.portsOf(c)
	s.lacks(c)
	above[name] = true
	for _, d := range slices.Sorted(maps.Keys(c.DependsOn)) {
		if above[d] || s.dependency(d) != nil {
			continue
		}
		other, err := fromCompose(ctx, engine, project, d, maps.Clone(above))
		if err != nil {
			return nil, err
		}
		s.Dependencies = append(s.Dependencies, other)
	}
	return s, nil
}

func (s *Service) dependency(name string) *Service {
	for _, d := range s.Dependencies {
		if d.Name == name {
			return d
		}
	}
	return nil
}

// places are the service's volumes, configs and secrets.
func (s *Service) places(project *compose.Project, c types.ServiceConfig) {
	for _, v := range c.Volumes {
		switch v.Type {
		case types.VolumeTypeBind:
			s.bound(v.Source, v.Target, v.ReadOnly)
		case types.VolumeTypeTmpfs:
			s.temporary(v.Target)
		case types.VolumeTypeVolume:
			from := source{volume: v.Source}
			if known, ok := project.Volumes[v.Source]; ok {
				from.volume = known.Name
			}
			s.own(v.Target, from)
		default:
			s.dropped("%s is of type %s; a copy does not have it", v.Target, v.Type)
		}
	}
	for _, path := range c.Tmpfs {
		path, options, _ := strings.Cut(path, ":")
		s.temporary(path)
		if options != "" {
			s.Host.Tmpfs[path] = options
		}
	}
	for _, f := range c.Configs {
		if known, ok := project.Configs[f.Source]; ok && known.File != "" {
			target := f.Target
			if target == "" {
				target = "/" + f.Source
			}
			s.keep(known.File, target)
		} else {
			s.dropped("config %s is no file; a copy does not have it", f.Source)
		}
	}
	for _, f := range c.Secrets {
		if known, ok := project.Secrets[f.Source]; ok && known.File != "" {
			target := f.Target
			if !strings.HasPrefix(target, "/") {
				if target == "" {
					target = f.Source
				}
				target = "/run/secrets/" + target
			}
			s.keep(known.File, target)
		} else {
			s.dropped("secret %s is no file; a copy does not have it", f.Source)
		}
	}
}

func (s *Service) portsOf(c types.ServiceConfig) {
	add := func(text string) {
		if p, err := network.ParsePort(text); err == nil {
			s.Config.ExposedPorts[p] = struct{}{}
		}
	}
	for _, p := range c.Ports {
		protocol := p.Protocol
		if protocol == "" {
			protocol = "tcp"
		}
		add(fmt.Sprintf("%d/%s", p.Target, protocol))
		if protocol == "tcp" {
			s.publish(p.Published, int(p.Target))
		}
	}
	for _, e := range c.Expose {
		if !strings.Contains(e, "/") {
			e += "/tcp"
		}
		add(e)
	}
}

func (s *Service) lacks(c types.ServiceConfig) {
	if c.Privileged {
		s.dropped("it is privileged; a copy is not")
	}
	if len(c.Devices) > 0 || len(c.Gpus) > 0 {
		s.dropped("it has devices of the host; a copy has none")
	}
	if c.NetworkMode == "host" {
		s.dropped("it uses the host's network; a copy has its own")
	}
}

// imageOf is the image's name, that which Compose has given to what it built if
// the file names none.
func imageOf(ctx context.Context, engine *client.Client, project string, c types.ServiceConfig) string {
	if c.Image != "" {
		return c.Image
	}
	built := project + "-" + c.Name
	if before := project + "_" + c.Name; !has(ctx, engine, built) && has(ctx, engine, before) {
		return before // docker-compose 1
	}
	return built
}

func has(ctx context.Context, engine *client.Client, image string) bool {
	_, err := engine.ImageInspect(ctx, image)
	return err == nil
}

// restartPolicy is that which Compose gives: what deploy says counts more.
func restartPolicy(c types.ServiceConfig) container.RestartPolicy {
	if c.Deploy == nil || c.Deploy.RestartPolicy == nil {
		return policy(c.Restart)
	}
	p := policy(c.Deploy.RestartPolicy.Condition)
	switch p.Name {
	case "none":
		p.Name = container.RestartPolicyDisabled
	case "any":
		p.Name = container.RestartPolicyAlways
	case container.RestartPolicyOnFailure:
		if n := c.Deploy.RestartPolicy.MaxAttempts; n != nil {
			p.MaximumRetryCount = int(*n)
		}
	}
	return p
}

func policy(text string) container.RestartPolicy {
	name, count, _ := strings.Cut(text, ":")
	p := container.RestartPolicy{Name: container.RestartPolicyMode(name)}
	fmt.Sscanf(count, "%d", &p.MaximumRetryCount)
	return p
}

func healthcheck(h *types.HealthCheckConfig) *container.HealthConfig {
	if h == nil {
		return nil
	}
	if h.Disable {
		return &container.HealthConfig{Test: []string{"NONE"}}
	}
	out := &container.HealthConfig{Test: h.Test, Interval: orZero(h.Interval), Timeout: orZero(h.Timeout), StartPeriod: orZero(h.StartPeriod)}
	if h.Retries != nil {
		out.Retries = int(*h.Retries)
	}
	return out
}

func orZero(d *types.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return time.Duration(*d)
}
