package drill

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
)

// Drill is one row of the table: what goes wrong, and what must follow.
type Drill struct {
	Name    string // "port-taken"
	Injects string // what goes wrong, for a person
	// Inject proves the steady state, lets it go wrong, and notes when. An error
	// means that nothing was injected: notApplicable, or else nothing is proven.
	Inject func(ctx context.Context, st *stage) error

	Calm bool // nobody must be alarmed, and it must become ready
	Mild bool // it may not matter to the service; then the drill does not apply
	// Kind is the incident that it must become; "" is any.
	Kind aweigh.IncidentKind
	// Causes are what it may be diagnosed as; none where the drill leaves no
	// trace from which a cause could be told.
	Causes []string
	// Advice is what to do where it is not detected.
	Advice string
	// Settings are the watcher's, besides those of all drills.
	Settings map[string]string
	Route    string // what must deliver; "" is the webhook
	arrived  func(*stage) (time.Time, bool)
	// OwnWatcher says that it must have a watcher that it may end, or whose routes
	// it may break.
	OwnWatcher bool
}

// Table returns all drills, in the order in which they run.
func Table() []Drill {
	return slices.Concat(startDrills, runDrills, healthDrills, dependencyDrills, resourceDrills, watcherDrills)
}

// expects reports whether a cause is one that the drill may be diagnosed as.
func (d Drill) expects(cause string) bool { return slices.Contains(d.Causes, cause) }

// among is the incident that the drill is about: of its kind, else the newest.
func (d Drill) among(all []aweigh.Incident) *aweigh.Incident {
	if len(all) == 0 {
		return nil
	}
	n := max(0, slices.IndexFunc(all, func(n aweigh.Incident) bool { return n.Kind == d.Kind }))
	return &all[n]
}

// Expects says what must follow, for a person.
func (d Drill) Expects() string {
	if d.Calm {
		return "ready, and no alarm"
	}
	what := "an incident"
	if d.Kind != "" {
		what = string(d.Kind)
	}
	if len(d.Causes) > 0 {
		what += ", as " + strings.Join(d.Causes, " or ")
	}
	if d.Route != "" {
		return what + ", told by " + d.Route
	}
	return what + ", and somebody told"
}

func route(d Drill) string {
	if d.Route != "" {
		return d.Route
	}
	return "webhook"
}

// result is a result of it that has only begun.
func (d Drill) result() Result {
	return Result{Drill: d.Name, Injects: d.Injects, Expects: d.Expects(), Began: time.Now().UTC()}
}

// atStart is a fault that a copy has from its start: the steady state is proven
// with a copy that has none, which is then replaced, as by a bad deployment.
func atStart(fault func(st *stage) ([]change, error)) func(context.Context, *stage) error {
	return func(ctx context.Context, st *stage) error {
		changes, err := fault(st)
		if err != nil {
			return err
		}
		if _, err := st.ready(ctx); err != nil {
			return err
		}
		return st.redeploy(ctx, changes...)
	}
}

// redeploy puts a copy with a fault in the place of the one that is there.
func (st *stage) redeploy(ctx context.Context, changes ...change) error {
	if err := st.stop(ctx); err != nil {
		return err
	}
	st.injected = time.Now()
	return st.start(ctx, changes...)
}

// later is a fault that comes over a copy that was ready.
func later(fault func(st *stage) (words []string, changes []change, err error)) func(context.Context, *stage) error {
	return func(ctx context.Context, st *stage) error {
		words, changes, err := fault(st)
		if err != nil {
			return err
		}
		if _, err := st.ready(ctx, append(changes, st.before(append([]string{"later"}, words...)...))...); err != nil {
			return err
		}
		st.injected = time.Now()
		return st.trigger(ctx)
	}
}

// needsPort refuses a drill for which the port must be known.
func (st *stage) needsPort() error {
	if st.steady.port == 0 {
		return notApplicable{"nobody knows on which port it listens: give it a probe with a port, such as --probe tcp://:8080"}
	}
	return nil
}
