package watch

import (
	"context"
	"fmt"
	"time"

	"github.com/aweigh/aweigh/internal/notify"
)

// pingEvery is how often the dead-man's-switch hears that the watcher lives.
const pingEvery = time.Minute

// ping tells the dead-man's-switch that the watcher lives: it is what notices
// when nobody is watching any more. It speaks only while facts are folded, so
// that a watcher which hangs is silent.
func (w *watcher) ping(ctx context.Context, url string) {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	failing := false
	for {
		pulse, note := notify.Alive, fmt.Sprintf("aweigh watch on %s", w.Host)
		if beat := time.Unix(0, w.beat.Load()); time.Since(beat) < 2*pingEvery {
			try, cancel := context.WithTimeout(ctx, 20*time.Second)
			err := notify.Ping(try, url, pulse, note)
			cancel()
			if err != nil && !failing && ctx.Err() == nil {
				w.Log.Warn(fmt.Sprintf("the dead-man's-switch cannot be reached: %v", err), "event", "warning")
			}
			failing = err != nil
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
