package drill

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/proc"
	"github.com/aweigh/aweigh/internal/watch"
)

// Labels on what a drill makes. aweigh.DrillLabel is on the copies alone, which
// a watcher is to look at.
const (
	stageLabel = aweigh.DrillLabel + ".stage" // the drill and the run that it belongs to
	ownerLabel = aweigh.DrillLabel + ".owner" // the process that will remove it
)

// owner names this process, so that reuse of its pid does not hide that it is
// gone.
func owner() string { return ownerOf(os.Getpid()) }

func ownerOf(pid int) string {
	p, err := proc.Read(pid)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s/%d/%d", watch.HostName(), pid, p.Started)
}

// abandonedAfter is how old something of another host's, or of another
// container's, must be before nobody can be at work with it any more.
const abandonedAfter = 6 * time.Hour

// abandoned reports whether nobody will remove what this owner made then.
func abandoned(by string, made time.Time) bool {
	parts := strings.Split(by, "/")
	if len(parts) != 3 || parts[0] != watch.HostName() {
		return time.Since(made) > abandonedAfter
	}
	pid, err := strconv.Atoi(parts[1])
	return err != nil || ownerOf(pid) != by
}

// thing is a container, network or volume that a drill made.
type thing struct {
	kind, id, owner, stage string
	made                   time.Time
	remove                 func(ctx context.Context) error
}

// sweep removes what runs left that were killed, and reports how many things
// that was.
func sweep(ctx context.Context, engine *client.Client) (int, error) {
	return removeAll(ctx, engine, func(t thing) bool { return abandoned(t.owner, t.made) })
}

// removeStage removes all of one stage. The engine refuses now and then, while it
// starts or removes a container already.
func removeStage(ctx context.Context, engine *client.Client, stage string) (err error) {
	for range 10 {
		if _, err = removeAll(ctx, engine, func(t thing) bool { return t.stage == stage }); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(500 * time.Millisecond):
		}
	}
	return err
}

// removeAll removes what is meant: containers first, for they hold the rest.
func removeAll(ctx context.Context, engine *client.Client, meant func(thing) bool) (n int, err error) {
	all, err := made(ctx, engine)
	if err != nil {
		return 0, err
	}
	var problems []error
	for _, t := range all {
		if !meant(t) {
			continue
		}
		if err := t.remove(ctx); err != nil && !errdefs.IsNotFound(err) {
			problems = append(problems, fmt.Errorf("%s %s could not be removed: %w", t.kind, t.id, err))
			continue
		}
		n++
	}
	return n, errors.Join(problems...)
}

// made lists all that drills have made.
func made(ctx context.Context, engine *client.Client) ([]thing, error) {
	var all []thing
	marked := client.Filters{}.Add("label", ownerLabel)
	containers, err := engine.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: marked})
	if err != nil {
		return nil, err
	}
	for _, c := range containers.Items {
		all = append(all, thing{"container", c.ID, c.Labels[ownerLabel], c.Labels[stageLabel], time.Unix(c.Created, 0), func(ctx context.Context) error {
			_, err := engine.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
			return err
		}})
	}
	networks, err := engine.NetworkList(ctx, client.NetworkListOptions{Filters: marked})
	if err != nil {
		return nil, err
	}
	for _, n := range networks.Items {
		all = append(all, thing{"network", n.Name, n.Labels[ownerLabel], n.Labels[stageLabel], n.Created, func(ctx context.Context) error {
			_, err := engine.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{})
			return err
		}})
	}
	volumes, err := engine.VolumeList(ctx, client.VolumeListOptions{Filters: marked})
	if err != nil {
		return nil, err
	}
	for _, v := range volumes.Items {
		created, _ := time.Parse(time.RFC3339, v.CreatedAt)
		all = append(all, thing{"volume", v.Name, v.Labels[ownerLabel], v.Labels[stageLabel], created, func(ctx context.Context) error {
			_, err := engine.VolumeRemove(ctx, v.Name, client.VolumeRemoveOptions{Force: true})
			return err
		}})
	}
	return all, nil
}
