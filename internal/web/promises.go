package web

import (
	"context"
	"slices"
	"time"

	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/objective"
	"github.com/aweigh/aweigh/internal/report"
)

// promises are the objectives about one service, and its deployments of the last
// 30 days, as `aweigh report` counts them.
type promises struct {
	Objectives  []objectiveRow
	Deployments []deploymentRow // newest first, at most deploymentsOfService
	More        int             // deployments besides those
}

// deploymentsOfService is how many deployments the page of a service lists, of the
// last deploymentDays.
const (
	deploymentsOfService = 10
	deploymentDays       = 30
)

// deploymentRow is a deployment as the page of one service shows it.
type deploymentRow struct {
	At      time.Time
	ID      string // in the journal; "" for a container that no journal tells of
	By, Why string
	Outcome string
	Image   string         // "" where nothing had to change
	Start   string         // the newest of its starts
	Took    *time.Duration // until it was ready; nil where nobody knows
}

// promisesOf reads what is stored about one service.
func (s *Site) promisesOf(ctx context.Context, project, service string) (promises, error) {
	now := time.Now().UTC()
	all := slices.DeleteFunc(s.Settings.Objectives(), func(o objective.Objective) bool { return !s.isAbout(o, service) })
	from := s.source()
	from.Service = service
	window := objective.Span{From: now.Add(-deploymentDays * 24 * time.Hour), To: now}
	e, err := report.Gather(ctx, from, all, window.From, now)
	if err != nil {
		return promises{}, err
	}
	e = e.Only(func(p, name string) bool { return name == service && (p == project || p == objective.AnyProject) })
	p := promises{}
	for _, o := range all {
		p.Objectives = append(p.Objectives, rowOfObjective(objective.Judge(o, e)))
	}
	deployments := e.DeploymentsIn(window)
	slices.Reverse(deployments)
	p.More = max(0, len(deployments)-deploymentsOfService)
	for _, d := range deployments[:len(deployments)-p.More] {
		p.Deployments = append(p.Deployments, rowOfDeployment(d, objective.Target{Project: project, Service: service}))
	}
	return p, nil
}

// isAbout reports whether a promise is about a service. That about a signal is
// about the service of the signal.
func (s *Site) isAbout(o objective.Objective, service string) bool {
	if o.Kind != objective.Signal {
		return o.Covers(service)
	}
	return o.Covers(service) && slices.ContainsFunc(s.Settings.Signals, func(of config.Signal) bool { return of.Name == o.Signal && of.Service == service })
}

func rowOfDeployment(d objective.Deployment, of objective.Target) deploymentRow {
	row := deploymentRow{At: d.At, Image: d.ImageOf(of)}
	if took, ok := d.Ready(); ok {
		row.Took = &took
	}
	if n := len(d.New); n > 0 {
		last := d.New[n-1].Starts[len(d.New[n-1].Starts)-1]
		row.Start, row.Outcome = last.ID, string(last.Verdict)
	}
	if j := d.Journal; j != nil {
		row.ID, row.By, row.Why = j.ID, j.By, j.Why
		if row.Outcome = j.Outcome; row.Outcome == "" {
			row.Outcome = "not over"
		}
	}
	return row
}
