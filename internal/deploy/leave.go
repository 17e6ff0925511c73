package deploy

import (
	"context"
	"slices"
	"strings"
)

// keepTags is of how many successful deployments of a project the images of
// before are kept.
const keepTags = 5

// leave takes away what only the way back needed, and gives images the names that
// they had, where a build or pull had moved them.
func (r *run) leave(ctx context.Context) {
	for n := range r.Plan.Stages {
		s := &r.Plan.Stages[n]
		before, err := r.Before(s.Name)
		if err != nil {
			continue // it did not come so far
		}
		engine, err := r.engine(s)
		if err != nil {
			continue
		}
		if err := retag(ctx, engine, before); err != nil {
			r.Out.Say("warning: %v", err)
		}
		for _, c := range before.Containers {
			engine.Untag(ctx, tag(r.Plan.ID, s, c.Service)) // what is used under this name keeps it
		}
	}
}

// forget takes the images of long ago away.
func (r *run) forget(ctx context.Context) {
	all, err := List(r.state())
	if err != nil {
		return
	}
	for n := range r.Plan.Stages {
		s := &r.Plan.Stages[n]
		var kept []string
		for _, d := range all {
			mine := slices.ContainsFunc(d.Plan.Stages, func(other Stage) bool { return other.Project == s.Project })
			if outcome := d.Outcome(); mine && (outcome != NothingDone && outcome != RolledBack) && len(kept) < keepTags {
				kept = append(kept, d.Plan.ID)
			}
		}
		engine, err := r.engine(s)
		if err != nil {
			continue
		}
		tags, err := engine.Tags(ctx, tagPrefix+repository(s.Project)+"-")
		if err != nil {
			continue
		}
		for _, t := range tags {
			_, id, _ := strings.Cut(t, ":")
			// Another project's name may begin like this one's: only what is known
			// to be of this one is taken away.
			if known(all, id, s.Project) && !slices.Contains(kept, id) {
				engine.Untag(ctx, t)
			}
		}
	}
}

func known(all []*Deployment, id, project string) bool {
	return slices.ContainsFunc(all, func(d *Deployment) bool {
		return d.Plan.ID == id && slices.ContainsFunc(d.Plan.Stages, func(s Stage) bool { return s.Project == project })
	})
}
