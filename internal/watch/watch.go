// Package watch is the daemon that sees every start on a host: it follows the
// container engine, asks the services, keeps what they print, folds all that
// into starts and incidents, and has people told.
//
//	err := watch.Run(ctx, watch.Config{State: "/var/lib/aweigh", Engine: engine, ...})
//
// Run wires adapters around the pure core: package docker tells facts,
// evidence.go and prober.go tell more, loop.go folds them and stores what
// follows, package notify delivers.
package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/gather"
	"github.com/aweigh/aweigh/internal/metrics"
	"github.com/aweigh/aweigh/internal/notify"
	"github.com/aweigh/aweigh/internal/objective"
	"github.com/aweigh/aweigh/internal/signals"
	"github.com/aweigh/aweigh/internal/store"
)

// Config is what a watcher needs to know.
type Config struct {
	Host   string         // the name of this machine in messages
	State  string         // the directory of all that it keeps
	Engine *docker.Engine // nil: there is no container engine
	// Label, NAME or NAME=VALUE, leaves all containers aside that do not have
	// it; "" watches all.
	Label string
	// Records are record directories of `aweigh run` without a container; State
	// is always one of them.
	Records []string
	Config  *config.Config
	Routes  []notify.Route
	Signals []*signals.Compiled
	Listen  string // address of its pages, API and health check; "" for none
	// Pages are what it serves there besides its health, the metrics among it; nil
	// for the metrics alone, to anybody.
	Pages func(st *store.Store, metrics http.Handler) Pages
	// Journals reads the journals of deployments, for objectives; nil for none.
	Journals func() ([]objective.Journaled, error)
	Version  string
	Log      *slog.Logger
}

// recordBytes bounds the output that is kept of one start.
const recordBytes = 64 << 20

// Run watches until ctx ends, and returns when all that it began has ended.
func Run(ctx context.Context, c Config) error {
	unlock, err := lock(c.State)
	if err != nil {
		return err
	}
	defer unlock()
	st, err := openStore(ctx, c)
	if err != nil {
		return err
	}
	defer st.Close()
	w := &watcher{Config: c, store: st, mail: newMailbag(st), facts: newInflow(), settings: newSettings(c.Config, c.Log), changed: func() {}}
	return w.run(ctx)
}

// openStore opens the store; a damaged one is set aside, for a watcher that
// does not start helps nobody.
func openStore(ctx context.Context, c Config) (*store.Store, error) {
	st, err := store.Open(ctx, c.State)
	if err == nil {
		if err = readable(ctx, st); err != nil {
			st.Close()
		}
	}
	var damaged *store.Damaged
	if !errors.As(err, &damaged) {
		return st, err
	}
	aside, moveErr := store.SetAside(c.State, time.Now())
	if moveErr != nil {
		return nil, errors.Join(err, moveErr)
	}
	c.Log.Error(fmt.Sprintf("the store was damaged (%v): it is %s now, and a new one begins", damaged.Err, aside), "event", "warning")
	return store.Open(ctx, c.State)
}

// readable reads what the watcher begins with: a file that opens may yet be
// damaged further in.
func readable(ctx context.Context, st *store.Store) error {
	_, err := st.State(ctx)
	if err == nil {
		_, err = st.LastFact(ctx)
	}
	return err
}

// watcher is one run of Run.
type watcher struct {
	Config
	store    *store.Store
	mail     *mailbag
	facts    *inflow
	settings *settings
	state    *core.State
	evidence *evidence
	probers  *probers
	deliver  *notify.Deliverer
	metrics  *metrics.Metrics
	traces   *traces
	changed  func() // tells open pages that the store has changed
	version  int64  // of the store's inbox, as last seen
	looks    sync.WaitGroup
	looking  bool         // a tick is on its way; belongs to the fold's goroutine
	beat     atomic.Int64 // when the loop last came round, in nanoseconds since 1970
}

func (w *watcher) run(ctx context.Context) error {
	rows, err := w.store.State(ctx)
	if err != nil {
		return err
	}
	if w.state, err = core.Load(w.Host, w.settings.of, rows); err != nil {
		return err
	}
	last, err := w.store.LastFact(ctx)
	if err != nil {
		return err
	}
	there, err := w.store.LastBeat(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, r := range w.Routes {
		names = append(names, r.Name)
	}
	switch lost, err := w.store.Abandon(ctx, names); {
	case err != nil:
		return err
	case lost > 0:
		w.Log.Error("given up: their routes are not configured any more", "event", "notify.dead", "letters", lost)
	}
	w.metrics, w.traces = w.newMetrics(names), w.newTraces()
	if w.deliver, err = notify.NewDeliverer(w.metrics.Outbox(w.mail), w.Routes, w.Log); err != nil {
		return err
	}
	w.deliver.Turn = w.store.Turn
	tell := w.facts.add
	w.probers = &probers{tell: tell, count: w.metrics.Probe, each: map[string]*prober{}, warn: func(text string) { w.Log.Warn(text, "event", "warning") }}
	w.probers.lines = func(id string) []string { return w.evidence.tail(id) }
	w.probers.cause = func(ctx context.Context, id string) *aweigh.Cause { return w.evidence.causeOfLife(ctx, id) }
	w.evidence = &evidence{engine: w.Engine, dir: w.State, keep: recordBytes, version: w.Version, tell: tell, log: w.Log, there: there,
		tapes: map[string][]*tape{}, died: map[string][]time.Time{}, oom: map[string]time.Time{}, warned: map[string]bool{}, stuck: map[string]bool{}, look: gather.Container,
		silence: func(c *aweigh.Container) time.Duration { return w.settings.of(c.Service, c.Labels).Silence }}
	w.evidence.reading, w.evidence.stopReading = context.WithCancel(context.WithoutCancel(ctx))
	defer w.evidence.stopReading()

	since, told, err := w.store.Events(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running, engine sync.WaitGroup
	// Letters go on being delivered for a moment after the rest has ended: the
	// last ones may be about that.
	running.Go(func() { w.deliver.Run(ctx) })
	tell(aweigh.Fact{Kind: aweigh.FactWatching, At: time.Now().UTC(), Since: there})
	for _, f := range w.goneSignals() {
		tell(f)
	}
	w.resume(ctx) // before the engine tells of the lives that came after these
	if w.Engine != nil {
		lost, known := !w.state.Engine.Lost.IsZero(), w.containers()
		engine.Go(func() {
			w.Engine.Run(ctx, docker.Watcher{Label: w.Label, Since: since, Told: func(id string) bool { return told[id] }, Known: known, Lost: lost, Tell: w.observed, Ended: w.evidence.ended,
				Starting: func(c *aweigh.Container, at, until time.Time) { w.starting(ctx, c, at, until) }})
		})
	}
	for _, dir := range append([]string{w.State}, w.Records...) {
		running.Go(func() { watchRecords(ctx, dir, recent(last), tell) })
	}
	running.Go(func() { w.readSignals(ctx) })
	running.Go(func() { w.sendReports(ctx) })
	running.Go(func() { w.tidy(ctx) })
	if w.traces != nil {
		running.Go(func() { w.traces.exporter.Run(ctx) })
	}
	if switchURL := w.Config.Config.Watch.DeadMansSwitch; !switchURL.IsZero() {
		running.Go(func() { w.ping(ctx, switchURL.Reveal()) })
	}
	w.beat.Store(time.Now().UnixNano())
	if w.Listen != "" {
		server, err := w.serve()
		if err != nil {
			cancel(err)
			engine.Wait()
			w.evidence.close()
			running.Wait()
			return err
		}
		defer server.close()
	}
	w.Log.Info("watching", "event", "watch.begin", "state", w.State, "engine", w.engineName(), "listen", w.Listen,
		"routes", len(w.Routes), "services", len(w.state.Services))
	err = w.loop(ctx)
	cancel(err)
	w.looks.Wait()
	w.probers.running.Wait()
	engine.Wait() // what it observes may have an output read to its end
	w.evidence.close()
	running.Wait()
	w.Log.Info("not watching any more", "event", "watch.end")
	return err
}

// containers are the ids of those that the state knows.
func (w *watcher) containers() (ids []string) {
	for id, i := range w.state.Instances {
		if i.Container.Engine != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// recent is from when on what happened is news: since the watcher was there
// last, or since now.
func recent(last time.Time) time.Time {
	if last.IsZero() {
		return time.Now()
	}
	return last
}

func (w *watcher) engineName() string {
	if w.Engine == nil {
		return "none"
	}
	return w.Engine.Host()
}

// starting has the output of a container followed. It runs in the engine's
// lanes.
func (w *watcher) starting(ctx context.Context, c *aweigh.Container, at, until time.Time) {
	if !w.settings.of(c.Service, c.Labels).Ignore {
		w.evidence.begin(ctx, c, at, until)
	}
}

// observed takes a fact of the engine, before it is folded. It runs in the
// engine's lanes.
func (w *watcher) observed(f aweigh.Fact) {
	switch f.Kind {
	case aweigh.FactDied:
		f.Lines, f.Reason = w.evidence.last(f.Instance, f.At)
		f.Cause = w.evidence.causeOfEnd(f)
	case aweigh.FactOOM:
		w.evidence.ranOut(f.Instance, f.At)
	case aweigh.FactSeen:
		if c := f.Container; c.Error != "" && c.Status != "running" {
			f.Cause = w.evidence.causeOfEnd(f)
		}
	case aweigh.FactHealth:
		if !f.OK {
			f.Lines = w.evidence.tail(f.Instance)
			f.Cause = w.evidence.causeOfLife(context.Background(), f.Instance)
		}
	}
	w.facts.add(f)
}

// HostName is this machine's name, or what AWEIGH_HOST says.
func HostName() string {
	if name := os.Getenv("AWEIGH_HOST"); name != "" {
		return name
	}
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}
