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
