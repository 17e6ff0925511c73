package core_test

import (
	"slices"
	"strings"
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

func TestARefusedStartIsToldAtOnceAndOnce(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	c.Status, c.Error = "created", "Bind for 0.0.0.0:5003 failed: port is already allocated"
	h.apply(aweigh.Fact{Kind: aweigh.FactRefused, Instance: "w1", Container: c})
	h.see(c)
	want(t, "kind", h.only().Kind, aweigh.StartupFailed)
	want(t, "verdicts", h.verdicts(), "refused")
	want(t, "told", h.occasions(), "opened")
}

func TestWhatHappenedWhileNobodyWatchedIsFoundOutOrUnknown(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	c.Started = h.now
	h.see(c)
	h.answer(c, true)
	h.pass(time.Hour)
	before := h.now
	h.now = h.now.Add(2 * time.Hour) // the watcher was down
	h.apply(aweigh.Fact{Kind: aweigh.FactWatching, Since: before})
	c = box("w1", "webhook")
	c.Started, c.RestartCount = h.now.Add(-10*time.Minute), 2
	h.see(c)
	h.answer(c, true)
	h.pass(10 * time.Minute)
	want(t, "verdicts", h.verdicts(), "ready/unknown ready/")
	kinds := h.kinds()
	slices.Sort(kinds)
	if len(kinds) != 2 || !strings.HasPrefix(kinds[0], "unexpected-restart") || !strings.HasPrefix(kinds[1], "watcher-gap: nobody was watching for 2h0m") {
		t.Errorf("incidents %q", kinds)
	}
}

func TestASilenceIsToldOfAServiceThatTalks(t *testing.T) {
	for _, talks := range []bool{true, false} {
		h := newHistory(t)
		c := box("w1", "webhook")
		h.start(c)
		h.answer(c, true)
		every := 30 * time.Second
		if !talks {
			every = 4 * time.Minute // it pauses now and then
		}
		for range 180 {
			h.apply(aweigh.Fact{Kind: aweigh.FactTalked, Instance: "w1"})
			h.pass(every)
		}
		h.pass(10 * time.Minute)
		if !talks {
			h.noIncident()
			continue
		}
		want(t, "kind", h.only().Kind, aweigh.Silence)
		h.apply(aweigh.Fact{Kind: aweigh.FactTalked, Instance: "w1"})
		h.pass(2 * time.Minute)
		want(t, "told", h.occasions(), "ready opened resolved")
	}
}

// Once a day it was forgotten that a service pauses: one that logs every ten minutes
// was told five times within the hour.
func TestServiceThatPausesIsRememberedFromDayToDay(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	h.start(c)
	h.answer(c, true)
	talk := func(times int, every time.Duration) {
		for range times {
			h.apply(aweigh.Fact{Kind: aweigh.FactTalked, Instance: "w1"})
			h.pass(every)
		}
	}
	talk(6*60, 10*time.Minute)
	h.noIncident()
	talk(2*60*49, 30*time.Second) // it talks all the time now
	h.pass(10 * time.Minute)
	want(t, "kind", h.only().Kind, aweigh.Silence)
	talk(4, 30*time.Second)
	h.pass(10 * time.Minute)
	want(t, "told", h.occasions(), "ready opened resolved raised")
	if said := h.only().Summary; !strings.HasSuffix(said, "it never paused for longer than 30s before") {
		t.Error(said)
	}
}

// Where a line now and then began the settling, which had grown long, the incident was
// resolved with "its log goes on" after a quarter of an hour without a line, and opened
// again at once.
func TestSilenceIsNotOverWhileItLasts(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	h.start(c)
	h.answer(c, true)
	talk := func() { h.apply(aweigh.Fact{Kind: aweigh.FactTalked, Instance: "w1"}) }
	for range 180 {
		talk()
		h.pass(30 * time.Second)
	}
	h.pass(10 * time.Minute)
	for range 4 {
		talk()
		h.pass(20 * time.Minute)
	}
	want(t, "told", h.occasions(), "ready opened resolved raised resolved raised resolved raised")
	want(t, "count", h.only().Count, 5)
	want(t, "open", h.only().Resolved == nil, true)
}

func TestASignalMustHoldBeforeItIsTold(t *testing.T) {
	h := newHistory(t)
	read := func(state string) {
		h.apply(aweigh.Fact{Kind: aweigh.FactSignal, Reason: "linkage is 0, total is 27",
			Reading: &aweigh.Reading{Name: "linkage", Service: "webhook", State: state, Hold: 2 * time.Minute}})
	}
	read("breached")
	h.pass(time.Minute)
	read("ok")
	h.pass(time.Minute)
	h.noIncident()
	for range 3 {
		read("breached")
		h.pass(time.Minute)
	}
	want(t, "kind", h.only().Kind, aweigh.SignalKind("linkage"))
	read("ok")
	want(t, "told", h.occasions(), "opened resolved")
	for range 3 {
		read("broken")
	}
	if !strings.Contains(h.only().Summary, "cannot be read (broken, 3 times in a row)") {
		t.Errorf("a broken query should be told: %q", h.only().Summary)
	}
}

// A signal whose `missing` is `ignore` (the default) told after three quiet
// minutes that it could not be read, which docs/signals.md rules out.
func TestANumberThatIsMissingLeavesWhatWasBelieved(t *testing.T) {
	h := newHistory(t)
	read := func(state string) {
		h.apply(aweigh.Fact{Kind: aweigh.FactSignal, Reason: "linkage is NULL",
			Reading: &aweigh.Reading{Name: "linkage", Service: "webhook", State: state, Hold: 2 * time.Minute}})
		h.pass(time.Minute)
	}
	for range 5 {
		read("missing")
	}
	h.noIncident()
	read("breached")
	read("missing")
	read("breached")
	want(t, "told", h.occasions(), "opened")
	read("missing")
	want(t, "told", h.occasions(), "opened")
	read("ok")
	want(t, "told", h.occasions(), "opened resolved")
}

func TestSignalThatIsNotConfiguredAnyMoreIsNoTrouble(t *testing.T) {
	h := newHistory(t)
	read := func(state string) {
		h.apply(aweigh.Fact{Kind: aweigh.FactSignal, Reading: &aweigh.Reading{Name: "linkage", Service: "webhook", State: state}})
	}
	read("breached")
	want(t, "told", h.occasions(), "opened")
	read("gone")
	h.pass(30 * time.Hour)
	want(t, "told", h.occasions(), "opened resolved")
	want(t, "why", h.only().Resolution, "the signal is not configured any more")
	want(t, "signals that are kept", len(h.state.Services["/webhook"].Signals), 0)
}

// A breach that is a warning was not told where the signal could not be read before,
// which is one as well.
func TestBreachAfterABrokenQueryIsNews(t *testing.T) {
	h := newHistory(t)
	read := func(state, reason string) {
		h.apply(aweigh.Fact{Kind: aweigh.FactSignal, Reason: reason,
			Reading: &aweigh.Reading{Name: "linkage", Service: "webhook", State: state, Hold: 2 * time.Minute, Severity: aweigh.Warning}})
		h.pass(time.Minute)
	}
	for range 2 {
		for range 3 {
			read("broken", "connection refused")
		}
		for range 3 {
			read("breached", "linkage is 0")
		}
	}
	want(t, "told", h.occasions(), "opened raised")
	want(t, "title", h.told[len(h.told)-1].Title, "webhook: signal:linkage: linkage is 0")
	read("ok", "")
	for range 3 {
		read("breached", "linkage is 0")
	}
	want(t, "told", h.occasions(), "opened raised resolved raised")
	h.apply(aweigh.Fact{Kind: aweigh.FactResolved, Incident: h.only().ID, By: "eve"})
	for range 3 {
		read("broken", "connection refused")
	}
	want(t, "told", h.occasions(), "opened raised resolved raised resolved raised")
	for range 3 {
		read("breached", "linkage is 0")
	}
	want(t, "told", h.occasions(), "opened raised resolved raised resolved raised raised")
}

// The signal went over to the first service of its name, which a drill or another
// project had just brought: what was open stayed open for ever, and was opened there
// once more.
func TestSignalStaysWithItsService(t *testing.T) {
	h := newHistory(t)
	begin := func(id, project string, labels map[string]string) {
		c := box(id, "webhook")
		c.Project, c.Labels = project, labels
		h.start(c)
		h.answer(c, true)
	}
	read := func(state string) {
		h.apply(aweigh.Fact{Kind: aweigh.FactSignal, Reading: &aweigh.Reading{Name: "linkage", Service: "webhook", State: state}})
		h.pass(time.Minute)
	}
	begin("d1", "drill-1", map[string]string{aweigh.DrillLabel: "crash-loop"})
	begin("w1", "trade", nil)
	read("breached")
	begin("d2", "drill-2", map[string]string{aweigh.DrillLabel: "crash-loop"})
	begin("a1", "another", nil)
	read("breached")
	read("ok")
	want(t, "told", h.occasionsOf(aweigh.SignalKind("linkage")), "opened resolved")
	want(t, "project", h.only().Project, "trade")
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

func TestTheWordOfAweighInitIsAProof(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	c.Supervised, c.Patience = true, 2*time.Minute
	h.start(c)
	h.apply(aweigh.Fact{Kind: aweigh.FactSaid, Instance: "w1", Said: &aweigh.Said{Event: "start.ready", Start: "01JD", Target: "http://127.0.0.1:5003/health"}})
	want(t, "verdicts", h.verdicts(), "ready/")
	want(t, "inner", h.starts[h.order[0]].Inner, "01JD")
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

// A watcher that was killed hears the engine's last events again. A death that
// is older than the lives it knows must not begin one.
func TestOldDeathBeginsNoLife(t *testing.T) {
	h := newHistory(t)
	c := box("a", "webhook")
	old := aweigh.Fact{Kind: aweigh.FactDied, Instance: "a", ID: "old", At: h.now, Exit: &aweigh.Exit{Code: 1}}
	for range 3 {
		h.pass(time.Second)
		h.start(c)
	}
	starts := len(h.starts)
	h.apply(old)
	if len(h.starts) != starts {
		t.Errorf("%d starts, want %d", len(h.starts), starts)
	}
}

// Its port was taken once, and it could be started later. When the port was taken
// again, nobody was told: that was known already.
func TestTheSameRefusalAfterAStartIsAnotherOne(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	refused := *c
	refused.Status, refused.Error = "exited", "Bind for 0.0.0.0:5003 failed: port is already allocated"
	for range 2 {
		h.start(c)
		h.answer(c, true)
		h.pass(3 * time.Hour)
		h.kill(c, "SIGTERM")
		h.die(c, 0)
		h.stop(c)
		h.see(&refused)
		h.see(&refused)
		h.pass(time.Minute)
	}
	want(t, "told", h.occasions(), "ready opened resolved opened")
	want(t, "verdicts", h.verdicts(), "ready/stopped refused ready/stopped refused")
}

// A watcher that came back after more than `silence`, an engine that did, and a
// service that had been down so long were each told as a silence at once. The time
// that they were away was learned as a pause as well, and so no silence was told
// for a day.
func TestWhatNobodyCouldHearIsNoSilence(t *testing.T) {
	for name, away := range map[string]func(h *history, c *aweigh.Container){
		"the watcher was away": func(h *history, c *aweigh.Container) {
			since := h.now
			h.now = h.now.Add(10 * time.Minute)
			h.apply(aweigh.Fact{Kind: aweigh.FactWatching, Since: since})
		},
		"the engine was away": func(h *history, c *aweigh.Container) {
			h.apply(aweigh.Fact{Kind: aweigh.FactLost})
			h.pass(10 * time.Minute)
			h.apply(aweigh.Fact{Kind: aweigh.FactRegained})
		},
		"it was down": func(h *history, c *aweigh.Container) {
			h.die(c, 1)
			h.pass(10 * time.Minute)
			h.start(c)
			h.answer(c, true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHistory(t)
			silences := func() (n int) {
				for _, one := range h.incidents {
					if one.Kind == aweigh.Silence {
						n++
					}
				}
				return n
			}
			talk := func(n int) {
				for range n {
					h.apply(aweigh.Fact{Kind: aweigh.FactTalked, Instance: "w1"})
					h.pass(30 * time.Second)
				}
			}
			c := box("w1", "webhook")
			h.start(c)
			h.answer(c, true)
			talk(180)
			away(h, c)
			h.pass(10 * time.Second)
			want(t, "silences at once", silences(), 0)
			talk(4)
			h.pass(10 * time.Minute)
			want(t, "silences later", silences(), 1)
		})
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
