package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/expect"
	"github.com/aweigh/aweigh/internal/nearest"
	"github.com/aweigh/aweigh/internal/probe"
)

// Bounds of what comes from outside.
const (
	maxLabel         = 4096 // bytes of a value
	maxLabelProblems = 20   // of one container
)

// labelPrefix begins all labels that are meant for Aweigh. Those behind
// reservedPrefix and drillLabel are its own, put on containers that it made
// itself.
const (
	labelPrefix    = "aweigh."
	reservedPrefix = "aweigh.internal."
	drillLabel     = aweigh.DrillLabel
)

// fromLabels reads the aweigh.* labels of a container: dashes and underscores
// alike, crash_loop's keys as aweigh.crash-loop.crashes. There are no variables
// and no files in them: they would carry the watcher's secrets to whoever may
// start a container.
func fromLabels(labels map[string]string) (l layer, problems []Problem) {
	fields := serviceFields()
	given := map[string]string{}
	var tried core.Settings
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		rest, ok := strings.CutPrefix(label, labelPrefix)
		if !ok || strings.HasPrefix(label, reservedPrefix) || label == drillLabel || strings.HasPrefix(label, drillLabel+".") {
			continue
		}
		name := strings.ReplaceAll(rest, "-", "_")
		text := strings.TrimSpace(labels[label])
		f, _, _ := find(fields, name)
		var err error
		switch other, twice := given[name]; {
		case f == nil || f.Name != name:
			err = unknownLabel(name, f, fields)
		case twice:
			err = errors.New("it says the same as label " + other + ": remove one")
		case len(text) > maxLabel:
			err = errors.New("longer than 4096 bytes")
		default:
			given[name] = label
			if err = tryLabel(*f, &tried, text); err == nil {
				v := value{text: text, raw: text}
				l = append(l, setting{field: *f, text: NewSecret(text), shown: shown(f.Key, v), origin: Origin{Label: label}})
			}
		}
		if err != nil && len(problems) < maxLabelProblems {
			problems = append(problems, Problem{Label: printable(label), Key: printable(name), Message: err.Error()})
		}
	}
	return l, problems
}

// tryLabel sets a value, and repeats it in the error unless it may be secret.
func tryLabel(f field[core.Settings], into *core.Settings, text string) error {
	err := f.set(into, text)
	if err == nil && f.Name == "probe" {
		err = ownProbe(text)
	}
	var syntax *expect.SyntaxError
	switch {
	case err == nil || f.Secret:
		return err
	case errors.As(err, &syntax):
		return fmt.Errorf("column %d: %s", syntax.Column, syntax.Message)
	}
	return errors.New(quote(text) + ": " + err.Error())
}

// ownProbe refuses what a label must not have the watcher do: run a command on
// the host, or ask anybody but the container itself. Whoever may start a
// container is not whoever runs the watcher.
func ownProbe(text string) error {
	t, err := probe.Parse(text, 1)
	switch {
	case err != nil:
		return nil // auto, none
	case t.Protocol == probe.Exec:
		return errors.New("a label cannot name a command: say it in aweigh.yaml")
	case t.Host != "":
		return errors.New("a label can have only the container itself asked: leave the host empty, as in http://:8080/health")
	}
	return nil
}

func unknownLabel(name string, f *field[core.Settings], fields []field[core.Settings]) error {
	if f != nil {
		return errors.New("a label cannot name a file: say it in aweigh.yaml")
	}
	known := make([]string, len(fields))
	for i, f := range fields {
		known[i] = strings.ReplaceAll(f.Name, "_", "-")
	}
	if best := nearest.Word(name, known); best != "" {
		return errors.New("there is no such label: did you mean " + labelPrefix + best + "?")
	}
	return errors.New("there is no such label: those for Aweigh are " + labelPrefix + strings.Join(known, ", "+labelPrefix))
}

// printable is a label's name as it may be shown.
func printable(s string) string { return strings.Trim(quote(s), `"`) }
