package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/objective"
	"go.yaml.in/yaml/v4"
)

// promise is an objective of the file.
type promise struct {
	objective.Objective
	ignore bool
	signal *yaml.Node // where Signal is written
}

func objectiveFields() []field[promise] {
	type p = promise
	kinds := []string{string(objective.Restarts), string(objective.Deployments), string(objective.Told), string(objective.Signal), string(objective.Silence)}
	return []field[p]{
		{Key{Name: "kind", Kind: Choice, Words: kinds, Doc: "What is promised. The five defaults (`restarts`, `deployments`, `told`, `signals`, `silence`) have theirs; any other name needs one."},
			checked(func(c *p) *string { return (*string)(&c.Kind) }, oneOf(kinds...))},
		{Key{Name: "services", Kind: Text, Many: true, Default: "all", Example: "webhook", Doc: "Only about these services: names or patterns."},
			list(func(c *p) *[]string { return &c.Services }, checkPattern)},
		{Key{Name: "window", Kind: Duration, Default: "30d", Example: "7d", Doc: "The time that the promise is about, up to now. `watch.keep` should be twice as long, for the trend."},
			duration(func(c *p) *dur { return &c.Window })},
		{Key{Name: "target", Kind: Text, Example: "99.5%", Doc: "The share of deployments or readings that must be good: 100% of deployments and 90% of readings, unless you say otherwise."}, setTarget},
		{Key{Name: "allow", Kind: Integer, Words: []string{"off"}, Default: "0", Doc: "How many restarts or silences a window may have; `off` is none."},
			integerOr0(func(c *p) *int { return &c.Allow }, 1, 1_000_000)},
		{Key{Name: "within", Kind: Duration, Example: "90s", Doc: "How long a deployment may take (60s), or the news of it (2m)."},
			duration(func(c *p) *dur { return &c.Within })},
		{Key{Name: "signal", Kind: Text, Example: "linkage", Doc: "The signal, for the kind `signal`. `signals`, the default one, is about each."},
			text(func(c *p) *string { return &c.Signal })},
		{Key{Name: "value", Kind: Text, Example: "linkage", Doc: "Of a signal: which number must be above `above`. Without it a reading is good when the signal's rule is not true."},
			text(func(c *p) *string { return &c.Value })},
		{Key{Name: "above", Kind: Decimal, Default: "0", Example: "90", Doc: "What the number must be greater than."}, setAbove},
		{Key{Name: "ignore", Kind: Boolean, Default: "false", Doc: "Do not judge it: how to be without one of the defaults."},
			boolean(func(c *p) *bool { return &c.ignore })},
	}
}

func setTarget(into *promise, s string) error {
	number, ok := strings.CutSuffix(strings.TrimSpace(s), "%")
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || err != nil || !(n > 0 && n <= 100) {
		return errors.New("not a share: write a percentage above 0% and up to 100%, such as 99.5%")
	}
	into.Target = n / 100
	return nil
}

func setAbove(into *promise, s string) error {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n-n != 0 { // NaN, Inf
		return errors.New("not a number")
	}
	into.Above = n
	return nil
}

// objectives reads the section. A name of a default begins with what that says.
func (r *reader) objectives(n *yaml.Node, c *Config) {
	for _, e := range r.mapping(n, "objectives") {
		if !validSignalName(e.name) {
			r.at(e.key, "objectives", "an objective's name has letters, digits, '.', '_' and '-', at most 64")
			continue
		}
		path := "objectives." + e.name
		one := promise{}
		one.Name = e.name
		said := false
		for _, d := range objective.Defaults() {
			if d.Name == e.name {
				one.Objective, said = d, true
			}
		}
		kind := one.Kind
		readSection(r, e.value, path, "", objectiveFields(), func(f field[promise], v value) error {
			if f.Name == "signal" {
				one.signal = v.node
			}
			return f.set(&one, v.text)
		})
		one.complete()
		switch err := one.whole(); {
		case said && one.Kind != kind:
			r.at(e.key, path, "the objective %s is about %s: give yours another name", e.name, kind)
		case err != nil:
			r.at(e.key, path, "%v", err)
		}
		c.objectives = append(c.objectives, one)
	}
}

// complete puts in what the defaults say of this kind, where nothing is said.
func (p *promise) complete() {
	for _, d := range objective.Defaults() {
		if d.Kind != p.Kind {
			continue
		}
		if p.Window == 0 {
			p.Window = d.Window
		}
		if p.Target == 0 {
			p.Target = d.Target
		}
		if p.Within == 0 {
			p.Within = d.Within
		}
	}
}

// whole says what is missing between the keys of one objective.
func (p *promise) whole() error {
	switch {
	case p.Kind == "":
		return errors.New("kind is missing: only the five defaults have one by their names")
	case p.Window < time.Minute:
		return errors.New("window: too short: at least 1m")
	case p.Kind == objective.Signal && p.Signal == "" && p.Name != "signals":
		return errors.New("signal is missing: which one is it about?")
	case p.Kind != objective.Signal && (p.Signal != "" || p.Value != ""):
		return errors.New("signal and value belong to the kind signal")
	}
	return nil
}

// signalsOfObjectives complains of objectives for signals that there are not.
func (r *reader) signalsOfObjectives(c *Config) {
	known := make([]string, len(c.Signals))
	for i, s := range c.Signals {
		known[i] = s.Name
	}
	for _, p := range c.objectives {
		if p.Signal != "" && !slices.Contains(known, p.Signal) {
			r.at(p.signal, "objectives."+p.Name+".signal", "there is no signal %s: %sthe signals are named in this file", quoteKey(p.Signal), didYouMean(p.Signal, known))
		}
	}
}

// Objectives are the promises in force: the defaults, as the file changes them,
// then the file's own. The default about signals is one for each signal that
// has no other.
func (c *Config) Objectives() []objective.Objective {
	said := map[string]promise{}
	for _, p := range c.objectives {
		said[p.Name] = p
	}
	var all []objective.Objective
	add := func(p promise) {
		switch {
		case p.ignore:
		case p.Kind != objective.Signal || p.Signal != "":
			all = append(all, p.Objective)
		default:
			for _, s := range c.Signals {
				if slices.ContainsFunc(c.objectives, func(o promise) bool { return o.Signal == s.Name }) {
					continue
				}
				one := p.Objective
				one.Name, one.Signal = fmt.Sprintf("signal:%s", s.Name), s.Name
				all = append(all, one)
			}
		}
	}
	for _, d := range objective.Defaults() {
		if p, ok := said[d.Name]; ok {
			add(p)
			delete(said, d.Name)
			continue
		}
		add(promise{Objective: d})
	}
	for _, p := range c.objectives {
		if _, left := said[p.Name]; left {
			add(p)
		}
	}
	return all
}
