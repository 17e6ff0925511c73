package watching_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

// once is a script that does something bad in its first life, and serves ever
// after.
func once(bad string) string {
	return "if mkdir /tmp/once 2>/dev/null; then " + bad + "; fi; " + server
}

// waitFor lets a script wait until the test has touched a file.
const waitFor = "while test ! -e /tmp/now; do sleep 0.1; done; "

func (e *engine) now(t *testing.T, name string) {
	t.Helper()
	e.docker(t, "exec", name, "touch", "/tmp/now")
}

func TestCrashAfterReadyIsAnUnexpectedRestart(t *testing.T) {
	e, w := together(t)
	e.run(t, "fickle", once("httpd -p 8080 -h /tmp; "+waitFor+"echo 'panic: index out of range' >&2; exit 1"),
		append(served, "--restart", "always", "--label", "aweigh.settle=1s")...)
	w.started(t, "fickle", 1, "ready", isReady)
	e.now(t, "fickle")
	l := w.mail(t, "fickle", "unexpected-restart", "exited with 1", "panic: index out of range")
	if l.state() != "warning" {
		t.Errorf("its state is %q, want warning", l.state())
	}
	w.started(t, "fickle", 1, "crashed", hasEnded(aweigh.RunCrashed))
	w.started(t, "fickle", 2, "ready", isReady)
	w.mail(t, "fickle", "ready since")
	n := w.incident(t, "fickle", "is over", func(n aweigh.Incident) bool { return n.Resolved != nil })
	if n.Kind != aweigh.UnexpectedRestart || n.Count != 1 {
		t.Errorf("incident %+v", n)
	}
}

func TestCrashLoopIsOneIncidentWithACount(t *testing.T) {
	e, w := together(t)
	e.run(t, "looping", "echo boom; exit 1", "--restart", "always")
	w.mail(t, "looping", "crash-loop")
	n := w.incident(t, "looping", "counts 5", func(n aweigh.Incident) bool { return n.Count >= 5 })
	if n.Kind != aweigh.CrashLoop || n.Severity != aweigh.Critical {
		t.Errorf("incident %+v", n)
	}
	if mails := w.alarms("looping"); len(mails) != 2 {
		t.Errorf("%d mails, want one that a start failed and one that it is a loop: %s", len(mails), listed(mails))
	}
	// A stop during the restart policy's pause shows as nothing but "stop".
	e.becomes(t, "looping", "waits to be restarted", func(in inspected) bool { return in.State.Restarting })
	e.docker(t, "stop", "looping")
	n = w.incident(t, "looping", "is over", func(n aweigh.Incident) bool { return n.Resolved != nil })
	if !strings.Contains(n.Resolution, "on purpose") {
		t.Errorf("resolution %q", n.Resolution)
	}
	dies := len(e.happened("looping", "die"))
	if starts := w.starts(t, "looping"); len(starts) != dies {
		t.Errorf("%d starts are recorded, the engine told of %d deaths", len(starts), dies)
	}
}

func TestExit0IsALoopAllTheSame(t *testing.T) {
	e, w := together(t)
	e.run(t, "content", "echo bye; exit 0", "--restart", "always")
	w.mail(t, "content", "crash-loop", "exited with 0", "bye")
	w.incident(t, "content", "is a loop", func(n aweigh.Incident) bool { return n.Kind == aweigh.CrashLoop })
}

// It does not eat at once: what the kernel kills in the first tenth of a second
// the engine (20.10, containerd 1.6) may not look at yet, and it never tells.
func TestOutOfMemory(t *testing.T) {
	e, w := together(t)
	e.run(t, "greedy", once("echo eating; sleep 1; exec dd if=/dev/zero of=/dev/null bs=64M"),
		append(served, "--restart", "always", "--memory", "16m", "--memory-swap", "16m")...)
	w.mail(t, "greedy", "oom-killed", "want of memory", "eating")
	w.incident(t, "greedy", "is of memory", func(n aweigh.Incident) bool { return n.Kind == aweigh.OOMKilled })
	w.started(t, "greedy", 2, "ready", isReady)
}

func TestPortAlreadyAllocatedIsTold(t *testing.T) {
	e, w := together(t)
	e.run(t, "first", server, "--publish", "127.0.0.1:18080:8080")
	e.removeLater(t, "second")
	began := time.Now()
	if _, err := e.try("run", "--detach", "--name", "second", "--restart", "always", "--publish", "127.0.0.1:18080:8080", image, "/bin/sh", "-c", server); err == nil {
		t.Fatal("the port should be taken")
	}
	l := w.mail(t, "second", "startup-failed", "port is already allocated")
	t.Logf("told %s after it was tried", l.at.Sub(began).Round(time.Millisecond))
	if l.at.Sub(began) > 15*time.Second {
		t.Errorf("the mail came %s after it was tried", l.at.Sub(began))
	}
	w.incident(t, "second", "is a failed start", func(n aweigh.Incident) bool { return n.Kind == aweigh.StartupFailed })
	w.started(t, "second", 1, "refused", func(s aweigh.Start) bool { return s.Verdict == aweigh.Refused })
}

func TestProcessThatLivesAndDoesNotServe(t *testing.T) {
	e, w := together(t)
	e.run(t, "hollow", "httpd -f -p 8080 -h /tmp & P=$!; "+waitFor+"echo 'listener lost'; kill $P; exec sleep 1000",
		append(served, "--label", "aweigh.interval=500ms", "--restart", "always")...)
	w.started(t, "hollow", 1, "ready", isReady)
	e.now(t, "hollow")
	w.mail(t, "hollow", "not-serving", "connection refused", "listener lost")
	w.incident(t, "hollow", "serves not", func(n aweigh.Incident) bool { return n.Kind == aweigh.NotServing && n.Severity == aweigh.Critical })
}

func TestUnhealthy(t *testing.T) {
	e, w := together(t)
	e.run(t, "sickly", "echo fine so far; exec sleep 1000", "--restart", "always",
		"--health-cmd", "test ! -e /tmp/now || { echo disk on fire; exit 1; }", "--health-interval", "1s", "--health-retries", "2", "--health-timeout", "20s")
	w.started(t, "sickly", 1, "ready", isReady)
	e.now(t, "sickly")
	w.mail(t, "sickly", "unhealthy", "disk on fire", "fine so far")
	w.incident(t, "sickly", "is unhealthy", func(n aweigh.Incident) bool { return n.Kind == aweigh.Unhealthy })
	e.docker(t, "exec", "sickly", "rm", "/tmp/now")
	e.becomes(t, "sickly", "lives", func(in inspected) bool { return in.State.Running })
}

// It listens on its container's loopback, where its health check asks.
func TestHealthyWhereNobodyCanReachIt(t *testing.T) {
	e, w := together(t)
	e.run(t, "inward", "echo at home; echo well >/tmp/index.html; httpd -f -p 127.0.0.1:8080 -h /tmp & P=$!; "+waitFor+"kill $P; wait $P; exec httpd -f -p 8080 -h /tmp",
		"--publish", "127.0.0.1::8080", "--label", "aweigh.interval=500ms",
		"--health-cmd", "wget -q -O - http://127.0.0.1:8080/", "--health-interval", "1s", "--health-timeout", "20s")
	w.started(t, "inward", 1, "ready", isReady)
	w.mail(t, "inward", "unreachable", "nothing listens on what it publishes: port 8080", "0.0.0.0 instead of 127.0.0.1", "at home")
	e.now(t, "inward")
	w.incident(t, "inward", "is reached", func(n aweigh.Incident) bool { return n.Kind == aweigh.Unreachable && !n.Open() })
}

// The engine removes it the moment that it dies, and its log with it. Engine
// 20.10 answers nothing about a container while it starts it; on a busy machine
// one that dies at once may be gone before it answers, so there are several.
func TestRemovedAtDeathLeavesItsLines(t *testing.T) {
	e, w := together(t)
	const tries = 4
	kept := 0
	for n := range tries {
		name := fmt.Sprintf("flash-%d", n)
		e.run(t, name, "echo I was here; echo and now I am not >&2; sleep 0.1; exit 7", "--rm")
		l := w.mail(t, name, "startup-failed", "exited with 7")
		s := w.started(t, name, 1, "crashed", func(s aweigh.Start) bool { return s.Verdict == aweigh.Crashed })
		out := w.must(t, "logs", s.ID)
		if saysAll(l, []string{"I was here", "and now I am not"}) && strings.Contains(out, "I was here\n") && strings.Contains(out, "and now I am not\n") {
			kept++
		} else if len(out) > 0 {
			t.Errorf("the record of %s has %q, the mail\n%s", name, out, l.plain)
		}
		// The engine's tidying up does not make it well.
		w.incident(t, name, "is open", func(n aweigh.Incident) bool { return n.Open() })
	}
	t.Logf("the output of %d in %d was kept", kept, tries)
	if kept == 0 {
		t.Error("none was kept")
	}
}
