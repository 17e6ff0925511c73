// Package supervise runs a service: it launches the command, passes its output
// through and into a record, proves the moment from which it serves or finds
// out within the deadline why it does not, passes signals on, reaps what it
// leaves behind, and explains its end.
//
//	code := supervise.Run(supervise.Config{Command: []string{"nginx", "-g", "daemon off;"}, Port: 80, ...})
//	os.Exit(code)
//
// The decisions are in the pure type lifecycle; Run feeds it what happens and
// does what it asks for. docs/architecture.md follows one start through both.
package supervise

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/child"
	"github.com/aweigh/aweigh/internal/expect"
	"github.com/aweigh/aweigh/internal/probe"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/snapshot"
	"github.com/aweigh/aweigh/internal/sockdiag"
	"github.com/aweigh/aweigh/internal/verdict"
)

// Config is what a run needs to know. The command line fills it; see
// docs/run.md for the defaults.
type Config struct {
	Command []string
	Service string
	Port    int           // 0: the first port that the service listens on
	Probe   *probe.Target // nil: TCP on the port
	Expect  *expect.Expr  // nil: the probe's own default

	StartupTimeout, StopGrace   time.Duration
	Interval, Timeout           time.Duration
	Retries                     int
	ExitWhenUnhealthy, NoAssist bool

	RecordDir string // "": the default place
	Limits    record.Limits
	Notify    []string
	LogFormat string // "text" or "json"
	// Diagnose names the cause of a failure; nil: only what is certain is named.
	Diagnose func(Failure) *aweigh.Cause
	Version  string
}

// supervisor is one run of Run.
type supervisor struct {
	Config
	id    string
	began time.Time
	life  *lifecycle
	log   *slog.Logger

	children *child.Set
	signals  chan os.Signal
	process  *child.Process
	out, err *sink
	streams  streams
	heard    *heard

	recordDir string
	rec       *record.Recorder
	usual     chan time.Duration
	usually   time.Duration // the service's usual time to ready, zero while not known

	table  *sockdiag.Table
	watch  *watch
	asker  *asker
	live   liveness
	notify *notices
	waits  *waits
	oom    oomCounter
	oom0   int64

	events    []record.Event
	oomSeen   int64
	strayed   bool   // processes outlived the command
	disarm    func() // takes back what helped the runtimes
	spoke     bool   // the service speaks the notify protocol
	phase     string
	readyAt   time.Time
	target    string
	exit      *child.Exit
	reason    string // why the service is being ended
	stopSig   syscall.Signal
	stopHeard bool // somebody wants it to end, whatever state it is in
	passed    syscall.Signal
	passedAt  time.Time // when the last signal was passed on
	finished  bool      // the verdict is told

	inspecting bool // a snapshot is on its way
	snap       *snapshot.Snapshot
	before     []byte // the output before a snapshot, which may bring stacks into it
	tell       *teller

	shared struct { // with the goroutine that answers health checks
		sync.Mutex
		phase    string // empty once it is ready
		target   string
		stopping bool
		starved  string // what the watchdog has against it, though it answers
	}
}

// Run supervises until the service and all that it left behind have ended, and
// returns the exit status for the whole.
func Run(c Config) int {
	time.Local = time.UTC // for the times of our own lines; no zone file is read
	s := &supervisor{Config: c, began: time.Now(), heard: &heard{}, usual: make(chan time.Duration, 1),
		children: child.New(), signals: make(chan os.Signal, 64)}
	listenForSignals(s.signals)
	defer s.children.Close()
	s.id = aweigh.NewID(s.began)
	s.out, s.err = &sink{fd: 1}, &sink{fd: 2}
	s.log = newLogger(s.err, c.LogFormat, c.Service, s.id)
	s.out.warn = func(err error) {
		s.warn(fmt.Sprintf("nobody reads the output any more (%v); it goes on into the record", err))
	}
	defer s.err.settle()
	return s.run()
}

func (s *supervisor) run() int {
	s.openRecord()
	s.table = sockdiag.Open()
	s.tell = newTeller(s.Notify, s.warn)
	s.log.Info("starting "+s.title(), "event", record.StartBegin, "command", strings.Join(mask(s.Command), " "),
		"startup_timeout_ms", s.StartupTimeout.Milliseconds(), "record", s.recordPath())

	if code, refused := s.preflight(); refused {
		return code
	}
	s.setPhase("exec")
	s.prepareWatch()
	s.life = newLifecycle(time.Now(), s.StartupTimeout, s.Interval, s.StopGrace)
	if lerr := s.launch(); lerr != nil {
		return s.notLaunched(lerr)
	}
	go func() {
		listenForOtherSignals(s.signals)
		s.streams.resize() // the terminal may have got its size before: docker run gives it after the start
	}()
	s.oom = newOOMCounter() // while the kernel loads the program, which has taken no memory yet
	s.oom0 = s.oom.kills()
	s.oomSeen = s.oom0
	s.setPhase("listen")
	return s.attend()
}

// preflight refuses a start that cannot succeed.
func (s *supervisor) preflight() (code int, refused bool) {
	addr, port, ok := s.expectedAddr()
	if !ok {
		return 0, false
	}
	who := portTaken(addr, port, s.table)
	if who == "" {
		return 0, false
	}
	reason := fmt.Sprintf("port %d is already in use by %s: stop it, or set --port", port, who)
	s.failed(aweigh.Refused, reason, nil, ExitPortTaken, "port-in-use")
	s.close()
	return ExitPortTaken, true
}

func (s *supervisor) notLaunched(lerr *launchError) int {
	s.drain() // puts our terminal back
	s.failed(aweigh.Crashed, lerr.reason, &aweigh.Exit{Code: lerr.code}, lerr.code, lerr.cause)
	s.close()
	return lerr.code
}

// attend is the loop: it waits for whatever happens next, and for the timer.
func (s *supervisor) attend() int {
	// One processor is enough for what mostly waits: with more, each wake-up
	// wakes a second thread to look whether there is more to do. A start that is
	// over at once is quicker with all of them.
	settle := time.AfterFunc(time.Second, func() { runtime.GOMAXPROCS(1) })
	defer settle.Stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer s.notify.close()
	asking, stopAsking := context.WithCancel(ctx)
	defer stopAsking()
	go s.watch.run(asking)
	if s.rec != nil {
		go s.tidy(ctx)
	}
	if v, err := verdict.Listen(s.verdict); err == nil {
		defer v.Close()
	} else {
		s.warn(fmt.Sprintf("aweigh health will have to probe by itself: %v", err))
	}

	timer := time.NewTimer(time.Until(s.life.timer))
	defer timer.Stop()
	half := time.NewTimer(s.StartupTimeout / 2)
	defer half.Stop()
	sample := time.NewTicker(s.waits.every)
	defer sample.Stop()
	inspected := make(chan snapshot.Snapshot, 1)
	answers := make(chan answer, 1)
	exited := s.process.Exited
	leftovers := time.NewTicker(time.Hour)
	leftovers.Stop()
	defer leftovers.Stop()

	for s.life.state != done {
		timer.Reset(time.Until(s.life.timer))
		var actions []action
		select {
		case sig := <-s.signals:
			s.pass(sig.(syscall.Signal))
		case e := <-exited:
			s.exit, exited = &e, nil
			stopAsking()
			s.wasStopped(e, time.Now())
			actions = s.life.exited(time.Now())
			leftovers.Reset(5 * time.Millisecond)
			if s.alone() {
				s.life.alone()
				actions = nil
			} else {
				s.strayed = true
			}
		case l := <-s.watch.listening:
			s.listens(l)
		case p := <-s.watch.proven:
			s.proven(p)
			sample.Stop()
			half.Stop()
		case m := <-s.notify.messages:
			actions = s.said(m)
		case a := <-answers:
			actions = s.answered(a)
		case snap := <-inspected:
			s.keep(snap)
			actions = s.life.inspected(time.Now())
		case s.usually = <-s.usual:
		case <-half.C:
			s.halfway()
		case <-sample.C:
			s.sample()
			s.checkOOM()
		case <-leftovers.C:
			if s.alone() {
				s.life.alone()
			}
		case now := <-timer.C:
			actions = s.life.timeout(now)
		}
		for _, a := range actions {
			s.do(ctx, asking, a, inspected, answers)
		}
	}
	if s.inspecting && s.exit != nil { // the service died of a signal that asked for its stack
		select {
		case snap := <-inspected:
			s.keep(snap)
		case <-time.After(inspectLimit):
		}
	}
	cancel()
	s.drain()
	return s.end()
}

// do does what the life cycle asks for.
func (s *supervisor) do(ctx, asking context.Context, a action, inspected chan<- snapshot.Snapshot, answers chan<- answer) {
	switch a {
	case ask:
		go s.live.ask(asking, s.asker, s.Timeout, answers)
		s.checkOOM()
	case inspect:
		s.waits.look()
		if s.life.missedDeadline {
			s.reason = s.whyLate()
		}
		s.log.Warn("taking a snapshot before ending it: "+s.reason, "event", record.Snapshot)
		s.inspecting, s.before = true, s.heard.text()
		sampler := &s.waits.sampler
		if s.waits.looking != nil {
			sampler = nil // a look that hangs has it
		}
		go func() { inspected <- s.inspect(ctx, sampler) }()
	case terminate:
		s.signal(syscall.SIGTERM)
	case kill:
		s.killAll()
	case terminateStray:
		s.signalTree(syscall.SIGTERM)
	}
}
