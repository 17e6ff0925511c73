package deploy

import (
	"context"
	"errors"
	"time"

	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/docker"
)

// run is a deployment that is under way.
type run struct {
	*Deployment
	Tools
	engines map[string]*docker.Engine
	tools   map[string]*compose.Tool
	muted   map[string]string // windows that the watcher was given, by service
}

// step is one row of the table of steps. It returns what is worth telling.
type step struct {
	do    func(r *run, ctx context.Context, s *Stage) (string, error)
	limit func(s *Stage) time.Duration // how long it takes at most; nil: nobody knows
}

// steps is the table of all steps.
var steps = map[string]step{
	stepRecord:    {do: (*run).record},
	stepPreflight: {do: (*run).preflight},
	stepApply:     {do: (*run).apply},
	stepVerify:    {do: (*run).verify, limit: func(s *Stage) time.Duration { return s.Within }},
	stepSoak:      {do: (*run).soak, limit: func(s *Stage) time.Duration { return s.Soak }},
	stepRestore:   {do: (*run).restore},
	stepProve:     {do: (*run).prove, limit: func(s *Stage) time.Duration { return s.Within }},
}

// Run goes on with a deployment, from where its journal says that it is to its
// end, or until ctx ends: then it is Interrupted. The error is one of Aweigh
// itself, such as a full disk.
func (d *Deployment) Run(ctx context.Context, t Tools) (Outcome, error) {
	r := &run{Deployment: d, Tools: t, engines: map[string]*docker.Engine{}, tools: map[string]*compose.Tool{}, muted: map[string]string{}}
	defer func() {
		for _, e := range r.engines {
			e.Close()
		}
	}()
	for {
		p := d.position()
		here, ok := p.next()
		if !ok {
			return r.finish(ctx, p)
		}
		if err := r.take(ctx, &d.Plan.Stages[here.stage], here.step); err != nil {
			return Interrupted, err
		}
		if ctx.Err() != nil {
			return Interrupted, nil
		}
	}
}

// take does one step. What fails in it is in the journal, and no error of it.
func (r *run) take(ctx context.Context, s *Stage, name string) error {
	row := steps[name]
	var limit time.Duration
	if row.limit != nil {
		limit = row.limit(s)
	}
	began := time.Now()
	if err := r.tellJournal(Entry{Event: Begun, Stage: s.Name, Step: name}); err != nil {
		return err
	}
	r.Out.begin(s.Name, name, limit)
	stop := r.mute(ctx, s)
	err := r.awaitEngine(ctx, s)
	detail := ""
	if err == nil {
		detail, err = r.withHooks(ctx, s, name, row)
	}
	stop()
	if ctx.Err() != nil {
		return nil // it has neither failed nor been done
	}
	e := Entry{Event: Done, Stage: s.Name, Step: name, Detail: detail, TookMS: time.Since(began).Milliseconds()}
	if err != nil {
		e.Event, e.Detail = Failed, err.Error()
	}
	if name != stepSoak || s.Soak > 0 {
		r.Out.end(e)
	}
	return r.tellJournal(e)
}

func (r *run) withHooks(ctx context.Context, s *Stage, name string, row step) (string, error) {
	if err := r.hooks(ctx, s, "before", name); err != nil {
		return "", err
	}
	detail := ""
	if name != stepSoak || s.Soak > 0 { // the hooks of a soak of no time are run: what is to follow the deployment is there
		var err error
		if detail, err = row.do(r, ctx, s); err != nil {
			return "", err
		}
	}
	return detail, r.hooks(ctx, s, "after", name)
}

func (r *run) tellJournal(e Entry) error {
	if err := r.note(e); err != nil {
		return err
	}
	r.Out.entry(r.Entries[len(r.Entries)-1])
	return nil
}

// finish cleans up behind the last step.
func (r *run) finish(ctx context.Context, p position) (Outcome, error) {
	outcome := p.result()
	r.unmute(ctx)
	if outcome == NothingDone || outcome == RolledBack {
		r.leave(ctx)
	}
	if outcome == Deployed {
		r.forget(ctx)
	}
	detail := p.failed
	if outcome == RollbackFailed {
		detail += "; " + p.broken
	}
	if r.Ending != nil {
		r.Ending(ctx, outcome)
	}
	return outcome, r.tellJournal(Entry{Event: Ended, Outcome: outcome, Detail: detail})
}

// open reads the project of a stage, and opens its engine.
func (r *run) open(ctx context.Context, s *Stage) (*compose.Project, *docker.Engine, error) {
	engine, err := r.engine(s)
	if err != nil {
		return nil, nil, err
	}
	project, err := compose.Load(ctx, s.Choice())
	if err != nil {
		return nil, nil, err
	}
	if Sum(project) != s.Sum {
		return nil, nil, errChanged
	}
	return project, engine, nil
}

var errChanged = errors.New("the compose files, or the variables in them, are no longer what the deployment began with: put them back, or abort it and deploy anew")

// Fits reports whether it can go on: the files still are what it began with. The
// way back does not need them.
func (d *Deployment) Fits(ctx context.Context) error {
	if d.position().back {
		return nil
	}
	for _, s := range d.Plan.Stages {
		project, err := compose.Load(ctx, s.Choice())
		if err != nil {
			return err
		}
		if Sum(project) != s.Sum {
			return errChanged
		}
	}
	return nil
}

func (r *run) engine(s *Stage) (*docker.Engine, error) {
	if e := r.engines[s.Docker]; e != nil {
		return e, nil
	}
	e, err := r.Engine(s.Docker)
	if err != nil {
		return nil, err
	}
	r.engines[s.Docker] = e
	return e, nil
}

// engineLimit is how long an engine is waited for: it may be restarted in the
// middle of a deployment, and the way back needs it as well.
const engineLimit = 5 * time.Minute

func (r *run) awaitEngine(ctx context.Context, s *Stage) error {
	engine, err := r.engine(s)
	if err != nil {
		return err
	}
	return await(ctx, engine, engineLimit, r.Out.Wait)
}

// await waits until an engine answers.
func await(ctx context.Context, engine *docker.Engine, limit time.Duration, wait func(why string)) error {
	for end := time.Now().Add(limit); ; {
		err := engine.Check(ctx)
		if err == nil || time.Now().After(end) {
			return err
		}
		wait(err.Error())
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// tool is Compose for a stage; to look for it takes a while.
func (r *run) tool(ctx context.Context, s *Stage) (*compose.Tool, error) {
	if t := r.tools[s.Docker]; t != nil {
		return t, nil
	}
	t, err := compose.FindTool(ctx, s.Docker)
	if err == nil {
		r.tools[s.Docker] = t
	}
	return t, err
}

// Abort notes that the way back is to be gone.
func (d *Deployment) Abort(by string) error {
	return d.note(Entry{Event: Aborted, Detail: "aborted by " + by})
}
