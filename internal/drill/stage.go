package drill

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/drill/inside"
	"github.com/aweigh/aweigh/internal/notify"
)

// stage is where one drill takes place: a network without a way out, a copy of
// the service and of what that depends on, and a watcher that looks on.
type stage struct {
	*run
	id       string // of this stage, as in its labels
	name     string // of the copy, and so of its service
	network  string
	observer *observer
	copy     string // the container that is there now, "" for none
	refused  string // what the engine said when it would not start it
	injected time.Time
	within   time.Duration               // what the drill says of how soon it must be detected
	seen     time.Time                   // when it was detected, where the injection has to know
	repair   func(context.Context) error // what must be put right besides the copy
	mail     *mailServer                 // of a drill whose route it is
	settings map[string]string           // the watcher's, for the copy
	there    map[string]bool             // dependencies that have a copy, by name
}

// change makes a copy differ from the service.
type change func(*container.Config, *container.HostConfig)

// open makes the stage of a drill.
func (r *run) open(ctx context.Context, d Drill, routes ...notify.Route) (*stage, error) {
	st := &stage{run: r, id: r.id + "." + d.Name, settings: r.settings(), there: map[string]bool{}}
	maps.Copy(st.settings, d.Settings)
	st.name = fmt.Sprintf("drill-%.24s-%s-%s", printableName(r.service.Name), d.Name, strings.ToLower(r.id[len(r.id)-6:]))
	answer, err := r.engine.NetworkCreate(whole(ctx), "aweigh-"+st.name, client.NetworkCreateOptions{Driver: "bridge", Internal: true, Labels: st.labels()})
	if err != nil {
		return st, fmt.Errorf("a network for the drill: %w", err)
	}
	st.network = answer.ID
	for _, d := range r.service.Dependencies {
		if err := st.depend(ctx, d); err != nil {
			return st, fmt.Errorf("%s, which %s depends on: %w", d.Name, r.service.Name, err)
		}
	}
	st.observer, err = st.observe(ctx, d.OwnWatcher, routes)
	return st, err
}

// close removes all of it. ctx may be over already.
func (st *stage) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	st.observer.close()
	return removeStage(ctx, st.engine, st.id)
}

// forget removes what a watcher of the stage's own has kept.
func (st *stage) forget() {
	if dir := st.observer.evidence(); dir != "" {
		os.RemoveAll(dir)
	}
}

// route names what must deliver in a drill.
func (st *stage) route(d Drill) string {
	if st.Watcher != nil && !d.OwnWatcher {
		return strings.Join(st.Watcher.Routes, ", ")
	}
	names := []string{route(d)}
	for _, r := range st.Routes {
		names = append(names, r.Name)
	}
	return strings.Join(names, ", ")
}

// labels mark what nobody is to look at.
func (st *stage) labels() map[string]string {
	return map[string]string{stageLabel: st.id, ownerLabel: st.owner, "aweigh.ignore": "true"}
}

// depend starts a copy of a dependency, after its own, and waits until it
// serves. One that several services depend on has one copy.
func (st *stage) depend(ctx context.Context, d *Service) error {
	if st.there[d.Name] {
		return nil
	}
	for _, below := range d.Dependencies {
		if err := st.depend(ctx, below); err != nil {
			return err
		}
	}
	id, err := st.make(ctx, d, st.name+"."+d.Name, st.labels(), []string{d.Name})
	if err != nil {
		return err
	}
	st.there[d.Name] = true
	if _, err := st.engine.ContainerStart(whole(ctx), id, client.ContainerStartOptions{}); err != nil {
		return err
	}
	return st.serves(ctx, id, d)
}

// dependencyTimeout is how long a dependency may take to serve.
const dependencyTimeout = 90 * time.Second

// serves waits until a dependency is healthy, or else until one of its ports
// accepts.
func (st *stage) serves(ctx context.Context, id string, d *Service) error {
	ctx, cancel := context.WithTimeout(ctx, dependencyTimeout)
	defer cancel()
	return poll(ctx, func() (bool, error) {
		answer, err := st.engine.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
		if err != nil {
			return false, err
		}
		in := answer.Container
		switch {
		case in.State.Status == "exited" && in.State.ExitCode == 0:
			return true, nil // a job, such as a migration
		case !in.State.Running && !in.State.Restarting:
			return false, fmt.Errorf("its copy exited with %d", in.State.ExitCode)
		case in.State.Health != nil && in.State.Health.Status != "none":
			return in.State.Health.Status == "healthy", nil
		case len(d.ports) == 0:
			return true, nil
		}
		for _, n := range in.NetworkSettings.Networks {
			if c, err := net.DialTimeout("tcp", net.JoinHostPort(n.IPAddress.String(), strconv.Itoa(d.ports[0])), time.Second); err == nil {
				c.Close()
				return true, nil
			}
		}
		return false, nil
	})
}

// start makes a copy of the service, and starts it. Where the engine refuses to
// start it that is for the watcher to find out.
func (st *stage) start(ctx context.Context, changes ...change) error {
	labels := map[string]string{aweigh.DrillLabel: st.id, stageLabel: st.id, ownerLabel: st.owner}
	maps.Copy(labels, asLabels(st.settings))
	id, err := st.make(ctx, st.service, st.name, labels, []string{st.service.Name}, changes...)
	if err != nil {
		return err
	}
	st.copy = id
	if _, err := st.engine.ContainerStart(whole(ctx), id, client.ContainerStartOptions{}); err != nil {
		st.refused = err.Error()
	}
	return ctx.Err()
}

// make creates a container for a service.
func (st *stage) make(ctx context.Context, s *Service, name string, labels map[string]string, aliases []string, changes ...change) (string, error) {
	config, host := s.Config, s.Host
	config.Image, config.Labels = s.Image, labels
	config.Env = slices.Clone(s.Config.Env)
	config.Volumes = map[string]struct{}{}
	for _, path := range s.Volumes {
		config.Volumes[path] = struct{}{}
	}
	config.Healthcheck = hurried(s.Config.Healthcheck, st.startup)
	host.Mounts, host.Tmpfs = slices.Clone(s.Host.Mounts), maps.Clone(s.Host.Tmpfs)
	host.Mounts = append(host.Mounts, mount.Mount{Type: mount.TypeVolume, Source: st.tool, Target: toolDir, ReadOnly: true})
	host.NetworkMode = container.NetworkMode(st.network)
	host.LogConfig = container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "10m"}}
	for _, c := range changes {
		c(&config, &host)
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	answer, err := st.engine.ContainerCreate(whole(ctx), client.ContainerCreateOptions{Name: name, Config: &config, HostConfig: &host,
		NetworkingConfig: &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{st.network: {Aliases: aliases}}}})
	if err != nil {
		return "", fmt.Errorf("a copy of %s: %w", s.Name, err)
	}
	if err := st.bring(ctx, s, answer.ID, config.Volumes); err != nil {
		return "", err
	}
	return answer.ID, nil
}

// stop stops and removes the copy, as a deployment would.
func (st *stage) stop(ctx context.Context) error {
	if st.copy == "" {
		return nil
	}
	seconds := 5
	if _, err := st.engine.ContainerStop(ctx, st.copy, client.ContainerStopOptions{Timeout: &seconds}); err != nil {
		return err
	}
	_, err := st.engine.ContainerRemove(ctx, st.copy, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	st.copy, st.refused = "", ""
	return err
}

// trigger has a fault begin that waits inside. It does so from within: a signal
// by the engine, whichever, has it take the container for one that somebody
// stops, and it does not start it again (moby, daemon/kill.go).
func (st *stage) trigger(ctx context.Context) error {
	exec, err := st.engine.ExecCreate(ctx, st.copy, client.ExecCreateOptions{Cmd: []string{toolPath, inside.Command, "trigger"}})
	if err != nil {
		return fmt.Errorf("the fault could not be triggered: %w", err)
	}
	if _, err = st.engine.ExecStart(ctx, exec.ID, client.ExecStartOptions{Detach: true}); err != nil {
		return fmt.Errorf("the fault could not be triggered: %w", err)
	}
	return nil
}

// before puts a fault before the copy's command.
func (st *stage) before(words ...string) change {
	return func(c *container.Config, h *container.HostConfig) {
		c.Entrypoint = append(append([]string{toolPath, inside.Command}, words...), "--")
		c.Cmd = st.service.command
		h.Init = nil // this program is the first one
	}
}

// whole is for what the engine makes: a request that is given up is carried out
// all the same, and its outcome would be there after all else was removed.
func whole(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

// hurried is a health check that says within seconds what the user's says
// within minutes. A start may take as long as the drill lets it.
func hurried(h *container.HealthConfig, startup time.Duration) *container.HealthConfig {
	if h == nil || len(h.Test) > 0 && h.Test[0] == "NONE" {
		return h
	}
	quick := *h
	quick.Interval, quick.StartPeriod, quick.StartInterval = time.Second, startup, 0
	if quick.Timeout == 0 || quick.Timeout > 3*time.Second {
		quick.Timeout = 3 * time.Second
	}
	if quick.Retries == 0 || quick.Retries > 3 {
		quick.Retries = 3
	}
	return &quick
}

// pollEvery is how often the engine or the watcher's store is asked.
const pollEvery = 50 * time.Millisecond

// errTime says that something did not come to be in the time it had.
var errTime = errors.New("not in time")

// poll waits until something holds.
func poll(ctx context.Context, holds func() (bool, error)) error {
	for {
		ok, err := holds()
		switch {
		case ctx.Err() != nil:
			return errTime
		case err != nil || ok:
			return err
		}
		select {
		case <-ctx.Done():
			return errTime
		case <-time.After(pollEvery):
		}
	}
}

// printableName is a name as a container may have it.
func printableName(name string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return '-'
	}, name), "-")
}
