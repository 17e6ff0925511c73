package propose

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/aweigh/aweigh/internal/compose"
)

// FromCompose reads the services of a project, by name.
func FromCompose(ctx context.Context, choice compose.Choice) ([]Service, error) {
	project, err := compose.Load(ctx, choice)
	if err != nil {
		return nil, err
	}
	services := make([]Service, 0, len(project.Services))
	for _, name := range slices.Sorted(maps.Keys(project.Services)) {
		services = append(services, fromCompose(name, project.Services[name]))
	}
	return services, nil
}

func fromCompose(name string, c types.ServiceConfig) Service {
	s := Service{Service: name, Image: c.Image, Labels: c.Labels, Restart: c.Restart}
	for _, p := range c.Ports {
		s.Ports = append(s.Ports, Port{Container: int(p.Target), Published: true, Protocol: p.Protocol})
	}
	for _, e := range c.Expose {
		number, protocol, _ := strings.Cut(e, "/")
		if n, err := strconv.Atoi(number); err == nil {
			s.Ports = append(s.Ports, Port{Container: n, Protocol: protocol})
		}
	}
	if h := c.HealthCheck; h != nil && !h.Disable {
		s.HealthTest = h.Test
	}
	return s
}

// Merge adds to the services of a compose file what is known of running
// containers: their image may have a health check and ports of its own. What
// the compose file says counts first.
func Merge(compose, running []Service) []Service {
	merged := slices.Clone(compose)
	for _, r := range running {
		i := slices.IndexFunc(merged, func(s Service) bool { return s.Service == r.Service })
		if i < 0 {
			merged = append(merged, r)
			continue
		}
		s := &merged[i]
		if s.Image == "" {
			s.Image = r.Image
		}
		if s.HealthTest == nil {
			s.HealthTest = r.HealthTest
		}
		if len(s.Ports) == 0 {
			s.Ports = r.Ports
		}
		if s.Restart == "" {
			s.Restart = r.Restart
		}
		labels := maps.Clone(r.Labels)
		if labels == nil {
			labels = map[string]string{}
		}
		maps.Copy(labels, s.Labels)
		s.Labels = labels
	}
	slices.SortStableFunc(merged, func(a, b Service) int { return strings.Compare(a.Service, b.Service) })
	return merged
}
