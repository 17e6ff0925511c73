package objective

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
)

// Journaled is a deployment as the journal of `aweigh deploy` has it. One that
// touched nothing is none.
type Journaled struct {
	ID      string
	By      string
	Outcome string // "" while it has not ended
	Targets []Target
	// Changed are those of them that it made anew; none where that is not known, or
	// nothing had to change.
	Changed []Target
	Planned time.Time
	Applied time.Time // when Compose began
	Proven  time.Time // when the last stage was verified; zero if it was not
	Decided time.Time // of its newest entry before the one that ends it
	Last    time.Time // of its newest entry
	Why     string    // it failed, or who aborted it
	// Failed says that a step failed, so that it was rolled back. One that a person
	// aborted has not failed.
	Failed bool
}

// about are the services that it is judged by.
func (j *Journaled) about() []Target {
	if len(j.Changed) > 0 {
		return j.Changed
	}
	return j.Targets
}

// Target is a service that a deployment is about.
type Target struct{ Project, Service string }

// abandoned is how long after its last word a deployment that has not ended is
// taken to go on: a step of it may take long.
const abandoned = time.Hour

// made reports whether a new instance of that time is the deployment's doing.
func (j *Journaled) made(of Target, at time.Time) bool {
	end := j.Last
	if j.Outcome == "" {
		end = end.Add(abandoned)
	}
	return !at.Before(j.Planned) && !at.After(end) && slices.Contains(j.Targets, of)
}

// Deployment is a run of `aweigh deploy` or, where no journal tells of one, a
// container that had not been started before.
type Deployment struct {
	Journal *Journaled // nil where none tells of it
	Targets []Target   // each once
	At      time.Time
	New     []Instance // oldest first; those that a rollback made again as well
}

func distinct(of []Target) (all []Target) {
	for _, t := range of {
		if !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	return all
}

// Services are the names of its targets, sorted.
func (d Deployment) Services() (names []string) {
	for _, t := range d.Targets {
		if !slices.Contains(names, t.Service) {
			names = append(names, t.Service)
		}
	}
	slices.Sort(names)
	return names
}

// Instance is a container of a deployment.
type Instance struct {
	Target
	ID     string
	Image  string
	At     time.Time
	Starts []aweigh.Start // oldest first, one at least
}

// DeploymentsIn finds the deployments in a span, oldest first. A container that
// began before somebody watched is none: nobody knows what it was.
func (e Evidence) DeploymentsIn(s Span) []Deployment {
	var all []Deployment
	of := map[*Journaled]int{}
	for n := range e.Journals {
		j := &e.Journals[n]
		of[j] = len(all)
		all = append(all, Deployment{Journal: j, Targets: distinct(j.about()), At: j.Applied})
	}
	for _, i := range e.instances(s.To) {
		// The newest of them: one that never ended may reach into the next.
		var by *Journaled
		for n := range e.Journals {
			if j := &e.Journals[n]; j.made(i.Target, i.At) && (by == nil || j.Planned.After(by.Planned)) {
				by = j
			}
		}
		switch {
		case by != nil:
			all[of[by]].New = append(all[of[by]].New, i)
		case len(e.Watched) > 0 && !i.At.Before(e.Watched[0].From):
			all = append(all, Deployment{Targets: []Target{i.Target}, At: i.At, New: []Instance{i}})
		}
	}
	all = slices.DeleteFunc(all, func(d Deployment) bool { return !s.Contains(d.At) })
	slices.SortStableFunc(all, func(a, b Deployment) int { return a.At.Compare(b.At) })
	return all
}

// instances are those of which a start is known, each with its starts up to a
// moment; the one that was there first comes first.
func (e Evidence) instances(until time.Time) []Instance {
	starts := e.Starts
	if !slices.IsSortedFunc(starts, byTime) {
		starts = slices.Clone(starts)
		slices.SortFunc(starts, byTime)
	}
	type key struct {
		Target
		instance string
	}
	at := map[key]int{}
	last := map[Target]aweigh.Start{}
	var all []Instance
	for _, start := range starts {
		if start.Began.After(until) {
			break
		}
		of := Target{start.Project, start.Service}
		k := key{of, start.Instance}
		before, known := last[of]
		last[of] = start
		n, seen := at[k]
		if _, crashed := Unasked(before); known && crashed && !seen && withoutContainer(before) && withoutContainer(start) {
			n, seen = at[key{of, before.Instance}], true
			at[k] = n
		}
		if !seen {
			n = len(all)
			at[k] = n
			all = append(all, Instance{Target: of, ID: start.Instance, Image: start.Image, At: start.Began})
		}
		all[n].Starts = append(all[n].Starts, start)
	}
	return all
}

func byTime(a, b aweigh.Start) int { return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.ID, b.ID)) }

// withoutContainer says that a start is one of `aweigh run` on the host. Such an
// instance has one start only: one after a crash is no deployment.
func withoutContainer(s aweigh.Start) bool { return strings.HasPrefix(s.Instance, "run:") }

// ImageOf is the newest image that a deployment brought a service, "" for none.
func (d Deployment) ImageOf(of Target) (image string) {
	for _, i := range d.New {
		if i.Target == of {
			image = i.Image
		}
	}
	return image
}

// outcome is what became of one thing that is counted.
type outcome int

const (
	good outcome = iota
	bad
	unknown
	pending // it is too early to say
)

// Ready is how long it took until the last of its instances was proven ready, each
// from its own start; false if one was not, or nobody knows.
func (d Deployment) Ready() (longest time.Duration, ok bool) {
	for _, i := range d.New {
		took, ready := i.ready()
		if !ready {
			return 0, false
		}
		longest = max(longest, took)
	}
	return longest, len(d.New) > 0
}

// readyWithin judges a deployment: each of its instances has its own time.
func (d Deployment) readyWithin(limit time.Duration, now time.Time) outcome {
	if d.Journal != nil && d.Journal.Failed {
		return bad
	}
	if len(d.New) == 0 { // nothing had to change, or nobody watched
		return d.Journal.provenWithin(limit, now)
	}
	worst := good
	for _, i := range d.New {
		switch o := i.readyWithin(limit, now); {
		case o == bad:
			return bad
		case o == pending || worst == good:
			worst = o
		}
	}
	return worst
}

// provenWithin judges a deployment by its journal alone, which tells when all of
// it was proven: what is too long for all may have been short for each.
func (j *Journaled) provenWithin(limit time.Duration, now time.Time) outcome {
	switch {
	case j.Outcome == "" && now.Sub(j.Last) <= abandoned:
		return pending
	case !j.Proven.IsZero() && j.Proven.Sub(j.Applied) <= limit:
		return good
	}
	return unknown
}

// readyWithin judges whether an instance was proven ready in time, over however
// many starts.
func (i Instance) readyWithin(limit time.Duration, now time.Time) outcome {
	if took, ok := i.ready(); ok && took <= limit {
		return good
	}
	unseen := false
	for _, s := range i.Starts {
		switch s.Verdict {
		case aweigh.Ready:
			unseen = unseen || s.TookMS == nil // it may have been ready long before it was asked
		case aweigh.Unknown, aweigh.Stopped:
			if s.Began.Sub(i.At) <= limit {
				unseen = true
			}
		}
	}
	switch {
	case now.Sub(i.At) <= limit:
		return pending
	case unseen:
		return unknown
	}
	return bad
}

// deploymentsOf are those in a span that a promise is about, each with what of it
// the promise is about.
func (e Evidence) deploymentsOf(o Objective, s Span) []Deployment {
	var all []Deployment
	for _, d := range e.DeploymentsIn(s) {
		if d = d.only(func(t Target) bool { return o.Covers(t.Service) }); len(d.Targets) > 0 {
			all = append(all, d)
		}
	}
	return all
}

// only is the part of a deployment that is about some services.
func (d Deployment) only(covers func(Target) bool) Deployment {
	of := []Target{}
	if d.Journal != nil {
		of = d.Journal.about()
	}
	all := d.New
	d.New = nil
	for _, i := range all {
		if covers(i.Target) {
			d.New = append(d.New, i)
		}
		of = append(of, i.Target)
	}
	d.Targets = distinct(slices.DeleteFunc(slices.Clone(of), func(t Target) bool { return !covers(t) }))
	return d
}

// ready is how long after its first start an instance was proven ready.
func (i Instance) ready() (took time.Duration, ok bool) {
	for _, s := range i.Starts {
		if s.Verdict == aweigh.Ready && s.TookMS != nil {
			return s.Began.Add(time.Duration(*s.TookMS) * time.Millisecond).Sub(i.At), true
		}
	}
	return 0, false
}

// fault is where to look when a deployment broke a promise: at the newest start of
// the first instance that was not ready in time, else of the last instance, which a
// rollback may have made.
func (d Deployment) fault(limit time.Duration) (b Break, newest aweigh.Start) {
	b = Break{At: d.At, Service: strings.Join(d.Services(), ", ")}
	if d.Journal != nil {
		b.Deployment = d.Journal.ID
	}
	for _, i := range d.New {
		newest = i.Starts[len(i.Starts)-1]
		b.Service, b.Start = i.Service, newest.ID
		if took, ready := i.ready(); !ready || took > limit {
			break
		}
	}
	return b, newest
}
