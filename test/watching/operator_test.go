package watching_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aweigh/aweigh"
)

// Where there is no container engine, `aweigh run` tells the watcher by its
// records.
func TestServiceWithoutAContainer(t *testing.T) {
	t.Parallel()
	w := watch(t, "bare", nil)
	run := func(service, script string) *exec.Cmd {
		t.Helper()
		cmd := exec.Command(filepath.Join(bin, "aweigh"), "run", "--service", service, "--record", w.state, "--", "/bin/sh", "-c", script)
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	crashing := run("batch", "echo the early line; echo out of luck >&2; exit 5")
	crashing.Wait()
	w.mail(t, "batch", "startup-failed", "out of luck")
	w.incident(t, "batch", "is a failed start", func(n aweigh.Incident) bool { return n.Kind == aweigh.StartupFailed })

	serving := run("api", "exec busybox httpd -f -p 127.0.0.1:0 -h /tmp")
	stopped := make(chan struct{})
	go func() { serving.Wait(); close(stopped) }()
	w.started(t, "api", 1, "ready", isReady)
	serving.Process.Signal(syscall.SIGTERM)
	<-stopped
	w.started(t, "api", 1, "stopped", func(s aweigh.Start) bool { return s.Run != nil && s.Run.End == aweigh.RunStopped })
	w.calm(t, "api")
}

// What a person does about an incident, from a shell.
func TestOperatorsCommands(t *testing.T) {
	t.Parallel()
	e := sharedEngine(t)
	w := watch(t, "operator", e)
	if out, _, code := w.aweigh("status"); code != 0 && code != 3 {
		t.Errorf("status: exit %d: %s", code, out)
	}

	// In a maintenance window nobody is told, until it ends.
	w.must(t, "maintenance", "start", "ill*", "--for", "10m", "--message", "new database")
	var windows []aweigh.Maintenance
	eventually(t, "the window is known", func() bool {
		windows = nil
		return json.Unmarshal([]byte(w.must(t, "maintenance", "--json")), &windows) == nil && len(windows) == 1
	})
	e.run(t, "ill", "echo I am ill; exit 2")
	n := w.incident(t, "ill", "is open", func(n aweigh.Incident) bool { return n.Open() })
	if _, _, code := w.aweigh("status"); code != 3 {
		t.Errorf("status: exit %d while an incident is open, want 3", code)
	}
	if mails := w.alarms("ill on operator"); len(mails) > 0 {
		t.Errorf("mails in a maintenance window: %s", listed(mails))
	}
	w.must(t, "maintenance", "stop", windows[0].ID)
	w.mail(t, "ill on operator", "startup-failed", "I am ill")

	w.must(t, "incidents", "ack", n.ID, "--message", "rolling back")
	w.incident(t, "ill", "is acknowledged", func(n aweigh.Incident) bool {
		return n.Acknowledged != nil && n.Acknowledged.Note == "rolling back"
	})
	if out := w.must(t, "incidents", "show", n.ID[:16]); !strings.Contains(out, "rolling back") || !strings.Contains(out, "I am ill") {
		t.Errorf("incidents show:\n%s", out)
	}
	if _, errs, code := w.aweigh("incidents", "ack"); code != 1 || !strings.Contains(errs, "aweigh incidents ack ID") {
		t.Errorf("ack without an id: exit %d, %s", code, errs)
	}
	if _, errs, code := w.aweigh("incidents", "ack", n.ID); code == 0 || !strings.Contains(errs, "already") {
		t.Errorf("a second ack: exit %d, %s", code, errs)
	}

	// A word that is given while no watcher runs is heard when one does.
	w.kill(syscall.SIGTERM)
	w.must(t, "incidents", "resolve", n.ID, "--message", "rolled back")
	w.start(t)
	n = w.incident(t, "ill", "is resolved", func(n aweigh.Incident) bool { return n.Resolved != nil })
	if !strings.Contains(n.Resolution, "rolled back") {
		t.Errorf("resolution %q", n.Resolution)
	}
	w.mail(t, "ill on operator", "rolled back")

	if out := w.must(t, "notify", "test", "--notify", post.route("tester")); !strings.Contains(out, "accepted") {
		t.Errorf("notify test: %s", out)
	}
	eventually(t, "the test mail", func() bool { return len(post.letters("tester", "test")) == 1 })
	if out, _, code := w.aweigh("notify", "test", "--notify", "smtp://127.0.0.1:1/?to=a@example.com"); code != 1 {
		t.Errorf("notify test of a dead server: exit %d: %s", code, out)
	}

	file := filepath.Join(tempDir(t), "aweigh.yaml")
	check := func(text string) (string, int) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, _, code := w.aweigh("config", "check", file)
		return out, code
	}
	good := "services:\n  ill:\n    probe: http://:8080/health\n    startup_timeout: 30s\nroutes:\n  - {name: ops, to: \"" + post.route("ops") + "\"}\n"
	if out, code := check(good); code != 0 {
		t.Errorf("config check of a good file: exit %d: %s", code, out)
	}
	if out, code := check(strings.Replace(good, "startup_timeout", "startup_timout", 1)); code == 0 || !strings.Contains(out, ":4:") || !strings.Contains(out, "startup_timeout") {
		t.Errorf("config check of a mistake: exit %d: %s", code, out)
	}
	if out := w.must(t, "init", "--help"); !strings.Contains(out, "aweigh.yaml") {
		t.Errorf("init --help: %s", out)
	}
}
