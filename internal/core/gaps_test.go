package core_test

import (
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
)

// What fell due while the watcher was away was judged before it had looked: a
// start that had been ready for minutes was told as timed out, a loop as over.
func TestWatcherThatComesBackLooksBeforeItJudges(t *testing.T) {
	h := newHistory(t)
	one, two, hangs := box("w1", "webhook"), box("s1", "sighook"), box("h1", "hangs")
	for range 3 {
		h.start(two)
		h.pass(time.Second)
		h.die(two, 1)
	}
	h.start(two)
	h.answer(two, true)
	h.start(one)
	h.start(hangs)
	h.answer(hangs, false)
	h.pass(10 * time.Second)
	since := h.now
	h.now = h.now.Add(3 * time.Minute)
	h.apply(aweigh.Fact{Kind: aweigh.FactWatching, Since: since})
	h.pass(time.Second)
	want(t, "told", h.occasions(), "opened raised opened") // the last one is about the gap
	h.die(two, 1)
	h.answer(one, true)
	h.answer(hangs, false)
	h.pass(40 * time.Second)
	want(t, "verdicts", h.verdicts(), "crashed crashed crashed ready/crashed ready/ timed-out")
	want(t, "told", h.occasions(), "opened raised opened opened") // and it of what hangs
}

// What begins after it has come back waits for nothing.
func TestWatcherThatHasJustComeConfirmsInTime(t *testing.T) {
	h := newHistory(t, func(c *core.Settings) { c.ConfirmWithin = 5 * time.Second })
	h.apply(aweigh.Fact{Kind: aweigh.FactWatching})
	h.pass(time.Second)
	c := box("w1", "webhook")
	h.start(c)
	h.answer(c, false)
	h.pass(6 * time.Second)
	want(t, "kind", h.only().Kind, aweigh.StartupUnconfirmed)
}

// The engine was away when the watcher was ended. The next one told at once that
// it still was.
func TestWatcherThatComesBackAsksTheEngineFirst(t *testing.T) {
	h := newHistory(t)
	h.apply(aweigh.Fact{Kind: aweigh.FactLost})
	h.pass(10 * time.Second)
	since := h.now
	h.now = h.now.Add(50 * time.Second)
	h.apply(aweigh.Fact{Kind: aweigh.FactWatching, Since: since})
	h.pass(time.Second)
	h.apply(aweigh.Fact{Kind: aweigh.FactRegained})
	h.pass(time.Hour)
	h.noIncident()
}

// `ignore: true` left what was open about the service open, and reminded of it.
// The one message of a gap said that the incident was open, and no other followed:
// programs that keep incidents had one that never ended.
func TestGapIsOverInTheMessageThatTellsOfIt(t *testing.T) {
	h := newHistory(t)
	h.apply(aweigh.Fact{Kind: aweigh.FactWatching, Since: h.now.Add(-10 * time.Minute)})
	h.pass(100 * time.Hour)
	want(t, "told", h.occasions(), "opened")
	n := h.told[0]
	want(t, "title", n.Title, "aweigh watch: watcher-gap: nobody was watching for 10m, since 2026-11-24 02:50:00 UTC")
	want(t, "resolved", n.Incident.Resolved != nil && n.Incident.Resolved.Equal(midnight), true)
	want(t, "resolution", n.Incident.Resolution, "watching again")
	want(t, "advice", n.Advice != "", true)
	want(t, "command", n.Command, "aweigh incidents show "+n.Incident.ID) // it was `aweigh show aweigh watch`
}

func TestServiceThatIsIgnoredNowLeavesNothingOpen(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	h.start(c)
	h.pass(3 * time.Minute)
	want(t, "open", h.state.Incidents[h.only().ID].Open(), true)
	var err error
	if h.state, err = core.Load("aws-1", func(string, map[string]string) core.Settings { return core.Settings{Ignore: true} }, h.rows); err != nil {
		t.Fatal(err)
	}
	h.apply(aweigh.Fact{Kind: aweigh.FactWatching, Since: h.now.Add(-time.Second)})
	want(t, "resolution", h.only().Resolution, "it is ignored now")
	h.see(c)
	h.pass(100 * time.Hour)
	want(t, "told", h.occasions(), "opened resolved")
}

// The clock is set by an hour while the engine is upgraded: it is not an hour that the
// engine has been away.
func TestClockThatIsSetWhileTheEngineIsAwayGivesItItsTime(t *testing.T) {
	for _, step := range []time.Duration{time.Hour, -time.Hour} {
		h := newHistory(t)
		h.apply(aweigh.Fact{Kind: aweigh.FactWatching})
		h.pass(time.Hour)
		h.apply(aweigh.Fact{Kind: aweigh.FactLost})
		h.pass(10 * time.Second)
		h.now = h.now.Add(step)
		h.apply(aweigh.Fact{Kind: aweigh.FactStepped, Step: step})
		h.pass(19 * time.Second)
		h.noIncident()
		h.pass(2 * time.Second)
		want(t, "kind", h.only().Kind, aweigh.WatcherGap)
	}
}

// "aweigh show aweigh watch" is no command.
func TestWhatIsAboutTheWatcherItselfNamesACommandThatThereIs(t *testing.T) {
	h := newHistory(t)
	h.apply(aweigh.Fact{Kind: aweigh.FactLost})
	h.pass(time.Minute)
	want(t, "kind", h.only().Kind, aweigh.WatcherGap)
	want(t, "command", h.told[0].Command, "aweigh incidents show "+h.only().ID)
}

func TestAnEngineThatDoesNotAnswerIsTold(t *testing.T) {
	h := newHistory(t)
	h.apply(aweigh.Fact{Kind: aweigh.FactLost})
	h.pass(20 * time.Second)
	h.noIncident()
	h.pass(11 * time.Second)
	want(t, "kind", h.only().Kind, aweigh.WatcherGap)
	h.apply(aweigh.Fact{Kind: aweigh.FactRegained})
	want(t, "told", h.occasions(), "opened resolved")
}
