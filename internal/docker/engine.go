// Package docker makes facts of what a Docker Engine does, by its events and
// by inspection. It speaks API 1.41 (Engine 20.10) up to the newest, and
// Podman's compatible socket.
//
//	engine, err := docker.Open("") // DOCKER_HOST, else the local socket
//	err = engine.Run(ctx, docker.Watcher{Since: last, Told: told, Starting: follow, Tell: fold})
//
// The engine's stream of events is not to be trusted alone: it drops messages
// for a subscriber that is slow, keeps the last 256 for those who come late,
// and breaks when the engine is restarted (daemon/events/events.go). So events
// are drained at once, and everything is inspected after each gap and once a
// minute even without one.
package docker

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"
)

// Engine is a connection to a Docker Engine. Its methods may be called from
// several goroutines.
type Engine struct {
	client *client.Client
	host   string
	known  containers
	// rootless says that the host does not reach the containers' addresses.
	rootless atomic.Bool
	agreed   atomic.Bool // on a version of the API
	agreeing sync.Mutex
	podman   bool // is what it is; agreed says whether that is known
	// ahead is by how much its clock is ahead of ours, in nanoseconds, as it told last.
	ahead atomic.Int64
}

// Open prepares a connection to the engine at host ("unix:///run/docker.sock",
// "tcp://…"); "" is what DOCKER_HOST names, else the local socket. It does not
// connect yet.
func Open(host string) (*Engine, error) {
	options := []client.Opt{client.FromEnv, client.WithUserAgent("aweigh")}
	named := host
	if named == "" {
		named = os.Getenv(client.EnvOverrideHost)
	}
	if u, err := url.Parse(named); err == nil && u.Scheme == "ssh" {
		dial, err := overSSH(u)
		if err != nil {
			return nil, err
		}
		// The name is for the request's head only; it is dialled through ssh.
		options = []client.Opt{client.WithHost("http://docker.example"), client.WithDialContext(dial), client.WithUserAgent("aweigh")}
		host = u.Redacted()
	} else if host != "" {
		options = append(options, client.WithHost(host))
	}
	c, err := client.New(options...)
	if err != nil {
		return nil, fmt.Errorf("container engine %q: %w", host, err)
	}
	if host == "" {
		host = c.DaemonHost()
	}
	e := &Engine{client: c, host: host, known: containers{byID: map[string]known{}}}
	e.rootless.Store(e.Remote()) // the same comes of it
	return e, nil
}

// Host is where the engine is.
func (e *Engine) Host() string { return e.host }

// Client is the connection itself, for what the methods here do not cover.
func (e *Engine) Client() *client.Client { return e.client }

// Remote reports whether the engine is on another host for sure: neither the
// addresses of its containers nor its ports are reached from here.
func (e *Engine) Remote() bool { return strings.HasPrefix(e.host, "ssh://") }

// Close closes idle connections.
func (e *Engine) Close() error { return e.client.Close() }

// learn finds out what kind of engine it is. The containers of a rootless one
// have addresses that only it reaches. A proxy before the engine's socket may
// keep it from telling, which hurts nobody.
func (e *Engine) learn(ctx context.Context) {
	answer, err := e.client.Info(ctx, client.InfoOptions{})
	if err != nil {
		return
	}
	if its := moment(answer.Info.SystemTime); !its.IsZero() {
		e.ahead.Store(int64(time.Until(its)))
	}
	e.rootless.Store(e.Remote() || slices.ContainsFunc(answer.Info.SecurityOptions, func(option string) bool {
		return strings.Contains(option, "rootless")
	}))
}

// ID is the engine's name for itself, which stays when it is restarted. Podman says
// another one each time, and a proxy may keep it secret: then it is Host.
func (e *Engine) ID(ctx context.Context) (string, error) {
	if err := e.Check(ctx); err != nil {
		return "", err
	}
	first, err := e.client.Info(ctx, client.InfoOptions{})
	if err != nil {
		return e.host, nil
	}
	second, err := e.client.Info(ctx, client.InfoOptions{})
	if err != nil || first.Info.ID == "" || first.Info.ID != second.Info.ID {
		return e.host, nil
	}
	return first.Info.ID, nil
}

// answerWithin is how long an engine may take to answer before it counts as lost: one
// that is stuck, or whose connection is half open, takes a request and says nothing.
var answerWithin = 30 * time.Second

// Check asks whether the engine answers, and says what to do if it does not.
func (e *Engine) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	_, err := e.client.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true})
	return e.explain(err)
}

// now is the time by the engine's clock.
func (e *Engine) now() time.Time { return time.Now().Add(time.Duration(e.ahead.Load())) }

// version is that of the API which both sides speak, and whether the other side is Podman.
// The client finds it out with its first request, and tells its own before that.
func (e *Engine) version(ctx context.Context) (version string, podman bool, err error) {
	if !e.agreed.Load() {
		e.agreeing.Lock()
		defer e.agreeing.Unlock()
	}
	if !e.agreed.Load() {
		if err := e.Check(ctx); err != nil {
			return "", false, err
		}
		ctx, cancel := context.WithTimeout(ctx, answerWithin/6)
		defer cancel()
		said, _ := e.client.ServerVersion(ctx, client.ServerVersionOptions{}) // a proxy may keep it from telling
		e.podman = slices.ContainsFunc(said.Components, func(c system.ComponentVersion) bool { return c.Name == "Podman Engine" })
		e.agreed.Store(true)
	}
	return e.client.ClientVersion(), e.podman, nil
}

func (e *Engine) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrPermission) || strings.Contains(err.Error(), "permission denied"):
		return fmt.Errorf("no access to the container engine at %s: run as root, or as a member of the group docker", e.host)
	case client.IsErrConnectionFailed(err):
		return fmt.Errorf("the container engine at %s does not answer: is it running?", e.host)
	}
	return fmt.Errorf("container engine at %s: %w", e.host, err)
}

// Stop stops a container, as a person would.
func (e *Engine) Stop(ctx context.Context, id string) error {
	_, err := e.client.ContainerStop(ctx, id, client.ContainerStopOptions{})
	return err
}
