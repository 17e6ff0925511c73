package core_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

func portInUse() *aweigh.Cause {
	return &aweigh.Cause{ID: "port-in-use", Confidence: 0.99, Line: "bind: address already in use", Why: "The port is taken.", Fix: "Stop what holds the port."}
}

func TestACrashCarriesItsCauseIntoTheStartTheIncidentAndTheMessage(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	c.Policy = "no"
	h.start(c)
	h.now = h.now.Add(time.Second)
	h.apply(aweigh.Fact{Kind: aweigh.FactDied, Instance: c.ID, Exit: &aweigh.Exit{Code: 1}, Reason: "bind: address already in use", Cause: portInUse()})
	n := h.only()
	if !n.Cause.Named() || h.starts[h.order[0]].Cause == nil || h.starts[h.order[0]].Cause.ID != "port-in-use" {
		t.Fatalf("incident %+v, start %+v", n.Cause, h.starts[h.order[0]].Cause)
	}
	told := h.told[len(h.told)-1]
	want(t, "the beginning of the title", strings.HasPrefix(told.Title, "webhook: startup-failed (port-in-use): exited with 1"), true)
	want(t, "advice", told.Advice, "Stop what holds the port.")
}

func TestADeadlineTakesTheCauseThatCameWithTheTick(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	h.start(c)
	h.answer(c, false)
	at := h.state.Next()
	h.now = at
	want(t, "who is looked at", strings.Join(h.state.Due(at), " "), c.ID)
	h.apply(aweigh.Fact{Kind: aweigh.FactTick, At: at, Causes: map[string]*aweigh.Cause{c.ID: {ID: "bound-to-localhost", Confidence: 0.97}}})
	want(t, "verdicts", h.verdicts(), "timed-out")
	want(t, "the start's", h.starts[h.order[0]].Cause.ID, "bound-to-localhost")
	want(t, "the incident's", h.only().Cause.ID, "bound-to-localhost")
}

// A later crash of which nothing is known must not take away what is.
func TestIgnoranceDoesNotReplaceACause(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	for _, cause := range []*aweigh.Cause{portInUse(), portInUse(), {ID: "unknown", Confidence: 0.5}} {
		h.start(c)
		h.now = h.now.Add(time.Second)
		h.apply(aweigh.Fact{Kind: aweigh.FactDied, Instance: c.ID, Exit: &aweigh.Exit{Code: 1}, Cause: cause})
		h.now = h.now.Add(time.Second)
	}
	want(t, "the incident's", h.only().Cause.ID, "port-in-use")
	want(t, "the last start's", h.starts[h.order[2]].Cause.ID, "unknown")
}

func TestAnUnsureCauseGivesNoAdvice(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	c.Policy = "no"
	guess := portInUse()
	guess.Confidence = 0.4
	h.start(c)
	h.now = h.now.Add(time.Second)
	h.apply(aweigh.Fact{Kind: aweigh.FactDied, Instance: c.ID, Exit: &aweigh.Exit{Code: 1}, Cause: guess})
	if advice := h.told[len(h.told)-1].Advice; advice == guess.Fix || advice == "" {
		t.Errorf("advice %q", advice)
	}
}
