package watch

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/diagnose"
	"github.com/aweigh/aweigh/internal/gather"
)

// liveWithin bounds a look at a container that runs and does not serve. What
// waits for it is a message that has waited for minutes already.
const liveWithin = 300 * time.Millisecond

// oomBefore is how long before an end the kernel may have killed what ended with
// it.
const oomBefore = 10 * time.Second

// ranOut keeps when the kernel killed a process of an instance. The inspection
// at its death does not know that any more where the next life has begun.
func (e *evidence) ranOut(id string, at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.oom[id] = at
}

// exitOf is how an instance ended, by all that was heard.
func (e *evidence) exitOf(f aweigh.Fact) *aweigh.Exit {
	e.mu.Lock()
	defer e.mu.Unlock()
	at, ok := e.oom[f.Instance]
	if since := f.At.Sub(at); f.Exit == nil || f.Exit.Code != 137 || !ok || since < 0 || since > oomBefore {
		return f.Exit
	}
	exit := *f.Exit
	exit.OOM = true
	return &exit
}

// causeOfEnd judges an end by what is in memory: a message waits for it.
func (e *evidence) causeOfEnd(f aweigh.Fact) *aweigh.Cause {
	end := gather.End{Exit: e.exitOf(f)}
	var said *aweigh.Cause // by the aweigh-init inside
	if known := e.engine.Known(f.Instance); known != nil {
		end.Inspect = &known.Inspect
	}
	if c := f.Container; c != nil {
		end.Port, end.Supervised = expectedPort(c), c.Supervised
		if end.Error = c.Error; f.Exit == nil && c.Error == "" {
			end.Exit = c.Exit
		}
	}
	if t := e.tapeAt(f.Instance, f.At); t != nil {
		end.Output, end.Ran = t.text(), f.At.Sub(t.began)
		said = t.named()
	}
	evidence := end.Evidence()
	causes := diagnose.Diagnose(evidence)
	if end.Exit == nil && end.Inspect != nil && causes[0].ID == "port-in-use" {
		causes = diagnose.Weigh(causes, evidence, diagnose.Live{Holders: e.holders(end.Inspect)})
	}
	best := diagnose.Best(causes)
	if said != nil && (best == nil || said.Confidence > best.Confidence) {
		return said
	}
	return best
}

// holdersWithin bounds the search for who has a port: some milliseconds on a
// machine that is well.
const holdersWithin = 100 * time.Millisecond

func (e *evidence) holders(in *diagnose.Inspect) []diagnose.Holder {
	ctx, cancel := context.WithTimeout(context.Background(), holdersWithin)
	defer cancel()
	found, _ := gather.Holders(ctx, e.engine, in) // as far as it may be read
	return found
}

// expectedPort is the port that a container should serve, as far as it says.
func expectedPort(c *aweigh.Container) int {
	for _, ports := range [][]int{c.Published, c.Exposed} {
		if len(ports) > 0 {
			return ports[0]
		}
	}
	return 0
}

// lookAtMost is how long a look may take that the kernel holds up: who reads of a process
// that hangs may come to hang with it.
const lookAtMost = 3 * time.Second

// causeOfLife looks at a container that runs and does not serve: for liveWithin as far
// as it can be hurried, and for lookAtMost at all. It must not be called by the fold.
func (e *evidence) causeOfLife(ctx context.Context, id string) *aweigh.Cause {
	t := e.tapeAt(id, time.Now())
	if t == nil || e.engine == nil {
		return nil
	}
	e.mu.Lock()
	stuck := e.stuck[id]
	e.mu.Unlock()
	if stuck {
		return nil // an earlier look hangs yet
	}
	found := make(chan *aweigh.Cause, 1)
	go func() { found <- e.lookAt(ctx, id, t) }()
	select {
	case cause := <-found:
		return cause
	case <-time.After(lookAtMost):
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stuck[id] = true
	go func() { // which nobody can wait for
		<-found
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.stuck, id)
	}()
	return nil
}

func (e *evidence) lookAt(ctx context.Context, id string, t *tape) *aweigh.Cause {
	ctx, cancel := context.WithTimeout(ctx, liveWithin)
	defer cancel()
	found, err := e.look(ctx, e.engine, id, gather.Options{})
	if err != nil {
		return nil
	}
	found.Evidence.Output = gather.WithoutOurs(t.text(), found.Inspection.Container.Supervised)
	if data, err := json.MarshalIndent(found.Evidence.Runtime, "", " "); err == nil {
		t.recorder().File("runtime.json", append(data, '\n'))
	}
	return diagnose.Best(found.Causes())
}

// tapeAt is the tape of the life that an instance lived at a moment; nil for
// none.
func (e *evidence) tapeAt(id string, at time.Time) (found *tape) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, t := range e.tapes[id] {
		if !t.began.After(at) {
			found = t
		}
	}
	return found
}

// openingBytes is how much of the first output a tape keeps in memory: every
// fourth cause is told in the first line, and nowhere else.
const openingBytes = 8 << 10

// text is the beginning and the end of the output, as far as they are in memory.
func (t *tape) text() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	end, missing := t.tail, t.total-int64(len(t.opening)+len(t.tail))
	if len(t.end) > 0 {
		end, missing = t.end, 1 // how much is between them is not known
	}
	if missing <= 0 { // the end overlaps the opening
		return append(bytes.Clone(t.opening), end[min(int(-missing), len(end)):]...)
	}
	gap := "\n[aweigh: output is left out here]\n"
	return append(append(bytes.Clone(t.opening), gap...), end...)
}

// keepOpening keeps the beginning of the output. t.mu is held.
func (t *tape) keepOpening(b []byte) {
	t.total += int64(len(b))
	if room := openingBytes - len(t.opening); room > 0 {
		t.opening = append(t.opening, b[:min(room, len(b))]...)
	}
}

// named is the cause that the aweigh-init inside has named, nil if it has none.
func (t *tape) named() *aweigh.Cause {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cause
}

// keepShape puts beside a record what its container was made of, unless a
// watcher before this one has.
func (e *evidence) keepShape(id string, l *core.Life, t *tape) {
	known := e.engine.Known(id)
	_, err := os.Stat(filepath.Join(e.dir, l.Start.Service, l.Start.ID, gather.ShapeFile))
	if known == nil || err == nil {
		return
	}
	for name, what := range map[string]any{gather.ShapeFile: known.Shape, gather.InspectFile: known.Inspect} {
		if data, err := json.MarshalIndent(what, "", " "); err == nil {
			t.recorder().File(name, append(data, '\n'))
		}
	}
}

// maxLooks is how many containers are looked at at once.
const maxLooks = 4

// causes looks at those of a tick.
func (e *evidence) causes(ctx context.Context, ids []string) map[string]*aweigh.Cause {
	ctx, cancel := context.WithTimeout(ctx, liveWithin)
	defer cancel()
	all := map[string]*aweigh.Cause{}
	var mu sync.Mutex
	var looking sync.WaitGroup
	slots := make(chan struct{}, maxLooks)
	for _, id := range ids {
		looking.Go(func() {
			select {
			case slots <- struct{}{}:
				defer func() { <-slots }()
			case <-ctx.Done():
				return
			}
			if c := e.causeOfLife(ctx, id); c != nil {
				mu.Lock()
				all[id] = c
				mu.Unlock()
			}
		})
	}
	looking.Wait()
	return all
}
