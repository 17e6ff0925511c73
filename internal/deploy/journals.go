package deploy

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/aweigh/aweigh/internal/objective"
)

// Journals reads what objectives are judged by. Deployments of another user that
// may not be read are left out: their containers are known all the same.
func Journals(state string) func() ([]objective.Journaled, error) {
	return func() ([]objective.Journaled, error) {
		all, err := List(state)
		if errors.Is(err, fs.ErrPermission) {
			return nil, nil
		}
		var js []objective.Journaled
		for _, d := range all {
			if j, touched := d.journaled(); touched {
				js = append(js, j)
			}
		}
		return js, err
	}
}

// journaled is a deployment for an objective; false if it touched nothing.
func (d *Deployment) journaled() (j objective.Journaled, touched bool) {
	j = objective.Journaled{ID: d.Plan.ID, By: d.Plan.By, Outcome: string(d.Outcome()), Why: d.Why(), Planned: d.Plan.Began}
	for _, s := range d.Plan.Stages {
		for _, name := range s.Services {
			j.Targets = append(j.Targets, objective.Target{Project: s.Project, Service: name})
		}
	}
	applied, begun := 0, 0
	for _, e := range d.Entries {
		j.Last = e.At
		if e.Event != Ended { // people are told before that is noted
			j.Decided = e.At
		}
		if e.Event == Begun && e.Step == stepApply {
			begun++
		}
		switch {
		case e.Event == Begun && e.Step == stepApply && !touched:
			j.Applied, touched = e.At, true
		case e.Event == Done && e.Step == stepApply:
			applied++
			j.Changed = append(j.Changed, changedBy(e, d.Plan.Stages)...)
		case e.Event == Done && e.Step == stepVerify && e.Stage == d.Plan.Stages[len(d.Plan.Stages)-1].Name:
			j.Proven = e.At
		case e.Event == Failed && !slices.Contains(back, e.Step):
			j.Failed = j.Failed || touched
		}
	}
	if applied < begun { // what it came to is not known
		j.Changed = nil
	}
	return j, touched
}

// changedBy are the services that apply made anew, as it says itself.
func changedBy(e Entry, stages []Stage) (all []objective.Target) {
	names, ok := strings.CutPrefix(e.Detail, "new: ")
	n := slices.IndexFunc(stages, func(s Stage) bool { return s.Name == e.Stage })
	if !ok || n < 0 {
		return nil
	}
	for name := range strings.SplitSeq(names, ", ") {
		all = append(all, objective.Target{Project: stages[n].Project, Service: name})
	}
	return all
}
