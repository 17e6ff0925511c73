package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/status"
	"github.com/aweigh/aweigh/internal/store"
)

// found is a place to go to.
type found struct {
	URL  string `json:"url"`
	Kind string `json:"kind"` // service, start, incident, page
	Name string `json:"name"`
	What string `json:"what,omitempty"`
}

// findLimit is how much is found at most.
const findLimit = 20

// places are the pages that can be found by name.
var places = []found{
	{"/", "page", "Services", ""}, {"/incidents", "page", "Incidents", ""}, {"/maintenance", "page", "Maintenance", ""},
	{"/deployments", "page", "Deployments", ""}, {"/drills", "page", "Drills", ""}, {"/objectives", "page", "Objectives", ""},
	{"/status", "page", "Status page", "for others"},
}

type findPage struct {
	Query string
	Found []found
}

// find finds services by a part of their name, starts and incidents by the
// beginning of their id: as a page, or as JSON for the script.
func (s *Site) find(w http.ResponseWriter, r *http.Request) error {
	q := strings.TrimSpace(r.URL.Query().Get("q"))
	all, err := s.search(r, q)
	if err != nil {
		return err
	}
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		return json.NewEncoder(w).Encode(all)
	}
	return s.render(w, r, page{Name: "find", Title: "Find", Data: findPage{q, all}})
}

func (s *Site) search(r *http.Request, q string) ([]found, error) {
	ctx, text := r.Context(), strings.ToLower(q)
	all := []found{}
	now, err := status.Read(ctx, s.Store)
	if err != nil {
		return nil, err
	}
	for _, one := range now.Services {
		if name := strings.ToLower(one.Project + "/" + one.Service); strings.Contains(name, text) {
			all = append(all, found{serviceURL(one.Project, one.Service), "service", one.Service, strings.TrimSpace(one.Project + " " + one.State)})
		}
	}
	// What begins with the text comes before what only has it in it.
	slices.SortStableFunc(all, func(a, b found) int {
		return rank(a.Name, text) - rank(b.Name, text)
	})
	all = all[:min(len(all), findLimit)]
	if text == "" {
		return all, nil
	}
	one, err := s.Store.Start(ctx, q)
	switch {
	case err == nil:
		all = append(all, found{"/starts/" + one.ID, "start", one.ID, one.Service + " " + cli.VerdictWord(one)})
	case !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrAmbiguous):
		return nil, err
	}
	n, err := s.Store.Incident(ctx, q)
	switch {
	case err == nil:
		all = append(all, found{"/incidents/" + n.ID, "incident", n.ID, n.Service + " " + string(n.Kind)})
	case !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrAmbiguous):
		return nil, err
	}
	for _, p := range places {
		if strings.Contains(strings.ToLower(p.Name), text) {
			all = append(all, p)
		}
	}
	return all, nil
}

func rank(name, text string) int {
	switch name = strings.ToLower(name); {
	case name == text:
		return 0
	case strings.HasPrefix(name, text):
		return 1
	}
	return 2
}
