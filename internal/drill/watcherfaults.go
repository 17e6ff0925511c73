package drill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/moby/moby/client"
)

// watcherDrills are about those who should see it, and those who should tell.
var watcherDrills = []Drill{
	{Name: "watcher-down", Injects: "it crashes while no watcher runs, which comes back then", Inject: unwatched,
		OwnWatcher: true, Causes: []string{"crash-signal"}},
	{Name: "mail-server-down", Injects: "it crashes while the mail server refuses connections, which comes back then", Inject: unmailed,
		OwnWatcher: true, Route: mailRoute, arrived: func(st *stage) (time.Time, bool) { return st.mail.first() }, Causes: []string{"crash-signal"}},
}

// mailRoute is the route of a drill that has a mail server of its own.
const mailRoute = "mail"

func unwatched(ctx context.Context, st *stage) error {
	if _, err := st.ready(ctx, st.before("later", "crash")); err != nil {
		return err
	}
	before, err := st.engine.ContainerInspect(ctx, st.copy, client.ContainerInspectOptions{})
	if err != nil {
		return err
	}
	st.observer.own.end()
	st.injected = time.Now()
	if err := st.trigger(ctx); err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := poll(within, func() (bool, error) {
		now, err := st.engine.ContainerInspect(within, st.copy, client.ContainerInspectOptions{})
		return err == nil && (now.Container.State.Pid != before.Container.State.Pid || !now.Container.State.Running), err
	}); err != nil {
		return fmt.Errorf("it did not crash: %w", err)
	}
	return st.observer.own.begin(ctx)
}

// unmailed lets the server come back once a letter was refused: before that
// nothing would be proven.
func unmailed(ctx context.Context, st *stage) error {
	if _, err := st.ready(ctx, st.before("later", "crash")); err != nil {
		return err
	}
	st.mail.down()
	st.injected = time.Now()
	if err := st.trigger(ctx); err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, st.within+patience)
	defer cancel()
	err := poll(within, func() (bool, error) {
		if all, err := st.observer.incidents(within); err == nil && len(all) > 0 && st.seen.IsZero() {
			st.seen = time.Now()
		}
		n, err := st.observer.tries(within)
		return n > 0, err
	})
	if errors.Is(err, errTime) && ctx.Err() == nil {
		return failed{"no delivery was tried while the mail server was down"}
	}
	if err != nil {
		return err
	}
	return st.mail.up()
}
