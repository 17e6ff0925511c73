package config

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
)

// Signal is a number from the business side, with a rule that says when it is
// bad.
type Signal struct {
	Name    string
	Service string
	Source  Secret // sqlite://…, postgres://…, mysql://…, prometheus+http(s)://…, http(s)://…
	Query   string
	Every   time.Duration
	Window  time.Duration // what :since means in the query
	Rule    string
	Hold    time.Duration // how long the rule must hold before it is an incident
	Missing string        // "ignore", "ok" or "alert": what no answer means
	// Severity of the incident.
	Severity aweigh.Severity
	Origin   Origin
}

func defaultSignal() Signal {
	return Signal{Every: time.Minute, Window: time.Hour, Missing: "ignore", Severity: aweigh.Critical}
}

func signalFields() []field[Signal] {
	type s = Signal
	severities := []string{string(aweigh.Critical), string(aweigh.Warning), string(aweigh.Info)}
	return []field[s]{
		{Key{Name: "service", Kind: Text, Example: "webhook", Doc: "The service that its incidents are about."},
			text(func(c *s) *string { return &c.Service })},
		{Key{Name: "source", Kind: Text, Required: true, Secret: true, Example: "sqlite:///data/webhook.db",
			Doc: "Where the numbers are: `sqlite:///FILE`, `postgres://…`, `mysql://…`, `prometheus+http(s)://…`, or `http(s)://…` that answers JSON."},
			secret(func(c *s) *Secret { return &c.Source }, checkSource)},
		{Key{Name: "query", Kind: Text, Example: "SELECT count(*) AS total FROM trades WHERE at > :since", Doc: "The question: one row, whose columns are the names in the rule; `:since` is the beginning of the window. Not needed for JSON."},
			text(func(c *s) *string { return &c.Query })},
		{Key{Name: "every", Kind: Duration, Default: "1m", Doc: "How often to ask."},
			duration(func(c *s) *dur { return &c.Every })},
		{Key{Name: "window", Kind: Duration, Default: "1h", Example: "6h", Doc: "How far back the question goes."},
			duration(func(c *s) *dur { return &c.Window })},
		{Key{Name: "rule", Kind: Text, Required: true, Example: "linkage == 0 && total > 5", Doc: "When the numbers are bad. Name a least volume in it, so that a quiet night is no incident."},
			text(func(c *s) *string { return &c.Rule })},
		{Key{Name: "hold", Kind: Duration, Words: []string{"off"}, Default: "off", Example: "2m", Doc: "How long the rule must hold before it is an incident; `off` is at once."},
			durationOr0(func(c *s) *dur { return &c.Hold })},
		{Key{Name: "missing", Kind: Choice, Words: []string{"ignore", "ok", "alert"}, Default: "ignore", Doc: "What it means that there are no numbers: nothing, that all is well, or that something is wrong."},
			checked(func(c *s) *string { return &c.Missing }, oneOf("ignore", "ok", "alert"))},
		{Key{Name: "severity", Kind: Choice, Words: severities, Default: "critical", Doc: "Severity of the incident."},
			checked(func(c *s) *string { return (*string)(&c.Severity) }, oneOf(severities...))},
	}
}

var sourceSchemes = []string{"sqlite", "postgres", "postgresql", "mysql", "prometheus+http", "prometheus+https", "http", "https"}

// checkSource looks at the scheme only: the rest belongs to the driver.
func checkSource(s string) error {
	scheme, rest, ok := strings.Cut(s, "://")
	switch {
	case !ok || rest == "":
		return errors.New("not a source: write sqlite:///FILE, postgres://…, mysql://…, prometheus+http://… or http(s)://…")
	case !slices.Contains(sourceSchemes, scheme):
		return errors.New("there is no such source: " + didYouMean(scheme, sourceSchemes) + "write one of " + strings.Join(sourceSchemes, ", ") + ", then ://")
	}
	return nil
}

// whole says what is missing between the keys of one signal.
func (s *Signal) whole() error {
	if source := s.Source.Reveal(); s.Query == "" && source != "" && !strings.HasPrefix(source, "http") {
		return errors.New("the query is missing: only a source of JSON has none")
	}
	return nil
}

// validSignalName is what may stand behind "signal:" in a kind: nothing that a
// route's pattern would take for its own.
func validSignalName(s string) bool {
	for i, c := range s {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || !strings.ContainsRune("_.-", c)) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}
