package store

import (
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

// On a host where nothing happens the newest fact may be hours old although the
// watcher never was away.
func TestTheLastBeatIsWhatCameLast(t *testing.T) {
	ctx := t.Context()
	st, err := Open(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	at := time.Date(2026, 11, 23, 3, 12, 0, 0, time.UTC)
	want := func(want time.Time) {
		t.Helper()
		if got, err := st.LastBeat(ctx); err != nil || !got.Equal(want) {
			t.Errorf("LastBeat() = %v, %v, want %v", got, err, want)
		}
	}
	want(time.Time{})
	if err := st.Commit(ctx, Batch{Facts: []aweigh.Fact{{Kind: aweigh.FactWatching, At: at}}}); err != nil {
		t.Fatal(err)
	}
	want(at)
	for _, later := range []time.Time{at.Add(time.Hour), at.Add(2 * time.Hour)} {
		if err := st.Beat(ctx, later); err != nil {
			t.Fatal(err)
		}
		want(later)
	}
}
