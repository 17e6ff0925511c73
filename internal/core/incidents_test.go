package core_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
)

// The second failure of a row opens the incident and counts both: a letter said that
// they had happened since it was opened, by which time the first was over.
func TestALetterDoesNotSayThatTheWholeRowHappenedSinceItWasOpened(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	for range 2 {
		h.start(c)
		h.pass(time.Second)
		h.die(c, 1)
	}
	want(t, "count", h.only().Count, 2)
	facts := h.told[0].Facts
	want(t, "the last fact", facts[len(facts)-1], "happened 2 times; the incident was opened at "+h.only().Opened.Format("2006-01-02 15:04:05 MST"))
}

func TestRemindersEndWithAnAcknowledgement(t *testing.T) {
	h := newHistory(t, func(c *core.Settings) { c.EscalateAfter = time.Hour })
	c := box("w1", "webhook")
	c.Policy = "no"
	h.start(c)
	h.die(c, 1)
	h.pass(30 * time.Hour) // 4 h, then 8 h, then 16 h later
	want(t, "told", h.occasions(), "opened escalated reminder reminder reminder")
	h.apply(aweigh.Fact{Kind: aweigh.FactAcknowledged, Incident: h.only().ID, By: "eve"})
	h.pass(100 * time.Hour)
	want(t, "told", h.occasions(), "opened escalated reminder reminder reminder")
	want(t, "by", h.only().Acknowledged.By, "eve")
}

// `docker rename` of a container that loops left the incident of the old name
// open for ever.
func TestRenamedContainerLeavesNothingOpen(t *testing.T) {
	h := newHistory(t)
	c := box("a", "webhook")
	c.Project = ""
	for range 2 {
		h.start(c)
		h.pass(time.Second)
		h.die(c, 1)
		h.pass(time.Second)
	}
	renamed := *c
	renamed.Name, renamed.Service, renamed.Status = "hook", "hook", "restarting"
	h.see(&renamed)
	for _, n := range h.incidents {
		if n.Open() || !strings.Contains(n.Resolution, "called hook now") {
			t.Errorf("incident of %s: resolved %v, %q", n.Service, n.Resolved, n.Resolution)
		}
	}
	if len(h.incidents) != 1 {
		t.Errorf("%d incidents", len(h.incidents))
	}
}

// It was opened again the moment after, as `startup-unconfirmed`: the same start,
// which hung as before.
func TestWhatIsResolvedByHandIsNotToldAgainAtOnce(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	h.start(c)
	h.answer(c, false)
	h.pass(3 * time.Minute)
	h.apply(aweigh.Fact{Kind: aweigh.FactResolved, Incident: h.only().ID, By: "eve"})
	h.pass(10 * time.Minute)
	want(t, "told", h.occasions(), "opened resolved")
	h.die(c, 1)
	h.start(c)
	h.pass(3 * time.Minute)
	want(t, "told", h.occasions(), "opened resolved raised") // that is news
}

// It was opened again as soon as the same failure was put into other words.
func TestAnswersThatAreResolvedByHandAreNotToldAgainAtOnce(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	h.start(c)
	h.answer(c, true)
	h.pass(time.Minute)
	refuse := func(times int) {
		for range times {
			h.answer(c, false)
			h.pass(10 * time.Second)
		}
	}
	refuse(3)
	h.apply(aweigh.Fact{Kind: aweigh.FactResolved, Incident: h.only().ID, By: "eve"})
	refuse(3)
	want(t, "told", h.occasions(), "ready opened resolved")
	h.answer(c, true)
	refuse(3)
	want(t, "told", h.occasions(), "ready opened resolved raised") // that is news
}

// The second line was woken for what had been well for a minute, and was resolved the
// minute after: "still startup-failed".
func TestNobodyIsWokenForWhatIsWellAgain(t *testing.T) {
	h := newHistory(t, func(c *core.Settings) { c.EscalateAfter, c.RemindEvery = time.Hour, time.Hour })
	c := box("w1", "webhook")
	c.Policy = "no"
	h.start(c)
	h.die(c, 1)
	h.pass(59 * time.Minute)
	h.start(c)
	h.answer(c, true)
	h.pass(90 * time.Second)
	want(t, "told", h.occasions(), "opened")
	h.die(c, 1)
	h.pass(0)
	want(t, "told", h.occasions(), "opened raised escalated reminder") // it was not well after all
	h.start(c)
	h.answer(c, true)
	h.pass(time.Hour)
	want(t, "told", h.occasions(), "opened raised escalated reminder resolved")
}

// The second line was told at once of what had just been opened again, and of what the
// first had taken on in a window.
func TestEscalationIsOfThisTimeAndHeard(t *testing.T) {
	h := newHistory(t, func(c *core.Settings) { c.EscalateAfter = time.Hour })
	c := box("w1", "webhook")
	c.Policy = "no"
	h.start(c)
	h.die(c, 1)
	h.pass(2 * time.Hour)
	want(t, "told", h.occasions(), "opened escalated")
	h.start(c)
	h.answer(c, true)
	h.pass(10 * time.Minute)
	want(t, "told", h.occasions(), "opened escalated resolved")
	want(t, "escalated", h.told[2].Incident.Escalated != nil, true) // they hear that it is over
	h.die(c, 1)
	want(t, "told", h.occasions(), "opened escalated resolved raised")
	want(t, "escalated", h.told[3].Incident.Escalated != nil, false)
	h.pass(time.Hour)
	want(t, "told", h.occasions(), "opened escalated resolved raised escalated")

	h = newHistory(t, func(c *core.Settings) { c.EscalateAfter = time.Hour })
	h.apply(aweigh.Fact{Kind: aweigh.FactMaintenance, Window: &aweigh.Maintenance{ID: "m1", Until: h.now.Add(3 * time.Hour)}})
	h.start(c)
	h.die(c, 1)
	h.pass(2 * time.Hour)
	h.apply(aweigh.Fact{Kind: aweigh.FactAcknowledged, Incident: h.only().ID, By: "eve"})
	h.pass(20 * time.Hour)
	want(t, "told", h.occasions(), "opened")
	want(t, "escalated", h.told[0].Incident.Escalated != nil, false)
}

// Whoever asked for a reminder a week got one a day, after the first.
func TestLongPausesAreNotShortened(t *testing.T) {
	h := newHistory(t, func(c *core.Settings) { c.RemindEvery, c.Settle = 7*24*time.Hour, 2*time.Hour })
	c := box("w1", "webhook")
	c.Policy = "no"
	h.start(c)
	h.die(c, 1)
	h.pass(20 * 24 * time.Hour)
	want(t, "told", h.occasions(), "opened reminder reminder")
	for range 2 {
		h.start(c)
		h.answer(c, true)
		h.pass(119 * time.Minute)
		want(t, "open", h.state.Incidents[h.only().ID].Open(), true)
		h.pass(2 * time.Minute)
		want(t, "open", h.state.Incidents[h.only().ID].Open(), false)
		h.die(c, 1)
	}
}

// "Its process may live and not answer" was the advice for one that had ended.
func TestAdviceForWhatHasEndedIsToStartIt(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	c.Policy = "no"
	h.start(c)
	h.answer(c, true)
	h.pass(time.Minute)
	h.die(c, 1)
	want(t, "kind", h.only().Kind, aweigh.NotServing)
	want(t, "advice", h.told[1].Advice, "It has ended. Read its last lines (aweigh logs webhook), then start it, unless something else does.")
}

// What a container's labels say holds for its incident, and that of a drill's copy
// says so.
func TestIncidentIsItsContainers(t *testing.T) {
	h := newHistory(t)
	h.state = core.New("aws-1", func(_ string, labels map[string]string) core.Settings {
		c := core.Defaults()
		if c.RemindEvery = time.Hour; len(labels) > 0 {
			c.RemindEvery = time.Minute
		}
		return c
	})
	c := box("w1", "webhook")
	c.Policy, c.Labels = "no", map[string]string{aweigh.DrillLabel: "crash-loop"}
	h.start(c)
	h.die(c, 1)
	h.pass(time.Minute + time.Second)
	want(t, "told", h.occasions(), "opened reminder")
	want(t, "drill", h.only().Drill, "crash-loop")
	want(t, "drill of the start", h.starts[h.order[0]].Drill, "crash-loop")
}

// What people say of an incident is kept, and nothing that they say of another.
func TestPeopleSpeakOfAnIncident(t *testing.T) {
	h := newHistory(t, func(c *core.Settings) { c.EscalateAfter = time.Hour })
	c := box("w1", "webhook")
	c.Policy = "no"
	h.start(c)
	h.die(c, 1)
	id := h.only().ID
	for _, what := range []aweigh.FactKind{aweigh.FactAcknowledged, aweigh.FactCommented, aweigh.FactResolved} {
		h.apply(aweigh.Fact{Kind: what, Incident: "of another", By: "eve", Reason: "hm"})
	}
	h.apply(aweigh.Fact{Kind: aweigh.FactCommented, Incident: id, By: "eve"}) // says nothing
	want(t, "comments", len(h.only().Comments), 0)
	for n := range 60 {
		h.apply(aweigh.Fact{Kind: aweigh.FactCommented, Incident: id, By: "eve", Reason: fmt.Sprint("comment ", n)})
	}
	want(t, "comments", len(h.only().Comments), 50)
	want(t, "the newest", h.only().Comments[49].Text, "comment 59")
	h.apply(aweigh.Fact{Kind: aweigh.FactAcknowledged, Incident: id, By: "eve", Reason: "on it"})
	h.apply(aweigh.Fact{Kind: aweigh.FactAcknowledged, Incident: id, By: "adam"})
	want(t, "by", h.only().Acknowledged.By, "eve")
	h.pass(48 * time.Hour)
	want(t, "told", h.occasions(), "opened")
	h.apply(aweigh.Fact{Kind: aweigh.FactResolved, Incident: id, By: "eve", Reason: "the disk was full"})
	h.apply(aweigh.Fact{Kind: aweigh.FactResolved, Incident: id, By: "adam"})
	want(t, "resolution", h.only().Resolution, "resolved by eve: the disk was full")
	want(t, "told", h.occasions(), "opened resolved")
	h.apply(aweigh.Fact{Kind: aweigh.FactAcknowledged, Incident: id, By: "adam"})
	want(t, "by", h.only().Acknowledged.By, "eve")
}

// The first start of a loop tells the most.
func TestIncidentKeepsTheFirstStartAndTheNewest(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	for range 40 {
		h.start(c)
		h.pass(time.Second)
		h.die(c, 1)
	}
	starts := h.only().Starts
	want(t, "starts", len(starts), 20)
	want(t, "the newest", starts[19], h.order[39])
	want(t, "the first", starts[0], h.order[0])
}
