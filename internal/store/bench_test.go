package store_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/store"
	"github.com/aweigh/aweigh/test/engine"
)

// BenchmarkFoldAndStore is what the watch loop does with a storm of crashes on
// a host of 500 services: facts are folded, and each batch of them is one
// transaction that is on the disk when Commit returns.
func BenchmarkFoldAndStore(b *testing.B) {
	for _, size := range []int{1, 16, 128, 512} {
		b.Run(fmt.Sprintf("batch-%d", size), func(b *testing.B) {
			st := open(b, b.TempDir())
			settings := core.Defaults()
			state := core.New("aws-1", func(string, map[string]string) core.Settings { return settings })
			storm := engine.Storm(500, noon)
			b.ReportAllocs()
			b.ResetTimer()
			facts := 0
			for b.Loop() {
				var batch store.Batch
				for range size {
					f := storm()
					c := state.Apply(f)
					batch.Facts, batch.Changes = append(batch.Facts, f), append(batch.Changes, c)
					for _, n := range c.Notifications {
						batch.Letters = append(batch.Letters, store.Letter{Route: "ops", Notification: n})
					}
					facts++
				}
				if err := st.Commit(context.Background(), batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(facts)/b.Elapsed().Seconds(), "facts/s")
		})
	}
}

// BenchmarkPending is what a route asks each time that it is woken.
func BenchmarkPending(b *testing.B) {
	st := open(b, b.TempDir())
	for n := range 2000 { // most of which were sent long ago
		commit(b, st, store.Batch{Letters: []store.Letter{letter(fmt.Sprint("n", n), "ops")}})
		if n < 1990 {
			st.Sent(context.Background(), []int64{int64(n + 1)})
		}
		if n == 100 && testing.Short() {
			break
		}
	}
	b.ResetTimer()
	for b.Loop() {
		if _, err := st.Pending(context.Background(), "ops", 0, 200); err != nil {
			b.Fatal(err)
		}
	}
}
