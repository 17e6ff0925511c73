package config

import (
	"errors"

	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/expect"
	"github.com/aweigh/aweigh/internal/probe"
)

// serviceFields is the table of what may be said of a service, in aweigh.yaml
// and by labels. The defaults are those of core.Defaults; a test compares them.
func serviceFields() []field[core.Settings] {
	type s = core.Settings
	return []field[s]{
		{Key{Name: "probe", Kind: Text, Default: "auto", Example: "http://:5003/health", Words: []string{"auto", "none"}, Secret: true,
			Doc: "How to ask whether it serves: `http(s)://HOST:PORT/PATH`, `tcp://HOST:PORT`, `grpc://HOST:PORT[/SERVICE]`, `exec:COMMAND`, or a path such as `/health`. An empty host is the container itself. `auto` finds one in the health check, else in the ports; `none` asks nothing."}, setProbe},
		{Key{Name: "expect", Kind: Text, Example: "status == 200", Doc: "What a healthy answer is, on status, headers, latency and body. Without it any 2xx is healthy, unless the body says otherwise."}, setExpect},
		{Key{Name: "startup_timeout", Kind: Duration, Default: "120s", Doc: "Deadline of a start."},
			duration(func(c *s) *dur { return &c.StartupTimeout })},
		{Key{Name: "confirm_within", Kind: Duration, Default: "2m", Doc: "How soon a start must be proven before a person is told that it is not."},
			duration(func(c *s) *dur { return &c.ConfirmWithin })},
		{Key{Name: "interval", Kind: Duration, Default: "10s", Doc: "Time between two probes once it is ready."},
			duration(func(c *s) *dur { return &c.Interval })},
		{Key{Name: "timeout", Kind: Duration, Default: "3s", Doc: "Time for one probe."},
			duration(func(c *s) *dur { return &c.Timeout })},
		{Key{Name: "retries", Kind: Integer, Default: "3", Doc: "It serves no more after so many failed probes in a row."},
			integer(func(c *s) *int { return &c.Retries }, 1, 1000)},
		{Key{Name: "silence", Kind: Duration, Words: []string{"off"}, Default: "5m", Doc: "The longest gap that its log should have, watched once it has logged something. `off` where a quiet log is a good log."},
			durationOr0(func(c *s) *dur { return &c.Silence })},
		{Key{Name: "crash_loop.crashes", Kind: Integer, Default: "3", Doc: "So many crashes are a crash loop …"},
			integer(func(c *s) *int { return &c.LoopCrashes }, 2, 1000)},
		{Key{Name: "crash_loop.within", Kind: Duration, Default: "5m", Doc: "… when they happen within this time."},
			duration(func(c *s) *dur { return &c.LoopWindow })},
		{Key{Name: "crash_loop.brake", Kind: Integer, Words: []string{"off"}, Default: "off", Example: "20", Doc: "Stop the container after so many crashes in a row, before it wears the host down."},
			integerOr0(func(c *s) *int { return &c.Brake }, 2, 100000)},
		{Key{Name: "settle", Kind: Duration, Default: "2m", Doc: "How long it must do well before an incident about its starts is resolved, so that flapping is one incident."},
			duration(func(c *s) *dur { return &c.Settle })},
		{Key{Name: "remind_every", Kind: Duration, Words: []string{"off"}, Default: "4h", Doc: "The pause before the first reminder of an incident that nobody has acknowledged; each is twice as long as the one before, up to a day."},
			durationOr0(func(c *s) *dur { return &c.RemindEvery })},
		{Key{Name: "escalate_after", Kind: Duration, Words: []string{"off"}, Default: "off", Example: "30m", Doc: "Tell the routes with `escalation: true` when nobody has acknowledged an incident for so long."},
			durationOr0(func(c *s) *dur { return &c.EscalateAfter })},
		{Key{Name: "tell_ready", Kind: Boolean, Default: "true", Doc: "Tell of a new instance that was proven ready."},
			boolean(func(c *s) *bool { return &c.TellReady })},
		{Key{Name: "ignore", Kind: Boolean, Default: "false", Doc: "Leave the service alone altogether."},
			boolean(func(c *s) *bool { return &c.Ignore })},
	}
}

func setProbe(into *core.Settings, s string) error {
	switch s {
	case "auto":
		into.Probe = ""
		return nil
	case "none":
		into.Probe = s
		return nil
	}
	if _, err := probe.Parse(s, 0); err != nil {
		return err
	}
	into.Probe = s
	return nil
}

func setExpect(into *core.Settings, s string) error {
	if s == "" {
		into.Expect = "" // takes back what the defaults say
		return nil
	}
	if _, err := expect.Compile(s); err != nil {
		return err
	}
	into.Expect = s
	return nil
}

// answers reports whether a probe gets something that an expectation can be
// about. One that is yet to be found may.
func answers(url string) error {
	t, err := probe.Parse(url, 0)
	if url == "none" || err == nil && t.Protocol == probe.TCP {
		return errors.New("expect needs a probe that answers something: http, https, grpc or exec")
	}
	return nil
}
