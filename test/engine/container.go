package engine

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
)

// Spec says what a container is like. The zero value is a service that
// publishes its port.
type Spec struct {
	Name    string // "" is service-N
	Image   string
	Project string // of Compose; its service is Name
	Labels  map[string]string
	Policy  string // of restarts; "" is no
	// Health is its health check, as in HEALTHCHECK: "CMD-SHELL", "curl …".
	// PORT in it is the container's port.
	Health []string
	// Deaf is one that listens on nothing.
	Deaf bool
	// Hidden is one that publishes no port.
	Hidden bool
	Tty    bool
	// Asked counts connections to it, if it is not nil.
	Asked *atomic.Int64
}

// Container is one container of the engine. The engine's lock guards it.
type Container struct {
	Spec
	ID   string
	Addr string // its own

	engine   *Engine
	created  time.Time
	status   container.ContainerState
	started  time.Time
	finished time.Time
	code     int
	oom      bool
	restarts int
	health   string
	port     uint16
	listener net.Listener
	output   []output
	printed  int
	held     chan struct{} // nil: it may be inspected
	life     int
	changed  chan struct{} // closed and made anew whenever something changes
}

// output is a piece of what a container printed.
type output struct {
	n      int // counts from 1
	at     time.Time
	stderr bool
	text   []byte
}

// keepOutput bounds what is kept of a container's output, in pieces.
const keepOutput = 1000

// Port is what the container listens on; 0 before its first start.
func (c *Container) Port() int {
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	return int(c.port)
}

// Start starts it. When it returns its socket answers.
func (c *Container) Start() error {
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	if c.status == container.StateRunning {
		return fmt.Errorf("engine: %s runs already", c.Name)
	}
	if c.listener == nil && !c.Deaf {
		l, err := net.Listen("tcp4", net.JoinHostPort(c.Addr, strconv.Itoa(int(c.port))))
		if err != nil {
			return fmt.Errorf("engine: %s: %w", c.Name, err)
		}
		c.listener = l
		c.port = l.Addr().(*net.TCPAddr).AddrPort().Port()
		c.engine.served.Go(func() { http.Serve(counting{l, c.Asked}, http.HandlerFunc(serveOK)) })
	}
	if c.port == 0 {
		c.port = 8080
	}
	if c.life > 0 && c.Policy != "" && c.Policy != "no" {
		c.restarts++
	}
	c.life++
	c.status, c.started, c.code, c.oom = container.StateRunning, time.Now().UTC(), 0, false
	if len(c.Health) > 0 {
		c.health = "starting"
	}
	c.engine.tell(c, "start", nil)
	return nil
}

// counting counts what it accepts.
type counting struct {
	net.Listener
	asked *atomic.Int64
}

func (l counting) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil && l.asked != nil {
		l.asked.Add(1)
	}
	return conn, err
}

// Print is output of it.
func (c *Container) Print(stderr bool, text string) {
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	c.printed++
	c.output = append(c.output, output{c.printed, time.Now().UTC(), stderr, []byte(text)})
	if len(c.output) > keepOutput {
		c.output = slices.Clone(c.output[len(c.output)-keepOutput:])
	}
	c.poke()
}

// Die is its end by itself. It returns the time that the engine tells of it.
func (c *Container) Die(code int) time.Time {
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	return c.die(code)
}

// OOM is its end by the kernel's hand.
func (c *Container) OOM() time.Time {
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	c.oom = true
	c.engine.tell(c, "oom", nil)
	return c.die(137)
}

// Stop is `docker stop` of one that heeds SIGTERM.
func (c *Container) Stop() {
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	if c.status == container.StateRunning {
		c.engine.tell(c, "kill", map[string]string{"signal": "15"})
		c.die(143)
	}
	c.engine.tell(c, "stop", nil)
}

// Remove is `docker rm -f`.
func (c *Container) Remove() {
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	if c.status == container.StateRunning {
		c.engine.tell(c, "kill", map[string]string{"signal": "9"})
		c.die(137)
	}
	delete(c.engine.containers, c.ID)
	c.engine.order = slices.DeleteFunc(c.engine.order, func(o *Container) bool { return o == c })
	c.engine.tell(c, "destroy", nil)
}

// Hold keeps everybody from inspecting it until it is released, as the engine
// itself does while it tidies up after a death.
func (c *Container) Hold() (release func()) {
	held := make(chan struct{})
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	c.held = held
	return func() { close(held) }
}

// SetHealth is a verdict of its health check: healthy, unhealthy.
func (c *Container) SetHealth(status string) {
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	c.health = status
	c.engine.tell(c, "health_status: "+status, nil)
}

// CheckHealth is a run of its health check by Podman, which tells of each one and not
// how it went (pkg/api/handlers/compat/events.go).
func (c *Container) CheckHealth(status string) {
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	c.health = status
	c.engine.tell(c, "health_status", nil)
}

// hangUp closes its socket. The engine's lock is held.
func (c *Container) hangUp() {
	if c.listener != nil {
		c.listener.Close()
		c.listener = nil
	}
}

// The engine's lock is held from here on.

func (c *Container) die(code int) time.Time {
	if c.status != container.StateRunning {
		return time.Time{}
	}
	c.hangUp()
	c.status, c.finished, c.code = container.StateExited, time.Now().UTC(), code
	return c.engine.tell(c, "die", map[string]string{"exitCode": strconv.Itoa(code)})
}

func (c *Container) poke() {
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *Container) labels() map[string]string {
	labels := map[string]string{"maintainer": "nobody", "org.opencontainers.image.version": "1.0"}
	if c.Project != "" {
		labels["com.docker.compose.project"] = c.Project
		labels["com.docker.compose.service"] = c.Name
		labels["com.docker.compose.config-hash"] = strings.Repeat("5", 64)
		labels["com.docker.compose.container-number"] = "1"
	}
	maps.Copy(labels, c.Labels)
	return labels
}

func (c *Container) image() string {
	if c.Image == "" {
		return "example.org/app:1.0"
	}
	return c.Image
}

// inspection is about as much as the real one.
func (c *Container) inspection() container.InspectResponse {
	in := container.InspectResponse{
		ID: c.ID, Name: "/" + c.Name, Created: c.created.Format(time.RFC3339Nano), Path: "/app/server", Args: []string{"--port", strconv.Itoa(int(c.port))},
		Image: "sha256:" + strings.Repeat("7", 64), RestartCount: c.restarts, Driver: "overlay2", Platform: "linux",
		ResolvConfPath: c.file("resolv.conf"), HostnamePath: c.file("hostname"), HostsPath: c.file("hosts"), LogPath: c.file(c.ID + "-json.log"),
		State: &container.State{Status: c.state(), Running: c.status == container.StateRunning, OOMKilled: c.oom, ExitCode: c.code,
			StartedAt: c.started.Format(time.RFC3339Nano), FinishedAt: c.finished.Format(time.RFC3339Nano)},
		Config: &container.Config{Hostname: c.ID[:12], Image: c.image(), Labels: c.labels(), Tty: c.Tty, Cmd: []string{"/app/server"}, WorkingDir: "/app",
			ExposedPorts: network.PortSet{}},
		HostConfig: &container.HostConfig{NetworkMode: "bridge", PortBindings: network.PortMap{}, LogConfig: container.LogConfig{Type: "json-file"},
			RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyMode(c.Policy)}},
		NetworkSettings: &container.NetworkSettings{Networks: map[string]*network.EndpointSettings{}},
	}
	for n := range 12 {
		in.Config.Env = append(in.Config.Env, fmt.Sprintf("SETTING_%d=%s", n, strings.Repeat("v", 40)))
		in.HostConfig.MaskedPaths = append(in.HostConfig.MaskedPaths, fmt.Sprintf("/proc/masked-%d", n))
	}
	addr := netip.Addr{}
	if c.status == container.StateRunning {
		addr = netip.MustParseAddr(c.Addr)
	}
	in.NetworkSettings.Networks["bridge"] = &network.EndpointSettings{NetworkID: strings.Repeat("9", 64), IPAddress: addr, IPPrefixLen: 8}
	if c.port != 0 {
		port, _ := network.PortFrom(c.port, network.TCP)
		in.Config.ExposedPorts[port] = struct{}{}
		if !c.Hidden {
			in.HostConfig.PortBindings[port] = []network.PortBinding{{HostPort: strconv.Itoa(int(c.port))}}
		}
	}
	if len(c.Health) > 0 {
		in.Config.Healthcheck = &container.HealthConfig{Interval: 10 * time.Second}
		for _, word := range c.Health {
			in.Config.Healthcheck.Test = append(in.Config.Healthcheck.Test, strings.ReplaceAll(word, "PORT", strconv.Itoa(int(c.port))))
		}
		if c.status == container.StateRunning {
			in.State.Health = &container.Health{Status: container.HealthStatus(c.health)}
		}
	}
	return in
}

func (c *Container) file(name string) string {
	return "/var/lib/docker/containers/" + c.ID + "/" + name
}

func (c *Container) state() container.ContainerState {
	if c.status == "" {
		return container.StateCreated
	}
	return c.status
}

func (c *Container) summary() container.Summary {
	return container.Summary{ID: c.ID, Names: []string{"/" + c.Name}, Image: c.image(), Command: "/app/server", Created: c.created.Unix(),
		Labels: c.labels(), State: c.state(), Status: string(c.state())}
}
