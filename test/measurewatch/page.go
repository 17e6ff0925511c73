package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/store"
	"github.com/aweigh/aweigh/test/engine"
	"github.com/aweigh/aweigh/test/figures"
)

// pageServices is how many services the first page is measured with.
const pageServices = 200

// page is how long the pages of a busy host take, and how large they are, as a
// browser asks for them.
func (b *bench) page() error {
	state := filepath.Join(b.dir, "pages")
	one, err := fillPages(state)
	if err != nil {
		return err
	}
	listen, err := freeAddress()
	if err != nil {
		return err
	}
	// An engine that answers would say that it has none of these containers.
	w, err := b.watch("unix://"+filepath.Join(b.dir, "none.sock"), state, "", "--listen", listen)
	if err != nil {
		return err
	}
	defer w.stop()
	table := figures.Table{Title: fmt.Sprintf("Pages with %d services and %d starts in the store (medians of %d)", pageServices, storedStarts, b.rounds(40, 10)),
		Columns: []string{"ms", "fastest", "slowest", "KiB sent", "KiB of HTML"}}
	for _, p := range []struct{ what, path string }{
		{"overview", "/"}, {"a service", "/services/" + one.Service}, {"a start", "/starts/" + one.ID}, {"incidents", "/incidents"}, {"status page", "/status"},
		{"/api/v1/status", "/api/v1/status"},
	} {
		took, sent, all, err := askPage("http://"+listen+p.path, b.rounds(40, 10))
		if err != nil {
			return err
		}
		table.Rows = append(table.Rows, figures.Row{What: p.what, Figures: append(spread(took), figures.Figure(float64(sent)/1024), figures.Figure(float64(all)/1024))})
		if p.path == "/" {
			b.report.AtMost(100, "ms", figures.Median(took), "first page")
			b.report.AtMost(100, "KiB", figures.Figure(float64(sent)/1024), "it as it is sent (gzip)")
			b.report.AtMost(100, "KiB", figures.Figure(float64(all)/1024), "it unpacked")
		}
	}
	b.report.Add(table)
	return nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// askPage asks several times; sent is as a browser gets it, all is unpacked.
func askPage(url string, rounds int) (took []float64, sent, all int, err error) {
	for round := range rounds + 1 {
		for _, packed := range []bool{true, false} {
			r, err := http.NewRequest("GET", url, nil)
			if err != nil {
				return nil, 0, 0, err
			}
			r.Header.Set("Accept-Encoding", map[bool]string{true: "gzip", false: "identity"}[packed])
			began := time.Now()
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				return nil, 0, 0, err
			}
			body, err := io.ReadAll(answer.Body)
			answer.Body.Close()
			if err != nil || answer.StatusCode != http.StatusOK {
				return nil, 0, 0, fmt.Errorf("%s: %s: %.200s %w", url, answer.Status, body, err)
			}
			switch {
			case !packed:
				all = len(body)
			case round > 0: // the first one warms up
				took, sent = append(took, figures.MS(time.Since(began))), len(body)
			}
		}
	}
	return took, sent, all, nil
}

// fillPages makes a store of services that are watched still, and returns one of
// their starts.
func fillPages(dir string) (aweigh.Start, error) {
	ctx := context.Background()
	st, err := store.Open(ctx, dir)
	if err != nil {
		return aweigh.Start{}, err
	}
	defer st.Close()
	settings := core.Defaults()
	began := time.Now().Add(-time.Duration(3*storedStarts) * 5 * time.Millisecond)
	state := core.New(hostName, func(string, map[string]string) core.Settings { return settings })
	next := engine.Storm(pageServices, began)
	starts := map[string]bool{}
	for len(starts) < storedStarts {
		var batch store.Batch
		for range 3000 {
			f := next()
			c := state.Apply(f)
			for _, s := range c.Starts {
				starts[s.ID] = true
			}
			batch.Facts, batch.Changes = append(batch.Facts, f), append(batch.Changes, c)
		}
		if err := st.Commit(ctx, batch); err != nil {
			return aweigh.Start{}, err
		}
	}
	some, err := st.Starts(ctx, store.StartQuery{Limit: 1})
	if err != nil || len(some) == 0 {
		return aweigh.Start{}, fmt.Errorf("no start was stored: %w", err)
	}
	return some[0], nil
}
