package config

import (
	"encoding/json"
	"time"

	"github.com/aweigh/aweigh"
)

// MarshalJSON writes the configuration in the shape of the file, for people and
// programs: every secret in it is masked, so that it cannot be read back.
func (c Config) MarshalJSON() ([]byte, error) {
	type object = map[string]any
	w := c.Watch
	services := object{}
	for _, s := range c.services {
		services[s.name] = s.says.shown()
	}
	routes := make([]any, len(c.routes))
	for i, r := range c.routes {
		routes[i] = r.shown()
	}
	signals := object{}
	for _, s := range c.Signals {
		signals[s.Name] = object{"service": s.Service, "source": s.Source, "query": s.Query, "rule": s.Rule,
			"every_ms": s.Every.Milliseconds(), "window_ms": s.Window.Milliseconds(), "hold_ms": s.Hold.Milliseconds(),
			"missing": s.Missing, "severity": s.Severity, "origin": s.Origin}
	}
	objectives := object{}
	for _, o := range c.Objectives() {
		objectives[o.Name] = object{"kind": o.Kind, "services": o.Services, "window_ms": o.Window.Milliseconds(), "target": o.Target,
			"allow": o.Allow, "within_ms": o.Within.Milliseconds(), "signal": o.Signal, "value": o.Value, "above": o.Above}
	}
	stages := []any{}
	for _, s := range c.Stages {
		stages = append(stages, object{"name": s.Name, "files": s.Files, "project_name": s.ProjectName, "env_files": s.EnvFiles, "docker": s.Docker, "context": s.Context,
			"within_ms": s.Within.Milliseconds(), "soak_ms": s.Soak.Milliseconds(), "trial": s.Trial, "stubs": s.Stubs, "migrations": s.Migrations,
			"before": s.Before, "after": s.After, "origin": s.Origin})
	}
	return json.Marshal(object{
		"file": c.File,
		"watch": object{"listen": w.Listen, "state": w.State, "docker": w.Docker, "records": w.Records,
			"keep_ms": w.Keep / time.Millisecond, "keep_bytes": w.KeepBytes, "dead_mans_switch": w.DeadMansSwitch, "otlp": w.OTLP},
		"defaults":   c.defaults.shown(),
		"services":   services,
		"routes":     routes,
		"signals":    signals,
		"objectives": objectives,
		"stages":     stages,
	})
}

func (l layer) shown() map[string]string {
	values := make(map[string]string, len(l))
	for _, s := range l {
		values[s.field.Name] = s.shown
	}
	return values
}

func (r *route) shown() any {
	var quiet map[string]string
	if q := r.Quiet; q != nil {
		quiet = map[string]string{"from": q.From, "to": q.To, "zone": q.Zone}
	}
	return struct {
		Name       string            `json:"name"`
		To         Secret            `json:"to"`
		Services   []string          `json:"services,omitempty"`
		Kinds      []string          `json:"kinds,omitempty"`
		Severities []aweigh.Severity `json:"severities,omitempty"`
		Occasions  []aweigh.Occasion `json:"occasions,omitempty"`
		Escalation bool              `json:"escalation,omitempty"`
		Report     string            `json:"report,omitempty"`
		Drills     bool              `json:"drills,omitempty"`
		Quiet      map[string]string `json:"quiet,omitempty"`
		Origin     Origin            `json:"origin"`
	}{r.Name, r.to, r.Services, r.Kinds, r.Severities, r.Occasions, r.Escalation, r.Report, r.Drills, quiet, r.origin}
}
