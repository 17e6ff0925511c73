package docker

import (
	"context"
	"net/netip"
	"strconv"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/aweigh/aweigh"
)

// Instance is a container with what only a look from outside needs.
type Instance struct {
	aweigh.Container
	PID        int      // of its first process on the engine's host; 0 while it does not run
	Addrs      []string // of IPv4 and IPv6, on each of its networks
	Bindings   []Binding
	HealthSays string // the last word of its health check
	Replaced   bool   // Compose is putting another in its place
	Host       bool   // it shares the host's network
}

// Binding is one published TCP port.
type Binding struct {
	HostIP   string // "" is every address; of IPv6 alone its loopback stands for all
	HostPort int
	Port     int // the container's own
}

// Instances are the containers of a compose service, running or not; for an
// empty project, of the service of this name in any project, or the container of
// this name. Those of `docker compose run` do not count.
func (e *Engine) Instances(ctx context.Context, project, service string) ([]Instance, error) {
	options := client.ContainerListOptions{All: true}
	if project != "" {
		options.Filters = client.Filters{}.Add("label", "com.docker.compose.project="+project).Add("label", "com.docker.compose.service="+service)
	}
	list, err := e.client.ContainerList(ctx, options)
	if err != nil {
		return nil, e.explain(err)
	}
	var all []Instance
	for _, item := range list.Items {
		answer, err := e.client.ContainerInspect(ctx, item.ID, client.ContainerInspectOptions{})
		if errdefs.IsNotFound(err) {
			continue // it is gone meanwhile
		}
		if err != nil {
			return nil, e.explain(err)
		}
		in := answer.Container
		k := digest(in)
		if k.container.Service != service || in.Config == nil || in.Config.Labels["com.docker.compose.oneoff"] == "True" {
			continue
		}
		e.known.put(in.ID, k)
		if e.rootless.Load() {
			k.container.Addr = ""
		}
		one := Instance{Container: k.container, HealthSays: k.health, Replaced: replica.MatchString(k.container.Name)}
		if in.State != nil {
			one.PID = in.State.Pid
		}
		if h := in.HostConfig; h != nil {
			one.Host = h.NetworkMode.IsHost()
		}
		if n := in.NetworkSettings; n != nil {
			for _, on := range n.Networks {
				for _, a := range []netip.Addr{on.IPAddress, on.GlobalIPv6Address} {
					if a.IsValid() {
						one.Addrs = append(one.Addrs, a.String())
					}
				}
			}
			for port, bound := range n.Ports {
				for _, b := range bound {
					number, err := strconv.Atoi(b.HostPort)
					if err != nil || port.Proto() != "tcp" {
						continue
					}
					ip := ""
					switch {
					case b.HostIP.IsValid() && !b.HostIP.IsUnspecified():
						ip = b.HostIP.String()
					case b.HostIP.Is6() && len(bound) == 1: // [::]:8080:80 leaves IPv4 out
						ip = netip.IPv6Loopback().String()
					}
					one.Bindings = append(one.Bindings, Binding{HostIP: ip, HostPort: number, Port: int(port.Num())})
				}
			}
		}
		all = append(all, one)
	}
	return all, nil
}

// Published is a TCP port of the host that a running container has.
type Published struct {
	IP                     netip.Addr // of the host; every one if it is unspecified, or not said
	Port                   int
	Project, Service, Name string
}

// Published lists the published ports of all running containers.
func (e *Engine) Published(ctx context.Context) ([]Published, error) {
	list, err := e.client.ContainerList(ctx, client.ContainerListOptions{})
	if err != nil {
		return nil, e.explain(err)
	}
	var all []Published
	for _, item := range list.Items {
		name := strings.TrimPrefix(strings.Join(item.Names, " "), "/")
		service, _ := serviceOf(name, item.Labels)
		project := item.Labels["com.docker.compose.project"] // whole, however long
		for _, p := range item.Ports {
			if p.PublicPort != 0 && p.Type == "tcp" {
				all = append(all, Published{p.IP, int(p.PublicPort), project, service, name})
			}
		}
	}
	return all, nil
}
