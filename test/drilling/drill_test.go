package drilling_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aweigh/aweigh/internal/drill"
)

func itoa(n int) string { return strconv.Itoa(n) }

// allOfThem is how long all drills may take on a machine that has more to do; go
// test itself gives up after ten minutes.
const allOfThem = 9 * time.Minute

// shop is a compose project with a service that needs another one.
const shop = `
services:
  web:
    image: %s
    restart: always
    environment: {PORT: "5003", NEEDS: "db:8080"}
    ports: ["127.0.0.1:0:5003"]
    depends_on: [db]
    volumes: ["data:/data"]
    labels: {aweigh.probe: "http://:5003/health"}
  db:
    image: %[1]s
volumes:
  data: {}
`

func composeFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "compose.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, shop, imageOf(t, "server")), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestEveryDrillOfAServiceWithADependencyPasses(t *testing.T) {
	t.Parallel()
	state, file := t.TempDir(), composeFile(t)
	s := begin(t, state, "--file", file, "--parallel", "3", "--junit", filepath.Join(state, "junit.xml"), "web")
	status, report := s.wait(allOfThem)
	s.leftNothing()
	for _, r := range report.Results {
		if r.Drill == "log-silence" && r.Verdict == drill.NotApplicable {
			t.Log("the machine has so much to do that the log pauses:", r.Reason)
			continue
		}
		if r.Verdict != drill.Passed {
			t.Errorf("%s: %s: %s", r.Drill, r.Verdict, r.Reason)
		}
		if calm := r.Expects == "ready, and no alarm"; calm != (r.DetectedMS == nil) || calm != (r.ToldMS == nil) || calm != (r.RecoveredMS == nil) {
			t.Errorf("%s: detected %v, told %v, recovered %v", r.Drill, r.DetectedMS, r.ToldMS, r.RecoveredMS)
		}
	}
	if status != 0 || len(report.Results) != len(drill.Table()) {
		t.Errorf("exit status %d with %d results of %d drills", status, len(report.Results), len(drill.Table()))
	}
	if b, err := os.ReadFile(filepath.Join(state, "junit.xml")); err != nil || strings.Count(string(b), "<testcase ") != len(report.Results) {
		t.Errorf("JUnit: %v\n%s", err, b)
	}
	if kept, err := drill.History(state, time.Time{}); err != nil || len(kept) != 1 || kept[0].Run != report.Run {
		t.Errorf("the history: %d runs, %v", len(kept), err)
	}
	users := filepath.Base(filepath.Dir(file)) + "_data"
	if there := strings.Fields(docker(t, "volume", "ls", "--quiet")); slices.Contains(there, users) {
		t.Errorf("the user's own volume %s was made", users)
	}
}

func TestNginx(t *testing.T) {
	t.Parallel()
	s := begin(t, t.TempDir(), "--image", imageOf(t, "nginx"), "--probe", "http://:80/",
		"--only", "port-taken", "--only", "hang", "--only", "health-500", "--only", "read-only", "--only", "crash-after-ready", "--only", "stop-and-recreate")
	status, report := s.wait(allOfThem)
	s.leftNothing()
	for _, r := range report.Results {
		if r.Verdict != drill.Passed {
			t.Errorf("%s: %s: %s", r.Drill, r.Verdict, r.Reason)
		}
	}
	if status != 0 || len(report.Results) != 6 {
		t.Errorf("exit status %d with %d results", status, len(report.Results))
	}
}

// Without a steady state nothing is proven, which is no success.
func TestAServiceThatDoesNotComeUpIsInconclusive(t *testing.T) {
	t.Parallel()
	s := begin(t, t.TempDir(), "--image", imageOf(t, "server"), "--env", "DATA=/nowhere", "--only", "hang")
	status, report := s.wait(allOfThem)
	s.leftNothing()
	if status != 3 || report.Results[0].Verdict != drill.Inconclusive || !strings.Contains(report.Unsteady, "/nowhere/state") {
		t.Errorf("exit status %d, %+v", status, report)
	}
}

func TestAnInterruptedRunRemovesWhatItMade(t *testing.T) {
	t.Parallel()
	s := begin(t, t.TempDir(), "--image", imageOf(t, "server"), "--only", "hang", "--only", "loopback-only")
	eventually(t, "a drill is under way", func() bool { return s.underWay("hang") })
	s.cmd.Process.Signal(syscall.SIGINT)
	status, report := s.wait(2 * patience)
	s.leftNothing()
	if status != 3 || report.Count(drill.Inconclusive) != 2 {
		t.Errorf("exit status %d, %+v", status, report)
	}
}

func TestTheNextRunRemovesWhatAKilledOneLeft(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	s := begin(t, state, "--image", imageOf(t, "server"), "--only", "hang", "--only", "loopback-only")
	eventually(t, "a drill is under way", func() bool { return s.underWay("hang") })
	s.cmd.Process.Kill()
	<-s.ended
	if len(s.made()) == 0 {
		t.Fatal("the killed run left nothing, so that nothing is tested")
	}
	next := begin(t, state, "--image", imageOf(t, "server"), "--only", "crash-at-once")
	if status, report := next.wait(allOfThem); status != 0 {
		t.Errorf("exit status %d: %+v", status, report)
	}
	s.leftNothing()
	next.leftNothing()
}
