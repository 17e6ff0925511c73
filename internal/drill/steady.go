package drill

import (
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/probe"
)

// prove starts a copy with nothing wrong, and learns how long that takes and how
// it is seen. The error is why there is no steady state.
func (r *run) prove(ctx context.Context) error {
	r.startup = firstStartup
	var why string
	if r.pace.probe, why = ownProbe(r.Settings.Probe, r.service.Published); why != "" {
		r.service.dropped("%s", why)
	}
	if r.steady.how = r.how(); r.steady.how == core.ByNone {
		return errors.New("nothing says how to ask whether it serves: give it a health check, or --probe (http://:8080/health, tcp://:5432)")
	}
	st, err := r.open(ctx, Drill{Name: "steady"})
	defer func() {
		st.close(ctx)
		st.forget()
	}()
	if err != nil {
		return err
	}
	start, err := st.ready(ctx)
	if err != nil {
		return err
	}
	r.steady.took = time.Duration(*start.TookMS) * time.Millisecond
	r.startup = deadline(r.steady.took)
	if start.Probe != nil {
		r.steady.probe = start.Probe.Target
	}
	if t, err := probe.Parse(r.steady.probe, 0); err == nil {
		r.steady.port, r.steady.http = t.Port, t.Protocol == probe.HTTP
	} else if len(r.service.ports) > 0 {
		r.steady.port = r.service.ports[0]
	}
	if r.steady.how == core.ByGuess {
		r.pace.probe, r.steady.how = pinned(r.steady.probe), core.ByProbe
	}
	if r.steady.probe == "" {
		r.steady.probe = start.Reason
	}
	return nil
}

// how says how the watcher will prove a copy's starts, as core.Proof has it.
func (r *run) how() core.Proof {
	s := r.service
	switch h := s.Config.Healthcheck; {
	case r.pace.probe == "none":
		return core.ByNone
	case r.pace.probe != "":
		return core.ByProbe
	case path.Base(s.command[0]) == "aweigh-init":
		return core.ByWord
	case h != nil && len(h.Test) > 0 && h.Test[0] != "NONE":
		return core.ByHealth
	case len(s.ports) > 0:
		return core.ByGuess
	}
	return core.ByNone
}

// ready starts a copy and waits until it is proven ready. The error says why it
// is not, for a person.
func (st *stage) ready(ctx context.Context, changes ...change) (*aweigh.Start, error) {
	began := time.Now()
	if err := st.start(ctx, changes...); err != nil {
		return nil, err
	}
	if st.refused != "" {
		return nil, fmt.Errorf("the engine does not start it: %s", st.refused)
	}
	start, err := st.awaitReady(ctx, began)
	if errors.Is(err, errTime) && start == nil && st.Watcher != nil {
		return nil, fmt.Errorf("the aweigh watch that runs (state %s) has not seen it within %s: is this its engine, and does it look at all containers? --own-watcher does without it", st.Watcher.State, st.startTime().Round(time.Second))
	}
	if errors.Is(err, errTime) {
		return nil, fmt.Errorf("it is not ready after %s%s", st.startTime().Round(time.Second), st.words(ctx))
	}
	return start, err
}

// awaitReady waits for a start that began after a moment to be proven.
func (st *stage) awaitReady(ctx context.Context, began time.Time) (start *aweigh.Start, err error) {
	ctx, cancel := context.WithTimeout(ctx, st.startTime()+patience)
	defer cancel()
	err = poll(ctx, func() (bool, error) {
		if start, err = st.observer.newest(ctx, began.Add(-clockSlack)); err != nil || start == nil {
			return false, err
		}
		if start.Verdict == aweigh.Ready {
			return true, nil
		}
		all, err := st.observer.incidents(ctx)
		for _, n := range all {
			if n.Open() && n.Last.After(began.Add(-clockSlack)) { // and not one that is about to be resolved
				return false, errors.New(n.Summary)
			}
		}
		return false, err
	})
	return start, err
}

// clockSlack is by how much the engine's clock may be behind in what it tells.
const clockSlack = 50 * time.Millisecond
