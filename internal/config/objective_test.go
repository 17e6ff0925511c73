package config

import (
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh/internal/objective"
)

const twoSignals = "signals:\n" +
	"  linkage: {source: 'http://x/', rule: linkage == 0}\n" +
	"  queue: {source: 'http://x/', rule: depth > 9}\n"

func TestEachSignalIsAnObjectiveUnlessOneIsMadeForIt(t *testing.T) {
	if n := len(Default().Objectives()); n != 4 { // no signal, no objective about one
		t.Errorf("%d defaults without a signal, want 4", n)
	}
	c, err := Parse("aweigh.yaml", []byte(twoSignals+"objectives:\n  linkage: {kind: signal, signal: linkage, value: linkage, above: 90, target: 99%}\n"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, o := range c.Objectives() {
		names = append(names, o.Name)
	}
	if got := strings.Join(names, " "); got != "restarts deployments told signal:queue silence linkage" {
		t.Errorf("objectives %s", got)
	}
}

func TestADefaultKeepsWhatNothingIsSaidOf(t *testing.T) {
	c, err := Parse("aweigh.yaml", []byte("objectives:\n  deployments: {within: 90s}\n  restarts: {allow: 2, window: 7d}\n  silence: {ignore: true}\n"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]objective.Objective{}
	for _, o := range c.Objectives() {
		all[o.Name] = o
	}
	if d := all["deployments"]; d.Within != 90*time.Second || d.Target != 1 || d.Window != 30*24*time.Hour {
		t.Errorf("%+v", d)
	}
	if r := all["restarts"]; r.Allow != 2 || r.Window != 7*24*time.Hour {
		t.Errorf("%+v", r)
	}
	if _, there := all["silence"]; there || len(all) != 3 {
		t.Errorf("%d objectives", len(all))
	}
}

func TestMistakesInObjectivesAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"uptime: {target: 99%}":                    "kind is missing",
		"restarts: {kind: silence}":                "give yours another name",
		"deployments: {target: 1.5}":               "write a percentage",
		"deployments: {target: 0%}":                "write a percentage",
		"deployments: {target: NaN%}":              "write a percentage",
		"x: {kind: signal}":                        "signal is missing",
		"x: {kind: signal, signal: linkag}":        `did you mean "linkage"`,
		"x: {kind: restarts, signal: linkage}":     "belong to the kind signal",
		"x: {kind: restarts, windo: 7d}":           `did you mean "window"`,
		"x: {kind: restarts, window: 1s}":          "at least 1m",
		"x: {kind: signal, signal: q, above: NaN}": "not a number",
	} {
		_, err := Parse("aweigh.yaml", []byte(twoSignals+"objectives:\n  "+text+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
