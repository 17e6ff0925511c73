package docker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/aweigh/aweigh"
)

// containers remembers what was inspected, for the events of a container that
// is gone before it can be inspected again.
type containers struct {
	mu   sync.Mutex
	byID map[string]known
}

type known struct {
	container aweigh.Container
	health    string // what its health check said last
	state     []byte // the engine's State of one that has ended, as JSON
	tty       bool
	facts     *Known
}

func (c *containers) get(id string) (known, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.byID[id]
	return k, ok
}

func (c *containers) put(id string, k known) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byID[id] = k
}

func (c *containers) remove(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byID, id)
}

func (c *containers) ids() (all []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range c.byID {
		all = append(all, id)
	}
	return all
}

// LastState is the engine's State of a container that has ended, with the log
// of its health check, as JSON; nil for one that runs, or is not known.
func (e *Engine) LastState(id string) []byte {
	k, _ := e.known.get(id)
	return k.state
}

// HasTerminal reports whether a container's output comes unframed.
func (e *Engine) HasTerminal(id string) bool {
	k, _ := e.known.get(id)
	return k.tty
}

// inspectWithin is how long the engine may take to let a container be inspected: it
// locks one while it starts it, and tidies up after it. What is stuck in the kernel
// stays locked.
var inspectWithin = 20 * time.Second

// inspect asks for all of a container.
func (e *Engine) inspect(ctx context.Context, id string) (known, error) {
	ctx, cancel := context.WithTimeout(ctx, inspectWithin)
	defer cancel()
	answer, err := e.client.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return known{}, err
	}
	k := digest(answer.Container)
	k.facts = knownOf(answer)
	if e.rootless.Load() {
		k.container.Addr = ""
	}
	e.known.put(id, k)
	return k, nil
}

// digest takes of an inspection what the core must know. Nothing of the
// environment is in it.
func digest(in container.InspectResponse) known {
	c := aweigh.Container{Engine: "docker", ID: in.ID, Name: strings.TrimPrefix(in.Name, "/"), ImageID: in.Image, RestartCount: in.RestartCount, Created: moment(in.Created)}
	k := known{}
	if cfg := in.Config; cfg != nil {
		k.tty = cfg.Tty
		c.Image = cfg.Image
		c.Labels = ours(cfg.Labels)
		c.OneOff = oneOff(in)
		c.Config = fingerprint(in)
		for p := range cfg.ExposedPorts {
			if p.Proto() == "tcp" {
				c.Exposed = append(c.Exposed, int(p.Num()))
			}
		}
		if h := cfg.Healthcheck; h != nil && len(h.Test) > 0 && h.Test[0] != "NONE" {
			c.HealthCheck, c.HealthTest = true, h.Test
			c.Patience = patience(h)
		}
		if cfg.StopTimeout != nil {
			c.StopTimeout = time.Duration(*cfg.StopTimeout) * time.Second
		}
		c.StopSignal = signalName(cfg.StopSignal)
		c.Service, c.Project = serviceOf(c.Name, cfg.Labels)
	} else {
		c.Service, c.Project = serviceOf(c.Name, nil)
	}
	if c.Supervised = supervised(in.Path, in.Args); c.Supervised {
		c.Records = recordsOf(in)
	}
	if h := in.HostConfig; h != nil {
		c.Policy, c.MaxRetries = string(h.RestartPolicy.Name), h.RestartPolicy.MaximumRetryCount
		c.AutoRemove = h.AutoRemove
		if h.LogConfig.Type == "none" {
			c.Unreadable = "the log driver none keeps nothing"
		}
		for p := range h.PortBindings {
			if p.Proto() == "tcp" {
				c.Published = append(c.Published, int(p.Num()))
			}
		}
		if h.NetworkMode.IsHost() {
			c.Addr = "127.0.0.1"
		}
	}
	if n := in.NetworkSettings; n != nil {
		for _, name := range slices.Sorted(maps.Keys(n.Networks)) {
			if a := n.Networks[name].IPAddress; c.Addr == "" && a.IsValid() {
				c.Addr = a.String()
			}
		}
	}
	slices.Sort(c.Exposed)
	slices.Sort(c.Published)
	if s := in.State; s != nil {
		c.Status, c.Error = string(s.Status), s.Error
		c.Started, c.Finished = moment(s.StartedAt), moment(s.FinishedAt)
		if !s.Running && !c.Finished.IsZero() {
			c.Exit = exitOf(s.ExitCode, s.OOMKilled)
		}
		if !s.Running {
			k.state, _ = json.MarshalIndent(s, "", "  ")
		}
		if s.Health != nil {
			c.Health = string(s.Health.Status)
			if n := len(s.Health.Log); n > 0 {
				last := s.Health.Log[n-1]
				if k.health = firstLine(last.Output); k.health == "" {
					k.health = fmt.Sprintf("exit status %d, and no output", last.ExitCode)
				}
			}
		}
	}
	k.container = c
	return k
}

// invented is the form of the names that the engine gives to containers which
// nobody named (moby's pkg/namesgenerator).
var invented = regexp.MustCompile(`^/?[a-z]+_[a-z]+[0-9]?$`)

// oneOff reports whether a person runs a container and looks at it: at a
// terminal, by `docker compose run`, or by `docker run --rm` without a name and
// in the foreground. A unit of systemd runs one so too, and names it.
func oneOff(in container.InspectResponse) bool {
	cfg := in.Config
	if cfg.Tty && cfg.OpenStdin && cfg.AttachStdin || cfg.Labels["com.docker.compose.oneoff"] == "True" {
		return true
	}
	return in.HostConfig != nil && in.HostConfig.AutoRemove && cfg.AttachStdout && invented.MatchString(in.Name)
}

// patience is how long a health check lets a start take: its start period, and
// the retries after it. The engine's own defaults stand for what is not set
// (daemon/health.go).
func patience(h *container.HealthConfig) time.Duration {
	interval, timeout, retries := h.Interval, h.Timeout, h.Retries
	if interval == 0 {
		interval = 30 * time.Second
	}
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	if retries == 0 {
		retries = 3
	}
	return h.StartPeriod + time.Duration(retries)*(interval+timeout)
}

// replica is what Compose appends to a container's name.
var replica = regexp.MustCompile(`^[0-9a-f]{12}_`)

// serviceOf names the service of a container: the compose service, else the
// container's name. While Compose recreates a container the old one has a
// hash before its name.
func serviceOf(name string, labels map[string]string) (service, project string) {
	if s := labels["com.docker.compose.service"]; s != "" {
		return clean(s), clean(labels["com.docker.compose.project"])
	}
	if s := labels["com.docker.swarm.service.name"]; s != "" {
		return clean(s), ""
	}
	return clean(replica.ReplaceAllString(name, "")), ""
}

// clean makes a name that can be that of a directory: names come from outside.
func clean(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_', r == '-':
			return r
		}
		return '-'
	}, name)
	name = strings.TrimLeft(name, "._-")
	return name[:min(len(name), 64)]
}

// ours are the labels that mean something to Aweigh.
func ours(labels map[string]string) map[string]string {
	var mine map[string]string
	for name, value := range labels {
		if strings.HasPrefix(name, "aweigh.") && len(value) <= 4096 {
			if mine == nil {
				mine = map[string]string{}
			}
			mine[name] = value
		}
	}
	return mine
}

// supervised reports whether aweigh-init is the container's first process.
func supervised(file string, args []string) bool {
	switch path.Base(file) {
	case "aweigh-init":
		return true
	case "aweigh":
		if n := slices.Index(args, "--"); n > 0 && n+1 < len(args) && args[0] == "drill-child" {
			return supervised(args[n+1], args[n+2:]) // a drill's copy of one that is
		}
		return len(args) > 0 && args[0] == "run"
	}
	return false
}

// recordsOf is where on this host a supervised container's records are: the
// source of the mount at its record directory.
func recordsOf(in container.InspectResponse) string {
	inside := "/var/lib/aweigh"
	if in.Config != nil {
		for _, kv := range in.Config.Env {
			if value, ok := strings.CutPrefix(kv, "AWEIGH_RECORD="); ok && value != "" {
				inside = value
			}
		}
	}
	for n, arg := range in.Args {
		if value, ok := strings.CutPrefix(arg, "--record="); ok {
			inside = value
		} else if arg == "--record" && n+1 < len(in.Args) {
			inside = in.Args[n+1]
		} else if arg == "--" {
			break
		}
	}
	for _, m := range in.Mounts {
		if path.Clean(m.Destination) == path.Clean(inside) {
			return m.Source
		}
	}
	return ""
}

// fingerprint tells a changed configuration, without keeping any of it.
func fingerprint(in container.InspectResponse) string {
	what, err := json.Marshal([]any{in.Config.Env, in.Config.Cmd, in.Config.Entrypoint, in.Config.WorkingDir, in.Config.User, in.Path, in.Args, in.Mounts})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(what)
	return hex.EncodeToString(sum[:8])
}

func exitOf(code int, oom bool) *aweigh.Exit {
	return &aweigh.Exit{Code: code, OOM: oom}
}

// moment reads the engine's times; its zero is the year 1.
func moment(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.Year() < 1971 {
		return time.Time{}
	}
	return t.UTC()
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if len(line) > 300 {
		line = line[:300] + "…"
	}
	return line
}
