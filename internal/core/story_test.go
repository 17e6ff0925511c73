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
		"the clock is set back in the middle of trouble": func(h *history) {
			c := box("w1", "webhook")
			c.Policy = "no"
			step := func(d time.Duration) {
				h.now = h.now.Add(d)
				h.apply(aweigh.Fact{Kind: aweigh.FactStepped, Step: d})
			}
			h.start(c)
			h.answer(c, true)
			h.pass(time.Second)
			step(-2 * time.Hour)
			h.pass(time.Minute)
			h.die(c, 1)
			h.pass(30 * time.Minute)
			step(-time.Hour)
			h.pass(30 * time.Minute)
			h.start(c)
			h.answer(c, true)
			h.pass(time.Minute)
			step(10 * time.Hour)
			h.pass(90 * time.Second)
			step(-time.Hour)
			h.die(c, 1)
			h.pass(time.Hour)
		},
		"a job that has run for long ends well, and talks no more": func(h *history) {
			c := box("j1", "import")
			c.Policy, c.Published = "no", nil
			h.start(c)
			for range 240 {
				h.apply(aweigh.Fact{Kind: aweigh.FactTalked, Instance: c.ID})
				h.pass(30 * time.Second)
			}
			h.die(c, 0)
			h.pass(10 * time.Hour)
			h.start(c)
			h.pass(4 * time.Minute)
			h.die(c, 1)
			h.pass(time.Hour)
			h.start(c)
			h.pass(4 * time.Hour)
			h.die(c, 0)
			h.pass(time.Hour)
		},
		"one has no address, one is ignored, and one is supervised and hangs": func(h *history) {
			h.state = core.New("aws-1", func(service string, _ map[string]string) core.Settings {
				c := core.Defaults()
				c.Ignore = service == "scratch"
				return c
			})
			host, scratch, init := box("h1", "proxy"), box("x1", "scratch"), box("w1", "webhook")
			host.Addr, host.Exposed = "", []int{80}
			init.Supervised, init.Patience, init.Published = true, 10*time.Minute, nil
			for _, c := range []*aweigh.Container{host, scratch, init} {
				h.start(c)
			}
			h.die(scratch, 1)
			h.pass(time.Hour)
			h.die(host, 1)
			h.pass(time.Second)
			h.apply(aweigh.Fact{Kind: aweigh.FactRemoved, Instance: scratch.ID})
			h.pass(time.Hour)
		},
		"one of two is renamed, and then the other": func(h *history) {
			one, two := box("w1", "webhook"), box("w2", "webhook")
			for _, c := range []*aweigh.Container{one, two} {
				h.start(c)
				h.answer(c, true)
			}
			h.pass(time.Minute)
			h.die(one, 1)
			for _, c := range []*aweigh.Container{one, two} {
				c.Service = "old-" + c.ID
				h.see(c)
				h.pass(time.Second)
			}
			h.pass(time.Hour)
		},
		"windows overlap, and one begins in the middle of trouble": func(h *history) {
			window := func(id, services string, d time.Duration) {
				h.apply(aweigh.Fact{Kind: aweigh.FactMaintenance, Window: &aweigh.Maintenance{ID: id, Services: services, Until: h.now.Add(d)}})
			}
			c, other := box("w1", "webhook"), box("d1", "db")
			other.Project = ""
			window("a", "web*", 10*time.Minute)
			window("b", "", 20*time.Minute)
			h.start(other)
			h.answer(other, true)
			for range 5 {
				h.start(c)
				h.pass(time.Second)
				h.die(c, 1)
			}
			h.pass(15 * time.Minute)
			window("b", "", 0)
			window("unknown", "", 0)
			h.pass(time.Minute)
			window("c", "web*", 30*time.Minute)
			h.die(other, 139)
			h.start(c)
			h.answer(c, true)
			h.pass(5 * time.Minute)
			h.die(c, 1)
			h.pass(10 * time.Second)
			h.start(c)
			h.answer(c, true)
			h.pass(time.Hour)
		},
		"replicas crash in turn": func(h *history) {
			all := []*aweigh.Container{box("w1", "webhook"), box("w2", "webhook")}
			for _, c := range all {
				h.start(c)
				h.answer(c, true)
			}
			h.pass(time.Hour)
			for n := range 6 {
				c := all[n%2]
				h.die(c, 1)
				h.pass(time.Second)
				h.start(c)
				h.answer(c, true)
				h.pass(time.Minute)
			}
			h.pass(time.Hour)
		},
		"a signal cannot be read, is bad, and cannot be read again": func(h *history) {
			read := func(times int, state, reason string) {
				for range times {
					h.apply(aweigh.Fact{Kind: aweigh.FactSignal, Reason: reason, Reading: &aweigh.Reading{Name: "linkage", Service: "webhook",
						State: state, Hold: 2 * time.Minute, Severity: aweigh.Warning, Values: map[string]float64{"linkage": 3, "total": 1e6}}})
					h.pass(time.Minute)
				}
			}
			read(2, "broken", "connection refused")
			read(1, "ok", "")
			read(5, "broken", "connection refused")
			read(5, "breached", "linkage is 0, total is 27 (rule: linkage == 0)")
			read(5, "broken", "connection refused")
			read(1, "missing", "linkage is NULL")
			h.pass(5 * time.Hour)
			read(1, "ok", "")
		},
		"it is stopped before it was ready, and started later": func(h *history) {
			c := box("w1", "webhook")
			for range 2 {
				h.start(c)
				h.answer(c, false)
				h.pass(30 * time.Second)
				h.kill(c, "SIGTERM")
				h.die(c, 143)
				h.stop(c)
				h.pass(10 * time.Minute)
			}
			h.start(c)
			h.answer(c, false)
			h.pass(90 * time.Second)
			h.answer(c, true)
			h.pass(time.Hour)
		},
		"it is found up, and unhealthy it ends for good": func(h *history) {
			c := box("w1", "webhook")
			c.Started = h.now.Add(-20 * time.Second)
			h.see(c)
			h.answer(c, false)
			h.answer(c, false)
			h.answer(c, true)
			want(h.t, "attempts", h.starts[h.order[0]].Probe.Attempts, 3)
			want(h.t, "error", h.starts[h.order[0]].Probe.LastError, "connection refused")
			h.pass(time.Minute)
			h.health(c, false)
			h.pass(time.Second)
			c.Policy, c.Status = "no", "exited"
			h.apply(aweigh.Fact{Kind: aweigh.FactDied, Instance: c.ID, Container: c, Exit: &aweigh.Exit{Code: 1}})
			h.pass(time.Hour)
		},
		"it fails in ten ways": func(h *history) {
			c := box("w1", "webhook")
			for _, code := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1} {
				h.start(c)
				h.pass(time.Second)
				h.die(c, code)
			}
			h.pass(5 * time.Hour)
		},
		"two services and a job come up, one of them while nobody watches": func(h *history) {
			job, one, two, past := box("j1", "migrate"), box("w1", "webhook"), box("s1", "sighook"), box("p1", "mailer")
			job.Policy, job.Published, past.Project, past.Supervised = "no", nil, "another", true
			began := h.now
			h.pass(time.Hour)
			h.apply(aweigh.Fact{Kind: aweigh.FactWatching})
			h.apply(aweigh.Fact{Kind: aweigh.FactStarted, Instance: past.ID, Container: past, At: began})
			h.apply(aweigh.Fact{Kind: aweigh.FactSaid, Instance: past.ID, At: began.Add(time.Second), Said: &aweigh.Said{Event: "start.ready"}})
			h.start(job)
			h.start(one)
			h.start(two)
			h.pass(time.Second)
			h.die(job, 0)
			h.answer(one, true)
			h.answer(two, true)
			h.pass(time.Hour)
		},
		"it fails once, is ready, and fails once more a day later": func(h *history) {
			c := box("w1", "webhook")
			h.start(c)
			h.pass(time.Second)
			h.die(c, 1)
			h.start(c)
			h.answer(c, true)
			h.pass(24 * time.Hour)
			h.die(c, 1)
			h.start(c)
			h.answer(c, true)
			h.pass(time.Hour)
		},
		"aweigh-init inside says why, or falls silent": func(h *history) {
			c := box("w1", "webhook")
			c.Supervised, c.Patience, c.Policy = true, 3*time.Minute, "no"
			say := func(start, event, reason string, verdict aweigh.Verdict, cause *aweigh.Cause) {
				h.apply(aweigh.Fact{Kind: aweigh.FactSaid, Instance: c.ID, ID: fmt.Sprint(start, event), Reason: reason, Cause: cause,
					Said: &aweigh.Said{Event: event, Start: start, Verdict: verdict, TookMS: 180_000}})
			}
			h.start(c)
			say("INNER1", "start.begin", "", "", nil)
			say("INNER1", "start.failed", "port 5003 is already in use by nginx (pid 812)", aweigh.Refused, &aweigh.Cause{ID: "port-in-use", Confidence: 0.99, Fix: "Stop nginx."})
			h.die(c, 98)
			want(h.t, "advice", h.told[0].Advice, "Stop nginx.")
			h.pass(time.Minute)
			h.start(c)
			say("INNER2", "start.begin", "", "", nil)
			h.pass(90 * time.Second)
			say("INNER2", "start.slow", "90 s in connect() to db:5432", "", nil)
			h.pass(time.Hour)
		},
		"one of two serves no more, a person knows that, and its port leads nowhere": func(h *history) {
			one, two := replicas(h)
			h.answer(two, true)
			h.pass(time.Minute)
			refuse := func(c *aweigh.Container) {
				for range 3 {
					h.answer(c, false)
					h.pass(time.Second)
				}
			}
			refuse(one)
			h.answer(one, true)
			h.pass(10 * time.Second)
			refuse(one) // it had begun to settle
			h.pass(time.Minute)
			want(h.t, "count", h.only().Count, 1)
			h.apply(aweigh.Fact{Kind: aweigh.FactResolved, Incident: h.only().ID, By: "eve", Reason: "it is being moved"})
			h.answer(two, false)
			h.answer(two, true)
			refuse(one)
			h.answer(one, true)
			h.pass(time.Minute)
			refuse(one)
			h.answer(one, true)
			h.pass(time.Minute + time.Second)
			h.reach(one, false)
			h.reach(two, true)
			h.pass(time.Hour)
			h.end(one)
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
