package verifying_test

import (
	"bytes"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aweigh/aweigh/internal/verify"
)

// With a watcher the start's record is the proof, and its time is measured.
func TestWatchedStartIsProvenByItsRecord(t *testing.T) {
	t.Parallel()
	text := `
version: "3"
services:
  web:
    image: IMAGE
    labels: {aweigh.probe: "http://:8080/health", aweigh.startup-timeout: 60s}
    environment: {MODE: MODENOW}
`
	p := up(t, strings.ReplaceAll(text, "MODENOW", "ok"))
	watch := exec.Command(aweigh, "watch", "--state", p.state, "--listen", "none")
	watch.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var said bytes.Buffer
	watch.Stderr = &said
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		watch.Process.Signal(syscall.SIGTERM)
		watch.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	p.untilWatched(t)
	recreate := func(mode string) {
		t.Helper()
		p.write(t, strings.ReplaceAll(text, "MODENOW", mode))
		if out, err := p.compose("up", "--detach", "--no-color", "--force-recreate", "--timeout", "0"); err != nil {
			t.Fatalf("docker-compose up: %v: %s", err, out)
		}
	}
	recreate("ok")
	checks, code := p.verified(t, "--within", patience)
	wants(t, checks, "web start-proven", verify.Passed, "ready after ")
	wants(t, checks, "web time-to-ready", verify.Passed, "")
	if code != 0 {
		t.Errorf("exit %d", code)
	}
	// The next release prints an error that the last good start did not have.
	recreate("loop")
	checks, code = p.verified(t, "--within", patience)
	wants(t, checks, "web start-proven", verify.Failed, "")
	wants(t, checks, "web new-errors", verify.Failed, "FATAL: no configuration")
	if code != 1 {
		t.Errorf("exit %d", code)
	}
}

// untilWatched waits until the watcher has seen the container.
func (p *project) untilWatched(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		out, _ := exec.Command(aweigh, "status", "--state", p.state, "--json").Output()
		if strings.Contains(string(out), p.name) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the watcher has not seen %s within a minute: %s", p.name, out)
		}
	}
}
