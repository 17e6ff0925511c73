// Package metrics tells Prometheus what a watcher sees.
//
//	m := metrics.New(metrics.Config{Version: "v1.2.3"})
//	m.Load(state)              // what an earlier watcher has counted is not news
//	m.Observe(state, f, c)     // after each fact that was folded
//	mux.Handle("GET /metrics", m.Handler())
//
// There are two kinds. What happens (starts, restarts, probes, notifications) is
// counted as the fold tells of it: counters begin at 0 with the watcher, as
// Prometheus expects. What is (incidents open, letters that wait, the last fact,
// objectives) is read from the store when it is asked for, so that a restart of
// the watcher changes none of it. counted.go has the former, stored.go and
// slow.go the latter.
//
// Labels are bounded: services beyond MaxServices are one, "other"; no image, no
// container, no start and no text of a service is ever a label.
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/aweigh/aweigh/internal/objective"
	"github.com/aweigh/aweigh/internal/report"
)

// MaxServices is how many services have labels of their own.
const MaxServices = 500

// Config is what the metrics are about.
type Config struct {
	report.Source
	Routes     []string // names
	Signals    []Signal
	Objectives []objective.Objective
	Engine     bool // there is a container engine
	Version    string
}

// Signal is the name of a signal and of the service that it is about.
type Signal struct{ Name, Service string }

// Metrics are those of one watcher.
type Metrics struct {
	*counted
	registry *prometheus.Registry
}

// New makes the metrics. All counters are 0.
func New(c Config) *Metrics {
	r := prometheus.NewRegistry()
	services := &services{known: map[service]bool{}}
	m := &Metrics{counted: newCounted(r, services), registry: r}
	for _, route := range c.Routes {
		for _, result := range []string{"sent", "failed", "dead"} {
			m.notifications.WithLabelValues(route, result)
		}
	}
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&stored{config: c, services: services, slow: &slow{config: c}})
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "aweigh_build_info", Help: "1, with the version as a label."}, []string{"version"})
	build.WithLabelValues(c.Version).Set(1)
	r.MustRegister(build)
	return m
}

// scrapeTimeout is less than Prometheus waits by default.
const scrapeTimeout = 8 * time.Second

// Handler answers scrapes: in Prometheus' text formats, and as protobuf, which
// alone carries native histograms.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true, ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4, Timeout: scrapeTimeout + time.Second})
}
