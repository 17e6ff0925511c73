package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// Image is what an image on this host has.
type Image struct {
	ID              string   // sha256:…
	Digests         []string // name@sha256:…, of those that were pulled or pushed
	Created         time.Time
	HealthTest      []string // as Docker has it; nil: no health check
	StartPeriod     time.Duration
	Interval        time.Duration // 0: the engine's default; so are the next
	Timeout         time.Duration
	Retries         int
	Exposed         []string // "8080/tcp"
	Entrypoint, Cmd []string
	Env             []string
}

// ErrNoImage says that the engine does not have an image.
var ErrNoImage = errors.New("the engine does not have this image")

// Image asks the engine for an image by name or id. It is ErrNoImage if there is
// none.
func (e *Engine) Image(ctx context.Context, ref string) (Image, error) {
	answer, err := e.client.ImageInspect(ctx, ref)
	if errdefs.IsNotFound(err) || errdefs.IsInvalidArgument(err) {
		return Image{}, ErrNoImage
	}
	if err != nil {
		return Image{}, e.explain(err)
	}
	i := Image{ID: answer.ID, Digests: answer.RepoDigests, Created: moment(answer.Created)}
	if c := answer.Config; c != nil {
		i.Entrypoint, i.Cmd, i.Env = c.Entrypoint, c.Cmd, c.Env
		for p := range c.ExposedPorts {
			i.Exposed = append(i.Exposed, p)
		}
		if h := c.Healthcheck; h != nil && len(h.Test) > 0 {
			i.HealthTest, i.StartPeriod, i.Interval, i.Timeout, i.Retries = h.Test, h.StartPeriod, h.Interval, h.Timeout, h.Retries
		}
	}
	return i, nil
}

// ScratchLabel is on the containers that are made to look into an image.
const ScratchLabel = "aweigh.internal.look"

// Lacks returns those of the programs that an image does not have: paths, or
// names, which are looked for in its PATH. For that it creates a container, which
// is never started, and removes it.
func (e *Engine) Lacks(ctx context.Context, ref string, programs []string) (missing []string, err error) {
	err = e.looking(ctx, ref, func(id string, image Image) error {
		for _, program := range programs {
			has, err := e.has(ctx, id, program, image.Path())
			if err != nil {
				return err
			}
			if !has {
				missing = append(missing, program)
			}
		}
		return nil
	})
	return missing, err
}

// looking has do look into a container of an image that is never started, and is
// removed afterwards.
func (e *Engine) looking(ctx context.Context, ref string, do func(id string, image Image) error) error {
	image, err := e.Image(ctx, ref)
	if err != nil {
		return err
	}
	made, err := e.client.ContainerCreate(ctx, client.ContainerCreateOptions{
		// An image without a command is not taken without one.
		Config:     &container.Config{Image: image.ID, Entrypoint: []string{"/"}, Labels: map[string]string{ScratchLabel: "1", "aweigh.ignore": "true"}},
		HostConfig: &container.HostConfig{NetworkMode: "none"},
	})
	if err != nil {
		return e.explain(err)
	}
	looked := do(made.ID, image)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_, removed := e.client.ContainerRemove(ctx, made.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	return errors.Join(looked, removed)
}

// Runnable says why a program of an image, which is in one of these places, cannot be
// started: "is not in the image", "is not executable"; "" if nothing is known to be
// wrong with it. It looks as Lacks does.
func (e *Engine) Runnable(ctx context.Context, ref string, places []string) (reason string, err error) {
	err = e.looking(ctx, ref, func(id string, _ Image) error {
		reason = "is not in the image"
		for _, place := range places {
			found, err := e.client.ContainerStatPath(ctx, id, client.ContainerStatPathOptions{Path: place})
			if errdefs.IsNotFound(err) {
				continue
			}
			if err != nil {
				return e.explain(err)
			}
			switch mode := found.Stat.Mode; {
			case mode.IsDir():
				reason = "is a directory"
			case mode.IsRegular() && mode.Perm()&0o111 == 0:
				reason = "is not executable"
			default:
				reason = ""
				return nil
			}
		}
		return nil
	})
	return reason, err
}

func (e *Engine) has(ctx context.Context, id, program string, dirs []string) (bool, error) {
	places := []string{program}
	if !strings.Contains(program, "/") {
		places = nil
		for _, dir := range dirs {
			places = append(places, path.Join(dir, program))
		}
	}
	for _, place := range places {
		_, err := e.client.ContainerStatPath(ctx, id, client.ContainerStatPathOptions{Path: place})
		if err == nil {
			return true, nil
		}
		if !errdefs.IsNotFound(err) {
			return false, e.explain(err)
		}
	}
	return false, nil
}

// Path are the directories of the image's PATH, or the engine's own.
func (i Image) Path() []string {
	for _, kv := range i.Env {
		if value, ok := strings.CutPrefix(kv, "PATH="); ok {
			return strings.Split(value, ":")
		}
	}
	return []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}
}

// LogDriver is the log driver of containers that do not name one.
func (e *Engine) LogDriver(ctx context.Context) (string, error) {
	answer, err := e.client.Info(ctx, client.InfoOptions{})
	return answer.Info.LoggingDriver, e.explain(err)
}

// MemoryInUse is what a container takes now, in bytes, without the file pages
// that the kernel would give back, as `docker stats` has it.
func (e *Engine) MemoryInUse(ctx context.Context, id string) (int64, error) {
	answer, err := e.client.ContainerStats(ctx, id, client.ContainerStatsOptions{})
	if err != nil {
		return 0, e.explain(err)
	}
	defer answer.Body.Close()
	var stats container.StatsResponse
	if err := json.NewDecoder(answer.Body).Decode(&stats); err != nil {
		return 0, fmt.Errorf("the engine's statistics cannot be read: %w", err)
	}
	m := stats.MemoryStats
	for _, inactive := range []string{"total_inactive_file", "inactive_file"} {
		if n, ok := m.Stats[inactive]; ok && n <= m.Usage {
			return int64(m.Usage - n), nil
		}
	}
	return int64(m.Usage), nil
}
