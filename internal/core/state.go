package core

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
)

// State is what the fold knows. Make it with New, or with Load from what was
// stored.
type State struct {
	Host string
	// settings tells what a user has set for a service; it must answer the same
	// for the same arguments.
	settings func(service string, labels map[string]string) Settings

	Instances map[string]*Instance
	Services  map[string]*Service
	Incidents map[string]*Incident // open ones, and those resolved lately
	Windows   map[string]*aweigh.Maintenance
	Engine    Engine
	Arrivals  map[string]*Arrival // what came up and was not told yet

	index   index
	changes *Changes
	tails   map[string][]string // what the fact knows of the last lines of instances
	causes  map[string]*aweigh.Cause
}

// Engine is the runtime's connection.
type Engine struct {
	Lost time.Time `json:"lost,omitzero"` // since when it does not answer
	Told string    `json:"told,omitempty"`
	// Watching is since when this watcher has been watching.
	Watching time.Time `json:"watching,omitzero"`
	Regained time.Time `json:"regained,omitzero"` // when it last began to answer again
}

// Changes are what a fact has changed, to be stored in one transaction with it.
type Changes struct {
	Starts        []aweigh.Start
	Incidents     []aweigh.Incident
	Notifications []aweigh.Notification
	// Brake names instances that the runtime should stop: they loop.
	Brake []string
	// Rows are the parts of the state that changed, as JSON by their key; nil
	// for one that is gone.
	Rows map[string][]byte

	starts    map[string]*aweigh.Start
	incidents map[string]bool
	touched   map[string]any
}

// New is the state of a watcher that has seen nothing.
func New(host string, settings func(service string, labels map[string]string) Settings) *State {
	return &State{Host: host, settings: settings,
		Instances: map[string]*Instance{}, Services: map[string]*Service{}, Incidents: map[string]*Incident{},
		Windows: map[string]*aweigh.Maintenance{}, Arrivals: map[string]*Arrival{}, index: newIndex()}
}

// Load is the state that the rows of all Changes so far describe.
func Load(host string, settings func(string, map[string]string) Settings, rows map[string][]byte) (*State, error) {
	s := New(host, settings)
	for key, row := range rows {
		kind, name, _ := strings.Cut(key, ":")
		var err error
		switch kind {
		case "instance":
			err = loadRow(s.Instances, name, row)
		case "service":
			err = loadRow(s.Services, name, row)
		case "incident":
			err = loadRow(s.Incidents, name, row)
		case "window":
			err = loadRow(s.Windows, name, row)
		case "arrival":
			err = loadRow(s.Arrivals, name, row)
		case "engine":
			err = json.Unmarshal(row, &s.Engine)
		}
		if err != nil {
			return nil, fmt.Errorf("stored state %q: %w", key, err)
		}
	}
	for _, i := range s.Instances {
		i.Settings = settings(i.Container.Service, i.Container.Labels)
		s.index.belongs(i, i.Service)
	}
	for _, n := range s.Incidents {
		s.index.opened(n)
	}
	return s, nil
}

func loadRow[T any](into map[string]*T, name string, row []byte) error {
	value := new(T)
	if err := json.Unmarshal(row, value); err != nil {
		return err
	}
	into[name] = value
	return nil
}

// Apply folds one fact in. A fact that is known already changes nothing.
func (s *State) Apply(f aweigh.Fact) Changes {
	s.changes = &Changes{Rows: map[string][]byte{}, starts: map[string]*aweigh.Start{}, incidents: map[string]bool{}, touched: map[string]any{}}
	if s.tails = f.Tails; len(f.Lines) > 0 {
		s.tails = map[string][]string{f.Instance: f.Lines}
	}
	if s.causes = f.Causes; f.Cause != nil {
		s.causes = map[string]*aweigh.Cause{f.Instance: f.Cause}
	}
	switch f.Kind {
	case aweigh.FactSeen:
		s.seen(f)
	case aweigh.FactStarted:
		s.started(f)
	case aweigh.FactSignalled:
		s.signalled(f)
	case aweigh.FactDied:
		s.died(f)
	case aweigh.FactStopped:
		s.stopped(f)
	case aweigh.FactRefused:
		s.refused(f)
	case aweigh.FactRemoved:
		s.removed(f)
	case aweigh.FactOOM:
		s.oom(f)
	case aweigh.FactHealth:
		s.health(f)
	case aweigh.FactAnswered:
		s.answered(f)
	case aweigh.FactReached:
		s.reached(f)
	case aweigh.FactSaid:
		s.said(f)
	case aweigh.FactTalked:
		s.talked(f)
	case aweigh.FactSignal:
		s.reading(f)
	case aweigh.FactAcknowledged:
		s.acknowledged(f)
	case aweigh.FactResolved:
		s.resolvedByHand(f)
	case aweigh.FactCommented:
		s.commented(f)
	case aweigh.FactMaintenance:
		s.maintenance(f)
	case aweigh.FactWatching:
		s.watching(f)
	case aweigh.FactLost:
		s.lost(f)
	case aweigh.FactRegained:
		s.regained(f)
	case aweigh.FactStepped:
		s.stepped(f)
	case aweigh.FactTick:
		s.tick(f.At)
	}
	return s.collect()
}

// collect turns what was touched into rows.
func (s *State) collect() Changes {
	c := s.changes
	s.changes, s.tails, s.causes = nil, nil, nil
	for key, value := range c.touched {
		if value == nil {
			c.Rows[key] = nil
			continue
		}
		row, err := json.Marshal(value)
		if err != nil {
			panic(fmt.Sprintf("core: %s cannot be stored: %v", key, err)) // no type of ours can fail to marshal
		}
		c.Rows[key] = row
	}
	for _, start := range c.starts {
		c.Starts = append(c.Starts, apart(*start))
	}
	for id := range c.incidents {
		if n := s.Incidents[id]; n != nil {
			c.Incidents = append(c.Incidents, n.Incident)
		}
	}
	return *c
}

// apart is a start that shares nothing which the fold goes on changing: who gets the
// changes may read them at any time.
func apart(s aweigh.Start) aweigh.Start {
	if s.Probe != nil {
		probe := *s.Probe
		s.Probe = &probe
	}
	if s.Run != nil {
		run := *s.Run
		s.Run = &run
	}
	return s
}

func (s *State) touch(i *Instance)       { s.changes.touched["instance:"+i.ID] = i }
func (s *State) touchService(v *Service) { s.changes.touched["service:"+v.Key] = v }
func (s *State) touchStart(l *Life)      { s.changes.starts[l.Start.ID] = &l.Start }
func (s *State) touchIncident(n *Incident) {
	s.changes.touched["incident:"+n.ID] = n
	s.changes.incidents[n.ID] = true
}

func (s *State) forget(key string) { s.changes.touched[key] = nil }
