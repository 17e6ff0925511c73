package deploy

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/mount"

	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/probe"
	"github.com/aweigh/aweigh/internal/verify"
)

// Rollable is whether a service can be rolled out: by which proxy, or why it
// blinks. Both are "" when nothing of it runs that could go on serving.
func Rollable(ctx context.Context, engine *docker.Engine, s *Stage, project *compose.Project, t verify.Target) (proxy, blinks string, err error) {
	all, err := engine.Twins(ctx, s.Project)
	if err != nil {
		return "", "", err
	}
	h, blinks, err := rollable(ctx, engine, s, project, t, all)
	if h == nil {
		return "", blinks, err
	}
	return h.Proxy, "", err
}

// rollable is the handover of a service; or why there can be none, in words that
// follow "it blinks: ". Of all containers those of the service are looked at.
func rollable(ctx context.Context, engine *docker.Engine, s *Stage, project *compose.Project, t verify.Target, all []docker.Twin) (h *handover, blinks string, err error) {
	service := project.All()[t.Service]
	var was []docker.Twin
	for _, c := range all {
		if c.Service == t.Service && c.Status == "running" {
			was = append(was, c)
		}
	}
	if len(was) == 0 || service.GetScale() == 0 || service.Provider != nil {
		return nil, "", nil
	}
	h = &handover{Service: t.Service, Rollout: t.Settings.Rollout}
	if h.Proxy == "auto" {
		h.Proxy = proxyOf(service.Labels)
	}
	if h.Name == "" {
		h.Name = t.Service
	}
	if h.Port == 0 {
		h.Port = portOf(service, t.Settings.Probe, was[0])
	}
	if h.Upstream != "" && !filepath.IsAbs(h.Upstream) {
		h.Upstream = filepath.Join(s.Dir, h.Upstream)
	}
	if blinks = alone(project, service); blinks == "" {
		blinks = writes(was[0], h.SharedVolumes)
	}
	if blinks == "" {
		blinks = h.lacks(service, was[0])
	}
	if blinks != "" || h.follows() {
		return given(h, blinks), blinks, nil
	}
	ids, err := h.containers(ctx, engine, s.Project)
	if err != nil {
		return nil, "", err
	}
	switch {
	case len(ids) == 0:
		blinks = fmt.Sprintf("its proxy %s does not run", h.Container)
	case h.Proxy == "nginx" && !Local(engine):
		blinks = "nginx's file would have to be on the engine's host"
	case h.Proxy == "nginx":
		for _, id := range ids {
			nginx, err := engine.Twin(ctx, id)
			if err != nil {
				return nil, "", err
			}
			if blinks = h.lacksFile(nginx); blinks != "" {
				break
			}
		}
	}
	return given(h, blinks), blinks, nil
}

func given(h *handover, blinks string) *handover {
	if blinks != "" {
		return nil
	}
	return h
}

// proxyOf is the proxy that labels are for; "none" where there are none such.
func proxyOf(labels types.Labels) string {
	if labels["traefik.enable"] == "false" {
		return "none"
	}
	for label := range labels {
		switch {
		case strings.HasPrefix(label, "traefik."):
			return "traefik"
		case label == "caddy" || strings.HasPrefix(label, "caddy.") || strings.HasPrefix(label, "caddy_"):
			return "caddy" // of caddy-docker-proxy
		}
	}
	return "none"
}

// portOf is the port that its probe asks, or the only one that it declares; else 0.
func portOf(service types.ServiceConfig, asked string, was docker.Twin) int {
	if p, err := probe.Parse(asked, 0); err == nil && p.Port != 0 {
		return p.Port
	}
	ports := map[int]bool{}
	for _, p := range service.Ports {
		ports[int(p.Target)] = true
	}
	for p := range was.Config.ExposedPorts { // those of the compose file are in there
		ports[int(p.Num())] = true
	}
	if len(ports) != 1 {
		return 0
	}
	for p := range ports {
		return p
	}
	return 0
}

// alone says what of a service there can be only once.
func alone(project *compose.Project, service types.ServiceConfig) string {
	for _, p := range service.Ports {
		if p.Published != "" && p.Published != "0" {
			return "it publishes port " + p.Published
		}
	}
	switch mode := service.NetworkMode; {
	case service.ContainerName != "":
		return "its container_name is said"
	case mode == "host", strings.Contains(mode, ":"):
		return "its network_mode is " + mode
	case service.MacAddress != "":
		return "its MAC address is said"
	}
	for name, n := range service.Networks {
		if n != nil && (n.Ipv4Address != "" || n.Ipv6Address != "" || n.MacAddress != "") {
			return "its address in network " + name + " is said"
		}
	}
	for name, other := range project.All() {
		if other.NetworkMode == "service:"+service.Name {
			return name + " shares its network"
		}
	}
	return ""
}

// writes says to which volume a second instance would write at the same time, or
// what it would not have.
func writes(c docker.Twin, shared bool) string {
	const anonymous = 64 // letters of the name that the engine gives
	for _, m := range c.Mounts {
		switch {
		case !m.RW || m.Type != mount.TypeVolume && m.Type != mount.TypeBind:
		case m.Type == mount.TypeVolume && len(m.Name) == anonymous:
			return "a second instance would not have its anonymous volume " + m.Destination
		case !shared:
			return fmt.Sprintf("it writes to %s: if two instances may at once, say aweigh.rollout.shared-volumes", m.Destination)
		}
	}
	return ""
}

// maxDNS is the longest name that can be looked up (RFC 1035). That of the new
// instance may have a digit more.
const maxDNS = 63

// lacks says what is not there of what the proxy needs.
func (h *handover) lacks(service types.ServiceConfig, was docker.Twin) string {
	checked := service.HealthCheck != nil && !service.HealthCheck.Disable
	if hc := was.Config.Healthcheck; service.HealthCheck == nil && hc != nil {
		checked = len(hc.Test) > 0 && hc.Test[0] != "NONE"
	}
	retries := false
	for label := range service.Labels {
		retries = retries || strings.HasPrefix(label, "caddy") && strings.HasSuffix(label, ".lb_try_duration")
	}
	switch {
	case h.Proxy == "none":
		return "no proxy of it is known (aweigh.rollout.proxy)"
	case h.Proxy == "traefik" && !checked:
		return "without a health check traefik sends to an instance before it is proven"
	case h.Proxy == "traefik" && relabelled(service.Labels, was.Config.Labels):
		return "its labels for traefik change, which drops a route that two instances define differently"
	case h.Proxy == "caddy" && !retries:
		return "caddy sends to an instance before it is proven: with the label caddy.reverse_proxy.lb_try_duration it tries the other"
	case h.follows():
		return ""
	case h.Container == "":
		return "in which container " + h.Proxy + " runs is not said (aweigh.rollout.container)"
	case len(was.Name) >= maxDNS:
		return "the name " + was.Name + " is too long to be looked up"
	case h.Port == 0:
		return "its port is not known (aweigh.rollout.port)"
	case h.Proxy == "nginx" && h.Upstream == "":
		return "nginx's file is not said (aweigh.rollout.upstream)"
	}
	return ""
}

// relabelled reports whether Traefik would read other things from an instance than
// from the one that it has.
func relabelled(now types.Labels, was map[string]string) bool {
	of := func(labels map[string]string) map[string]string {
		mine := maps.Clone(labels)
		maps.DeleteFunc(mine, func(label, _ string) bool { return !strings.HasPrefix(label, "traefik.") })
		return mine
	}
	return !maps.Equal(of(now), of(was))
}

// lacksFile says why nginx would not see what is written to its file.
func (h *handover) lacksFile(nginx docker.Twin) string {
	text, err := os.ReadFile(h.Upstream)
	if err != nil {
		return "nginx's file cannot be read: " + err.Error()
	}
	if _, ok := withServers(string(text), h.Name, []string{"x"}); !ok {
		return fmt.Sprintf("%s has no upstream %s with a server", h.Upstream, h.Name)
	}
	path, err := filepath.EvalSymlinks(h.Upstream)
	if err != nil {
		return err.Error()
	}
	for _, m := range nginx.Mounts {
		source, err := filepath.EvalSymlinks(m.Source)
		if err != nil {
			source = m.Source
		}
		switch rest, ok := strings.CutPrefix(path, source); {
		case ok && rest == "":
			return fmt.Sprintf("%s is mounted into nginx's container by itself, which would not see another in its place: mount its directory", h.Upstream)
		case ok && rest[0] == '/':
			return ""
		}
	}
	return fmt.Sprintf("%s is not in nginx's container: mount its directory", h.Upstream)
}
