package core_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
)

// replicas are two instances of a service; the first is ready.
func replicas(h *history) (one, two *aweigh.Container) {
	one, two = box("w1", "webhook"), box("w2", "webhook")
	h.start(one)
	h.answer(one, true)
	h.start(two)
	return one, two
}

func (h *history) end(c *aweigh.Container) {
	h.kill(c, "SIGTERM")
	h.die(c, 143)
	h.stop(c)
}

func (h *history) health(c *aweigh.Container, ok bool) {
	h.apply(aweigh.Fact{Kind: aweigh.FactHealth, Instance: c.ID, OK: ok, ID: fmt.Sprint("health", c.ID, h.now)})
}

// It was over only once the container was removed.
func TestReplicaThatNeverWasReadyIsOverWithItsStop(t *testing.T) {
	h := newHistory(t)
	_, two := replicas(h)
	h.pass(3 * time.Minute)
	h.end(two)
	h.pass(5 * time.Minute)
	want(t, "told", h.occasions(), "opened ready resolved")
}

// It was told as "ready again" when the first was restarted.
func TestReplicaThatHangsIsNotOverWithAnotherThatIsReady(t *testing.T) {
	h := newHistory(t)
	one, two := replicas(h)
	h.pass(3 * time.Minute)
	h.end(one)
	h.start(one)
	h.answer(one, true)
	h.pass(10 * time.Minute)
	want(t, "told", h.occasions(), "opened ready")
	h.answer(two, true)
	h.pass(5 * time.Minute)
	want(t, "told", h.occasions(), "opened ready resolved")
}

// The answers of a healthy replica resolved the incident of an unhealthy one, of
// which the engine tells only once.
func TestUnhealthyReplicaIsNotOverWithTheAnswersOfAnother(t *testing.T) {
	h := newHistory(t)
	one, two := replicas(h)
	h.answer(two, true)
	h.pass(time.Minute)
	h.health(one, false)
	for range 30 {
		h.answer(two, true)
		h.pass(10 * time.Second)
	}
	want(t, "told", h.occasions(), "ready opened")
	h.health(one, true)
	h.pass(time.Minute)
	want(t, "told", h.occasions(), "ready opened resolved")
}

// Nothing resolved it: the others go on as they were, and say nothing new.
func TestUnhealthyReplicaIsOverWithIt(t *testing.T) {
	h := newHistory(t)
	one, two := replicas(h)
	h.answer(two, true)
	h.pass(time.Minute)
	h.health(one, false)
	h.pass(time.Minute)
	h.end(one)
	h.pass(5 * time.Minute)
	want(t, "told", h.occasions(), "ready opened resolved")
}

// "serves again" was told of a replica that had crashed and was not up yet, for the
// answers of another.
func TestReplicaThatIsNotUpYetDoesNotServeAgain(t *testing.T) {
	for _, ends := range []string{"up", "for good", "unproven", "guessed"} {
		h := newHistory(t)
		one, two := replicas(h)
		h.answer(two, true)
		h.pass(time.Minute)
		h.health(one, false)
		h.die(one, 1)
		switch ends {
		case "unproven":
			one.Published = nil
		case "guessed":
			one.Published, one.Exposed = nil, []int{80}
		}
		h.start(one)
		for range 8 {
			h.pass(10 * time.Second)
			h.answer(two, true)
		}
		want(t, ends+": told", h.occasionsOf(aweigh.Unhealthy), "opened")
		switch ends {
		case "up":
			h.answer(one, true)
		case "for good":
			one.Policy = "no"
			h.apply(aweigh.Fact{Kind: aweigh.FactSeen, Instance: one.ID, Container: one})
			h.die(one, 1)
		}
		h.pass(5 * time.Minute)
		want(t, ends+": told", h.occasionsOf(aweigh.Unhealthy), "opened resolved")
	}
}

// Three replicas whose database was not up yet were told as a crash loop.
func TestReplicasThatEachFailOnceAreNoLoop(t *testing.T) {
	for _, again := range []bool{false, true} {
		h := newHistory(t)
		all := []*aweigh.Container{box("w1", "webhook"), box("w2", "webhook"), box("w3", "webhook")}
		for _, c := range all {
			h.start(c)
			h.pass(time.Second)
			h.die(c, 1)
		}
		for _, c := range all {
			h.start(c)
			h.pass(time.Second)
		}
		h.noIncident()
		if again {
			h.die(all[1], 1)
			want(t, "kind", h.only().Kind, aweigh.StartupFailed)
			continue
		}
		for _, c := range all {
			h.answer(c, true)
		}
		h.pass(time.Hour)
		h.noIncident()
	}
}

// The first crash of a replica that had served for weeks came beside one that
// loops, and it was stopped for the failures of that one.
func TestTheBrakeStopsTheReplicaThatLoops(t *testing.T) {
	h := newHistory(t, func(c *core.Settings) { c.Brake = 4 })
	one, two := replicas(h)
	for n := range 4 {
		if n > 0 {
			h.start(two)
		}
		h.pass(time.Second)
		if n == 3 {
			h.die(one, 1)
			want(t, "stopped", len(h.braked), 0)
		}
		h.die(two, 1)
		h.pass(time.Second)
	}
	want(t, "stopped", fmt.Sprint(h.braked), "[w2]")
}

// What comes up together is one message, which counts services and not containers.
func TestServicesOfAProjectArriveInOneMessage(t *testing.T) {
	h := newHistory(t)
	one, two, other := box("w1", "webhook"), box("w2", "webhook"), box("s1", "sighook")
	for _, c := range []*aweigh.Container{one, other, two} {
		h.start(c)
	}
	for _, c := range []*aweigh.Container{one, other, two} {
		h.pass(2 * time.Second)
		h.answer(c, true)
	}
	h.pass(10 * time.Second)
	want(t, "told", h.occasions(), "ready")
	want(t, "title", h.told[0].Title, "ready: trade: all 2 services: sighook after 4s, webhook after 6s")
	want(t, "services", strings.Join(h.told[0].Services, " "), "sighook webhook")
}

// "ready: trade: all 2 services" was told of a project of three, of which one was not.
func TestOneThatIsNotReadyIsMissingFromAll(t *testing.T) {
	h := newHistory(t)
	one, two, three := box("w1", "webhook"), box("s1", "sighook"), box("d1", "db")
	h.start(one)
	h.start(two)
	h.start(three)
	h.answer(one, true)
	h.answer(two, true)
	h.die(three, 1)
	h.pass(10 * time.Second)
	want(t, "title", h.told[0].Title, "ready: trade: 2 services: sighook after 0s, webhook after 0s")
}
