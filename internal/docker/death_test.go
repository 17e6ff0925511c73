package docker_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/test/engine"
)

// follow plays an engine with one container that runs, and tells what is told.
func follow(t *testing.T, s engine.Spec) (*engine.Container, <-chan aweigh.Fact) {
	e, err := engine.Listen(filepath.Join(t.TempDir(), "d.sock"))
	if err != nil {
		t.Fatal(err)
	}
	c := e.Add(s)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	d, err := docker.Open(e.Host())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	facts := make(chan aweigh.Fact, 100)
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx, docker.Watcher{Tell: func(f aweigh.Fact) { facts <- f }}) })
	t.Cleanup(func() { cancel(); running.Wait(); d.Close(); e.Close() })
	if f := next(t, facts); f.Kind != aweigh.FactSeen {
		t.Fatalf("first came %s", f.Kind)
	}
	return c, facts
}

func next(t *testing.T, facts <-chan aweigh.Fact) aweigh.Fact {
	t.Helper()
	select {
	case f := <-facts:
		return f
	case <-time.After(10 * time.Second):
		t.Fatal("no fact came within 10 s")
		return aweigh.Fact{}
	}
}

// The engine lets nobody inspect a container while it tidies up after its
// death. A person who is to be told cannot wait for that.
func TestADeathIsToldBeforeTheEngineHasTidiedUp(t *testing.T) {
	c, facts := follow(t, engine.Spec{Name: "web"})
	release := c.Hold()
	at := c.Die(3)
	died := next(t, facts)
	if died.Kind != aweigh.FactDied || !died.At.Equal(at) || died.Exit.Code != 3 || died.Exit.OOM || died.Container.Service != "web" {
		t.Errorf("came %s %+v", died.Kind, died)
	}
	release()
	if f := next(t, facts); f.Kind != aweigh.FactSeen || f.Container.Status != "exited" || f.Container.Exit.Code != 3 {
		t.Errorf("what it left behind: %s %+v", f.Kind, f.Container)
	}
}

// Exit status 137 is the kernel's doing or a person's: that is worth waiting for.
func TestADeathByKillIsToldWithItsReason(t *testing.T) {
	c, facts := follow(t, engine.Spec{Name: "web"})
	release := c.Hold()
	c.OOM()
	if f := next(t, facts); f.Kind != aweigh.FactOOM {
		t.Fatalf("came %s", f.Kind)
	}
	select {
	case f := <-facts:
		t.Fatalf("%s came although nobody knows yet who killed it: %+v", f.Kind, f.Exit)
	case <-time.After(50 * time.Millisecond):
	}
	release()
	if f := next(t, facts); f.Kind != aweigh.FactDied || !f.Exit.OOM || f.Exit.Code != 137 {
		t.Errorf("came %s %+v", f.Kind, f.Exit)
	}
}

// An engine that starts it again at once must not have the next life taken for
// what the death has left behind.
func TestTheLifeAfterADeathTellsOfItself(t *testing.T) {
	c, facts := follow(t, engine.Spec{Name: "web", Policy: "always"})
	release := c.Hold()
	c.Die(1)
	if f := next(t, facts); f.Kind != aweigh.FactDied {
		t.Fatalf("came %s", f.Kind)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	release()
	if f := next(t, facts); f.Kind != aweigh.FactStarted || f.Container.RestartCount != 1 {
		t.Errorf("came %s %+v", f.Kind, f.Container)
	}
}

// A container may have lived and died again before its first death is looked after,
// as after a watcher was away: what that finds is of the last life, and waits for the
// events that come before it.
func TestWhatADeathHasLeftIsNotToldAheadOfLaterLives(t *testing.T) {
	c, facts := follow(t, engine.Spec{Name: "web"})
	release := c.Hold()
	c.Die(1)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	last := c.Die(2)
	if f := next(t, facts); f.Kind != aweigh.FactDied {
		t.Fatalf("came %s", f.Kind)
	}
	release()
	for _, want := range []aweigh.FactKind{aweigh.FactStarted, aweigh.FactDied} {
		if f := next(t, facts); f.Kind != want {
			t.Fatalf("came %s %+v, want %s", f.Kind, f.Container, want)
		}
	}
	if f := next(t, facts); f.Kind != aweigh.FactSeen || f.Container.Exit.Code != 2 || f.At.After(last) {
		t.Errorf("what it left behind: %s %+v", f.Kind, f.Container)
	}
}

// Podman's event of a health check does not say how that went: all of them were told
// as failures.
func TestAHealthCheckOfWhichTheEventSaysNothingIsLookedAt(t *testing.T) {
	c, facts := follow(t, engine.Spec{Name: "web", Health: []string{"CMD", "true"}})
	c.CheckHealth("starting")
	c.CheckHealth("healthy")
	f := next(t, facts)
	if f.Kind != aweigh.FactHealth || !f.OK {
		t.Fatalf("came %s, %t", f.Kind, f.OK)
	}
	c.CheckHealth("unhealthy")
	if f := next(t, facts); f.Kind != aweigh.FactHealth || f.OK {
		t.Fatalf("came %s, %t", f.Kind, f.OK)
	}
	c.CheckHealth("unhealthy")
	c.Die(3)
	if f := next(t, facts); f.Kind != aweigh.FactDied {
		t.Errorf("came %s: what has not changed is no news", f.Kind)
	}
}

// What the minute's inspection of a container found is told a moment later. One that was
// removed meanwhile came back with it, as running, and nothing ever said that it was gone:
// it was probed, and told as one that does not answer, until the watcher was restarted.
func TestAContainerThatIsRemovedRightAfterItsInspectionStaysRemoved(t *testing.T) {
	e, err := engine.Listen(filepath.Join(t.TempDir(), "d.sock"))
	if err != nil {
		t.Fatal(err)
	}
	c := e.Add(engine.Spec{Name: "web"})
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	d, err := docker.Open(e.Host())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	facts := make(chan aweigh.Fact, 100)
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx, docker.Watcher{Lost: true, Tell: func(f aweigh.Fact) { facts <- f }}) })
	t.Cleanup(func() { cancel(); running.Wait(); d.Close(); e.Close() })
	for late := time.Now().Add(10 * time.Second); d.Known(c.ID) == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatal("it was not inspected within 10 s")
		}
	}
	c.Remove()
	removed := false
	for f := next(t, facts); f.Kind != aweigh.FactRegained; f = next(t, facts) { // which all inspections come before
		removed = removed || f.Kind == aweigh.FactRemoved
		if removed && f.Kind == aweigh.FactSeen {
			t.Errorf("after its removal it was told as %s", f.Container.Status)
		}
	}
	if !removed {
		t.Error("its removal was not told")
	}
}
