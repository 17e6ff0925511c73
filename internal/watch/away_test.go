package watch

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/store"
	"github.com/aweigh/aweigh/test/engine"
)

// watchUntil runs a watcher over an engine until its store is as wanted.
func watchUntil(t *testing.T, state string, e *engine.Engine, what string, wanted func(instances map[string][]byte) bool) {
	t.Helper()
	d, err := docker.Open(e.Host())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, Config{Host: "aws-1", State: state, Engine: d, Config: config.Default(), Log: slog.New(slog.DiscardHandler)})
	}()
	defer func() {
		cancel()
		if err := <-ended; err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	}()
	for late := time.Now().Add(20 * time.Second); time.Now().Before(late); time.Sleep(20 * time.Millisecond) { // the watcher tells nobody of an inspection
		st, err := store.OpenToRead(t.Context(), state)
		if err != nil {
			continue
		}
		instances, err := st.StateOf(t.Context(), "instance")
		st.Close()
		if err == nil && wanted(instances) {
			return
		}
	}
	t.Fatalf("not within 20 s: %s", what)
}

func playEngine(t *testing.T) *engine.Engine {
	t.Helper()
	e, err := engine.Listen(filepath.Join(t.TempDir(), "d.sock"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// The engine remembers 256 events, which are some minutes where there are health
// checks. A container that was removed while the watcher was away was probed for ever
// after, and told as one that does not answer.
func TestAContainerThatWasRemovedUnseenIsForgotten(t *testing.T) {
	state := t.TempDir()
	before := playEngine(t)
	if err := before.Add(engine.Spec{Name: "web"}).Start(); err != nil {
		t.Fatal(err)
	}
	watchUntil(t, state, before, "web is known", func(all map[string][]byte) bool { return len(all) == 1 })
	after := playEngine(t) // knows nothing of it any more, its events neither
	watchUntil(t, state, after, "web is forgotten", func(all map[string][]byte) bool { return len(all) == 0 })
}
