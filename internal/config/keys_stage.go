package config

import (
	"errors"
	"slices"
	"time"
)

// Stage is a place to which a deployment goes: a compose project on this host or
// on another.
type Stage struct {
	Name        string
	Files       []string // compose files, absolute; none: as for `docker compose`
	ProjectName string
	EnvFiles    []string
	Docker      string // URL of the engine; "" is the default one
	Context     string // Docker context, instead of Docker
	Within      time.Duration
	Soak        time.Duration
	Trial       string // "real", "stub", "none" or "off": what a trial boot has beside it
	Stubs       string // compose file of stand-ins for a trial boot
	Migrations  Command
	Rollout     bool // a second instance is proven before the first goes
	// Before and After are hooks, by the step that they belong to.
	Before, After map[string][]Command
	Origin        Origin
}

// Command is a program with its arguments. No shell reads it.
type Command []string

// Steps are the steps of a deployment that may have hooks.
var Steps = []string{"preflight", "apply", "verify", "soak", "rollback"}

func defaultStage() Stage {
	return Stage{Within: 5 * time.Minute, Trial: "real", Before: map[string][]Command{}, After: map[string][]Command{}}
}

func stageFields() []field[Stage] {
	type s = Stage
	trials := []string{"real", "stub", "none", "off"}
	all := []field[s]{
		{Key{Name: "files", Kind: Text, Many: true, Example: "compose.yaml", Doc: "Its compose files, beside aweigh.yaml if the path is relative; without them the one that `docker compose` would find."},
			list(func(c *s) *[]string { return &c.Files }, notEmpty)},
		{Key{Name: "project_name", Kind: Text, Example: "shop-staging", Doc: "Name of the compose project. Two stages on one engine need two names."},
			text(func(c *s) *string { return &c.ProjectName })},
		{Key{Name: "env_files", Kind: Text, Many: true, Example: "staging.env", Doc: "Files with variables for the compose files; without them `.env`."},
			list(func(c *s) *[]string { return &c.EnvFiles }, notEmpty)},
		{Key{Name: "docker", Kind: Text, Example: "tcp://127.0.0.1:2375", Doc: "The engine of the stage; without it the one of `watch`."},
			checked(func(c *s) *string { return &c.Docker }, checkEngine)},
		{Key{Name: "context", Kind: Text, Example: "staging", Doc: "The Docker context of the stage, instead of `docker`."},
			text(func(c *s) *string { return &c.Context })},
		{Key{Name: "within", Kind: Duration, Default: "5m", Doc: "How long a deployment may take to be proven once it is applied."},
			duration(func(c *s) *dur { return &c.Within })},
		{Key{Name: "soak", Kind: Duration, Words: []string{"off"}, Default: "off", Example: "1h", Doc: "How long it is watched afterwards, before the next stage has its turn."},
			durationOr0(func(c *s) *dur { return &c.Soak })},
		{Key{Name: "trial", Kind: Choice, Words: trials, Default: "real", Doc: "What a trial boot has beside it: throw-away copies of the services it depends on (`real`), those of `stubs` in their place (`stub`), nothing (`none`). `off` is no trial boot."},
			checked(func(c *s) *string { return &c.Trial }, oneOf(trials...))},
		{Key{Name: "stubs", Kind: Text, Example: "compose.stubs.yaml", Doc: "Compose file of stand-ins, laid over the others for a trial boot."},
			text(func(c *s) *string { return &c.Stubs })},
		{Key{Name: "migrations", Kind: Text, Example: "./manage.py migrate --check", Doc: "A command that exits with 0 when no migration is pending. No shell reads it."},
			func(c *s, v string) (err error) { c.Migrations, err = ParseCommand(v); return err }},
		{Key{Name: "rollout", Kind: Boolean, Default: "false", Doc: "As with `--rollout`: a second instance of a service behind a proxy is proven before the first goes."},
			boolean(func(c *s) *bool { return &c.Rollout })},
	}
	for _, step := range Steps {
		all = append(all, hook("before", step, func(c *s) map[string][]Command { return c.Before }),
			hook("after", step, func(c *s) map[string][]Command { return c.After }))
	}
	slices.SortStableFunc(all[len(all)-2*len(Steps):], func(a, b field[s]) int {
		pa, _, _ := a.parent()
		pb, _, _ := b.parent()
		return len(pb) - len(pa) // before comes first
	})
	return all
}

func hook(when, step string, at func(*Stage) map[string][]Command) field[Stage] {
	doc := map[string]string{"before": "A command to run before the step " + step + "; when it fails, so has the step.", "after": "A command to run once the step " + step + " is done."}[when]
	return field[Stage]{Key{Name: when + "." + step, Kind: Text, Many: true, Example: "./notify-team " + step, Doc: doc}, func(c *Stage, v string) error {
		command, err := ParseCommand(v)
		at(c)[step] = append(at(c)[step], command)
		return err
	}}
}

// ParseCommand cuts a command into words. It refuses what only a shell could
// carry out.
func ParseCommand(s string) (Command, error) {
	if words := simpleCommand(s); len(words) > 0 {
		return words, nil
	}
	return nil, errors.New("this needs a shell, and none reads it: write a program and its arguments, or a script of your own")
}

// whole says what does not go together in one stage.
func (s *Stage) whole() error {
	switch {
	case s.Docker != "" && s.Context != "":
		return errors.New("docker and context exclude each other: remove one")
	case s.Trial == "stub" && s.Stubs == "":
		return errors.New("trial: stub needs stubs, a compose file of stand-ins")
	}
	return nil
}
