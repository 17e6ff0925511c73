package watching_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

// slow is what no mail may take, on a machine that has ten other things to do.
// What it takes is logged.
const slow = 20 * time.Second

// The case of the write-up: the server never comes to listen, Docker says "Up",
// and nobody knew for 16 hours.
func TestNobodyListens(t *testing.T) {
	e, w := together(t)
	e.run(t, "deaf", "echo the first line of all; echo waiting for the database >&2; exec sleep 1000",
		"--restart", "always", "--publish", "127.0.0.1::5003", "--label", "aweigh.startup-timeout=3s")
	in := e.becomes(t, "deaf", "runs", func(in inspected) bool { return in.State.Running })

	l := w.mail(t, "deaf", "not ready within 3s", "waiting for the database")
	deadline := in.State.StartedAt.Add(3 * time.Second)
	late := l.at.Sub(deadline)
	t.Logf("mail accepted %s after the deadline", late.Round(time.Millisecond))
	if late > slow {
		t.Errorf("the mail came %s after the deadline", late)
	}
	if l.state() != "critical" {
		t.Errorf("the mail's state is %q", l.state())
	}
	if in, err := e.inspect("deaf"); err != nil || in.State.Status != "running" || in.RestartCount != 0 {
		t.Errorf("Docker should call it up: %+v, %v", in, err)
	}
	w.incident(t, "deaf", "is a failed start", func(n aweigh.Incident) bool { return n.Kind == aweigh.StartupFailed })
	s := w.started(t, "deaf", 1, "timed out", func(s aweigh.Start) bool { return s.Verdict == aweigh.TimedOut })
	if out := w.must(t, "logs", s.ID); !strings.Contains(out, "the first line of all\n") || !strings.Contains(out, "waiting for the database\n") {
		t.Errorf("the record has %q", out)
	}
}

// It dies before it listens, and its restart policy takes each early log with
// it: the mail comes with the second crash.
func TestCrashesBeforeItListens(t *testing.T) {
	e, w := together(t)
	e.run(t, "early", `echo "reading configuration"; sleep 0.1; echo "fatal: no such table: signals" >&2; sleep 0.2; exit 3`,
		"--restart", "always", "--publish", "127.0.0.1::5003", "--label", "aweigh.startup-timeout=60s")
	l := w.mail(t, "early", "exited with 3", "no such table: signals", "reading configuration")
	dies := e.happened("early", "die")
	if len(dies) < 2 {
		t.Fatalf("the mail came after %d crashes", len(dies))
	}
	took := l.at.Sub(dies[1].at())
	t.Logf("mail accepted %s after the second crash", took.Round(time.Millisecond))
	if took < 0 || took > slow {
		t.Errorf("the mail came %s after the second crash", took)
	}
	s := w.started(t, "early", 1, "crashed", func(s aweigh.Start) bool { return s.Verdict == aweigh.Crashed })
	if s.Exit == nil || s.Exit.Code != 3 || !strings.Contains(s.Reason, "no such table") {
		t.Errorf("start %+v, exit %+v", s, s.Exit)
	}
	e.docker(t, "rm", "--force", "early")
	for n, s := range w.starts(t, "early") {
		out := w.must(t, "logs", s.ID)
		if s.Verdict == aweigh.Crashed && !strings.Contains(out, "reading configuration\n") {
			t.Errorf("the record of start %d has %q", n+1, out)
		}
	}
}
