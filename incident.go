package aweigh

import "time"

// IncidentKind names what an incident is about. Signals have kinds of their
// own: SignalKind("linkage") is "signal:linkage".
type IncidentKind string

const (
	StartupFailed      IncidentKind = "startup-failed"      // a start failed, and nothing will try again, or trying again failed too
	StartupUnconfirmed IncidentKind = "startup-unconfirmed" // no proof within confirm_within
	CrashLoop          IncidentKind = "crash-loop"          // it crashes again and again
	UnexpectedRestart  IncidentKind = "unexpected-restart"  // it crashed after it was ready
	OOMKilled          IncidentKind = "oom-killed"          // the kernel killed it, or a part of it, for want of memory
	NotServing         IncidentKind = "not-serving"         // it was ready, and serves no more
	Unhealthy          IncidentKind = "unhealthy"           // its own health check fails
	Unreachable        IncidentKind = "unreachable"         // it is ready, and the ports that it publishes lead nowhere
	Silence            IncidentKind = "silence"             // its log has been silent for longer than it should ever be
	WatcherGap         IncidentKind = "watcher-gap"         // nobody was watching for a while
)

// IncidentKinds are all kinds but those of signals.
func IncidentKinds() []IncidentKind {
	return []IncidentKind{StartupFailed, StartupUnconfirmed, CrashLoop, UnexpectedRestart, OOMKilled,
		NotServing, Unhealthy, Unreachable, Silence, WatcherGap}
}

// DrillLabel is on each container that a drill made; its value names the drill
// and its run. What happens to such a container goes to the routes for drills,
// and to nobody else.
const DrillLabel = "aweigh.drill"

// SignalKind is the kind of the incidents of the signal with this name.
func SignalKind(name string) IncidentKind { return IncidentKind("signal:" + name) }

// Severity says how soon a person should look.
type Severity string

const (
	Critical Severity = "critical" // now: something does not serve
	Warning  Severity = "warning"  // today: something happened that should not
	Info     Severity = "info"     // good to know
)

// Incident is an open condition that deserves a person. There is never more
// than one open incident for the same trouble of a service: what happens again
// raises its count, and what grows worse changes its kind.
type Incident struct {
	ID       string       `json:"id"`
	Kind     IncidentKind `json:"kind"`
	Service  string       `json:"service"`
	Project  string       `json:"project,omitempty"` // of Compose
	Host     string       `json:"host"`
	Severity Severity     `json:"severity"`
	Opened   time.Time    `json:"opened"` // UTC
	Last     time.Time    `json:"last"`   // when it happened last
	Resolved *time.Time   `json:"resolved"`
	// Count is how often it happened, with the failures of the row that were not
	// worth an incident yet.
	Count int `json:"count"`
	// Starts are the starts that it is about, oldest first, at most 20.
	Starts []string `json:"starts"`
	Cause  *Cause   `json:"cause"`
	// Summary says in one line what is wrong: "crashed 3 times in 41s: exit 1".
	Summary string `json:"summary"`
	// Headline is the first summary, with the kind and the service. It stays as
	// it was, as the subject that holds a thread of mails together.
	Headline string `json:"headline,omitempty"`
	// Resolution says in one line why it was resolved.
	Resolution   string        `json:"resolution,omitempty"`
	Acknowledged *Acknowledged `json:"acknowledged"`
	// Comments are what people said about it, oldest first, at most 50.
	Comments []Comment `json:"comments,omitempty"`
	// Escalated is when others were told because nobody had acknowledged it.
	Escalated *time.Time `json:"escalated,omitempty"`
	// Evidence are the last lines of what the service printed, at most 20.
	Evidence []string `json:"evidence,omitempty"`
	// Drill is the name of the drill that caused it, if one did.
	Drill string `json:"drill,omitempty"`
}

// Acknowledged says who has taken an incident on.
type Acknowledged struct {
	At   time.Time `json:"at"`
	By   string    `json:"by,omitempty"`
	Note string    `json:"note,omitempty"`
}

// Comment is what a person said about an incident.
type Comment struct {
	At   time.Time `json:"at"`
	By   string    `json:"by,omitempty"`
	Text string    `json:"text"`
}

// Open reports whether the condition lasts.
func (i *Incident) Open() bool { return i.Resolved == nil }
