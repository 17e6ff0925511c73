package objective

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
)

// Deployment is a new instance of a service: a container that had not been
// started before.
type Deployment struct {
	Service  string
	Instance string
	Image    string
	At       time.Time
	Starts   []aweigh.Start // of the instance, oldest first
}

// DeploymentsIn finds the deployments in a span, oldest first. What began
// before somebody watched is none: nobody knows what it was.
func (e Evidence) DeploymentsIn(s Span) []Deployment {
	starts := e.Starts
	if !slices.IsSortedFunc(starts, byTime) {
		starts = slices.Clone(starts)
		slices.SortFunc(starts, byTime)
	}
	at := map[[3]string]int{}
	last := map[[2]string]aweigh.Start{} // of a service
	var all []Deployment
	for _, start := range starts {
		if start.Began.After(s.To) {
			break
		}
		key := [3]string{start.Project, start.Service, start.Instance}
		of := [2]string{start.Project, start.Service}
		before, known := last[of]
		last[of] = start
		n, seen := at[key]
		if _, crashed := Unasked(before); known && crashed && !seen && withoutContainer(before) && withoutContainer(start) {
			n, seen = at[[3]string{before.Project, before.Service, before.Instance}], true
			at[key] = n
		}
		if !seen {
			n = len(all)
			at[key] = n
			all = append(all, Deployment{Service: start.Service, Instance: start.Instance, Image: start.Image, At: start.Began})
		}
		all[n].Starts = append(all[n].Starts, start)
	}
	return slices.DeleteFunc(all, func(d Deployment) bool {
		return !s.Contains(d.At) || len(e.Watched) == 0 || d.At.Before(e.Watched[0].From)
	})
}

func byTime(a, b aweigh.Start) int { return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.ID, b.ID)) }

// withoutContainer says that a start is one of `aweigh run` on the host. Such an
// instance has one start only: one after a crash is no deployment.
func withoutContainer(s aweigh.Start) bool { return strings.HasPrefix(s.Instance, "run:") }

// outcome is what became of one thing that is counted.
type outcome int

const (
	good outcome = iota
	bad
	unknown
	pending // it is too early to say
)

// readyWithin judges whether a deployment was proven ready in time, over
// however many starts.
func (d Deployment) readyWithin(limit time.Duration, now time.Time) outcome {
	unseen := false
	for _, s := range d.Starts {
		switch s.Verdict {
		case aweigh.Ready:
			switch {
			case s.TookMS == nil:
				unseen = true // it may have been ready long before it was asked
			case s.Began.Add(time.Duration(*s.TookMS)*time.Millisecond).Sub(d.At) <= limit:
				return good
			}
		case aweigh.Unknown, aweigh.Stopped:
			if s.Began.Sub(d.At) <= limit {
				unseen = true
			}
		}
	}
	switch {
	case now.Sub(d.At) <= limit:
		return pending
	case unseen:
		return unknown
	}
	return bad
}

// last is the deployment's newest start.
func (d Deployment) last() aweigh.Start { return d.Starts[len(d.Starts)-1] }
