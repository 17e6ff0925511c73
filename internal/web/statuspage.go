package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/status"
	"github.com/aweigh/aweigh/internal/store"
)

// daysShown is how far back the status page goes.
const daysShown = 90

type statusPageData struct {
	At       time.Time
	Sentence string
	Tone     string
	Away     time.Duration
	Services []serviceDays
	Recent   []plainIncident
	First    time.Time // the first day shown
}

// serviceDays are the last days of a service.
type serviceDays struct {
	Name, State, Tone string
	// Bad are the days with an incident, each with its word; Calm the others in
	// one path a tone, "ok" and "none" (nothing is known): a page has hundreds of
	// services.
	Bad   []day
	Calm  map[string]string
	Words string
}

// day is a day with an incident.
type day struct {
	Date time.Time
	Tone string // "warn", "bad"
	X    int
	Word string
}

// plainIncident is an incident for those who only need to know: nothing of what
// the service printed is in it.
type plainIncident struct {
	Service, What, Tone string
	Opened              time.Time
	Resolved            *time.Time
}

// statusPage is for others.
func (s *Site) statusPage(w http.ResponseWriter, r *http.Request) error {
	if !s.Guard.MaySeeStatus(r) {
		return s.refuseStatus(w, r)
	}
	data, err := s.stands.get(restOfPublic, func() (statusPageData, error) { return s.standing(r.Context()) })
	if err != nil {
		return err
	}
	return s.render(w, r, page{Name: "status", Title: "Status", Part: "status", Data: data})
}

// refuseStatus tells nothing but how to be let in.
func (s *Site) refuseStatus(w http.ResponseWriter, r *http.Request) error {
	return s.render(w, r, page{Name: "error", Title: "This page is not public", Code: http.StatusUnauthorized,
		Data: "A token is needed: /status?token=TOKEN, or log in."})
}

// restOfPublic bounds what those may cost who need no credential, however many ask: a
// fifth of one CPU, and one connection of the store, whose others bring letters out.
func restOfPublic(took time.Duration) time.Duration { return 4 * took }

func (s *Site) standing(ctx context.Context) (statusPageData, error) {
	now, err := status.Read(ctx, s.Store)
	if err != nil {
		return statusPageData{}, err
	}
	today := now.At.Truncate(24 * time.Hour)
	d := statusPageData{At: now.At, Away: now.Away(), First: today.AddDate(0, 0, 1-daysShown)}
	incidents, err := s.Store.Incidents(ctx, store.IncidentQuery{Since: d.First, Limit: 5000})
	if err != nil {
		return d, err
	}
	byService := map[string][]aweigh.Incident{}
	for _, n := range incidents {
		if n.Drill != "" {
			continue
		}
		byService[n.Project+"/"+n.Service] = append(byService[n.Project+"/"+n.Service], n)
		if len(d.Recent) < 20 && n.Severity != aweigh.Info {
			d.Recent = append(d.Recent, plainIncident{n.Service, inWords(n.Kind), toneOf(n.Severity), n.Opened, n.Resolved})
		}
	}
	broken := map[string]bool{}
	for _, n := range now.Incidents {
		if troubled(toneOf(n.Severity)) { // even where it comes up again at the moment
			broken[n.Project+"/"+n.Service] = true
		}
	}
	for _, one := range now.Services {
		row := serviceDays{Name: one.Service, State: one.State, Tone: toneOf(one.State)}
		if troubled(row.Tone) {
			broken[one.Project+"/"+one.Service] = true
		}
		first, err := s.Store.FirstStart(ctx, one.Project, one.Service)
		if err != nil {
			return d, err
		}
		row.fill(d.First, now.At, first, byService[one.Project+"/"+one.Service])
		d.Services = append(d.Services, row)
	}
	d.Sentence, d.Tone = sentence(len(d.Services), len(broken), d.Away)
	return d, nil
}

func troubled(tone string) bool { return tone == "bad" || tone == "warn" }

func sentence(services, broken int, away time.Duration) (text, tone string) {
	switch {
	case away > 0:
		return "Nobody has been watching lately: what is shown may be old.", "warn"
	case services == 0:
		return "No service has been seen yet.", "off"
	case broken == 0:
		return "All services are well.", "ok"
	case broken == 1:
		return "One service has trouble.", "bad"
	}
	return "Several services have trouble.", "bad"
}

// fill colours the last days by the worst incident that was open on each. Before
// the first start that is kept nothing is known.
func (d *serviceDays) fill(from, now, first time.Time, incidents []aweigh.Incident) {
	good, known := 0, 0
	calm := map[string]*strings.Builder{"ok": {}, "none": {}}
	for n := range daysShown {
		begins := from.AddDate(0, 0, n)
		ends := begins.AddDate(0, 0, 1)
		one := day{Date: begins, Tone: "ok", X: 6 * n}
		if first.IsZero() || !first.Before(ends) {
			one.Tone = "none"
		} else {
			known++
			one.worst(ends, now, incidents)
		}
		switch one.Tone {
		case "ok":
			good++
			fallthrough
		case "none":
			fmt.Fprintf(calm[one.Tone], "M%d 0h5v20h-5z", one.X)
		default:
			d.Bad = append(d.Bad, one)
		}
	}
	d.Calm = map[string]string{"ok": calm["ok"].String(), "none": calm["none"].String()}
	d.Words = plural(good, "day") + " without an incident of " + plural(known, "day") + " known"
}

// worst takes the worst of the incidents that were open on the day.
func (d *day) worst(ends, now time.Time, incidents []aweigh.Incident) {
	for _, i := range incidents {
		over := now
		if i.Resolved != nil {
			over = *i.Resolved
		}
		if tone := toneOf(i.Severity); i.Opened.Before(ends) && !over.Before(d.Date) && worse(tone, d.Tone) {
			d.Tone, d.Word = tone, inWords(i.Kind)
		}
	}
}

func worse(a, b string) bool {
	order := []string{"ok", "warn", "bad"}
	return slices.Index(order, a) > slices.Index(order, b)
}

// inWords says a kind of incident to those who do not run the service.
func inWords(k aweigh.IncidentKind) string {
	words := map[aweigh.IncidentKind]string{
		aweigh.StartupFailed: "did not start", aweigh.StartupUnconfirmed: "was slow to start", aweigh.CrashLoop: "crashed again and again",
		aweigh.UnexpectedRestart: "restarted unexpectedly", aweigh.OOMKilled: "ran out of memory", aweigh.NotServing: "did not answer",
		aweigh.Unhealthy: "was not healthy", aweigh.Unreachable: "could not be reached", aweigh.Silence: "was silent", aweigh.WatcherGap: "was not watched",
	}
	if word, ok := words[k]; ok {
		return word
	}
	if name, ok := strings.CutPrefix(string(k), "signal:"); ok {
		return name + " was out of bounds"
	}
	return strings.ReplaceAll(string(k), "-", " ")
}
