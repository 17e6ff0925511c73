package report

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/objective"
	"github.com/aweigh/aweigh/internal/store"
)

func (h *history) source() Source {
	return Source{Store: h.store, Journals: func() ([]objective.Journaled, error) { return h.journals, nil }}
}

// today is when the reports of these tests are made.
var today = time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)

// history folds facts into a store, as the watcher does.
type history struct {
	t     *testing.T
	store *store.Store
	state *core.State
	at    time.Time
	n     int

	journals []objective.Journaled
}

// watchedSince is the history of a watcher that began at a time.
func watchedSince(t *testing.T, begin time.Time) *history {
	t.Helper()
	st, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	h := &history{t: t, store: st, at: begin}
	h.state = core.New("aws-1", func(string, map[string]string) core.Settings { return core.Defaults() })
	h.add(aweigh.Fact{Kind: aweigh.FactWatching})
	return h
}

// add folds a fact that happens now, and what has become due before it.
func (h *history) add(f aweigh.Fact) {
	h.t.Helper()
	for next := h.state.Next(); !next.IsZero() && !next.After(h.at); next = h.state.Next() {
		h.fold(aweigh.Fact{Kind: aweigh.FactTick, At: next})
	}
	f.At = h.at
	if f.ID == "" && f.Instance != "" {
		h.n++
		f.ID = fmt.Sprintf("f%d", h.n)
	}
	h.fold(f)
}

func (h *history) fold(f aweigh.Fact) {
	h.t.Helper()
	c := h.state.Apply(f)
	b := store.Batch{Facts: []aweigh.Fact{f}, Changes: []core.Changes{c}}
	for _, n := range c.Notifications {
		b.Letters = append(b.Letters, store.Letter{Route: "ops", Notification: n})
	}
	if err := h.store.Commit(h.t.Context(), b); err != nil {
		h.t.Fatal(err)
	}
}

// deploy starts a new container that is ready after a while, or never for 0.
func (h *history) deploy(service, image string, ready time.Duration) (id string) {
	h.n++
	id = fmt.Sprintf("%012x%052d", h.n, 0)
	h.start(id, service, image)
	if ready > 0 {
		h.ready(id, ready)
	}
	return id
}

func (h *history) start(id, service, image string) {
	h.add(aweigh.Fact{Kind: aweigh.FactStarted, Instance: id, Container: &aweigh.Container{ID: id, Name: service, Engine: "docker", Service: service, Project: "shop",
		Image: image, ImageID: "sha256:" + image, Policy: "always", Status: "running", Started: h.at, Addr: "172.17.0.2", Published: []int{5003}}})
}

func (h *history) ready(id string, after time.Duration) {
	h.at = h.at.Add(after)
	h.add(aweigh.Fact{Kind: aweigh.FactAnswered, Instance: id, OK: true, Target: "tcp://172.17.0.2:5003"})
}

func (h *history) stop(id string) {
	h.add(aweigh.Fact{Kind: aweigh.FactSignalled, Instance: id, Signal: "SIGTERM"})
	h.at = h.at.Add(time.Second)
	h.add(aweigh.Fact{Kind: aweigh.FactDied, Instance: id, Exit: &aweigh.Exit{Code: 143, Signal: "SIGTERM"}})
}

func (h *history) crash(id, words string) {
	h.add(aweigh.Fact{Kind: aweigh.FactDied, Instance: id, Exit: &aweigh.Exit{Code: 1}, Reason: words, Lines: []string{words}})
}

func (h *history) pass(d time.Duration) { h.at = h.at.Add(d) }

// until goes on to a time, with the watcher there.
func (h *history) until(at time.Time) {
	h.at = at
	h.add(aweigh.Fact{Kind: aweigh.FactTick})
	if err := h.store.Beat(context.Background(), at); err != nil {
		h.t.Fatal(err)
	}
}

// shop is two months of a webhook that is deployed now and then: a good image, a
// crash loop that opened an incident, and an image that is slower.
func shop(t *testing.T) *history {
	h := watchedSince(t, today.Add(-70*24*time.Hour))
	h.deploy("db", "postgres:17", 2*time.Second)
	id := h.deploy("webhook", "webhook:1", 1200*time.Millisecond)
	for range 5 {
		h.pass(4 * 24 * time.Hour)
		h.stop(id)
		h.pass(2 * time.Second)
		id = h.deploy("webhook", "webhook:1", 1100*time.Millisecond)
	}
	h.until(today.Add(-20 * 24 * time.Hour))
	h.crash(id, "FATAL: no route to db:5432 \x1b[31m<script>alert(1)</script>")
	for range 6 {
		h.pass(time.Second)
		h.start(id, "webhook", "webhook:1")
		h.pass(900 * time.Millisecond)
		h.crash(id, "FATAL: no route to db:5432")
	}
	h.pass(2 * time.Second)
	h.start(id, "webhook", "webhook:1")
	h.ready(id, 1300*time.Millisecond)
	h.until(today.Add(-3 * 24 * time.Hour))
	h.stop(id)
	h.pass(2 * time.Second)
	h.deploy("webhook", "webhook:2", 4200*time.Millisecond)
	h.until(today.Add(-3 * time.Hour))
	h.deploy("mailer", "mailer:1", 0)
	h.until(today)
	return h
}
