package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/access"
	"github.com/aweigh/aweigh/internal/quantity"
	"github.com/aweigh/aweigh/internal/status"
	"github.com/aweigh/aweigh/internal/store"
)

// incidentsOfPage is how many incidents a page lists.
const incidentsOfPage = 50

type incidentsPage struct {
	Open, Resolved []aweigh.Incident
	Service        string
	Older          string
	Paged          bool
	Windows        []aweigh.Maintenance
}

// incidents lists what is open, and what was.
func (s *Site) incidents(w http.ResponseWriter, r *http.Request) error {
	ctx, q := r.Context(), r.URL.Query()
	data := incidentsPage{Service: q.Get("service"), Paged: q.Get("before") != ""}
	var err error
	if data.Windows, err = status.Windows(ctx, s.Store); err != nil {
		return err
	}
	if !data.Paged {
		if data.Open, err = s.Store.Incidents(ctx, store.IncidentQuery{Open: true, Service: data.Service, Limit: 200}); err != nil {
			return err
		}
	}
	all, err := s.Store.Incidents(ctx, store.IncidentQuery{Service: data.Service, Before: q.Get("before"), Limit: incidentsOfPage + 1})
	if err != nil {
		return err
	}
	if len(all) > incidentsOfPage {
		all = all[:incidentsOfPage]
		data.Older = all[incidentsOfPage-1].ID
	}
	data.Resolved = slices.DeleteFunc(all, func(n aweigh.Incident) bool { return n.Open() })
	return s.render(w, r, page{Name: "incidents", Part: "incidents", Title: "Incidents", Data: data})
}

type incidentPage struct {
	aweigh.Incident
	Starts  []aweigh.Start // newest first, those that are still kept
	Missing int
	Said    string // what was just done, for who did it
}

// incident is the page of one.
func (s *Site) incident(w http.ResponseWriter, r *http.Request) error {
	n, err := s.Store.Incident(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	data := incidentPage{Incident: n, Said: said[r.URL.Query().Get("said")]}
	for _, id := range slices.Backward(n.Starts) {
		one, err := s.Store.Start(r.Context(), id)
		if err != nil {
			data.Missing++
			continue
		}
		data.Starts = append(data.Starts, one)
	}
	return s.render(w, r, page{Name: "incident", Part: "incidents", Title: n.Service + ": " + string(n.Kind), Data: &data})
}

// said are the words for what was done.
var said = map[string]string{
	"acknowledge": "Acknowledged: there are no more reminders.",
	"resolve":     "Resolved.",
	"comment":     "The comment is kept.",
}

type sayFunc func(context.Context, *store.Store, string, status.Word) (aweigh.Incident, error)

// sayOf takes a person's word about an incident, and shows the incident.
func (s *Site) sayOf(say sayFunc) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := r.ParseForm(); err != nil {
			return err
		}
		n, err := say(r.Context(), s.Store, r.PathValue("id"), status.Word{By: nameOf(r), Text: strings.TrimSpace(r.PostForm.Get("text"))})
		if err != nil {
			return err
		}
		s.Settle(r.Context())
		verb := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		http.Redirect(w, r, "/incidents/"+n.ID+"?said="+verb, http.StatusSeeOther)
		return nil
	}
}

// settleTime is how long an answer waits for the watcher, which looks twice a
// second: the page that follows should show what was said.
const settleTime = 2 * time.Second

// Settle waits until the watcher has taken up what people have said, two seconds
// at most.
func (s *Site) Settle(ctx context.Context) {
	for end := time.Now().Add(settleTime); time.Now().Before(end); {
		rung := s.bell.next()
		if ids, _, err := s.Store.Inbox(ctx); err != nil || len(ids) == 0 {
			return
		}
		select {
		case <-rung:
		case <-time.After(settleTime / 10):
		case <-ctx.Done():
			return
		}
	}
}

// nameOf is who asks, for what is kept.
func nameOf(r *http.Request) string {
	if name := access.Who(r.Context()).Name; name != "" {
		return name
	}
	return "someone at the web page"
}

type maintenancePage struct {
	Windows  []aweigh.Maintenance
	Services string
}

func (s *Site) maintenance(w http.ResponseWriter, r *http.Request) error {
	all, err := status.Windows(r.Context(), s.Store)
	if err != nil {
		return err
	}
	return s.render(w, r, page{Name: "maintenance", Part: "maintenance", Title: "Maintenance", Data: maintenancePage{all, r.URL.Query().Get("services")}})
}

func (s *Site) beginMaintenance(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	f := r.PostForm
	length, err := quantity.Duration(f.Get("for"))
	if err != nil {
		return &status.Refused{Why: "how long? " + err.Error()}
	}
	_, err = status.BeginMaintenance(r.Context(), s.Store, strings.TrimSpace(f.Get("services")), length, status.Word{By: nameOf(r), Text: strings.TrimSpace(f.Get("text"))})
	return s.windowsAfter(w, r, err)
}

func (s *Site) endMaintenance(w http.ResponseWriter, r *http.Request) error {
	_, err := status.EndMaintenance(r.Context(), s.Store, r.PathValue("id"))
	return s.windowsAfter(w, r, err)
}

func (s *Site) windowsAfter(w http.ResponseWriter, r *http.Request, err error) error {
	if err != nil {
		return err
	}
	s.Settle(r.Context())
	http.Redirect(w, r, "/maintenance", http.StatusSeeOther)
	return nil
}
