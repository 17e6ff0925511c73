package signals

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func samples(values ...string) http.HandlerFunc {
	return document(`{"status":"success","data":{"resultType":"vector","result":[` + strings.Join(values, ",") + `]}}`)
}

func askPrometheus(t *testing.T, url, query, rule string) Reading {
	t.Helper()
	return reading(t, func(s *Signal) { s.Source, s.Query, s.Rule = "prometheus+"+url, query, rule })
}

func TestAnswersOfPrometheus(t *testing.T) {
	a := `{"metric":{"__name__":"up","state":"linked","job":"x"},"value":[1,"3"]}`
	b := `{"metric":{"__name__":"up","state":"total","job":"x"},"value":[1,"27"]}`
	for _, c := range []struct {
		answer          http.HandlerFunc
		at, query, rule string
		state           State
		why             string
	}{
		{samples(a), "", "up", "value > 2", Breached, "value is 3 (rule: value > 2)"},
		{samples(), "", "up", "value > 2", Missing, "value is not there: the query gave no sample"},
		{samples(a), "", "n = up", "n > 2", Breached, "n is 3"},
		{samples(`{"metric":{},"value":[1,"NaN"]}`), "", "up", "value > 2", Missing, "value is NaN"},
		{samples(`{"metric":{},"value":[1,"+Inf"]}`), "", "up", "value > 2", Missing, "value is +Inf"},
		{samples(a, b), "", "up", "value > 2", Broken, "the query gives 2 samples for value: make one of them with sum(…), or name them by a label with ?label=NAME (it has job, state)"},
		{samples(a, b), "/?label=state", "up", "linked < 5 && total > 5", Breached, "linked is 3, total is 27"},
		{samples(a, b), "?label=job", "up", "x > 1", Broken, `two samples have job="x": aggregate with sum by (job)`},
		{samples(a, b), "?label=code", "up", "x > 1", Broken, "a sample has no label code (it has job, state)"},
		{samples(), "?label=state", "up", "linked > 1", Missing, "no row"},
		{document(`{"status":"success","data":{"resultType":"scalar","result":[1,"7"]}}`), "", "scalar(x)", "value > 2", Breached, "value is 7"},
		{document(`{"status":"success","data":{"resultType":"matrix","result":[]}}`), "", "x[5m]", "value > 2", Broken, "the query gives a matrix"},
		{document(`{"status":"success"}`), "", "x", "value > 2", Broken, "the query gives a :"},
		{document(`<html>`), "", "x", "value > 2", Broken, "not that of a Prometheus"},
		{http.NotFound, "", "x", "value > 2", Broken, "status 404"},
	} {
		says(t, askPrometheus(t, serve(t, c.answer)+c.at, c.query, c.rule), c.state, c.why)
	}
}

// `count by (job) (up == 1)` has no sample of a job of which nothing is up: while
// another was, the signal was broken, and `missing: alert` never came to count.
func TestASampleThatIsNotThereIsMissingBesideOthers(t *testing.T) {
	url := serve(t, samples(`{"metric":{"job":"sighook"},"value":[1,"1"]}`))
	ask := func(rule string, missing MissingPolicy) Reading {
		return reading(t, func(s *Signal) {
			s.Source, s.Query, s.Rule, s.Missing = "prometheus+"+url+"?label=job", "count by (job) (up == 1)", rule, missing
		})
	}
	says(t, ask("webhook < 2", MissingAlert), Breached, `webhook is not there: no sample has job="webhook"`)
	says(t, ask("webhook < 2", MissingIgnore), Missing, `webhook is not there`)
	says(t, ask("sighok < 2", MissingIgnore), Missing, "did you mean sighook?")
}

var prometheusServer server

// prometheus scrapes itself.
func prometheus(t *testing.T) (url string) {
	t.Helper()
	binary := program(t, "/usr/bin/prometheus")
	addr := prometheusServer.running(t, func(dir string, port int) (*exec.Cmd, error) {
		config := fmt.Sprintf("global: {scrape_interval: 200ms}\nscrape_configs: [{job_name: self, static_configs: [{targets: ['127.0.0.1:%d']}]}]\n", port)
		if err := os.WriteFile(dir+"/prometheus.yml", []byte(config), 0o644); err != nil {
			return nil, err
		}
		return exec.Command(binary, "--config.file="+dir+"/prometheus.yml", "--storage.tsdb.path="+dir+"/data",
			fmt.Sprintf("--web.listen-address=127.0.0.1:%d", port)), nil
	}, func(addr string) error {
		c, err := Compile(linkage(func(s *Signal) {
			s.Source, s.Query, s.Rule = "prometheus+http://"+addr, "increase(prometheus_http_requests_total{code=\"200\"}[30s]) > 0", "value > 0"
			s.Query = "sum(" + s.Query + ")"
		}))
		if err != nil {
			return err
		}
		if r := c.Evaluate(t.Context(), time.Now()); r.State != Breached {
			return fmt.Errorf("%+v", r)
		}
		return nil
	})
	return "http://" + addr
}

func TestPrometheus(t *testing.T) {
	t.Parallel()
	url := prometheus(t)
	says(t, askPrometheus(t, url, "up", "value == 1"), Breached, "value is 1 (rule: value == 1)")
	says(t, askPrometheus(t, url+"/", "up{job=\"nosuch\"}", "value == 1"), Missing, "gave no sample")
	says(t, askPrometheus(t, url, "scalar(vector({window_seconds}))", "value == 3600"), Breached, "value is 3600")
	says(t, askPrometheus(t, url, "time() - {until_unix}", "abs(value) < 2"), Breached, "")
	says(t, askPrometheus(t, url, "all = sum(up)\nscraped = sum(\n  count_over_time(up[{window_seconds}s])\n)", "all == 1 && scraped >= 1"), Breached, "all is 1, scraped is")
	says(t, askPrometheus(t, url+"?label=quantile", "prometheus_engine_query_duration_seconds{slice=\"inner_eval\"} >= 0 or vector(0)", "value > 1"), Broken, "has no label quantile")
	says(t, askPrometheus(t, url+"?label=job", "count by (job) (up)", "self == 1"), Breached, "self is 1")
	says(t, askPrometheus(t, url, "rate(up[5m]", "value == 1"), Broken, "prometheus http://127.0.0.1:")
	says(t, askPrometheus(t, url, "rate(up)", "value == 1"), Broken, "expected type range vector")
	says(t, askPrometheus(t, url, "0 / 0", "value == 1"), Missing, "value is NaN")
}
