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
		"the engine loses the word of two ends": func(h *history) {
			c := box("w1", "webhook")
			h.start(c)
			h.pass(5 * time.Second)
			h.start(c)
			h.pass(time.Second)
			h.answer(c, true)
			h.pass(time.Hour)
			h.start(c)
			h.answer(c, true)
			h.pass(time.Hour)
		},
		"the counter tells of restarts and one event comes late": func(h *history) {
			c := box("w1", "webhook")
			c.Started = h.now
			h.start(c)
			h.pass(5 * time.Second)
			late := h.now
			h.pass(time.Second)
			c.Started, c.RestartCount = h.now, 3
			h.see(c)
			h.apply(aweigh.Fact{Kind: aweigh.FactDied, Instance: c.ID, At: late, ID: "late", Exit: &aweigh.Exit{Code: 7}, Reason: "no space left", Lines: []string{"no space left"}})
			want(h.t, "evidence", strings.Join(h.only().Evidence, "|"), "no space left")
			h.answer(c, true)
			h.pass(time.Hour)
		},
		"compose puts another container in its place, and a person does later": func(h *history) {
			for n, pause := range []time.Duration{10 * time.Second, 10 * time.Second, 2 * time.Minute, time.Hour} {
				c := box(fmt.Sprint("w", n), "webhook")
				h.start(c)
				h.pass(time.Second)
				h.answer(c, true)
				h.pass(time.Minute)
				h.kill(c, "SIGTERM")
				h.die(c, 0)
				h.stop(c)
				if n == 0 { // as Compose 2 does, and Compose 1 does not
					h.apply(aweigh.Fact{Kind: aweigh.FactRemoved, Instance: c.ID})
				}
				h.pass(pause)
			}
		},
		"aweigh-init inside gives a start up, and proves the next": func(h *history) {
			c := box("w1", "webhook")
			c.Supervised, c.Patience, c.Records = true, 3*time.Minute, "/volumes/records"
			say := func(start, event, reason string, verdict aweigh.Verdict) {
				h.apply(aweigh.Fact{Kind: aweigh.FactSaid, Instance: c.ID, ID: fmt.Sprint(start, event, h.now), Reason: reason,
					Said: &aweigh.Said{Event: event, Start: start, Service: "web", Verdict: verdict, TookMS: 180_000, Target: "http://127.0.0.1:5003/health"}})
			}
			h.start(c)
			say("INNER1", "start.begin", "", "")
			h.pass(90 * time.Second)
			say("INNER1", "start.slow", "90 s in connect() to db:5432", "")
			h.pass(90 * time.Second)
			say("INNER1", "start.failed", "not ready within 3m: connect() to db:5432", aweigh.TimedOut)
			h.die(c, 124)
			h.start(c)
			say("INNER1", "run.unhealthy", "late word of the life before", "")
			say("INNER2", "start.begin", "", "")
			h.pass(4 * time.Second)
			say("INNER2", "start.ready", "", "")
			h.pass(time.Minute)
			say("INNER2", "run.unhealthy", "503 three times", "")
			h.pass(time.Minute)
			say("INNER2", "run.healthy", "", "")
			h.pass(10 * time.Minute)
			say("INNER2", "run.oom", "", "")
			h.pass(time.Hour)
			want(h.t, "record", h.starts[h.order[1]].Record, "/volumes/records/web/INNER2")
		},
		"it fails each time in another way": func(h *history) {
			c := box("w1", "webhook")
			c.Started = h.now
			h.start(c)
			h.pass(30 * time.Second)
			h.die(c, 1)
			c.Started = h.now
			h.start(c)
			h.answer(c, false)
			h.pass(3 * time.Minute)
			h.die(c, 137)
			h.pass(10 * time.Second)
			c.Started, c.RestartCount = h.now, 4
			h.see(c)
			h.pass(time.Second)
			h.kill(c, "SIGTERM")
			h.die(c, 143)
			c.Status, c.Error = "exited", "driver failed programming external connectivity on endpoint webhook_1 (f3): Bind for 0.0.0.0:5003 failed: port is already allocated"
			h.apply(aweigh.Fact{Kind: aweigh.FactRefused, Instance: c.ID, Container: c})
			h.pass(time.Second)
			c.Status, c.Error, c.Started = "running", "", h.now
			h.start(c)
			h.pass(time.Second)
			h.die(c, 2)
			h.pass(5 * time.Hour)
		},
		"a health check that fails, and then a crash": func(h *history) {
			c := box("w1", "webhook")
			c.HealthCheck, c.Patience = true, 5*time.Minute
			h.start(c)
			h.pass(4 * time.Minute)
			h.apply(aweigh.Fact{Kind: aweigh.FactHealth, Instance: c.ID, OK: true})
			h.pass(time.Minute)
			h.apply(aweigh.Fact{Kind: aweigh.FactHealth, Instance: c.ID, Reason: "exit status 1: no route to host"})
			h.pass(time.Minute)
			h.die(c, 137)
			h.start(c)
			h.apply(aweigh.Fact{Kind: aweigh.FactHealth, Instance: c.ID, OK: true})
			h.pass(time.Hour)
		},
		"the brake stops a loop, and a person starts it again": func(h *history) {
			h.state = core.New("aws-1", func(string, map[string]string) core.Settings {
				c := core.Defaults()
				c.Brake = 4
				return c
			})
			c := box("w1", "webhook")
			for range 4 {
				h.start(c)
				h.pass(time.Second)
				h.die(c, 1)
			}
			h.start(c) // the engine was quicker
			h.pass(time.Millisecond)
			h.kill(c, "SIGTERM")
			h.die(c, 143)
			h.stop(c)
			h.pass(5 * time.Hour)
			h.start(c)
			h.answer(c, true)
			h.pass(time.Hour)
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
