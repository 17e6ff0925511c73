package config

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

func (r *reader) routes(n *yaml.Node, c *Config) {
	n = r.resolve(n)
	switch {
	case isNull(n):
		return
	case n.Kind != yaml.SequenceNode:
		r.at(n, "routes", "a list is expected here: begin each route with - name: …")
		return
	}
	names := map[string]bool{}
	for i, item := range n.Content {
		item = r.resolve(item)
		path := fmt.Sprintf("routes[%d]", i)
		one := route{origin: Origin{File: r.file, Line: item.Line}}
		readSection(r, item, path, "", routeFields(), func(f field[route], v value) error {
			err := f.set(&one, v.text)
			if err == nil && f.Name == "kinds" {
				one.kinds = append(one.kinds, v.node)
			}
			return err
		})
		if err := one.whole(); err != nil {
			r.at(item, path, "%v", err)
		}
		if one.Name != "" && names[one.Name] {
			r.at(item, path, "there are two routes of this name: it must tell them apart")
		}
		names[one.Name] = true
		c.routes = append(c.routes, one)
	}
}

func (r *reader) signals(n *yaml.Node, c *Config) {
	for _, e := range r.mapping(n, "signals") {
		if !validSignalName(e.name) {
			r.at(e.key, "signals", "a signal's name has letters, digits, '.', '_' and '-', at most 64")
			continue
		}
		path := "signals." + e.name
		one := defaultSignal()
		one.Name, one.Origin = e.name, Origin{File: r.file, Line: e.key.Line}
		readSection(r, e.value, path, "", signalFields(), func(f field[Signal], v value) error { return f.set(&one, v.text) })
		if err := one.whole(); err != nil {
			r.at(e.key, path, "%v", err)
		}
		c.Signals = append(c.Signals, one)
	}
}

func (r *reader) stages(n *yaml.Node, c *Config) {
	for _, e := range r.mapping(n, "stages") {
		if !validSignalName(e.name) {
			r.at(e.key, "stages", "a stage's name has letters, digits, '.', '_' and '-', at most 64")
			continue
		}
		path := "stages." + e.name
		one := defaultStage()
		one.Name, one.Origin = e.name, Origin{File: r.file, Line: e.key.Line}
		readSection(r, e.value, path, "", stageFields(), func(f field[Stage], v value) error { return f.set(&one, v.text) })
		if err := one.whole(); err != nil {
			r.at(e.key, path, "%v", err)
		}
		for _, paths := range [][]string{one.Files, one.EnvFiles} {
			for i := range paths {
				paths[i] = r.beside(paths[i])
			}
		}
		if one.Stubs != "" {
			one.Stubs = r.beside(one.Stubs)
		}
		c.Stages = append(c.Stages, one)
	}
}

// kindsOfSignals complains of routes for signals that there are not.
func (r *reader) kindsOfSignals(c *Config) {
	known := make([]string, len(c.Signals))
	for i, s := range c.Signals {
		known[i] = s.Name
	}
	for i, one := range c.routes {
		for k, kind := range one.Kinds {
			name, ok := strings.CutPrefix(kind, "signal:")
			if !ok || isPattern(name) || slices.Contains(known, name) {
				continue
			}
			r.at(one.kinds[k], fmt.Sprintf("routes[%d].kinds", i), "there is no signal %s: %sthe signals are named in this file", quoteKey(name), didYouMean(name, known))
		}
	}
}
