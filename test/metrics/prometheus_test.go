package metrics_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aweigh/aweigh/test/engine"
)

// ask asks Prometheus, and returns how many series came and the first value.
func ask(t *testing.T, prometheus, query string) (series int, first string) {
	t.Helper()
	resp, err := http.PostForm(prometheus+"/api/v1/query", url.Values{"query": {query}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct{ Value []any }
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	if answer.Status != "success" {
		t.Fatalf("%s: %s", query, answer.Error)
	}
	if len(answer.Data.Result) > 0 && len(answer.Data.Result[0].Value) == 2 {
		first, _ = answer.Data.Result[0].Value[1].(string)
	}
	return len(answer.Data.Result), first
}

// asked are all questions of the dashboard, as Grafana would ask them.
func asked(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../packaging/grafana/dashboards/aweigh.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Panels []struct {
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, p := range doc.Panels {
		for _, target := range p.Targets {
			all = append(all, strings.NewReplacer("$service", ".*", "$__rate_interval", "1m").Replace(target.Expr))
		}
	}
	return all
}

// stage is a watcher with something to tell of: a service that serves, one that
// has crashed and is not started again, a signal, and a route.
func stage(t *testing.T) (target string) {
	t.Helper()
	dir := shortDir(t)
	e, err := engine.Listen(filepath.Join(dir, "d.sock"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(`{"linkage": 97, "total": 12}`)) }))
	t.Cleanup(outside.Close)
	target = watcher(t, dir, e, strings.ReplaceAll(`
defaults: {interval: 500ms}
signals:
  linkage: {service: web, source: URL, rule: linkage < 50 && total > 5, every: 1s}
routes:
  - {name: ops, to: webhook+URL}
`, "URL", outside.URL+"/"))
	web := e.Add(engine.Spec{Name: "web", Project: "shop", Policy: "always"})
	if err := web.Start(); err != nil {
		t.Fatal(err)
	}
	web.Print(false, "listening\n")
	batch := e.Add(engine.Spec{Name: "batch", Policy: "no"})
	if err := batch.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string { return "both are up" }, func() bool { return strings.Count(scrape(t, target), "aweigh_service_up{") == 2 })
	batch.Die(1)
	return target
}

func scrape(t *testing.T, target string) string {
	t.Helper()
	resp, err := http.Get("http://" + target + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	if _, err := io.Copy(&b, resp.Body); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEachQuestionOfTheDashboardHasAnAnswer(t *testing.T) {
	need(t, "prometheus")
	target := stage(t)
	p := prometheus(t, target)
	questions := asked(t)
	if len(questions) < 25 {
		t.Fatalf("only %d questions were found", len(questions))
	}
	for _, q := range questions {
		eventually(t, func() string { return q + " has an answer" }, func() bool {
			n, _ := ask(t, p, q)
			return n > 0
		})
	}
	for query, want := range map[string]string{
		`aweigh_service_up{service="web",project="shop"}`:                       "1",
		`aweigh_service_up{service="batch"}`:                                    "0",
		`aweigh_unexpected_restarts_total{service="batch"}`:                     "1",
		`aweigh_starts_total{service="web",verdict="ready"}`:                    "1",
		`aweigh_signal_value{signal="linkage",value="linkage"}`:                 "97",
		`aweigh_signal_state{signal="linkage",state="ok"}`:                      "1",
		`count(aweigh_incidents_open{service="batch",acknowledged="false"})`:    "1",
		`aweigh_objective_broken{objective="restarts"}`:                         "1",
		`max(aweigh_notifications_total{route="ops",result="sent"}) > bool 0`:   "1",
		`aweigh_outbox_letters{route="ops",state="pending"}`:                    "0",
		`count(aweigh_probes_total{service="web",phase="run",result="ok"} > 0)`: "1",
		`time() - aweigh_last_fact_timestamp_seconds < bool 120`:                "1",
		`aweigh_engine_up`: "1",
	} {
		var got string
		eventually(t, func() string { return query + " is " + want + ", and not " + got }, func() bool {
			_, got = ask(t, p, query)
			return got == want
		})
	}
	rules := struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}{}
	eventually(t, func() string { return "the rules are evaluated" }, func() bool {
		resp, err := http.Get(p + "/api/v1/rules")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return json.NewDecoder(resp.Body).Decode(&rules) == nil && len(rules.Data.Groups) == 1 && rules.Data.Groups[0].Rules[0].Health != "unknown"
	})
	for _, r := range rules.Data.Groups[0].Rules {
		if r.Health != "ok" && r.Health != "unknown" {
			t.Errorf("%s: %s: %s", r.Name, r.Health, r.LastError)
		}
	}
}

func TestTimeToReadyIsANativeHistogramToo(t *testing.T) {
	need(t, "prometheus")
	p := prometheus(t, stage(t), "--enable-feature=native-histograms")
	const query = `histogram_quantile(0.5, aweigh_start_ready_seconds{service="web"})`
	eventually(t, func() string { return query + " has an answer" }, func() bool {
		n, _ := ask(t, p, query)
		return n == 1
	})
}

func TestARestartOfTheWatcherChangesNoGauge(t *testing.T) {
	dir := shortDir(t)
	e, err := engine.Listen(filepath.Join(dir, "d.sock"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	gauges := func(target string) string {
		var kept []string
		for _, line := range strings.Split(scrape(t, target), "\n") {
			for _, name := range []string{"aweigh_incidents_open", "aweigh_service_last_ready", "aweigh_service_last_start", "aweigh_service_failures", "aweigh_service_instances"} {
				if strings.HasPrefix(line, name) {
					kept = append(kept, line)
				}
			}
		}
		return strings.Join(kept, "\n")
	}
	var before string
	t.Run("first", func(t *testing.T) {
		target := watcher(t, dir, e, "")
		batch := e.Add(engine.Spec{Name: "batch", Policy: "no"})
		if err := batch.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() string { return "it is proven" }, func() bool {
			return strings.Contains(scrape(t, target), `aweigh_service_up{project="",service="batch"} 1`)
		})
		batch.Die(1)
		eventually(t, func() string { return "an incident is open" }, func() bool {
			before = gauges(target)
			return strings.Contains(before, "aweigh_incidents_open{")
		})
	})
	t.Run("second", func(t *testing.T) {
		target := watcher(t, dir, e, "")
		if after := gauges(target); after != before {
			t.Errorf("before\n%s\nafter\n%s", before, after)
		}
		text := scrape(t, target)
		if !strings.Contains(text, `aweigh_starts_total{project="",service="batch",verdict="ready"} 0`) {
			t.Error("what the first watcher counted was counted again, or the counter is not there")
		}
	})
}

// promtool knows what a good name, a good help text and a good rule is.
func TestPromtoolHasNothingToSay(t *testing.T) {
	need(t, "promtool")
	cmd := exec.Command("promtool", "check", "metrics")
	cmd.Stdin = strings.NewReader(scrape(t, stage(t)))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
	for _, args := range [][]string{{"check", "rules", "aweigh.rules.yml"}, {"test", "rules", "aweigh.rules.test.yml"}, {"check", "config", "prometheus.yml"}} {
		cmd := exec.Command("promtool", args...)
		cmd.Dir = "../../packaging/prometheus"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %s", strings.Join(args, " "), out)
		}
	}
}
