package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/objective"
)

// counted is what happens. Its methods but Probe are for the fold's goroutine.
type counted struct {
	services *services

	starts        *prometheus.CounterVec
	ready         *prometheus.HistogramVec
	restarts      *prometheus.CounterVec
	incidents     *prometheus.CounterVec
	health        *prometheus.CounterVec
	probes        *prometheus.CounterVec
	probeSeconds  *prometheus.HistogramVec
	notifications *prometheus.CounterVec
	facts         *prometheus.CounterVec

	lives    recent[life]
	incident recent[bool]
}

// life is what was counted of a start and its run.
type life struct{ judged, ended bool }

var verdicts = []aweigh.Verdict{aweigh.Ready, aweigh.Crashed, aweigh.TimedOut, aweigh.Refused, aweigh.Stopped, aweigh.Unknown}

func newCounted(r prometheus.Registerer, s *services) *counted {
	make := promauto.With(r)
	of := func(more ...string) []string { return append([]string{"service", "project"}, more...) }
	return &counted{
		services: s,
		starts:   make.NewCounterVec(prometheus.CounterOpts{Name: "aweigh_starts_total", Help: "Starts that ended, by verdict."}, of("verdict")),
		ready: make.NewHistogramVec(prometheus.HistogramOpts{Name: "aweigh_start_ready_seconds", Help: "Time from the begin of a start until it was proven ready.",
			Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300}, NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour}, of()),
		restarts:  make.NewCounterVec(prometheus.CounterOpts{Name: "aweigh_unexpected_restarts_total", Help: "Starts and runs that ended without anybody asking for it."}, of()),
		incidents: make.NewCounterVec(prometheus.CounterOpts{Name: "aweigh_incidents_total", Help: "Incidents that were opened, by their kind at first. Silences are kind=\"silence\"."}, of("kind", "severity")),
		health:    make.NewCounterVec(prometheus.CounterOpts{Name: "aweigh_health_changes_total", Help: "Verdicts of containers' own health checks, when they change."}, of("result")),
		probes: make.NewCounterVec(prometheus.CounterOpts{Name: "aweigh_probes_total", Help: "Probes of the watcher: phase is start until the start is over, then run."},
			of("phase", "result")),
		probeSeconds: make.NewHistogramVec(prometheus.HistogramOpts{Name: "aweigh_probe_duration_seconds", Help: "Time that a probe took, good or not.",
			Buckets: []float64{.001, .005, .025, .1, .5, 1, 3, 10}, NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour}, of()),
		notifications: make.NewCounterVec(prometheus.CounterOpts{Name: "aweigh_notifications_total", Help: "Tries to deliver, by route: sent, failed (it is tried again), dead (given up)."}, []string{"route", "result"}),
		facts:         make.NewCounterVec(prometheus.CounterOpts{Name: "aweigh_facts_total", Help: "Facts that changed something, by kind."}, []string{"kind"}),
	}
}

// Load takes over what an earlier watcher has counted, so that it is not counted
// again, and begins the counters of all services at 0: Prometheus sees no rise in
// what comes up as 1.
func (m *counted) Load(s *core.State) {
	for _, i := range s.Instances {
		if apart(i) {
			continue
		}
		m.label(service{i.Container.Service, i.Container.Project})
		for _, l := range []*core.Life{i.Before, i.Life} {
			if l != nil {
				_, ended := objective.Unasked(l.Start)
				m.lives.put(l.Start.ID, life{l.Start.Verdict != "", ended})
			}
		}
	}
	for _, v := range s.Services { // one that was taken down is scraped all the same, and may come up again
		if !v.Drill && !v.OneOff() && !v.Seen.IsZero() {
			m.label(service{v.Name, v.Project})
		}
	}
	for id := range s.Incidents {
		m.incident.put(id, true)
	}
}

// label is what a service is called. Its counters begin when it is first heard
// of.
func (m *counted) label(of service) service {
	as, fresh := m.services.label(of)
	if fresh {
		for _, v := range verdicts {
			m.starts.WithLabelValues(as.name, as.project, string(v))
		}
		m.ready.WithLabelValues(as.name, as.project)
		m.restarts.WithLabelValues(as.name, as.project)
	}
	return as
}

// Observe counts what a fact has changed.
func (m *counted) Observe(s *core.State, f aweigh.Fact, c core.Changes) {
	m.facts.WithLabelValues(string(f.Kind)).Inc()
	for n := range c.Starts {
		if c.Starts[n].Drill == "" && !c.Starts[n].OneOff {
			m.start(&c.Starts[n])
		}
	}
	for n := range c.Incidents {
		i := &c.Incidents[n]
		if i.Drill != "" {
			continue
		}
		if _, known := m.incident.get(i.ID); !known && !m.incident.forgot(i.ID) {
			m.incident.put(i.ID, true)
			of := m.label(service{i.Service, i.Project})
			m.incidents.WithLabelValues(of.name, of.project, string(i.Kind), string(i.Severity)).Inc()
		}
	}
	if i := s.Instances[f.Instance]; i != nil && !apart(i) && f.Kind == aweigh.FactHealth {
		of := m.label(service{i.Container.Service, i.Container.Project})
		m.health.WithLabelValues(of.name, of.project, result(f.OK)).Inc()
	}
}

func (m *counted) start(s *aweigh.Start) {
	of := m.label(service{s.Service, s.Project})
	was, _ := m.lives.get(s.ID)
	if m.lives.forgot(s.ID) {
		was.judged = true // what lives for months ends after thousands of others
	}
	is := was
	if s.Verdict != "" && !was.judged {
		is.judged = true
		m.starts.WithLabelValues(of.name, of.project, string(s.Verdict)).Inc()
		if s.Verdict == aweigh.Ready && s.TookMS != nil {
			m.ready.WithLabelValues(of.name, of.project).Observe(float64(*s.TookMS) / 1000)
		}
	}
	if _, ended := objective.Unasked(*s); ended && !was.ended {
		is.ended = true
		m.restarts.WithLabelValues(of.name, of.project).Inc()
	}
	m.lives.put(s.ID, is)
}

// Probe counts the probes of an instance. What it returns is for one goroutine
// at a time.
func (m *counted) Probe(i *core.Instance) func(up, ok bool, took time.Duration) {
	if apart(i) {
		return func(_, _ bool, _ time.Duration) {}
	}
	of := m.label(service{i.Container.Service, i.Container.Project})
	seconds := m.probeSeconds.WithLabelValues(of.name, of.project)
	each := map[[2]bool]prometheus.Counter{}
	for _, up := range []bool{false, true} {
		for _, ok := range []bool{false, true} {
			phase := map[bool]string{false: "start", true: "run"}[up]
			each[[2]bool{up, ok}] = m.probes.WithLabelValues(of.name, of.project, phase, result(ok))
		}
	}
	return func(up, ok bool, took time.Duration) {
		each[[2]bool{up, ok}].Inc()
		seconds.Observe(took.Seconds())
	}
}

// apart reports whether an instance says nothing about its service: a drill's copy, and
// what a person runs and looks at.
func apart(i *core.Instance) bool { return i.Drill() != "" || i.Container.OneOff }

func result(ok bool) string {
	if ok {
		return "ok"
	}
	return "failed"
}
