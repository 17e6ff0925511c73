package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/store"
)

// What the watcher's own pages post is not a change by another connection: it
// lay in the inbox until somebody else wrote.
func TestVersionChangesWithWhatIsPostedByOneself(t *testing.T) {
	st := open(t, t.TempDir())
	before, err := st.Version(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Post(t.Context(), aweigh.Fact{Kind: aweigh.FactResolved}); err != nil {
		t.Fatal(err)
	}
	if after, err := st.Version(t.Context()); err != nil || after == before {
		t.Errorf("it was %d and is %d: %v", before, after, err)
	}
}

func TestBarsAndTheLastGoodStartAreOfOneProject(t *testing.T) {
	st := open(t, t.TempDir())
	began := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	var all []aweigh.Start
	for n, verdict := range []aweigh.Verdict{aweigh.Ready, aweigh.Ready, aweigh.Crashed, ""} {
		for _, project := range []string{"shop", ""} {
			at := began.Add(time.Duration(n) * time.Minute)
			s := aweigh.Start{ID: aweigh.DerivedID(at, fmt.Sprint(project, n)), Service: "web", Project: project, Began: at, Verdict: verdict}
			if took := int64(n) * 100; verdict != "" {
				s.TookMS = &took
			}
			all = append(all, s)
		}
	}
	if err := st.Commit(t.Context(), store.Batch{Changes: []core.Changes{{Starts: all}}}); err != nil {
		t.Fatal(err)
	}
	bars, err := st.BarsOf(t.Context(), "shop", "web", 3)
	if err != nil || len(bars) != 3 {
		t.Fatalf("%+v %v", bars, err)
	}
	want := []store.Bar{{all[2].ID, aweigh.Ready, 100 * time.Millisecond, false}, {all[4].ID, aweigh.Crashed, 200 * time.Millisecond, true}, {all[6].ID, "", -time.Millisecond, false}}
	for i := range want {
		if bars[i] != want[i] {
			t.Errorf("bar %d is %+v, want %+v", i, bars[i], want[i])
		}
	}
	if good, err := st.LastGood(t.Context(), all[4]); err != nil || good.ID != all[2].ID {
		t.Errorf("the last good one is %s: %v", good.ID, err)
	}
	if _, err := st.LastGood(t.Context(), all[0]); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	if first, err := st.FirstStart(t.Context(), "", "web"); err != nil || !first.Equal(began) {
		t.Errorf("the first was at %s: %v", first, err)
	}
}
