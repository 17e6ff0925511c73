package watch

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/notify"
	"github.com/aweigh/aweigh/internal/report"
	"github.com/aweigh/aweigh/internal/store"
)

// watchingSince is a watcher, with a route that wants the report, whose store
// knows that it began then.
func watchingSince(t *testing.T, at time.Time) *watcher {
	t.Helper()
	st, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	s := core.New("aws-1", func(string, map[string]string) core.Settings { return core.Defaults() })
	f := aweigh.Fact{Kind: aweigh.FactWatching, At: at.UTC()}
	if err := st.Commit(t.Context(), store.Batch{Facts: []aweigh.Fact{f}, Changes: []core.Changes{s.Apply(f)}}); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	deliver, err := notify.NewDeliverer(st, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	return &watcher{Config: Config{Host: "aws-1", Config: config.Default(), Log: log}, store: st, deliver: deliver}
}

// letters are those that wait after a report was to be sent.
func (w *watcher) letters(t *testing.T, now time.Time) []store.Posted {
	t.Helper()
	route := notify.Route{Name: "boss", Report: "daily"}
	due, before := report.Due(route.Report, now)
	if err := w.sendReport(t.Context(), route, due, before, now); err != nil {
		t.Fatal(err)
	}
	all, err := w.store.Letters(t.Context(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAReportComesOnceForEachTimeThatItIsDue(t *testing.T) {
	noon := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	w := watchingSince(t, noon.Add(-72*time.Hour))
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {time.Minute, 1}, {19 * time.Hour, 1}, {21 * time.Hour, 2}} {
		if got := w.letters(t, noon.Add(c.after)); len(got) != c.want {
			t.Fatalf("%s later: %d letters, want %d", c.after, len(got), c.want)
		}
	}
	n := w.letters(t, noon.Add(21*time.Hour))[0].Notification
	if n.Page == nil || !strings.HasPrefix(n.Title, "aws-1: daily report: ") || n.Occasion != aweigh.OnReport {
		t.Errorf("%+v", n)
	}
}

func TestNoReportIsMadeOfATimeBeforeThereWasAWatcher(t *testing.T) {
	noon := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	if got := watchingSince(t, noon.Add(-time.Hour)).letters(t, noon); len(got) != 0 {
		t.Errorf("%d letters", len(got))
	}
}
