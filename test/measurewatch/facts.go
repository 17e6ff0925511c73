package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/store"
	"github.com/aweigh/aweigh/test/engine"
	"github.com/aweigh/aweigh/test/figures"
)

// facts is how many of a storm of crashes can be folded and brought to the
// disk, in the batches that the watcher makes while they come.
func (b *bench) facts() error {
	rounds, each := b.rounds(9, 3), 20*512
	var stored, folded, synced []float64
	for round := range rounds + 1 {
		dir := filepath.Join(b.dir, fmt.Sprint("facts-", round))
		full, fold, err := storm(dir, each)
		if err != nil {
			return err
		}
		sync, err := syncing(dir)
		if err != nil {
			return err
		}
		if round > 0 { // the first one warms up
			stored, folded, synced = append(stored, float64(each)/full.Seconds()), append(folded, float64(each)/fold.Seconds()), append(synced, figures.MS(sync))
		}
		os.RemoveAll(dir)
	}
	b.report.Add(figures.Table{Title: fmt.Sprintf("A storm of crashes on 500 services, in batches of 512 (medians of %d; %d facts each)", rounds, each), Columns: []string{"facts/s", "slowest", "fastest"},
		Rows: []figures.Row{
			{What: "folded", Figures: spread(folded)},
			{What: "folded, and stored durably (SQLite, WAL, synchronous=FULL)", Figures: spread(stored)}}})
	b.report.AtLeast(5000, "facts/s", figures.Median(stored), "facts folded and stored durably")
	b.report.Note("one fdatasync of 64 KiB takes %s ms here (median)", figures.Median(synced))
	return nil
}

// spread is a median, and what was slowest and fastest.
func spread(values []float64) []figures.Figure {
	return []figures.Figure{figures.Median(values), figures.Quantile(values, 0), figures.Quantile(values, 1)}
}

func storm(dir string, n int) (full, fold time.Duration, err error) {
	st, err := store.Open(context.Background(), dir)
	if err != nil {
		return 0, 0, err
	}
	defer st.Close()
	settings := core.Defaults()
	state := core.New("bench", func(string, map[string]string) core.Settings { return settings })
	next := engine.Storm(500, time.Now())
	began := time.Now()
	for range n / 512 {
		var batch store.Batch
		folding := time.Now()
		for range 512 {
			f := next()
			c := state.Apply(f)
			batch.Facts, batch.Changes = append(batch.Facts, f), append(batch.Changes, c)
			for _, n := range c.Notifications {
				batch.Letters = append(batch.Letters, store.Letter{Route: "ops", Notification: n})
			}
		}
		state.Next()
		fold += time.Since(folding)
		if err := st.Commit(context.Background(), batch); err != nil {
			return 0, 0, err
		}
	}
	return time.Since(began), fold, nil
}

// syncing is what the disk takes to confirm.
func syncing(dir string) (time.Duration, error) {
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	f.Write(make([]byte, 64<<10))
	began := time.Now()
	err = f.Sync()
	return time.Since(began), err
}
