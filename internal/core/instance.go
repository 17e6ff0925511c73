package core

import (
	"slices"
	"time"

	"github.com/aweigh/aweigh"
)

// Instance is one container, or one service under `aweigh run`.
type Instance struct {
	ID        string           `json:"id"`
	Service   string           `json:"service"` // the key of its Service
	Container aweigh.Container `json:"container"`
	// Settings are not stored: they may hold a secret, and be changed while no
	// watcher runs.
	Settings Settings `json:"-"`
	Life     *Life    `json:"life,omitempty"`   // the present or last one
	Before   *Life    `json:"before,omitempty"` // the one before
	Lives    int      `json:"lives"`
	// Stopped says that somebody stopped it on purpose.
	Stopped bool `json:"stopped,omitempty"`
	// Braked says that the watcher had it stopped.
	Braked bool     `json:"braked,omitempty"`
	Recent []string `json:"recent,omitempty"` // identities of the facts taken last
}

// Life is one start, and the run after it.
type Life struct {
	Start aweigh.Start `json:"start"`
	Alive bool         `json:"alive,omitempty"`
	// Started is when it began by the engine's inspections, a little before its
	// event: what tells one life from another. Zero if none has told.
	Started time.Time `json:"started,omitzero"`
	// Inspected says that an inspection found it; the event may still come.
	Inspected bool `json:"inspected,omitempty"`
	// SeenLate says that it had been up for a while when it was found.
	SeenLate bool `json:"seen_late,omitempty"`
	// Found says that an inspection found its end.
	Found bool `json:"found,omitempty"`
	// Unseen says that nothing is known of its end, yet; Counted that it was
	// counted as a crash all the same, for the engine did.
	Unseen  bool `json:"unseen,omitempty"`
	Counted bool `json:"counted,omitempty"`
	// Up says that the start is over and the run goes on: it was proven, or its
	// time was up and it lives.
	Up bool `json:"up,omitempty"`
	// Clock is how much the clock has been set forward since it began.
	Clock    time.Duration `json:"clock,omitempty"`
	Proven   time.Time     `json:"proven,omitzero"`
	Deadline time.Time     `json:"deadline,omitzero"` // of the start; zero when it was judged
	// Kill is when somebody asked for its end, and Signal by what.
	Kill   time.Time `json:"kill,omitzero"`
	Signal string    `json:"signal,omitempty"`
	Ended  time.Time `json:"ended,omitzero"`
	OOM    bool      `json:"oom,omitempty"`
	OOMAt  time.Time `json:"oom_at,omitzero"` // until it is known whom it hit
	// Again says that the engine is about to start it again.
	Again bool `json:"again,omitempty"`
	// Crash says that its end was judged a crash.
	Crash bool `json:"crash,omitempty"`

	Attempts  int    `json:"attempts,omitempty"`
	LastError string `json:"last_error,omitempty"`
	Failures  int    `json:"failures,omitempty"` // of the probe, in a row, since it was up
	Health    string `json:"health,omitempty"`
	// Waived says that a person has resolved what its failed answers had opened: they
	// know that, until it answers well once.
	Waived bool `json:"waived,omitempty"`
	// Answered says that the watcher's own probe was answered well, once.
	Answered bool `json:"answered,omitempty"`
	// Unreached says that nothing listens on the ports that it publishes.
	Unreached bool `json:"unreached,omitempty"`
}

// isOf reports whether an inspection is known to be of this very life.
func (l *Life) isOf(c *aweigh.Container) bool {
	return c != nil && !l.Started.IsZero() && c.Started.Equal(l.Started)
}

// recentFacts is how many identities are remembered: more than the engine can
// have under way for one container at once.
const recentFacts = 24

// takes reports whether the fact is new to the instance, and remembers it.
func (i *Instance) takes(f aweigh.Fact) bool {
	if f.ID == "" {
		return true
	}
	if slices.Contains(i.Recent, f.ID) {
		return false
	}
	i.Recent = append(i.Recent, f.ID)
	if len(i.Recent) > recentFacts {
		i.Recent = i.Recent[len(i.Recent)-recentFacts:]
	}
	return true
}

// alive reports whether a life goes on.
func (i *Instance) alive() bool { return i.Life != nil && i.Life.Alive }

// UnknownPolicy is the restart policy of what is started by something that the
// watcher does not know: a shell, systemd.
const UnknownPolicy = "unknown"

// restarts reports whether the engine will start it again after this exit. The
// engine has decided that when it tells of the death: an inspection says so.
func (i *Instance) restarts(f aweigh.Fact, exit *aweigh.Exit) bool {
	c := &i.Container
	if f.Container != nil {
		switch f.Container.Status {
		case "restarting", "running":
			return true
		case "exited", "dead", "removing":
			return false
		}
	}
	switch c.Policy {
	case "always", "unless-stopped":
		return true
	case "on-failure":
		return exit != nil && exit.Code != 0 && (c.MaxRetries == 0 || c.RestartCount < c.MaxRetries)
	}
	return false
}

// job reports whether an exit status of 0 is what it is for.
func (i *Instance) job() bool {
	p := i.Container.Policy
	return p == "" || p == "no" || p == "on-failure"
}

// Proof says how a start of an instance can be proven.
type Proof string

const (
	ByProbe  Proof = "probe"  // a probe that the user gave
	ByWord   Proof = "word"   // aweigh-init inside it says so
	ByHealth Proof = "health" // its own health check
	ByPort   Proof = "port"   // a published port, at the instance's own address
	ByGuess  Proof = "guess"  // an exposed port, which images often declare in vain
	ByNone   Proof = ""       // there is nothing to ask
)

// Proof is how its starts can be proven, the surest way first.
func (i *Instance) Proof() Proof {
	c := &i.Container
	switch {
	case i.Settings.Probe == "none":
		return ByNone
	case i.Settings.Probe != "":
		return ByProbe
	case c.Supervised:
		return ByWord
	case c.HealthCheck:
		return ByHealth
	case len(c.Published) > 0 && c.Addr != "":
		return ByPort
	case len(c.Exposed) > 0 && c.Addr != "":
		return ByGuess
	}
	return ByNone
}

// patience is what the instance itself asks for: the start period of its
// health check, the deadline of the aweigh-init inside it.
func (i *Instance) patience() time.Duration {
	if p := i.Proof(); p == ByHealth || p == ByWord {
		return i.Container.Patience
	}
	return 0
}

// Service is what outlives instances.
type Service struct {
	Key     string `json:"key"` // the project and the name
	Name    string `json:"name"`
	Project string `json:"project,omitempty"`
	Drill   bool   `json:"drill,omitempty"` // it is a copy that a drill made
	// Crashes are those of the last LoopWindow.
	Crashes []Crash `json:"crashed,omitempty"`
	// Row counts failures in a row; a proven start that lasts ends it.
	Row   int            `json:"row,omitempty"`
	Tally map[string]int `json:"tally,omitempty"` // how those of the row ended
	// Unproven is since when it has been coming up without a proof.
	Unproven time.Time `json:"unproven,omitzero"`
	// Good is since when it has been doing well.
	Good time.Time `json:"good,omitzero"`
	// Left is when an instance of it was stopped on purpose, and which.
	Left     time.Time `json:"left,omitzero"`
	LeftLife string    `json:"left_instance,omitempty"`
	// LeftStart is the last start of that instance, once it is removed.
	LeftStart *aweigh.Start `json:"left_start,omitempty"`

	Talk    Talk                `json:"talk,omitzero"`
	Signals map[string]*Reading `json:"signals,omitempty"`
	// Seen is when the last instance of it was there.
	Seen time.Time `json:"seen,omitzero"`
}

// Crash is one crash of a service.
type Crash struct {
	At       time.Time `json:"at"`
	Instance string    `json:"instance,omitempty"`
	Early    bool      `json:"early,omitempty"` // before it was ready
}

// serviceKey tells services of the same name in two projects apart, and from a
// service what a person runs of it once (`docker compose run`): how that ends says
// nothing about the service.
func serviceKey(c *aweigh.Container) string {
	key := c.Project + "/" + c.Service
	if c.OneOff {
		key += oneOff
	}
	return key
}

const oneOff = "/one-off"

// OneOff reports whether it is what a person ran of a service once.
func (v *Service) OneOff() bool { return v.Key == v.Project+"/"+v.Name+oneOff }

// instance finds or makes the instance that a fact is about, with what the
// fact knows of it. It is nil for one that is to be left alone, or unknown.
func (s *State) instance(f aweigh.Fact) *Instance {
	i := s.Instances[f.Instance]
	if f.Container != nil {
		if i == nil {
			i = &Instance{ID: f.Instance}
			s.Instances[f.Instance] = i
		}
		before := i.Container
		i.Container = *f.Container
		if !i.Container.Started.After(before.Started) { // a start by hand sets the count back
			i.Container.RestartCount = max(before.RestartCount, i.Container.RestartCount)
		}
		i.Settings = s.settings(f.Container.Service, f.Container.Labels)
		service := i.Service
		s.index.belongs(i, serviceKey(f.Container))
		if service != "" && service != i.Service {
			s.renamed(service, i.Container.Service, f.At)
		}
	}
	if i == nil || i.Settings.Ignore {
		return nil
	}
	s.touch(i)
	return i
}

// renamed ends what was open about a service whose last instance has another
// name now (docker rename): nothing would ever resolve it.
func (s *State) renamed(before, now string, at time.Time) {
	if v := s.Services[before]; v != nil && len(s.instancesOf(v)) == 0 {
		s.gone(v, at, "its container is called "+now+" now")
	}
}

func (s *State) service(i *Instance) *Service {
	v := s.Services[i.Service]
	if v == nil {
		v = &Service{Key: i.Service, Name: i.Container.Service, Project: i.Container.Project, Drill: i.Drill() != ""}
		s.Services[i.Service] = v
	}
	s.touchService(v)
	return v
}

// Drill is the name of the drill whose copy the instance is, "" for all others.
func (i *Instance) Drill() string { return i.Container.Labels[aweigh.DrillLabel] }

// settingsOf are what is set for a service: what its first instance has.
func (s *State) settingsOf(v *Service) Settings {
	for _, i := range s.instancesOf(v) {
		return i.Settings
	}
	return s.settings(v.Name, nil)
}

// instancesOf are the instances of a service, in the order of their ids: what
// is concluded must not depend on chance.
func (s *State) instancesOf(v *Service) []*Instance {
	return s.index.instances[v.Key]
}

// anyAlive reports whether a service has an instance that lives, or that the
// engine is about to start again.
func (s *State) anyAlive(v *Service) bool {
	return slices.ContainsFunc(s.instancesOf(v), (*Instance).goesOn)
}

// goesOn reports whether it lives, or the engine is about to start it again.
func (i *Instance) goesOn() bool {
	return i.alive() || i.Life != nil && i.Life.Crash && !i.Stopped && i.Life.Again
}

// anyComing reports whether an instance of a service has yet to come up.
func (s *State) anyComing(v *Service) bool {
	return slices.ContainsFunc(s.instancesOf(v), (*Instance).coming)
}

func (i *Instance) coming() bool { return i.goesOn() && !(i.alive() && i.Life.Up) }

// allUp reports whether each instance of a service that is meant to run serves.
func (s *State) allUp(v *Service) bool {
	return !slices.ContainsFunc(s.instancesOf(v), func(i *Instance) bool {
		return !i.Stopped && (!i.alive() || !i.Life.Up)
	})
}
