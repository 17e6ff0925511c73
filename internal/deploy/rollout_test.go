package deploy

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"

	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/verify"
)

func TestServersOfAnUpstreamAreReplacedAndNothingElse(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"one line":        {"upstream web { server web:8080; }", "upstream web { server a:1;\n server b:1; }"},
		"parameters stay": {"upstream web {\n  zone z 64k;\n  server x:1 max_fails=0 weight=2; # the old\n  keepalive 8;\n}", "upstream web {\n  zone z 64k;\n  server a:1 max_fails=0 weight=2;\n  server b:1 max_fails=0 weight=2; # the old\n  keepalive 8;\n}"},
		"several":         {"upstream web {\n\tserver x:1;\n\tserver y:1;\n}\n", "upstream web {\n\tserver a:1;\n\tserver b:1;\n\n}\n"},
		// The second server of a line stayed, and with it visitors who were sent to what was removed.
		"several in a line": {"upstream web { server x:1; server y:1 backup; keepalive 8; }", "upstream web { server a:1;\n server b:1; keepalive 8; }"},
		"comments":          {"upstream web {\n  # server old:1; server older:1;\n  server x:1; # server y:1;\n}", "upstream web {\n  # server old:1; server older:1;\n  server a:1;\n  server b:1; # server y:1;\n}"},
		"comment":           {"# server web:1;\nupstream web {\n# server old:1;\nserver x:1;\n}", "# server web:1;\nupstream web {\n# server old:1;\nserver a:1;\nserver b:1;\n}"},
		"another upstream":  {"upstream webber { server w:1; }\nupstream web { server x:1; }", "upstream webber { server w:1; }\nupstream web { server a:1;\n server b:1; }"},
		"no such upstream":  {"upstream shop { server x:1; }\nserver { listen 80; }", ""},
		"no server":         {"upstream web { least_conn; }", ""},
		"commented out":     {"#upstream web { server x:1; }", ""},
	} {
		got, ok := withServers(c.text, "web", []string{"a:1", "b:1"})
		if ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%s: %v\ngot  %q\nwant %q", name, ok, got, c.want)
		}
	}
}

func TestFileIsReplacedBehindItsLinkWithItsMode(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "web.conf"), filepath.Join(dir, "link.conf")
	if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := replace(link, "new"); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(path)
	info, _ := os.Stat(path)
	if all, _ := os.ReadDir(dir); string(text) != "new" || info.Mode().Perm() != 0o640 || len(all) != 2 {
		t.Errorf("%q, %v, %v", text, info.Mode(), all)
	}
}

func TestProxyIsKnownByLabels(t *testing.T) {
	for want, labels := range map[string][]types.Labels{
		"traefik": {{"traefik.enable": "true"}, {"traefik.http.routers.web.rule": "Host(`example.com`)"}},
		"caddy":   {{"caddy": "example.com"}, {"caddy_1.reverse_proxy": "{{upstreams}}"}, {"caddy.reverse_proxy": "{{upstreams 80}}"}},
		"none":    {{}, {"traefik.enable": "false", "traefik.http.routers.web.rule": "Host(`a`)"}, {"caddyshack": "1"}, {"com.example.traefik.x": "1"}},
	} {
		for _, l := range labels {
			if got := proxyOf(l); got != want {
				t.Errorf("%v: got %s, want %s", l, got, want)
			}
		}
	}
}

// running is a service that can be rolled out, and its container.
func running() (*compose.Project, types.ServiceConfig, docker.Twin) {
	s := types.ServiceConfig{Name: "web"}
	s.HealthCheck = &types.HealthCheckConfig{Test: []string{"CMD", "ok"}}
	s.Labels = types.Labels{"traefik.http.routers.web.rule": "Host(`old.example`)", "other": "2"}
	c := docker.Twin{Name: "shop_web_1", Config: &container.Config{Labels: map[string]string{"traefik.http.routers.web.rule": "Host(`old.example`)", "of.the.image": "3"}}}
	return &compose.Project{Project: &types.Project{Services: types.Services{"web": s}}}, s, c
}

func TestWhatThereCanBeOnlyOnceBlinks(t *testing.T) {
	for want, change := range map[string]func(*compose.Project, *types.ServiceConfig, *docker.Twin, *handover){
		"": func(*compose.Project, *types.ServiceConfig, *docker.Twin, *handover) {},
		"it publishes port 8080": func(_ *compose.Project, s *types.ServiceConfig, _ *docker.Twin, _ *handover) {
			s.Ports = []types.ServicePortConfig{{Target: 80, Published: "8080"}}
		},
		"its container_name is said": func(_ *compose.Project, s *types.ServiceConfig, _ *docker.Twin, _ *handover) {
			s.ContainerName = "shop"
		},
		"its network_mode is host": func(_ *compose.Project, s *types.ServiceConfig, _ *docker.Twin, _ *handover) { s.NetworkMode = "host" },
		"its network_mode is service:vpn": func(_ *compose.Project, s *types.ServiceConfig, _ *docker.Twin, _ *handover) {
			s.NetworkMode = "service:vpn"
		},
		"its address in network back is said": func(_ *compose.Project, s *types.ServiceConfig, _ *docker.Twin, _ *handover) {
			s.Networks = map[string]*types.ServiceNetworkConfig{"back": {Ipv4Address: "10.0.0.2"}}
		},
		"sidecar shares its network": func(p *compose.Project, _ *types.ServiceConfig, _ *docker.Twin, _ *handover) {
			sidecar := types.ServiceConfig{Name: "sidecar"}
			sidecar.NetworkMode = "service:web"
			p.Services["sidecar"] = sidecar
		},
		"it writes to /data: if two instances may at once, say aweigh.rollout.shared-volumes": func(_ *compose.Project, _ *types.ServiceConfig, c *docker.Twin, _ *handover) {
			c.Mounts = []container.MountPoint{{Type: mount.TypeBind, Destination: "/conf"}, {Type: mount.TypeVolume, Name: "data", Destination: "/data", RW: true}}
		},
		"a second instance would not have its anonymous volume /data": func(_ *compose.Project, _ *types.ServiceConfig, c *docker.Twin, h *handover) {
			c.Mounts = []container.MountPoint{{Type: mount.TypeVolume, Name: strings.Repeat("a", 64), Destination: "/data", RW: true}}
			h.SharedVolumes = true
		},
		"no proxy of it is known (aweigh.rollout.proxy)":                          func(_ *compose.Project, _ *types.ServiceConfig, _ *docker.Twin, h *handover) { h.Proxy = "none" },
		"without a health check traefik sends to an instance before it is proven": func(_ *compose.Project, s *types.ServiceConfig, _ *docker.Twin, _ *handover) { s.HealthCheck = nil },
		"its labels for traefik change, which drops a route that two instances define differently": func(_ *compose.Project, s *types.ServiceConfig, _ *docker.Twin, _ *handover) {
			s.Labels = types.Labels{"traefik.http.routers.web.rule": "Host(`new.example`)", "other": "1"}
		},
		"caddy sends to an instance before it is proven: with the label caddy.reverse_proxy.lb_try_duration it tries the other": func(_ *compose.Project, _ *types.ServiceConfig, _ *docker.Twin, h *handover) { h.Proxy = "caddy" },
		"in which container nginx runs is not said (aweigh.rollout.container)":                                                  func(_ *compose.Project, _ *types.ServiceConfig, _ *docker.Twin, h *handover) { h.Proxy = "nginx" },
		"its port is not known (aweigh.rollout.port)": func(_ *compose.Project, _ *types.ServiceConfig, _ *docker.Twin, h *handover) {
			h.Proxy, h.Container = "kamal-proxy", "proxy"
		},
		"nginx's file is not said (aweigh.rollout.upstream)": func(_ *compose.Project, _ *types.ServiceConfig, _ *docker.Twin, h *handover) {
			h.Proxy, h.Container, h.Port = "nginx", "proxy", 80
		},
	} {
		p, s, c := running()
		h := &handover{Rollout: core.Rollout{Proxy: "traefik"}}
		change(p, &s, &c, h)
		got := alone(p, s)
		if got == "" {
			got = writes(c, h.SharedVolumes)
		}
		if got == "" {
			got = h.lacks(s, c)
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestFileThatNginxWouldNotSeeBlinks(t *testing.T) {
	dir := t.TempDir()
	h := &handover{Rollout: core.Rollout{Name: "web", Upstream: filepath.Join(dir, "web.conf")}}
	if err := os.WriteFile(h.Upstream, []byte("upstream web { server web:1; }"), 0o600); err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string]string{dir: "", filepath.Dir(dir): "", h.Upstream: "mount its directory", dir + "/we": "is not in nginx's container", "/elsewhere": "is not in nginx's container"} {
		got := h.lacksFile(docker.Twin{Mounts: []container.MountPoint{{Source: source}}})
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: got %q", source, got)
		}
	}
}

// What is kept of a rollout is all that the way back has.
func TestHandoverSurvivesTheProcess(t *testing.T) {
	d := begun(t)
	s := &d.Plan.Stages[0]
	h := &handover{Service: "web", Rollout: core.Rollout{Proxy: "nginx", Container: "proxy", Name: "shop", Port: 8080, Upstream: "/srv/u.conf", Test: "nginx -t", Reload: "nginx -s reload"}, Handed: true}
	if err := d.keep("staging/before.json", []byte(`{"Containers":[{"ID":"old","Service":"web"}]}`)); err != nil {
		t.Fatal(err)
	}
	if err := d.keepHandover(s, h); err != nil {
		t.Fatal(err)
	}
	b, err := d.Before("staging")
	if err != nil || b.handed["web"] == nil || *b.handed["web"] != *h {
		t.Fatalf("%v: %+v", err, b)
	}
	b.madeAgain("old", "new")
	if b, err = d.Before("staging"); err != nil || b.had("new") == nil || b.Of("web").had("new") == nil || b.had("other") != nil {
		t.Errorf("%v: %+v", err, b)
	}
	if err := d.forgetHandover(s, "web"); err != nil {
		t.Fatal(err)
	}
	if b, err = d.Before("staging"); err != nil || len(b.handed) != 0 {
		t.Errorf("%v: %+v", err, b.handed)
	}
}

// The engine was restarted, or the requests took longer than we wait for kamal-proxy, which
// had long been sending to the new instance. That counted as a refusal, and the way back
// removed the instance without a word to the proxy.
func TestProxyThatSaidNothingMayHaveBeenHandedOver(t *testing.T) {
	engine, has := engineWith(t, nil, box("p", "proxy", "kamal:1", "sha256:k", "running"), box("b", "web", "web:2", "sha256:new", "running"))
	r := &run{Deployment: begun(t)}
	s := &r.Plan.Stages[0]
	s.Project = "shop"
	h := &handover{Service: "web", Rollout: core.Rollout{Proxy: "kamal-proxy", Container: "proxy", Name: "web", Port: 80}}
	if err := r.handOver(t.Context(), s, engine, h, []docker.Twin{box("b", "web", "web:2", "sha256:new", "running")}); err == nil || len(has.commands()) != 1 {
		t.Fatalf("%v, asked %q", err, has.commands())
	}
	all, err := r.handovers(s.Name)
	if err != nil || !h.Handed || !all["web"].Handed {
		t.Errorf("the way back would not tell it anything: %+v, %v", h, err)
	}
}

// One of two old instances was in a loop of crashes, which the deployment was to mend: no
// command can be run in it, and the new ones, proven and in the proxy, were undone.
func TestInstanceThatDoesNotRunIsNotAskedToLeave(t *testing.T) {
	engine, has := engineWith(t, nil, box("a", "web", "web:1", "sha256:old", "restarting"))
	h := &handover{Service: "web", Rollout: core.Rollout{Proxy: "traefik", Leave: "touch /tmp/drain"}}
	if err := leave(t.Context(), engine, h, box("a", "web", "web:1", "sha256:old", "restarting")); err != nil || has.commands() != nil {
		t.Errorf("asked %q, %v", has.commands(), err)
	}
}

// A release listens elsewhere. It was undone, and kamal-proxy was given the old instance at
// the port and with the options of the new one: visitors found nobody.
func TestWhatRanBeforeIsGivenBackAsItWasAsked(t *testing.T) {
	old := box("a", "web", "web:1", "sha256:old", "running")
	engine, has := engineWith(t, nil, old, box("p", "proxy", "kamal:1", "sha256:k", "running"))
	r := &run{Deployment: begun(t), engines: map[string]*docker.Engine{"": engine}}
	s := &r.Plan.Stages[0]
	s.Project, s.Rollout = "shop", true
	text, err := json.Marshal(was(nil, old))
	if err == nil {
		err = r.keep("staging/before.json", text)
	}
	if err != nil {
		t.Fatal(err)
	}
	settings := func(probe, options string) (all core.Settings) {
		all.Probe, all.Rollout = probe, core.Rollout{Proxy: "kamal-proxy", Container: "proxy", Options: options}
		return all
	}
	r.Targets = func(*compose.Project, []string) []verify.Target {
		return []verify.Target{{Service: "web", Settings: settings("http://:9090/healthz", "--health-check-path /healthz")}}
	}
	r.Was = func(string, []docker.Twin) verify.Target {
		return verify.Target{Service: "web", Settings: settings("http://:8080/up", "")}
	}
	rolled, blinks, err := r.rolled(t.Context(), s, &compose.Project{Project: &types.Project{Name: "shop", Services: types.Services{"web": {Name: "web"}}}}, []string{"web"})
	h := rolled["web"]
	if err != nil || h == nil || h.Port != 9090 {
		t.Fatalf("%+v, %q, %v", h, blinks, err)
	}
	h.Handed = true
	if err := r.keepHandover(s, h); err != nil {
		t.Fatal(err)
	}
	before, err := r.Before(s.Name)
	if err != nil {
		t.Fatal(err)
	}
	giveBack(t.Context(), engine, before, s, "web", nil, quiet)
	if got := has.commands(); len(got) != 1 || got[0] != "kamal-proxy deploy web --drain-timeout 0s --target shop_web_1:8080" {
		t.Errorf("got %q", got)
	}
}

// Of two instances that are what the files say one had ended, or one was of an older release:
// "nothing had to change", and verify undid the deployment that was to mend that.
func TestRolloutOfWhatIsThereMendsTheRest(t *testing.T) {
	dir := t.TempDir()
	script := "#!/bin/sh\n[ \"$1\" = version ] && echo 2.24.0 || echo \"$@\" >>" + filepath.Join(dir, "calls") + "\n"
	if err := os.WriteFile(filepath.Join(dir, "docker-compose"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/bin:/usr/bin")
	for want, second := range map[string]docker.Twin{
		"up --detach --no-build --no-deps --no-color web\n":                             box("b", "web", "web:1", "sha256:now", "exited"),
		"up --detach --no-build --no-deps --no-color --no-recreate --scale web=4 web\n": box("b", "web", "web:0", "sha256:older", "running"),
		"": box("b", "web", "web:1", "sha256:now", "running"),
	} {
		os.Remove(filepath.Join(dir, "calls"))
		first := box("a", "web", "web:1", "sha256:now", "running")
		engine, _ := engineWith(t, nil, first, second, box("c", "web", "web:1", "sha256:now", "created"), box("d", "web", "web:1", "sha256:now", "created"))
		r := &run{Deployment: begun(t), engines: map[string]*docker.Engine{"": engine}, Tools: Tools{Out: &Progress{W: io.Discard}}}
		r.Targets = func(*compose.Project, []string) []verify.Target { return nil }
		s := &r.Plan.Stages[0]
		s.Project = "shop"
		text, err := json.Marshal(was(nil, first, second))
		if err == nil {
			err = r.keep("staging/before.json", text)
		}
		tool, toolErr := compose.FindTool(t.Context(), engine.Host())
		if err = errors.Join(err, toolErr); err != nil {
			t.Fatal(err)
		}
		two := 2
		web := types.ServiceConfig{Name: "web", Scale: &two}
		err = r.rollOut(t.Context(), s, &compose.Project{Project: &types.Project{Name: "shop", Services: types.Services{"web": web}}}, tool, io.Discard, &handover{Service: "web", Rollout: core.Rollout{Proxy: "caddy"}})
		calls, _ := os.ReadFile(filepath.Join(dir, "calls"))
		if !strings.HasSuffix(string(calls), want) || want == "" && len(calls) > 0 || err != nil {
			t.Errorf("got %q, %v; want %q", calls, err, want)
		}
	}
}
