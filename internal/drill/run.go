package drill

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/moby/moby/client"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/notify"
)

// Options is what a run needs to know.
type Options struct {
	Engine  *docker.Engine
	Service *Service
	// Settings are those that are in force for the service where it runs. How to
	// ask it is taken over; the deadlines are shortened.
	Settings core.Settings
	Drills   []Drill // none: all
	State    string  // directory of the watchers' states and of the history
	Parallel int     // drills at a time; 0 is 2
	Routes   []notify.Route
	// Watcher is the `aweigh watch` that runs on this host, nil to have the
	// drills watched by one of their own. Routes are told then in drills alone
	// that cannot do without that.
	Watcher *Watcher
	// Copied are the volumes, by their paths, whose data a copy has too.
	Copied  []string
	Version string
	// Progress is told of each drill that begins (no verdict) and ends. It may
	// be nil; it is called from one goroutine at a time.
	Progress func(Result)
}

// Watcher is an `aweigh watch` that runs.
type Watcher struct {
	State  string   // its directory
	Routes []string // the names of those for drills
}

// run is one run of Run.
type run struct {
	Options
	engine  *client.Client
	host    string
	id      string
	owner   string
	dir     string // of the watchers' states
	tool    string // the volume with this program
	service *Service
	pace
	steady steady
}

// steady is what a copy with nothing wrong was seen to do.
type steady struct {
	took  time.Duration
	probe string // how it was proven
	port  int    // that it serves on; 0 when nobody knows
	http  bool   // its answers are read, and not only its port tried
	how   core.Proof
}

// Run sweeps up what killed runs left, proves the steady state, and runs the
// drills. An error means that there is no report.
func Run(ctx context.Context, o Options) (*Report, error) {
	drills := o.Drills
	if len(drills) == 0 {
		drills = Table()
	}
	if err := o.Engine.Check(ctx); err != nil {
		return nil, err
	}
	began := time.Now()
	r := &run{Options: o, engine: o.Engine.Client(), host: o.Engine.Host(), id: aweigh.NewID(began), owner: owner(),
		service: o.Service, dir: filepath.Join(o.State, "drills")}
	if r.Parallel == 0 {
		r.Parallel = 2
	}
	report := &Report{Run: r.id, Service: r.service.Name, Image: r.service.Image, Began: began.UTC()}
	if r.Watcher != nil {
		report.Watcher = r.Watcher.State
	}
	if n, err := sweep(ctx, r.engine); err != nil {
		report.Notes = append(report.Notes, err.Error())
	} else if n > 0 {
		report.Notes = append(report.Notes, fmt.Sprintf("%d containers, networks and volumes of a run that was killed were removed", n))
	}
	if err := r.service.complete(ctx, r.engine); err != nil {
		return nil, err
	}
	for _, path := range r.Copied {
		if _, ok := r.service.Sources[path]; !ok {
			return nil, fmt.Errorf("%s has no volume at %s whose data could be copied: it has %s", r.service.Name, path, orNone(r.service.Volumes))
		}
	}
	unlock, err := r.tidy()
	if err != nil {
		return nil, err
	}
	defer unlock()
	defer func() {
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		removeStage(after, r.engine, r.id)
	}()
	r.tool = "aweigh-drill-" + strings.ToLower(r.id)
	err = installTool(ctx, r.engine, r.tool, r.service.Image, map[string]string{stageLabel: r.id, ownerLabel: r.owner, "aweigh.ignore": "true"})
	if err != nil && ctx.Err() == nil {
		return nil, err
	}
	if err == nil {
		err = r.prove(ctx)
	}
	switch {
	case ctx.Err() != nil:
		report.Unsteady = interrupted
	case err != nil:
		report.Unsteady = err.Error()
	}
	report.Notes = append(report.Notes, r.service.Notes...)
	report.SteadyMS, report.Probe = r.steady.took.Milliseconds(), r.steady.probe
	report.Results = r.all(ctx, drills, report.Unsteady)
	report.TookMS = time.Since(began).Milliseconds()
	return report, r.keep(report)
}

// interrupted is why a run that was is inconclusive.
const interrupted = "interrupted"

// all runs the drills, a few at a time, and returns their results in the order
// of the table.
func (r *run) all(ctx context.Context, drills []Drill, unsteady string) []Result {
	results := make([]Result, len(drills))
	var mu sync.Mutex
	tell := func(one Result) {
		mu.Lock()
		defer mu.Unlock()
		if r.Progress != nil {
			r.Progress(one)
		}
	}
	slots := make(chan struct{}, r.Parallel)
	var running sync.WaitGroup
	for n, d := range drills {
		if unsteady != "" || ctx.Err() != nil {
			results[n] = d.result()
			results[n].Verdict, results[n].Reason = Inconclusive, "there is no steady state: "+unsteady
			if ctx.Err() != nil {
				results[n].Reason = interrupted
			}
			continue
		}
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			tell(d.result())
			results[n] = r.one(ctx, d)
			tell(results[n])
		})
	}
	running.Wait()
	return results
}

// tidy removes what the watchers of earlier runs left, unless one is at work:
// only the last run's evidence is kept. Until unlock is called nobody else tidies.
func (r *run) tidy() (unlock func(), err error) {
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(r.dir, "lock"), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	alone := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
	old, _ := os.ReadDir(r.dir)
	for _, e := range old {
		id, _, _ := strings.Cut(e.Name(), ".")
		if alone && e.IsDir() && aweigh.ValidID(id) && id < r.id {
			os.RemoveAll(filepath.Join(r.dir, e.Name()))
		}
	}
	syscall.Flock(int(f.Fd()), syscall.LOCK_SH)
	return func() { f.Close() }, nil
}

// Choose returns the drills of these names in the order of the table, all for
// none. The error names the first name that is none.
func Choose(names []string) ([]Drill, error) {
	if len(names) == 0 {
		return Table(), nil
	}
	var chosen []Drill
	for _, d := range Table() {
		if slices.Contains(names, d.Name) {
			chosen = append(chosen, d)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(chosen, func(d Drill) bool { return d.Name == name }) {
			return nil, fmt.Errorf("there is no drill %q: see --list", name)
		}
	}
	return chosen, nil
}

func orNone(all []string) string {
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(slices.Values(all)), ", ")
}
