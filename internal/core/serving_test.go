package core_test

import (
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
)

func TestAServiceThatServesNoMoreIsToldAfterItsRetries(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	h.start(c)
	h.answer(c, true)
	h.pass(time.Minute)
	for range 2 {
		h.answer(c, false)
		h.pass(10 * time.Second)
	}
	h.noIncident()
	h.answer(c, false)
	want(t, "kind", h.only().Kind, aweigh.NotServing)
	h.answer(c, true)
	h.pass(time.Minute)
	want(t, "told", h.occasions(), "ready opened resolved")
}

// A service that listens on its container's loopback only, healthy by its own
// check, was told to serve no more once the watcher had been restarted.
func TestAHealthCheckThatTheHostCannotAskIsNoAlarm(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	c.HealthCheck = true
	h.start(c)
	h.answer(c, false)
	h.apply(aweigh.Fact{Kind: aweigh.FactHealth, Instance: "w1", OK: true})
	for range 5 {
		h.answer(c, false)
		h.pass(10 * time.Second)
	}
	h.noIncident()
	h.answer(c, true) // it can be asked after all
	for range 3 {
		h.answer(c, false)
		h.pass(10 * time.Second)
	}
	want(t, "kind", h.only().Kind, aweigh.NotServing)
}

func TestAHealthyServiceWhosePortLeadsNowhereIsToldOnceUntilItDoesLead(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	c.HealthCheck = true
	h.start(c)
	h.reach(c, false)
	h.noIncident() // it has not come up yet
	healthy := aweigh.Fact{Kind: aweigh.FactHealth, Instance: "w1", OK: true}
	h.apply(healthy)
	h.reach(c, false)
	want(t, "kind", h.only().Kind, aweigh.Unreachable)
	want(t, "severity", h.only().Severity, aweigh.Warning)
	h.apply(healthy)
	h.pass(time.Hour)
	h.die(c, 1)
	h.start(c)
	h.apply(healthy)
	h.reach(c, false)
	h.pass(time.Minute)
	want(t, "told", h.occasionsOf(aweigh.Unreachable), "opened")
	h.reach(c, true)
	h.pass(time.Minute)
	want(t, "told", h.occasionsOf(aweigh.Unreachable), "opened resolved")
}

// The warning said that the probe is answered well. Nobody was told when it was
// not any more.
func TestUnhealthyServiceThatServesNoMoreIsWorse(t *testing.T) {
	h := newHistory(t, func(c *core.Settings) { c.Probe = "http://:5003/" })
	c := box("w1", "webhook")
	c.HealthCheck = true
	h.start(c)
	h.answer(c, true)
	h.pass(time.Minute)
	h.apply(aweigh.Fact{Kind: aweigh.FactHealth, Instance: "w1"})
	want(t, "severity", h.only().Severity, aweigh.Warning)
	for range 9 {
		h.answer(c, false)
		h.pass(10 * time.Second)
	}
	want(t, "severity", h.only().Severity, aweigh.Critical)
	want(t, "kind", h.only().Kind, aweigh.NotServing)
	want(t, "told", h.occasions(), "ready opened raised")
}

// `docker pause` was told as not-serving.
func TestPausedContainerIsNotAskedToServe(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	h.start(c)
	h.answer(c, true)
	for _, status := range []string{"paused", "running"} {
		h.pass(time.Minute)
		c.Status = status
		h.see(c)
		h.noIncident()
		for range 3 {
			h.answer(c, false)
		}
	}
	want(t, "kind", h.only().Kind, aweigh.NotServing)
}
