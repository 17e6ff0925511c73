package docker

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/aweigh/aweigh"
)

// Inspection is the engine's own word about a container.
type Inspection struct {
	Container aweigh.Container
	Shape     Shape
	PID       int  // of its first process, as the engine's host counts; 0 when it does not run
	Terminal  bool // its output comes unframed
	// At is where the host has the container's ports, as "127.0.0.1:8080", while
	// it runs.
	At      map[int]string
	LogPath string // where the engine keeps its output, "" where it keeps none
	Raw     []byte // JSON, with the values of its environment
}

// Inspect asks for all of the container with this id or name.
func (e *Engine) Inspect(ctx context.Context, name string) (Inspection, error) {
	answer, err := e.client.ContainerInspect(ctx, name, client.ContainerInspectOptions{})
	if err != nil {
		return Inspection{}, e.explain(err)
	}
	k := digest(answer.Container)
	in := Inspection{Container: k.container, Shape: shapeOf(answer.Container), Terminal: k.tty, LogPath: answer.Container.LogPath, Raw: answer.Raw}
	if s := answer.Container.State; s != nil && s.Running {
		in.PID = s.Pid
	}
	in.At = publishedAt(answer.Container.NetworkSettings)
	return in, nil
}

func publishedAt(n *container.NetworkSettings) map[int]string {
	at := map[int]string{}
	if n == nil {
		return at
	}
	for port, bindings := range n.Ports {
		for _, b := range bindings {
			host := "127.0.0.1"
			if b.HostIP.IsValid() && !b.HostIP.IsUnspecified() {
				host = b.HostIP.String()
			}
			if port.Proto() == "tcp" && b.HostPort != "" && at[int(port.Num())] == "" {
				at[int(port.Num())] = net.JoinHostPort(host, b.HostPort)
			}
		}
	}
	return at
}

// Find lists the ids of the containers that a person may mean by what: the one
// of this id, the beginning of one, or name; else all of the service of this
// name, in whatever state, the newest first.
func (e *Engine) Find(ctx context.Context, what string) ([]string, error) {
	if err := e.Check(ctx); err != nil {
		return nil, err
	}
	list, err := e.client.ContainerList(ctx, client.ContainerListOptions{All: true})
	if err != nil {
		return nil, e.explain(err)
	}
	var ofService []string
	for _, c := range list.Items { // the engine lists the newest first
		name := firstName(c)
		if name == what || c.ID == what || len(what) >= 8 && strings.HasPrefix(c.ID, what) {
			return []string{c.ID}, nil
		}
		if service, _ := serviceOf(name, c.Labels); service == what {
			ofService = append(ofService, c.ID)
		}
	}
	return ofService, nil
}

// PublishedBy names the running container that publishes a port on this host,
// "" if none does.
func (e *Engine) PublishedBy(ctx context.Context, port int) string {
	list, err := e.client.ContainerList(ctx, client.ContainerListOptions{})
	if err != nil {
		return ""
	}
	for _, c := range list.Items {
		for _, p := range c.Ports {
			if int(p.PublicPort) == port {
				return fmt.Sprintf("the container %s", clean(firstName(c)))
			}
		}
	}
	return ""
}

func firstName(c container.Summary) string {
	if len(c.Names) == 0 {
		return ""
	}
	return strings.TrimPrefix(c.Names[0], "/")
}
