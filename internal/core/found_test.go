package core_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
)

// brief is a container that lived for a millisecond, as Engine 20.10 shows it
// afterwards: it ended before it began.
func brief(c *aweigh.Container, started time.Time) *aweigh.Container {
	dead := *c
	dead.Status, dead.Started, dead.Finished, dead.Exit = "exited", started, started.Add(-3*time.Millisecond), &aweigh.Exit{Code: 1}
	return &dead
}

// Its `die` was lost, and its end told at the start's deadline, two minutes
// later.
func TestEndBeforeTheBeginningIsFoundByAnInspection(t *testing.T) {
	for _, status := range []string{"exited", "dead", "restarting"} {
		h := newHistory(t)
		c := box("w1", "webhook")
		c.Policy = "no"
		c.Started = h.now.Add(-time.Millisecond) // the event comes a little later
		h.start(c)
		h.pass(30 * time.Second)
		dead := brief(c, c.Started)
		dead.Status = status
		h.see(dead)
		h.see(dead)
		want(t, "verdicts", h.verdicts(), "crashed")
		if status == "restarting" {
			h.noIncident() // the first failure of what is tried again
			continue
		}
		want(t, "kind", h.only().Kind, aweigh.StartupFailed)
		want(t, "took", *h.starts[h.order[0]].TookMS, 0)
		h.die(c, 1) // not lost after all
		h.pass(10 * time.Minute)
		want(t, "count", h.only().Count, 1)
		want(t, "told", h.occasions(), "opened")
		want(t, "verdicts", h.verdicts(), "crashed")
	}
}

// An inspection from before the start is told after it, twice: it shows the end
// of the life before, or that there was none yet.
func TestAnInspectionOfTheLifeBeforeEndsNothing(t *testing.T) {
	for _, status := range []string{"exited", "dead", "restarting", "created"} {
		h := newHistory(t)
		c := box("w1", "webhook")
		first := h.now.Add(-time.Millisecond)
		if c.Started = first; status != "created" {
			h.start(c)
			h.die(c, 1)
			h.pass(time.Second)
		}
		stale := brief(c, first)
		if stale.Status = status; status == "created" {
			stale.Started, stale.Finished, stale.Exit = time.Time{}, time.Time{}, nil
		}
		again := *c
		again.Started = h.now.Add(-time.Millisecond)
		h.start(&again)
		h.see(stale)
		h.see(stale)
		h.answer(&again, true)
		h.see(&again) // with the end of the life before
		h.pass(10 * time.Minute)
		h.noIncident()
		verdicts := map[bool]string{true: "ready/", false: "crashed ready/"}[status == "created"]
		want(t, status, h.verdicts(), verdicts)
	}
}

// Neither its `start` nor its `die` came.
func TestLifeThatNobodySawIsFoundByItsEnd(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	c.Policy, c.Started = "no", h.now
	h.start(c)
	h.answer(c, true)
	h.pass(time.Minute)
	h.kill(c, "SIGTERM")
	h.die(c, 0)
	h.stop(c)
	h.pass(time.Hour)
	dead := brief(c, h.now)
	h.pass(time.Minute)
	h.see(dead)
	h.see(dead)
	want(t, "kind", h.only().Kind, aweigh.StartupFailed)
	dead.Status = "running" // the events were late only
	h.apply(aweigh.Fact{Kind: aweigh.FactStarted, Instance: c.ID, Container: dead, ID: "late", At: dead.Started.Add(time.Millisecond)})
	h.pass(time.Hour)
	want(t, "count", h.only().Count, 1)
	want(t, "verdicts", h.verdicts(), "ready/stopped crashed")
}

// `docker start` sets the engine's count of restarts back. By the old one, those
// that came after were not counted, and `on-failure` would not try again.
func TestRestartCountBeginsAgainWithAStartByHand(t *testing.T) {
	for _, seen := range []string{"that start", "its restarts only"} {
		h := newHistory(t)
		c := box("w1", "webhook")
		c.RestartCount, c.Started = 7, h.now
		h.see(c)
		h.answer(c, true)
		h.pass(time.Hour)
		h.kill(c, "SIGTERM")
		h.die(c, 0)
		h.stop(c)
		h.pass(time.Second)
		c = box("w1", "webhook")
		if c.Started = h.now; seen == "that start" {
			h.start(c)
			h.answer(c, true)
		}
		h.pass(time.Hour)
		c.Started, c.RestartCount = h.now, 1
		h.see(c)
		h.answer(c, true)
		h.pass(time.Hour)
		want(t, seen, h.only().Kind, aweigh.UnexpectedRestart)
	}
	h := newHistory(t)
	c := box("w1", "webhook")
	c.Policy, c.MaxRetries = "on-failure", 3
	c.Started, c.RestartCount = h.now, 3
	h.see(c)
	h.pass(time.Second)
	h.die(c, 1)
	h.pass(time.Hour)
	c.Started, c.RestartCount = h.now, 0
	h.start(c)
	h.answer(c, true)
	h.pass(3 * time.Hour)
	h.die(c, 1)
	for _, n := range h.incidents {
		if n.Open() {
			want(t, "kind", n.Kind, aweigh.UnexpectedRestart)
		}
	}
}

// An inspection told of the next life before the end of the one before came, which
// then was taken for the present one's.
func TestLateEndIsThatOfTheLifeBefore(t *testing.T) {
	late := func(h *history, kill bool, code int) *aweigh.Container {
		c := box("w1", "webhook")
		h.start(c)
		h.answer(c, true)
		h.pass(time.Hour)
		at := h.now
		h.pass(time.Second)
		c.Started = h.now
		h.see(c)
		h.answer(c, code == 1)
		if kill {
			h.apply(aweigh.Fact{Kind: aweigh.FactSignalled, Instance: "w1", Signal: "SIGTERM", ID: "kill", At: at})
		}
		h.apply(aweigh.Fact{Kind: aweigh.FactDied, Instance: "w1", Exit: &aweigh.Exit{Code: code}, ID: "die", At: at.Add(time.Millisecond)})
		h.start(c)
		return c
	}
	h := newHistory(t, func(c *core.Settings) { c.StartupTimeout = 10 * time.Minute })
	late(h, true, 0) // and the next life does not come up
	h.pass(3 * time.Minute)
	want(t, "kind", h.only().Kind, aweigh.StartupUnconfirmed)

	h = newHistory(t)
	late(h, false, 1) // and the next life was ready before
	h.pass(time.Hour)
	want(t, "kind", h.only().Kind, aweigh.UnexpectedRestart)
	want(t, "told", h.occasions(), "ready opened resolved")
}

// It timed out, and then it ended: one start failed, not two in a row.
func TestStartThatTimedOutAndThenEndedFailedOnce(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	h.start(c)
	h.pass(3 * time.Minute)
	h.die(c, 1)
	want(t, "in a row", h.starts[h.order[0]].InARow, 1)
	want(t, "count", h.only().Count, 1) // it was told as 2 times
}

// "Exited (0) 292 years ago": an engine that was killed knows neither when its
// container ended nor how.
func TestEndOfWhichTheEngineKnowsNothingIsUnknown(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	c.Policy, c.Started = "no", h.now
	h.start(c)
	h.answer(c, true)
	h.pass(time.Hour)
	dead := *c
	dead.Status = "exited"
	h.see(&dead)
	h.see(&dead)
	h.pass(time.Hour)
	h.noIncident()
	want(t, "verdicts", h.verdicts(), "ready/unknown")
}

// An inspection found that it had ended; the event that comes after it has the last
// lines, and what they were diagnosed as.
func TestEventOfAnEndThatWasFoundBringsTheEvidence(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	c.Policy, c.Started = "no", h.now
	h.start(c)
	h.now = h.now.Add(time.Second)
	dead := *c
	dead.Status, dead.Finished, dead.Exit = "exited", h.now, &aweigh.Exit{Code: 1}
	h.see(&dead)
	want(t, "kind", h.only().Kind, aweigh.StartupFailed)
	want(t, "lines", len(h.only().Evidence), 0)
	h.apply(aweigh.Fact{Kind: aweigh.FactDied, Instance: c.ID, Exit: dead.Exit, Lines: []string{"boom"}, Cause: &aweigh.Cause{ID: "bad-config"}})
	want(t, "lines", strings.Join(h.only().Evidence, "|"), "boom")
	want(t, "cause", h.only().Cause.ID, "bad-config")
	want(t, "cause of the start", h.starts[h.order[0]].Cause.ID, "bad-config")
	want(t, "count", h.only().Count, 1)
}

func TestARefusedStartIsToldAtOnceAndOnce(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	c.Status, c.Error = "created", "Bind for 0.0.0.0:5003 failed: port is already allocated"
	h.apply(aweigh.Fact{Kind: aweigh.FactRefused, Instance: "w1", Container: c})
	h.see(c)
	want(t, "kind", h.only().Kind, aweigh.StartupFailed)
	want(t, "verdicts", h.verdicts(), "refused")
	want(t, "told", h.occasions(), "opened")
}

func TestWhatHappenedWhileNobodyWatchedIsFoundOutOrUnknown(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	c.Started = h.now
	h.see(c)
	h.answer(c, true)
	h.pass(time.Hour)
	before := h.now
	h.now = h.now.Add(2 * time.Hour) // the watcher was down
	h.apply(aweigh.Fact{Kind: aweigh.FactWatching, Since: before})
	c = box("w1", "webhook")
	c.Started, c.RestartCount = h.now.Add(-10*time.Minute), 2
	h.see(c)
	h.answer(c, true)
	h.pass(10 * time.Minute)
	want(t, "verdicts", h.verdicts(), "ready/unknown ready/")
	kinds := h.kinds()
	slices.Sort(kinds)
	if len(kinds) != 2 || !strings.HasPrefix(kinds[0], "unexpected-restart") || !strings.HasPrefix(kinds[1], "watcher-gap: nobody was watching for 2h0m") {
		t.Errorf("incidents %q", kinds)
	}
}

// A watcher that was killed hears the engine's last events again. A death that
// is older than the lives it knows must not begin one.
func TestOldDeathBeginsNoLife(t *testing.T) {
	h := newHistory(t)
	c := box("a", "webhook")
	old := aweigh.Fact{Kind: aweigh.FactDied, Instance: "a", ID: "old", At: h.now, Exit: &aweigh.Exit{Code: 1}}
	for range 3 {
		h.pass(time.Second)
		h.start(c)
	}
	starts := len(h.starts)
	h.apply(old)
	if len(h.starts) != starts {
		t.Errorf("%d starts, want %d", len(h.starts), starts)
	}
}

// Its port was taken once, and it could be started later. When the port was taken
// again, nobody was told: that was known already.
func TestTheSameRefusalAfterAStartIsAnotherOne(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	refused := *c
	refused.Status, refused.Error = "exited", "Bind for 0.0.0.0:5003 failed: port is already allocated"
	for range 2 {
		h.start(c)
		h.answer(c, true)
		h.pass(3 * time.Hour)
		h.kill(c, "SIGTERM")
		h.die(c, 0)
		h.stop(c)
		h.see(&refused)
		h.see(&refused)
		h.pass(time.Minute)
	}
	want(t, "told", h.occasions(), "ready opened resolved opened")
	want(t, "verdicts", h.verdicts(), "ready/stopped refused ready/stopped refused")
}
