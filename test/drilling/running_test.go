package drilling_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
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

// watching starts a watcher with a route for people and one for drills.
func watching(t *testing.T) (people, drills *listener, config, state, address string) {
	people, drills = listen(t), listen(t)
	dir := t.TempDir()
	config, state, address = filepath.Join(dir, "aweigh.yaml"), filepath.Join(dir, "watch"), free(t)
	text := fmt.Sprintf("routes:\n  - {name: people, to: \"webhook+%s\"}\n  - {name: drills, to: \"webhook+%s\", drills: true}\n", people.URL, drills.URL)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	watcher := exec.Command(filepath.Join(bin, "aweigh"), "watch", "--config", config, "--state", state, "--listen", address)
	if err := watcher.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { watcher.Process.Kill(); watcher.Wait() })
	eventually(t, "the watcher answers", func() bool { return get(address, "/health") != "" })
	return people, drills, config, state, address
}

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// get is a page, "" while there is none.
func get(address, path string) string {
	resp, err := http.Get("http://" + address + path)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return ""
	}
	return string(b)
}

// The watcher that runs is the one that is put to the proof: its route for drills
// is told, people are not, and nothing that it says of services counts a drill.
func TestDrillsGoThroughTheWatcherThatRuns(t *testing.T) {
	t.Parallel()
	people, drills, config, state, address := watching(t)
	s := begin(t, state, "--image", imageOf(t, "server"), "--config", config, "--only", "crash-loop", "--only", "stop-and-recreate", "--only", "watcher-down")
	status, report := s.wait(allOfThem)
	s.leftNothing()
	if status != 0 || report.Watcher != state {
		t.Errorf("exit status %d: watched by %q: %+v", status, report.Watcher, report.Results)
	}
	if r := report.Results[0]; r.Drill != "crash-loop" || r.Route != "drills" || r.ToldMS == nil || r.Incident.Drill != report.Run+".crash-loop" {
		t.Errorf("%+v", r)
	}
	if id := report.Run + ".crash-loop"; !drills.heard(id) || people.heard(id) {
		t.Errorf("the route for drills was told: %t, people: %t", drills.heard(id), people.heard(id))
	}
	if out := says(t, "starts", "--state", state); !strings.Contains(out, "drill-") {
		t.Errorf("its starts are not kept:\n%s", out)
	}
	for name, said := range map[string]string{"report": says(t, "report", "--state", state), "status": says(t, "status", "--state", state), "metrics": get(address, "/metrics"), "status page": get(address, "/status")} {
		if said == "" || strings.Contains(said, "drill-") {
			t.Errorf("%s counts a drill:\n%s", name, said)
		}
	}
}

// A watcher elsewhere hears of drills as of anything else, and tells nobody but
// the routes for drills.
func TestAWatcherTellsItsDrillRoutesAlone(t *testing.T) {
	t.Parallel()
	people, drills, config, _, _ := watching(t)
	s := begin(t, t.TempDir(), "--image", imageOf(t, "server"), "--only", "crash-loop", "--config", config)
	status, report := s.wait(allOfThem)
	if status != 0 || report.Watcher != "" || !strings.Contains(report.Results[0].Route, "drills") {
		t.Errorf("exit status %d: watched by %q: %+v", status, report.Watcher, report.Results)
	}
	id := report.Run + ".crash-loop"
	eventually(t, "the route for drills has heard of it", func() bool { return drills.heard(id) })
	if people.heard(id) {
		t.Error("people were told of a drill")
	}
}

// says runs a command, and returns what it prints.
func says(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(filepath.Join(bin, "aweigh"), args...).Output()
	if err != nil && !(args[0] == "report" && len(out) > 0) { // it has nothing to report
		t.Errorf("aweigh %s: %v", strings.Join(args, " "), err)
	}
	return string(out)
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
