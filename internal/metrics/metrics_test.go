package metrics

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/objective"
	"github.com/aweigh/aweigh/internal/report"
	"github.com/aweigh/aweigh/internal/store"
)

var begin = time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)

// rig is a fold whose facts are stored and counted.
type rig struct {
	t       *testing.T
	store   *store.Store
	state   *core.State
	metrics *Metrics
	n       int
}

func newRig(t *testing.T) *rig {
	t.Helper()
	st, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	r := &rig{t: t, store: st, state: core.New("aws-1", settings)}
	r.metrics = r.fresh()
	return r
}

func settings(string, map[string]string) core.Settings { return core.Defaults() }

// fresh are the metrics of a watcher that begins.
func (r *rig) fresh() *Metrics {
	m := New(Config{Source: report.Source{Store: r.store}, Routes: []string{"ops"}, Signals: []Signal{{"linkage", "web"}}, Objectives: objective.Defaults()[:1], Engine: true, Version: "v1"})
	m.Load(r.state)
	return m
}

func (r *rig) fold(f aweigh.Fact) {
	r.t.Helper()
	r.n++
	f.ID = fmt.Sprint(r.n)
	c := r.state.Apply(f)
	r.metrics.Observe(r.state, f, c)
	if err := r.store.Commit(r.t.Context(), store.Batch{Facts: []aweigh.Fact{f}, Changes: []core.Changes{c}}); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) start(name string, at time.Time) {
	r.fold(aweigh.Fact{Kind: aweigh.FactStarted, At: at, Instance: name, Container: &aweigh.Container{ID: name, Name: name, Service: name, Engine: "docker",
		Policy: "always", Status: "running", Started: at, Addr: "172.17.0.2", Published: []int{80}}})
}

func (r *rig) scrape(m *Metrics) string {
	r.t.Helper()
	out := httptest.NewRecorder()
	m.Handler().ServeHTTP(out, httptest.NewRequest("GET", "/metrics", nil))
	if out.Code != 200 {
		r.t.Fatalf("status %d: %s", out.Code, out.Body)
	}
	return out.Body.String()
}

func has(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, "\n"+line+"\n") {
			name, _, _ := strings.Cut(line, "{")
			t.Errorf("there is no %s, but\n%s", line, strings.Join(regexp.MustCompile(`(?m)^`+name+`[{ ].*$`).FindAllString(text, -1), "\n"))
		}
	}
}

func TestACrashIsCountedOnceAndNotAgainByTheNextWatcher(t *testing.T) {
	r := newRig(t)
	r.start("web", begin)
	r.fold(aweigh.Fact{Kind: aweigh.FactAnswered, At: begin.Add(2 * time.Second), Instance: "web", OK: true})
	r.fold(aweigh.Fact{Kind: aweigh.FactDied, At: begin.Add(time.Minute), Instance: "web", Exit: &aweigh.Exit{Code: 1}})
	text := r.scrape(r.metrics)
	has(t, text,
		`aweigh_starts_total{project="",service="web",verdict="ready"} 1`,
		`aweigh_starts_total{project="",service="web",verdict="crashed"} 0`,
		`aweigh_unexpected_restarts_total{project="",service="web"} 1`,
		`aweigh_start_ready_seconds_sum{project="",service="web"} 2`,
		`aweigh_service_last_ready_seconds{project="",service="web"} 2`,
		`aweigh_service_up{project="",service="web"} 0`,
		`aweigh_incidents_open{acknowledged="false",kind="unexpected-restart",project="",service="web",severity="warning"} 1`,
		`aweigh_incidents_total{kind="unexpected-restart",project="",service="web",severity="warning"} 1`,
		`aweigh_objective_broken{objective="restarts"} 1`)

	r.metrics = r.fresh()
	r.start("web", begin.Add(61*time.Second))
	text = r.scrape(r.metrics)
	has(t, text,
		`aweigh_starts_total{project="",service="web",verdict="ready"} 0`,
		`aweigh_unexpected_restarts_total{project="",service="web"} 0`,
		`aweigh_incidents_open{acknowledged="false",kind="unexpected-restart",project="",service="web",severity="warning"} 1`)
	if strings.Contains(text, "aweigh_incidents_total{") {
		t.Error("an incident of the last watcher was counted as a new one")
	}
}

// Its counters came up with its first crash, as 1: an alert on their rise saw none.
func TestCountersOfAServiceThatWasTakenDownBeginAt0(t *testing.T) {
	r := newRig(t)
	r.start("web", begin)
	r.fold(aweigh.Fact{Kind: aweigh.FactSignalled, At: begin.Add(time.Minute), Instance: "web", Signal: "SIGTERM"})
	r.fold(aweigh.Fact{Kind: aweigh.FactDied, At: begin.Add(61 * time.Second), Instance: "web", Exit: &aweigh.Exit{Code: 143}})
	r.fold(aweigh.Fact{Kind: aweigh.FactRemoved, At: begin.Add(62 * time.Second), Instance: "web"})
	r.metrics = r.fresh()
	r.scrape(r.metrics)
	r.start("web", begin.Add(2*time.Minute))
	has(t, r.scrape(r.metrics), `aweigh_unexpected_restarts_total{project="",service="web"} 0`)
}

func TestServicesBeyondTheBoundAreOne(t *testing.T) {
	r := newRig(t)
	for n := range MaxServices + 50 {
		r.start(fmt.Sprintf("run-%d", n), begin)
	}
	text := r.scrape(r.metrics)
	if n := strings.Count(text, "aweigh_service_instances{"); n != MaxServices+1 {
		t.Errorf("%d services have labels", n)
	}
	has(t, text, `aweigh_service_instances{project="",service="other"} 50`)
}

func TestASignalAndTheTimeToItsFirstGoodReading(t *testing.T) {
	r := newRig(t)
	r.start("web", begin)
	read := func(after time.Duration, state string, total float64) {
		r.fold(aweigh.Fact{Kind: aweigh.FactSignal, At: begin.Add(after), Reading: &aweigh.Reading{Name: "linkage", Service: "web", State: state, Values: map[string]float64{"total": total}}})
	}
	read(-time.Minute, "ok", 9) // before the deployment
	read(time.Minute, "ok", 0)  // nothing has happened yet
	read(2*time.Minute, "breached", 4)
	if text := r.scrape(r.metrics); strings.Contains(text, "aweigh_deployment_first_signal_seconds{") {
		t.Error("there was no good reading yet")
	}
	read(3*time.Minute, "ok", 5)
	text := r.scrape(r.fresh())
	has(t, text,
		`aweigh_deployment_first_signal_seconds{service="web",signal="linkage"} 180`,
		`aweigh_signal_value{service="web",signal="linkage",value="total"} 5`,
		`aweigh_signal_state{service="web",signal="linkage",state="ok"} 1`,
		`aweigh_signal_state{service="web",signal="linkage",state="breached"} 0`)
}

// One of two instances that was restarted was taken for the newest, however old, and so
// was what a person ran once.
func TestARestartIsNoDeploymentThatASignalIsTimedFrom(t *testing.T) {
	r := newRig(t)
	start := func(id string, at time.Time) {
		r.fold(aweigh.Fact{Kind: aweigh.FactStarted, At: at, Instance: id, Container: &aweigh.Container{ID: id, Name: id, Service: "web", Engine: "docker", Policy: "always",
			OneOff: id == "shell", Status: "running", Started: at}})
	}
	start("old", begin)
	start("new", begin.Add(time.Hour))
	start("shell", begin.Add(time.Hour+30*time.Second))
	for _, after := range []time.Duration{5 * time.Minute, 61 * time.Minute} {
		r.fold(aweigh.Fact{Kind: aweigh.FactSignal, At: begin.Add(after), Reading: &aweigh.Reading{Name: "linkage", Service: "web", State: "ok", Values: map[string]float64{"total": 5}}})
	}
	r.fold(aweigh.Fact{Kind: aweigh.FactDied, At: begin.Add(2 * time.Hour), Instance: "old", Exit: &aweigh.Exit{Code: 1}})
	start("old", begin.Add(2*time.Hour+time.Second))
	has(t, r.scrape(r.metrics), `aweigh_deployment_first_signal_seconds{service="web",signal="linkage"} 60`)
}

// The start of a service that had lived through thousands of jobs was counted a second
// time when it ended.
func TestTheEndOfALongLifeIsNotAnotherStart(t *testing.T) {
	r := newRig(t)
	took := int64(1000)
	web := aweigh.Start{ID: aweigh.DerivedID(begin, "web"), Service: "web", Began: begin, Verdict: aweigh.Ready, TookMS: &took}
	r.metrics.Observe(r.state, aweigh.Fact{Kind: aweigh.FactAnswered}, core.Changes{Starts: []aweigh.Start{web}})
	for n := range mostRecent {
		at := begin.Add(time.Duration(n+1) * time.Minute)
		job := aweigh.Start{ID: aweigh.DerivedID(at, "job"), Service: "job", Began: at, Verdict: aweigh.Ready, TookMS: &took}
		r.metrics.Observe(r.state, aweigh.Fact{Kind: aweigh.FactDied}, core.Changes{Starts: []aweigh.Start{job}})
	}
	ended := begin.Add(10 * 24 * time.Hour)
	web.Run = &aweigh.Run{End: aweigh.RunCrashed, Ended: &ended}
	r.metrics.Observe(r.state, aweigh.Fact{Kind: aweigh.FactDied}, core.Changes{Starts: []aweigh.Start{web}})
	has(t, r.scrape(r.metrics), `aweigh_starts_total{project="",service="web",verdict="ready"} 1`, `aweigh_start_ready_seconds_count{project="",service="web"} 1`,
		`aweigh_unexpected_restarts_total{project="",service="web"} 1`)
}

func TestWhatAPersonRunsOnceIsNotCounted(t *testing.T) {
	r := newRig(t)
	r.start("web", begin)
	r.fold(aweigh.Fact{Kind: aweigh.FactAnswered, At: begin.Add(time.Second), Instance: "web", OK: true})
	for n := range 3 {
		at := begin.Add(time.Duration(n+1) * time.Minute)
		r.fold(aweigh.Fact{Kind: aweigh.FactStarted, At: at, Instance: "tests", Container: &aweigh.Container{ID: "tests", Name: "web_run_1", Service: "web", Engine: "docker",
			Policy: "no", OneOff: true, Status: "running", Started: at}})
		r.fold(aweigh.Fact{Kind: aweigh.FactDied, At: at.Add(time.Second), Instance: "tests", Exit: &aweigh.Exit{Code: 1}})
	}
	has(t, r.scrape(r.metrics),
		`aweigh_starts_total{project="",service="web",verdict="crashed"} 0`,
		`aweigh_unexpected_restarts_total{project="",service="web"} 0`,
		`aweigh_service_failures_in_a_row{project="",service="web"} 0`,
		`aweigh_service_last_start_timestamp_seconds{project="",service="web"} `+fmt.Sprintf("%g", float64(begin.Unix())))
}

// A signal of a service that there is in two projects was told twice, of which
// Prometheus' library takes one, by chance the old one.
func TestASignalIsToldOnceHoweverManyProjectsHaveItsService(t *testing.T) {
	r := newRig(t)
	for n, project := range []string{"b", "a"} {
		at := begin.Add(time.Duration(n) * time.Minute)
		r.fold(aweigh.Fact{Kind: aweigh.FactStarted, At: at, Instance: project, Container: &aweigh.Container{ID: project, Name: project, Service: "web", Project: project,
			Engine: "docker", Status: "running", Started: at}})
		r.fold(aweigh.Fact{Kind: aweigh.FactSignal, At: at.Add(time.Second), Reading: &aweigh.Reading{Name: "linkage", Service: "web", State: "ok", Values: map[string]float64{"total": float64(n)}}})
	}
	if _, err := r.metrics.registry.Gather(); err != nil {
		t.Error(err)
	}
	has(t, r.scrape(r.metrics), `aweigh_signal_value{service="web",signal="linkage",value="total"} 1`)
}

// A store that takes longer to read than a scrape may was read anew at each scrape, all
// day long, and what had been found out before was lost.
func TestWhatCannotBeFoundOutInTimeIsNotTriedAtEachScrape(t *testing.T) {
	r := newRig(t)
	r.start("web", begin)
	s := &slow{config: Config{Source: report.Source{Store: r.store}, Objectives: objective.Defaults()[:1]}}
	put := sink{make(chan prometheus.Metric, 100)}
	if err := s.collect(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	s.next = time.Time{}
	if err := s.collect(ended, put); err == nil || s.next.IsZero() || len(s.results) != 1 {
		t.Errorf("%v, next at %s, %d results", err, s.next, len(s.results))
	}
}

func TestLettersAreCountedByWhatBecomesOfThem(t *testing.T) {
	r := newRig(t)
	for n := range 3 {
		letter := store.Letter{Route: "ops", Notification: aweigh.Notification{ID: fmt.Sprint(n)}}
		if err := r.store.Commit(t.Context(), store.Batch{Letters: []store.Letter{letter}}); err != nil {
			t.Fatal(err)
		}
	}
	box := r.metrics.Outbox(r.store)
	letters, err := box.Pending(t.Context(), "ops", 0, 10)
	if err != nil || len(letters) != 3 {
		t.Fatal(err, letters)
	}
	box.Failed(t.Context(), []int64{letters[0].ID}, "no", begin, begin)
	box.Sent(t.Context(), []int64{letters[0].ID})
	box.Dead(t.Context(), []int64{letters[1].ID}, "never", begin)
	has(t, r.scrape(r.metrics),
		`aweigh_notifications_total{result="sent",route="ops"} 1`,
		`aweigh_notifications_total{result="failed",route="ops"} 1`,
		`aweigh_notifications_total{result="dead",route="ops"} 1`,
		`aweigh_outbox_letters{route="ops",state="pending"} 1`,
		`aweigh_outbox_letters{route="ops",state="dead"} 1`)
}

// The page tells of each metric, and of none that there is not.
func TestThePageHasEachMetric(t *testing.T) {
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	sources, _ := os.ReadFile("counted.go")
	for _, file := range []string{"stored.go", "slow.go", "metrics.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, text...)
	}
	known := map[string]bool{}
	for _, m := range regexp.MustCompile(`Name: "(aweigh_\w+)"|gauge\("(\w+)"`).FindAllStringSubmatch(string(sources), -1) {
		name := m[1]
		if m[2] != "" {
			name = "aweigh_" + m[2]
		}
		known[name] = true
		if !strings.Contains(string(page), "| `"+name+"`") {
			t.Errorf("%s is not in docs/metrics.md", name)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(aweigh_\\w+)`").FindAllStringSubmatch(string(page), -1) {
		if !known[m[1]] {
			t.Errorf("docs/metrics.md has %s, which there is not", m[1])
		}
	}
}

// A scrape of a busy host must not be felt by the fold.
func BenchmarkScrapeOf200Services(b *testing.B) {
	st, err := store.Open(b.Context(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	s := core.New("aws-1", settings)
	m := New(Config{Source: report.Source{Store: st}, Engine: true})
	for n := range 200 {
		id := fmt.Sprintf("web-%d", n)
		for k, f := range []aweigh.Fact{{Kind: aweigh.FactStarted, At: begin, Instance: id, Container: &aweigh.Container{ID: id, Name: id, Service: id, Engine: "docker", Published: []int{80}, Addr: "172.17.0.2"}},
			{Kind: aweigh.FactAnswered, At: begin.Add(time.Second), Instance: id, OK: true}} {
			f.ID = fmt.Sprint(n, k)
			c := s.Apply(f)
			m.Observe(s, f, c)
			if err := st.Commit(b.Context(), store.Batch{Facts: []aweigh.Fact{f}, Changes: []core.Changes{c}}); err != nil {
				b.Fatal(err)
			}
		}
	}
	for b.Loop() {
		out := httptest.NewRecorder()
		m.Handler().ServeHTTP(out, httptest.NewRequest("GET", "/metrics", nil))
	}
}
