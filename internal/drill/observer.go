package drill

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/notify"
	"github.com/aweigh/aweigh/internal/store"
	"github.com/aweigh/aweigh/internal/watch"
)

// observer is a watcher of a stage's own: the same program as `aweigh watch`, on
// a state of its own, with a route that leads to this process. What arrives
// there has been told.
type observer struct {
	dir    string // its state
	name   string // of the service that it is asked about
	config watch.Config
	inbox  *inbox
	host   string // of the engine

	cancel context.CancelFunc
	ended  chan error
	store  *store.Store // nil until it has been read
}

// observe begins to watch the stage.
func (st *stage) observe(ctx context.Context, settings map[string]any, more []notify.Route) (*observer, error) {
	conf, err := watcherConfig(settings)
	if err != nil {
		return nil, err
	}
	box, err := openInbox()
	if err != nil {
		return nil, err
	}
	o := &observer{dir: filepath.Join(st.dir, st.id), name: st.name, inbox: box, host: st.host}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		box.close()
		return nil, fmt.Errorf("the state of the drill's watcher: %w", err)
	}
	routes := append([]notify.Route{{Name: "drill", URL: box.url(), Drills: true}}, more...)
	for _, r := range st.Routes {
		r.Drills = true
		routes = append(routes, r)
	}
	o.config = watch.Config{Host: watch.HostName(), State: o.dir, Label: aweigh.DrillLabel + "=" + st.id, Config: conf,
		Routes: routes, Version: st.Version, Log: slog.New(slog.DiscardHandler)}
	if err := o.begin(ctx); err != nil {
		box.close()
		return nil, err
	}
	return o, nil
}

// watcherConfig is an aweigh.yaml with these settings for every service. JSON is
// YAML; a dollar sign would be a variable's.
func watcherConfig(settings map[string]any) (*config.Config, error) {
	for key, value := range settings {
		if text, ok := value.(string); ok {
			settings[key] = escapeVariables(text)
		}
	}
	text, err := json.Marshal(map[string]any{"defaults": settings})
	if err != nil {
		return nil, err
	}
	return config.Parse("the drill's settings", text)
}

// state is the directory of its state, "" if there is no watcher.
func (o *observer) state() string {
	if o == nil {
		return ""
	}
	return o.dir
}

// begin begins to watch, for the first time or again.
func (o *observer) begin(ctx context.Context) error {
	engine, err := docker.Open(o.host)
	if err != nil {
		return err
	}
	// It ends when it is told to, not when the drill is interrupted: what that
	// leaves is to be seen as well.
	ctx, o.cancel = context.WithCancel(context.WithoutCancel(ctx))
	o.ended = make(chan error, 1)
	c := o.config
	c.Engine = engine
	go func() {
		defer engine.Close()
		o.ended <- watch.Run(ctx, c)
	}()
	return nil
}

// end has it end, as a machine that goes down would.
func (o *observer) end() {
	if o.cancel != nil {
		o.cancel()
		<-o.ended
		o.cancel = nil
	}
}

// close ends all of it. Its state stays.
func (o *observer) close() {
	o.end()
	if o.store != nil {
		o.store.Close()
	}
	o.inbox.close()
}

// read opens the watcher's store once it is there.
func (o *observer) read(ctx context.Context) (*store.Store, error) {
	if o.store != nil {
		return o.store, nil
	}
	select {
	case err := <-o.ended:
		o.ended <- err
		if o.cancel != nil {
			return nil, fmt.Errorf("the drill's watcher has ended: %w", err)
		}
	default:
	}
	st, err := store.OpenToRead(ctx, o.dir)
	if err != nil {
		return nil, nil // not yet
	}
	o.store = st
	return st, nil
}

// incidents are those of the copy's service, newest first.
func (o *observer) incidents(ctx context.Context) ([]aweigh.Incident, error) {
	st, err := o.read(ctx)
	if st == nil || err != nil {
		return nil, err
	}
	return st.Incidents(ctx, store.IncidentQuery{Service: o.name})
}

// newest is the newest start of the copy's service that began after a moment.
func (o *observer) newest(ctx context.Context, after time.Time) (*aweigh.Start, error) {
	st, err := o.read(ctx)
	if st == nil || err != nil {
		return nil, err
	}
	all, err := st.Starts(ctx, store.StartQuery{Service: o.name, Limit: 1, Since: after})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

// tries is how often a letter could not be delivered.
func (o *observer) tries(ctx context.Context) (int, error) {
	st, err := o.read(ctx)
	if st == nil || err != nil {
		return 0, err
	}
	letters, err := st.Letters(ctx, "", 100)
	n := 0
	for _, l := range letters {
		n += l.Tries
	}
	return n, err
}

// telling is a notification that has arrived.
type telling struct {
	at time.Time
	aweigh.Notification
}

// inbox is where the drill's route leads: a web server in this process.
type inbox struct {
	listener net.Listener
	server   *http.Server
	mu       sync.Mutex
	arrived  []telling
}

func openInbox() (*inbox, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("a place for notifications to arrive: %w", err)
	}
	b := &inbox{listener: l}
	b.server = &http.Server{Handler: http.HandlerFunc(b.take), ReadHeaderTimeout: 10 * time.Second}
	go b.server.Serve(l)
	return b, nil
}

func (b *inbox) url() string { return "webhook+http://" + b.listener.Addr().String() + "/" }

func (b *inbox) take(w http.ResponseWriter, r *http.Request) {
	t := telling{at: time.Now()}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&t.Notification); err != nil {
		http.Error(w, "not a notification", http.StatusBadRequest)
		return
	}
	b.mu.Lock()
	b.arrived = append(b.arrived, t)
	b.mu.Unlock()
}

// first is the first telling of an incident of such a kind, "" for any.
func (b *inbox) first(id string, kind aweigh.IncidentKind) (telling, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.arrived {
		if t.Incident != nil && t.Incident.ID == id && (kind == "" || t.Incident.Kind == kind) {
			return t, true
		}
	}
	return telling{}, false
}

func (b *inbox) close() { b.server.Close() }
