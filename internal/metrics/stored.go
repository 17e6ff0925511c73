package metrics

import (
	"context"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/store"
)

// stored is what is, read from the store at each scrape.
type stored struct {
	config   Config
	services *services
	slow     *slow
}

// gauge describes one.
func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("aweigh_"+name, help, labels, nil)
}

var (
	upDesc        = gauge("service_up", "1 when an instance is proven ready and its last probe was good, else 0.", "service", "project")
	instancesDesc = gauge("service_instances", "Instances that live.", "service", "project")
	rowDesc       = gauge("service_failures_in_a_row", "Failed starts and crashes since it was last proven ready.", "service", "project")
	beganDesc     = gauge("service_last_start_timestamp_seconds", "When its newest start began.", "service", "project")
	tookDesc      = gauge("service_last_ready_seconds", "How long its newest start that was proven took until it was ready.", "service", "project")
	talkedDesc    = gauge("service_last_output_timestamp_seconds", "When its log had output last, to within a tenth of its silence.", "service", "project")
	openDesc      = gauge("incidents_open", "Incidents that are open.", "service", "project", "kind", "severity", "acknowledged")
	valueDesc     = gauge("signal_value", "The numbers of a signal's newest reading.", "signal", "service", "value")
	signalDesc    = gauge("signal_state", "1 for the state of a signal's newest reading, 0 for the others.", "signal", "service", "state")
	readDesc      = gauge("signal_last_reading_timestamp_seconds", "When a signal was last read.", "signal", "service")
	outboxDesc    = gauge("outbox_letters", "Letters that wait to be delivered (pending) or were given up (dead).", "route", "state")
	factDesc      = gauge("last_fact_timestamp_seconds", "When the newest fact happened.")
	beatDesc      = gauge("last_beat_timestamp_seconds", "When the watcher noted last that it is there: three times a minute.")
	engineDesc    = gauge("engine_up", "1 while the container engine answers, 0 while it does not.")
	bytesDesc     = gauge("store_bytes", "Size of the store on disk.")
)

// Describe sends nothing: what there is depends on what is known.
func (s *stored) Describe(chan<- *prometheus.Desc) {}

// Collect reads the store.
func (s *stored) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	for _, part := range []func(context.Context, sink) error{s.state, s.incidents, s.outbox, s.rest, s.slow.collect} {
		if err := part(ctx, sink{to}); err != nil {
			to <- prometheus.NewInvalidMetric(factDesc, err)
		}
	}
}

// sink takes gauges.
type sink struct{ to chan<- prometheus.Metric }

func (k sink) put(d *prometheus.Desc, v float64, labels ...string) {
	for n := range labels {
		labels[n] = strings.ToValidUTF8(labels[n], "�")
	}
	k.to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (k sink) moment(d *prometheus.Desc, t time.Time, labels ...string) {
	if !t.IsZero() {
		k.put(d, float64(t.UnixMilli())/1000, labels...)
	}
}

// standing is how a service stands, over its instances.
type standing struct {
	up, alive int
	row       int
	began     time.Time
	talked    time.Time
	proven    time.Time
	took      *int64
}

func (s *stored) state(ctx context.Context, k sink) error {
	rows, err := s.config.Store.State(ctx)
	if err != nil {
		return err
	}
	all, read := map[service]*standing{}, map[Signal]*core.Reading{}
	at := func(of service) *standing {
		as, _ := s.services.label(of)
		if all[as] == nil {
			all[as] = &standing{}
		}
		return all[as]
	}
	for key, row := range rows {
		kind, _, _ := strings.Cut(key, ":")
		switch kind {
		case "instance":
			var i core.Instance
			if json.Unmarshal(row, &i) == nil && i.Life != nil && !apart(&i) {
				at(service{i.Container.Service, i.Container.Project}).add(i.Life)
			}
		case "service":
			var v core.Service
			if json.Unmarshal(row, &v) != nil || v.Drill || v.OneOff() {
				continue
			}
			if !v.Seen.IsZero() {
				one := at(service{v.Name, v.Project})
				one.row, one.talked = max(one.row, v.Row), later(one.talked, v.Talk.Last)
			}
			for _, r := range v.Signals { // those of a service that has come up in another project are told once
				if of := (Signal{r.Name, r.Service}); read[of] == nil || r.At.After(read[of].At) {
					read[of] = r
				}
			}
		case "engine":
			var e core.Engine
			if s.config.Engine && json.Unmarshal(row, &e) == nil {
				k.put(engineDesc, truth(e.Lost.IsZero()))
			}
		}
	}
	for _, r := range read {
		s.signal(k, r)
	}
	for of, one := range all {
		k.put(upDesc, truth(one.up > 0), of.name, of.project)
		k.put(instancesDesc, float64(one.alive), of.name, of.project)
		k.put(rowDesc, float64(one.row), of.name, of.project)
		k.moment(beganDesc, one.began, of.name, of.project)
		k.moment(talkedDesc, one.talked, of.name, of.project)
		if one.took != nil {
			k.put(tookDesc, float64(*one.took)/1000, of.name, of.project)
		}
	}
	return nil
}

func (n *standing) add(l *core.Life) {
	if l.Alive {
		n.alive++
		if !l.Proven.IsZero() && l.Failures == 0 {
			n.up++
		}
	}
	n.began = later(n.began, l.Start.Began)
	if l.Proven.After(n.proven) && l.Start.TookMS != nil {
		n.proven, n.took = l.Proven, l.Start.TookMS
	}
}

// signal tells of signals that are configured: of others the store remembers
// what they were once.
func (s *stored) signal(k sink, r *core.Reading) {
	for _, c := range s.config.Signals {
		if c.Name != r.Name || c.Service != r.Service {
			continue
		}
		for _, state := range []string{"ok", "breached", "missing", "broken"} {
			k.put(signalDesc, truth(r.State == state), r.Name, r.Service, state)
		}
		for name, v := range r.Values {
			k.put(valueDesc, v, r.Name, r.Service, name)
		}
		k.moment(readDesc, r.At, r.Name, r.Service)
	}
}

func (s *stored) incidents(ctx context.Context, k sink) error {
	open, err := s.config.Store.Incidents(ctx, store.IncidentQuery{Open: true, Limit: 10_000})
	if err != nil {
		return err
	}
	type key struct {
		service
		kind         aweigh.IncidentKind
		severity     aweigh.Severity
		acknowledged bool
	}
	n := map[key]int{}
	for _, i := range open {
		if i.Drill != "" {
			continue
		}
		of, _ := s.services.label(service{i.Service, i.Project})
		n[key{of, i.Kind, i.Severity, i.Acknowledged != nil}]++
	}
	for of, count := range n {
		k.put(openDesc, float64(count), of.name, of.project, string(of.kind), string(of.severity), strconv.FormatBool(of.acknowledged))
	}
	return nil
}

func (s *stored) outbox(ctx context.Context, k sink) error {
	depth, err := s.config.Store.Depth(ctx)
	if err != nil {
		return err
	}
	for _, route := range s.config.Routes {
		for _, state := range []string{"pending", "dead"} {
			k.put(outboxDesc, float64(depth[[2]string{route, state}]), route, state)
		}
	}
	return nil
}

func (s *stored) rest(ctx context.Context, k sink) error {
	last, err := s.config.Store.LastFact(ctx)
	if err != nil {
		return err
	}
	k.moment(factDesc, last)
	beat, err := s.config.Store.LastBeat(ctx)
	if err != nil {
		return err
	}
	k.moment(beatDesc, beat)
	size := int64(0)
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(s.config.Store.Path() + suffix); err == nil {
			size += info.Size()
		}
	}
	k.put(bytesDesc, float64(size))
	return nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
