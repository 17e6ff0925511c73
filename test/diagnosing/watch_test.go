package diagnosing_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/aweigh/aweigh"
)

// watching starts `aweigh watch`, which sees all containers of the engine, and
// returns its state directory.
func watching(t *testing.T) string {
	t.Helper()
	needEngine(t)
	state := t.TempDir()
	said := &lockedBuffer{}
	cmd := exec.Command(filepath.Join(bin, "aweigh"), "watch", "--state", state, "--listen", "none")
	cmd.Dir, cmd.Stderr = state, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		if t.Failed() {
			t.Logf("the watcher said:\n%s", said)
		}
	})
	service{"the watcher"}.until(t, "watches", func() bool { return strings.Contains(said.String(), "event=watch.begin") })
	return state
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// started waits until the newest start of a service is as it should be.
func started(t *testing.T, state, name, what string, holds func(aweigh.Start) bool) aweigh.Start {
	t.Helper()
	var last aweigh.Start
	service{name}.until(t, what, func() bool {
		out, _, _ := runAweigh(t, "starts", "--state", state, "--json", name)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		return json.Unmarshal([]byte(lines[0]), &last) == nil && holds(last)
	})
	return last
}

// incidentOf is the only incident of a service.
func incidentOf(t *testing.T, state, name string) aweigh.Incident {
	t.Helper()
	var all []aweigh.Incident
	service{name}.until(t, "has an incident", func() bool {
		out, _, _ := runAweigh(t, "incidents", "--state", state, "--all", "--json", name)
		return json.Unmarshal([]byte(out), &all) == nil && len(all) == 1
	})
	return all[0]
}

// One watcher sees all of it: an end, a deadline, a refusal.
func TestFailedStartsAndTheirIncidentsCarryTheirCause(t *testing.T) {
	t.Parallel()
	state := watching(t)
	name := func(what string) string { return fmt.Sprintf("awd-%d-w-%s", os.Getpid(), what) }
	startNamed(t, name("env"), published, "need", "DATABASE_URL")
	startNamed(t, name("loop"), slices.Concat(published, []string{"--label", "aweigh.startup-timeout=3s"}), "serve", "127.0.0.1:8080")
	port := taken(t)
	startNamed(t, name("taken"), []string{"--publish", port + ":8080"}, "serve", ":8080")
	for what, cause := range map[string]string{"env": "env-var-missing", "loop": "bound-to-localhost", "taken": "port-in-use"} {
		n := incidentOf(t, state, name(what))
		if !n.Cause.Named() || n.Cause.ID != cause || n.Cause.Fix == "" || n.Cause.Why == "" {
			t.Errorf("%s: the incident's cause is %+v", what, n.Cause)
		}
		s := started(t, state, name(what), "has a verdict", func(s aweigh.Start) bool { return s.Verdict.Failed() })
		if s.Cause == nil || s.Cause.ID != cause {
			t.Errorf("%s: the start's cause is %+v", what, s.Cause)
		}
		out, _, _ := runAweigh(t, "incidents", "show", n.ID, "--state", state)
		if first, _, _ := strings.Cut(out, "\n"); !strings.Contains(first, cause) || !strings.Contains(first, name(what)+": startup-failed since ") {
			t.Errorf("%s: the first line is %q", what, first)
		}
	}
	out, _, _ := runAweigh(t, "status", "--state", state)
	if !strings.Contains(out, "env-var-missing: exited with 2") {
		t.Errorf("status does not say the cause:\n%s", out)
	}
}

func TestARemovedContainerIsDiagnosedFromItsRecordWithWhatHasChanged(t *testing.T) {
	t.Parallel()
	state := watching(t)
	name := fmt.Sprintf("awd-%d-changed", os.Getpid())
	startNamed(t, name, slices.Concat(published, []string{"--env", "DATABASE_URL=postgres://app:s3cretvalue@db/"}), "need", "DATABASE_URL")
	started(t, state, name, "is ready", func(s aweigh.Start) bool { return s.Verdict == aweigh.Ready })
	docker("rm", "--force", name)
	startNamed(t, name, published, "need", "DATABASE_URL").ended(t)
	bad := started(t, state, name, "has crashed", func(s aweigh.Start) bool { return s.Verdict == aweigh.Crashed })
	docker("rm", "--force", name)
	for _, what := range []string{name, bad.ID} {
		var d diagnosis
		service{name}.until(t, "is diagnosed", func() bool { // once its record is whole
			d = diagnosed(t, what, "--state", state)
			return d.Causes[0].ID == "env-var-missing"
		})
		d.is(t, "env-var-missing").says(t, "DATABASE_URL")
		if !slices.Contains(d.Changed, "the environment variable DATABASE_URL is gone") {
			t.Errorf("what has changed: %q", d.Changed)
		}
		if strings.Contains(d.text, "s3cretvalue") {
			t.Errorf("the value is told: %s", d)
		}
	}
	records, _ := filepath.Glob(filepath.Join(state, name, "*", "*"))
	for _, path := range records {
		if data, _ := os.ReadFile(path); bytes.Contains(data, []byte("s3cretvalue")) {
			t.Errorf("%s has the value", path)
		}
	}
}

// A service that is started again at once shows nothing of why it ended.
func TestALoopIsDiagnosedByItsLastFailedStart(t *testing.T) {
	t.Parallel()
	needEngine(t)
	s := start(t, []string{"--restart", "always"}, "dial", "127.0.0.1:5432")
	s.until(t, "has been restarted", func() bool {
		out, err := docker("inspect", "--format", "{{.RestartCount}}", s.name)
		return err == nil && out != "0"
	})
	diagnosed(t, s.name).is(t, "dependency-refused")
}
