package aweigh

import "time"

// FactKind names what was observed.
type FactKind string

const (
	FactSeen         FactKind = "seen"         // an inspection: the instance is in this state
	FactStarted      FactKind = "started"      // the runtime has started it
	FactSignalled    FactKind = "signalled"    // somebody had the runtime send a signal
	FactDied         FactKind = "died"         // its main process has ended
	FactStopped      FactKind = "stopped"      // a stop that somebody asked for is complete
	FactRefused      FactKind = "refused"      // the runtime could not start it
	FactRemoved      FactKind = "removed"      // it is gone
	FactOOM          FactKind = "oom"          // the kernel killed a process of it for want of memory
	FactHealth       FactKind = "health"       // the verdict of its own health check
	FactAnswered     FactKind = "answered"     // the watcher's probe
	FactReached      FactKind = "reached"      // whether a port that it publishes takes connections
	FactSaid         FactKind = "said"         // aweigh-init inside it said so
	FactTalked       FactKind = "talked"       // its log had output
	FactSignal       FactKind = "signal"       // a reading of a business signal
	FactAcknowledged FactKind = "acknowledged" // a person took an incident on
	FactResolved     FactKind = "resolved"     // a person resolved an incident
	FactCommented    FactKind = "commented"    // a person said something about an incident
	FactMaintenance  FactKind = "maintenance"  // a window begins, or ends early
	FactWatching     FactKind = "watching"     // the watcher begins
	FactLost         FactKind = "lost"         // the runtime does not answer
	FactRegained     FactKind = "regained"     // and answers again, and was inspected
	FactStepped      FactKind = "stepped"      // the clock was set, or the machine slept
	FactTick         FactKind = "tick"         // time passes
)

// Fact is one observation. Facts are all that the core ever hears, time
// included: the same facts make the same starts, incidents and notifications.
type Fact struct {
	// ID is the observation's own identity, where its source gives one, so that
	// a fact which comes twice counts once.
	ID       string    `json:"id,omitempty"`
	Kind     FactKind  `json:"kind"`
	At       time.Time `json:"at"` // when it happened, UTC, by the source's clock
	Instance string    `json:"instance,omitempty"`

	Container *Container   `json:"container,omitempty"` // of started, seen, refused
	Exit      *Exit        `json:"exit,omitempty"`      // of died
	Signal    string       `json:"signal,omitempty"`    // of signalled: "SIGTERM"
	OK        bool         `json:"ok,omitempty"`        // of answered, health, reached
	Reason    string       `json:"reason,omitempty"`
	Target    string       `json:"target,omitempty"` // of answered: what was asked
	Lines     []string     `json:"lines,omitempty"`  // of died, and of bad news about one that lives: the last of its output
	Cause     *Cause       `json:"cause,omitempty"`  // of died, refused, and of bad news about one that lives: what diagnosis named
	Said      *Said        `json:"said,omitempty"`
	Reading   *Reading     `json:"reading,omitempty"`
	Incident  string       `json:"incident,omitempty"` // of acknowledged, resolved, commented
	By        string       `json:"by,omitempty"`
	Window    *Maintenance `json:"window,omitempty"`
	Since     time.Time    `json:"since,omitzero"` // of watching, regained: when it was last seen
	// Step is how far the clock was set forward, of stepped.
	Step time.Duration `json:"step,omitempty"`
	// Tails are the last lines of those instances that a tick judges, by instance.
	Tails map[string][]string `json:"tails,omitempty"`
	// Causes are what diagnosis named for those that a tick judges.
	Causes map[string]*Cause `json:"causes,omitempty"`
}

// Container is what the core must know of an instance. Values of its
// environment are never in it.
type Container struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Engine is what runs it: "docker"; "" for `aweigh run` without a container.
	Engine  string `json:"engine,omitempty"`
	Service string `json:"service"`
	Project string `json:"project,omitempty"`
	Image   string `json:"image,omitempty"`
	ImageID string `json:"image_id,omitempty"`
	// Config is a hash of what it was made of, to tell a changed instance.
	Config string            `json:"config,omitempty"`
	Labels map[string]string `json:"labels,omitempty"` // those that begin with "aweigh."

	Policy     string `json:"policy,omitempty"` // no, always, unless-stopped, on-failure
	MaxRetries int    `json:"max_retries,omitempty"`
	// OneOff is a container that a person runs and looks at: `docker run -it`,
	// `docker compose run`.
	OneOff bool `json:"one_off,omitempty"`
	// AutoRemove says that the engine removes it when it ends.
	AutoRemove bool   `json:"auto_remove,omitempty"`
	StopSignal string `json:"stop_signal,omitempty"` // "" is SIGTERM
	// StopTimeout is what a stop gives it before it is killed.
	StopTimeout time.Duration `json:"stop_timeout,omitempty"`

	Status       string    `json:"status"` // the engine's word: running, exited, created …
	Created      time.Time `json:"created,omitzero"`
	Started      time.Time `json:"started,omitzero"`
	Finished     time.Time `json:"finished,omitzero"`
	Exit         *Exit     `json:"exit,omitempty"`
	RestartCount int       `json:"restart_count,omitempty"`
	Error        string    `json:"error,omitempty"`
	Health       string    `json:"health,omitempty"` // "", starting, healthy, unhealthy

	Addr      string `json:"addr,omitempty"` // its own IP address, as the host reaches it
	Published []int  `json:"published,omitempty"`
	Exposed   []int  `json:"exposed,omitempty"` // TCP, the container's own numbers
	// HealthCheck says that it has a health check of its own; HealthTest is its
	// command, which may hold a password and is stored nowhere.
	HealthCheck bool     `json:"health_check,omitempty"`
	HealthTest  []string `json:"-"`
	// Patience is how long the instance itself says that a start may take: the
	// start period of its health check and the retries after it.
	Patience time.Duration `json:"patience,omitempty"`
	// Supervised says that aweigh-init is its first process.
	Supervised bool `json:"supervised,omitempty"`
	// Records is where on this host the aweigh-init inside keeps its records,
	// "" if it keeps them on no volume.
	Records string `json:"records,omitempty"`
	// Unreadable says why its output cannot be read: the log driver.
	Unreadable string `json:"unreadable,omitempty"`
}

// Said is a line of aweigh-init's own that the watcher read in the output, or
// an event of its record.
type Said struct {
	Event   string  `json:"event"` // start.ready, start.failed, run.unhealthy …
	Start   string  `json:"start,omitempty"`
	Service string  `json:"service,omitempty"`
	Verdict Verdict `json:"verdict,omitempty"`
	TookMS  int64   `json:"took_ms,omitempty"`
	Phase   string  `json:"phase,omitempty"`
	Target  string  `json:"target,omitempty"`
}

// Reading is one evaluation of a business signal.
type Reading struct {
	Name     string             `json:"name"`
	Service  string             `json:"service,omitempty"`
	State    string             `json:"state"` // ok, breached, missing, broken; gone: it is not configured any more
	Values   map[string]float64 `json:"values,omitempty"`
	Hold     time.Duration      `json:"hold,omitempty"` // how long a breach must last
	Severity Severity           `json:"severity,omitempty"`
}

// Maintenance is a window in which incidents are kept but nobody is told.
type Maintenance struct {
	ID       string    `json:"id"`
	Services string    `json:"services"` // a pattern as of path.Match
	Until    time.Time `json:"until"`
	By       string    `json:"by,omitempty"`
	Note     string    `json:"note,omitempty"`
}
