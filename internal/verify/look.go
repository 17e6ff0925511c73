package verify

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/signals"
)

// observation is what one look at a service saw.
type observation struct {
	*Target
	at        time.Time
	failure   string // why the engine could not be asked
	instances []instance
	intended  string // the image that is meant
	imageID   string // its id here; "" where the engine does not have it
	watched   bool   // a watcher keeps starts here
	logLine   string // that was asked for
	baseline  *baseline
	readings  []signals.Reading
}

// instance is one container of it.
type instance struct {
	docker.Instance
	start   *aweigh.Start // the newest that a watcher knows of it
	inside  answer
	outside []answer // one for each published port
	ports   []portOwner
	output  output
}

// look looks at all of a service once.
func (v *verifier) look(ctx context.Context, t *Target) observation {
	o := observation{Target: t, logLine: v.LogLine}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	found, err := v.Engine.Instances(ctx, t.Project, t.Service)
	o.at = time.Now()
	if err != nil {
		o.failure = err.Error()
		return o
	}
	v.intended(ctx, &o)
	var starts []aweigh.Start
	if v.Starts != nil {
		starts, o.watched = v.Starts(ctx, t.Project, t.Service)
	}
	for _, one := range found {
		if one.Replaced || slices.Contains(t.Beside, one.ID) {
			continue // it is about to be removed
		}
		i := instance{Instance: one, start: startOf(starts, one)}
		i.output = v.printed(ctx, one)
		if one.Status == "running" {
			i.inside = ask(ctx, t, one)
		}
		if one.Status == "running" && !v.Engine.Remote() {
			i.outside = askPublished(ctx, t, one, i.inside)
			i.ports = owners(one)
		}
		o.instances = append(o.instances, i)
	}
	o.baseline = v.baseline(t.Service, starts, o.instances)
	o.readings = v.signals(ctx, t.Service)
	return o
}

// readEvery is how often a signal's source is asked at most.
const readEvery = 10 * time.Second

// signals are the readings of a service's signals.
func (v *verifier) signals(ctx context.Context, service string) (all []signals.Reading) {
	for _, s := range v.Signals {
		name := s.Signal().Name
		if s.Signal().Service != service {
			continue
		}
		r, ok := v.read[name]
		if !ok || time.Since(r.At) > readEvery {
			r = s.Evaluate(ctx, time.Now())
			v.read[name] = r
		}
		all = append(all, r)
	}
	return all
}

// intended finds the image that is meant: the first of its names that the engine
// has, for Compose 1 and 2 name differently what they build.
func (v *verifier) intended(ctx context.Context, o *observation) {
	for n, ref := range o.Images {
		if n == 0 {
			o.intended = ref
		}
		image, err := v.Engine.Image(ctx, ref)
		if err == nil {
			o.intended, o.imageID = ref, image.ID
			return
		}
		if !errors.Is(err, docker.ErrNoImage) {
			return
		}
	}
}

// startOf is the newest start of a container that began with its present life.
func startOf(starts []aweigh.Start, i docker.Instance) *aweigh.Start {
	const apart = 2 * time.Second // the watcher may take the event's time, or the inspection's
	for n := range starts {
		s := &starts[n]
		if len(s.Instance) >= 12 && strings.HasPrefix(i.ID, s.Instance) && !s.Began.Before(i.Started.Add(-apart)) {
			return s
		}
	}
	return nil
}
