package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/docker"
)

// Before is what there was of a project before a deployment.
type Before struct {
	Containers []docker.Twin
	Networks   []string
	Volumes    []string
	Refs       map[string]string // names of images, and the ids that they had; "" is none

	only string // the service that it is about; "" is all
	// What became of it later, as the deployment's directory has it: services that
	// were rolled out, and the ids of containers that were made again, by those
	// that they had.
	handed map[string]*handover
	again  map[string]string
	keep   func(again []byte) error
}

// had is the container that was there with this id, or has it since it was made
// again; nil if there was none.
func (b *Before) had(id string) *docker.Twin {
	for n := range b.Containers {
		if c := &b.Containers[n]; c.ID == id || b.again[c.ID] == id {
			return c
		}
	}
	return nil
}

// madeAgain keeps under which id a container is there again. Where that cannot be kept,
// because the disk is full, it is only made once more by a way back that begins anew.
func (b *Before) madeAgain(was, id string) {
	b.again[was] = id
	if text, err := json.Marshal(b.again); err == nil {
		b.keep(text)
	}
}

// Of is what there was of one service. To restore that leaves all others alone.
func (b *Before) Of(service string) *Before {
	one := &Before{only: service, Refs: map[string]string{}, handed: map[string]*handover{}, again: b.again, keep: b.keep}
	if h := b.handed[service]; h != nil {
		one.handed[service] = h
	}
	for _, c := range b.Containers {
		if c.Service == service {
			one.Containers = append(one.Containers, c)
			if id, ok := b.Refs[c.Image]; ok {
				one.Refs[c.Image] = id
			}
		}
	}
	return one
}

// Follow keeps what the proxy was told by a later deployment, where this one told it
// nothing: to restore takes away what it was told of.
func (b *Before) Follow(later *Before) {
	for service, h := range later.handed {
		if b.handed[service] == nil {
			b.handed[service] = h
		}
	}
}

// about reports whether new containers of a service are for the way back to remove: those
// that were deployed, or the one that it is about.
func (b *Before) about(service string, s *Stage) bool {
	if b.only != "" {
		return service == b.only
	}
	return slices.Contains(s.Services, service)
}

// tagPrefix begins the names that keep images from being taken away.
const tagPrefix = "aweigh-rollback/"

// tag is the name under which the image of a service is kept.
func tag(id string, s *Stage, service string) string {
	return tagPrefix + repository(s.Project+"-"+service) + ":" + id
}

// repository makes of a name one that an image may have.
func repository(name string) string {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, strings.ToLower(name))
	return strings.Trim(name, "-")
}

// look asks the engine what there is.
func look(ctx context.Context, engine *docker.Engine, project *compose.Project) (*Before, error) {
	b := &Before{Refs: map[string]string{}}
	var err error
	if b.Containers, err = engine.Twins(ctx, project.Name); err != nil {
		return nil, err
	}
	if b.Networks, err = engine.Networks(ctx, project.Name); err != nil {
		return nil, err
	}
	if b.Volumes, err = engine.Volumes(ctx, project.Name); err != nil {
		return nil, err
	}
	refs := []string{}
	for _, c := range b.Containers {
		refs = append(refs, c.Image)
	}
	for name, s := range project.All() {
		if s.Image != "" {
			refs = append(refs, s.Image)
		} else if s.Build != nil { // as Compose 1 and 2 name what they build
			refs = append(refs, project.Name+"_"+name, project.Name+"-"+name)
		}
	}
	for _, ref := range refs {
		if strings.Contains(ref, "@") || strings.HasPrefix(ref, "sha256:") {
			continue // it can mean nothing else
		}
		image, err := engine.Image(ctx, ref)
		if err != nil && !errors.Is(err, docker.ErrNoImage) {
			return nil, err
		}
		b.Refs[ref] = image.ID
	}
	return b, nil
}

// record keeps what there is, and the files that the deployment is made of.
func (r *run) record(ctx context.Context, s *Stage) (string, error) {
	project, engine, err := r.open(ctx, s)
	if err != nil {
		return "", err
	}
	b, err := look(ctx, engine, project)
	if err != nil {
		return "", err
	}
	images := map[string]string{}
	var said []string
	for _, c := range b.Containers {
		if err := engine.Tag(ctx, c.ImageID, tag(r.Plan.ID, s, c.Service)); errors.Is(err, docker.ErrNoImage) {
			return "", fmt.Errorf("the image of %s can no longer be had, so that there is no way back: remove the container, then deploy", c.Name)
		} else if err != nil {
			return "", fmt.Errorf("the image of %s cannot be kept for the way back: %w", c.Name, err)
		}
		if images[c.Service] == "" {
			said = append(said, c.Service+" "+shortID(c.ImageID))
		}
		images[c.Service] = c.ImageID
	}
	text, err := json.MarshalIndent(b, "", " ")
	if err != nil {
		return "", err
	}
	list, _ := json.MarshalIndent(images, "", "  ")
	if err := errors.Join(r.keep(filepath.Join(s.Name, "images.json"), list), r.keepSources(s, project), r.keepCommit(ctx, s)); err != nil {
		return "", err
	}
	if err := r.keep(filepath.Join(s.Name, "pinned.yaml"), pinned(r.Plan.ID, s, images)); err != nil {
		return "", err
	}
	// The last one: once it is there, all is.
	if err := r.keep(filepath.Join(s.Name, "before.json"), text); err != nil {
		return "", err
	}
	if len(said) == 0 {
		return "nothing of it runs yet", nil
	}
	slices.Sort(said)
	return "runs now: " + strings.Join(said, ", "), nil
}

// pinned is a compose file that, laid over another, has services run the images of
// before: for a person who goes back by hand.
func pinned(id string, s *Stage, images map[string]string) []byte {
	services := map[string]any{}
	for service := range images {
		services[service] = map[string]string{"image": tag(id, s, service)}
	}
	text, _ := json.MarshalIndent(map[string]any{"services": services}, "", "  ") // which is YAML
	return append(text, '\n')
}

// keepSources copies the compose files and the files with variables.
func (d *Deployment) keepSources(s *Stage, project *compose.Project) error {
	for n, source := range project.Sources {
		if err := d.keep(filepath.Join(s.Name, fmt.Sprintf("%d-%s", n+1, filepath.Base(source.Path))), source.Text); err != nil {
			return err
		}
	}
	for _, path := range envFiles(s) {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // Compose itself says so, if it must be there
		}
		if err := d.keep(filepath.Join(s.Name, "env-"+filepath.Base(path)), text); err != nil {
			return err
		}
	}
	return nil
}

func envFiles(s *Stage) []string {
	if len(s.EnvFiles) > 0 {
		return s.EnvFiles
	}
	return []string{filepath.Join(s.Dir, ".env")}
}

// Before reads what a stage was before the deployment.
func (d *Deployment) Before(stage string) (*Before, error) {
	text, err := os.ReadFile(filepath.Join(d.Dir, stage, "before.json"))
	if err != nil {
		return nil, fmt.Errorf("what ran before: %w", err)
	}
	b := &Before{}
	if err := json.Unmarshal(text, b); err != nil {
		return nil, fmt.Errorf("what ran before, %s: %w", filepath.Join(d.Dir, stage), err)
	}
	file := filepath.Join(stage, "again.json")
	b.again = map[string]string{}
	b.keep = func(text []byte) error { return d.keep(file, text) }
	if text, err = os.ReadFile(filepath.Join(d.Dir, file)); err == nil {
		err = json.Unmarshal(text, &b.again)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("what was made again: %w", err)
	}
	if b.handed, err = d.handovers(stage); err != nil {
		return nil, fmt.Errorf("what was rolled out: %w", err)
	}
	return b, nil
}

// services are those that had a container which was at work.
func (b *Before) services() []string {
	var all []string
	for _, c := range b.Containers {
		if served(c) && !slices.Contains(all, c.Service) {
			all = append(all, c.Service)
		}
	}
	slices.Sort(all)
	return all
}

// restarts are how often each container had been restarted already.
func (b *Before) restarts() map[string]int {
	all := map[string]int{}
	for _, c := range b.Containers {
		all[c.ID] = c.RestartCount
	}
	return all
}

func shortID(id string) string {
	id = strings.TrimPrefix(id, "sha256:")
	return id[:min(len(id), 12)]
}
