package notify

import (
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

func TestMatches(t *testing.T) {
	type n = aweigh.Notification
	open := crashLoop(aweigh.OnOpened)
	resolved := crashLoop(aweigh.OnResolved)
	escalated := crashLoop(aweigh.OnEscalated)
	after := crashLoop(aweigh.OnResolved)
	after.Incident.Escalated = &opened
	drill := crashLoop(aweigh.OnOpened)
	drill.Incident.Drill = "kill"
	signal := crashLoop(aweigh.OnOpened)
	signal.Incident.Kind = aweigh.SignalKind("linkage")
	ready := &n{Occasion: aweigh.OnReady, Services: []string{"sighook", "webhook"}}
	watching := &n{Occasion: aweigh.OnWatching}
	test := &n{Occasion: aweigh.OnTest}
	for name, c := range map[string]struct {
		route Route
		yes   []*n
		no    []*n
	}{
		"nothing said is all":  {Route{}, []*n{open, resolved, escalated, after, signal, ready, watching, test}, []*n{drill}},
		"services":             {Route{Services: []string{"webhook"}}, []*n{open, ready, test}, []*n{watching}},
		"services, a pattern":  {Route{Services: []string{"x", "web*"}}, []*n{open, ready}, []*n{watching}},
		"other services":       {Route{Services: []string{"web"}}, []*n{test}, []*n{open, ready, watching}},
		"kinds":                {Route{Kinds: []string{"signal:*", "silence"}}, []*n{signal}, []*n{open, ready, watching}},
		"severities":           {Route{Severities: []aweigh.Severity{aweigh.Critical}}, []*n{open, resolved}, []*n{ready, watching}},
		"occasions":            {Route{Occasions: []aweigh.Occasion{aweigh.OnResolved}}, []*n{resolved, after, test}, []*n{open, ready, escalated}},
		"escalations":          {Route{Escalation: true}, []*n{escalated, after, test}, []*n{open, resolved, ready, watching}},
		"drills":               {Route{Drills: true}, []*n{drill, test}, []*n{open, ready, watching}},
		"all must agree":       {Route{Services: []string{"webhook"}, Kinds: []string{"silence"}}, nil, []*n{open, ready}},
		"a pattern that isn't": {Route{Services: []string{"["}}, nil, []*n{open}},
	} {
		for _, n := range c.yes {
			if !Matches(c.route, n) {
				t.Errorf("%s: %s should take it", name, n.Occasion)
			}
		}
		for _, n := range c.no {
			if Matches(c.route, n) {
				t.Errorf("%s: %s should not take it", name, n.Occasion)
			}
		}
	}
}

func TestQuietHours(t *testing.T) {
	night := &QuietHours{From: "22:00", To: "07:00", Zone: "Europe/Berlin"}
	odd := &QuietHours{From: "22:00", To: "02:30", Zone: "Europe/Berlin"}
	for _, c := range []struct {
		q       *QuietHours
		at, end string // in UTC; "" is not quiet
	}{
		{night, "2026-11-23T20:59:59Z", ""},
		{night, "2026-11-23T21:00:00Z", "2026-11-24T06:00:00Z"},
		{night, "2026-11-24T05:59:59Z", "2026-11-24T06:00:00Z"},
		{night, "2026-11-24T06:00:00Z", ""},
		{night, "2026-07-01T20:00:00Z", "2026-07-02T05:00:00Z"}, // summer
		{night, "2026-03-28T22:00:00Z", "2026-03-29T05:00:00Z"}, // the clock goes forward: an hour less
		{night, "2026-10-24T20:00:00Z", "2026-10-25T06:00:00Z"}, // and back: one more
		{odd, "2026-03-29T00:59:00Z", "2026-03-29T01:00:00Z"},   // 02:30 does not exist: 03:00 comes first
		{odd, "2026-10-25T00:10:00Z", "2026-10-25T00:30:00Z"},   // 02:10 for the first time
		{odd, "2026-10-25T01:10:00Z", "2026-10-25T01:30:00Z"},   // 02:10 again
		{&QuietHours{From: "12:00", To: "13:00", Zone: "UTC"}, "2026-11-23T12:30:00Z", "2026-11-23T13:00:00Z"},
		{&QuietHours{From: "12:00", To: "24:00", Zone: "UTC"}, "2026-11-23T23:59:00Z", "2026-11-24T00:00:00Z"},
		{&QuietHours{From: "00:00", To: "23:59", Zone: "Asia/Kathmandu"}, "2026-11-23T10:00:07.5Z", "2026-11-23T18:14:00Z"},
	} {
		at, _ := time.Parse(time.RFC3339Nano, c.at)
		end, quiet, err := c.q.Until(at)
		got := ""
		if quiet {
			got = end.UTC().Format(time.RFC3339)
		}
		if err != nil || got != c.end {
			t.Errorf("%+v at %s: until %q, want %q (%v)", *c.q, c.at, got, c.end, err)
		}
	}
}
