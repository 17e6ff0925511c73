package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/access"
	"github.com/aweigh/aweigh/internal/quantity"
	"github.com/aweigh/aweigh/internal/status"
	"github.com/aweigh/aweigh/internal/store"
)

// Incidents is a page of incidents, newest first, as Starts is one of starts.
type Incidents struct {
	Incidents []aweigh.Incident `json:"incidents"`
	Next      string            `json:"next,omitempty"`
}

func (s *server) incidents(_ http.ResponseWriter, r *http.Request) (any, error) {
	q := r.URL.Query()
	limit, err1 := limitOf(r)
	since, err2 := sinceOf(r)
	open, err3 := flagOf(r, "open")
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	all, err := s.Store.Incidents(r.Context(), store.IncidentQuery{Service: q.Get("service"), Open: open, Since: since, Before: q.Get("before"), Limit: limit + 1})
	if err != nil {
		return nil, err
	}
	page := Incidents{Incidents: all}
	if len(all) > limit {
		page.Incidents, page.Next = all[:limit], all[limit-1].ID
	}
	return page, nil
}

func (s *server) incident(_ http.ResponseWriter, r *http.Request) (any, error) {
	n, err := s.Store.Incident(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, fmt.Errorf("incident %q: %w", r.PathValue("id"), err)
	}
	return n, nil
}

// Word is the body of what is said about an incident. It may be left out where
// the call says enough.
type Word struct {
	Text string `json:"text"`
	By   string `json:"by,omitempty"` // who says it, where the credential does not tell
}

type sayFunc func(context.Context, *store.Store, string, status.Word) (aweigh.Incident, error)

// say answers with the incident as it is once the watcher has heard.
func (s *server) say(say sayFunc) handler {
	return func(_ http.ResponseWriter, r *http.Request) (any, error) {
		var word Word
		if err := body(r, &word); err != nil {
			return nil, err
		}
		n, err := say(r.Context(), s.Store, r.PathValue("id"), status.Word{By: by(r, word.By), Text: word.Text})
		if err != nil {
			return nil, err
		}
		s.Settled(r.Context())
		return s.Store.Incident(r.Context(), n.ID)
	}
}

// by is who asks: a person who has logged in, else who the request says.
func by(r *http.Request, named string) string {
	who := access.Who(r.Context())
	switch {
	case who.Session && who.Name != "token":
		return who.Name
	case named != "":
		return named[:min(len(named), 64)]
	case who.Name != "":
		return "somebody with the " + who.Name
	}
	return "somebody at the API"
}

// body reads JSON. No body at all is an empty one.
func body(r *http.Request, into any) error {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	var large *http.MaxBytesError
	switch {
	case errors.Is(err, io.EOF), err == nil:
		return nil
	case errors.As(err, &large):
		return err
	}
	return badRequest{fmt.Errorf("the body is not what /api/v1/openapi.json says: %w", err)}
}

// Windows are the maintenance windows.
type Windows struct {
	Windows []aweigh.Maintenance `json:"windows"`
}

func (s *server) windows(_ http.ResponseWriter, r *http.Request) (any, error) {
	all, err := status.Windows(r.Context(), s.Store)
	return Windows{all}, err
}

// Begin is the body that begins a maintenance.
type Begin struct {
	Services string `json:"services"` // a pattern, "" for all
	For      string `json:"for"`      // 30m, 2h, 1d
	Note     string `json:"note"`
	By       string `json:"by,omitempty"`
}

func (s *server) begin(_ http.ResponseWriter, r *http.Request) (any, error) {
	var b Begin
	if err := body(r, &b); err != nil {
		return nil, err
	}
	length, err := quantity.Duration(b.For)
	if err != nil {
		return nil, badRequest{fmt.Errorf("for: %w", err)}
	}
	window, err := status.BeginMaintenance(r.Context(), s.Store, b.Services, length, status.Word{By: by(r, b.By), Text: b.Note})
	if err != nil {
		return nil, err
	}
	s.Settled(r.Context())
	return window, nil
}

func (s *server) end(w http.ResponseWriter, r *http.Request) (any, error) {
	window, err := status.EndMaintenance(r.Context(), s.Store, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	s.Settled(r.Context())
	return window, nil
}
