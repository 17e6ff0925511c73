package config

import (
	"github.com/aweigh/aweigh/internal/core"
)

// Effective is what is in force for one service, and why.
type Effective struct {
	Service string `json:"service"`
	// Settings is not in the JSON: a probe may have a password in it. Values
	// says the same without.
	Settings core.Settings `json:"-"`
	Values   []Value       `json:"values"` // one for each key, in the order of the documentation
	Problems Problems      `json:"problems,omitempty"`
}

// Value is one setting in force, for people: secrets in it are masked.
type Value struct {
	Key    string `json:"key"`
	Text   string `json:"text"`
	Origin Origin `json:"origin"`
}

// For returns what is in force for a service: the defaults, the section
// defaults, the rows of services whose pattern matches (the most specific
// last), its own row, its labels, each over the one before. Bad labels are
// told and skipped: they come from outside, and must not stop the watch.
func (c *Config) For(service string, labels map[string]string) (core.Settings, []Problem) {
	e := c.Explain(service, labels)
	return e.Settings, e.Problems
}

// Explain is For, and says where each value came from.
func (c *Config) Explain(service string, labels map[string]string) Effective {
	e := Effective{Service: service, Settings: core.Defaults()}
	layers := []layer{c.defaults}
	for _, s := range c.services {
		if matches(s.name, service) {
			layers = append(layers, s.says)
		}
	}
	byLabel, problems := fromLabels(labels)
	layers, e.Problems = append(layers, byLabel), problems

	from := map[string]setting{}
	rank := map[string]int{}
	for i, l := range layers {
		for _, s := range l {
			if err := s.field.set(&e.Settings, s.text.Reveal()); err != nil {
				continue // tried when it was read
			}
			from[s.field.Name], rank[s.field.Name] = s, i
		}
	}
	if err := answers(e.Settings.Probe); err != nil && e.Settings.Expect != "" {
		// An expectation from further up, made for HTTP, does not concern a
		// probe that was chosen for this service. Said together or the other
		// way round it is a mistake.
		if s := from["expect"]; rank["expect"] >= rank["probe"] {
			e.Problems = append(e.Problems, s.problem(err))
		}
		e.Settings.Expect = ""
		delete(from, "expect")
	}
	for _, f := range serviceFields() {
		v := Value{Key: f.Name, Text: f.Default}
		if s, ok := from[f.Name]; ok {
			v.Text, v.Origin = s.shown, s.origin
		}
		e.Values = append(e.Values, v)
	}
	return e
}

// problem is something wrong with this setting.
func (s setting) problem(err error) Problem {
	p := Problem{File: s.origin.File, Line: s.origin.Line, Label: s.origin.Label, Key: s.field.Name, Message: err.Error()}
	if p.Line > 0 {
		p.Column = max(s.column, 1)
	}
	return p
}
