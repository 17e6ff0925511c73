package core_test

import (
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
)

func TestAMaintenanceWindowTellsAfterwardsWhatIsStillOpen(t *testing.T) {
	h := newHistory(t)
	h.apply(aweigh.Fact{Kind: aweigh.FactMaintenance, Window: &aweigh.Maintenance{ID: "m1", Services: "web*", Until: h.now.Add(time.Hour)}})
	c := box("w1", "webhook")
	c.Policy = "no"
	h.start(c)
	h.die(c, 1)
	h.pass(30 * time.Minute)
	want(t, "kind", h.only().Kind, aweigh.StartupFailed)
	want(t, "told", h.occasions(), "")
	h.pass(31 * time.Minute)
	want(t, "told", h.occasions(), "opened")
}

// What was opened in a window was escalated in it, which nobody heard, and never
// again.
func TestWhatIsStillOpenAfterAWindowIsEscalated(t *testing.T) {
	h := newHistory(t, func(c *core.Settings) { c.EscalateAfter = time.Hour })
	h.apply(aweigh.Fact{Kind: aweigh.FactMaintenance, Window: &aweigh.Maintenance{ID: "m1", Services: "web*", Until: h.now.Add(3 * time.Hour)}})
	c := box("w1", "webhook")
	c.Policy = "no"
	h.start(c)
	h.die(c, 1)
	h.pass(3*time.Hour + 59*time.Minute)
	want(t, "told", h.occasions(), "opened")
	h.pass(2 * time.Minute)
	want(t, "told", h.occasions(), "opened escalated")
	h.pass(3 * time.Hour)
	want(t, "told", h.occasions(), "opened escalated reminder")
}

// What was opened again in a window was told as opened after it, in a mail with the id
// of the first one, which mail systems drop; what came and went in a window and came
// back after it was told as raised, to people who had never heard of it.
func TestIncidentIsOpenedOnceToThoseWhoAreTold(t *testing.T) {
	for _, one := range []struct {
		name         string
		begins, ends time.Duration // of the window
		told         string
	}{
		{"of the second time", 5 * time.Minute, 20 * time.Minute, "opened resolved raised"},
		{"of the first time", 0, 5 * time.Minute, "opened"},
		{"of both", 0, 20 * time.Minute, "opened"},
	} {
		t.Run(one.name, func(t *testing.T) {
			h := newHistory(t)
			c := box("w1", "webhook")
			c.Policy = "no"
			begin := func() {
				h.apply(aweigh.Fact{Kind: aweigh.FactMaintenance, Window: &aweigh.Maintenance{ID: "m1", Until: midnight.Add(one.ends)}})
			}
			if one.begins == 0 {
				begin()
			}
			h.start(c)
			h.die(c, 1)
			h.pass(time.Second)
			h.start(c)
			h.answer(c, true)
			h.pass(8 * time.Minute)
			if one.begins > 0 {
				begin()
			}
			h.die(c, 1)
			h.pass(time.Hour)
			want(t, "told", h.occasions(), one.told)
		})
	}
}

// What had been well for a minute when a window ended was told as opened, and as
// resolved the minute after; and so was what the watcher, which had been away for its
// end, had not looked at yet.
func TestWhatIsWellAtTheEndOfAWindowIsNotTold(t *testing.T) {
	crash := func(h *history, c *aweigh.Container) {
		h.die(c, 1)
		h.pass(9 * time.Minute)
		h.start(c)
		h.answer(c, true)
	}
	refuse := func(h *history, c *aweigh.Container) {
		for range 3 {
			h.answer(c, false)
		}
	}
	for _, one := range []struct {
		name            string
		before, relapse func(h *history, c *aweigh.Container)
	}{
		{"stays well", crash, nil},
		{"crashes", crash, func(h *history, c *aweigh.Container) { h.die(c, 1) }},
		{"another fails for the first time", crash, func(h *history, c *aweigh.Container) {
			other := box("w2", "webhook")
			h.start(other)
			h.die(other, 0)
		}},
		{"answers no more", func(h *history, c *aweigh.Container) {
			refuse(h, c)
			h.pass(9*time.Minute + 50*time.Second)
			h.answer(c, true)
		}, refuse},
		{"is stopped by the brake", func(h *history, c *aweigh.Container) {
			h.die(c, 1)
			h.pass(9*time.Minute + 59*time.Second)
			h.start(c)
			h.die(c, 1)
			h.pass(time.Millisecond)
			h.start(c) // the engine was quicker
			h.answer(c, true)
		}, func(h *history, c *aweigh.Container) {
			h.kill(c, "SIGTERM")
			h.die(c, 143)
		}},
	} {
		t.Run(one.name, func(t *testing.T) {
			h := newHistory(t, func(c *core.Settings) { c.Brake = 2 })
			h.apply(aweigh.Fact{Kind: aweigh.FactMaintenance, Window: &aweigh.Maintenance{ID: "m1", Until: h.now.Add(10 * time.Minute)}})
			c := box("w1", "webhook")
			h.start(c)
			h.answer(c, true)
			one.before(h, c)
			h.pass(midnight.Add(10*time.Minute + 10*time.Second).Sub(h.now))
			want(t, "told", h.occasions(), "")
			want(t, "windows", len(h.state.Windows), 0)
			if one.relapse == nil {
				h.pass(time.Hour)
				want(t, "told", h.occasions(), "")
				want(t, "resolved", h.only().Resolved != nil, true)
				return
			}
			one.relapse(h, c)
			want(t, "told", h.occasions(), "opened")
			h.pass(239 * time.Minute)
			want(t, "told", h.occasions(), "opened")
			h.pass(2 * time.Minute)
			want(t, "told", h.occasions(), "opened reminder")
		})
	}
}

func TestWatcherThatWasAwayAtTheEndOfAWindowLooksFirst(t *testing.T) {
	h := newHistory(t)
	h.apply(aweigh.Fact{Kind: aweigh.FactMaintenance, Window: &aweigh.Maintenance{ID: "m1", Until: h.now.Add(time.Hour)}})
	c := box("w1", "webhook")
	c.Policy = "no"
	h.start(c)
	h.die(c, 1)
	before := h.now
	h.now = h.now.Add(2 * time.Hour)
	h.apply(aweigh.Fact{Kind: aweigh.FactWatching, Since: before})
	h.pass(time.Second)
	c.Started = h.now.Add(-time.Hour)
	h.see(c)
	h.answer(c, true)
	h.pass(time.Hour)
	want(t, "told", h.occasionsOf(aweigh.StartupFailed), "")
}
