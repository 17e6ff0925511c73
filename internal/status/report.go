// Package status is what stands now: each service with its state, what is open,
// what is in maintenance; and what people say to it. The command line, the API
// and the web pages all read it here, so that they cannot differ.
//
//	now, err := status.Read(ctx, st)
//	err = status.Acknowledge(ctx, st, id, status.Word{By: "ann", Text: "rolling back"})
package status

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/store"
)

// StaleAfter is how long no watcher may have been there before what is shown is
// called old: it notes three times a minute that it is.
const StaleAfter = time.Minute

// Service is a service and how its newest start stands.
type Service struct {
	Service   string        `json:"service"`
	Project   string        `json:"project,omitempty"`
	State     string        `json:"state"`     // a word of StateOf
	Instances int           `json:"instances"` // those that live
	Last      *aweigh.Start `json:"last_start,omitempty"`
}

// Report is all of it at one moment, but for what drills do.
type Report struct {
	At        time.Time         `json:"at"`
	LastFact  time.Time         `json:"last_fact"`
	LastBeat  time.Time         `json:"last_beat"` // when a watcher was last there
	Services  []Service         `json:"services"`  // by project and name
	Incidents []aweigh.Incident `json:"incidents"` // those that are open, newest first
	Waiting   int               `json:"letters_waiting"`
	Dead      int               `json:"letters_dead"`
}

// Away is how long no watcher has been there; 0 while there is one.
func (r Report) Away() time.Duration {
	if away := r.At.Sub(r.LastBeat); !r.LastBeat.IsZero() && away > StaleAfter {
		return away
	}
	return 0
}

// Read reads what stands now.
func Read(ctx context.Context, st *store.Store) (r Report, err error) {
	r.At = time.Now().UTC()
	if r.LastFact, err = st.LastFact(ctx); err != nil {
		return r, err
	}
	if r.LastBeat, err = st.LastBeat(ctx); err != nil {
		return r, err
	}
	instances, err := Instances(ctx, st)
	if err != nil {
		return r, err
	}
	r.Services = services(slices.DeleteFunc(instances, func(i core.Instance) bool { return i.Drill() != "" }))
	if r.Incidents, err = st.Incidents(ctx, store.IncidentQuery{Open: true}); err != nil {
		return r, err
	}
	r.Incidents = slices.DeleteFunc(r.Incidents, func(n aweigh.Incident) bool { return n.Drill != "" })
	r.Waiting, r.Dead, err = st.Undelivered(ctx)
	return r, err
}

// Instances are those that the watcher knows of, in no order; each has a life.
func Instances(ctx context.Context, st *store.Store) ([]core.Instance, error) {
	rows, err := st.StateOf(ctx, "instance")
	if err != nil {
		return nil, err
	}
	all := make([]core.Instance, 0, len(rows))
	for _, row := range rows {
		var i core.Instance
		if json.Unmarshal(row, &i) == nil && i.Life != nil {
			all = append(all, i)
		}
	}
	return all, nil
}

func services(instances []core.Instance) []Service {
	name := func(i core.Instance) string { return i.Container.Project + "/" + i.Container.Service }
	// What a person runs once says nothing about its service, where there is one.
	own := map[string]bool{}
	for _, i := range instances {
		own[name(i)] = own[name(i)] || !i.Container.OneOff
	}
	byService := map[string]*Service{}
	for n := range instances {
		i := &instances[n]
		name := name(*i)
		if i.Container.OneOff && own[name] {
			continue
		}
		s := byService[name]
		if s == nil {
			s = &Service{Service: i.Container.Service, Project: i.Container.Project}
			byService[name] = s
		}
		if i.Life.Alive {
			s.Instances++
		}
		if s.Last == nil || i.Life.Start.Began.After(s.Last.Began) {
			s.Last, s.State = &i.Life.Start, StateOf(i)
		}
	}
	all := make([]Service, 0, len(byService))
	for _, s := range byService {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b Service) int {
		return strings.Compare(a.Project+"/"+a.Service, b.Project+"/"+b.Service)
	})
	return all
}

// StateOf says in a word or two how an instance stands. docs/status.md explains
// the words.
func StateOf(i *core.Instance) string {
	l := i.Life
	switch {
	case l.Alive && !l.Proven.IsZero() && l.Failures > 0:
		return "failing"
	case l.Alive && !l.Proven.IsZero():
		return "ready"
	case l.Alive && l.Up:
		return "running, unproven"
	case l.Alive && l.Start.Verdict == aweigh.TimedOut:
		return "timed-out"
	case l.Alive:
		return "coming up"
	case i.Stopped:
		return "stopped"
	case l.Start.Verdict == aweigh.Refused:
		return "refused"
	case l.Start.Verdict == aweigh.TimedOut: // aweigh-init ended it
		return "timed-out"
	case l.Crash:
		return "crashed"
	}
	return "unknown"
}
