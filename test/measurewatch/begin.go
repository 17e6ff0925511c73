package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/store"
	"github.com/aweigh/aweigh/test/engine"
	"github.com/aweigh/aweigh/test/figures"
)

// storedStarts is how many a host has after a busy year.
const storedStarts = 100_000

// pace is from one fact to the next: each service crashes once a minute, and
// not so often that all that is stored is its crashes.
const pace = 40 * time.Millisecond

// begin is the time from the start of `aweigh watch` to its line "watching".
func (b *bench) begin() error {
	full, empty := filepath.Join(b.dir, "full"), filepath.Join(b.dir, "empty")
	if err := fill(full); err != nil {
		return err
	}
	e, err := engine.Listen(filepath.Join(b.dir, "begin.sock"))
	if err != nil {
		return err
	}
	defer e.Close()
	rounds := b.rounds(15, 5)
	took := map[string][]float64{}
	for round := range rounds + 1 {
		for _, state := range []string{full, empty} {
			w, err := b.watch(e.Host(), state, "")
			if err != nil {
				return err
			}
			w.stop()
			if round > 0 {
				took[state] = append(took[state], figures.MS(w.took))
			}
		}
	}
	b.report.Add(figures.Table{Title: fmt.Sprintf("From the start of aweigh watch to `watching` (medians of %d, by turns)", rounds), Columns: []string{"ms", "fastest", "slowest"},
		Rows: []figures.Row{
			{What: "with an empty store", Figures: spread(took[empty])},
			{What: fmt.Sprintf("with %d starts, %d facts and 500 services in it", storedStarts, 3*storedStarts), Figures: spread(took[full])}}})
	return nil
}

// fill makes a store with many starts.
func fill(dir string) error {
	ctx := context.Background()
	st, err := store.Open(ctx, dir)
	if err != nil {
		return err
	}
	defer st.Close()
	settings := core.Defaults()
	began := time.Now().Add(-3 * storedStarts * pace)
	state := core.New(hostName, func(string, map[string]string) core.Settings { return settings })
	next, n := engine.Storm(500, began), 0
	starts := map[string]bool{}
	for len(starts) < storedStarts {
		var batch store.Batch
		for range 3000 {
			f := next()
			f.At = began.Add(time.Duration(n) * pace)
			n++
			c := state.Apply(f)
			for _, s := range c.Starts {
				starts[s.ID] = true
			}
			batch.Facts, batch.Changes = append(batch.Facts, f), append(batch.Changes, c)
		}
		if err := st.Commit(ctx, batch); err != nil {
			return err
		}
	}
	// They are gone before the watcher begins: nothing is left open of them.
	var batch store.Batch
	for k := range 500 {
		f := aweigh.Fact{Kind: aweigh.FactRemoved, At: time.Now(), Instance: fmt.Sprintf("%064x", k)}
		batch.Facts, batch.Changes = append(batch.Facts, f), append(batch.Changes, state.Apply(f))
	}
	return st.Commit(ctx, batch)
}

const hostName = "bench"
