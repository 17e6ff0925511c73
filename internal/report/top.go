package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/objective"
)

// attention collects what needs a person.
func (r *Report) attention(dead int) {
	add := func(severity aweigh.Severity, service, command, what string, args ...any) {
		r.Attention = append(r.Attention, Item{severity, service, fmt.Sprintf(what, args...), command})
	}
	for _, n := range r.Incidents {
		if !n.Open() {
			continue
		}
		who := "nobody has acknowledged it"
		if a := n.Acknowledged; a != nil {
			who = "acknowledged"
			if a.By != "" {
				who += " by " + a.By
			}
		}
		what := n.Summary
		if n.Cause.Named() {
			what += "; likely cause: " + n.Cause.ID
		}
		add(n.Severity, n.Service, "aweigh incidents show "+n.ID, "%s for %s, %s: %s", n.Kind, human(r.To.Sub(n.Opened)), who, what)
	}
	for _, o := range r.Objectives {
		if o.State == objective.Broken {
			add(aweigh.Warning, "", "", "broken promise: %s: %s", o.Promise, spent(o))
		}
	}
	for _, v := range r.Services {
		if i := v.now; i != nil && i.Slower {
			add(aweigh.Warning, v.Service, "aweigh starts "+v.Service, "%s takes %s to be ready, %.1f times as long as the image before", imageName(*i), millis(*i.Ready.MedianMS), *i.Against)
		}
	}
	if dead > 0 {
		add(aweigh.Warning, "", "aweigh notify letters", "%s could not be delivered, and %s given up", count(dead, "letter"), map[bool]string{true: "was", false: "were"}[dead == 1])
	}
	rank := []aweigh.Severity{aweigh.Critical, aweigh.Warning, aweigh.Info}
	slices.SortStableFunc(r.Attention, func(a, b Item) int { return slices.Index(rank, a.Severity) - slices.Index(rank, b.Severity) })
}

// changes collects what is not as it was before.
func (r *Report) changes(e objective.Evidence, window objective.Span) {
	add := func(service, what string, args ...any) {
		r.Changes = append(r.Changes, Item{Severity: aweigh.Info, Service: service, What: fmt.Sprintf(what, args...)})
	}
	if r.Watched < 0.995 {
		add("", "somebody watched %s of this time; the rest is unknown", Share(r.Watched))
	}
	r.deployed(e, window, add)
	before := objective.Span{From: window.From.Add(-window.Length()), To: window.From}
	then := "unknown before"
	number := func(now, was int, what string) {
		if e.Known(before) > 0.5 {
			then = fmt.Sprintf("%d in the time before", was)
		}
		if now+was > 0 {
			add("", "%s (%s)", count(now, what), then)
		}
	}
	number(unasked(e.Starts, window), unasked(e.Starts, before), "unexpected restart")
	number(opened(e.Incidents, window), opened(e.Incidents, before), "new incident")
	for _, o := range r.Objectives {
		if o.Trend == "better" || o.Trend == "worse" {
			add("", "%s than before: %s: %s, was %s", o.Trend, o.Promise, Share(*o.Attainment), Share(*o.Before))
		}
	}
}

// mostDeployed is how many services a report tells of one by one that were
// deployed: those that were most often.
const mostDeployed = 10

// deployed tells what was deployed.
func (r *Report) deployed(e objective.Evidence, window objective.Span, add func(service, what string, args ...any)) {
	known, names := map[objective.Target]bool{}, map[string]int{}
	for _, s := range e.Starts {
		if s.Began.Before(window.From) {
			known[objective.Target{Project: s.Project, Service: s.Service}] = true
		}
	}
	deployed := map[objective.Target][]objective.Deployment{}
	for _, d := range e.DeploymentsIn(window) {
		for _, of := range d.Targets {
			deployed[of] = append(deployed[of], d)
		}
	}
	of := func(v Service) objective.Target { return objective.Target{Project: v.Project, Service: v.Service} }
	var told []Service
	for _, v := range r.Services {
		names[v.Service]++
		if len(deployed[of(v)]) > 0 {
			told = append(told, v)
		}
	}
	slices.SortStableFunc(told, func(a, b Service) int { return len(deployed[of(b)]) - len(deployed[of(a)]) })
	rest := told[min(len(told), mostDeployed):]
	for _, v := range told[:len(told)-len(rest)] {
		all := deployed[of(v)]
		last := all[len(all)-1]
		what := fmt.Sprintf("%s, the last on %s", count(len(all), "deployment"), moment(last.At))
		if i := v.now; i != nil && i.Against != nil {
			what += fmt.Sprintf(": now %s", imageName(*i))
		} else if image := last.ImageOf(of(v)); image != "" {
			what += ": " + image
		}
		if !known[of(v)] {
			what = "new here; " + what
		}
		if names[v.Service] > 1 && v.Project != "" {
			what = "of " + v.Project + ": " + what
		}
		add(v.Service, "%s", what)
	}
	if len(rest) > 0 {
		n, fresh := 0, 0
		for _, v := range rest {
			n += len(deployed[of(v)])
			if !known[of(v)] {
				fresh++
			}
		}
		add("", "%s of %s more, %d of them new here", count(n, "deployment"), count(len(rest), "service"), fresh)
	}
}

func unasked(starts []aweigh.Start, window objective.Span) (n int) {
	for _, s := range starts {
		if at, ended := objective.Unasked(s); ended && window.Contains(at) {
			n++
		}
	}
	return n
}

func opened(incidents []aweigh.Incident, window objective.Span) (n int) {
	for _, i := range incidents {
		if window.Contains(i.Opened) {
			n++
		}
	}
	return n
}

// Headline is the report in a line: "2 things need you; 5 starts of 3 services".
func (r *Report) Headline() string {
	var parts []string
	switch n := len(r.Attention); n {
	case 0:
		parts = append(parts, "nothing needs you")
	case 1:
		parts = append(parts, "1 thing needs you")
	default:
		parts = append(parts, fmt.Sprintf("%d things need you", n))
	}
	starts, failed := 0, 0
	for _, v := range r.Services {
		starts += v.Starts
		for verdict, n := range v.Verdicts {
			if verdict.Failed() {
				failed += n
			}
		}
	}
	text := fmt.Sprintf("%s of %s", count(starts, "start"), count(len(r.Services), "service"))
	if failed > 0 {
		text += fmt.Sprintf(", %d failed", failed)
	}
	return strings.Join(append(parts, text), "; ")
}

// spent says how much of a promise was broken.
func spent(o objective.Result) string {
	switch o.Kind {
	case objective.Restarts, objective.Silence:
		return fmt.Sprintf("it happened %s", times(o.Spent))
	}
	return fmt.Sprintf("not so for %d of %d", o.Bad, o.Good+o.Bad+o.Unseen)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Share is a share of 1 in per cent, rounded down: 99.99 % is not all.
func Share(x float64) string {
	return strconv.FormatFloat(math.Floor(x*1000+1e-9)/10, 'f', -1, 64) + " %"
}

func imageName(i Image) string {
	id := strings.TrimPrefix(i.ID, "sha256:")
	if len(id) > 12 {
		id = id[:12]
	}
	switch {
	case id == "" || strings.Contains(i.Image, id):
		return i.Image
	case i.Image == "":
		return id
	}
	return i.Image + " (" + id + ")"
}

// moment is in UTC and says so: the reader may be in another zone.
func moment(t time.Time) string { return t.UTC().Format("2 Jan 15:04 UTC") }

func millis(ms int64) string { return human(time.Duration(ms) * time.Millisecond) }

func human(d time.Duration) string {
	if d < 48*time.Hour {
		return strings.Replace(cli.Human(d), "h0m", "h", 1)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
