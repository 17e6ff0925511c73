package watching_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aweigh/aweigh"
)

// server is a web server that ends when it is asked to.
const server = `trap 'exit 0' TERM; httpd -f -p 8080 -h /tmp & wait`

// served lets the watcher ask it, without a port of this host's.
var served = []string{"--label", "aweigh.probe=tcp://:8080", "--label", "aweigh.startup-timeout=30s", "--label", "aweigh.confirm-within=30s"}

// What people do to containers, and what must not be an incident. Each of these
// was a false alarm of some other tool.
func TestNoFalseAlarm(t *testing.T) {
	e, w := together(t)
	var services []string
	quiet := func(name string, do func(t *testing.T), names ...string) {
		services = append(services, names...)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			do(t)
			for _, service := range names {
				w.calm(t, service)
			}
		})
	}
	t.Cleanup(func() { // again when all has ended: an alarm may come late
		for _, service := range services {
			w.calm(t, service)
		}
	})

	quiet("compose", func(t *testing.T) { composed(t, e, w) }, "shop", "till")
	quiet("stop and start", func(t *testing.T) {
		e.run(t, "restful", server, append(served, "--restart", "always")...)
		w.started(t, "restful", 1, "ready", isReady)
		e.docker(t, "stop", "restful")
		w.started(t, "restful", 1, "stopped", hasEnded(aweigh.RunStopped))
		e.docker(t, "start", "restful")
		w.started(t, "restful", 2, "ready", isReady)
		e.docker(t, "restart", "restful")
		w.started(t, "restful", 2, "stopped", hasEnded(aweigh.RunStopped))
		w.started(t, "restful", 3, "ready", isReady)
	}, "restful")
	quiet("a process that ignores SIGTERM", func(t *testing.T) {
		e.run(t, "stubborn", "exec httpd -f -p 8080 -h /tmp", append(served, "--restart", "unless-stopped")...)
		w.started(t, "stubborn", 1, "ready", isReady)
		e.docker(t, "stop", "--time", "1", "stubborn")
		s := w.started(t, "stubborn", 1, "stopped", hasEnded(aweigh.RunStopped))
		if s.Exit == nil || s.Exit.Code != 137 {
			t.Errorf("it should have been killed: %+v", s.Exit)
		}
	}, "stubborn")
	quiet("a process that ends with 143", func(t *testing.T) {
		e.run(t, "graceful", strings.ReplaceAll(server, "exit 0", "exit 143"), append(served, "--restart", "always")...)
		w.started(t, "graceful", 1, "ready", isReady)
		e.docker(t, "rm", "--force", "graceful") // kill, die, destroy
		w.started(t, "graceful", 1, "stopped", hasEnded(aweigh.RunStopped))
	}, "graceful")
	quiet("update and rename", func(t *testing.T) {
		e.removeLater(t, "renamed")
		e.run(t, "mutable", server, append(served, "--restart", "no")...)
		w.started(t, "mutable", 1, "ready", isReady)
		e.docker(t, "update", "--restart", "always", "mutable")
		e.docker(t, "rename", "mutable", "renamed")
		e.docker(t, "pause", "renamed")
		e.docker(t, "unpause", "renamed")
		e.docker(t, "kill", "--signal", "HUP", "renamed") // sh ends at it: it has no handler, but is PID 1
		e.docker(t, "restart", "renamed")
		w.started(t, "renamed", 1, "ready", isReady)
	}, "mutable", "renamed")
	quiet("a job", func(t *testing.T) {
		e.run(t, "job", "echo done")
		w.started(t, "job", 1, "well", isReady)
		e.run(t, "retried-job", "echo done; sleep 1", "--restart", "on-failure:3")
		w.started(t, "retried-job", 1, "well", isReady)
		e.run(t, "removed-job", "echo done", "--rm")
		w.started(t, "removed-job", 1, "well", isReady)
	}, "job", "retried-job", "removed-job")
	quiet("stopped before it is ready", func(t *testing.T) {
		e.run(t, "hasty", "exec sleep 1000", append(served, "--restart", "always")...)
		e.docker(t, "stop", "--time", "0", "hasty")
		w.started(t, "hasty", 1, "stopped", func(s aweigh.Start) bool { return s.Verdict == aweigh.Stopped })
	}, "hasty")
}

// calm says that no incident of a service was opened, and no mail told of one.
func (w *watcher) calm(t *testing.T, service string) {
	t.Helper()
	if all := w.incidents(t, service); len(all) > 0 {
		t.Errorf("incidents of %s: %s", service, briefly(all))
	}
	if alarms := w.alarms(service); len(alarms) > 0 {
		t.Errorf("mails about %s: %s", service, listed(alarms))
	}
}

// composed lives through what people do with Compose.
func composed(t *testing.T, e *engine, w *watcher) {
	if _, err := exec.LookPath("docker-compose"); err != nil {
		missing(t, "docker-compose is not there: test/setup installs it")
	}
	file := filepath.Join(tempDir(t), "compose.yaml")
	write := func(image string) {
		t.Helper()
		text := `version: "2.4"
services:
  shop: &service
    image: ` + image + `
    network_mode: bridge
    restart: always
    command: [/bin/sh, -c, "` + server + `"]
    labels: {aweigh.probe: "tcp://:8080", aweigh.startup-timeout: 30s, aweigh.confirm-within: 30s}
  till:
    <<: *service
`
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(image)
	t.Cleanup(func() {
		if t.Failed() {
			e.compose(t, file, "down", "--timeout", "1")
		}
	})
	e.compose(t, file, "up", "--detach")
	w.started(t, "shop", 1, "ready", isReady)
	w.started(t, "till", 1, "ready", isReady)

	write(nextImage)
	e.compose(t, file, "up", "--detach")
	w.started(t, "shop", 2, "ready", isReady)
	w.started(t, "shop", 1, "replaced or stopped", func(s aweigh.Start) bool { return s.Run != nil && s.Run.End != "" })

	e.compose(t, file, "restart", "shop")
	w.started(t, "shop", 3, "ready", isReady)

	e.compose(t, file, "up", "--detach", "--scale", "till=3", "till")
	w.started(t, "till", 4, "ready", isReady)
	e.compose(t, file, "up", "--detach", "--scale", "till=1", "till")
	e.compose(t, file, "stop", "shop")
	w.started(t, "shop", 3, "stopped", hasEnded(aweigh.RunStopped))
	e.compose(t, file, "start", "shop")
	w.started(t, "shop", 4, "ready", isReady)
	e.compose(t, file, "down")
	w.started(t, "shop", 4, "stopped", hasEnded(aweigh.RunStopped))
	for n, s := range w.starts(t, "till") {
		if s.Verdict != aweigh.Ready || s.Run == nil || s.Run.End == "" || s.Run.End == aweigh.RunCrashed {
			t.Errorf("start %d of till: %s, run %+v", n+1, s.Verdict, s.Run)
		}
	}
}
