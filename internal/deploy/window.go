package deploy

import (
	"context"
	"sync"
	"time"

	"github.com/aweigh/aweigh"
)

// A window is renewed while a step is under way, and is short: when the
// deployment dies, the watcher tells of what it left soon after.
const (
	windowLength = 3 * time.Minute
	windowRenew  = time.Minute
)

// mute keeps the watcher from telling of what the deployment causes, until stop
// is called or shortly after.
func (r *run) mute(ctx context.Context, s *Stage) (stop func()) {
	if r.Mute == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	renew := func() { r.window(ctx, s.Services, time.Now().Add(windowLength)) }
	renew()
	running.Go(func() {
		tick := time.NewTicker(windowRenew)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				renew()
			}
		}
	})
	return func() {
		cancel()
		running.Wait()
	}
}

func (r *run) window(ctx context.Context, services []string, until time.Time) {
	for _, service := range services {
		if r.muted[service] == "" {
			r.muted[service] = aweigh.NewID(time.Now())
		}
		r.Mute(ctx, r.muted[service], service, until)
	}
}

// unmute ends the windows: what is still open is told then.
func (r *run) unmute(ctx context.Context) {
	for service, id := range r.muted {
		r.Mute(ctx, id, service, time.Time{})
	}
}
