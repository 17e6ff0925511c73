package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/verify"
)

// rolled are the services that are rolled out, and why the others blink if anything
// of them changes.
func (r *run) rolled(ctx context.Context, s *Stage, project *compose.Project, order []string) (rolled map[string]*handover, blinks map[string]string, err error) {
	rolled, blinks = map[string]*handover{}, map[string]string{}
	if !s.Rollout {
		return rolled, blinks, nil
	}
	before, err := r.Before(s.Name)
	if err != nil {
		return nil, nil, err
	}
	engine, err := r.engine(s)
	if err != nil {
		return nil, nil, err
	}
	for _, t := range r.Targets(project, order) {
		h, why := before.handed[t.Service], "" // which goes on where it was
		if h == nil {
			if h, why, err = rollable(ctx, engine, s, project, t, before.Containers); err != nil {
				return nil, nil, err
			}
			if h != nil {
				h.keep(t.Settings, r.Was(s.Project, before.of(t.Service)).Settings)
			}
		}
		if h != nil {
			rolled[t.Service] = h
		} else if why != "" {
			blinks[t.Service] = why
		}
	}
	return rolled, blinks, nil
}

// tell notes what happened within apply.
func (r *run) tell(s *Stage, format string, a ...any) error {
	text := fmt.Sprintf(format, a...)
	r.Out.Say("%-12s %-10s %s", s.Name, stepApply, text)
	return r.tellJournal(Entry{Event: Noted, Stage: s.Name, Step: stepApply, Detail: text})
}

// tellBlink says that a service was replaced the ordinary way, and why.
func (r *run) tellBlink(ctx context.Context, s *Stage, service, why string) error {
	if why == "" {
		return nil
	}
	engine, err := r.engine(s)
	if err != nil {
		return err
	}
	before, err := r.Before(s.Name)
	if err != nil {
		return err
	}
	if _, fresh, err := beside(ctx, engine, before, s, service); err != nil || len(fresh) == 0 {
		return err
	}
	return r.tell(s, "%s blinked: %s", service, why)
}

// rollOut starts new instances of a service beside the old ones, proves them, has
// the proxy send to them, and only then has the old ones end. It may be done again:
// which containers there are says how far it came.
func (r *run) rollOut(ctx context.Context, s *Stage, project *compose.Project, tool *compose.Tool, log io.Writer, h *handover) error {
	engine, err := r.engine(s)
	if err != nil {
		return err
	}
	before, err := r.Before(s.Name)
	if err != nil {
		return err
	}
	if err := r.keepHandover(s, h); err != nil {
		return err
	}
	service := project.All()[h.Service]
	want := service.GetScale()
	old, fresh, err := r.makeBeside(ctx, engine, before, s, tool, log, h.Service, want)
	if err != nil || len(old) == 0 {
		return err // without old ones it came so far already
	}
	if !slices.ContainsFunc(fresh, func(c docker.Twin) bool {
		return slices.ContainsFunc(old, func(o docker.Twin) bool { return !alike(c, o) })
	}) {
		for _, c := range fresh {
			if err := engine.Discard(ctx, c.ID); err != nil {
				return err
			}
		}
		stopped := slices.ContainsFunc(old, func(o docker.Twin) bool { return !o.Runs() })
		if err := r.forgetHandover(s, h.Service); err != nil || len(old) == want && !stopped {
			return err
		}
		return up(ctx, tool, s.Choice(), log, h.Service) // there are to be more or fewer, or one is to run again
	}
	// It is Compose that starts them: the old one connects networks only then.
	if err := up(ctx, tool, s.Choice(), log, scaled(h.Service, len(old)+len(fresh))...); err != nil {
		return err
	}
	if err := r.tell(s, "%s: %s started beside %s", h.Service, names(fresh), names(old)); err != nil {
		return err
	}
	if err := r.provenBeside(ctx, s, engine, project, h, old); err != nil {
		return fmt.Errorf("%s still serves, %s does not: %w", names(old), names(fresh), err)
	}
	if err := r.tell(s, "%s: %s proven", h.Service, names(fresh)); err != nil {
		return err
	}
	if err := r.handOver(ctx, s, engine, h, fresh); err != nil {
		return err
	}
	if err := r.tell(s, "%s: %s", h.Service, h.told(names(fresh), names(old))); err != nil {
		return err
	}
	if err := r.askToLeave(ctx, s, engine, h, old); err != nil {
		return err
	}
	if err := drain(ctx, engine, h, old, r.Out.Wait); err != nil {
		return err
	}
	return r.tell(s, "%s: %s drained and removed", h.Service, names(old))
}

// makeBeside has Compose make as many new instances as there are to be, as far as
// they are not there, and start none: only Compose knows what they would be, and
// whether that is anything new.
func (r *run) makeBeside(ctx context.Context, engine *docker.Engine, before *Before, s *Stage, tool *compose.Tool, log io.Writer, service string, want int) (old, fresh []docker.Twin, err error) {
	old, fresh, err = beside(ctx, engine, before, s, service)
	if err != nil || len(old) == 0 || len(fresh) >= want {
		return old, fresh, err
	}
	args := append([]string{"up", "--no-start", "--no-build", "--no-deps", "--no-color"}, scaled(service, len(old)+want)...)
	if err := tool.Run(ctx, s.Choice(), log, args...); err != nil {
		return nil, nil, err
	}
	return beside(ctx, engine, before, s, service)
}

// scaled are the arguments by which Compose adds containers and leaves the others.
func scaled(service string, n int) []string {
	return []string{"--no-recreate", "--scale", fmt.Sprintf("%s=%d", service, n), service}
}

// handOver has the proxy send to the new instances. That it may have been told is
// on the disk before it is.
func (r *run) handOver(ctx context.Context, s *Stage, engine *docker.Engine, h *handover, fresh []docker.Twin) error {
	h.Handed = true
	if err := r.keepHandover(s, h); err != nil {
		return err
	}
	err := h.give(ctx, engine, s.Project, each(fresh))
	if ctx.Err() == nil && errors.Is(err, errRefused) {
		h.Handed = false // so that the way back need not tell it anything
		err = errors.Join(err, r.keepHandover(s, h))
	}
	return err
}

// askToLeave has the old instances say that they are not well, where a command for
// that is known.
func (r *run) askToLeave(ctx context.Context, s *Stage, engine *docker.Engine, h *handover, old []docker.Twin) error {
	if h.Leave == "" {
		return nil
	}
	h.Left = true
	if err := r.keepHandover(s, h); err != nil {
		return err
	}
	for _, c := range old {
		r.Out.Wait(c.Name + " is asked to leave")
		if err := leave(ctx, engine, h, c); err != nil {
			return fmt.Errorf("%s was asked to leave: %w", c.Name, err)
		}
	}
	return nil
}

// beside are the containers that a service had, as far as they are there, and the
// others that it has.
func beside(ctx context.Context, engine *docker.Engine, before *Before, s *Stage, service string) (old, fresh []docker.Twin, err error) {
	all, err := engine.Twins(ctx, s.Project)
	for _, c := range all {
		switch {
		case c.Service != service:
		case before.had(c.ID) != nil:
			old = append(old, c)
		default:
			fresh = append(fresh, c)
		}
	}
	return old, fresh, err
}

// alike reports whether Compose would leave a container as it is, another being
// what it would make.
func alike(a, b docker.Twin) bool {
	const hash = "com.docker.compose.config-hash"
	return a.ImageID == b.ImageID && a.Config.Labels[hash] == b.Config.Labels[hash]
}

// provenBeside verifies the new instances, with the old ones beside them. A service
// of which nobody says what to ask is asked at the port that the proxy is given.
func (r *run) provenBeside(ctx context.Context, s *Stage, engine *docker.Engine, project *compose.Project, h *handover, old []docker.Twin) error {
	targets := r.Targets(project, []string{h.Service})
	for n := range targets {
		t := &targets[n]
		for _, c := range old {
			t.Beside = append(t.Beside, c.ID)
		}
		if t.Settings.Probe == "" && h.Port != 0 && project.All()[h.Service].HealthCheck == nil {
			t.Settings.Probe = fmt.Sprintf("tcp://:%d", h.Port)
		}
	}
	report, err := r.look(ctx, engine, targets, s.Within)
	if err != nil {
		return err
	}
	for _, c := range report.Checks {
		if c.Name == "start-proven" && c.Result == verify.Unknown {
			return errors.New(c.Found)
		}
	}
	return failure(report)
}

// leaveLimit is how long a health check may take to fail once it is asked to.
const leaveLimit = time.Minute

// drain ends instances to which the proxy sends no more: requests that are under
// way get the time of Drain, and then their stop grace. kamal-proxy has waited for
// them itself.
func drain(ctx context.Context, engine *docker.Engine, h *handover, leaving []docker.Twin, tell func(string)) error {
	if h.Proxy != "kamal-proxy" && slices.ContainsFunc(leaving, func(c docker.Twin) bool { return c.Status == "running" }) {
		tell(fmt.Sprintf("requests to %s get %s to end", names(leaving), h.Drain))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(h.Drain):
		}
	}
	for _, c := range leaving {
		if err := engine.Remove(ctx, c.ID); err != nil {
			return fmt.Errorf("container %s cannot be removed: %w", c.Name, err)
		}
	}
	return nil
}

// leave has an instance say that it is not well, and waits until the engine knows.
func leave(ctx context.Context, engine *docker.Engine, h *handover, c docker.Twin) error {
	health, status, err := engine.Health(ctx, c.ID)
	if err != nil || health == "unhealthy" || status != "running" {
		return err // nobody is sent there; it was asked before an interruption, or is in a loop of crashes
	}
	words, err := config.ParseCommand(h.Leave)
	if err == nil {
		err = runIn(ctx, engine, c.ID, leaveLimit, words)
	}
	if err != nil {
		return err
	}
	for end := time.Now().Add(leaveLimit); time.Now().Before(end); {
		health, status, err := engine.Health(ctx, c.ID)
		if err != nil || health == "" || health == "unhealthy" || status != "running" {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	return nil // it is stopped all the same
}

func each(all []docker.Twin) (names []string) {
	for _, c := range all {
		names = append(names, c.Name)
	}
	return names
}

func names(all []docker.Twin) string { return strings.Join(each(all), ", ") }

func handoverFile(s *Stage, service string) string {
	return filepath.Join(s.Name, "rollout-"+service+".json")
}

func (d *Deployment) keepHandover(s *Stage, h *handover) error {
	text, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return err
	}
	return d.keep(handoverFile(s, h.Service), text)
}

func (d *Deployment) forgetHandover(s *Stage, service string) error {
	return os.Remove(filepath.Join(d.Dir, handoverFile(s, service)))
}

// handovers are those of a stage, by service.
func (d *Deployment) handovers(stage string) (map[string]*handover, error) {
	files, err := filepath.Glob(filepath.Join(d.Dir, stage, "rollout-*.json"))
	all := map[string]*handover{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		h := &handover{}
		if err := json.Unmarshal(text, h); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all[h.Service] = h
	}
	return all, err
}
