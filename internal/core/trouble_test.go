package core_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
)

func TestALoopIsStoppedByTheBrake(t *testing.T) {
	h := newHistory(t, func(c *core.Settings) { c.Brake = 4 })
	c := box("w1", "webhook")
	for range 4 {
		h.start(c)
		h.pass(time.Second)
		h.die(c, 1)
		h.pass(time.Second)
	}
	want(t, "braked", strings.Join(h.braked, " "), "w1")
	h.stop(c)
	h.pass(time.Minute)
	if n := h.only(); !n.Open() || !strings.Contains(n.Summary, "has stopped it after 4 failures") {
		t.Errorf("the trouble goes on until a person acts: %+v", n)
	}
}

// That Aweigh had stopped it was said by the reminder, four hours later; by nothing at
// all where the brake came before the trouble was worth an incident.
func TestWhatTheBrakeStopsIsToldAtOnce(t *testing.T) {
	for code, up := range []bool{false, false, true} {
		h := newHistory(t, func(c *core.Settings) { c.Brake, c.LoopWindow = 2, time.Minute })
		c := box("w1", "webhook")
		for range 2 {
			h.start(c)
			h.pass(90 * time.Second)
			if up {
				h.answer(c, true)
			}
			h.die(c, code)
		}
		want(t, "braked", strings.Join(h.braked, " "), "w1")
		last := h.told[len(h.told)-1]
		want(t, "said", strings.HasPrefix(last.Title, "webhook: crash-loop: Aweigh has stopped it after 2 failures in a row (crash_loop.brake): exited with"), true)
		want(t, "severity", last.Severity(), aweigh.Critical)
	}
}

// The first mail of the write-up's case was empty of evidence: only a death
// brought the last lines, and this service lives.
func TestTroubleOfTheLivingShowsItsLastLines(t *testing.T) {
	h := newHistory(t)
	c := box("a", "webhook")
	h.start(c)
	h.now = h.now.Add(core.Defaults().StartupTimeout)
	if due := h.state.Due(h.now); !slices.Equal(due, []string{"a"}) {
		t.Errorf("%q are due, want a", due)
	}
	h.apply(aweigh.Fact{Kind: aweigh.FactTick, Tails: map[string][]string{"a": {"waiting for the database"}}})
	if len(h.told) != 1 || !slices.Equal(h.told[0].Incident.Evidence, []string{"waiting for the database"}) {
		t.Errorf("told %+v", h.told)
	}
	h.apply(aweigh.Fact{Kind: aweigh.FactHealth, Instance: "a", Reason: "exit 1", Lines: []string{"no route to host"}})
	if n := h.told[len(h.told)-1]; n.Incident.Kind != aweigh.Unhealthy || !slices.Equal(n.Incident.Evidence, []string{"no route to host"}) {
		t.Errorf("told %+v", n.Incident)
	}
}

// The engine was quicker than the brake, which ended a life that had just begun.
// That was taken for a person's stop, and resolved the incident.
func TestTheBrakeOnALifeThatHasBegunIsNoPersonsStop(t *testing.T) {
	h := newHistory(t, func(c *core.Settings) { c.Brake = 4 })
	c := box("w1", "webhook")
	for range 5 { // once more before the brake came about
		h.start(c)
		h.pass(time.Second)
		h.die(c, 1)
		h.pass(100 * time.Millisecond)
	}
	want(t, "braked", strings.Join(h.braked, " "), "w1 w1")
	h.start(c)
	h.answer(c, true)
	h.pass(time.Millisecond)
	h.kill(c, "SIGTERM")
	h.die(c, 143)
	h.stop(c)
	h.pass(time.Hour)
	want(t, "told", h.occasions(), "opened raised raised")
	want(t, "said", strings.Count(h.only().Summary, "has stopped it"), 1)
	h.start(c) // a person has mended it
	h.answer(c, true)
	h.pass(time.Hour)
	want(t, "told", h.occasions(), "opened raised raised resolved")
	h.die(c, 1)
	h.pass(100 * time.Millisecond)
	h.stop(c) // and now it is a person's
	want(t, "resolution", h.only().Resolution, "it was stopped on purpose")
}
