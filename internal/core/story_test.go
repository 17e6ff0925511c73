package core_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
)

// What people are told of a history, word for word, is in testdata/stories, and was read
// by a person.
func TestStories(t *testing.T) {
	for name, history := range map[string]func(h *history){
		"deadlines are missed, and one start is ready late": func(h *history) {
			c := box("w1", "webhook")
			for range 2 {
				h.start(c)
				h.answer(c, false)
				h.pass(3 * time.Minute)
				h.die(c, 1)
			}
			h.start(c)
			h.answer(c, false)
			h.pass(3 * time.Minute)
			h.answer(c, true)
			h.pass(time.Hour)
			h.die(c, 1)
		},
		"there is nothing to ask": func(h *history) {
			c := box("w1", "worker")
			c.Published = nil
			h.start(c)
			h.pass(time.Hour)
			h.die(c, 2)
			h.start(c)
			h.pass(time.Hour)
		},
		"none of the exposed ports answers": func(h *history) {
			c := box("w1", "worker")
			c.Published, c.Exposed = nil, []int{80, 443}
			h.start(c)
			h.answer(c, false)
			h.pass(time.Hour)
			h.answer(c, true)
			h.pass(time.Hour)
		},
		"a job fails twice, and then does its work": func(h *history) {
			c := box("j1", "migrate")
			c.Policy, c.Published, c.MaxRetries = "on-failure", nil, 5
			for _, code := range []int{3, 4, 0, 3} { // the last one is another matter
				h.start(c)
				h.pass(5 * time.Second)
				h.die(c, code)
				c.RestartCount++
			}
		},
		"a job is not tried again": func(h *history) {
			c := box("j1", "migrate")
			c.Policy, c.Published, c.MaxRetries = "on-failure", nil, 1
			for range 2 {
				h.start(c)
				h.pass(5 * time.Second)
				h.die(c, 3)
				c.RestartCount++
			}
			h.pass(5 * time.Hour)
		},
		"after a stop it begins anew": func(h *history) {
			c := box("w1", "webhook")
			for range 2 {
				h.start(c)
				h.pass(time.Second)
				h.die(c, 1)
				h.start(c)
				h.pass(time.Second)
				h.kill(c, "SIGTERM")
				h.die(c, 143)
				h.stop(c)
				h.pass(time.Minute)
			}
		},
		"it serves, crashes each time in another way, and lives": func(h *history) {
			c := box("w1", "webhook")
			for _, code := range []int{1, 139, 137, 1} {
				h.start(c)
				h.pass(time.Second)
				h.answer(c, true)
				h.pass(time.Minute)
				h.die(c, code)
			}
			h.start(c)
			h.answer(c, true)
			h.pass(time.Hour)
		},
		"the same trouble comes back within the hour, and after it": func(h *history) {
			c := box("w1", "webhook")
			c.Policy = "no"
			for _, pause := range []time.Duration{30 * time.Minute, 3 * time.Hour, time.Minute} {
				h.start(c)
				h.pass(time.Second)
				h.die(c, 1)
				h.pass(time.Second)
				h.start(c)
				h.answer(c, true)
				h.pass(pause)
				h.kill(c, "SIGTERM")
				h.die(c, 143)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHistory(t)
			history(h)
			isGolden(t, filepath.Join("testdata/stories", strings.ReplaceAll(strings.ReplaceAll(name, ",", ""), " ", "_")+".golden"), h.story())
		})
	}
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
