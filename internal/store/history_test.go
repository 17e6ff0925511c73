package store

import (
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

func TestHistoryIsReadByKindAndMoment(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if first, err := s.FirstFact(t.Context()); err != nil || !first.IsZero() {
		t.Errorf("an empty store: %v, %v", first, err)
	}
	at := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	b := Batch{Facts: []aweigh.Fact{{Kind: aweigh.FactWatching, At: at}}}
	for n, name := range []string{"linkage", "queue", "linkage"} {
		b.Facts = append(b.Facts, aweigh.Fact{Kind: aweigh.FactSignal, At: at.Add(time.Duration(n) * time.Minute), Reading: &aweigh.Reading{Name: name}})
	}
	b.Letters = []Letter{
		{Route: "ops", Notification: aweigh.Notification{ID: "A", Page: &aweigh.Page{Text: "long"}}},
		{Route: "ops", Notification: aweigh.Notification{ID: "B"}},
	}
	if err := s.Commit(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if first, err := s.FirstFact(t.Context()); err != nil || !first.Equal(at) {
		t.Errorf("first %v, %v", first, err)
	}
	if all, err := s.FactsOf(t.Context(), at.Add(time.Second), aweigh.FactSignal, aweigh.FactWatching); err != nil || len(all) != 2 {
		t.Errorf("%d facts, %v", len(all), err)
	}
	if all, err := s.Readings(t.Context(), "linkage", at, 1); err != nil || len(all) != 1 || !all[0].At.Equal(at) {
		t.Errorf("%+v, %v", all, err)
	}
	waiting, err := s.Pending(t.Context(), "ops", 0, 10)
	if err != nil || len(waiting) != 2 {
		t.Fatal(waiting, err)
	}
	if err := s.Sent(t.Context(), []int64{waiting[0].ID}); err != nil {
		t.Fatal(err)
	}
	if taken, err := s.Taken(t.Context(), at); err != nil || len(taken) != 1 || taken[0].Notification.ID != "A" || taken[0].Notification.Page != nil || taken[0].Ended == nil {
		t.Errorf("%+v, %v", taken, err)
	}
	if depth, err := s.Depth(t.Context()); err != nil || depth[[2]string{"ops", "sent"}] != 1 || depth[[2]string{"ops", "pending"}] != 1 {
		t.Errorf("%v, %v", depth, err)
	}
	for id, want := range map[string]bool{"A": true, "C": false} {
		if there, err := s.HasLetter(t.Context(), "ops", id); err != nil || there != want {
			t.Errorf("letter %s: %v, %v", id, there, err)
		}
	}
}
