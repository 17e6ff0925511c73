package preflight

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/snapshot"
	"github.com/aweigh/aweigh/internal/verify"
)

// prefix begins the names of the compose projects of trials. Behind it are the number of
// the process that made it, where that is one, and since when, so that the next one knows
// what was left.
const prefix = "aweigh-preflight-"

// Label is on the containers of a trial, with the trial's id.
const Label = "aweigh.internal.trial"

// booth is the place of a trial boot: a compose project of its own, in which
// Compose makes the containers and we start others like them, without ports, on a
// network that leads nowhere, with nothing of a real volume.
type booth struct {
	*flight
	project string
	network string
	models  map[string]docker.Twin // as Compose made them, by service
	running map[string]string      // ids of what was started, by service
	left    []string               // services of which no harmless copy can be made
}

// trial boots the new containers, and proves them.
func (f *flight) trial(ctx context.Context) []Check {
	if f.Trial == "off" {
		return of(Skipped, "", "it is turned off")
	}
	if err := Sweep(ctx, f.Engine); err != nil {
		return of(Unknown, "", "what an earlier trial left cannot be removed: %v", err)
	}
	b := &booth{flight: f, project: fmt.Sprintf("%s%d-%s-%s", prefix, os.Getpid(), place(), strings.ToLower(aweigh.NewID(time.Now()))), models: map[string]docker.Twin{}, running: map[string]string{}}
	b.network = b.project + "-net"
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if err := f.Engine.RemoveProject(ctx, b.project); err != nil {
			f.Tell("what the trial left cannot be removed, and will be at the next: " + err.Error())
		}
	}()
	err := b.build(ctx)
	switch {
	case err != nil && strings.Contains(err.Error(), "Pool overlaps with other one"): // libnetwork's ErrPoolOverlap
		return of(Unknown, "", "not booted: the subnet of a network is said, and in use: by the project that runs, most likely")
	case err != nil:
		return of(Failed, "Correct the compose file; where the trial itself is at fault, --trial off.", "the containers cannot be made: %s", record.Printable(err.Error()))
	}
	return b.boot(ctx)
}

// build has Compose make the containers, without starting them: it knows best
// what the file means. They are the models of those that are booted.
func (b *booth) build(ctx context.Context) error {
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	overlay := filepath.Join(dir, "trial.yaml")
	text, err := b.overlay()
	if err != nil {
		return err
	}
	if err := os.WriteFile(overlay, text, 0o600); err != nil {
		return err
	}
	choice := b.Choice
	choice.Name = b.project
	if len(choice.Files) == 0 {
		choice.Files = b.Project.ComposeFiles
	}
	choice.Files = append(slices.Clone(choice.Files), overlay)
	if b.Trial == "stub" {
		choice.Files = append(choice.Files, b.Stubs)
	}
	args := []string{"up", "--no-start", "--no-build", "--no-color"}
	if b.Trial == "none" {
		args = append(args, "--no-deps")
	}
	if err := b.Tool.Run(ctx, choice, nil, append(args, b.Services...)...); err != nil {
		return err
	}
	models, err := b.Engine.Twins(ctx, b.project)
	if err != nil {
		return err
	}
	for _, m := range models {
		if err := b.Engine.Discard(ctx, m.ID); err != nil {
			return err
		}
		b.models[m.Service] = m // one of each is enough
	}
	return b.Engine.MakeNetwork(ctx, b.project, b.network, map[string]string{Label: b.project})
}

// overlay names the images that were built, and takes away fixed names, which are the
// project's, and what would be waited for: nothing is started.
func (b *booth) overlay() ([]byte, error) {
	services := map[string]any{}
	for _, name := range b.Services {
		s := b.Project.All()[name]
		if s.Provider != nil {
			continue
		}
		says := map[string]any{"image": b.name(s)}
		if s.ContainerName != "" {
			says["container_name"] = b.project + "-" + name
		}
		// Compose 1 waits for the end of a job even where it is to start nothing.
		needs := map[string]any{}
		for need, d := range s.DependsOn {
			if d.Condition == types.ServiceConditionCompletedSuccessfully {
				needs[need] = map[string]string{"condition": types.ServiceConditionStarted}
			}
		}
		if len(needs) > 0 {
			says["depends_on"] = needs
		}
		services[name] = says
	}
	doc := map[string]any{"services": services}
	rename := func(kind, key, name string, external bool) {
		if external || name == b.Project.Name+"_"+key {
			return
		}
		if doc[kind] == nil {
			doc[kind] = map[string]any{}
		}
		doc[kind].(map[string]any)[key] = map[string]string{"name": b.project + "_" + key}
	}
	for key, v := range b.Project.Volumes {
		rename("volumes", key, v.Name, bool(v.External))
	}
	for key, n := range b.Project.Networks {
		rename("networks", key, n.Name, bool(n.External))
	}
	// Compose 1 wants one version in all files.
	if version, ok := b.Project.Text("version"); ok {
		doc["version"] = version
	}
	return yaml.Marshal(doc)
}

// boot starts the services, what others need first, and verifies each: at once
// where another waits for it, else all in the end.
func (b *booth) boot(ctx context.Context) (all []Check) {
	began := map[string]time.Time{}
	var late []string
	for n, name := range b.Services {
		began[name] = time.Now()
		c, up := b.start(ctx, name)
		c.Service, c.TookMS = name, max(time.Since(began[name]).Milliseconds(), 1)
		if !up {
			all = append(all, c)
			continue
		}
		all = append(all, b.syntax(ctx, name)...)
		switch {
		case b.Trial == "none":
			all = append(all, b.prove(ctx, name, began[name]))
			b.Engine.Discard(ctx, b.running[name])
		case b.needed(name, b.Services[n+1:]):
			proof := b.prove(ctx, name, began[name])
			if proof.Verdict == Failed {
				b.broken[name] = true
			}
			all = append(all, proof)
		default:
			late = append(late, name)
		}
	}
	for _, name := range late {
		all = append(all, b.prove(ctx, name, began[name]))
	}
	return all
}

func (b *booth) needed(name string, others []string) bool {
	return slices.ContainsFunc(others, func(other string) bool {
		s := b.Project.All()[other]
		return slices.Contains(s.GetDependencies(), name)
	})
}

// start boots one service. Without up the check says why it was not.
func (b *booth) start(ctx context.Context, name string) (c Check, up bool) {
	b.Tell("trial: " + name)
	if b.broken[name] {
		return Check{Verdict: Skipped, Found: "not booted, for an earlier check has failed"}, false
	}
	s := b.Project.All()[name]
	for _, need := range s.GetDependencies() {
		if b.broken[need] && b.Trial != "none" {
			b.broken[name] = true
			return Check{Verdict: Skipped, Found: "not booted, for " + need + " has failed, which it needs"}, false
		}
	}
	model, ok := b.models[name]
	if !ok {
		return Check{Verdict: Skipped, Found: "it has no container"}, false
	}
	if what := b.inline(s); what != "" {
		b.left = append(b.left, name)
		return Check{Verdict: Unknown, Found: "not booted: " + what + " is no file, and only Compose gives it"}, false
	}
	if why := real(model); why != "" {
		b.left = append(b.left, name)
		return Check{Verdict: Unknown, Found: "not booted: " + why + ", which a trial does not give it"}, false
	}
	id, err := b.Engine.Make(ctx, b.throwaway(model))
	if err == nil {
		b.running[name] = id
		err = b.Engine.Start(ctx, id)
	}
	if err != nil {
		b.broken[name] = true
		return Check{Verdict: Failed, Found: record.Printable(err.Error()), Fix: "Correct the image, or its command in the compose file."}, false
	}
	return Check{}, true
}

// inline names a config or secret that Compose copies into the container itself, as it
// starts it; "" if there is none.
func (b *booth) inline(s types.ServiceConfig) string {
	for _, c := range s.Configs {
		if x := b.Project.Configs[c.Source]; x.Content != "" || x.Environment != "" {
			return "config " + c.Source
		}
	}
	for _, c := range s.Secrets {
		if x := b.Project.Secrets[c.Source]; x.Content != "" || x.Environment != "" {
			return "secret " + c.Source
		}
	}
	return ""
}

// without is the service that was not booted, and that one depends on, directly or not; ""
// if there is none.
func (b *booth) without(name string) string {
	if b.Trial == "none" {
		return ""
	}
	s := b.Project.All()[name]
	for _, need := range s.GetDependencies() {
		if slices.Contains(b.left, need) {
			return need
		}
		if w := b.without(need); w != "" {
			return w
		}
	}
	return ""
}

// prove verifies one service that was booted.
func (b *booth) prove(ctx context.Context, name string, began time.Time) Check {
	t := b.Target(name)
	within := t.Settings.StartupTimeout
	t.Project, t.Scale, t.Budget, t.Images = b.project, 1, 0, []string{b.models[name].ImageID}
	r := verify.Run(ctx, verify.Config{Engine: b.Engine, Targets: []verify.Target{t}, Within: within, Tell: b.Tell})
	c := Check{Service: name, TookMS: time.Since(began).Milliseconds(), Verdict: Passed}
	var passed, failed, unknown []string
	for _, v := range r.Checks {
		switch v.Result {
		case verify.Failed:
			failed = append(failed, v.Name+": "+v.Found)
		case verify.Unknown:
			unknown = append(unknown, v.Name+": "+v.Found)
		case verify.Passed:
			passed = append(passed, v.Name)
		}
	}
	without := b.without(name)
	switch {
	case failed != nil && without != "":
		c.Verdict, c.Found = Unknown, "it may need "+without+", and "+without+" was not booted: "+strings.Join(failed, "; ")
	case failed != nil:
		c.Verdict, c.Found = Failed, strings.Join(failed, "; ")
		if words := b.lastWords(ctx, b.running[name]); words != "" {
			c.Found += "; its last words: " + words
		}
		c.Fix = "See what it prints. If it needs something that a trial does not have (the outside, data in a volume), give it stubs, or --trial off."
	case unknown != nil:
		c.Verdict, c.Found = Unknown, "it runs, and is not proven: "+strings.Join(unknown, "; ")
	default:
		c.Found = "proven: " + strings.Join(passed, ", ")
	}
	return c
}

// lastWords is the last line that a container printed.
func (b *booth) lastWords(ctx context.Context, id string) string {
	lines := strings.Split(strings.TrimSpace(b.Engine.Said(ctx, id)), "\n")
	last := lines[len(lines)-1]
	return strings.TrimSpace(record.Printable(snapshot.MaskArgs([]string{"", last[:min(len(last), 300)]})[1]))
}
