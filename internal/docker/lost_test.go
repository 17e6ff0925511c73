package docker_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/test/engine"
)

// A watcher that was ended while the engine was away left it lost for ever: the
// next one found it well, and had nothing to tell.
func TestEngineThatAnEarlierRunHasLostIsRegained(t *testing.T) {
	e, err := engine.Listen(filepath.Join(t.TempDir(), "d.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	d, err := docker.Open(e.Host())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ctx, cancel := context.WithCancel(t.Context())
	facts := make(chan aweigh.Fact, 100)
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx, docker.Watcher{Lost: true, Tell: func(f aweigh.Fact) { facts <- f }}) })
	defer running.Wait()
	defer cancel()
	if f := next(t, facts); f.Kind != aweigh.FactRegained {
		t.Errorf("first came %s", f.Kind)
	}
}
