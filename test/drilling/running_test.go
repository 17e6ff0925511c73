package drilling_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aweigh/aweigh"
)

// What runs is looked at, and left alone; its data are copied when that is
// asked for.
func TestTheRunningContainerIsLeftAlone(t *testing.T) {
	t.Parallel()
	name := fmt.Sprintf("aweigh-drilling-web-%d", os.Getpid())
	docker(t, "run", "--detach", "--name", name, "--volume", name+":/data", "--restart", "always", imageOf(t, "server"))
	t.Cleanup(func() {
		tryDocker("rm", "--force", "--volumes", name)
		tryDocker("volume", "rm", "--force", name)
	})
	before := docker(t, "inspect", "--format", "{{.State.StartedAt}} {{.RestartCount}} {{.NetworkSettings.IPAddress}} {{.Image}}", name)
	s := begin(t, t.TempDir(), "--container", name, "--volume-copy", "/data", "--only", "crash-loop", "--only", "killed-from-outside", "--only", "disk-full")
	status, report := s.wait(allOfThem)
	s.leftNothing()
	if status != 0 {
		t.Errorf("exit status %d: %+v", status, report)
	}
	if after := docker(t, "inspect", "--format", "{{.State.StartedAt}} {{.RestartCount}} {{.NetworkSettings.IPAddress}} {{.Image}}", name); after != before {
		t.Errorf("it was %s, and is %s", before, after)
	}
	if there := strings.Fields(docker(t, "volume", "ls", "--quiet")); !slices.Contains(there, name) {
		t.Error("its volume is gone")
	}
}

// A watcher that runs hears of drills as of anything else, and tells nobody but
// the routes for drills.
func TestAWatcherTellsItsDrillRoutesAlone(t *testing.T) {
	t.Parallel()
	people, drills := listen(t), listen(t)
	dir := t.TempDir()
	config := filepath.Join(dir, "aweigh.yaml")
	text := fmt.Sprintf("routes:\n  - {name: people, to: \"webhook+%s\"}\n  - {name: drills, to: \"webhook+%s\", drills: true}\n", people.URL, drills.URL)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	watcher := exec.Command(filepath.Join(bin, "aweigh"), "watch", "--config", config, "--state", filepath.Join(dir, "watch"), "--listen", "none")
	if err := watcher.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { watcher.Process.Kill(); watcher.Wait() })
	s := begin(t, filepath.Join(dir, "drill"), "--image", imageOf(t, "server"), "--only", "crash-loop", "--config", config)
	status, report := s.wait(allOfThem)
	if status != 0 || !strings.Contains(report.Results[0].Route, "drills") {
		t.Errorf("exit status %d: %+v", status, report.Results)
	}
	id := report.Run + ".crash-loop"
	eventually(t, "the route for drills has heard of it", func() bool { return drills.heard(id) })
	if people.heard(id) {
		t.Error("people were told of a drill")
	}
}

// listener is a webhook that keeps what it is told.
type listener struct {
	*httptest.Server
	mu   sync.Mutex
	told []aweigh.Notification
}

func listen(t *testing.T) *listener {
	l := &listener{}
	l.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		var n aweigh.Notification
		if json.Unmarshal(b, &n) == nil {
			l.mu.Lock()
			l.told = append(l.told, n)
			l.mu.Unlock()
		}
	}))
	t.Cleanup(l.Close)
	return l
}

// heard reports whether it was told of a drill, by an incident or by the name of
// its service.
func (l *listener) heard(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.told, func(n aweigh.Notification) bool {
		return n.Incident != nil && n.Incident.Drill == id || slices.ContainsFunc(n.Services, func(s string) bool { return strings.HasPrefix(s, "drill-") })
	})
}
