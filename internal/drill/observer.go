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
	"slices"
	"sync"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/notify"
	"github.com/aweigh/aweigh/internal/store"
	"github.com/aweigh/aweigh/internal/watch"
)

// observer is what looks on: a watcher of the stage's own, or the one that runs
// on this host. It is asked by its store.
type observer struct {
	dir   string // the watcher's state
	name  string // of the service that it is asked about
	own   *ownWatcher
	store *store.Store // nil until it has been read
}

// ownWatcher is the same program as `aweigh watch`, on a state of its own, with a
// route that leads to this process. What arrives there has been told.
type ownWatcher struct {
	config watch.Config
	host   string // of the engine
	inbox  *inbox
	cancel context.CancelFunc
	ended  chan error
}

// observe has the stage looked at by the watcher that runs, or by one of its own
// where there is none or the drill must end it.
func (st *stage) observe(ctx context.Context, own bool, more []notify.Route) (*observer, error) {
	if st.Watcher != nil && !own {
		return &observer{dir: st.Watcher.State, name: st.name}, nil
	}
	box, err := openInbox()
	if err != nil {
		return nil, err
	}
	w := &ownWatcher{host: st.host, inbox: box}
	o := &observer{dir: filepath.Join(st.dir, st.id), name: st.name, own: w}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		box.close()
		return nil, fmt.Errorf("the state of the drill's watcher: %w", err)
	}
	routes := append([]notify.Route{{Name: "drill", URL: box.url(), Drills: true}}, more...)
	for _, r := range st.Routes {
		r.Drills = true
		routes = append(routes, r)
	}
	w.config = watch.Config{Host: watch.HostName(), State: o.dir, Label: aweigh.DrillLabel + "=" + st.id, Config: config.Default(),
		Routes: routes, Version: st.Version, Log: slog.New(slog.DiscardHandler)}
	if err := w.begin(ctx); err != nil {
		box.close()
		return nil, err
	}
	return o, nil
}

// begin begins to watch, for the first time or again.
func (w *ownWatcher) begin(ctx context.Context) error {
	engine, err := docker.Open(w.host)
	if err != nil {
		return err
	}
	// It ends when it is told to, not when the drill is interrupted: what that
	// leaves is to be seen as well.
	ctx, w.cancel = context.WithCancel(context.WithoutCancel(ctx))
	w.ended = make(chan error, 1)
	c := w.config
	c.Engine = engine
	go func() {
		defer engine.Close()
		w.ended <- watch.Run(ctx, c)
	}()
	return nil
}

// end has it end, as a machine that goes down would.
func (w *ownWatcher) end() {
	if w.cancel != nil {
		w.cancel()
		<-w.ended
		w.cancel = nil
	}
}

// failure is why it has ended by itself; nil while it goes on.
func (w *ownWatcher) failure() error {
	select {
	case err := <-w.ended:
		w.ended <- err
		if w.cancel != nil {
			return fmt.Errorf("the drill's watcher has ended: %w", err)
		}
	default:
	}
	return nil
}

// close ends all that is the stage's own.
func (o *observer) close() {
	if o == nil {
		return
	}
	if o.own != nil {
		o.own.end()
		o.own.inbox.close()
	}
	if o.store != nil {
		o.store.Close()
	}
}

// evidence is where the state of a watcher is that looked at this stage alone,
// "" if there is none.
func (o *observer) evidence() string {
	if o == nil || o.own == nil {
		return ""
	}
	return o.dir
}

// read opens the watcher's store once it is there.
func (o *observer) read(ctx context.Context) (*store.Store, error) {
	if o.store != nil {
		return o.store, nil
	}
	if o.own != nil {
		if err := o.own.failure(); err != nil {
			return nil, err
		}
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

// cause is what an earlier start of an incident was diagnosed as, if that is what
// the drill expects: a crash may keep the next starts from coming up, and the
// incident has the cause of the newest.
func (o *observer) cause(ctx context.Context, n *aweigh.Incident, d Drill) (*aweigh.Cause, error) {
	st, err := o.read(ctx)
	if st == nil || err != nil {
		return nil, err
	}
	all, err := st.Starts(ctx, store.StartQuery{Service: o.name, Limit: 100})
	for _, s := range all {
		if s.Cause.Named() && d.expects(s.Cause.ID) && slices.Contains(n.Starts, s.ID) {
			return s.Cause, err
		}
	}
	return nil, err
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

// told is when somebody was told of an incident of such a kind, "" for any: when
// it arrived here, or when the running watcher's route had taken it.
func (o *observer) told(ctx context.Context, id string, kind aweigh.IncidentKind) (at time.Time, ok bool, err error) {
	if o.own != nil {
		at, ok = o.own.inbox.first(id, kind)
		return at, ok, nil
	}
	st, err := o.read(ctx)
	if st == nil || err != nil {
		return at, false, err
	}
	letters, err := st.Letters(ctx, "sent", 100)
	for _, l := range letters { // the newest first
		if n := l.Notification.Incident; n != nil && n.ID == id && (kind == "" || n.Kind == kind) && l.Ended != nil {
			at, ok = *l.Ended, true
		}
	}
	return at, ok, err
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
func (b *inbox) first(id string, kind aweigh.IncidentKind) (time.Time, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.arrived {
		if t.Incident != nil && t.Incident.ID == id && (kind == "" || t.Incident.Kind == kind) {
			return t.at, true
		}
	}
	return time.Time{}, false
}

func (b *inbox) close() { b.server.Close() }
