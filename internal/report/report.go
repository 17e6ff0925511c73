// Package report says how services start and how the promises about them
// stand: for a terminal, as JSON, as Markdown, as a mail.
//
//	e, err := report.Gather(ctx, report.Source{Store: st}, objectives, since, now)
//	r := report.Build(e, objectives, report.Scope{From: since, To: now})
//	r.Text(os.Stdout)
//	page := r.Page() // for a mail: text, HTML, pictures
//
// Gather reads a watcher's store, Build counts, and each way to show it is one
// file. What needs a person comes first, then what changed.
package report

import (
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/objective"
)

// Report is what there is to say of a stretch of time.
type Report struct {
	Host    string    `json:"host,omitempty"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Service string    `json:"service,omitempty"` // "" is all
	// Watched is the share of the time in which somebody watched, 0 to 1.
	Watched    float64            `json:"watched"`
	Attention  []Item             `json:"attention"` // what needs a person, the worst first
	Changes    []Item             `json:"changes"`
	Objectives []objective.Result `json:"objectives"`
	Services   []Service          `json:"services"`
	Incidents  []aweigh.Incident  `json:"incidents"` // newest first, at most MaxIncidents

	starts   []aweigh.Start // of the time, oldest first
	restarts []time.Time    // unexpected ones
}

// MaxIncidents is how many incidents a Report lists.
const MaxIncidents = 50

// Item is one line at the top.
type Item struct {
	Severity aweigh.Severity `json:"severity"`
	Service  string          `json:"service,omitempty"`
	What     string          `json:"what"`
	Command  string          `json:"command,omitempty"` // looks further
}

// Service is how one service did.
type Service struct {
	Service   string                 `json:"service"`
	Project   string                 `json:"project,omitempty"`
	Starts    int                    `json:"starts"`
	Verdicts  map[aweigh.Verdict]int `json:"verdicts"`
	Restarts  int                    `json:"unexpected_restarts"`
	Incidents int                    `json:"incidents"` // opened in this time
	Ready     Timing                 `json:"ready"`
	Images    []Image                `json:"images"` // by their first start, oldest first

	now *Image // that of its newest start: after a rollback not the last of Images
}

// Image is how the starts of one image did.
type Image struct {
	Image string    `json:"image"`
	ID    string    `json:"image_id,omitempty"`
	First time.Time `json:"first"` // its first start that is known
	Ready Timing    `json:"ready"`
	// Against is how many times the median is that of the image before; nil when
	// there is nothing to compare.
	Against *float64 `json:"against_image_before,omitempty"`
	// Slower says that it is a regression: see slower.
	Slower bool `json:"regression,omitempty"`
}

// Scope is what a report is about.
type Scope struct {
	Host     string
	From, To time.Time
	// Covers chooses services; nil is all. Service names the one, if it is one.
	Covers  func(service string) bool
	Service string
	Dead    int // letters that were given up
}

// Build counts.
func Build(e objective.Evidence, objectives []objective.Objective, s Scope) *Report {
	if s.Covers == nil {
		s.Covers = func(string) bool { return true }
	}
	e = e.Only(func(_, service string) bool { return s.Covers(service) })
	r := &Report{Host: s.Host, From: s.From, To: s.To, Service: s.Service, Attention: []Item{}, Changes: []Item{},
		Objectives: []objective.Result{}, Services: []Service{}, Incidents: []aweigh.Incident{}}
	window := objective.Span{From: s.From, To: s.To}
	r.Watched = e.Known(window)
	for _, o := range objectives {
		r.Objectives = append(r.Objectives, objective.Judge(o, e))
	}
	r.starts = startsIn(e.Starts, window)
	for _, s := range e.Starts {
		if at, ended := objective.Unasked(s); ended && window.Contains(at) {
			r.restarts = append(r.restarts, at)
		}
	}
	r.Services = services(e, window)
	for _, n := range e.Incidents {
		if n.Resolved == nil || !n.Resolved.Before(s.From) {
			r.Incidents = append(r.Incidents, n)
		}
	}
	r.attention(s.Dead)
	r.changes(e, window)
	r.Incidents = r.Incidents[:min(len(r.Incidents), MaxIncidents)]
	return r
}
