package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/objective"
)

// month is the report of the last 30 days.
func month(t *testing.T, h *history) *Report {
	t.Helper()
	r, err := Make(t.Context(), h.source(), objective.Defaults()[:3], Scope{Host: "aws-1", From: today.Add(-30 * 24 * time.Hour), To: today})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func lines(items []Item) string {
	var all []string
	for _, i := range items {
		all = append(all, i.line())
	}
	return strings.Join(all, "\n")
}

func TestWhatNeedsAPersonComesFirst(t *testing.T) {
	r := month(t, shop(t))
	top := lines(r.Attention)
	if len(r.Attention) == 0 || r.Attention[0].Severity != aweigh.Critical || !strings.HasPrefix(top, "critical: mailer: startup-failed for ") {
		t.Errorf("at the top is\n%s", top)
	}
	for _, want := range []string{
		"no unexpected restart in 30 days: it happened 7 times",
		"webhook:2 takes 4.2s to be ready, 3.8 times as long as the image before",
		"ready within 1m, over 30 days: not so for 1 of 2",
	} {
		if !strings.Contains(top, want) {
			t.Errorf("%q is not in\n%s", want, top)
		}
	}
	changes := lines(r.Changes)
	for _, want := range []string{"mailer: new here; 1 deployment", "now webhook:2", "7 unexpected restarts (0 in the time before)"} {
		if !strings.Contains(changes, want) {
			t.Errorf("%q is not in\n%s", want, changes)
		}
	}
}

func TestNothingNeedsAPersonOfAQuietHost(t *testing.T) {
	h := watchedSince(t, today.Add(-61*24*time.Hour))
	h.deploy("db", "postgres:17", time.Second)
	h.until(today)
	r, err := Make(t.Context(), h.source(), objective.Defaults()[:2], Scope{From: today.Add(-30 * 24 * time.Hour), To: today})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Attention)+len(r.Changes) != 0 || r.Headline() != "nothing needs you; 0 starts of 0 services" {
		t.Errorf("%s\n%s\n%s", r.Headline(), lines(r.Attention), lines(r.Changes))
	}
	if r.Objectives[0].State != objective.Kept || r.Objectives[1].State != objective.Unknown { // there was no deployment
		t.Errorf("%+v", r.Objectives)
	}
}

func TestTimeOfARestartedWatcherIsUnknown(t *testing.T) {
	h := watchedSince(t, today.Add(-61*24*time.Hour))
	h.pass(40 * 24 * time.Hour)
	since := h.at
	h.pass(6 * 24 * time.Hour) // away
	h.add(aweigh.Fact{Kind: aweigh.FactWatching, Since: since})
	h.until(today)
	r := month(t, h)
	if r.Watched < 0.79 || r.Watched > 0.81 || r.Objectives[0].State != objective.Unknown || r.Objectives[0].Unseen != 6 {
		t.Errorf("watched %v, %+v", r.Watched, r.Objectives[0])
	}
	if !strings.Contains(lines(r.Changes), "somebody watched 80 % of this time") {
		t.Error(lines(r.Changes))
	}
}

func TestOneServiceAlone(t *testing.T) {
	h := shop(t)
	scope := Scope{From: today.Add(-30 * 24 * time.Hour), To: today, Service: "webhook"}
	r, err := Make(t.Context(), h.source(), objective.Defaults()[:3], scope)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Services) != 1 || strings.Contains(lines(r.Attention)+lines(r.Changes), "mailer") {
		t.Errorf("%+v\n%s", r.Services, lines(r.Attention))
	}
	scope.Service = "webhok"
	if _, err := Make(t.Context(), h.source(), nil, scope); !errors.Is(err, ErrNoService) {
		t.Errorf("an unknown service: %v", err)
	}
}

func TestHostileOutputCannotSteerTerminalPageOrTable(t *testing.T) {
	h := watchedSince(t, today.Add(-40*24*time.Hour))
	id := h.deploy("web", "web:1|<b>", time.Second)
	h.until(today.Add(-time.Hour))
	h.crash(id, "\x1b[2J<script>alert(1)</script> | **x** [a](http://evil.example)")
	h.until(today)
	r := month(t, h)
	var text, md, html strings.Builder
	if err := errors.Join(r.Text(&text), r.Markdown(&md), r.HTML(&html)); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String(), "\x1b") {
		t.Errorf("an escape reached the terminal: %q", text.String())
	}
	if strings.Contains(html.String(), "<script>") || strings.Contains(html.String(), "<b>") {
		t.Error("a tag reached the page")
	}
	if strings.Contains(md.String(), "<script>") || strings.Contains(md.String(), "[a](") || !strings.Contains(md.String(), `\*\*x\*\*`) {
		t.Errorf("Markdown\n%s", md.String())
	}
}

func TestJSONHasNoNull(t *testing.T) {
	h := watchedSince(t, today.Add(-time.Hour))
	h.until(today)
	b, err := json.Marshal(month(t, h))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{"attention", "changes", "objectives", "services", "incidents", "breaks"} {
		if bytes.Contains(b, []byte(`"`+list+`":null`)) {
			t.Errorf("%s is null", list)
		}
	}
}

func TestTimingIsOfMeasuredStartsOnly(t *testing.T) {
	var starts []aweigh.Start
	for ms := range int64(200) {
		ms++
		starts = append(starts, aweigh.Start{Verdict: aweigh.Ready, TookMS: &ms, Phases: []aweigh.Phase{{Name: "exec", MS: 1}, {Name: "database", MS: ms}, {Name: "listen", MS: 2}, {Name: "verify", MS: 3}}})
	}
	slow := int64(100000)
	starts = append(starts, aweigh.Start{Verdict: aweigh.TimedOut, TookMS: &slow}, aweigh.Start{Verdict: aweigh.Ready}) // the last was seen late
	got := timing(starts)
	if got.Count != 200 || *got.MedianMS != 100 || *got.P99MS != 198 {
		t.Errorf("%d starts, median %d, 99th percentile %d", got.Count, *got.MedianMS, *got.P99MS)
	}
	if got.phases() != "database 100ms, verify 3ms, listen 2ms" {
		t.Error(got.phases())
	}
}

func TestAnImageIsSlowerThanAnyStartBefore(t *testing.T) {
	of := func(all ...int64) (t Timing) {
		var starts []aweigh.Start
		for _, ms := range all {
			starts = append(starts, aweigh.Start{Verdict: aweigh.Ready, TookMS: &ms})
		}
		return timing(starts)
	}
	for _, c := range []struct {
		now, before Timing
		want        bool
	}{
		{of(4000), of(1000, 1100), true},
		{of(4000), of(1000, 1100, 9000), false}, // that happened before as well
		{of(1200), of(1000), false},
		{of(300), of(100), false}, // nobody would notice
		{of(4000), of(), false},
		{of(), of(1000), false},
	} {
		if got := slower(c.now, c.before); got != c.want {
			t.Errorf("%+v after %+v: %v", c.now, c.before, got)
		}
	}
}

// What `aweigh deployments` lists is what the report counts.
func TestADeploymentOfTheJournalIsCountedOnce(t *testing.T) {
	h := watchedSince(t, today.Add(-61*24*time.Hour))
	h.deploy("db", "postgres:17", time.Second)
	h.until(today.Add(-2 * 24 * time.Hour))
	begin := h.at
	h.deploy("db", "postgres:18", 2*time.Second)
	h.deploy("web", "web:2", 3*time.Second)
	h.deploy("web", "web:2", 3*time.Second) // two containers
	h.journals = []objective.Journaled{{ID: "01D", Outcome: "deployed", Planned: begin.Add(-time.Second), Applied: begin, Proven: h.at, Last: h.at.Add(time.Second),
		Targets: []objective.Target{{Project: "shop", Service: "db"}, {Project: "shop", Service: "web"}}}}
	h.until(today)
	r := month(t, h)
	if o := r.Objectives[1]; o.Good != 1 || o.Bad+o.Unseen != 0 {
		t.Errorf("%d good, %d bad, %d unknown", o.Good, o.Bad, o.Unseen)
	}
	changes := lines(r.Changes)
	for _, want := range []string{"db: 1 deployment, ", "web: new here; 1 deployment, ", "now postgres:18"} {
		if !strings.Contains(changes, want) {
			t.Errorf("%q is not in\n%s", want, changes)
		}
	}
}

// Services of one name in several projects are told apart, and hundreds of new
// ones take a line.
func TestWhatWasDeployedIsToldInFewLines(t *testing.T) {
	h := watchedSince(t, today.Add(-61*24*time.Hour))
	h.until(today.Add(-2 * 24 * time.Hour))
	for n := range 30 {
		h.deploy(fmt.Sprintf("service-%02d", n), "web:1", time.Second)
	}
	h.deploy("service-07", "web:2", time.Second)
	h.until(today)
	changes := lines(month(t, h).Changes)
	if first, _, _ := strings.Cut(changes, "\n"); !strings.Contains(first, "service-07: new here; 2 deployments") {
		t.Errorf("the one that was deployed most is not the first:\n%s", changes)
	}
	if n := strings.Count(changes, "new here; "); n != mostDeployed || !strings.Contains(changes, "20 deployments of 20 services more, 20 of them new here") {
		t.Errorf("%d are told one by one:\n%s", n, changes)
	}
}

// The image that came last was told to run, and to need a person, after the one
// before it had been put back.
func TestAfterARollbackTheImageThatIsBackIsTheOneThatRuns(t *testing.T) {
	h := watchedSince(t, today.Add(-61*24*time.Hour))
	id := h.deploy("web", "web:1", time.Second)
	h.until(today.Add(-2 * 24 * time.Hour))
	for _, image := range []string{"web:1", "web:2", "web:1"} {
		h.stop(id)
		h.pass(time.Minute)
		took := time.Second
		if image == "web:2" {
			took = 9 * time.Second
		}
		id = h.deploy("web", image, took)
	}
	h.until(today)
	r := month(t, h)
	if top := lines(r.Attention); strings.Contains(top, "web:2") {
		t.Errorf("it does not run any more:\n%s", top)
	}
	if changes := lines(r.Changes); !strings.Contains(changes, "web: 3 deployments, ") || strings.Contains(changes, "web:2") || !strings.Contains(changes, ": web:1") {
		t.Errorf("what runs now is\n%s", changes)
	}
}

// Tests that a person ran by `docker compose run`, and that failed, broke the promise of
// no unexpected restart, and were a deployment that was not ready.
func TestWhatAPersonRunsOnceSaysNothingAboutItsService(t *testing.T) {
	h := watchedSince(t, today.Add(-61*24*time.Hour))
	h.deploy("web", "web:1", time.Second)
	h.until(today.Add(-2 * 24 * time.Hour))
	h.add(aweigh.Fact{Kind: aweigh.FactStarted, Instance: "tests", Container: &aweigh.Container{ID: "tests", Name: "shop_web_run_1", Engine: "docker", Service: "web", Project: "shop",
		Image: "web:1", Policy: "no", OneOff: true, Status: "running", Started: h.at}})
	h.pass(10 * time.Second)
	h.crash("tests", "1 test failed")
	h.until(today)
	r := month(t, h)
	if o := r.Objectives[0]; o.State != objective.Kept {
		t.Errorf("restarts: %s, %+v", o.State, o.Breaks)
	}
	if o := r.Objectives[1]; o.Good+o.Bad+o.Unseen != 0 || len(r.Services) != 0 {
		t.Errorf("%d good and %d bad deployments, %+v", o.Good, o.Bad, r.Services)
	}
}

func TestHowMuchSlowerAnImageIsIsANumberForPeople(t *testing.T) {
	for ratio, want := range map[float64]string{0.25: "×0.25 faster", 1.04: "×1", 3.82: "×3.8 slower", 42.1: "×42 slower", 99.7: "×100 slower", 106.4: "×106 slower"} {
		if got := (Image{Against: &ratio, Slower: ratio > 2}).against(); got != want {
			t.Errorf("%v: %s", ratio, got)
		}
	}
}
