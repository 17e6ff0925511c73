package operator

import (
	"bytes"
	"strings"
	"testing"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/drill"
)

func TestTheScorecardTellsEachReasonOnceAndNothingRaw(t *testing.T) {
	ms := func(n int64) *int64 { return &n }
	r := &drill.Report{Service: "web", Image: "web:1", SteadyMS: 40, Probe: "tcp://172.18.0.2:80", TookMS: 61000, Results: []drill.Result{
		{Drill: "hang", Verdict: drill.Passed, DetectedMS: ms(8400), ToldMS: ms(8500), RecoveredMS: ms(700),
			Incident: &aweigh.Incident{Kind: aweigh.StartupFailed}, Cause: &aweigh.Cause{ID: "startup-hang"}},
		{Drill: "health-500", Verdict: drill.NotApplicable, Reason: "asked over TCP"},
		{Drill: "health-slow", Verdict: drill.NotApplicable, Reason: "asked over TCP"},
		{Drill: "disk-full", Verdict: drill.Failed, Reason: "nothing was detected", Evidence: "/var/lib/aweigh/drills/x"},
	}}
	r.Notes = []string{"a note with \x1b[31m"}
	var b bytes.Buffer
	if err := scorecard(&b, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"web (web:1): ready after 40ms, proven by tcp://172.18.0.2:80\n",
		"health-500, health-slow: not-applicable: asked over TCP\n",
		"disk-full: failed: nothing was detected\n",
		"--state /var/lib/aweigh/drills/x\n",
		"4 drills in 1m1s: 1 passed, 1 failed, 0 inconclusive, 2 not applicable. Score: 50 %\n",
	} {
		if strings.Count(b.String(), want) != 1 {
			t.Errorf("want once %q in\n%s", want, b.String())
		}
	}
	if line := strings.Join(strings.Fields(b.String()[strings.Index(b.String(), "\nhang"):]), " "); !strings.HasPrefix(line, "hang - 8.4s 8.5s startup-failed startup-hang 700ms passed") {
		t.Errorf("the row of the first: %s", line)
	}
	if strings.Contains(b.String(), "\x1b") {
		t.Errorf("a control character went through:\n%q", b.String())
	}
}
