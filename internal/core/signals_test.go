package core_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

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
