package engine_test

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/test/engine"
)

// facts are what package docker makes of the engine.
type facts struct {
	mu   sync.Mutex
	all  []aweigh.Fact
	more chan struct{}
}

func (f *facts) tell(fact aweigh.Fact) {
	f.mu.Lock()
	f.all = append(f.all, fact)
	f.mu.Unlock()
	select {
	case f.more <- struct{}{}:
	default:
	}
}

func (f *facts) await(t *testing.T, kind aweigh.FactKind) aweigh.Fact {
	t.Helper()
	late := time.After(10 * time.Second)
	for {
		f.mu.Lock()
		n := slices.IndexFunc(f.all, func(f aweigh.Fact) bool { return f.Kind == kind })
		var found aweigh.Fact
		if n >= 0 {
			found = f.all[n]
			f.all = f.all[n+1:]
		}
		f.mu.Unlock()
		if n >= 0 {
			return found
		}
		select {
		case <-f.more:
		case <-late:
			t.Fatalf("no fact %q came within 10 s", kind)
		}
	}
}

// The engine is only worth something as long as our own client takes it for
// the real one.
func TestTheDockerPackageTakesItForAnEngine(t *testing.T) {
	e, err := engine.Listen(filepath.Join(t.TempDir(), "d.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	web := e.Add(engine.Spec{Name: "web", Project: "shop", Policy: "always"})
	if err := web.Start(); err != nil {
		t.Fatal(err)
	}
	d, err := docker.Open(e.Host())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ctx, cancel := context.WithCancel(t.Context())
	f := &facts{more: make(chan struct{}, 1)}
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx, docker.Watcher{Tell: f.tell}) })
	defer running.Wait()
	defer cancel()

	seen := f.await(t, aweigh.FactSeen).Container
	if seen.Service != "web" || seen.Project != "shop" || seen.Addr != web.Addr || !slices.Equal(seen.Published, []int{web.Port()}) {
		t.Errorf("seen as %+v", seen)
	}
	web.Print(true, "boom\n")
	logs, err := d.Logs(ctx, web.ID, docker.Span{Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	at := web.Die(3)
	died := f.await(t, aweigh.FactDied)
	if died.Exit.Code != 3 || !died.At.Equal(at) {
		t.Errorf("died %+v at %s, and it was at %s", died.Exit, died.At, at)
	}
	var said string
	if err := docker.Frames(logs, true, func(stderr bool, b []byte) { said += string(b) }); err != nil || said != "boom\n" {
		t.Errorf("its log is %q, %v", said, err)
	}
	if err := web.Start(); err != nil {
		t.Fatal(err)
	}
	if c := f.await(t, aweigh.FactStarted).Container; c.RestartCount != 1 {
		t.Errorf("%d restarts", c.RestartCount)
	}
	if err := d.Stop(ctx, web.ID); err != nil {
		t.Fatal(err)
	}
	if f.await(t, aweigh.FactSignalled).Signal != "SIGTERM" || f.await(t, aweigh.FactDied).Exit.Code != 143 {
		t.Error("a stop is SIGTERM and exit 143")
	}
	f.await(t, aweigh.FactStopped)
	web.Remove()
	f.await(t, aweigh.FactRemoved)
}
