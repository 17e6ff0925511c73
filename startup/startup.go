// Package startup lets a Go service come up in phases, within a deadline, and
// say that it serves only when it has proved it.
//
//	func main() {
//		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
//		defer stop()
//		s := startup.Begin(startup.Options{Service: "webhook"})
//
//		var db *sql.DB
//		err := s.Phase(ctx, "database", func(ctx context.Context) (err error) {
//			db, err = open(ctx)
//			return err
//		})
//		if err != nil {
//			log.Fatal(err)
//		}
//		s.Check("database", db.PingContext)
//
//		mux := http.NewServeMux()
//		mux.Handle("GET /health", s.Handler())
//		if err := s.ListenAndServe(ctx, &http.Server{Addr: ":5003", Handler: mux}); err != nil {
//			log.Fatal(err)
//		}
//	}
//
// What that gives:
//
//   - A phase that hangs ends the start at the deadline: the report on standard
//     error names the phase, how long it has lasted, and every goroutine, those
//     of the phase first; then the process exits with status 124.
//   - A taken port is an error of ListenAndServe, not a line in a goroutine.
//   - Ready is said after a request over the network has come back from this
//     very process, never before.
//   - The health handler answers in the form of the IETF draft
//     "Health Check Response Format for HTTP APIs" (health+json), 503 with the
//     phase while it is starting, and with the outcome of each check after.
//   - A cancelled context is a graceful stop.
//
// The package needs the standard library alone. Under aweigh, or as a systemd
// unit of Type=notify, it speaks the notify protocol (NOTIFY_SOCKET); without
// either it does the same silently.
package startup

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Options say how a service starts. The zero value is usable.
type Options struct {
	Service string // the name in health answers and log lines; default: none
	Version string // of the service, for health answers; default: none

	// Deadline bounds the whole start, from Begin to ready; default 120 s,
	// negative for none.
	Deadline time.Duration
	// Grace bounds the stop, from the cancelled context to the end of the last
	// request; default 10 s.
	Grace time.Duration
	// CheckTimeout bounds each component check; default 2 s.
	CheckTimeout time.Duration

	// Logger gets a line for each phase and for ready; default slog.Default().
	Logger *slog.Logger
	// OnDeadline is called in place of the report and the exit when the
	// deadline passes before the service is ready. The phase's context is
	// cancelled before.
	OnDeadline func(*DeadlineError)
}

// Startup is one start of this process. Its methods may be called from any
// goroutine; phases follow one another, or are within one another.
type Startup struct {
	Options
	began  time.Time
	notify notifier
	ready  chan struct{}
	alarm  *time.Timer

	mu       sync.Mutex
	open     []*openPhase // the innermost last
	last     *openPhase   // the one that was opened last; nil for none yet
	done     []Phase
	isReady  bool
	stopping bool
	deadline time.Time
	missed   *DeadlineError
	checks   []*check
}

// openPhase is a phase that has begun.
type openPhase struct {
	name   string
	since  time.Time
	cancel context.CancelCauseFunc
	missed *DeadlineError // the deadline passed while it was open
}

// Phase is a finished phase of the start.
type Phase struct {
	Name string
	Took time.Duration
}

// Begin begins a start, and its deadline.
func Begin(o Options) *Startup {
	o.Deadline = cmp.Or(o.Deadline, 120*time.Second)
	o.Grace = cmp.Or(o.Grace, 10*time.Second)
	o.CheckTimeout = cmp.Or(o.CheckTimeout, 2*time.Second)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	now := time.Now()
	s := &Startup{Options: o, began: now, ready: make(chan struct{}), notify: newNotifier()}
	if o.Deadline > 0 {
		s.deadline = now.Add(o.Deadline)
		s.alarm = time.AfterFunc(o.Deadline, s.late)
	}
	return s
}

// Phase runs f as the named phase of the start. f gets a context that is
// cancelled when ctx is, or when the deadline passes; the cause is then a
// *DeadlineError, which Phase returns if there is Options.OnDeadline: else it
// does not return, and f has a second to clean up before the process exits. An
// error of f is returned with the phase's name.
func (s *Startup) Phase(ctx context.Context, name string, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p := s.begin(name, cancel)
	err := s.within(ctx, p, f)
	if p.missed != nil {
		return s.lost(p.missed)
	}
	if err != nil {
		return fmt.Errorf("startup phase %s: %w", name, err)
	}
	return nil
}

// Ready is closed once the service has proved that it serves.
func (s *Startup) Ready() <-chan struct{} { return s.ready }

// Phases returns the finished phases, in order.
func (s *Startup) Phases() []Phase {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Phase(nil), s.done...)
}

func (s *Startup) begin(name string, cancel context.CancelCauseFunc) *openPhase {
	p := &openPhase{name: name, since: time.Now(), cancel: cancel}
	s.mu.Lock()
	s.open, s.last = append(s.open, p), p
	s.mu.Unlock()
	s.notify.send("STATUS=" + name)
	s.Logger.Info("startup phase "+name, "phase", name)
	return p
}

// within runs f as the phase, which is over even if f panics.
func (s *Startup) within(ctx context.Context, p *openPhase, f func(context.Context) error) (err error) {
	defer func() { s.end(p, err) }()
	return labelled(ctx, p.name, f)
}

func (s *Startup) end(p *openPhase, err error) {
	s.mu.Lock()
	took := time.Since(p.since)
	s.done = append(s.done, Phase{p.name, took})
	s.open = slices.DeleteFunc(s.open, func(o *openPhase) bool { return o == p })
	around := ""
	if n := len(s.open); n > 0 {
		around = s.open[n-1].name
	}
	s.mu.Unlock()
	if around != "" {
		s.notify.send("STATUS=" + around)
	}
	if err != nil {
		s.Logger.Error("startup phase "+p.name+" failed", "phase", p.name, "took", took, "err", err)
	}
}

// proven makes the start ready. It reports false when the deadline was first.
func (s *Startup) proven() bool {
	s.mu.Lock()
	if s.missed != nil {
		s.mu.Unlock()
		return false
	}
	first := !s.isReady
	s.isReady = true
	s.mu.Unlock()
	if !first { // another server of this start was
		return true
	}
	if s.alarm != nil {
		s.alarm.Stop()
	}
	close(s.ready)
	s.notify.send("READY=1\nSTATUS=serving")
	s.Logger.Info("ready", "took", time.Since(s.began))
	return true
}
