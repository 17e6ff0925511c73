package deploy

import (
	"fmt"
	"slices"
)

// The steps, by name.
const (
	stepRecord    = "record"
	stepPreflight = "preflight"
	stepApply     = "apply"
	stepVerify    = "verify"
	stepSoak      = "soak"
	stepRestore   = "rollback"
	stepProve     = "prove"
)

// forward are the steps of each stage, back those of its way back.
var (
	forward = []string{stepRecord, stepPreflight, stepApply, stepVerify, stepSoak}
	back    = []string{stepRestore, stepProve}
)

// at is a step of a stage.
type at struct {
	stage int
	step  string
}

// position is where a deployment is, by its journal alone.
type position struct {
	done    map[at]bool
	touched []bool // by stage: something may have been changed
	back    bool   // it is on the way back
	failed  string // what failed first, or who aborted
	broken  string // what failed on the way back
	ended   bool
	outcome Outcome
}

func (d *Deployment) position() position {
	p := position{done: map[at]bool{}, touched: make([]bool, len(d.Plan.Stages))}
	for _, e := range d.Entries {
		n := slices.IndexFunc(d.Plan.Stages, func(s Stage) bool { return s.Name == e.Stage })
		here := at{n, e.Step}
		switch e.Event {
		case Begun:
			if n >= 0 && e.Step == stepApply {
				p.touched[n] = true
			}
		case Done:
			p.done[here] = true
		case Failed:
			if slices.Contains(back, e.Step) {
				p.broken = fmt.Sprintf("%s of %s: %s", e.Step, e.Stage, e.Detail)
				continue
			}
			p.back = true
			if p.failed == "" {
				p.failed = fmt.Sprintf("%s of %s: %s", e.Step, e.Stage, e.Detail)
			}
		case Aborted:
			// A way back that failed is gone once more.
			p.back, p.broken, p.ended = true, "", false
			for n := range d.Plan.Stages {
				delete(p.done, at{n, stepRestore})
				delete(p.done, at{n, stepProve})
			}
			if p.failed == "" {
				p.failed = e.Detail
			}
		case Ended:
			p.ended, p.outcome = true, e.Outcome
		}
	}
	return p
}

// next is the step that comes now; false when there is none.
func (p *position) next() (at, bool) {
	if !p.back {
		for n := range p.touched {
			for _, step := range forward {
				if here := (at{n, step}); !p.done[here] {
					return here, true
				}
			}
		}
		return at{}, false
	}
	if p.broken != "" {
		return at{}, false
	}
	for n := len(p.touched) - 1; n >= 0; n-- {
		if !p.touched[n] {
			continue
		}
		for _, step := range back {
			if here := (at{n, step}); !p.done[here] {
				return here, true
			}
		}
	}
	return at{}, false
}

// result is the outcome when there is no step left.
func (p *position) result() Outcome {
	switch {
	case !p.back:
		return Deployed
	case p.broken != "":
		return RollbackFailed
	case slices.Contains(p.touched, true):
		return RolledBack
	}
	return NothingDone
}

// Outcome is how it ended; Interrupted if it did not.
func (d *Deployment) Outcome() Outcome {
	if p := d.position(); p.ended {
		return p.outcome
	}
	return Interrupted
}

// Where says in words at which step it is.
func (d *Deployment) Where() string {
	p := d.position()
	if here, ok := p.next(); ok {
		return here.step + " of " + d.Plan.Stages[here.stage].Name
	}
	return "its end"
}

// Trouble says what failed on the way back.
func (d *Deployment) Trouble() string { return d.position().broken }

// Why says what failed, or who aborted it.
func (d *Deployment) Why() string { return d.position().failed }
