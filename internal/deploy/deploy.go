// Package deploy brings a compose project to another state, proves it, and brings
// it back to where it was when it cannot be proven.
//
//	d, err := deploy.Begin(state, plan)
//	outcome := d.Run(ctx, deploy.Tools{…})
//
// A deployment is a directory below deployments/ in the state directory: a journal
// (journal.go) that alone says where it is, what ran before (before.go) and the
// files that it was made of. Its steps are a table (steps.go); each may be done
// twice, since a deployment that was killed goes on with the step that it was at.
//
// The way back does not need the compose file of before, which is often lost by
// then: the containers are made again as the engine described them, from images
// that were given a name of their own, so that nobody takes them away by the way.
package deploy

import (
	"context"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/signals"
	"github.com/aweigh/aweigh/internal/verify"
)

// Plan is what is to be done. It is the first line of the journal.
type Plan struct {
	ID       string    `json:"id"`
	By       string    `json:"by"`
	Began    time.Time `json:"began"` // UTC
	Services []string  `json:"services"`
	Config   string    `json:"config,omitempty"` // the aweigh.yaml, absolute
	Stages   []Stage   `json:"stages"`
}

// Stage is one place to deploy to.
type Stage struct {
	Name     string                      `json:"name"`
	Project  string                      `json:"project"`
	Files    []string                    `json:"files"` // absolute
	EnvFiles []string                    `json:"env_files,omitempty"`
	Dir      string                      `json:"dir"`    // where commands run
	Sum      string                      `json:"sum"`    // of the files, to know them again
	Docker   string                      `json:"docker"` // URL of the engine; "" is the default one, until it is identified
	EngineID string                      `json:"engine_id,omitempty"`
	Services []string                    `json:"services"`
	Within   time.Duration               `json:"within"`
	Soak     time.Duration               `json:"soak"`
	Trial    string                      `json:"trial"`
	Stubs    string                      `json:"stubs,omitempty"`
	Migrate  config.Command              `json:"migrations,omitempty"`
	Rollout  bool                        `json:"rollout,omitempty"` // of services behind a proxy
	Before   map[string][]config.Command `json:"before,omitempty"`  // hooks, by step
	After    map[string][]config.Command `json:"after,omitempty"`
}

// Projects are the compose projects that it touches.
func (p *Plan) Projects() (all []string) {
	for _, s := range p.Stages {
		all = append(all, s.Project)
	}
	return all
}

// Names are the names of its stages.
func (p *Plan) Names() (all []string) {
	for _, s := range p.Stages {
		all = append(all, s.Name)
	}
	return all
}

// Choice is how its compose project is found.
func (s *Stage) Choice() compose.Choice {
	return compose.Choice{Files: s.Files, EnvFiles: s.EnvFiles, Name: s.Project, Dir: s.Dir}
}

// Outcome is how a deployment ended.
type Outcome string

const (
	Deployed       Outcome = "deployed"
	RolledBack     Outcome = "rolled-back"     // and what ran before is proven to run again
	RollbackFailed Outcome = "rollback-failed" // or what ran before could not be proven
	NothingDone    Outcome = "nothing-done"
	Interrupted    Outcome = "" // it has not ended: resume or abort
)

// Tools are what a deployment works with.
type Tools struct {
	// Engine opens the engine of a stage.
	Engine func(url string) (*docker.Engine, error)
	// Targets are what is verified of a project.
	Targets func(p *compose.Project, services []string) []verify.Target
	// Was is the target of the containers that a service had.
	Was     func(project string, containers []docker.Twin) verify.Target
	Signals []*signals.Compiled
	Starts  func(ctx context.Context, project, service string) ([]aweigh.Start, bool)
	Records string
	// Mute keeps the watcher from telling of a service for a while; the zero time
	// ends that. nil where there is no watcher.
	Mute func(ctx context.Context, id, service string, until time.Time)
	// Ending tells people how it ends. It is called before the journal notes the end,
	// and so again after a crash in between. nil: nobody is told.
	Ending func(ctx context.Context, o Outcome)
	Out    *Progress
}
