package gather

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/record"
)

// Where is where to look for what a person names.
type Where struct {
	Engine *docker.Engine // nil: there is none
	Dir    *record.Dir    // nil: there are no records
}

// young is how short a time a container that was started again must have run for
// its last failed start to tell more than this one.
const young = 10 * time.Second

// Find collects the evidence of a start, a container or a service: of the
// container as it is now, if the engine knows it, else of the newest record.
func Find(ctx context.Context, w Where, what string, o Options) (*Found, error) {
	var notes []string
	if r := w.start(what); r != nil {
		return w.ofStart(ctx, r, o), nil
	}
	if w.Engine != nil {
		ids, err := w.Engine.Find(ctx, what)
		if err != nil {
			notes = append(notes, err.Error())
		}
		if id := w.worst(ctx, ids); id != "" {
			f, err := w.ofContainer(ctx, id, o)
			if err == nil {
				return f, nil
			}
			notes = append(notes, err.Error())
		}
	}
	if w.Dir == nil {
		return nil, w.unknown(what, notes)
	}
	r, err := w.Dir.Find(what)
	if err != nil {
		return nil, w.unknown(what, append(notes, err.Error()))
	}
	f := w.ofStart(ctx, r, o)
	f.Notes = append(notes, f.Notes...)
	return f, nil
}

func (w Where) unknown(what string, notes []string) error {
	if len(notes) == 0 {
		notes = []string{"the engine knows none of this name, and there is no record"}
	}
	return fmt.Errorf("no service, container or start %q: %s", what, strings.Join(notes, "; "))
}

// start is the record of the start whose id begins so; nil for what is no id.
func (w Where) start(what string) *record.Record {
	if w.Dir == nil || len(what) < 4 || strings.Trim(strings.ToUpper(what), "0123456789ABCDEFGHJKMNPQRSTVWXYZ") != "" {
		return nil
	}
	r, err := w.Dir.Find(what)
	if err != nil || !strings.HasPrefix(r.ID(), strings.ToUpper(what)) {
		return nil
	}
	return r
}

// ofStart is the evidence of a recorded start, and of its container if that
// still lives this very life.
func (w Where) ofStart(ctx context.Context, r *record.Record, o Options) *Found {
	s := r.Start()
	if w.Engine != nil && s.Exit == nil && len(s.Instance) == 12 {
		if in, err := w.Engine.Inspect(ctx, s.Instance); err == nil && within(in.Container.Started, s.Began, settle) {
			if f, err := Container(ctx, w.Engine, in.Container.ID, o); err == nil {
				f.ReadRecord(w.Dir, r)
				f.finish(ctx, o)
				return f
			}
		}
	}
	f := Recorded(w.Dir, r, o)
	f.finish(ctx, o)
	return f
}

func (f *Found) finish(ctx context.Context, o Options) {
	if !o.Quick {
		f.Dependencies(ctx)
	}
}

func within(a, b time.Time, d time.Duration) bool { return a.Sub(b).Abs() <= d }

// ofContainer is the evidence of a container as it is now.
func (w Where) ofContainer(ctx context.Context, id string, o Options) (*Found, error) {
	f, err := Container(ctx, w.Engine, id, o)
	if err != nil {
		return nil, err
	}
	dir, r := w.record(f)
	if r != nil && f.justBegun() {
		if last := lastFailed(dir, r); last != nil {
			old := Recorded(dir, last, o)
			old.Inspection = f.Inspection
			old.note(fmt.Sprintf("it was started again %s ago: this is about its last failed start, %s", time.Since(f.Began).Round(time.Second), last.ID()))
			old.finish(ctx, o)
			return old, nil
		}
	}
	switch {
	case r != nil:
		f.ReadRecord(dir, r)
	case f.justBegun() && len(f.Evidence.Runtime.Owned) == 0:
		f.readLogBefore(ctx, w.Engine)
	default:
		f.ReadLog(ctx, w.Engine)
	}
	f.finish(ctx, o)
	return f, nil
}

func (f *Found) justBegun() bool {
	c := &f.Inspection.Container
	return f.Inspection.PID > 0 && c.RestartCount > 0 && time.Since(c.Started) < young
}

// record is the record of the container's life, of the watcher's or of the
// aweigh-init inside it.
func (w Where) record(f *Found) (*record.Dir, *record.Record) {
	if inner := f.Inspection.Container.Records; inner != "" {
		if dir, err := record.OpenToRead(inner); err == nil { // it stays open for as long as we run
			if r := OfLife(dir, *f.Inspection); r != nil {
				return dir, r
			}
			dir.Close()
		}
	}
	if w.Dir == nil {
		return nil, nil
	}
	return w.Dir, OfLife(w.Dir, *f.Inspection)
}

// lastFailed is the start before r if it failed; nil if it did not.
func lastFailed(dir *record.Dir, r *record.Record) *record.Record {
	records, err := dir.Records(r.Service())
	if err != nil {
		return nil
	}
	for _, o := range slices.Backward(records) {
		if o.ID() >= r.ID() {
			continue
		}
		if s := o.Start(); s.Verdict.Failed() || s.Run != nil && (s.Run.End == aweigh.RunCrashed || s.Run.End == aweigh.RunOOMKilled) {
			return o
		}
		return nil
	}
	return nil
}

// worst chooses among the containers of a service the one that most needs an
// explanation; of equals the newest.
func (w Where) worst(ctx context.Context, ids []string) (worst string) {
	if len(ids) == 1 {
		return ids[0]
	}
	most := -1
	for _, id := range ids {
		in, err := w.Engine.Inspect(ctx, id)
		if err != nil {
			continue
		}
		if n := trouble(in); n > most {
			worst, most = id, n
		}
	}
	return worst
}

// trouble orders containers by how much is wrong with them.
func trouble(in docker.Inspection) int {
	c := in.Container
	switch {
	case c.Status == "restarting":
		return 5
	case c.Error != "":
		return 4
	case c.Health == "unhealthy":
		return 3
	case in.PID == 0 && c.Exit != nil && c.Exit.Code != 0:
		return 2
	case c.Health == "healthy":
		return 0
	}
	return 1
}
