package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"

	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/verify"
)

// restore brings a stage back to what it was: the names of images, the containers
// that are gone, in the order in which they were started. What was not touched is
// left alone. It may be done again.
func (r *run) restore(ctx context.Context, s *Stage) (string, error) {
	engine, err := r.engine(s)
	if err != nil {
		return "", err
	}
	before, err := r.Before(s.Name)
	if err != nil {
		return "", err
	}
	return r.withRoom(ctx, func() (string, error) {
		for end := time.Now().Add(engineLimit); ; {
			detail, err := Restore(ctx, engine, before, r.Plan.ID, s, r.Out.Wait, func(service string, leaving []docker.Twin) {
				r.awaitOld(ctx, engine, before, s, service, leaving)
			})
			if err == nil || time.Now().After(end) || engine.Check(ctx) == nil {
				return detail, err
			}
			if away := r.awaitEngine(ctx, s); away != nil {
				return "", err
			}
		}
	})
}

// Restore makes of a stage what it was before. Of a service that was rolled out,
// the new instances serve until await returns, which is called once the old ones
// run again; nil waits for their health checks only.
func Restore(ctx context.Context, engine *docker.Engine, before *Before, id string, s *Stage, tell func(string), await func(service string, leaving []docker.Twin)) (string, error) {
	if err := retag(ctx, engine, before); err != nil {
		return "", err
	}
	now, err := engine.Twins(ctx, s.Project)
	if err != nil {
		return "", err
	}
	lost, err := before.imageless(ctx, engine, now)
	if err != nil {
		return "", err
	}
	there := map[string]docker.Twin{} // by the ids that they had before
	leaving := map[string][]docker.Twin{}
	theirs := map[string]bool{} // services that others have replaced meanwhile
	removed := 0
	for _, c := range now {
		h := before.handed[c.Service]
		if before.had(c.ID) != nil && c.HalfRemoved() {
			tell("removing what is left of " + c.Name)
			if err := removeLeft(ctx, engine, c.ID); err != nil {
				return "", fmt.Errorf("what is left of container %s cannot be removed: %w", c.Name, err)
			}
			continue
		}
		if b := before.had(c.ID); b != nil && (h == nil || !h.Left || c.ID != b.ID) {
			there[b.ID] = c
			continue
		}
		if !before.about(c.Service, s) {
			theirs[c.Service] = true
			continue
		}
		if !ours(c, before, s) || lost[c.Service] != "" {
			continue
		}
		if h != nil && !slices.ContainsFunc(before.Containers, func(b docker.Twin) bool { return b.Name == c.Name }) {
			leaving[c.Service] = append(leaving[c.Service], c)
			continue
		}
		tell("removing " + c.Name)
		if err := engine.Remove(ctx, c.ID); err != nil {
			return "", fmt.Errorf("container %s cannot be removed: %w", c.Name, err)
		}
		removed++
	}
	var again, stopped []string
	became := map[string]string{} // new ids, by those that they had
	for _, b := range before.Containers {
		if there[b.ID].ID == "" && (theirs[b.Service] || lost[b.Service] != "") {
			continue
		}
		id, err := bring(ctx, engine, b, there, became, tag(id, s, b.Service))
		if err != nil {
			return "", err
		}
		became[b.ID] = id
		if id != b.ID {
			again = append(again, b.Service)
			before.madeAgain(b.ID, id)
		}
		if !b.Runs() {
			if c := there[b.ID]; c.Runs() && slices.Contains(s.Services, b.Service) {
				tell("stopping " + b.Name)
				if err := engine.Stop(ctx, id); err != nil {
					return "", fmt.Errorf("container %s cannot be stopped: %w", b.Name, err)
				}
				stopped = append(stopped, b.Service)
			}
			continue
		}
		if there[b.ID].Status == "paused" {
			continue // by a person: it cannot be started, and the deployment has not touched it
		}
		tell("starting " + b.Name)
		if there[b.ID].Status != "running" {
			if err := engine.Start(ctx, id); err != nil {
				return "", fmt.Errorf("container %s cannot be started: %w", b.Name, err)
			}
			if id == b.ID {
				again = append(again, b.Service)
			}
		}
		wellBeforeOthers(ctx, engine, id)
	}
	for _, service := range slices.Sorted(maps.Keys(before.handed)) {
		if lost[service] != "" {
			continue
		}
		if await != nil && slices.Contains(again, service) {
			await(service, leaving[service])
		}
		if err := giveBack(ctx, engine, before, s, service, leaving[service], tell); err != nil {
			return "", fmt.Errorf("%s: %w", service, err)
		}
		removed += len(leaving[service])
	}
	maps.DeleteFunc(lost, func(service, _ string) bool { return theirs[service] })
	if len(lost) > 0 {
		service := slices.Min(slices.Collect(maps.Keys(lost)))
		return "", fmt.Errorf("the image that %s ran is gone, and what runs now was left: pull or build %s again", service, lost[service])
	}
	left := ""
	if before.only == "" {
		left = removeNew(ctx, engine, before, s)
	}
	if stopped != nil {
		left = "; " + strings.Join(stopped, ", ") + " stopped" + left
	}
	switch {
	case len(before.Containers) == 0:
		return fmt.Sprintf("nothing ran before: %s removed%s", containers(removed), left), nil
	case len(again) == 0 && removed == 0 && stopped != nil:
		return "as before: " + left[len("; "):], nil
	case len(again) == 0 && removed == 0:
		return "nothing had changed" + left, nil
	case len(again) == 0:
		return fmt.Sprintf("what ran before still runs: %s removed%s", containers(removed), left), nil
	}
	return "runs again as before: " + strings.Join(again, ", ") + left, nil
}

// imageless are the services of which a container has to be made again and cannot be, and
// the image that it had: such as after docker image prune --all, which takes names as well.
func (b *Before) imageless(ctx context.Context, engine *docker.Engine, now []docker.Twin) (map[string]string, error) {
	lost := map[string]string{}
	for _, c := range b.Containers {
		if slices.ContainsFunc(now, func(n docker.Twin) bool { h := b.had(n.ID); return h != nil && h.ID == c.ID && !n.HalfRemoved() }) {
			continue
		}
		_, err := engine.Image(ctx, c.ImageID)
		if errors.Is(err, docker.ErrNoImage) {
			lost[c.Service] = fmt.Sprintf("%s (%s)", c.Image, shortID(c.ImageID))
		} else if err != nil {
			return nil, err
		}
	}
	return lost, nil
}

// giveBack has the proxy send to the old instances again, and ends the new ones.
func giveBack(ctx context.Context, engine *docker.Engine, before *Before, s *Stage, service string, leaving []docker.Twin, tell func(string)) error {
	h := before.handed[service]
	if h.Handed {
		if err := h.old().give(ctx, engine, s.Project, each(before.of(service))); err != nil {
			return fmt.Errorf("the proxy could not be given what ran before, and %s goes on: %w", names(leaving), err)
		}
	}
	if !h.Handed && !h.follows() {
		unasked := *h
		unasked.Drain = 0 // nobody was sent there
		h = &unasked
	}
	return drain(ctx, engine, h, leaving, tell)
}

// awaitOld waits until what ran before serves again, with the new instances beside
// it. Whether it does in the end is proven later.
func (r *run) awaitOld(ctx context.Context, engine *docker.Engine, before *Before, s *Stage, service string, leaving []docker.Twin) {
	t := r.Was(s.Project, before.of(service))
	t.Restarted = before.restarts()
	for _, c := range leaving {
		t.Beside = append(t.Beside, c.ID)
	}
	r.look(ctx, engine, []verify.Target{t}, s.Within)
}

// ours reports whether a container that was not there before is of this
// deployment: Compose made it from the stage's directory, or it has the name of one
// that was there. Somebody else may use the project's name for other things.
func ours(c docker.Twin, before *Before, s *Stage) bool {
	return c.Config.Labels["com.docker.compose.project.working_dir"] == s.Dir ||
		slices.ContainsFunc(before.Containers, func(b docker.Twin) bool { return b.Name == c.Name })
}

// bring brings one container back, and returns its id.
func bring(ctx context.Context, engine *docker.Engine, b docker.Twin, there map[string]docker.Twin, became map[string]string, kept string) (string, error) {
	if c, ok := there[b.ID]; ok {
		// Compose gives it another name while it puts a new one in its place.
		if c.Name != b.Name {
			if err := engine.Rename(ctx, c.ID, b.Name); err != nil {
				return "", fmt.Errorf("container %s cannot be given its name %s again: %w", c.Name, b.Name, err)
			}
		}
		return c.ID, nil
	}
	config, host := *b.Config, *b.Host
	image, err := engine.Image(ctx, config.Image)
	if err != nil || image.ID != b.ImageID {
		config.Image = kept // its own name means another one now
	}
	host.NetworkMode = container.NetworkMode(joined(string(host.NetworkMode), became))
	host.IpcMode = container.IpcMode(joined(string(host.IpcMode), became))
	host.PidMode = container.PidMode(joined(string(host.PidMode), became))
	host.VolumesFrom = slices.Clone(host.VolumesFrom)
	for n, from := range host.VolumesFrom {
		if id, mode, _ := strings.Cut(from, ":"); became[id] != "" {
			host.VolumesFrom[n] = strings.TrimSuffix(became[id]+":"+mode, ":")
		}
	}
	b.Config, b.Host = &config, &host
	return engine.Make(ctx, b)
}

// joined is a mode that names another container, with the id that it has now.
func joined(mode string, became map[string]string) string {
	if id, ok := strings.CutPrefix(mode, "container:"); ok && became[id] != "" {
		return "container:" + became[id]
	}
	return mode
}

// retag gives images the names that they had.
func retag(ctx context.Context, engine *docker.Engine, before *Before) error {
	for ref, id := range before.Refs {
		if id == "" {
			continue
		}
		now, err := engine.Image(ctx, ref)
		if err != nil && !errors.Is(err, docker.ErrNoImage) {
			return err
		}
		if now.ID == id {
			continue
		}
		// One that is gone was used by no container of before: those have kept theirs.
		if err := engine.Tag(ctx, id, ref); err != nil && !errors.Is(err, docker.ErrNoImage) {
			return fmt.Errorf("image %s cannot be named %s again: %w", shortID(id), ref, err)
		}
	}
	return nil
}

// wellLimit is how long a container with a health check is waited for before the
// next is started. Whether it is well in the end is proven later.
const wellLimit = time.Minute

func wellBeforeOthers(ctx context.Context, engine *docker.Engine, id string) {
	for end := time.Now().Add(wellLimit); time.Now().Before(end) && ctx.Err() == nil; {
		health, status, err := engine.Health(ctx, id)
		if err != nil || health != "starting" || status != "running" {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// removeNew removes the networks that the deployment made. Volumes have data in
// them: they stay, and are named.
func removeNew(ctx context.Context, engine *docker.Engine, before *Before, s *Stage) string {
	if networks, err := engine.Networks(ctx, s.Project); err == nil {
		for _, name := range networks {
			if !slices.Contains(before.Networks, name) {
				engine.RemoveNetwork(ctx, name) // one that somebody uses stays
			}
		}
	}
	volumes, err := engine.Volumes(ctx, s.Project)
	if err != nil {
		return ""
	}
	volumes = slices.DeleteFunc(volumes, func(v string) bool { return slices.Contains(before.Volumes, v) })
	if len(volumes) == 0 {
		return ""
	}
	return "; volumes that the deployment made, and that stay: " + strings.Join(volumes, ", ")
}

// prove verifies that what ran before runs again.
func (r *run) prove(ctx context.Context, s *Stage) (string, error) {
	engine, err := r.engine(s)
	if err != nil {
		return "", err
	}
	before, err := r.Before(s.Name)
	if err != nil {
		return "", err
	}
	report := Prove(ctx, engine, before, s, r.Tools, s.Within)
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := failure(report); err != nil {
		return "", err
	}
	switch {
	case len(before.Containers) == 0:
		return "nothing ran before, nothing runs now", nil
	case len(report.Checks) == 0:
		return "nothing of what was deployed ran before", nil
	}
	return summary(report), nil
}

// Prove verifies what was there before, by the labels that its containers had: of what
// was deployed, and of what was made again. How all else does is not for it to say.
func Prove(ctx context.Context, engine *docker.Engine, before *Before, s *Stage, t Tools, within time.Duration) verify.Report {
	var targets []verify.Target
	for _, service := range before.services() {
		madeAgain := slices.ContainsFunc(before.of(service), func(c docker.Twin) bool { return before.again[c.ID] != "" })
		if !madeAgain && !slices.Contains(s.Services, service) {
			continue
		}
		target := t.Was(s.Project, before.of(service))
		target.Restarted = before.restarts()
		targets = append(targets, target)
	}
	return verify.Run(ctx, verify.Config{Engine: engine, Targets: targets, Within: within, Signals: t.Signals, Starts: t.Starts, Records: t.Records, Tell: t.Out.Wait})
}

// of are the containers of a service that ran, and can be asked.
func (b *Before) of(service string) (all []docker.Twin) {
	for _, c := range b.Containers {
		if c.Service == service && served(c) {
			all = append(all, c)
		}
	}
	return all
}

// served reports whether a container was at work: a paused one, which is one that runs for
// the engine, was not.
func served(c docker.Twin) bool { return c.Runs() && c.Status != "paused" }

// removeLeft removes what an engine had half removed. It may be at it itself, now
// that it runs again.
func removeLeft(ctx context.Context, engine *docker.Engine, id string) (err error) {
	const tries = 10
	for range tries {
		if err = engine.Remove(ctx, id); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
	return err
}

func containers(n int) string {
	if n == 1 {
		return "1 container"
	}
	return fmt.Sprintf("%d containers", n)
}
