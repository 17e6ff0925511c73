package docker

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// Twin is all that a container was made of: enough to make another like it, with
// no compose file. Values of its environment are in it, so it is kept where only
// its owner reads.
type Twin struct {
	ID           string
	Name         string
	Service      string
	Project      string
	Image        string // as it was named
	ImageID      string
	Status       string // the engine's word
	Created      time.Time
	Started      time.Time
	RestartCount int
	Config       *container.Config
	Host         *container.HostConfig
	Networks     map[string]*network.EndpointSettings
	Mounts       []container.MountPoint
}

// Runs reports whether it is meant to run: one that restarts is.
func (t *Twin) Runs() bool {
	return t.Status == "running" || t.Status == "restarting" || t.Status == "paused"
}

// HalfRemoved reports whether the engine was removing it when it was killed: it can
// be started no more.
func (t *Twin) HalfRemoved() bool { return t.Status == "dead" || t.Status == "removing" }

// Twins are the containers of a compose project, running or not, the one that
// was started first at the head. Those of `docker compose run` do not count.
func (e *Engine) Twins(ctx context.Context, project string) ([]Twin, error) {
	list, err := e.client.ContainerList(ctx, client.ContainerListOptions{All: true,
		Filters: client.Filters{}.Add("label", "com.docker.compose.project="+project)})
	if err != nil {
		return nil, e.explain(err)
	}
	var all []Twin
	for _, item := range list.Items {
		answer, err := e.client.ContainerInspect(ctx, item.ID, client.ContainerInspectOptions{})
		if gone(err) {
			continue // meanwhile
		}
		if err != nil {
			return nil, e.explain(err)
		}
		if in := answer.Container; in.Config != nil && in.HostConfig != nil && in.Config.Labels["com.docker.compose.oneoff"] != "True" {
			all = append(all, twin(in))
		}
	}
	slices.SortFunc(all, func(a, b Twin) int { return a.Started.Compare(b.Started) })
	return all, nil
}

// Twin is the one of a container with this id or name.
func (e *Engine) Twin(ctx context.Context, id string) (Twin, error) {
	answer, err := e.client.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return Twin{}, e.explain(err)
	}
	return twin(answer.Container), nil
}

func twin(in container.InspectResponse) Twin {
	t := Twin{ID: in.ID, Name: strings.TrimPrefix(in.Name, "/"), Image: in.Config.Image, ImageID: in.Image, Created: moment(in.Created),
		RestartCount: in.RestartCount, Config: in.Config, Host: in.HostConfig, Mounts: in.Mounts}
	t.Service, t.Project = serviceOf(t.Name, in.Config.Labels)
	if in.State != nil {
		t.Status, t.Started = string(in.State.Status), moment(in.State.StartedAt)
	}
	if in.NetworkSettings != nil {
		t.Networks = in.NetworkSettings.Networks
	}
	return t
}

// Make creates a container like it, which does not run yet, and returns its id.
// The name must be free.
func (e *Engine) Make(ctx context.Context, t Twin) (string, error) {
	config, host := *t.Config, *t.Host
	if len(t.ID) >= 12 && config.Hostname == t.ID[:12] {
		config.Hostname = "" // it was the engine that chose it
	}
	host.Binds = append(slices.Clone(host.Binds), t.anonymous()...)
	var first string
	var others []string
	for name := range t.Networks {
		if name == string(host.NetworkMode) {
			first = name
		} else {
			others = append(others, name)
		}
	}
	slices.Sort(others)
	if first == "" && len(others) > 0 && !host.NetworkMode.IsContainer() && !host.NetworkMode.IsHost() {
		first, others = others[0], others[1:]
	}
	wiring := &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{}}
	if first != "" {
		wiring.EndpointsConfig[first] = t.endpoint(first)
	}
	made, err := e.client.ContainerCreate(ctx, client.ContainerCreateOptions{Name: t.Name, Config: &config, HostConfig: &host, NetworkingConfig: wiring})
	if err != nil {
		return "", fmt.Errorf("container %s cannot be made: %w", t.Name, e.explain(err))
	}
	// Engines before API 1.44 take one network when a container is made.
	for _, name := range others {
		if _, err := e.client.NetworkConnect(ctx, name, client.NetworkConnectOptions{Container: made.ID, EndpointConfig: t.endpoint(name)}); err != nil {
			return "", fmt.Errorf("container %s cannot be connected to network %s: %w", t.Name, name, e.explain(err))
		}
	}
	return made.ID, nil
}

// endpoint is what a user said of a network, without what the engine chose.
func (t *Twin) endpoint(name string) *network.EndpointSettings {
	was := t.Networks[name]
	if was == nil {
		return &network.EndpointSettings{}
	}
	aliases := slices.DeleteFunc(slices.Clone(was.Aliases), func(a string) bool { return len(a) == 12 && strings.HasPrefix(t.ID, a) })
	return &network.EndpointSettings{IPAMConfig: was.IPAMConfig, Links: was.Links, Aliases: aliases, DriverOpts: was.DriverOpts}
}

// anonymous are its volumes without a name of a user's: their content is not to
// be lost with the container.
func (t *Twin) anonymous() (binds []string) {
	said := map[string]bool{}
	for _, b := range t.Host.Binds {
		if parts := strings.Split(b, ":"); len(parts) > 1 {
			said[parts[1]] = true
		}
	}
	for _, m := range t.Host.Mounts {
		said[m.Target] = true
	}
	for _, m := range t.Mounts {
		if m.Type == mount.TypeVolume && m.Name != "" && !said[m.Destination] {
			binds = append(binds, m.Name+":"+m.Destination)
		}
	}
	return binds
}

// Start starts a container.
func (e *Engine) Start(ctx context.Context, id string) error {
	_, err := e.client.ContainerStart(ctx, id, client.ContainerStartOptions{})
	return e.explain(err)
}

// Restart stops and starts a container.
func (e *Engine) Restart(ctx context.Context, id string) error {
	_, err := e.client.ContainerRestart(ctx, id, client.ContainerRestartOptions{})
	return e.explain(err)
}

// Remove stops a container, as its own stop signal and grace say, and removes it.
// Volumes stay. One that is gone already is no error.
func (e *Engine) Remove(ctx context.Context, id string) error {
	e.client.ContainerStop(ctx, id, client.ContainerStopOptions{}) // what does not stop is killed below
	_, err := e.client.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true})
	if gone(err) {
		return nil
	}
	return e.explain(err)
}

// Rename gives a container another name.
func (e *Engine) Rename(ctx context.Context, id, name string) error {
	_, err := e.client.ContainerRename(ctx, id, client.ContainerRenameOptions{NewName: name})
	return e.explain(err)
}

// Health is the word of a container's own health check; "" where it has none.
func (e *Engine) Health(ctx context.Context, id string) (health, status string, err error) {
	answer, err := e.client.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return "", "", e.explain(err)
	}
	s := answer.Container.State
	if s == nil {
		return "", "", nil
	}
	if s.Health != nil && s.Health.Status != "none" {
		health = string(s.Health.Status)
	}
	return health, string(s.Status), nil
}

// Discard kills and removes a container, with its volumes that have no name.
func (e *Engine) Discard(ctx context.Context, id string) error {
	if _, err := e.client.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true}); !gone(err) {
		return e.explain(err)
	}
	return nil
}

// Once makes a container, lets it run to its end, and returns its exit status and
// what it printed. The container is removed.
func (e *Engine) Once(ctx context.Context, t Twin) (code int, output string, err error) {
	id, err := e.Make(ctx, t)
	if err != nil {
		return 0, "", err
	}
	defer e.Discard(context.WithoutCancel(ctx), id)
	if err := e.Start(ctx, id); err != nil {
		return 0, "", err
	}
	wait := e.client.ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case err := <-wait.Error:
		return 0, "", e.explain(err)
	case end := <-wait.Result:
		return int(end.StatusCode), e.Said(ctx, id), nil
	}
}

// maxWords bounds what Said returns, in bytes.
const maxWords = 64 << 10

// Said is the end of what a container has printed, both streams as they came; ""
// where that cannot be read.
func (e *Engine) Said(ctx context.Context, id string) string {
	answer, err := e.client.ContainerLogs(ctx, id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: "200"})
	if err != nil {
		return ""
	}
	defer answer.Close()
	var text strings.Builder
	Frames(io.LimitReader(answer, maxWords), !e.HasTerminal(id), func(_ bool, b []byte) { text.Write(b) })
	return text.String()
}
