package watch

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
)

// The engine may not have told a container's address when its life began, as where it was
// restarted at that moment, and a network may be connected later or anew. Such a life was
// never asked, or at an address that was none any more, and told as one that does not serve.
func TestAnInstanceIsAskedAtTheAddressThatItHasNow(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	facts := make(chan aweigh.Fact, 100)
	p := &probers{each: map[string]*prober{}, warn: func(string) {}, lines: func(string) []string { return nil },
		cause: func(context.Context, string) *aweigh.Cause { return nil },
		tell:  func(f aweigh.Fact) { facts <- f },
		count: func(*core.Instance) func(bool, bool, time.Duration) { return func(bool, bool, time.Duration) {} }}
	ctx, cancel := context.WithCancel(t.Context())
	defer p.running.Wait()
	defer cancel()
	i := &core.Instance{ID: "4f1c", Settings: core.Defaults(), Life: &core.Life{Alive: true, Start: aweigh.Start{ID: "01"}},
		Container: aweigh.Container{Engine: "docker", Published: []int{l.Addr().(*net.TCPAddr).Port}}}
	p.keepUp(ctx, i)
	i.Container.Addr = "127.0.0.1"
	p.keepUp(ctx, i)
	select {
	case f := <-facts:
		if f.Kind != aweigh.FactAnswered || !f.OK {
			t.Errorf("told: %+v", f)
		}
	case <-time.After(5 * time.Second):
		t.Error("it is not asked")
	}
}
