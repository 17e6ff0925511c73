package report

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/objective"
	"github.com/aweigh/aweigh/internal/store"
)

// A store with 100,000 starts of 200 services over two months, and a signal that
// is read each minute.
func BenchmarkReportOf100000Starts(b *testing.B) {
	st, err := store.Open(b.Context(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	const starts, readings = 100_000, 60 * 24 * 60
	begin := today.Add(-60 * 24 * time.Hour)
	batch := store.Batch{Facts: []aweigh.Fact{{Kind: aweigh.FactWatching, At: begin}}}
	flush := func() {
		if err := st.Commit(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
		batch = store.Batch{}
	}
	for n := range starts {
		at := begin.Add(time.Duration(n) * 51 * time.Second)
		took := int64(500 + n%1000)
		s := aweigh.Start{ID: aweigh.DerivedID(at, fmt.Sprint(n)), Service: fmt.Sprintf("web-%d", n%200), Project: "shop", Instance: fmt.Sprintf("%012d", n/3), Image: "web:1",
			Began: at, Verdict: aweigh.Ready, TookMS: &took, Reason: "tcp://172.17.0.2:80 accepted a connection", Probe: &aweigh.Probe{Target: "tcp://172.17.0.2:80"}}
		if n%50 == 0 {
			s.Verdict = aweigh.Crashed
		}
		batch.Changes = append(batch.Changes, core.Changes{Starts: []aweigh.Start{s}})
		if len(batch.Changes) == 5000 {
			flush()
		}
	}
	for n := range readings {
		batch.Facts = append(batch.Facts, aweigh.Fact{Kind: aweigh.FactSignal, At: begin.Add(time.Duration(n) * time.Minute),
			Reading: &aweigh.Reading{Name: "linkage", Service: "web-1", State: "ok", Values: map[string]float64{"linkage": 97, "total": 12}}})
	}
	flush()
	if err := st.Beat(b.Context(), today); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r, err := Make(b.Context(), Source{Store: st}, objective.Defaults(), Scope{From: today.Add(-30 * 24 * time.Hour), To: today})
		if err != nil {
			b.Fatal(err)
		}
		r.HTML(io.Discard)
	}
}
