package watch

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
)

// What waits for a disk that refuses is stored once it does not. Each fact left a copy of
// the state that it touched: hundreds of services that talk, and a disk that is full for a
// weekend, were gigabytes.
func TestWhatWaitsForTheDiskIsKeptOnce(t *testing.T) {
	w := watchingSince(t, time.Now().Add(-time.Hour))
	w.mail = newMailbag(w.store)
	w.state = core.New("aws-1", func(string, map[string]string) core.Settings { return core.Defaults() })
	l := &ledger{watcher: w, seen: map[string]uint64{}}
	at := time.Now().UTC()
	for n := range 100 {
		at = at.Add(time.Second)
		c := &aweigh.Container{ID: "4f1c", Name: "web", Service: "web", Status: "running", Policy: "always", Started: at}
		for _, f := range []aweigh.Fact{
			{Kind: aweigh.FactStarted, ID: fmt.Sprint("start/", n), Container: c},
			{Kind: aweigh.FactDied, ID: fmt.Sprint("die/", n), Container: c, Exit: &aweigh.Exit{Code: 1}},
		} {
			f.At, f.Instance = at, c.ID
			l.batch.Facts, l.batch.Changes = append(l.batch.Facts, f), append(l.batch.Changes, w.state.Apply(f))
		}
		l.complain(errors.New("no space left on device"))
	}
	if n := len(l.batch.Changes); n != 1 {
		t.Errorf("%d copies of what has changed wait", n)
	}
	if err := w.store.Commit(t.Context(), l.batch); err != nil {
		t.Fatal(err)
	}
	rows, err := w.store.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again, err := core.Load("aws-1", func(string, map[string]string) core.Settings { return core.Defaults() }, rows)
	if err != nil || again.Instances["4f1c"].Lives != 100 {
		t.Errorf("stored in the end: %+v, %v", again, err)
	}
	if n := len(l.batch.Changes[0].Starts); n != 100 {
		t.Errorf("%d starts of 100", n)
	}
}

// What a person says is folded before it is stored. Where the disk refused that, it was
// folded again each time that somebody changed the store.
func TestWhatPeopleSayIsHeardOnceHoweverLateItIsStored(t *testing.T) {
	w := watchingSince(t, time.Now().Add(-time.Hour))
	w.mail = newMailbag(w.store)
	w.state = core.New("aws-1", func(string, map[string]string) core.Settings { return core.Defaults() })
	w.metrics, w.changed = w.newMetrics(nil), func() {}
	now := time.Now().UTC()
	w.state.Apply(aweigh.Fact{Kind: aweigh.FactWatching, At: now, Since: now.Add(-time.Hour)})
	var id string
	for id = range w.state.Incidents {
	}
	l := &ledger{watcher: w, seen: map[string]uint64{}, clock: time.Now()}
	for _, text := range []string{"on it", "it was the disk"} {
		if err := w.store.Post(t.Context(), aweigh.Fact{Kind: aweigh.FactCommented, At: now, Incident: id, Reason: text, By: "ann"}); err != nil {
			t.Fatal(err)
		}
		l.readInbox(t.Context()) // and nothing is committed
	}
	if said := w.state.Incidents[id].Comments; len(said) != 2 || said[1].Text != "it was the disk" {
		t.Errorf("heard: %+v", said)
	}
	if err := l.commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ids, _, err := w.store.Inbox(t.Context()); err != nil || len(ids) != 0 {
		t.Errorf("%d are in the inbox yet, %v", len(ids), err)
	}
}

// Hosts that build and test run thousands of containers a day, each with an id of its own.
func TestNothingIsRememberedOfAContainerThatIsGone(t *testing.T) {
	w := watchingSince(t, time.Now().Add(-time.Hour))
	w.state = core.New("aws-1", func(string, map[string]string) core.Settings { return core.Defaults() })
	w.metrics, w.probers, w.evidence = w.newMetrics(nil), &probers{each: map[string]*prober{}}, &evidence{}
	l := &ledger{watcher: w, seen: map[string]uint64{}, clock: time.Now()}
	at := time.Now().UTC()
	for n := range 100 {
		c := &aweigh.Container{ID: fmt.Sprint("job-", n), Name: "job", Service: "job", Status: "exited", Started: at, Finished: at, Exit: &aweigh.Exit{}}
		l.fold(t.Context(), aweigh.Fact{Kind: aweigh.FactSeen, At: at, Instance: c.ID, Container: c})
		l.fold(t.Context(), aweigh.Fact{Kind: aweigh.FactRemoved, At: at, Instance: c.ID})
	}
	if n := len(l.seen); n > 2 {
		t.Errorf("%d rows are remembered, of one service", n)
	}
}
