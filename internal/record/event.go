package record

import (
	"time"

	"github.com/aweigh/aweigh"
)

// Format is the version of the record format, written into the first event of
// each record. Readers accept higher versions and ignore what they do not know.
const Format = 1

// The names of events. Those of a start are also the `event=` key of the
// supervisor's own log lines.
const (
	StartBegin   = "start.begin"
	StartPhase   = "start.phase"
	StartSlow    = "start.slow" // half way to the deadline: what it waits in
	StartReady   = "start.ready"
	StartFailed  = "start.failed"
	RunUnhealthy = "run.unhealthy"
	RunHealthy   = "run.healthy"
	RunOOM       = "run.oom" // the kernel killed a process of the service, which goes on
	RunStopping  = "run.stopping"
	RunExit      = "run.exit"
	Snapshot     = "snapshot"
	Closed       = "record.closed" // a later start closed it: its supervisor ended without a word
	Gap          = "record.gap"    // output or events were lost; Reason and Lost say what
)

// Event is one line of a record's events.jsonl. The record is the fold of its
// events; nothing in it is ever rewritten.
type Event struct {
	Time  time.Time `json:"time"` // UTC, wall clock
	Event string    `json:"event"`
	// ElapsedMS is the time since the start began by the monotonic clock, in
	// milliseconds, so that a stepped wall clock does not bend a duration.
	ElapsedMS int64 `json:"elapsed_ms"`

	// Of start.begin.
	Format   int      `json:"format,omitempty"`
	Start    string   `json:"start,omitempty"`
	Service  string   `json:"service,omitempty"`
	Instance string   `json:"instance,omitempty"`
	Host     string   `json:"host,omitempty"`
	Engine   string   `json:"engine,omitempty"`  // what ran it when a watcher wrote the record; "" for a supervisor's own
	Project  string   `json:"project,omitempty"` // of Compose
	Image    string   `json:"image,omitempty"`
	Command  []string `json:"command,omitempty"`
	Dir      string   `json:"dir,omitempty"` // working directory
	BootID   string   `json:"boot_id,omitempty"`
	PID      int      `json:"pid,omitempty"` // of the supervisor
	Deadline int64    `json:"startup_timeout_ms,omitempty"`
	Version  string   `json:"version,omitempty"` // of Aweigh
	Env      []string `json:"env_names,omitempty"`

	Phase   string         `json:"phase,omitempty"`
	Verdict aweigh.Verdict `json:"verdict,omitempty"`
	End     aweigh.RunEnd  `json:"end,omitempty"`
	Reason  string         `json:"reason,omitempty"`
	Probe   *aweigh.Probe  `json:"probe,omitempty"`
	Exit    *aweigh.Exit   `json:"exit,omitempty"`
	Cause   *aweigh.Cause  `json:"cause,omitempty"`
	InARow  int            `json:"in_a_row,omitempty"`
	Row     map[string]int `json:"row,omitempty"` // how the failures of the row ended, this one included
	Lost    int64          `json:"lost_bytes,omitempty"`
	LastLog []string       `json:"last_lines,omitempty"`
	MaxRSS  int64          `json:"max_rss_bytes,omitempty"`
	CPUMS   int64          `json:"cpu_ms,omitempty"`
}

// Fold makes the start that a record's events tell of, in the order in which
// they were written. It ignores events that it does not know.
func Fold(events []Event) aweigh.Start {
	var f fold
	for i := range events {
		f.add(&events[i])
	}
	return f.start
}

type fold struct {
	start   aweigh.Start
	opened  int64 // elapsed when the open phase began
	readyAt int64
}

func (f *fold) add(e *Event) {
	s := &f.start
	if e.Probe != nil {
		s.Probe = e.Probe
	}
	if e.Exit != nil {
		s.Exit = e.Exit
	}
	if e.Cause != nil {
		s.Cause = e.Cause
	}
	if e.InARow > 0 {
		s.InARow = e.InARow
	}
	switch e.Event {
	case StartBegin:
		s.ID, s.Service, s.Instance, s.Host = e.Start, e.Service, e.Instance, e.Host
		s.Command, s.Began = e.Command, e.Time.UTC()
		s.Project, s.Image = e.Project, e.Image
	case StartPhase:
		f.phase(e.Phase, e.ElapsedMS)
	case StartReady:
		f.verdict(aweigh.Ready, e)
		f.readyAt = e.ElapsedMS
		s.Run = &aweigh.Run{}
	case StartFailed:
		f.verdict(e.Verdict, e)
	case RunExit:
		f.endRun(e)
	case Closed:
		if s.Verdict == "" {
			f.verdict(aweigh.Unknown, e)
			s.TookMS = nil // the moment of its end is not known
		} else if s.Run != nil && s.Run.End == "" {
			f.endRun(e)
		}
	}
}

// phase closes the open phase and opens the next. The implicit phase "listen"
// of a service that turns out to name its own phases was part of its exec.
func (f *fold) phase(name string, at int64) {
	p := &f.start.Phases
	if n := len(*p); n > 1 && (*p)[n-1].Name == "listen" && (*p)[n-1].Open && (*p)[n-2].Name == "exec" && name != "verify" {
		f.opened -= (*p)[n-2].MS
		*p = (*p)[:n-1]
		(*p)[n-2].Open = true
	}
	f.closePhase(at)
	*p = append(*p, aweigh.Phase{Name: name, Open: true})
	f.opened = at
}

func (f *fold) closePhase(at int64) {
	if n := len(f.start.Phases); n > 0 && f.start.Phases[n-1].Open {
		f.start.Phases[n-1].Open = false
		f.start.Phases[n-1].MS = at - f.opened
	}
}

func (f *fold) verdict(v aweigh.Verdict, e *Event) {
	if f.start.Verdict != "" {
		return
	}
	f.start.Verdict, f.start.Reason = v, e.Reason
	if v != aweigh.Unknown || e.ElapsedMS > 0 {
		took := e.ElapsedMS
		f.start.TookMS = &took
	}
	f.closePhase(e.ElapsedMS)
	if n := len(f.start.Phases); n > 0 && v != aweigh.Ready {
		f.start.Phases[n-1].Open = true
	}
}

func (f *fold) endRun(e *Event) {
	r := f.start.Run
	if r == nil || r.End != "" {
		return
	}
	r.End, r.Reason = e.End, e.Reason
	if r.End == "" {
		r.End = aweigh.RunUnknown
	}
	if e.Event == RunExit {
		ended := e.Time.UTC()
		r.Ended, r.ServedMS = &ended, max(0, e.ElapsedMS-f.readyAt)
	}
}
