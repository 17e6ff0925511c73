package core_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
)

// history feeds a state, and remembers what came of it.
type history struct {
	t         *testing.T
	state     *core.State
	now       time.Time
	starts    map[string]aweigh.Start
	incidents map[string]aweigh.Incident
	told      []aweigh.Notification
	braked    []string
	order     []string          // of starts
	rows      map[string][]byte // as they are stored
}

var midnight = time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)

func newHistory(t *testing.T, change ...func(*core.Settings)) *history {
	settings := func(string, map[string]string) core.Settings {
		c := core.Defaults()
		for _, f := range change {
			f(&c)
		}
		return c
	}
	return &history{t: t, state: core.New("aws-1", settings), now: midnight,
		starts: map[string]aweigh.Start{}, incidents: map[string]aweigh.Incident{}, rows: map[string][]byte{}}
}

func (h *history) apply(f aweigh.Fact) {
	if f.At.IsZero() {
		f.At = h.now
	}
	c := h.state.Apply(f)
	for _, s := range c.Starts {
		if _, known := h.starts[s.ID]; !known {
			h.order = append(h.order, s.ID)
		}
		h.starts[s.ID] = s
	}
	for _, n := range c.Incidents {
		h.incidents[n.ID] = n
	}
	h.told = append(h.told, c.Notifications...)
	h.braked = append(h.braked, c.Brake...)
	for key, row := range c.Rows {
		if h.rows[key] = row; row == nil {
			delete(h.rows, key)
		}
	}
	h.isStored(f)
}

// isStored demands that a kill -9 after any fact loses nothing: what is stored is the
// state.
func (h *history) isStored(f aweigh.Fact) {
	h.t.Helper()
	state := map[string]any{"engine:": h.state.Engine}
	add(state, "instance:", h.state.Instances)
	add(state, "service:", h.state.Services)
	add(state, "incident:", h.state.Incidents)
	add(state, "window:", h.state.Windows)
	add(state, "arrival:", h.state.Arrivals)
	for key, value := range state {
		if i, ok := value.(*core.Instance); ok && i.Settings.Ignore {
			continue
		}
		row, err := json.Marshal(value)
		if err != nil {
			h.t.Fatal(err)
		}
		if string(row) != string(h.rows[key]) && string(row) != "{}" {
			h.t.Fatalf("%s at %s was not stored:\n%s", f.Kind, f.At, differing(indented(h.rows[key]), indented(row)))
		}
	}
	for key := range h.rows {
		if _, there := state[key]; !there {
			h.t.Fatalf("%s at %s: %s is stored, and is not there any more", f.Kind, f.At, key)
		}
	}
}

func add[T any](to map[string]any, kind string, all map[string]*T) {
	for name, value := range all {
		to[kind+name] = value
	}
}

func indented(row []byte) string {
	var b bytes.Buffer
	json.Indent(&b, row, "", " ")
	return b.String()
}

// pass lets time pass, with a tick whenever one is due.
func (h *history) pass(d time.Duration) {
	end := h.now.Add(d)
	for n := 0; ; n++ {
		next := h.state.Next()
		if next.IsZero() || next.After(end) {
			break
		}
		if n > 10_000 {
			h.t.Fatalf("ticks without an end: at %s the next is due at %s", h.now, next)
		}
		if next.After(h.now) {
			h.now = next
		}
		h.apply(aweigh.Fact{Kind: aweigh.FactTick})
	}
	h.now = end
}

// box is a container of a service that publishes port 5003.
func box(id, service string) *aweigh.Container {
	return &aweigh.Container{ID: id, Name: service + "_1", Service: service, Project: "trade", Policy: "always",
		Status: "running", Addr: "172.17.0.9", Published: []int{5003}}
}

func (h *history) start(c *aweigh.Container) {
	h.apply(aweigh.Fact{Kind: aweigh.FactStarted, Instance: c.ID, Container: c, ID: fmt.Sprint("start", c.ID, h.now)})
}

func (h *history) die(c *aweigh.Container, code int) {
	h.apply(aweigh.Fact{Kind: aweigh.FactDied, Instance: c.ID, Exit: &aweigh.Exit{Code: code}, ID: fmt.Sprint("die", c.ID, h.now),
		Reason: "KeyError: 'DATABASE'", Lines: []string{"boom"}})
}

func (h *history) kill(c *aweigh.Container, signal string) {
	h.apply(aweigh.Fact{Kind: aweigh.FactSignalled, Instance: c.ID, Signal: signal, ID: fmt.Sprint("kill", c.ID, h.now)})
}

func (h *history) stop(c *aweigh.Container) {
	h.apply(aweigh.Fact{Kind: aweigh.FactStopped, Instance: c.ID, ID: fmt.Sprint("stop", c.ID, h.now)})
}

func (h *history) answer(c *aweigh.Container, ok bool) {
	f := aweigh.Fact{Kind: aweigh.FactAnswered, Instance: c.ID, OK: ok, Target: "tcp://172.17.0.9:5003"}
	if !ok {
		f.Reason = "connection refused"
	}
	h.apply(f)
}

func (h *history) reach(c *aweigh.Container, ok bool) {
	h.apply(aweigh.Fact{Kind: aweigh.FactReached, Instance: c.ID, OK: ok})
}

func (h *history) see(c *aweigh.Container) {
	h.apply(aweigh.Fact{Kind: aweigh.FactSeen, Instance: c.ID, Container: c})
}

// only is the only incident that there is.
func (h *history) only() aweigh.Incident {
	h.t.Helper()
	if len(h.incidents) != 1 {
		h.t.Fatalf("%d incidents, want one: %v", len(h.incidents), h.kinds())
	}
	for _, n := range h.incidents {
		return n
	}
	panic("unreachable")
}

func (h *history) kinds() (all []string) {
	for _, n := range h.incidents {
		all = append(all, string(n.Kind)+": "+n.Summary)
	}
	return all
}

func (h *history) noIncident() {
	h.t.Helper()
	if len(h.incidents) > 0 {
		h.t.Fatalf("a false alarm: %v", h.kinds())
	}
}

// occasions are those of all notifications, in their order.
func (h *history) occasions() string {
	var all []string
	for _, n := range h.told {
		all = append(all, string(n.Occasion))
	}
	return strings.Join(all, " ")
}

func (h *history) occasionsOf(kind aweigh.IncidentKind) string {
	var all []string
	for _, n := range h.told {
		if n.Incident != nil && n.Incident.Kind == kind {
			all = append(all, string(n.Occasion))
		}
	}
	return strings.Join(all, " ")
}

func (h *history) verdicts() string {
	var all []string
	for _, id := range h.order {
		s := h.starts[id]
		text := string(s.Verdict)
		if s.Run != nil {
			text += "/" + string(s.Run.End)
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

// story is all that a history came to, for a person.
func (h *history) story() string {
	var b strings.Builder
	for _, id := range h.order {
		s := h.starts[id]
		fmt.Fprintf(&b, "start of %s: %s", s.Service, s.Verdict)
		if s.TookMS != nil {
			fmt.Fprintf(&b, " after %d ms", *s.TookMS)
		}
		if s.InARow > 0 {
			fmt.Fprintf(&b, ", %d in a row", s.InARow)
		}
		fmt.Fprintf(&b, ": %s\n", s.Reason)
		if s.Run != nil {
			fmt.Fprintf(&b, "  served %d ms, %s: %s\n", s.Run.ServedMS, s.Run.End, s.Run.Reason)
		}
	}
	for _, n := range h.told {
		fmt.Fprintf(&b, "told %s: %s (%s)\n", n.Occasion, n.Title, n.Command)
		for _, fact := range n.Facts {
			fmt.Fprintf(&b, "  %s\n", fact)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(h.incidents)) {
		n := h.incidents[id]
		fmt.Fprintf(&b, "incident %s, %s, %d times, of %d starts: %s\n", n.Kind, n.Severity, n.Count, len(n.Starts), n.Headline)
		if !n.Open() {
			fmt.Fprintf(&b, "  resolved at %s: %s\n", n.Resolved.Format(time.TimeOnly), n.Resolution)
		}
	}
	text := b.String()
	for n, id := range h.order {
		text = strings.ReplaceAll(text, id, fmt.Sprint("#", n+1))
	}
	return text
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
