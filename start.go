// Package aweigh holds the words of the product: the start of a service, its
// verdict, its phases, its exit. It depends on the standard library only and
// everything else may import it, so that no adapter owns the domain's types.
//
// A start is one attempt of an instance to come up. It is not over until it is
// proven ready or explained:
//
//	s := aweigh.Start{ID: aweigh.NewID(time.Now()), Service: "webhook"}
//	s.Verdict = aweigh.Ready
package aweigh

import "time"

// Verdict is how a start ended. The zero value means that it has not ended.
type Verdict string

const (
	Ready    Verdict = "ready"     // a probe proved that it serves
	Crashed  Verdict = "crashed"   // it exited before it served, whatever the code
	TimedOut Verdict = "timed-out" // the start deadline passed without a proof
	Refused  Verdict = "refused"   // a preflight said no, such as a port in use
	Stopped  Verdict = "stopped"   // a person or a deployment stopped it before it was ready
	Unknown  Verdict = "unknown"   // nobody was watching when it ended
)

// Failed reports whether a person should care: the service did not come up,
// and nobody wanted that.
func (v Verdict) Failed() bool {
	return v == Crashed || v == TimedOut || v == Refused
}

// RunEnd is how the life after Ready ended. The zero value means that the
// service still runs.
type RunEnd string

const (
	RunStopped   RunEnd = "stopped"    // asked to stop
	RunCrashed   RunEnd = "crashed"    // exited by itself, whatever the code
	RunOOMKilled RunEnd = "oom-killed" // the kernel killed it for want of memory
	RunReplaced  RunEnd = "replaced"   // a deployment put another instance in its place
	RunUnknown   RunEnd = "unknown"    // nobody was watching when it ended
)

// Start is one attempt of an instance to come up, as every command prints it.
type Start struct {
	ID       string    `json:"id"`
	Service  string    `json:"service"`
	Instance string    `json:"instance"`
	Host     string    `json:"host"`
	Project  string    `json:"project,omitempty"` // of Compose
	Image    string    `json:"image,omitempty"`
	ImageID  string    `json:"image_id,omitempty"` // what the name stood for
	Command  []string  `json:"command,omitempty"`  // secrets in it are masked
	Began    time.Time `json:"began"`              // UTC
	Verdict  Verdict   `json:"verdict,omitempty"`  // empty while it is coming up
	// TookMS is the time from Began to the verdict, in milliseconds; while
	// there is no verdict it is absent.
	TookMS *int64  `json:"took_ms,omitempty"`
	Reason string  `json:"reason,omitempty"` // why the verdict is what it is, one line
	Phases []Phase `json:"phases,omitempty"`
	Probe  *Probe  `json:"probe,omitempty"`
	Exit   *Exit   `json:"exit,omitempty"`
	Run    *Run    `json:"run,omitempty"`
	// InARow says which failed start in a row this is, 1 for the first; 0 when
	// it did not fail.
	InARow int    `json:"in_a_row,omitempty"`
	Cause  *Cause `json:"cause,omitempty"`
	Record string `json:"record,omitempty"` // directory, relative to the record directory
	// Inner is the id of the start that aweigh-init inside the container keeps a
	// record of.
	Inner string `json:"inner,omitempty"`
	// Drill is the name of the drill whose copy started, if one did. It counts
	// towards nothing that is said of services.
	Drill string `json:"drill,omitempty"`
	// OneOff says that a person ran it and looked at it, as by `docker compose run`.
	// It counts towards nothing that is said of services either.
	OneOff bool `json:"one_off,omitempty"`
}

// Phase is a named, timed part of a start.
type Phase struct {
	Name string `json:"name"`
	MS   int64  `json:"ms"`
	Open bool   `json:"open,omitempty"` // it had not ended when the start did, or when we looked
}

// Probe sums up how the service was asked during its start.
type Probe struct {
	Target    string `json:"target"`
	Attempts  int    `json:"attempts"`
	LastError string `json:"last_error,omitempty"`
}

// Exit says how the process ended.
type Exit struct {
	Code   int    `json:"code"`             // as a shell has it: 128+N for signal N
	Signal string `json:"signal,omitempty"` // "SIGTERM", when a signal ended it
	OOM    bool   `json:"oom"`              // the kernel's OOM killer was at work
}

// Run is the life after ready.
type Run struct {
	End      RunEnd     `json:"end,omitempty"` // empty while it runs
	ServedMS int64      `json:"served_ms"`
	Ended    *time.Time `json:"ended,omitempty"`
	Reason   string     `json:"reason,omitempty"`
}

// Cause is what diagnosis named, best first guess.
type Cause struct {
	ID         string  `json:"id"`
	Confidence float64 `json:"confidence"`     // 0 to 1
	Line       string  `json:"line,omitempty"` // of the evidence, with secrets masked
	Why        string  `json:"why,omitempty"`  // one sentence
	Fix        string  `json:"fix,omitempty"`
}

// Named reports whether there is a cause at all: ignorance is none.
func (c *Cause) Named() bool {
	return c != nil && c.ID != "" && c.ID != "unknown" && c.ID != "no-failure"
}
