package objective

import (
	"slices"
	"time"
)

// State is how a promise stands.
type State string

const (
	Kept    State = "kept"    // whatever happened unseen
	Broken  State = "broken"  // by what was seen
	Unknown State = "unknown" // too little was seen to say
)

// Break is one thing that broke a promise, or used some of its budget.
type Break struct {
	At       time.Time `json:"at"`
	Service  string    `json:"service"`
	Start    string    `json:"start,omitempty"`
	Incident string    `json:"incident,omitempty"`
	// Deployment is its id in the journal of `aweigh deploy`.
	Deployment string `json:"deployment,omitempty"`
	What       string `json:"what"`
}

// Result is how a promise stands at a moment. Shares are 0 to 1; nil is
// unknown.
type Result struct {
	Objective
	Promise  string    `json:"promise"`
	WindowMS int64     `json:"window_ms"`
	WithinMS int64     `json:"within_ms,omitempty"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	State    State     `json:"state"`
	// Attainment is the share of what was seen that was good, and Before the
	// same of the window before.
	Attainment *float64 `json:"attainment"`
	Before     *float64 `json:"before"`
	Trend      string   `json:"trend"` // better, worse, same, unknown
	// Known is the share of the window in which somebody watched.
	Known   float64 `json:"known"`
	Unit    string  `json:"unit"` // what Good, Bad and Unseen count
	Good    int     `json:"good"`
	Bad     int     `json:"bad"`
	Unseen  int     `json:"unknown"`
	Allowed float64 `json:"allowed"` // how much may break it: the error budget
	Spent   int     `json:"spent"`
	// Left is the share of the error budget that is left.
	Left *float64 `json:"budget_left"`
	// Parts are the window's thirty parts, oldest first: good, bad (something
	// broke the promise in it), or unknown.
	Parts  []string `json:"parts"`
	Breaks []Break  `json:"breaks"` // newest first, at most MaxBreaks
}

// MaxBreaks is how many breaks a Result lists. Spent counts all.
const MaxBreaks = 20

const (
	// enough is the share of a window that must have been watched for a promise
	// about all of it to be kept: an upgrade of the watcher takes a moment.
	enough = 0.99
	// parts is how many parts a window has in which things may go wrong: days,
	// if it has 30 of them.
	parts = 30
)

// Judge judges a promise over its window up to the evidence's Now.
func Judge(o Objective, e Evidence) Result {
	now := Span{e.Now.Add(-o.Window), e.Now}
	k := kinds[o.Kind]
	t := k.count(o, e, now)
	r := Result{Objective: o, Promise: o.Promise(), WindowMS: o.Window.Milliseconds(), WithinMS: o.Within.Milliseconds(), From: now.From, To: now.To, Unit: k.unit, Known: e.Known(now), Spent: t.bad, Breaks: t.breaks}
	slices.SortStableFunc(r.Breaks, func(a, b Break) int { return b.At.Compare(a.At) })
	r.Good, r.Bad, r.Unseen = t.good, t.bad, t.unknown
	r.Parts = inParts(e, now, t.when)
	if !k.share {
		r.Good, r.Bad, r.Unseen = counted(r.Parts)
		if o.Window != parts*24*time.Hour {
			r.Unit = "thirtieths of the window"
		}
	}
	r.Attainment = attainment(r.Good, r.Bad)
	r.Before = before(o, e, k, now)
	r.Trend = trend(r.Attainment, r.Before)
	if k.share {
		r.share()
	} else {
		r.number()
	}
	if r.Breaks = r.Breaks[:min(len(r.Breaks), MaxBreaks)]; r.Breaks == nil {
		r.Breaks = []Break{}
	}
	for n := range r.Breaks {
		if b := &r.Breaks[n]; b.Incident == "" && b.Start != "" {
			b.Incident = e.incidentOf(b.Start)
		}
	}
	return r
}

// share judges a promise about a share of what is counted.
func (r *Result) share() {
	total := float64(r.Good + r.Bad + r.Unseen)
	r.Allowed = (1 - r.Target) * total
	const hair = 1e-9 // of floating point: 1 - 0.9 is a little more than 0.1
	worst := float64(r.Bad + r.Unseen)
	if r.Kind == Signal { // readings come all the time: those that did not come are unknown too
		worst = worst*r.Known + (1-r.Known)*total
	}
	switch {
	case total == 0:
		r.State = Unknown
		return
	case float64(r.Bad) > r.Allowed+hair:
		r.State = Broken
	case worst <= r.Allowed+hair:
		r.State = Kept
	default:
		r.State = Unknown
	}
	r.Left = left(r.Allowed, r.Bad)
}

// number judges a promise about how often something may happen.
func (r *Result) number() {
	r.Allowed = float64(r.Allow)
	switch {
	case r.Spent > r.Allow:
		r.State = Broken
	case r.Known >= enough:
		r.State = Kept
	default:
		r.State = Unknown
	}
	if r.Known > 0 || r.Spent > 0 {
		r.Left = left(r.Allowed, r.Spent)
	}
}

func left(allowed float64, spent int) *float64 {
	share := 0.0
	switch {
	case spent == 0:
		share = 1
	case allowed > 0:
		share = max(0, 1-float64(spent)/allowed)
	}
	return &share
}

func attainment(good, bad int) *float64 {
	if good+bad == 0 {
		return nil
	}
	share := float64(good) / float64(good+bad)
	return &share
}

// inParts cuts a window into parts, and says which are those in which something
// went wrong, and those of which too little was seen.
func inParts(e Evidence, window Span, bad []Span) []string {
	length := window.Length() / parts
	all := make([]string, parts)
	for n := range all {
		part := Span{window.From.Add(time.Duration(n) * length), window.From.Add(time.Duration(n+1) * length)}
		switch {
		case slices.ContainsFunc(bad, part.overlaps):
			all[n] = "bad"
		case e.Known(part) >= enough:
			all[n] = "good"
		default:
			all[n] = "unknown"
		}
	}
	return all
}

func counted(parts []string) (good, bad, unknown int) {
	for _, p := range parts {
		switch p {
		case "good":
			good++
		case "bad":
			bad++
		default:
			unknown++
		}
	}
	return good, bad, unknown
}

// comparable is the share of the window before that must have been watched for
// it to be compared with.
const comparable = 0.5

// before is the attainment of the window before.
func before(o Objective, e Evidence, k kind, now Span) *float64 {
	earlier := Span{now.From.Add(-o.Window), now.From}
	if e.Known(earlier) < comparable {
		return nil
	}
	t := k.count(o, e, earlier)
	if !k.share {
		t.good, t.bad, _ = counted(inParts(e, earlier, t.when))
	}
	return attainment(t.good, t.bad)
}

func trend(now, before *float64) string {
	const same = 0.0005
	switch {
	case now == nil || before == nil:
		return "unknown"
	case *now > *before+same:
		return "better"
	case *now < *before-same:
		return "worse"
	}
	return "same"
}
