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
		{Key{Name: "rollout.proxy", Kind: Choice, Words: proxies, Default: "auto", Doc: "For `deploy --rollout`: what sends requests to the service. `auto` knows Traefik and Caddy by the labels of the service."},
			checked(func(c *s) *string { return &c.Rollout.Proxy }, oneOf(proxies...))},
		{Key{Name: "rollout.container", Kind: Text, Example: "proxy", Doc: "Where nginx or kamal-proxy runs: a service of the same project, or the name of a container."},
			text(func(c *s) *string { return &c.Rollout.Container })},
		{Key{Name: "rollout.name", Kind: Text, Example: "shop", Doc: "Name of nginx's upstream, or of kamal-proxy's service; without it the service's own."},
			text(func(c *s) *string { return &c.Rollout.Name })},
		{Key{Name: "rollout.port", Kind: Integer, Example: "8080", Doc: "Port at which the proxy finds an instance; without it that of the probe, or the only one that the service declares."},
			integer(func(c *s) *int { return &c.Rollout.Port }, 1, 65535)},
		{Key{Name: "rollout.upstream", Kind: Text, Example: "nginx/upstreams/shop.conf", Doc: "nginx's file with the upstream, on this host, beside the compose file if the path is relative. Its directory must be mounted into nginx's container, not the file alone."},
			text(func(c *s) *string { return &c.Rollout.Upstream })},
		{Key{Name: "rollout.test", Kind: Text, Default: "nginx -t", Doc: "Command in nginx's container that says whether its configuration is good. No shell reads it."},
			checked(func(c *s) *string { return &c.Rollout.Test }, checkCommand)},
		{Key{Name: "rollout.reload", Kind: Text, Default: "nginx -s reload", Doc: "Command in nginx's container that has it read its configuration anew. No shell reads it."},
			checked(func(c *s) *string { return &c.Rollout.Reload }, checkCommand)},
		{Key{Name: "rollout.options", Kind: Text, Example: "--host shop.example.com --health-check-path /health", Doc: "More arguments of `kamal-proxy deploy`: all that the service was given with, for they count anew each time."},
			checked(func(c *s) *string { return &c.Rollout.Options }, func(s string) error { return checkCommand("deploy " + s) })},
		{Key{Name: "rollout.drain", Kind: Duration, Words: []string{"off"}, Default: "10s", Doc: "How long the old instance goes on once the proxy has the new one, for requests that are under way. Its stop grace comes after that."},
			durationOr0(func(c *s) *dur { return &c.Rollout.Drain })},
		{Key{Name: "rollout.leave", Kind: Text, Example: "touch /tmp/drain", Doc: "Command in the old instance that makes its health check fail, so that a proxy which heeds it (Traefik) stops sending before the instance is stopped. No shell reads it."},
			checked(func(c *s) *string { return &c.Rollout.Leave }, checkCommand)},
		{Key{Name: "rollout.shared_volumes", Kind: Boolean, Default: "false", Doc: "Two instances may write to its volumes at once."},
			boolean(func(c *s) *bool { return &c.Rollout.SharedVolumes })},
	}
}

// proxies are the words of rollout.proxy.
var proxies = []string{"auto", "traefik", "caddy", "nginx", "kamal-proxy", "none"}

func checkCommand(s string) error {
	_, err := ParseCommand(s)
	return err
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
