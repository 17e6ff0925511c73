package core_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

// The outage that began Aweigh: it crashes before it listens, Docker restarts
// it, and says "Up".
func TestTheSecondCrashBeforeReadyIsToldAndTheThirdIsALoop(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	for n := range 4 {
		h.start(c)
		h.pass(200 * time.Millisecond)
		h.die(c, 1)
		switch n {
		case 0:
			h.noIncident()
		case 1:
			want(t, "after the second crash", h.only().Kind, aweigh.StartupFailed)
			want(t, "told", h.occasions(), "opened")
		}
		h.pass(time.Second)
	}
	n := h.only()
	want(t, "kind", n.Kind, aweigh.CrashLoop)
	want(t, "severity", n.Severity, aweigh.Critical)
	want(t, "count", n.Count, 4)
	want(t, "told", h.occasions(), "opened raised")
	want(t, "verdicts", h.verdicts(), "crashed crashed crashed crashed")
	want(t, "in a row", h.starts[h.order[3]].InARow, 4)
	if !strings.Contains(h.told[1].Title, "KeyError") {
		t.Errorf("the title should name the likely cause: %q", h.told[1].Title)
	}
}

func TestAServerThatNeverListensIsToldAtTheDeadline(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	h.start(c)
	h.answer(c, false)
	h.pass(119 * time.Second)
	h.noIncident()
	h.pass(2 * time.Second)
	n := h.only()
	want(t, "kind", n.Kind, aweigh.StartupFailed)
	want(t, "verdict", h.verdicts(), "timed-out")
	if !strings.Contains(n.Summary, "connection refused") {
		t.Errorf("the summary should say what came: %q", n.Summary)
	}
	// It comes up late after all.
	h.pass(time.Minute)
	h.answer(c, true)
	h.pass(5 * time.Minute)
	want(t, "told", h.occasions(), "opened resolved")
	want(t, "verdict", h.verdicts(), "timed-out/")
}

// It was said to be not ready within 2m when it had been given five.
func TestMissedDeadlineIsTheOneThatWasGiven(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	c.HealthCheck, c.Patience = true, 5*time.Minute
	h.start(c)
	h.pass(10 * time.Minute)
	start := h.starts[h.order[0]]
	want(t, "reason", start.Reason, "not ready within 5m: no proof came")
	want(t, "took", *start.TookMS, int64(300_000))
}

func TestAProvenStartIsToldOnceForAWholeProject(t *testing.T) {
	h := newHistory(t)
	a, b := box("w1", "webhook"), box("s1", "sighook")
	h.start(a)
	h.start(b)
	h.pass(time.Second)
	h.answer(a, true)
	h.pass(10 * time.Second)
	want(t, "told while another comes up", h.occasions(), "")
	h.answer(b, true)
	h.pass(time.Minute)
	want(t, "told", h.occasions(), "ready")
	if title := h.told[0].Title; !strings.Contains(title, "webhook after 1s") || !strings.Contains(title, "sighook after 11s") {
		t.Errorf("title %q", title)
	}
	h.noIncident()
}

func TestDeliberateEndsRaiseNoAlarm(t *testing.T) {
	up := func(h *history, c *aweigh.Container) {
		h.start(c)
		h.pass(time.Second)
		h.answer(c, true)
		h.pass(10 * time.Minute)
	}
	for _, test := range []struct {
		name     string
		do       func(h *history)
		verdicts string
	}{
		{"docker stop", func(h *history) {
			c := box("w1", "webhook")
			up(h, c)
			h.kill(c, "SIGTERM")
			h.pass(10 * time.Second)
			h.kill(c, "SIGKILL")
			h.die(c, 137)
			h.stop(c)
		}, "ready/stopped"},
		{"compose up with a changed image", func(h *history) {
			c := box("w1", "webhook")
			up(h, c)
			h.kill(c, "SIGTERM")
			h.die(c, 1) // and it does not like it
			h.stop(c)
			h.pass(300 * time.Millisecond)
			h.apply(aweigh.Fact{Kind: aweigh.FactRemoved, Instance: "w1"})
			up(h, box("w2", "webhook"))
		}, "ready/replaced ready/"},
		{"docker restart", func(h *history) {
			c := box("w1", "webhook")
			up(h, c)
			h.kill(c, "SIGTERM")
			h.die(c, 0)
			h.stop(c)
			up(h, c)
		}, "ready/stopped ready/"},
		{"a one-shot job", func(h *history) {
			c := box("j1", "migrate")
			c.Policy, c.Published = "no", nil
			h.start(c)
			h.pass(30 * time.Second)
			h.die(c, 0)
		}, "ready/stopped"},
		{"a person's docker run -it", func(h *history) {
			c := box("i1", "shell")
			c.OneOff, c.Policy = true, "no"
			h.start(c)
			h.pass(time.Second)
			h.die(c, 1)
		}, "crashed"},
		{"a worker that nobody can ask", func(h *history) {
			c := box("k1", "worker")
			c.Published = nil
			h.start(c)
		}, "unknown/"},
		{"one crash before the database is up", func(h *history) {
			c := box("w1", "webhook")
			h.start(c)
			h.pass(time.Second)
			h.die(c, 1)
			h.pass(time.Second)
			up(h, c)
		}, "crashed ready/"},
		{"an engine that is stopped and started", func(h *history) {
			c := box("w1", "webhook")
			up(h, c)
			h.apply(aweigh.Fact{Kind: aweigh.FactLost})
			h.pass(10 * time.Second)
			again := box("w1", "webhook")
			again.Started = h.now
			h.pass(2 * time.Second)
			h.see(again)
			h.apply(aweigh.Fact{Kind: aweigh.FactRegained})
			h.answer(again, true)
		}, "ready/unknown ready/"},
		{"SIGHUP", func(h *history) {
			c := box("w1", "webhook")
			up(h, c)
			h.kill(c, "SIGHUP")
		}, "ready/"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHistory(t)
			test.do(h)
			h.pass(20 * time.Minute)
			h.noIncident()
			want(t, "verdicts", h.verdicts(), test.verdicts)
		})
	}
}

// Docksentry's user: the database went first, the policy restarted it, the
// stop arrived 116 ms later.
func TestACrashJustBeforeAStopIsStillACrash(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	h.start(c)
	h.answer(c, true)
	h.pass(time.Hour)
	h.die(c, 1)
	h.pass(116 * time.Millisecond)
	h.start(c)
	h.kill(c, "SIGTERM")
	h.die(c, 143)
	h.stop(c)
	h.pass(time.Minute)
	n := h.only()
	want(t, "kind", n.Kind, aweigh.UnexpectedRestart)
	want(t, "resolution", n.Resolution, "it was stopped on purpose")
	want(t, "verdicts", h.verdicts(), "ready/crashed stopped")
}

// A stop during the restart policy's pause shows only as `stop`.
func TestAStopDuringTheBackoffEndsTheLoop(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	for range 3 {
		h.start(c)
		h.pass(time.Second)
		h.die(c, 3)
		h.pass(time.Second)
	}
	h.stop(c)
	want(t, "resolution", h.only().Resolution, "it was stopped on purpose")
	h.pass(time.Hour)
	want(t, "told", h.occasions(), "opened raised resolved")
}

// Podman tells of no signal, and the engine may lose one: the stop afterwards
// says that the death was asked for.
func TestAStopAfterADeathTakesTheAlarmBack(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	c.Policy = "no"
	h.start(c)
	h.answer(c, true)
	h.pass(time.Hour)
	h.die(c, 143)
	h.pass(50 * time.Millisecond)
	h.stop(c)
	want(t, "verdicts", h.verdicts(), "ready/stopped")
	want(t, "resolution", h.only().Resolution, "it was stopped on purpose")
}

// aweigh-init has a deadline of its own, which may be longer than ours.
func TestTheDeadlineOfTheAweighInitInsideCounts(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	c.Supervised = true
	h.start(c)
	h.apply(aweigh.Fact{Kind: aweigh.FactSaid, Instance: "w1", Said: &aweigh.Said{Event: "start.begin", Start: "01JD", TookMS: 300_000}})
	h.pass(320 * time.Second)
	h.noIncident()
	h.pass(11 * time.Second)
	want(t, "kind", h.only().Kind, aweigh.StartupFailed)
}

// What is put in the place of a broken service is not blamed for its crashes.
func TestADeliberateStopEndsTheCounting(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	for range 4 {
		h.start(c)
		h.pass(time.Second)
		h.die(c, 1)
		h.pass(time.Second)
	}
	h.stop(c)
	h.apply(aweigh.Fact{Kind: aweigh.FactRemoved, Instance: "w1"})
	fixed := box("w2", "webhook")
	h.start(fixed)
	h.answer(fixed, true)
	h.pass(time.Minute)
	h.die(fixed, 1)
	if n := h.only(); strings.Contains(n.Summary, "5 times") {
		t.Errorf("blamed for its forerunner: %q", n.Summary)
	}
}

// A rollout failed: the second instance never was ready, and was removed. The first
// served all the time, and no start followed that could have ended the incident.
func TestInstanceThatNeverWasReadyIsOverWithIt(t *testing.T) {
	for name, others := range map[string]bool{"the first serves": true, "so does a third, which does not": false} {
		h := newHistory(t)
		one, two, three := box("w1", "webhook"), box("w2", "webhook"), box("w3", "webhook")
		h.start(one)
		h.answer(one, true)
		h.start(two)
		if !others {
			h.start(three)
		}
		h.pass(3 * time.Minute) // it is not confirmed, and then not ready in time
		if n := h.only(); !n.Open() {
			t.Fatalf("%s: no incident: %+v", name, n)
		}
		h.stop(two)
		h.apply(aweigh.Fact{Kind: aweigh.FactRemoved, Instance: "w2"})
		h.pass(3 * time.Minute)
		if n := h.only(); n.Open() == others {
			t.Errorf("%s: open is %v", name, n.Open())
		}
	}
}

// moby resets its backoff for a container that ran ten seconds: a loop is
// judged by its crashes, and across recreated containers.
func TestALoopIsSeenAcrossRecreatedContainers(t *testing.T) {
	h := newHistory(t)
	for n := range 3 {
		c := box(fmt.Sprint("w", n), "webhook")
		c.Policy = "no"
		h.start(c)
		h.pass(12 * time.Second)
		h.die(c, 1)
		h.apply(aweigh.Fact{Kind: aweigh.FactRemoved, Instance: c.ID})
	}
	want(t, "kind", h.only().Kind, aweigh.CrashLoop)
}

func TestFlappingIsOneIncidentWithACount(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	for range 20 { // it crashes every four minutes, which is no loop, for it settles in between
		h.start(c)
		h.answer(c, true)
		h.pass(4 * time.Minute)
		h.die(c, 1)
		h.pass(time.Second)
	}
	if n := h.only(); n.Count != 20 {
		t.Errorf("count %d, want 20", n.Count)
	}
	if len(h.told) > 8 {
		t.Errorf("%d messages about one flapping service: %s", len(h.told), h.occasions())
	}
}

func TestExitZeroUnderAlwaysIsALoopWhenItRepeats(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	for n := range 3 {
		h.start(c)
		h.pass(time.Second)
		h.die(c, 0)
		h.pass(time.Second)
		if n < 2 {
			h.noIncident()
		}
	}
	want(t, "kind", h.only().Kind, aweigh.CrashLoop)
}

func TestAnOOMKillOfAWorkerIsToldAlthoughTheContainerGoesOn(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	h.start(c)
	h.answer(c, true)
	h.pass(time.Minute)
	h.apply(aweigh.Fact{Kind: aweigh.FactOOM, Instance: "w1"})
	h.pass(3 * time.Second)
	want(t, "kind", h.only().Kind, aweigh.OOMKilled)
}

func TestAnOOMKillOfTheContainerIsNoted(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	h.start(c)
	h.answer(c, true)
	h.pass(time.Minute)
	h.apply(aweigh.Fact{Kind: aweigh.FactOOM, Instance: "w1"})
	h.die(c, 137)
	h.pass(5 * time.Second)
	want(t, "kind", h.only().Kind, aweigh.OOMKilled)
	want(t, "verdicts", h.verdicts(), "ready/oom-killed")
}

// `docker kill -s QUIT` has a JVM print its threads. Hours later its stop was
// told as a crash: only the first signal of a life counted.
func TestStopAfterASignalThatItSurvivedIsNoAlarm(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	h.start(c)
	h.answer(c, true)
	h.pass(time.Hour)
	h.kill(c, "SIGQUIT")
	h.pass(time.Hour)
	h.kill(c, "SIGTERM")
	h.pass(10 * time.Second)
	h.kill(c, "SIGKILL")
	h.die(c, 137)
	h.stop(c)
	h.pass(time.Minute)
	h.noIncident()
	want(t, "verdicts", h.verdicts(), "ready/stopped")
	want(t, "reason", h.starts[h.order[0]].Run.Reason, "stopped on SIGTERM")
}

// A worker that was killed once kept its incident open for ever, and the end of
// the container hours later was taken for the kernel's doing.
func TestAnOOMKillOfAWorkerIsOver(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	h.start(c)
	h.answer(c, true)
	h.pass(time.Minute)
	h.apply(aweigh.Fact{Kind: aweigh.FactOOM, Instance: "w1"})
	h.pass(8 * time.Hour)
	want(t, "told", h.occasions(), "ready opened resolved")
	h.die(c, 1)
	want(t, "verdicts", h.verdicts(), "ready/crashed")
}

// Each new one put off the telling of the one before.
func TestOOMKillsEachSecondAreTold(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	h.start(c)
	h.answer(c, true)
	for range 10 {
		h.pass(time.Second)
		h.apply(aweigh.Fact{Kind: aweigh.FactOOM, Instance: "w1"})
	}
	want(t, "kind", h.only().Kind, aweigh.OOMKilled)
	h.die(c, 137) // the last one hit its main process
	want(t, "verdicts", h.verdicts(), "ready/oom-killed")
}

// The end of an output was read after the next life had begun. That was then as
// ready, or as failed, as the one before.
func TestLateWordOfAweighInitIsAboutItsOwnLife(t *testing.T) {
	for _, heard := range []string{"all of it", "its end", "its end, and the next one's begin"} {
		h := newHistory(t)
		c := box("w1", "webhook")
		c.Supervised = true
		say := func(event, start string) {
			h.apply(aweigh.Fact{Kind: aweigh.FactSaid, Instance: "w1", Said: &aweigh.Said{Event: event, Start: start, Verdict: aweigh.TimedOut, TookMS: 60_000}})
		}
		one := aweigh.NewID(h.now)
		h.start(c)
		if h.pass(time.Minute); heard != "all of it" {
			say("start.begin", one)
		}
		h.die(c, 124)
		h.pass(time.Second)
		two := aweigh.NewID(h.now.Add(-time.Millisecond)) // the event comes a little later
		if h.start(c); heard == "its end, and the next one's begin" {
			say("start.begin", two)
		}
		say("start.begin", one)
		say("start.ready", one)
		say("start.failed", one)
		want(t, heard, h.verdicts(), "crashed ")
		say("start.begin", two)
		say("start.ready", two)
		want(t, heard, h.verdicts(), "crashed ready/")
		want(t, "inner", h.starts[h.order[1]].Inner, two)
	}
}

// A host that runs its jobs in containers without names has a new service for each.
func TestWhatIsGoneForAWeekIsForgotten(t *testing.T) {
	h := newHistory(t)
	kept := box("w1", "webhook")
	h.start(kept)
	h.answer(kept, true)
	gone := box("j1", "hungry_curie")
	h.start(gone)
	h.die(gone, 1)
	h.apply(aweigh.Fact{Kind: aweigh.FactRemoved, Instance: gone.ID})
	h.pass(6 * 24 * time.Hour)
	want(t, "services after six days", len(h.state.Services), 2)
	h.pass(48 * time.Hour)
	want(t, "services after eight days", len(h.state.Services), 1)
}

func TestWhatAFactHasChangedIsNotChangedByTheNext(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	h.start(c)
	h.answer(c, true)
	before := h.starts[h.order[0]]
	h.answer(c, false)
	h.die(c, 1)
	if before.Probe.LastError != "" || before.Run.End != "" {
		t.Errorf("it says %+v, %+v", before.Probe, before.Run)
	}
}

func TestTheWordOfAweighInitIsAProof(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	c.Supervised, c.Patience = true, 2*time.Minute
	h.start(c)
	h.apply(aweigh.Fact{Kind: aweigh.FactSaid, Instance: "w1", Said: &aweigh.Said{Event: "start.ready", Start: "01JD", Target: "http://127.0.0.1:5003/health"}})
	want(t, "verdicts", h.verdicts(), "ready/")
	want(t, "inner", h.starts[h.order[0]].Inner, "01JD")
}
