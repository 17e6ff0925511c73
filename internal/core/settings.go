package core

import "time"

// Settings are what a user may set for one service, in aweigh.yaml or by
// labels. Package config fills them; Defaults are in force where nobody said
// anything.
type Settings struct {
	// Ignore leaves the service alone altogether.
	Ignore bool `json:"ignore,omitempty"`
	// Probe is the probe's URL as `run` takes it, with an empty host for the
	// instance's own address. "" lets the watcher find one (the compose health
	// check, else the published and exposed ports), "none" asks nothing.
	Probe  string `json:"probe,omitempty"`
	Expect string `json:"expect,omitempty"`
	// StartupTimeout is the deadline of a start.
	StartupTimeout time.Duration `json:"startup_timeout"`
	// ConfirmWithin is how soon a start must be proven before a person is told
	// that it is not.
	ConfirmWithin time.Duration `json:"confirm_within"`
	// Interval, Timeout and Retries are the probing after ready.
	Interval time.Duration `json:"interval"`
	Timeout  time.Duration `json:"timeout"`
	Retries  int           `json:"retries"`
	// Silence is the longest gap that the service's log should have; 0 means
	// that any gap is fine. It is watched only once the service has talked.
	Silence time.Duration `json:"silence"`
	// LoopCrashes within LoopWindow make a crash loop.
	LoopCrashes int           `json:"loop_crashes"`
	LoopWindow  time.Duration `json:"loop_window"`
	// Brake stops a looping container after so many crashes in a row; 0 never.
	Brake int `json:"brake,omitempty"`
	// Settle is how long a service must do well before an incident about its
	// starts is resolved, so that flapping is one incident.
	Settle time.Duration `json:"settle"`
	// RemindEvery is the pause between reminders of an incident that nobody has
	// acknowledged; each is twice as long as the one before, up to a day. 0
	// never reminds.
	RemindEvery time.Duration `json:"remind_every"`
	// EscalateAfter is how long an incident may stay unacknowledged before the
	// routes for escalations are told; 0 never.
	EscalateAfter time.Duration `json:"escalate_after,omitempty"`
	// TellReady tells of a new instance that was proven ready.
	TellReady bool `json:"tell_ready"`
	// Rollout is for deployments; the watcher does not need it.
	Rollout Rollout `json:"-"`
}

// Rollout says how a deployment puts a second instance beside the first.
type Rollout struct {
	// Proxy is what sends requests to the service: "traefik", "caddy", "nginx",
	// "kamal-proxy", "none"; "auto" is told by its labels.
	Proxy     string
	Container string // in which nginx or kamal-proxy runs: a service of the project, or a container's name
	Name      string // of the service in the proxy; "" is its own
	Port      int    // of an instance; 0 is that of the probe, or the only one that it declares
	Upstream  string // file of nginx on this host, which has the upstream
	// Test and Reload are commands in nginx's container, Leave is one in the old
	// instance's, Options are more arguments of `kamal-proxy deploy`.
	Test, Reload, Leave, Options string
	// Drain is how long the old instance goes on once the proxy has the new one.
	Drain time.Duration
	// SharedVolumes says that two instances may write to its volumes at once.
	SharedVolumes bool
}

// Defaults are the settings of a service of which nobody said anything.
func Defaults() Settings {
	return Settings{
		StartupTimeout: 120 * time.Second,
		ConfirmWithin:  2 * time.Minute,
		Interval:       10 * time.Second,
		Timeout:        3 * time.Second,
		Retries:        3,
		Silence:        5 * time.Minute,
		LoopCrashes:    3,
		LoopWindow:     5 * time.Minute,
		Settle:         2 * time.Minute,
		RemindEvery:    4 * time.Hour,
		TellReady:      true,
		Rollout:        Rollout{Proxy: "auto", Test: "nginx -t", Reload: "nginx -s reload", Drain: 10 * time.Second},
	}
}
